/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bare machine answers to each kind of exit: the behaviour that a model gets for every
 * slot of its table that it leaves NULL.
 */
#ifndef EMU_BOARD_H
#define EMU_BOARD_H

#include "machine.h"

enum cpu_act board_exit(struct domain *d, struct cpu_exit *x);

/* The CPUID leaves of this machine: only what it emulates is announced. */
struct cpuid_answer {
    uint32_t eax, ebx, ecx, edx;
};
struct cpuid_answer board_cpuid(uint32_t leaf, uint32_t subleaf);

#endif
