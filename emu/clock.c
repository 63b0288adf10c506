/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock: who is due next, and the arithmetic between cycles and the ticks of slower clocks.
 *
 * There are at most sixteen timers in a PC like ours, so "the earliest" is a loop over an array: it
 * stays in one cache line or two, and unlike a heap it has no state of its own that a restored
 * snapshot would have to put right.
 */
#include "clock.h"

#include <assert.h>
#include <stddef.h>

void clock_add_timer(struct clock *k, const char *name, uint64_t *due,
                     void (*fire)(void *, uint64_t), void *ctx)
{
    assert(k->timers < CLOCK_MAX_TIMERS && "raise CLOCK_MAX_TIMERS");
    k->timer[k->timers++] = (struct clock_timer){.name = name, .due = due, .fire = fire, .ctx = ctx};
}

static const struct clock_timer *earliest(const struct clock *k)
{
    const struct clock_timer *best = NULL;

    for (unsigned i = 0; i < k->timers; i++) {
        if (!best || *k->timer[i].due < *best->due)
            best = &k->timer[i]; /* strictly less: the first registered wins a tie */
    }
    return best;
}

uint64_t clock_next(const struct clock *k)
{
    const struct clock_timer *t = earliest(k);

    return t ? *t->due : CLOCK_NEVER;
}

unsigned clock_run_due(struct clock *k, uint64_t now)
{
    unsigned fired = 0;

    for (;;) {
        const struct clock_timer *t = earliest(k);
        if (!t || *t->due > now || *t->due == CLOCK_NEVER)
            return fired;
        uint64_t was = *t->due;
        t->fire(t->ctx, now);
        assert(*t->due > was && "a timer must move on when it fires, or the clock stands still");
        fired++;
    }
}

uint64_t clock_ticks(uint64_t cycles, uint64_t hz)
{
    return (uint64_t)((unsigned __int128)cycles * hz / CYCLES_PER_SECOND);
}

uint64_t clock_cycle_of_tick(uint64_t ticks, uint64_t hz)
{
    if (!hz)
        return CLOCK_NEVER;
    /* Rounded up: at this cycle, and not one before, clock_ticks() has reached `ticks`. */
    unsigned __int128 c = ((unsigned __int128)ticks * CYCLES_PER_SECOND + hz - 1) / hz;
    return c < CLOCK_NEVER ? (uint64_t)c : CLOCK_NEVER;
}
