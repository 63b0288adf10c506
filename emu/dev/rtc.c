/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MC146818A. The date is not kept in the registers: they are computed when they are read, from
 * a base and the virtual time that has passed since. Only while the guest holds the clock (SET in
 * register B, or the divider in reset) are they plain memory; when it lets go, what they say is the
 * new base.
 *
 * The three interrupt flags of register C are set whether or not somebody wants the interrupt. They
 * too are computed on demand, from the seconds and periods since the last look; timers run only for
 * interrupts that are enabled, so that an idle machine has no clock that wakes it in vain.
 */
#include "rtc.h"

enum {
    SECOND = 0,
    SECOND_ALARM,
    MINUTE,
    MINUTE_ALARM,
    HOUR,
    HOUR_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
    CENTURY = 0x32,
};
enum { A_UIP = 0x80, A_DIVIDER = 0x70, A_RESET = 0x60, A_RATE = 15 };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_BINARY = 4, B_24H = 2 };
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VRT = 0x80 };

#define SECOND_CYCLES CYCLES_PER_SECOND
#define UIP_CYCLES    (SECOND_CYCLES * 244 / 1000000) /* before each update */
#define DAY_SECONDS   86400
#define EARLIEST      (-62167219200ll) /* 0000-01-01 00:00:00 */
#define LATEST        253402300799ll   /* 9999-12-31 23:59:59 */
#define CRYSTAL_HZ    32768

struct date {
    int64_t year;
    unsigned month, day, hour, minute, second, weekday; /* month, day from 1; Sunday is 1 */
};

/* Days since 1970-01-01 of a date in the Gregorian calendar: years are taken to begin in March, so
   that the leap day is the last; 400 years have 146,097 days. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static struct date date_of(int64_t seconds)
{
    int64_t days = seconds / DAY_SECONDS, rest = seconds % DAY_SECONDS;
    struct date d;

    if (rest < 0) {
        rest += DAY_SECONDS;
        days--;
    }
    d.hour = (unsigned)(rest / 3600);
    d.minute = (unsigned)(rest / 60 % 60);
    d.second = (unsigned)(rest % 60);
    d.weekday = (unsigned)(((days + 4) % 7 + 7) % 7 + 1); /* 1970 began on a Thursday */

    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t in_era = shifted - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153; /* 0 is March */
    d.day = (unsigned)(in_year - (153 * m + 2) / 5 + 1);
    d.month = (unsigned)(m < 10 ? m + 3 : m - 9);
    d.year = y + era * 400 + (d.month <= 2);
    return d;
}

static uint8_t encode(const struct rtc_state *s, unsigned n)
{
    return (uint8_t)(s->cmos[REG_B] & B_BINARY ? n : n / 10 << 4 | n % 10);
}

static unsigned decode(const struct rtc_state *s, uint8_t v)
{
    return s->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode_hour(const struct rtc_state *s, unsigned hour)
{
    if (s->cmos[REG_B] & B_24H)
        return encode(s, hour);
    return encode(s, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

static unsigned decode_hour(const struct rtc_state *s, uint8_t v)
{
    if (s->cmos[REG_B] & B_24H)
        return decode(s, v);
    return decode(s, v & 0x7F) % 12 + (v & 0x80 ? 12 : 0);
}

static bool held(const struct rtc_state *s)
{
    return s->cmos[REG_B] & B_SET || (s->cmos[REG_A] & A_DIVIDER) >= A_RESET;
}

/* The last second that has begun; one that has not may be asked for by its cycle. */
static int64_t second_at(const struct rtc_state *s, uint64_t cycle)
{
    return s->base + (int64_t)((cycle - s->base_cycle) / SECOND_CYCLES);
}

static void date_to_registers(struct rtc_state *s, int64_t seconds)
{
    struct date d = date_of(seconds);
    unsigned year = (unsigned)((d.year % 10000 + 10000) % 10000);

    s->cmos[SECOND] = encode(s, d.second);
    s->cmos[MINUTE] = encode(s, d.minute);
    s->cmos[HOUR] = encode_hour(s, d.hour);
    s->cmos[WEEKDAY] = encode(s, (d.weekday - 1 + s->weekday) % 7 + 1);
    s->cmos[DAY] = encode(s, d.day);
    s->cmos[MONTH] = encode(s, d.month);
    s->cmos[YEAR] = encode(s, year % 100);
    s->cmos[CENTURY] = encode(s, year / 100);
}

/* Registers may say anything; what is no date is taken as so many days after the last good one. */
static int64_t date_from_registers(struct rtc_state *s)
{
    unsigned month = decode(s, s->cmos[MONTH]), day = decode(s, s->cmos[DAY]);
    int64_t year = decode(s, s->cmos[CENTURY]) * 100 + decode(s, s->cmos[YEAR]);

    if (month < 1 || month > 12)
        month = 1;
    int64_t seconds = (days_of(year, month, 1) + day - 1) * DAY_SECONDS +
                      decode_hour(s, s->cmos[HOUR]) * 3600 + decode(s, s->cmos[MINUTE]) * 60 +
                      decode(s, s->cmos[SECOND]);
    unsigned weekday = decode(s, s->cmos[WEEKDAY]);
    s->weekday = (uint8_t)((weekday + 7 - date_of(seconds).weekday % 7) % 7);
    return seconds;
}

/* Does the alarm fit this second? Two ones in the highest bits mean "any". */
static bool alarm_fits(const struct rtc_state *s, int64_t seconds)
{
    struct date d = date_of(seconds);
    const uint8_t *c = s->cmos;

    return (c[SECOND_ALARM] >= 0xC0 || c[SECOND_ALARM] == encode(s, d.second)) &&
           (c[MINUTE_ALARM] >= 0xC0 || c[MINUTE_ALARM] == encode(s, d.minute)) &&
           (c[HOUR_ALARM] >= 0xC0 || c[HOUR_ALARM] == encode_hour(s, d.hour));
}

/* Cycles between two periodic interrupts' ticks, as a divisor of the crystal; 0: off. */
static unsigned period_ticks(const struct rtc_state *s)
{
    unsigned rate = s->cmos[REG_A] & A_RATE;

    if (!rate || (s->cmos[REG_A] & A_DIVIDER) >= A_RESET)
        return 0;
    return 1u << ((rate <= 2 ? rate + 7 : rate) - 1); /* rates 1 and 2 are 256 and 128 Hz */
}

static uint64_t periods_at(const struct rtc_state *s, uint64_t cycle)
{
    unsigned ticks = period_ticks(s);

    return ticks ? clock_ticks(cycle, CRYSTAL_HZ) / ticks : 0;
}

/* Set the flags of register C for everything that has happened up to this cycle. */
static void catch_up(struct rtc *r, uint64_t now)
{
    struct rtc_state *s = &r->state;
    uint8_t *c = &s->cmos[REG_C], b = s->cmos[REG_B];

    if (!held(s)) {
        int64_t second = second_at(s, now), first = s->seen + 1;
        if (second > s->seen)
            *c |= C_UF;
        if (second - first >= DAY_SECONDS) /* each day is the same to an alarm */
            first = second - DAY_SECONDS + 1;
        for (; first <= second && !(*c & C_AF); first++)
            if (alarm_fits(s, first))
                *c |= C_AF;
        s->seen = second;
    }
    uint64_t period = periods_at(s, now);
    if (period > s->seen_period)
        *c |= C_PF;
    s->seen_period = period;

    bool irq = *c & b & (C_PF | C_AF | C_UF);
    *c = (*c & ~C_IRQF) | (irq ? C_IRQF : 0);
    irq_line_set(&r->irq, irq);
}

/* When will somebody be interested again? */
static void arm(struct rtc *r, uint64_t now)
{
    struct rtc_state *s = &r->state;
    unsigned ticks = period_ticks(s);

    s->update_due = s->periodic_due = CLOCK_NEVER;
    if (!held(s) && s->cmos[REG_B] & (B_UIE | B_AIE))
        s->update_due = s->base_cycle + ((now - s->base_cycle) / SECOND_CYCLES + 1) * SECOND_CYCLES;
    if (ticks && s->cmos[REG_B] & B_PIE)
        s->periodic_due =
            clock_cycle_of_tick((clock_ticks(now, CRYSTAL_HZ) / ticks + 1) * ticks, CRYSTAL_HZ);
}

static void fire(void *ctx, uint64_t now)
{
    struct rtc *r = ctx;

    catch_up(r, now);
    arm(r, now);
}

static uint8_t read_register(struct rtc *r, unsigned i, uint64_t now)
{
    struct rtc_state *s = &r->state;
    uint8_t v;

    catch_up(r, now);
    if (!held(s))
        date_to_registers(s, second_at(s, now));
    v = s->cmos[i];
    if (i == REG_A && !held(s) &&
        (now - s->base_cycle) % SECOND_CYCLES >= SECOND_CYCLES - UIP_CYCLES)
        v |= A_UIP;
    if (i == REG_C) {
        s->cmos[REG_C] = 0;
        irq_line_set(&r->irq, false);
    }
    return v;
}

/* The date continues from what the registers say, with the present fraction of a second. */
static void take_date(struct rtc_state *s, uint64_t now)
{
    s->base = date_from_registers(s);
    s->base_cycle = now - (now - s->base_cycle) % SECOND_CYCLES;
    s->seen = s->base;
}

static void write_control(struct rtc_state *s, unsigned i, uint8_t v, uint64_t now)
{
    bool was_held = held(s), was_reset = (s->cmos[REG_A] & A_DIVIDER) >= A_RESET;

    s->cmos[i] = i == REG_A ? v & ~A_UIP : v;
    if (s->cmos[REG_B] & B_SET)
        s->cmos[REG_B] &= ~B_UIE;
    s->seen_period = periods_at(s, now);
    if (!was_held || held(s))
        return;
    if (was_reset) /* out of reset the first update comes after half a second */
        s->base_cycle = now - (now >= SECOND_CYCLES / 2 ? SECOND_CYCLES / 2 : now);
    take_date(s, now);
}

static void write_register(struct rtc *r, unsigned i, uint8_t v, uint64_t now)
{
    struct rtc_state *s = &r->state;
    bool of_date =
        (i <= YEAR && i != SECOND_ALARM && i != MINUTE_ALARM && i != HOUR_ALARM) || i == CENTURY;

    catch_up(r, now);
    if (!held(s))
        date_to_registers(s, second_at(s, now));
    if (i == REG_A || i == REG_B) {
        write_control(s, i, v, now);
    } else if (i != REG_C && i != REG_D) { /* those two cannot be written */
        s->cmos[i] = v;
        if (of_date && !held(s))
            take_date(s, now);
    }
    catch_up(r, now);
    arm(r, now);
}

static uint32_t rtc_read(void *ctx, uint16_t port, unsigned size)
{
    struct rtc *r = ctx;

    (void)size;
    if (!(port & 1)) /* the index can be written only */
        return 0xFF;
    return read_register(r, r->state.index & 0x7F, r->now(r->ctx));
}

static void rtc_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct rtc *r = ctx;

    (void)size;
    if (port & 1)
        write_register(r, r->state.index & 0x7F, (uint8_t)value, r->now(r->ctx));
    else
        r->state.index = (uint8_t)value;
}

bool rtc_nmi_masked(const struct rtc *r)
{
    return r->state.index & 0x80;
}

static void put16(uint8_t *at, uint64_t v, uint64_t max)
{
    v = v < max ? v : max;
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

/* What firmware leaves in the memory: its sizes, no floppy, an FPU, and a checksum. */
static void fill_cmos(uint8_t *c, uint64_t mem_bytes)
{
    uint64_t above1 = mem_bytes > 1 << 20 ? (mem_bytes - (1 << 20)) >> 10 : 0;
    uint64_t above16 = mem_bytes > 16 << 20 ? (mem_bytes - (16 << 20)) >> 16 : 0;
    unsigned sum = 0;

    c[REG_A] = 0x26; /* the usual crystal, 1024 Hz */
    c[REG_B] = B_24H;
    c[REG_D] = D_VRT; /* the battery is good */
    c[0x14] = 0x02;
    put16(c + 0x15, 640, 640);
    put16(c + 0x17, above1, 0xFC00);
    put16(c + 0x30, above1, 0xFC00);
    put16(c + 0x34, above16, 0xFFFF);
    for (unsigned i = 0x10; i <= 0x2D; i++)
        sum += c[i];
    c[0x2E] = (uint8_t)(sum >> 8);
    c[0x2F] = (uint8_t)sum;
}

void rtc_init(struct rtc *r, struct state *state, struct clock *clock, struct ports *ports,
              struct irq_line irq, int64_t epoch, uint64_t mem_bytes, uint64_t (*now)(void *ctx),
              void *ctx)
{
    r->irq = irq;
    r->now = now;
    r->ctx = ctx;
    /* Four digits for the year is what there are. */
    if (epoch < EARLIEST)
        epoch = EARLIEST;
    if (epoch > LATEST)
        epoch = LATEST;
    r->state.base = r->state.seen = epoch;
    r->state.periodic_due = r->state.update_due = CLOCK_NEVER;
    fill_cmos(r->state.cmos, mem_bytes);
    date_to_registers(&r->state, epoch);
    state_block(state, &r->state, sizeof r->state, "rtc");
    clock_add_timer(clock, "CMOS clock: second", &r->state.update_due, fire, r);
    clock_add_timer(clock, "CMOS clock: periodic", &r->state.periodic_due, fire, r);
    ports_add(ports, (struct port_range){0x70, 2, 1, rtc_read, rtc_write, r});
}
