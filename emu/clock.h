/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual time has one owner. A cycle is one retired instruction or one unit of charged cost, and
 * by convention one nanosecond: CYCLES_PER_SECOND is the frequency of the TSC that guests see.
 *
 * A timer is a cycle in somebody's state block (its `due`), with a function to call when the clock
 * has reached it. The clock keeps only pointers, so a restored snapshot re-arms every timer by
 * having copied the blocks.
 */
#ifndef EMU_CLOCK_H
#define EMU_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CYCLES_PER_SECOND 1000000000ull
#define CLOCK_NEVER UINT64_MAX
#define CLOCK_MAX_TIMERS 16

struct clock {
    struct clock_timer {
        const char *name; /* static text, for people */
        uint64_t *due; /* in a state block; CLOCK_NEVER: not armed */
        void (*fire)(void *ctx, uint64_t now); /* must move *due on, or to CLOCK_NEVER */
        void *ctx;
    } timer[CLOCK_MAX_TIMERS];
    unsigned timers;
};

/* Timers that are due at the same cycle fire in the order of registration. */
void clock_add_timer(struct clock *k, const char *name, uint64_t *due,
                     void (*fire)(void *, uint64_t), void *ctx);
uint64_t clock_next(const struct clock *k); /* the earliest due cycle */
/* Is somebody due before this cycle? */
static inline bool clock_due_before(const struct clock *k, uint64_t cycle)
{
    for (unsigned i = 0; i < k->timers; i++)
        if (*k->timer[i].due < cycle)
            return true;
    return false;
}
/* Fire everything due at or before now, earliest first; how many fired. */
unsigned clock_run_due(struct clock *k, uint64_t now);

/* ticks of a clock of `hz` since cycle 0, and the first cycle at which that clock shows `ticks`:
   exact for the life of a machine (128-bit intermediate). */
uint64_t clock_ticks(uint64_t cycles, uint64_t hz);
uint64_t clock_cycle_of_tick(uint64_t ticks, uint64_t hz);

#endif
