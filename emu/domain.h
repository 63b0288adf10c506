/* SPDX-License-Identifier: GPL-2.0-only */
/* What machine.c, run.c and domain.c know of each other; models include machine.h. */
#ifndef EMU_DOMAIN_H
#define EMU_DOMAIN_H

#include "machine.h"

/* The CPU's exit callback. */
enum cpu_act domain_exit(void *ctx, struct vcpu *c, struct cpu_exit *x);

/* When the next byte of console input can be delivered: the input's own due cycle, or never while
   the console has no room for it. */
uint64_t machine_input_due(const struct machine *m);

#endif
