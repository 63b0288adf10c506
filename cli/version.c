/* SPDX-License-Identifier: GPL-2.0-only */
#include "version.h"

#include "emu/machine.h"

void print_versions(FILE *to)
{
    fprintf(to, "ringside %s\n", RINGSIDE_VERSION);
    /* These two are asked, since what a run computes hangs on them; the rest is as it was built. */
    fprintf(to, "Unicorn %s, Zydis %s, " RINGSIDE_LIBRARIES "\n", cpu_engine_version(),
            x86_decoder_version());
    fputs("License GPL-2.0-only; no warranty, to the extent permitted by law.\n", to);
}
