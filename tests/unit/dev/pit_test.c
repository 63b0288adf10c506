/* SPDX-License-Identifier: GPL-2.0-only */
/* The 8254: each mode's waveform tick by tick, counts, latches, read-back, gate, exact cycles. */
#include "rig.h"

#include "emu/dev/pit.h"

struct bench {
    struct rig rig;
    struct pit pit;
};

enum { CONTROL = 0x43, SPEAKER = 0x61, LOW = 1, HIGH = 2, BOTH = 3 };

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    pit_init(&b->pit, &b->rig.state, &b->rig.clock, &b->rig.ports, rig_line(&b->rig), rig_now,
             &b->rig);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void to_tick(struct bench *b, uint64_t tick)
{
    run_to(&b->rig, clock_cycle_of_tick(tick, PIT_HZ));
}

static void control(struct bench *b, unsigned counter, unsigned rw, unsigned mode, bool bcd)
{
    out(&b->rig, CONTROL, (uint8_t)(counter << 6 | rw << 4 | mode << 1 | bcd));
}

static void count(struct bench *b, unsigned counter, uint16_t n)
{
    out(&b->rig, 0x40 + counter, (uint8_t)n);
    out(&b->rig, 0x40 + counter, (uint8_t)(n >> 8));
}

static unsigned read_count(struct bench *b, unsigned counter)
{
    unsigned low = in(&b->rig, 0x40 + counter);
    return low | in(&b->rig, 0x40 + counter) << 8;
}

static bool out2(struct bench *b)
{
    return in(&b->rig, SPEAKER) & 0x20;
}

/* The output of counter 2 at n ticks from now on, as a string of - and _. */
static void check_wave(struct bench *b, uint64_t from, const char *want)
{
    char got[64] = "";

    for (unsigned i = 0; want[i]; i++) {
        to_tick(b, from + i);
        got[i] = out2(b) ? '-' : '_';
    }
    assert_string_equal(got, want);
}

/* The same of counter 0, at its wire. */
static void check_wire(struct bench *b, uint64_t from, const char *want)
{
    char got[64] = "";

    for (unsigned i = 0; want[i]; i++) {
        to_tick(b, from + i);
        got[i] = b->rig.level ? '-' : '_';
    }
    assert_string_equal(got, want);
}

static void mode0(void **state)
{
    struct bench *b = *state;

    to_tick(b, 100);
    control(b, 0, BOTH, 0, false);
    assert_false(b->rig.level);
    count(b, 0, 4);
    check_wire(b, 100, "_____------"); /* N + 1 ticks after the write */
    assert_int_equal(b->rig.rises, 1);
    to_tick(b, 108);
    assert_int_equal(read_count(b, 0), 0xFFFD); /* counts on below zero */
    count(b, 0, 2);
    check_wire(b, 108, "___--");
    out(&b->rig, 0x40, 3); /* the first byte of two stops it, and lowers the output */
    check_wire(b, 112, "_____");
    out(&b->rig, 0x40, 0);
    check_wire(b, 116, "____--");
    assert_int_equal(b->rig.rises, 3);
    assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER);
}

static void mode0_gate_holds(void **state)
{
    struct bench *b = *state;

    out(&b->rig, SPEAKER, 1);
    control(b, 2, BOTH, 0, false);
    count(b, 2, 10);
    to_tick(b, 4);
    assert_int_equal(read_count(b, 2), 7); /* loaded at tick 1 */
    out(&b->rig, SPEAKER, 0);
    to_tick(b, 50);
    assert_int_equal(read_count(b, 2), 7);
    assert_false(out2(b));
    out(&b->rig, SPEAKER, 1);
    check_wave(b, 50, "_______---");
    out(&b->rig, SPEAKER, 0);
    assert_true(out2(b)); /* done is done */
    out(&b->rig, SPEAKER, 1);
    assert_true(out2(b));
}

static void mode1(void **state)
{
    struct bench *b = *state;

    control(b, 2, BOTH, 1, false);
    count(b, 2, 3);
    check_wave(b, 0, "----"); /* waits for the gate */
    out(&b->rig, SPEAKER, 1);
    check_wave(b, 3, "-___---");
    out(&b->rig, SPEAKER, 0);
    out(&b->rig, SPEAKER, 1);
    check_wave(b, 9, "-__");
    out(&b->rig, SPEAKER, 0); /* the gate's level does not matter */
    count(b, 2, 5);           /* and a new count waits for the next trigger */
    check_wave(b, 12, "_---");
    out(&b->rig, SPEAKER, 1);
    check_wave(b, 15, "-_____-");
}

static void mode2(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, false);
    assert_true(b->rig.level);
    unsigned before = b->rig.rises;
    count(b, 0, 5);
    check_wire(b, 0, "-----_----_----_-");
    assert_int_equal(b->rig.rises - before, 3);
    to_tick(b, 17);
    assert_int_equal(read_count(b, 0), 4);
    count(b, 0, 3); /* from the next period on */
    check_wire(b, 17, "---_--_--_");
}

static void mode2_gate(void **state)
{
    struct bench *b = *state;

    out(&b->rig, SPEAKER, 1);
    control(b, 2, BOTH, 2, false);
    count(b, 2, 4);
    check_wave(b, 0, "----_---_");
    out(&b->rig, SPEAKER, 0); /* high at once */
    assert_true(out2(b));
    check_wave(b, 9, "------");
    out(&b->rig, SPEAKER, 1); /* and from the beginning */
    check_wave(b, 14, "----_---_");
}

static void mode3_even(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 3, false);
    count(b, 0, 6);
    check_wire(b, 0, "----___---___---");
    to_tick(b, 19);
    assert_int_equal(read_count(b, 0), 6);
    to_tick(b, 20);
    assert_int_equal(read_count(b, 0), 4);
    to_tick(b, 22); /* the low half counts the same */
    assert_int_equal(read_count(b, 0), 6);
}

static void mode3_odd(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 3, false);
    count(b, 0, 5);
    check_wire(b, 0, "----__---__---__");
    to_tick(b, 16);
    assert_int_equal(read_count(b, 0), 4);
}

static void mode3_new_count_after_the_half(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 3, false);
    count(b, 0, 6); /* high 1-3, low 4-6, high 7-9 */
    to_tick(b, 8);
    count(b, 0, 4); /* in a high half: the low one is the first with the new count */
    check_wire(b, 8, "--__--__--");
    to_tick(b, 19); /* in a low half */
    assert_false(b->rig.level);
    count(b, 0, 8);
    check_wire(b, 19, "_----____----");
}

static void mode4(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 4, false);
    count(b, 0, 3);
    check_wire(b, 0, "----_------");
    count(b, 0, 2);
    check_wire(b, 10, "---_--");
}

static void mode5(void **state)
{
    struct bench *b = *state;

    control(b, 2, BOTH, 5, false);
    count(b, 2, 3);
    check_wave(b, 0, "------");
    out(&b->rig, SPEAKER, 1);
    check_wave(b, 5, "----_----");
}

static void modes_6_and_7_are_2_and_3(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 6, false);
    out(&b->rig, CONTROL, 0xE2);
    assert_int_equal(in(&b->rig, 0x40) & 0x0E, 2 << 1);
    control(b, 0, BOTH, 7, false);
    out(&b->rig, CONTROL, 0xE2);
    assert_int_equal(in(&b->rig, 0x40) & 0x0E, 3 << 1);
}

static void bcd(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, true);
    count(b, 0, 0x1000);
    to_tick(b, 2);
    assert_int_equal(read_count(b, 0), 0x0999);
    to_tick(b, 1 + 1000);
    assert_int_equal(read_count(b, 0), 0x1000);
    control(b, 0, BOTH, 0, true);
    count(b, 0, 0); /* 10,000 */
    to_tick(b, 1001 + 1 + 9999);
    assert_int_equal(read_count(b, 0), 1);
    assert_false(b->rig.level);
    to_tick(b, 1001 + 1 + 10000);
    assert_true(b->rig.level);
    to_tick(b, 1001 + 1 + 10001);
    assert_int_equal(read_count(b, 0), 0x9999);
}

static void zero_is_65536(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, false);
    count(b, 0, 0);
    unsigned before = b->rig.rises;
    to_tick(b, 65536);
    assert_int_equal(b->rig.rises, before);
    assert_false(b->rig.level);
    to_tick(b, 65537);
    assert_int_equal(b->rig.rises, before + 1);
    assert_int_equal(read_count(b, 0), 0);
}

static void one_byte_counts(void **state)
{
    struct bench *b = *state;

    control(b, 0, LOW, 2, false);
    out(&b->rig, 0x40, 200);
    to_tick(b, 11);
    assert_int_equal(in(&b->rig, 0x40), 190);
    assert_int_equal(in(&b->rig, 0x40), 190);
    control(b, 0, HIGH, 2, false);
    out(&b->rig, 0x40, 0x12);
    to_tick(b, 12);
    assert_int_equal(in(&b->rig, 0x40), 0x12);
    to_tick(b, 13);
    assert_int_equal(in(&b->rig, 0x40), 0x11);
}

static void latching(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, false);
    count(b, 0, 0x1234);
    to_tick(b, 1);
    out(&b->rig, CONTROL, 0x00);
    to_tick(b, 0x100);
    out(&b->rig, CONTROL, 0x00); /* not read yet: the first holds */
    assert_int_equal(in(&b->rig, 0x40), 0x34);
    to_tick(b, 0x200);
    assert_int_equal(in(&b->rig, 0x40), 0x12);
    assert_int_equal(read_count(b, 0), 0x1234 - 0x1FF);
}

static void reading_back(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, false);
    control(b, 2, LOW, 0, false);
    out(&b->rig, CONTROL, 0xEA);                                        /* status of 0 and 2 */
    assert_int_equal(in(&b->rig, 0x40), 0x80 | 0x40 | 3 << 4 | 2 << 1); /* high, null count */
    assert_int_equal(in(&b->rig, 0x42), 0x40 | 1 << 4);
    count(b, 0, 1000);
    out(&b->rig, CONTROL, 0xE2);
    assert_int_equal(in(&b->rig, 0x40) & 0x40, 0x40); /* written, not loaded */
    to_tick(b, 1);
    out(&b->rig, CONTROL, 0xC2); /* both: the status comes first */
    to_tick(b, 500);
    assert_int_equal(in(&b->rig, 0x40), 0x80 | 3 << 4 | 2 << 1);
    assert_int_equal(read_count(b, 0), 1000);
    assert_int_equal(in(&b->rig, CONTROL), 0xFF);
}

static void null_count_until_the_trigger(void **state)
{
    struct bench *b = *state;

    control(b, 2, BOTH, 1, false);
    count(b, 2, 10);
    out(&b->rig, CONTROL, 0xE8);
    assert_int_equal(in(&b->rig, 0x42) & 0x40, 0x40);
    out(&b->rig, SPEAKER, 1);
    to_tick(b, 1);
    out(&b->rig, CONTROL, 0xE8);
    assert_int_equal(in(&b->rig, 0x42) & 0xC0, 0); /* loaded, and low */
    count(b, 2, 20);
    out(&b->rig, CONTROL, 0xE8);
    assert_int_equal(in(&b->rig, 0x42) & 0x40, 0x40);
}

static void exact_cycles(void **state)
{
    struct bench *b = *state;

    /* 100 interrupts a second for ten seconds, as Linux programs it: each at the first cycle at
       which so many ticks have passed, without drift. */
    control(b, 0, BOTH, 2, false);
    count(b, 0, 11932);
    unsigned before = b->rig.rises;
    for (unsigned i = 1; i <= 1000; i++) {
        uint64_t due = clock_cycle_of_tick(1 + 11932ull * i, PIT_HZ);
        run_to(&b->rig, due - 1);
        assert_int_equal(b->rig.rises - before, i - 1);
        run_to(&b->rig, due);
        assert_int_equal(b->rig.rises - before, i);
    }
    assert_in_range(b->rig.now, 9999000000ull, 10001000000ull);
}

static void late_firing_loses_no_edge(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, false);
    count(b, 0, 100);
    unsigned before = b->rig.rises;
    b->rig.now = clock_cycle_of_tick(1 + 100 * 50, PIT_HZ); /* time jumped */
    clock_run_due(&b->rig.clock, b->rig.now);
    assert_int_equal(b->rig.rises - before, 50);
    assert_true(clock_next(&b->rig.clock) > b->rig.now);
}

static void illegal_count_of_one(void **state)
{
    struct bench *b = *state;

    for (unsigned mode = 2; mode <= 3; mode++) {
        control(b, 0, BOTH, mode, false);
        count(b, 0, 1);
        assert_int_equal(clock_next(&b->rig.clock), CLOCK_NEVER);
        run_to(&b->rig, b->rig.now + 50000);
        count(b, 0, 10); /* and it can be left again */
        run_to(&b->rig, b->rig.now + 100000);
        assert_int_not_equal(clock_next(&b->rig.clock), CLOCK_NEVER);
    }
}

static void shortest_periods(void **state)
{
    struct bench *b = *state;

    control(b, 0, BOTH, 2, false);
    count(b, 0, 2);
    check_wire(b, 0, "--_-_-_-");
    control(b, 0, BOTH, 3, false);
    count(b, 0, 2);
    check_wire(b, 7, "--_-_-_-");
    control(b, 0, BOTH, 3, false);
    count(b, 0, 3);
    check_wire(b, 14, "---_--_--_");
}

static void refresh_toggles(void **state)
{
    struct bench *b = *state;
    unsigned flips = 0;
    uint8_t last = in(&b->rig, SPEAKER) & 0x10;

    for (unsigned tick = 1; tick <= 1800; tick++) {
        to_tick(b, tick);
        uint8_t bit = in(&b->rig, SPEAKER) & 0x10;
        flips += bit != last;
        last = bit;
    }
    assert_int_equal(flips, 100);
    out(&b->rig, SPEAKER, 0xFF);
    assert_int_equal(in(&b->rig, SPEAKER) & 0xCF, 0x0F);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mode0),
        TEST(mode0_gate_holds),
        TEST(mode1),
        TEST(mode2),
        TEST(mode2_gate),
        TEST(mode3_even),
        TEST(mode3_odd),
        TEST(mode3_new_count_after_the_half),
        TEST(mode4),
        TEST(mode5),
        TEST(modes_6_and_7_are_2_and_3),
        TEST(bcd),
        TEST(zero_is_65536),
        TEST(one_byte_counts),
        TEST(latching),
        TEST(reading_back),
        TEST(null_count_until_the_trigger),
        TEST(exact_cycles),
        TEST(late_firing_loses_no_edge),
        TEST(illegal_count_of_one),
        TEST(shortest_periods),
        TEST(refresh_toggles),
    };
    return cmocka_run_group_tests_name("pit", tests, NULL, NULL);
}
