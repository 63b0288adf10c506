/* SPDX-License-Identifier: GPL-2.0-only */
/* The 8254 timer (Intel 8254 data sheet): the tick, and the yardstick for the time-stamp counter. */
#include "drivers.h"
#include "pv/pv.h"

#define PIT_HZ 1193182u

enum {
    COUNTER0 = 0x40,
    CONTROL = 0x43,
    LATCH0 = 0x00,
    ACCESS_BOTH = 0x30,
    RATE_GENERATOR = 2 << 1,
};

static void load(uint16_t divisor)
{
    outb(ACCESS_BOTH | RATE_GENERATOR, CONTROL);
    outb(divisor & 0xFF, COUNTER0);
    outb(divisor >> 8, COUNTER0);
}

void pit_start(unsigned hz)
{
    load((PIT_HZ + hz / 2) / hz);
}

static uint16_t count(void)
{
    uint8_t low;

    outb(LATCH0, CONTROL);
    low = inb(COUNTER0);
    return low | inb(COUNTER0) << 8;
}

/*
 * Let the counter run from 65536 (it takes 55 ms) and compare after a while. Looking is slow,
 * through five ports, so the waits between the looks grow; 2.5 ms are enough for one part in three
 * thousand.
 */
uint32_t pit_calibrate_tsc(void)
{
    uint32_t flags = irq_save(), ticks = 0;
    uint64_t start, end;
    uint16_t first;

    load(0);
    first = count();
    start = end = pv_read_tsc();
    for (uint32_t spins = 1000; ticks < PIT_HZ / 400 && spins < 0x80000000u; spins += spins / 2) {
        for (volatile uint32_t i = 0; i < spins; i++)
            ;
        ticks = (uint16_t)(first - count());
        end = pv_read_tsc();
    }
    irq_restore(flags);
    if (!ticks)
        panic("the 8254 timer does not count");
    uint64_t khz = (end - start) * PIT_HZ / (ticks * 1000);
    return khz ? (uint32_t)khz : 1;
}
