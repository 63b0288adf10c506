/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIGSEGV belongs to the process, not to a machine, so this is one of the few places with global
 * state: a short list of address ranges whose faults mean something, and what to print when a fault
 * is not meant.
 *
 * A range has data in the middle and a no man's land of PROT_NONE pages on both sides. A store to
 * data that was made read-only is how we hear of writes; any access to the no man's land is a mistake
 * of ours (an index of the guest's that nobody checked). It is called what it is, with the guest's
 * place in its program, and ends the process with status 70, or in a sanitizer's hands, which knows
 * the place in ours. It is never repaired.
 */
#ifndef EMU_GUARD_H
#define EMU_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard {
    uintptr_t start, end;           /* all of it */
    uintptr_t data_start, data_end; /* what lies between the guards */
    const char *name;               /* of the data, for the message: "the machine's memory" */
    /* In the signal handler: true when the store can be done again now. NULL: never. */
    bool (*fault)(struct guard *g, uintptr_t address);
};

/* Watch a range; installs the handler, or puts it on top again. False: no room, or the host refused. */
bool guard_add(struct guard *g);
void guard_remove(struct guard *g);

/*
 * A zeroed block that ends at a guard and has one before it: for what is indexed with numbers that a
 * guest has chosen. At most 15 bytes lie between its end and the guard. NULL: the host has no room.
 */
void *guard_alloc(size_t bytes, const char *name);
void guard_free(void *block); /* NULL is fine */

/*
 * While a thread runs inside the engine, a fault in no range of ours (or an abort) is the
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
