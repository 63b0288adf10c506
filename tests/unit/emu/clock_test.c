/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock: order of timers, catching up, and exact arithmetic at its far ends. */
#include "unit.h"

#include "clock.h"

struct note {
    uint64_t due, period;
    unsigned id;
    struct log {
        unsigned id[32];
        unsigned n;
    } * log;
};

static void fire(void *ctx, uint64_t now)
{
    struct note *t = ctx;

    assert_true(t->due <= now);
    t->log->id[t->log->n++] = t->id;
    t->due = t->period ? t->due + t->period : CLOCK_NEVER;
}

static void an_empty_clock_is_never_due(void **st)
{
    struct clock k = {.timers = 0};

    (void)st;
    assert_int_equal(clock_next(&k), CLOCK_NEVER);
    assert_int_equal(clock_run_due(&k, CLOCK_NEVER), 0);
}

static void timers_fire_earliest_first_and_ties_by_registration(void **st)
{
    struct clock k = {.timers = 0};
    struct log log = {.n = 0};
    struct note a = {30, 0, 1, &log}, b = {10, 0, 2, &log}, c = {30, 0, 3, &log};

    (void)st;
    clock_add_timer(&k, "test", &a.due, fire, &a);
    clock_add_timer(&k, "test", &b.due, fire, &b);
    clock_add_timer(&k, "test", &c.due, fire, &c);
    assert_int_equal(clock_next(&k), 10);
    assert_int_equal(clock_run_due(&k, 9), 0);
    assert_int_equal(clock_run_due(&k, 30), 3);
    assert_int_equal(log.n, 3);
    assert_int_equal(log.id[0], 2);
    assert_int_equal(log.id[1], 1);
    assert_int_equal(log.id[2], 3);
    assert_int_equal(clock_next(&k), CLOCK_NEVER);
    assert_int_equal(clock_run_due(&k, CLOCK_NEVER), 0);
}

static void a_periodic_timer_catches_up_tick_by_tick(void **st)
{
    struct clock k = {.timers = 0};
    struct log log = {.n = 0};
    struct note a = {100, 100, 1, &log}, b = {150, 100, 2, &log};
    const unsigned want[] = {1, 2, 1, 2, 1};

    (void)st;
    clock_add_timer(&k, "test", &a.due, fire, &a);
    clock_add_timer(&k, "test", &b.due, fire, &b);
    assert_int_equal(clock_run_due(&k, 300), 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(log.id[i], want[i]);
    assert_int_equal(clock_next(&k), 350);
}

static void ticks_and_cycles_are_inverse_to_each_other(void **st)
{
    /* The frequencies of a PC: 8254, CMOS crystal, PM timer; and awkward ones. */
    const uint64_t hz[] = {1193182, 32768, 3579545, 1, 1000000000, 3, 999999937};
    const uint64_t tick[] = {0, 1, 2, 65535, 65536, 123456789, 1ull << 33};

    (void)st;
    for (unsigned i = 0; i < 7; i++) {
        for (unsigned j = 0; j < 7; j++) {
            uint64_t at = clock_cycle_of_tick(tick[j], hz[i]);
            if (at == CLOCK_NEVER)
                continue;
            assert_int_equal(clock_ticks(at, hz[i]), tick[j]);
            if (at)
                assert_true(clock_ticks(at - 1, hz[i]) < tick[j]);
        }
    }
}

static void arithmetic_holds_at_the_end_of_time(void **st)
{
    (void)st;
    /* 584 years of the 8254: the product needs 84 bits. */
    assert_int_equal(clock_ticks(UINT64_MAX - 1, 1193182), 22010322987356910ull);
    assert_int_equal(clock_cycle_of_tick(UINT64_MAX, 1), CLOCK_NEVER);
    assert_int_equal(clock_cycle_of_tick(5, 0), CLOCK_NEVER);
    assert_int_equal(clock_ticks(12345, CYCLES_PER_SECOND), 12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_clock_is_never_due),
        cmocka_unit_test(timers_fire_earliest_first_and_ties_by_registration),
        cmocka_unit_test(a_periodic_timer_catches_up_tick_by_tick),
        cmocka_unit_test(ticks_and_cycles_are_inverse_to_each_other),
        cmocka_unit_test(arithmetic_holds_at_the_end_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
