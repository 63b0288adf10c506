/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254, exact in virtual time. A counter is a function of time: given what was loaded at which
 * tick, OUT and the count at any other tick follow, and so does the tick at which OUT will change
 * next. That is all a timer needs, and nobody has to count.
 *
 *   mode            OUT                                    the count starts with
 *   0  terminal     low, high from the terminal count on   a write
 *   1  one-shot     low for N ticks                        a rising gate
 *   2  rate         low in the last tick of every N        a write, a rising gate
 *   3  square wave  high for half of N, low for half       a write, a rising gate
 *   4  strobe       low for one tick, after N              a write
 *   5  strobe       low for one tick, after N              a rising gate
 *
 * A count is loaded at the tick after the write or the gate. The gate of modes 0 and 4 holds the
 * count; that of modes 2 and 3 stops it with OUT high.
 */
#include "pit.h"

#include <stddef.h>

#define NEVER INT64_MAX

static bool periodic(const struct pit_counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

static bool triggered_by_gate(const struct pit_counter *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Ticks that the first part of a period lasts, in which OUT is high. */
static int64_t high_part(const struct pit_counter *c, uint32_t n)
{
    return c->mode == 2 ? (int64_t)n - 1 : ((int64_t)n + 1) / 2;
}

/* A new count of a periodic mode has come to its turn. */
static void take_new_period(struct pit_counter *c, int64_t tick)
{
    if (tick < c->switch_at)
        return;
    int64_t in = (c->switch_at - c->base) % c->start;
    /* In mode 3 it may be the low half that the new count begins with. */
    c->base = c->switch_at - (in ? high_part(c, c->written) : 0);
    c->start = c->written;
    c->switch_at = NEVER;
}

static bool out_at(const struct pit_counter *c, int64_t tick)
{
    int64_t e = tick - c->base;

    switch (c->mode) {
    case 0:
        return c->expired || (c->counting && c->gate && e >= c->start);
    case 1:
        return !(c->counting && e >= 0 && e < c->start);
    case 2:
    case 3:
        if (!c->counting || !c->gate || e < 0 || c->start < 2)
            return true;
        return e % c->start < high_part(c, c->start);
    case 4:
        return !(c->counting && c->gate && !c->expired && e == c->start);
    default:
        return !(c->counting && e == c->start);
    }
}

/* The first tick after `tick` at which OUT changes by itself. */
static int64_t next_change(const struct pit_counter *c, int64_t tick)
{
    int64_t candidate[2] = {NEVER, NEVER};

    if (!c->counting || (!triggered_by_gate(c) && !c->gate))
        return NEVER;
    if (periodic(c)) {
        if (c->start < 2) /* not allowed: no wave, until another count comes to its turn */
            return c->switch_at;
        int64_t from = tick < c->base ? c->base : tick;
        int64_t period = from - (from - c->base) % c->start;
        candidate[0] = period + high_part(c, c->start);
        candidate[1] = period + c->start;
    } else if (c->mode == 0) {
        candidate[0] = c->expired ? NEVER : c->base + c->start;
    } else if (c->mode == 1) {
        candidate[0] = c->base;
        candidate[1] = c->base + c->start;
    } else if (!c->expired) {
        candidate[0] = c->base + c->start;
        candidate[1] = c->base + c->start + 1;
    }
    for (unsigned i = 0; i < 2; i++)
        if (candidate[i] > tick)
            return candidate[i];
    return NEVER;
}

/* The count in 0 to modulus-1, as the counting element has it (before BCD). */
static uint32_t count_at(const struct pit_counter *c, int64_t tick)
{
    uint32_t modulus = c->bcd ? 10000 : 65536;
    int64_t e = tick - c->base;

    if (e < 0 || !c->counting || (!triggered_by_gate(c) && !c->gate))
        e = 0; /* not loaded yet, or held */
    if (c->mode == 2)
        return (uint32_t)(c->start - e % c->start) % modulus;
    if (c->mode == 3) { /* counts down in twos; an odd count is first made even */
        int64_t in = e % c->start, high = high_part(c, c->start);
        int64_t from = c->start & ~1u, step = in < high ? in : in - high;
        return (uint32_t)(from - 2 * step) % modulus;
    }
    int64_t left = ((int64_t)c->start - e) % (int64_t)modulus; /* goes on below zero */
    return (uint32_t)(left < 0 ? left + modulus : left);
}

static uint16_t in_digits(const struct pit_counter *c, uint32_t n)
{
    if (!c->bcd)
        return (uint16_t)n;
    return (uint16_t)(n / 1000 % 10 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10);
}

static uint32_t from_digits(const struct pit_counter *c, uint16_t v)
{
    uint32_t n = v;

    if (c->bcd)
        n = (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u + (v & 15);
    return n ? n : c->bcd ? 10000 : 65536;
}

static int64_t tick_now(const struct pit *p)
{
    return (int64_t)clock_ticks(p->now(p->ctx), PIT_HZ);
}

/* After a change to counter 0: its wire, and when it will change next. */
static void arm(struct pit *p, int64_t tick)
{
    struct pit_counter *c = &p->state.counter[0];
    int64_t next = next_change(c, tick);

    irq_line_set(&p->irq, out_at(c, tick));
    p->state.due = next == NEVER ? CLOCK_NEVER : clock_cycle_of_tick((uint64_t)next, PIT_HZ);
}

/* The time given may be later than the change that is due: one change at a time, so that the
   interrupt controller sees every edge. */
static void fire(void *ctx, uint64_t now)
{
    struct pit *p = ctx;
    int64_t tick = (int64_t)clock_ticks(p->state.due, PIT_HZ);

    (void)now;
    take_new_period(&p->state.counter[0], tick);
    arm(p, tick);
}

static void start_at(struct pit_counter *c, int64_t tick)
{
    c->base = tick + 1;
    c->start = c->written;
    c->switch_at = NEVER;
    c->expired = 0;
    c->counting = 1;
}

static void count_written(struct pit_counter *c, uint16_t value, int64_t tick)
{
    bool first = !c->written;

    c->written = from_digits(c, value);
    if (triggered_by_gate(c))
        return; /* waits for the trigger */
    if (!periodic(c) || first || !c->gate || tick < c->base) {
        start_at(c, tick);
        return;
    }
    /* A running period is finished first; of a square wave, the half. */
    int64_t in = (tick - c->base) % c->start, begin = tick - in, high = high_part(c, c->start);
    c->switch_at = c->mode == 3 && in < high ? begin + high : begin + c->start;
}

static void set_gate(struct pit_counter *c, bool gate, int64_t tick)
{
    if (gate == c->gate)
        return;
    if (!gate) {
        if (!periodic(c) && !triggered_by_gate(c) && c->counting) { /* hold the count */
            bool past = tick - c->base >= c->start;
            uint32_t count = count_at(c, tick);
            c->expired |= past;
            c->start = count ? count : c->bcd ? 10000 : 65536;
        }
        c->gate = 0;
        return;
    }
    c->gate = 1;
    if (!c->written)
        return;
    if (periodic(c) || triggered_by_gate(c))
        start_at(c, tick);
    else if (c->counting)
        c->base = tick;
}

static uint8_t status_of(const struct pit_counter *c, int64_t tick)
{
    bool null = !c->counting || tick < c->base || c->switch_at != NEVER ||
                (triggered_by_gate(c) && c->written != c->start);

    return (uint8_t)(out_at(c, tick) << 7 | null << 6 | c->rw << 4 | c->mode << 1 | c->bcd);
}

static void latch_count(struct pit_counter *c, int64_t tick)
{
    if (c->latched) /* the first latch holds until it is read */
        return;
    c->latch_count = in_digits(c, count_at(c, tick));
    c->latched = c->rw == 3 ? 2 : 1;
}

static void write_control(struct pit *p, uint8_t v, int64_t tick)
{
    enum { READ_BACK = 3, NOT_COUNT = 0x20, NOT_STATUS = 0x10 };
    struct pit_counter *c;

    if (v >> 6 == READ_BACK) {
        for (unsigned i = 0; i < 3; i++) {
            c = &p->state.counter[i];
            if (!(v & 2u << i))
                continue;
            if (!(v & NOT_COUNT))
                latch_count(c, tick);
            if (!(v & NOT_STATUS) && !c->status_held) {
                c->latch_status = status_of(c, tick);
                c->status_held = 1;
            }
        }
        return;
    }
    c = &p->state.counter[v >> 6];
    if (!(v >> 4 & 3)) {
        latch_count(c, tick);
        return;
    }
    *c = (struct pit_counter){
        .start = 65536,
        .switch_at = NEVER,
        .rw = v >> 4 & 3,
        .mode = (v >> 1 & 7) > 5 ? v >> 1 & 3 : v >> 1 & 7, /* 6 and 7 are 2 and 3 */
        .bcd = v & 1,
        .gate = c->gate,
    };
}

static void write_count(struct pit_counter *c, uint8_t v, int64_t tick)
{
    enum { LOW = 1, HIGH = 2 };

    if (c->rw == LOW) {
        count_written(c, v, tick);
    } else if (c->rw == HIGH) {
        count_written(c, (uint16_t)(v << 8), tick);
    } else if (!c->half) {
        c->half = 1;
        c->low = v;
        if (c->mode == 0) { /* the first byte stops the count */
            c->counting = 0;
            c->expired = 0;
        }
    } else {
        c->half = 0;
        count_written(c, (uint16_t)(v << 8 | c->low), tick);
    }
}

static void pit_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct pit *p = ctx;
    int64_t tick = tick_now(p);
    unsigned which = port & 3;

    (void)size;
    for (unsigned i = 0; i < 3; i++)
        take_new_period(&p->state.counter[i], tick);
    if (which == 3)
        write_control(p, (uint8_t)value, tick);
    else if (p->state.counter[which].rw)
        write_count(&p->state.counter[which], (uint8_t)value, tick);
    arm(p, tick);
}

static uint32_t pit_read(void *ctx, uint16_t port, unsigned size)
{
    struct pit *p = ctx;
    int64_t tick = tick_now(p);

    (void)size;
    if ((port & 3) == 3) /* the control word cannot be read */
        return 0xFF;
    struct pit_counter *c = &p->state.counter[port & 3];
    take_new_period(c, tick);
    if (c->status_held) {
        c->status_held = 0;
        return c->latch_status;
    }
    uint16_t count = c->latched ? c->latch_count : in_digits(c, count_at(c, tick));
    bool high = c->rw == 2 || (c->rw == 3 && c->read_high);
    if (c->rw == 3)
        c->read_high ^= 1;
    if (c->latched)
        c->latched--;
    return high ? count >> 8 : count & 0xFF;
}

/* Port 61h: the speaker's gate and data, memory checks; reading shows counter 2's output and a bit
   that flips with every refresh of memory, 18 ticks, which old programs wait for. */
enum { REFRESH_TICKS = 18, GATE2 = 1, REFRESH = 0x10, OUT2 = 0x20 };

static uint32_t speaker_read(void *ctx, uint16_t port, unsigned size)
{
    struct pit *p = ctx;
    int64_t tick = tick_now(p);
    struct pit_counter *c = &p->state.counter[2];

    (void)port;
    (void)size;
    take_new_period(c, tick);
    return p->state.speaker | (tick / REFRESH_TICKS & 1 ? REFRESH : 0) |
           (out_at(c, tick) ? OUT2 : 0);
}

static void speaker_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct pit *p = ctx;
    int64_t tick = tick_now(p);
    struct pit_counter *c = &p->state.counter[2];

    (void)port;
    (void)size;
    take_new_period(c, tick);
    p->state.speaker = value & 0x0F;
    set_gate(c, value & GATE2, tick);
}

void pit_init(struct pit *p, struct state *state, struct clock *clock, struct ports *ports,
              struct irq_line irq, uint64_t (*now)(void *ctx), void *ctx)
{
    p->irq = irq;
    p->now = now;
    p->ctx = ctx;
    p->state.due = CLOCK_NEVER;
    /* Nothing counts until it is programmed. Mode 3 because its output is high then. */
    for (unsigned i = 0; i < 3; i++)
        p->state.counter[i] = (struct pit_counter){
            .start = 65536, .switch_at = NEVER, .rw = 3, .mode = 3, .gate = i < 2};
    state_block(state, &p->state, sizeof p->state, "pit");
    clock_add_timer(clock, "8254: counter 0", &p->state.due, fire, p);
    ports_add(ports, (struct port_range){0x40, 4, 1, pit_read, pit_write, p});
    ports_add(ports, (struct port_range){0x61, 1, 1, speaker_read, speaker_write, p});
}
