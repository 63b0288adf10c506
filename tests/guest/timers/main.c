// SPDX-License-Identifier: GPL-2.0-only
/*
 * timers: the 8254, the CMOS clock and the TSC, and that they tell the same time
 *
 * Background: a kernel finds out how fast its TSC is by letting the 8254 count (1,193,182 Hz) and then
 *   trusts both for ever. On this machine the TSC counts nanoseconds of virtual time.
 * What it does: drives counter 2 through its modes and watches its output bit; lets counter 0
 *   interrupt at several rates and measures each with the TSC; the same with the CMOS clock's periodic
 *   interrupt; reads the date. On another machine, whose TSC has another rate and whose time is the
 *   host's, only order and rough proportion are looked at; QEMU 7.2's 8254 also ignores the gate in
 *   mode 0 and shows the outputs of modes 1 and 2 inverted.
 *   Under lguest none of these exists but the TSC; there is one call, which sets a clock that rings
 *   once, and the time of day in shared memory.
 * How it could be fooled: two clocks that are wrong by the same factor agree; the TSC's rate itself is
 *   therefore fixed here, at 1 GHz.
 */
#include "abi/lguest.h"
#include "pic.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "timers";

static volatile unsigned ticks, clock_ticks;
static bool exact;

static void on_tick(struct regs *r)
{
    ticks++;
    pic_eoi(r->vector - IRQ_VECTOR);
}

static void on_clock(struct regs *r)
{
    clock_ticks++;
    cmos_read(0x0C); /* or it never asks again */
    pic_eoi(r->vector - IRQ_VECTOR);
}

/* ---- counter 2: what each mode does to the output ---- */

static bool out2_becomes(bool level)
{
    for (unsigned i = 0; i < 10000000; i++)
        if (pit_out2() == level)
            return true;
    return false;
}

static void modes(void)
{
    pit_gate2(true);
    pit_set(2, 0, 1000);
    check(!pit_out2(), "mode 0: the output is high before the end");
    check(out2_becomes(true), "mode 0: the count never ends");
    check(pit_out2(), "mode 0: the output falls again");

    pit_gate2(false);
    pit_set(2, 0, 1000);
    uint16_t held = pit_read(2);
    for (unsigned i = 0; i < 1000; i++)
        inb(0x80);
    if (exact)
        check_eq(pit_read(2), held); /* the gate is closed: it does not count */
    pit_gate2(true);
    check(out2_becomes(true), "mode 0: an opened gate does not go on");

    /* One-shot: armed by the gate's rising edge. */
    pit_gate2(false);
    pit_set(2, 1, 1000);
    pit_gate2(true);
    if (exact)
        check(out2_becomes(false) && out2_becomes(true), "mode 1: no pulse");

    pit_set(2, 2, 20000);
    uint16_t a = pit_read(2), b = a;
    for (unsigned i = 0; i < 1000000 && b <= a; i++) {
        a = b;
        b = pit_read(2);
    }
    check(b > a, "mode 2: the counter never reloads");
    check(b <= 20000, "mode 2: %u is more than the reload value", b);
    if (exact)
        check(pit_out2(), "mode 2: the output is low for more than one tick");

    pit_set(2, 3, 20000);
    check(out2_becomes(false) && out2_becomes(true) && out2_becomes(false),
          "mode 3: no square wave");

    /* A latched count stays until it is read. */
    outb(PIT_CONTROL, 2 << 6);
    uint16_t low = inb(PIT_CH2);
    for (unsigned i = 0; i < 3000; i++)
        inb(0x80);
    uint16_t latched = (uint16_t)(low | inb(PIT_CH2) << 8), now = pit_read(2);
    check(latched != now, "the counter stands still at %u", now);
    check_eq(pit_status(2) & 0x3F, 0x36); /* low and high byte, mode 3, binary */

    /* Low byte alone. */
    outb(PIT_CONTROL, 2 << 6 | 0x10);
    outb(PIT_CH2, 200);
    check(inb(PIT_CH2) <= 200, "a one-byte count has more than one byte");
    check(out2_becomes(true), "a one-byte count does not end");
    pit_gate2(false);
}

/* ---- rates, in TSC cycles ---- */

/* Within a thousandth, and the slack of one wake-up. */
static void check_span(const char *what, uint64_t cycles, uint32_t micros)
{
    uint32_t us = (uint32_t)cycles / 1000; /* spans here are below four seconds */

    if (exact)
        check(us >= micros - micros / 1000 - 2 && us <= micros + micros / 1000 + 2,
              "%s: %u microseconds, should be %u", what, us, micros);
}

static void rates(void)
{
    static const uint16_t counts[] = {1194, 11932, 59659};

    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        pit_set(0, 2, counts[i]);
        ticks = 0;
        while (ticks < 1)
            sti_hlt_cli();
        uint64_t start = rdtsc();
        while (ticks < 11)
            sti_hlt_cli();
        uint64_t cycles = rdtsc() - start;
        /* 10 * count / 1193182 s, in microseconds: count * 8.380951 */
        check_span("counter 0", cycles, counts[i] * 8u + counts[i] * 381u / 1000);
        check(ticks == 11 || !exact, "%u interrupts instead of 11", ticks);
    }
    pit_set(0, 0, 1); /* one more, perhaps one that waited already, then silence */
    sti_hlt_cli();
    for (unsigned i = 0; i < 100000; i++)
        asm volatile("sti; nop; cli");
    ticks = 0;
    for (unsigned i = 0; i < 100000; i++)
        asm volatile("sti; nop; cli");
    check_eq(ticks, 0);
}

static void clock(void)
{
    pic_mask((uint16_t) ~(1 << IRQ_CASCADE | 1 << IRQ_RTC));
    cmos_write(0x0A, 0x26); /* 1024 Hz */
    cmos_read(0x0C);
    cmos_write(0x0B, cmos_read(0x0B) | 0x40);
    clock_ticks = 0;
    while (clock_ticks < 1)
        sti_hlt_cli();
    uint64_t start = rdtsc();
    while (clock_ticks < 65)
        sti_hlt_cli();
    check_span("CMOS clock", rdtsc() - start, 62500);

    cmos_write(0x0A, 0x2C); /* 16 Hz */
    while (clock_ticks < 66)
        sti_hlt_cli();
    start = rdtsc();
    while (clock_ticks < 68)
        sti_hlt_cli();
    check_span("CMOS clock, slow", rdtsc() - start, 125000);
    cmos_write(0x0B, cmos_read(0x0B) & ~0x40);
    cmos_write(0x0A, 0x26);

    check(cmos_read(0x0D) & 0x80, "the CMOS battery is flat");
    /* A second passes: the update-ended interrupt says so, and the seconds agree. */
    cmos_read(0x0C);
    cmos_write(0x0B, cmos_read(0x0B) | 0x10);
    clock_ticks = 0;
    while (clock_ticks < 1)
        sti_hlt_cli();
    uint8_t second = cmos_read(0x00);
    start = rdtsc();
    while (clock_ticks < 2)
        sti_hlt_cli();
    check_span("a second", rdtsc() - start, 1000000);
    check(cmos_read(0x00) != second, "a second later it is the same second");
    cmos_write(0x0B, cmos_read(0x0B) & ~0x10);
    cmos_read(0x0C);
    pic_mask(0xFFFF);
    uint8_t century = cmos_read(0x32);
    printk("date %02x%02x-%02x-%02x\n", century, cmos_read(0x09), cmos_read(0x08), cmos_read(0x07));
}

static void tsc(void)
{
    uint64_t last = rdtsc();
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = rdtsc();
        if (now <= last) {
            test_failure("the TSC goes from %llx to %llx", last, now);
            return;
        }
        last = now;
    }
    if (env->ring)
        return;
    wrmsr(MSR_TSC, 0x500000000ull);
    uint64_t now = rdtsc();
    if (exact)
        check(now >> 32 == 5, "a written TSC reads %llx", now);

    write_cr4(read_cr4() | CR4_TSD);
    check_no_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdtsc"));
    write_cr4(read_cr4() & ~(uint32_t)CR4_TSD);
}

static uint32_t rdtsc_at_3(uint32_t unused)
{
    (void)unused;
    return TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdtsc").happened;
}

/* ---- lguest: a clock that rings once, and the time of day in shared memory ---- */

enum { SLACK_NS = 20000 }; /* a few crossings, as dear as they are */

static volatile uint64_t rang_at;

static void on_ring(struct regs *r)
{
    (void)r;
    ticks++;
    rang_at = rdtsc();
}

static void set_clock(uint32_t ns)
{
    lguest_hcall(LHCALL_SET_CLOCKEVENT, ns, 0, 0, 0);
}

static uint64_t time_of_day(void)
{
    volatile struct lguest_data *d = &lguest_data;
    return (uint64_t)(uint32_t)d->tv_sec * 1000000000u + (uint32_t)d->tv_nsec;
}

static void spend(uint32_t ns)
{
    uint64_t until = rdtsc() + ns;

    irq_enable();
    while (rdtsc() < until)
        ;
    irq_disable();
}

static void clock_event(void)
{
    static const uint32_t delays[] = {100, 2000, 50000, 1000000, 40000000, 1000000000};

    check_eq(lguest_data.tsc_khz, 1000000);
    trap_handle(IRQ_VECTOR, on_ring);
    env->lines_open(1);
    for (unsigned i = 0; i < ARRAY_SIZE(delays); i++) {
        ticks = 0;
        uint64_t start = rdtsc(), day = time_of_day();
        set_clock(delays[i]);
        env->irq_wait();
        uint64_t passed = rang_at - start;
        check_eq(ticks, 1);
        check(passed >= delays[i] && passed <= delays[i] + SLACK_NS,
              "%u ns: the clock rings after %llx", delays[i], passed);
        if (i) {
            uint64_t by_day = time_of_day() - day;
            check(by_day + SLACK_NS >= delays[i] && by_day <= delays[i] + 2 * SLACK_NS,
                  "%u ns by the TSC: %llx by the time of day", delays[i], by_day);
        }
    }
    spend(3000000); /* it was once */
    check_eq(ticks, 1);

    set_clock(500000);
    set_clock(0); /* never mind */
    spend(3000000);
    check_eq(ticks, 1);

    uint64_t start = rdtsc();
    set_clock(500000);
    set_clock(5000000); /* in place of the other, not besides */
    spend(8000000);
    check_eq(ticks, 2);
    check(rang_at - start >= 5000000, "the clock rings after %llx", rang_at - start);

    set_clock(0xFFFFFFFF);
    spend(3000000);
    check_eq(ticks, 2);
    set_clock(0);
}

/* A kernel that looks for a PC's clocks sees that there are none. */
static void no_other_clocks(void)
{
    check_eq(inb(PIT_CH0), 0xFF);
    check_eq(inb(PIT_CH2), 0xFF);
    check_eq(inb(PORT_B), 0xFF);
    check_eq(cmos_read(0), 0xFF);
    check_eq(inb(PIC1 + 1), 0xFF);
}

void test_main(void)
{
    exact = on_ringside();
    tsc();
    check_eq(user_call(rdtsc_at_3, 0, 0), 0);
    if (on_lguest()) {
        clock_event();
        no_other_clocks();
        return;
    }
    write_cr4(read_cr4() | CR4_TSD);
    check_eq(user_call(rdtsc_at_3, 0, 0), 1);
    write_cr4(read_cr4() & ~(uint32_t)CR4_TSD);

    modes();
    pic_init();
    trap_handle(IRQ_VECTOR + IRQ_PIT, on_tick);
    trap_handle(IRQ_VECTOR + IRQ_RTC, on_clock);
    pic_mask((uint16_t) ~(1 << IRQ_PIT));
    rates();
    clock();
}
