/* SPDX-License-Identifier: GPL-2.0-only */
/* The CMOS clock: date in every format, rollovers, setting, update flag, three interrupts, memory. */
#include "rig.h"

#include "emu/dev/rtc.h"

struct bench {
    struct rig rig;
    struct rtc rtc;
};

enum {
    SECOND,
    SECOND_ALARM,
    MINUTE,
    MINUTE_ALARM,
    HOUR,
    HOUR_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    A,
    B,
    C,
    D,
    CENTURY = 0x32
};
#define S CYCLES_PER_SECOND

static void start(struct bench *b, int64_t epoch)
{
    memset(b, 0, sizeof *b);
    rtc_init(&b->rtc, &b->rig.state, &b->rig.clock, &b->rig.ports, rig_line(&b->rig), epoch,
             64ull << 20, rig_now, &b->rig);
}

static int setup(void **state)
{
    struct bench *b = malloc(sizeof *b);

    assert_non_null(b);
    start(b, 1136073600); /* 2006-01-01 00:00:00, a Sunday */
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static uint8_t get(struct bench *b, uint8_t reg)
{
    out(&b->rig, 0x70, reg);
    return in(&b->rig, 0x71);
}

static void set(struct bench *b, uint8_t reg, uint8_t v)
{
    out(&b->rig, 0x70, reg);
    out(&b->rig, 0x71, v);
}

/* As they stand in the registers: year with century, month, day, hour, minute, second, weekday. */
static void check_date(struct bench *b, unsigned year, unsigned month, unsigned day, unsigned hour,
                       unsigned minute, unsigned second, unsigned weekday)
{
    assert_int_equal(get(b, CENTURY) << 8 | get(b, YEAR), year);
    assert_int_equal(get(b, MONTH), month);
    assert_int_equal(get(b, DAY), day);
    assert_int_equal(get(b, HOUR), hour);
    assert_int_equal(get(b, MINUTE), minute);
    assert_int_equal(get(b, SECOND), second);
    assert_int_equal(get(b, WEEKDAY), weekday);
}

static void date_in_bcd(void **state)
{
    struct bench *b = *state;

    check_date(b, 0x2006, 1, 1, 0, 0, 0, 1);
    assert_int_equal(get(b, D), 0x80);
    run_to(&b->rig, 86400 * S * 31 + (13 * 3600 + 59 * 60 + 48) * S);
    check_date(b, 0x2006, 2, 1, 0x13, 0x59, 0x48, 4);
}

static void date_in_binary_and_12_hours(void **state)
{
    struct bench *b = *state;

    run_to(&b->rig, (13 * 3600 + 59 * 60 + 48) * S);
    set(b, B, 6);
    assert_int_equal(get(b, HOUR), 13);
    assert_int_equal(get(b, SECOND), 48);
    assert_int_equal(get(b, CENTURY), 20);
    set(b, B, 4);
    assert_int_equal(get(b, HOUR), 0x81);
    set(b, B, 0);
    run_to(&b->rig, 12 * 3600 * S);
    b->rig.now = 12 * 3600 * S + 2 * 3600 * S;
    assert_int_equal(get(b, HOUR), 0x82);
    b->rig.now = 86400 * S; /* midnight is 12 am, noon 12 pm */
    assert_int_equal(get(b, HOUR), 0x12);
    b->rig.now = (86400 + 43200) * S;
    assert_int_equal(get(b, HOUR), 0x92);
    b->rig.now = (86400 + 23 * 3600) * S;
    assert_int_equal(get(b, HOUR), 0x91);
}

static void rollovers(void **state)
{
    struct bench *b = *state;

    start(b, 951782399); /* 2000-02-28 23:59:59, and 2000 has a leap day */
    check_date(b, 0x2000, 2, 0x28, 0x23, 0x59, 0x59, 2);
    run_to(&b->rig, S - 1);
    assert_int_equal(get(b, DAY), 0x28);
    run_to(&b->rig, S);
    check_date(b, 0x2000, 2, 0x29, 0, 0, 0, 3);
    run_to(&b->rig, 86401 * S);
    check_date(b, 0x2000, 3, 1, 0, 0, 0, 4);
    start(b, 946684799); /* 1999-12-31 23:59:59 */
    check_date(b, 0x1999, 0x12, 0x31, 0x23, 0x59, 0x59, 6);
    run_to(&b->rig, S);
    check_date(b, 0x2000, 1, 1, 0, 0, 0, 7);
    start(b, 4107542399); /* 2100-02-28 23:59:59, and 2100 has none */
    run_to(&b->rig, S);
    check_date(b, 0x2100, 3, 1, 0, 0, 0, 2);
    start(b, -1); /* before 1970 */
    check_date(b, 0x1969, 0x12, 0x31, 0x23, 0x59, 0x59, 4);
    start(b, INT64_MAX); /* more than four digits do not fit */
    check_date(b, 0x9999, 0x12, 0x31, 0x23, 0x59, 0x59, 6);
    run_to(&b->rig, S);
    assert_int_equal(get(b, MONTH), 1);
    start(b, INT64_MIN);
    check_date(b, 0x0000, 1, 1, 0, 0, 0, 7);
}

static void setting_the_date(void **state)
{
    struct bench *b = *state;

    run_to(&b->rig, S / 4);
    set(b, B, 0x82);
    uint8_t held = get(b, SECOND);
    run_to(&b->rig, 10 * S);
    assert_int_equal(get(b, SECOND), held); /* it stands */
    set(b, CENTURY, 0x20);
    set(b, YEAR, 0x24);
    set(b, MONTH, 0x02);
    set(b, DAY, 0x29);
    set(b, HOUR, 0x23);
    set(b, MINUTE, 0x59);
    set(b, SECOND, 0x58);
    set(b, WEEKDAY, 5);
    assert_int_equal(get(b, DAY), 0x29);
    set(b, B, 0x02);
    check_date(b, 0x2024, 2, 0x29, 0x23, 0x59, 0x58, 5);
    b->rig.now += 2 * S;
    check_date(b, 0x2024, 3, 1, 0, 0, 0, 6);
}

static void setting_the_date_in_binary(void **state)
{
    struct bench *b = *state;

    set(b, B, 0x86);
    set(b, CENTURY, 20);
    set(b, YEAR, 23);
    set(b, MONTH, 11);
    set(b, DAY, 30);
    set(b, HOUR, 23);
    set(b, MINUTE, 59);
    set(b, SECOND, 59);
    set(b, WEEKDAY, 5);
    set(b, B, 0x06);
    check_date(b, 20 << 8 | 23, 11, 30, 23, 59, 59, 5);
    b->rig.now += S;
    check_date(b, 20 << 8 | 23, 12, 1, 0, 0, 0, 6);
    set(b, MONTH, 13); /* there is none: it is taken as the first */
    check_date(b, 20 << 8 | 23, 1, 1, 0, 0, 0, 6);
}

static void setting_without_holding(void **state)
{
    struct bench *b = *state;

    run_to(&b->rig, 30 * S + 500);
    set(b, MINUTE, 0x45);
    check_date(b, 0x2006, 1, 1, 0, 0x45, 0x30, 1);
    run_to(&b->rig, 31 * S);
    assert_int_equal(get(b, SECOND), 0x31); /* the fraction went on */
    set(b, WEEKDAY, 7);                     /* a counter of its own */
    run_to(&b->rig, (31 + 86400) * S);
    assert_int_equal(get(b, WEEKDAY), 1);
}

static void impossible_dates(void **state)
{
    struct bench *b = *state;

    set(b, B, 0x82);
    for (uint8_t i = 0; i < 10; i++)
        set(b, i, 0xFF);
    set(b, CENTURY, 0xFF);
    set(b, B, 0x02);
    assert_in_range(get(b, MONTH), 1, 0x12);
    assert_in_range(get(b, DAY), 1, 0x31);
    assert_in_range(get(b, HOUR), 0, 0x23);
    assert_in_range(get(b, WEEKDAY), 1, 7);
    set(b, B, 0x82);
    for (uint8_t i = 0; i < 10; i++)
        set(b, i, 0);
    set(b, B, 0x02);
    assert_in_range(get(b, MONTH), 1, 0x12);
    assert_in_range(get(b, DAY), 1, 0x31);
}

static void update_in_progress(void **state)
{
    struct bench *b = *state;

    b->rig.now = 5 * S - 244001;
    assert_int_equal(get(b, A), 0x26);
    b->rig.now = 5 * S - 244000;
    assert_int_equal(get(b, A), 0xA6);
    b->rig.now = 5 * S - 1;
    assert_int_equal(get(b, A), 0xA6);
    assert_int_equal(get(b, SECOND), 4);
    b->rig.now = 5 * S;
    assert_int_equal(get(b, A), 0x26);
    assert_int_equal(get(b, SECOND), 5);
    set(b, B, 0x82);
    b->rig.now = 6 * S - 1;
    assert_int_equal(get(b, A), 0x26); /* no update while it is held */
    set(b, A, 0xFF);
    assert_int_equal(get(b, A), 0x7F); /* cannot be written */
}

static void divider_reset(void **state)
{
    struct bench *b = *state;

    run_to(&b->rig, 3 * S + S / 3);
    set(b, A, 0x76);
    b->rig.now += 5 * S;
    assert_int_equal(get(b, SECOND), 3);
    set(b, A, 0x26); /* the first update comes after half a second */
    b->rig.now += S / 2 - 1;
    assert_int_equal(get(b, SECOND), 3);
    b->rig.now += 1;
    assert_int_equal(get(b, SECOND), 4);
}

static void update_interrupt(void **state)
{
    struct bench *b = *state;

    assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER); /* nobody wants one: no timer */
    run_to(&b->rig, S + 10);
    assert_int_equal(get(b, C) & 0x10, 0x10); /* but the flag is there for who asks */
    assert_int_equal(get(b, C), 0);
    set(b, B, 0x12);
    run_to(&b->rig, 2 * S - 1);
    assert_false(b->rig.level);
    run_to(&b->rig, 2 * S);
    assert_true(b->rig.level);
    run_to(&b->rig, 4 * S); /* nobody reads: the wire stays */
    assert_int_equal(b->rig.rises, 1);
    assert_int_equal(get(b, C) & 0x90, 0x90);
    assert_false(b->rig.level);
    run_to(&b->rig, 5 * S);
    assert_int_equal(b->rig.rises, 2);
    set(b, B, 0x92); /* holding the clock switches the interrupt off */
    assert_int_equal(get(b, B), 0x82);
    assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER);
}

static void periodic_interrupt(void **state)
{
    struct bench *b = *state;
    static const struct {
        uint8_t rate;
        unsigned hz;
    } rates[] = {{1, 256}, {2, 128}, {3, 8192}, {6, 1024}, {15, 2}};

    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        start(b, 0);
        set(b, A, 0x20 | rates[i].rate);
        set(b, B, 0x42);
        unsigned got = 0;
        while (clock_next(&b->rig.clock) <= S) {
            run_to(&b->rig, clock_next(&b->rig.clock));
            assert_true(b->rig.level);
            assert_int_equal(get(b, C) & 0xC0, 0xC0);
            assert_false(b->rig.level);
            got++;
        }
        assert_int_equal(got, rates[i].hz);
        assert_int_equal(b->rig.now, S);
    }
    set(b, A, 0x20); /* rate 0: off */
    assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER);
    set(b, A, 0x2F);
    set(b, B, 0x02);
    run_to(&b->rig, 3 * S);
    assert_int_equal(get(b, C) & 0xC0, 0x40); /* the flag alone */
}

static void alarm_interrupt(void **state)
{
    struct bench *b = *state;

    set(b, HOUR_ALARM, 0x01);
    set(b, MINUTE_ALARM, 0x02);
    set(b, SECOND_ALARM, 0x03);
    set(b, B, 0x22);
    run_to(&b->rig, 3723 * S - 1);
    assert_false(b->rig.level);
    run_to(&b->rig, 3723 * S);
    assert_true(b->rig.level);
    assert_int_equal(get(b, C) & 0xA0, 0xA0);
    run_to(&b->rig, (86400 + 3722) * S);
    assert_false(b->rig.level);
    run_to(&b->rig, (86400 + 3723) * S); /* every day */
    assert_true(b->rig.level);
    get(b, C);
    set(b, HOUR_ALARM, 0xFF); /* any hour, any minute */
    set(b, MINUTE_ALARM, 0xC0);
    unsigned before = b->rig.rises;
    for (unsigned i = 1; i <= 120; i++) {
        run_to(&b->rig, b->rig.now + S);
        get(b, C);
    }
    assert_int_equal(b->rig.rises - before, 2);
}

/* Without the interrupt the flag is found when somebody looks, however late. */
static void alarm_flag_on_demand(void **state)
{
    struct bench *b = *state;

    set(b, HOUR_ALARM, 0x23);
    set(b, MINUTE_ALARM, 0x00);
    set(b, SECOND_ALARM, 0x00);
    b->rig.now = 3600 * S;
    assert_int_equal(get(b, C) & 0x20, 0);
    b->rig.now = 1000ull * 86400 * S;
    assert_int_equal(get(b, C) & 0x20, 0x20);
    b->rig.now += 60 * S;
    assert_int_equal(get(b, C) & 0x20, 0);
}

static void memory(void **state)
{
    struct bench *b = *state;

    assert_int_equal(get(b, 0x15) | get(b, 0x16) << 8, 640);
    assert_int_equal(get(b, 0x17) | get(b, 0x18) << 8, 63 << 10);
    assert_int_equal(get(b, 0x30) | get(b, 0x31) << 8, 63 << 10);
    assert_int_equal(get(b, 0x34) | get(b, 0x35) << 8, 48 << 4);
    unsigned sum = 0;
    for (uint8_t i = 0x10; i <= 0x2D; i++)
        sum += get(b, i);
    assert_int_equal(get(b, 0x2E) << 8 | get(b, 0x2F), sum);
    set(b, 0x0F, 0x5A);
    set(b, 0x7F, 0xA5);
    assert_int_equal(get(b, 0x0F), 0x5A);
    assert_int_equal(get(b, 0x7F), 0xA5);
    set(b, C, 0xFF);
    set(b, D, 0x00);
    assert_int_equal(get(b, C), 0);
    assert_int_equal(get(b, D), 0x80);
    assert_int_equal(in(&b->rig, 0x70), 0xFF);
}

static void nmi_mask(void **state)
{
    struct bench *b = *state;

    assert_false(rtc_nmi_masked(&b->rtc));
    assert_int_equal(get(b, 0x80 | D), 0x80); /* the same register */
    assert_true(rtc_nmi_masked(&b->rtc));
    out(&b->rig, 0x70, 0);
    assert_false(rtc_nmi_masked(&b->rtc));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(date_in_bcd),
        TEST(date_in_binary_and_12_hours),
        TEST(rollovers),
        TEST(setting_the_date),
        TEST(setting_the_date_in_binary),
        TEST(setting_without_holding),
        TEST(impossible_dates),
        TEST(update_in_progress),
        TEST(divider_reset),
        TEST(update_interrupt),
        TEST(periodic_interrupt),
        TEST(alarm_interrupt),
        TEST(alarm_flag_on_demand),
        TEST(memory),
        TEST(nmi_mask),
    };
    return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
