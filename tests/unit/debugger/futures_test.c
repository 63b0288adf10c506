/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Futures: what is changed in the past begins another one, the one that was left can be run again as
 * it was, and looking at it changes nothing in the present one.
 */
#include "debug_rig.h"

#include <stdlib.h>
#include <string.h>

static const char work[] = "seq 20 | sort -n | md5sum; sleep 0.02; ps; exit 9\n";

/* What happened, for comparing: guest-visible events alone. */
struct story {
    struct event *e;
    size_t n, room;
};

static void tell(void *ctx, const struct event *e)
{
    struct story *s = ctx;

    if (event_info[e->kind].class != EV_GUEST)
        return;
    if (s->n == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->e = realloc(s->e, s->room * sizeof *s->e);
        assert_non_null(s->e);
    }
    s->e[s->n++] = *e;
}

static bool same_story(const struct story *a, const struct story *b)
{
    return a->n == b->n && !memcmp(a->e, b->e, a->n * sizeof *a->e);
}

static void assert_story(struct debug *d, struct moment from, struct moment to, struct story *want,
                         bool same)
{
    struct story got = {0};
    struct err err = {0};

    assert_true(debug_replay(d, from, to, false, tell, &got, &err));
    assert_int_equal(same_story(&got, want), same);
    free(got.e);
}

static void a_future_that_was_left_can_be_run_again(void **st)
{
    struct rig r = rig_begin(*st, work);
    struct err err = {0};
    struct story was = {0}, is = {0}, again = {0};
    struct moment from, to;

    rig_debug(&r);
    assert_int_equal(debug_goto_cycle(r.d, 12000000)->why, HALT_GOAL);
    struct moment fork = debug_now(r.d);
    assert_int_equal(debug_continue(r.d)->why, HALT_ENDED);
    struct moment end = debug_now(r.d);
    struct digest ended = rig_state(&r);
    assert_true(debug_replay(r.d, fork, end, false, tell, &was, &err));
    assert_int_equal(debug_futures(r.d), 0);

    /* A register that user code has in hand, of a system call to be: another story from here on. */
    debug_goto(r.d, fork);
    uint32_t eip = cpu_eip(r.m->domain->cpu);
    assert_true(debug_set_register(r.d, R_ESP, 0x1000, &err));
    assert_int_equal(debug_futures(r.d), 1);
    assert_true(debug_future(r.d, 0, &from, &to));
    assert_int_equal(moment_compare(from, fork), 0);
    assert_int_equal(moment_compare(to, end), 0);
    assert_false(debug_in_past(r.d));
    assert_int_equal(cpu_eip(r.m->domain->cpu), eip);
    debug_goto_cycle(r.d, fork.cycle + 3000000);
    struct moment here = debug_now(r.d);
    struct digest state = rig_state(&r);
    assert_true(debug_replay(r.d, fork, here, false, tell, &is, &err));
    assert_false(same_story(&was, &is));

    /* The one that was left, from beginning to end, and then the present one as if nothing had been. */
    assert_true(debug_replay_future(r.d, 0, tell, &again, &err));
    assert_true(same_story(&was, &again));
    assert_int_equal(moment_compare(debug_now(r.d), here), 0);
    assert_true(digest_equal(rig_state(&r), state));
    assert_story(r.d, fork, here, &is, true);
    assert_story(r.d, fork, here, &was, false);
    assert_false(digest_equal(ended, state));
    free(was.e);
    free(is.e);
    free(again.e);
    rig_end(&r);
}

/* A cost is configuration: going back must bring the old one back. */
static void costs_belong_to_their_future(void **st)
{
    const struct hv_model *model = *st;
    struct rig r = rig_begin(model, work);
    struct err err = {0};
    struct story was = {0}, again = {0};
    uint32_t cycles;
    unsigned cost = 0;

    rig_debug(&r);
    if (!model->costs || !model->costs[0].name) {
        assert_false(debug_set_cost(r.d, "hypercall", 1, &err));
        rig_end(&r);
        return;
    }
    debug_goto_cycle(r.d, 12000000);
    struct moment fork = debug_now(r.d);
    debug_goto_cycle(r.d, 20000000);
    struct moment there = debug_now(r.d);
    struct digest state = rig_state(&r);
    assert_true(debug_replay(r.d, fork, there, false, tell, &was, &err));

    /* One that is charged here, if any is: bare hardware charges next to nothing. */
    for (unsigned i = 0; model->costs[i].name; i++)
        if (hv_cost_charged(r.m->domain, i, &cycles) > hv_cost_charged(r.m->domain, cost, &cycles))
            cost = i;
    bool charged = hv_cost_charged(r.m->domain, cost, &cycles) > 1000;
    debug_goto(r.d, fork);
    assert_true(debug_set_cost(r.d, model->costs[cost].name, 123456, &err));
    hv_cost_charged(r.m->domain, cost, &cycles);
    assert_int_equal(cycles, 123456);
    debug_goto_cycle(r.d, 20000000);
    assert_int_equal(digest_equal(rig_state(&r), state), !charged);
    debug_goto_cycle(r.d, 5000000);
    hv_cost_charged(r.m->domain, cost, &cycles);
    assert_int_equal(cycles, model->costs[cost].cycles);
    debug_goto_cycle(r.d, 20000000);
    hv_cost_charged(r.m->domain, cost, &cycles);
    assert_int_equal(cycles, 123456);
    assert_true(debug_replay_future(r.d, 0, tell, &again, &err));
    assert_true(same_story(&was, &again));
    free(was.e);
    free(again.e);
    rig_end(&r);
}

/* The history is bounded, and what has been thinned is still reached. */
static void history_keeps_to_its_bound(void **st)
{
    const uint64_t bound = 3 << 20;
    struct rig r = rig_begin(*st, "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; exit 9\n");
    uint64_t bytes;

    rig_debug(&r);
    debug_goto_cycle(r.d, 9000000);
    struct moment at = debug_now(r.d);
    struct digest state = rig_state(&r);
    debug_set_history_limit(r.d, bound);
    assert_int_equal(debug_continue(r.d)->why, HALT_ENDED);
    assert_true(debug_snapshots(r.d, &bytes) >= 1);
    /* A first snapshot that is larger by itself cannot be left out. */
    if (debug_snapshots(r.d, NULL) > 3)
        assert_true(bytes <= bound);
    debug_goto(r.d, at);
    assert_true(digest_equal(rig_state(&r), state));
    rig_end(&r);
}

int main(void)
{
    int failed = 0;

    for (const struct hv_model *const *model = hv_models(); *model; model++) {
        void *st = (void *)*model;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(a_future_that_was_left_can_be_run_again, st),
            cmocka_unit_test_prestate(costs_belong_to_their_future, st),
            cmocka_unit_test_prestate(history_keeps_to_its_bound, st),
        };
        failed += cmocka_run_group_tests_name((*model)->name, tests, NULL, NULL);
    }
    return failed;
}
