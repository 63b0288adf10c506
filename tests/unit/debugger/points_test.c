/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 200 moments of a run, of every kind that there is: in the middle of a translated block, in the
 * middle of a REP, in the shadow of STI, halted, inside a crossing. Each is gone to from another one,
 * backward or forward, and must be the same state each time. Then the same with somebody typing.
 */
#include "debug_rig.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../random.h"

#define POINTS 50u
#define VISITS 200u

static const char work[] = "for i in 1 2; do (sleep 0.0$i; echo child $i) & done\n"
                           "seq 100 | sort -n | md5sum; wait; ps\n"
                           "exit 9\n";

static uint64_t seed;

struct final {
    uint64_t cycles, events;
    struct digest state, stream;
};

static struct final end_of(struct rig *r)
{
    assert_int_equal(r->m->domain->end.kind, END_POWEROFF);
    assert_int_equal(r->m->domain->end.status, 9);
    return (struct final){machine_now(r->m), events_count(r->m->events), rig_state(r),
                          events_digest(r->m->events)};
}

static void assert_same_end(struct final a, struct final b)
{
    assert_int_equal(a.cycles, b.cycles);
    assert_int_equal(a.events, b.events);
    assert_true(digest_equal(a.stream, b.stream));
    assert_true(digest_equal(a.state, b.state));
}

struct point {
    struct moment at;
    struct digest state;
    const char *kind;
};

struct points {
    struct point list[POINTS + 16];
    unsigned n;
};

static void remember(struct rig *r, struct points *p, const char *kind)
{
    p->list[p->n++] = (struct point){debug_now(r->d), rig_state(r), kind};
}

static struct stop *arm(struct debug *d, enum stop_kind kind, const char *name)
{
    struct err err = {0};
    struct stop *s = debug_stop_new(d, kind, name, &err);

    if (!s || !debug_stop_arm(d, s, &err))
        fail_msg("%s", err.text);
    return s;
}

/* `n` hits of a stop, some of them, from here on. */
static void hits(struct rig *r, struct random *random, struct points *p, struct stop *s, unsigned n,
                 unsigned sparse, unsigned steps, const char *kind)
{
    for (unsigned i = 0; i < n; i++) {
        s->ignore = random_below(random, sparse);
        if (debug_continue(r->d)->why != HALT_STOP)
            break;
        for (unsigned k = 0; k < steps; k++)
            debug_step(r->d, GRAIN_INSN, REACH_INTO, false);
        remember(r, p, kind);
    }
    debug_stop_delete(r->d, s);
}

/* Every "rep movsd" and "rep stosd" of the kernel (or what looks like one; it is never met then). */
static struct stop *at_reps(struct debug *d)
{
    struct err err = {0};
    struct stop *s = debug_stop_new(d, STOP_CODE, "", &err);
    unsigned n;
    const struct kernel_symbol *f = kernel_symbols(debug_kernel(d), &n);

    assert_non_null(s);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *code =
            f[i].function && f[i].size ? kernel_bytes(debug_kernel(d), f[i].addr, f[i].size) : NULL;
        for (uint32_t k = 0; code && k + 1 < f[i].size && s->addrs < STOP_ADDRS_MAX; k++)
            if (code[k] == 0xF3 && (code[k + 1] == 0xA5 || code[k + 1] == 0xAB))
                s->addr[s->addrs++] = f[i].addr + k;
    }
    assert_true(s->addrs > 0);
    assert_true(debug_stop_arm(d, s, &err));
    return s;
}

/* Hits at instructions that repeat themselves, each after a few turns. */
static unsigned in_reps(struct rig *r, struct random *random, struct points *p, unsigned n)
{
    struct stop *s = at_reps(r->d);
    unsigned found = 0;

    for (unsigned tries = 0; found < n && tries < 200; tries++) {
        if (debug_continue(r->d)->why != HALT_STOP)
            break;
        uint32_t eip = cpu_eip(r->m->domain->cpu);
        for (unsigned turns = 1 + (unsigned)random_below(random, 4); turns; turns--)
            debug_step(r->d, GRAIN_INSN, REACH_INTO, false);
        if (cpu_eip(r->m->domain->cpu) != eip)
            continue; /* it was short */
        remember(r, p, "in a REP");
        found++;
    }
    debug_stop_delete(r->d, s);
    return found;
}

static void gather(struct rig *r, struct random *random, struct points *p, uint64_t end)
{
    for (unsigned i = 0; i < 14; i++) {
        debug_goto_cycle(r->d, random_below(random, end));
        remember(r, p, r->m->domain->state.halted ? "halted" : "anywhere");
    }
    debug_goto_cycle(r->d, end / 8);
    assert_true(in_reps(r, random, p, 8) > 0);
    debug_goto_cycle(r->d, end / 4 + random_below(random, end / 4));
    /* One instruction behind it, which is STI itself where the hardware has it. */
    hits(r, random, p, arm(r->d, STOP_HOOK, "irq_enable"), 8, 20, 1, "behind STI");
    debug_goto_cycle(r->d, end / 3 + random_below(random, end / 4));
    hits(r, random, p, arm(r->d, STOP_EXIT, ""), 8, 30, 0, "in a crossing");
    debug_goto_cycle(r->d, end / 3 + random_below(random, end / 3));
    hits(r, random, p, arm(r->d, STOP_STAGE, ""), 12, 60, 0, "at a stage");
    assert_true(p->n > 40);
}

static void visit(struct rig *r, struct random *random, const struct points *p)
{
    for (unsigned i = 0; i < VISITS; i++) {
        const struct point *point = &p->list[random_below(random, p->n)];
        assert_int_equal(debug_goto(r->d, point->at)->why, HALT_GOAL);
        if (moment_compare(debug_now(r->d), point->at))
            fail_msg("seed %" PRIu64 ", visit %u (%s): cycle %" PRIu64 " instead of %" PRIu64, seed,
                     i, point->kind, debug_now(r->d).cycle, point->at.cycle);
        if (!digest_equal(rig_state(r), point->state))
            fail_msg("seed %" PRIu64 ", visit %u (%s): at cycle %" PRIu64 " another state", seed, i,
                     point->kind, point->at.cycle);
    }
}

static void every_kind_of_moment_is_one_state(void **st)
{
    struct rig r = rig_begin(*st, work);
    struct random random = {seed};
    struct points p = {0};

    rig_debug(&r);
    assert_int_equal(debug_continue(r.d)->why, HALT_ENDED);
    struct final want = end_of(&r);
    gather(&r, &random, &p, want.cycles);
    visit(&r, &random, &p);
    assert_int_equal(debug_continue(r.d)->why, HALT_ENDED);
    assert_same_end(end_of(&r), want);
    rig_end(&r);
}

/* Somebody types while it runs; that is a part of the run from then on, wherever one comes from. */
static void typing_belongs_to_the_run(void **st)
{
    static const char *const lines[] = {"cat\n", "one line\n",         "and ano", "ther\n",
                                        "\004",  "seq 3 | sort -rn\n", "exit 9\n"};
    struct rig r = rig_begin(*st, "sh 2>&1; exit 9\n");
    struct random random = {seed};
    struct points p = {0};
    struct err err = {0};

    input_from_live(r.m->input);
    rig_debug(&r);
    debug_goto_cycle(r.d, 20000000);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!debug_type(r.d, (const uint8_t *)lines[i], (uint32_t)strlen(lines[i]), &err))
            fail_msg("%s", err.text);
        for (unsigned k = 0; k < 3; k++) {
            debug_goto_cycle(r.d, debug_frontier(r.d).cycle + 1 + random_below(&random, 3000000));
            if (debug_halt(r.d)->why == HALT_GOAL)
                remember(&r, &p, "while typing");
        }
        /* Into the past and back: nothing of it is typed twice, or lost. */
        const struct point *past = &p.list[random_below(&random, p.n)];
        assert_int_equal(debug_goto(r.d, past->at)->why, HALT_GOAL);
        assert_true(digest_equal(rig_state(&r), past->state));
        debug_goto(r.d, debug_frontier(r.d));
    }
    assert_int_equal(debug_continue(r.d)->why, HALT_ENDED);
    struct final want = end_of(&r);
    for (unsigned i = 0; i < 5; i++) {
        const struct point *past = &p.list[random_below(&random, p.n)];
        assert_int_equal(debug_goto(r.d, past->at)->why, HALT_GOAL);
        if (!digest_equal(rig_state(&r), past->state))
            fail_msg("seed %" PRIu64 ": at cycle %" PRIu64 " another state", seed, past->at.cycle);
        assert_int_equal(debug_continue(r.d)->why, HALT_ENDED);
        assert_same_end(end_of(&r), want);
    }
    rig_end(&r);
}

int main(int argc, char **argv)
{
    int failed = 0;

    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    printf("seed %" PRIu64 "\n", seed);
    for (const struct hv_model *const *model = hv_models(); *model; model++) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(every_kind_of_moment_is_one_state, (void *)*model),
            cmocka_unit_test_prestate(typing_belongs_to_the_run, (void *)*model),
        };
        failed += cmocka_run_group_tests_name((*model)->name, tests, NULL, NULL);
    }
    return failed;
}
