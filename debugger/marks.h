/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marked addresses, shared. The CPU gives an exit before a marked instruction, and the machine tells
 * its one watcher. Here that watcher is a registry, so that a tracer, breakpoints and a stepping
 * debugger can all want the same address and know nothing of each other.
 */
#ifndef DEBUGGER_MARKS_H
#define DEBUGGER_MARKS_H

#include "emu/machine.h"

/*
 * Called before the instruction at `at` runs; `tag` is what the client gave. The machine is at an
 * instruction boundary. It looks and changes nothing; true asks for a stop right there.
 */
typedef bool (*mark_fn)(void *ctx, struct domain *d, uint32_t at, uint32_t tag);

/* The machine's registry, made when first asked for. NULL: out of memory. It goes away by itself with
   its last client. */
struct marks *marks_of(struct machine *m);
/* Are clients being called right now: is the machine at a mark? */
bool marks_telling(const struct marks *k);

/* Clients of one address are called in the order in which they were added. False: out of memory. */
bool marks_add(struct marks *k, uint32_t at, mark_fn fn, void *ctx, uint32_t tag);
/* Safe inside a mark function, also for its own mark. */
void marks_remove(struct machine *m, uint32_t at, mark_fn fn, void *ctx, uint32_t tag);

/* A client of the whole registry (it keeps it alive; NULL: none any more): called after all clients of
   an address, with what they answered together; its answer is the one that counts. */
typedef bool (*mark_last_fn)(void *ctx, struct domain *d, bool wanted);
void marks_last(struct marks *k, mark_last_fn fn, void *ctx);

#endif
