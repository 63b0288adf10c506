/* SPDX-License-Identifier: GPL-2.0-only */
/* Snapshots: any of them, in any order, and cheap. */
#include "fake_machine.h"

#include "snapshot.h"

#define RAM   (8ull << 20)
#define CHAIN 40

static void a_restored_machine_is_the_one_that_was(void **st)
{
    struct fake *f = fake_new(RAM);
    struct snapshots *s = snapshots_new(&f->parts, NULL);

    (void)st;
    fake_work(f, 1);
    struct digest state = digest_state(&f->parts), events = events_digest(f->parts.events);
    struct snapshot *x = snapshot_take(s, NULL);
    assert_non_null(x);
    assert_int_equal(snapshot_cycle(x), f->cpu.s.now);
    assert_same_digest(state, digest_state(&f->parts)); /* taking it changes nothing */

    for (unsigned again = 0; again < 3; again++) {
        fake_work(f, 2 + again);
        assert_other_digest(state, digest_state(&f->parts));
        assert_other_digest(events, events_digest(f->parts.events));
        snapshot_restore(s, x);
        assert_same_digest(state, digest_state(&f->parts));
        assert_same_digest(events, events_digest(f->parts.events));
    }
    snapshot_free(x);
    snapshots_free(s);
    fake_free(f);
}

/* Every snapshot of a chain, restored in a wild order, some taken and freed on the way. */
static void any_of_a_chain_can_be_restored(void **st)
{
    struct fake *f = fake_new(RAM);
    struct snapshots *s = snapshots_new(&f->parts, NULL);
    struct snapshot *x[CHAIN];
    struct digest d[CHAIN];
    uint32_t r = 12345;

    (void)st;
    for (uint32_t i = 0; i < CHAIN; i++) {
        fake_work(f, i);
        d[i] = digest_state(&f->parts);
        x[i] = snapshot_take(s, NULL);
        assert_non_null(x[i]);
    }
    for (unsigned step = 0; step < 300; step++) {
        r = r * 1664525u + 1013904223u;
        unsigned i = r >> 16 & 63;
        if (i >= CHAIN)
            continue;
        if (r >> 29 == 0) { /* replace it by the present */
            snapshot_free(x[i]);
            d[i] = digest_state(&f->parts);
            x[i] = snapshot_take(s, NULL);
            assert_non_null(x[i]);
        } else {
            snapshot_restore(s, x[i]);
            assert_same_digest(d[i], digest_state(&f->parts));
        }
        if (r >> 28 & 1)
            fake_work(f, r);
    }
    for (unsigned i = 0; i < CHAIN; i += 2)
        snapshot_free(x[i]);
    snapshot_restore(s, x[1]);
    assert_same_digest(d[1], digest_state(&f->parts));
    snapshots_free(s); /* the rest outlive their owner */
    for (unsigned i = 1; i < CHAIN; i += 2)
        snapshot_free(x[i]);
    snapshot_free(NULL);
    fake_free(f);
}

static void a_snapshot_costs_what_has_changed(void **st)
{
    struct fake *f = fake_new(RAM);
    struct snapshots *s = snapshots_new(&f->parts, NULL);

    (void)st;
    for (uint64_t at = 1 << 20; at < RAM; at += PAGE_SIZE)
        *fake_ram(f, at) = 1;
    struct snapshot *full = snapshot_take(s, NULL);
    assert_true(snapshot_bytes(full) > RAM - (1 << 20));
    struct snapshot *none = snapshot_take(s, NULL);
    assert_true(snapshot_bytes(none) < 2 * PAGE_SIZE);
    for (uint64_t at = 4 << 20; at < 5 << 20; at += PAGE_SIZE)
        *fake_ram(f, at) = 2;
    for (uint64_t at = 5 << 20; at < RAM; at += PAGE_SIZE)
        *fake_ram(f, at) = 1; /* written, but not changed */
    struct snapshot *mib = snapshot_take(s, NULL);
    assert_true(snapshot_bytes(mib) > 1 << 20);
    assert_true(snapshot_bytes(mib) < (1 << 20) + 8 * PAGE_SIZE);
    snapshot_free(full);
    snapshot_free(none);
    snapshot_free(mib);
    snapshots_free(s);
    fake_free(f);
}

/* Shared pages count once, and what nobody holds any more does not count. */
static void all_together_cost_what_is_held(void **st)
{
    struct fake *f = fake_new(RAM);
    struct snapshots *s = snapshots_new(&f->parts, NULL);
    size_t empty = snapshots_bytes(s), sum = 0;
    struct snapshot *x[8];

    (void)st;
    for (uint32_t i = 0; i < 8; i++) {
        fake_work(f, i);
        x[i] = snapshot_take(s, NULL);
        assert_non_null(x[i]);
        sum += snapshot_bytes(x[i]);
    }
    size_t full = snapshots_bytes(s);
    assert_true(full > empty + PAGE_SIZE && full <= empty + sum + sum / 4);
    for (unsigned i = 0; i < 7; i++) { /* the last one holds all its pages, wherever they come from */
        snapshot_free(x[i]);
        assert_true(snapshots_bytes(s) < full);
        full = snapshots_bytes(s);
    }
    struct digest there = digest_state(&f->parts);
    fake_work(f, 99);
    snapshot_restore(s, x[7]);
    assert_same_digest(there, digest_state(&f->parts));
    snapshot_free(x[7]);
    snapshots_free(s);
    fake_free(f);
}

static void input_happens_again_after_going_back(void **st)
{
    struct fake *f = fake_new(RAM);
    struct snapshots *s = snapshots_new(&f->parts, NULL);
    uint16_t byte;

    (void)st;
    input_from_live(f->parts.input);
    input_push(f->parts.input, 'a');
    input_push(f->parts.input, 'b');
    assert_true(input_take(f->parts.input, 10, &byte));
    struct snapshot *x = snapshot_take(s, NULL);
    assert_true(input_take(f->parts.input, 20, &byte));
    snapshot_restore(s, x);
    assert_int_equal(input_next_due(f->parts.input), 20);
    assert_true(input_take(f->parts.input, 20, &byte));
    assert_int_equal(byte, 'b');
    snapshot_free(x);
    snapshots_free(s);
    fake_free(f);
}

/* Every frame of every snapshot, looked into while another one is the present. */
static void one_can_look_into_a_snapshot(void **st)
{
    enum { LOOKS = 12 };
    struct fake *f = fake_new(RAM);
    struct snapshots *s = snapshots_new(&f->parts, NULL);
    struct snapshot *x[LOOKS];
    uint8_t *was[LOOKS], page[PAGE_SIZE];
    uint32_t different = 0;

    (void)st;
    for (unsigned i = 0; i < LOOKS; i++) {
        if (i == 5)
            snapshot_restore(s, x[1]); /* another future */
        if (i != 9)                    /* one in which nothing happened */
            fake_work(f, i < 5 ? i : i * 3);
        x[i] = snapshot_take(s, NULL);
        was[i] = calloc(1, RAM);
        assert_true(x[i] && was[i]);
        for (uint64_t at = 0; at < RAM; at += PAGE_SIZE)
            mem_read(f->parts.mem, MADDR(at), was[i] + at, PAGE_SIZE);
    }
    fake_work(f, 99);
    for (unsigned i = 0; i < LOOKS; i++) {
        for (uint64_t frame = 0; frame < RAM >> PAGE_SHIFT; frame++) {
            uint64_t at = frame << PAGE_SHIFT;
            assert_int_equal(snapshot_read(x[i], MADDR(at), page, PAGE_SIZE),
                             mem_is_ram(f->parts.mem, frame));
            if (mem_is_ram(f->parts.mem, frame))
                assert_memory_equal(page, was[i] + at, PAGE_SIZE);
            for (unsigned k = 0; k < LOOKS; k++) {
                bool differs = memcmp(was[i] + at, was[k] + at, PAGE_SIZE) != 0;
                different += differs;
                assert_int_equal(snapshot_page_differs(x[i], x[k], frame), differs);
            }
        }
        /* Across pages, and to the very end. */
        assert_true(snapshot_read(x[i], MADDR((3u << 20) - 100), page, 200));
        assert_memory_equal(page, was[i] + (3u << 20) - 100, 200);
        assert_true(snapshot_read(x[i], MADDR(RAM - 1), page, 1));
        assert_true(snapshot_read(x[i], MADDR(RAM), page, 0));
        assert_false(snapshot_read(x[i], MADDR(RAM), page, 1));
        assert_false(snapshot_read(x[i], MADDR(RAM - 1), page, 2));
        assert_false(snapshot_read(x[i], MADDR(UINT64_MAX), page, 2));
        assert_false(snapshot_read(x[i], MADDR(PC_HOLE_START - 1), page, 2));
        assert_false(snapshot_read(x[i], MADDR(PC_HOLE_END - 1), page, 2));
        assert_false(snapshot_page_differs(x[i], x[0], RAM >> PAGE_SHIFT));
    }
    assert_true(different > LOOKS);
    assert_false(snapshot_page_differs(x[8], x[9], 0x300));
    for (unsigned i = 0; i < LOOKS; i++) {
        snapshot_free(x[i]);
        free(was[i]);
    }
    snapshots_free(s);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_machine_is_the_one_that_was),
        cmocka_unit_test(any_of_a_chain_can_be_restored),
        cmocka_unit_test(a_snapshot_costs_what_has_changed),
        cmocka_unit_test(all_together_cost_what_is_held),
        cmocka_unit_test(one_can_look_into_a_snapshot),
        cmocka_unit_test(input_happens_again_after_going_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
