/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIGSEGV belongs to the process, not to a machine, so this is one of the few places with global
 * state: a short list of address ranges whose faults are meant, and what to print when a fault is
 * not meant and the engine is to blame.
 */
#ifndef EMU_GUARD_H
#define EMU_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct guard {
    uintptr_t start, end;
    /* In the signal handler: true when the store can be done again now. */
    bool (*fault)(struct guard *g, uintptr_t address);
};

/* Watch a range; installs the handler, or puts it on top again. False: no room, or the host refused. */
bool guard_add(struct guard *g);
void guard_remove(struct guard *g);

/*
 * While a thread runs inside the engine, a fault that no guard explains (or an abort) is the
 * engine's own: then text() is called in the signal handler to describe where the guest was, and
 * the process ends with status 70. There is no way back: the engine's memory may be damaged.
 * NULL: the thread has left the engine. Returns what was set before.
 */
struct guard_engine {
    void (*text)(void *ctx, char *to, unsigned size);
    void *ctx;
};
const struct guard_engine *guard_enter_engine(const struct guard_engine *e);

/* What must be put right before the process ends so (a raw terminal): called in the signal handler,
   by whichever thread it was. One for the process; NULL: nothing. */
void guard_on_death(void (*fn)(void));

#endif
