/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time. The 8254, or a hypervisor's clock, ticks a hundred times a second and drives everything
 * that is due: sleepers, interval timers, the scheduler. Between ticks the time-stamp counter tells
 * the nanoseconds; its rate is measured once against the 8254, or the hypervisor knows it. The wall
 * clock is read once at boot, from the CMOS or the hypervisor.
 */
#include "time.h"
#include "pv/pv.h"
#include "sched.h"
#include "traps.h"

volatile uint32_t jiffies;

static uint64_t tsc_at_boot, realtime_at_boot_ns;
static uint64_t last_tick_ns;
static uint32_t tsc_mult;                      /* ns = cycles * tsc_mult >> TSC_SHIFT */
static struct list timers = LIST_INIT(timers); /* by time */

enum { TSC_SHIFT = 22 };

/* 96-bit product, so that years of cycles do not overflow. */
uint64_t tsc_to_ns(uint64_t tsc)
{
    uint64_t cycles = tsc - tsc_at_boot;
    uint64_t low = (cycles & 0xFFFFFFFF) * tsc_mult, high = (cycles >> 32) * tsc_mult;

    return (high << (32 - TSC_SHIFT)) + (low >> TSC_SHIFT);
}

uint64_t clock_monotonic_ns(void)
{
    return pv_sched_clock();
}

uint64_t clock_realtime_ns(void)
{
    return realtime_at_boot_ns + clock_monotonic_ns();
}

uint64_t clock_realtime_coarse_ns(void)
{
    return realtime_at_boot_ns + last_tick_ns;
}

void clock_set_realtime(uint64_t ns)
{
    realtime_at_boot_ns = ns - clock_monotonic_ns();
    pv_set_wallclock((uint32_t)(ns / 1000000000u));
}

void timer_start(struct timer *t, uint64_t at_ns, void (*fn)(struct timer *t))
{
    uint32_t flags = irq_save();
    struct timer *later;

    if (t->link.next)
        list_del(&t->link);
    t->at_ns = at_ns;
    t->fn = fn;
    list_for_each(later, &timers, link) if (later->at_ns > at_ns) break;
    list_add_tail(&later->link, &t->link); /* later may be the head itself: then at the end */
    irq_restore(flags);
}

void timer_stop(struct timer *t)
{
    uint32_t flags = irq_save();

    if (t->link.next)
        list_del(&t->link);
    irq_restore(flags);
}

static void run_timers(void)
{
    while (!list_empty(&timers)) {
        struct timer *t = list_first(&timers, struct timer, link);
        if (t->at_ns > last_tick_ns)
            break;
        list_del(&t->link);
        t->fn(t);
    }
}

void time_tick(struct trap_frame *f)
{
    jiffies++;
    last_tick_ns = clock_monotonic_ns();
    run_timers();
    itimer_tick(from_user(f));
    sched_tick(from_user(f));
}

void time_start(void)
{
    uint32_t khz = pv_get_tsc_khz();

    tsc_mult = (uint32_t)((1000000ull << TSC_SHIFT) / khz);
    tsc_at_boot = pv_read_tsc();
    realtime_at_boot_ns = (uint64_t)pv_get_wallclock() * 1000000000u;
    printk("time: TSC at %u.%03u MHz\n", khz / 1000, khz % 1000);
    irq_register(0, "timer", time_tick);
    pv_time_init();
    pv_setup_boot_clock();
}
