/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second stack, for the machine. A debugger that stops inside a hypervisor model stops in the
 * middle of a C function of that model, called by the engine, called by the run loop. All of that
 * is left standing where it is, as a frozen stack, while the person at the prompt looks around.
 */
#ifndef DEBUGGER_CONTROL_FIBER_H
#define DEBUGGER_CONTROL_FIBER_H

#include "emu/err.h"

struct fiber;
/* fn runs on the fiber's own stack, from the first fiber_enter(), and never returns. */
struct fiber *fiber_new(void (*fn)(void *ctx), void *ctx, struct err *err);
/* Whatever stands on its stack is forgotten. Not from inside. */
void fiber_free(struct fiber *f);

/* From outside: go on in the fiber, until it leaves. */
void fiber_enter(struct fiber *f);
/* From inside: back to whoever entered. Returns at the next fiber_enter(). */
void fiber_leave(struct fiber *f);

#endif
