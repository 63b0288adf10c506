/* SPDX-License-Identifier: GPL-2.0-only */
/* In place of emu/x86/insn.c, of which a saved machine's header wants the version only. */
#include "x86/x86.h"

const char *x86_decoder_version(void)
{
    return "of no decoder";
}
