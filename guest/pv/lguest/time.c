/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_time_ops under lguest: a clock that rings once, set anew at each tick; the time of day in shared
 * memory; the time-stamp counter, which ring 1 may read, and its rate.
 */
#include "lguest.h"
#include "kernel/time.h"
#include "kernel/traps.h"

#define NSEC_PER_SEC 1000000000ull
#define TICK_NS      (NSEC_PER_SEC / HZ)
#define MIN_DELTA_NS 100 /* the hypervisor may find less already past */

/* The hypervisor writes both words whenever it delivers something. */
static uint64_t time_of_day_ns(void)
{
    volatile struct lguest_data *d = &lguest_data;
    uint32_t sec, nsec;

    do {
        sec = (uint32_t)d->tv_sec;
        nsec = (uint32_t)d->tv_nsec;
    } while (sec != (uint32_t)d->tv_sec);
    return sec * NSEC_PER_SEC + nsec;
}

/* Ticks are due at fixed instants, or each would be late by what it took to get here. Those that were
   missed altogether are missed, as with the 8254. */
static void set_clock(void)
{
    static uint64_t next_ns;
    uint64_t now = clock_monotonic_ns();

    do
        next_ns += TICK_NS;
    while (next_ns <= now);
    lguest_hcall(LHCALL_SET_CLOCKEVENT, MAX((uint32_t)(next_ns - now), MIN_DELTA_NS), 0, 0, 0);
}

static void tick(struct trap_frame *f)
{
    set_clock();
    time_tick(f);
}

void lguest_time_init(void)
{
    irq_register(0, "timer", tick);
    set_clock();
}
PV_HYPERCALL(lguest_time_init, LHCALL_SET_CLOCKEVENT);

uint32_t lguest_get_wallclock(void)
{
    return (uint32_t)(time_of_day_ns() / NSEC_PER_SEC);
}
PV_SHARED(lguest_get_wallclock, "reads tv_sec, tv_nsec");

int lguest_set_wallclock(__attribute__((unused)) uint32_t seconds)
{
    return -1;
}

/* Without a counter to trust there is the time of day, as fine as the last interrupt. */
uint64_t lguest_sched_clock(void)
{
    static uint64_t first;

    if (lguest_data.tsc_khz)
        return tsc_to_ns(pv_read_tsc());
    if (!first)
        first = time_of_day_ns();
    return time_of_day_ns() - first;
}
PV_SHARED(lguest_sched_clock, "reads tsc_khz");

uint32_t lguest_get_tsc_khz(void)
{
    return lguest_data.tsc_khz ? lguest_data.tsc_khz : 1000000; /* nominal: nobody counts by it */
}
PV_SHARED(lguest_get_tsc_khz, "reads tsc_khz");
