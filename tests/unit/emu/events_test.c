/* SPDX-License-Identifier: GPL-2.0-only */
/* The event stream: its digest, its memory, its readers, and how events read. */
#include "unit.h"

#include "events.h"

static struct event nth(uint64_t i)
{
    return (struct event){.cycle = i, .eip = 0xC0100000, .kind = EVENT_io_out, .a = {0x3F8, 1, 65}};
}

static void emit_n(struct events *s, uint64_t from, uint64_t n)
{
    for (uint64_t i = from; i < from + n; i++) {
        struct event e = nth(i);
        events_emit(s, &e);
    }
}

static bool same(struct digest a, struct digest b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

static void asking_for_the_digest_does_not_change_it(void **st)
{
    struct events *quiet = events_new(), *nosy = events_new();

    (void)st;
    for (uint64_t i = 0; i < 1000; i++) {
        emit_n(quiet, i, 1);
        emit_n(nosy, i, 1);
        events_digest(nosy);
    }
    assert_true(same(events_digest(quiet), events_digest(nosy)));
    assert_int_equal(events_count(quiet), 1000);
    events_free(quiet);
    events_free(nosy);
}

static void one_changed_bit_of_any_event_changes_the_digest(void **st)
{
    (void)st;
    /* In the first batch, at a batch's edges, and in the unfinished last one. */
    const uint64_t where[] = {0, 63, 64, 127, 190, 199};
    struct events *good = events_new();
    emit_n(good, 0, 200);
    for (unsigned w = 0; w < 6; w++) {
        for (unsigned bit = 0; bit < 8 * sizeof(struct event); bit++) {
            if (bit / 8 >= offsetof(struct event, kind) && bit / 8 < offsetof(struct event, cpl))
                continue; /* another kind may not be a kind, or of another class */
            struct events *bad = events_new();
            emit_n(bad, 0, where[w]);
            struct event e = nth(where[w]);
            ((uint8_t *)&e)[bit / 8] ^= 1u << bit % 8;
            events_emit(bad, &e);
            emit_n(bad, where[w] + 1, 199 - where[w]);
            assert_int_equal(events_count(bad), 200);
            assert_false(same(events_digest(good), events_digest(bad)));
            events_free(bad);
        }
    }
    events_free(good);
}

static void the_number_of_events_is_part_of_the_digest(void **st)
{
    struct events *s = events_new();
    struct event zero = {.kind = EVENT_fault};
    struct digest before[200];

    (void)st;
    for (unsigned i = 0; i < 200; i++) {
        before[i] = events_digest(s);
        for (unsigned j = 0; j < i; j++)
            assert_false(same(before[i], before[j]));
        events_emit(s, &zero);
    }
    events_free(s);
}

static void events_of_the_host_and_details_are_not_hashed(void **st)
{
    struct events *a = events_new(), *b = events_new();
    struct event stop = {.kind = EVENT_stop, .cycle = 7}, stage = {.kind = EVENT_stage};

    (void)st;
    emit_n(a, 0, 10);
    emit_n(b, 0, 5);
    events_emit(b, &stop);
    events_emit(b, &stage);
    emit_n(b, 5, 5);
    assert_true(same(events_digest(a), events_digest(b)));
    assert_int_equal(events_count(b), 10);
    events_free(a);
    events_free(b);
}

static void the_recorder_keeps_the_newest_in_order(void **st)
{
    struct events *s = events_new();
    static struct event out[10000];

    (void)st;
    assert_int_equal(events_recent(s, out, 10), 0);
    emit_n(s, 0, 3);
    assert_int_equal(events_recent(s, out, 10), 3);
    assert_int_equal(out[0].cycle, 0);
    emit_n(s, 3, 9997);
    assert_int_equal(events_recent(s, out, 10), 10);
    assert_int_equal(out[0].cycle, 9990);
    assert_int_equal(out[9].cycle, 9999);
    size_t n = events_recent(s, out, 10000);
    assert_true(n >= 1000 && n < 10000);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i].cycle, 10000 - n + i);
    events_free(s);
}

struct reader {
    struct events *s;
    unsigned heard;
    bool leave;
};

static void hear(void *ctx, const struct event *e)
{
    struct reader *r = ctx;

    (void)e;
    r->heard++;
    if (r->leave)
        events_unsubscribe(r->s, hear, r);
}

static void readers_hear_their_classes_and_may_leave(void **st)
{
    struct events *s = events_new();
    struct reader all = {.s = s}, host = {.s = s}, once = {.s = s, .leave = true};
    struct event stop = {.kind = EVENT_stop};

    (void)st;
    assert_true(events_subscribe(s, EV_GUEST | EV_DETAIL | EV_HOST, hear, &once));
    assert_true(events_subscribe(s, EV_GUEST | EV_DETAIL | EV_HOST, hear, &all));
    assert_true(events_subscribe(s, EV_HOST, hear, &host));
    emit_n(s, 0, 5);
    events_emit(s, &stop);
    assert_int_equal(all.heard, 6);
    assert_int_equal(host.heard, 1);
    assert_int_equal(once.heard, 1);

    struct reader more[8] = {{.s = s}};
    unsigned room = 0;
    while (room < 8 && events_subscribe(s, EV_HOST, hear, &more[room]))
        room++;
    assert_int_equal(room, 6); /* eight readers in all */
    events_free(s);
}

static void a_position_can_be_taken_up_again(void **st)
{
    struct events *a = events_new(), *b = events_new();
    void *at = malloc(events_state_size()), *again = malloc(events_state_size());

    (void)st;
    for (uint64_t cut = 0; cut < 200; cut += 13) {
        events_free(a);
        a = events_new();
        emit_n(a, 0, cut);
        events_state_get(a, at);
        emit_n(a, cut, 200);
        emit_n(b, 1000, 77); /* another past, which must leave no trace */
        events_state_set(b, at);
        events_state_get(b, again);
        assert_memory_equal(at, again, events_state_size());
        emit_n(b, cut, 200);
        assert_true(same(events_digest(a), events_digest(b)));
        assert_int_equal(events_count(a), events_count(b));
    }
    free(at);
    free(again);
    events_free(a);
    events_free(b);
}

static void events_read_as_text(void **st)
{
    struct event e = {
        .cycle = 12345, .eip = 0xC0101234, .kind = EVENT_io_out, .a = {0x3F8, 1, 0x41}};
    struct event h = {.kind = EVENT_hole, .cpl = 3, .a = {0xFEE00000, 1, 1, 4}};
    char text[200];

    (void)st;
    event_format(&e, text, sizeof text);
    assert_string_equal(text,
                        "       12345 d0 ring 0 c0101234  io_out    port=0x3f8 size=1 value=0x41");
    event_format(&h, text, sizeof text);
    assert_non_null(strstr(text, "hole      addr=0x1fee00000 write=1 size=4"));
    e.kind = EVENT_KINDS;
    event_format(&e, text, sizeof text);
    assert_non_null(strstr(text, "unknown kind"));

    /* Any size of buffer, every kind: never over the end, always a string. */
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        struct event k = {.cycle = UINT64_MAX, .kind = kind, .a = {~0u, ~0u, ~0u, ~0u}};
        for (size_t size = 1; size < sizeof text; size++) {
            memset(text, 'x', sizeof text);
            event_format(&k, text, size);
            assert_true(strnlen(text, sizeof text) < size);
            assert_int_equal(text[size], 'x');
        }
        assert_non_null(strstr(text, event_info[kind].name));
    }
}

static void the_catalogue_is_well_formed(void **st)
{
    (void)st;
    for (unsigned k = 0; k < EVENT_KINDS; k++) {
        const struct event_info *i = &event_info[k];
        unsigned words = *i->fields ? 1 : 0;
        for (const char *c = i->fields; *c; c++)
            words += *c == ' ';
        assert_true(words <= 4);
        assert_true(i->class == EV_GUEST || i->class == EV_DETAIL || i->class == EV_HOST);
        assert_true(*i->meaning);
        for (unsigned j = 0; j < k; j++)
            assert_string_not_equal(i->name, event_info[j].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_for_the_digest_does_not_change_it),
        cmocka_unit_test(one_changed_bit_of_any_event_changes_the_digest),
        cmocka_unit_test(the_number_of_events_is_part_of_the_digest),
        cmocka_unit_test(events_of_the_host_and_details_are_not_hashed),
        cmocka_unit_test(the_recorder_keeps_the_newest_in_order),
        cmocka_unit_test(readers_hear_their_classes_and_may_leave),
        cmocka_unit_test(a_position_can_be_taken_up_again),
        cmocka_unit_test(events_read_as_text),
        cmocka_unit_test(the_catalogue_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
