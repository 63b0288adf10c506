/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time travel on the real thing. A moment names one state: going there from anywhere, backward or
 * forward, gives the same digest; and a run that was dragged to and fro ends in the same bits as one
 * that nobody touched.
 */
#include "../unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "debugger/control/debug.h"
#include "debugger/control/source.h"
#include "digest.h"
#include "hv-models/hv.h"
#include "../random.h"

static const char work[] = "for i in 1 2; do (sleep 0.0$i; echo child $i) & done\n"
                           "seq 100 | sort -n | md5sum; wait; ps\n"
                           "exit 9\n";

static struct image kernel, initrd;
static uint64_t seed;

struct final {
    uint64_t cycles, events;
    struct digest state, stream;
};

static void read_images(void)
{
    struct image base = {0};
    struct err err = {0};
    struct initrd *rd = initrd_new();

    assert_non_null(rd);
    if (!image_read(&kernel, RINGSIDE_BUILD "/ringside-kernel", &err) ||
        !image_read(&base, RINGSIDE_BUILD "/initrd.cpio", &err) ||
        !initrd_append_image(rd, base, &err) || !initrd_add_commands(rd, work, &err) ||
        !initrd_finish(rd, &initrd, &err))
        fail_msg("%s", err.text);
    initrd_free(rd);
    image_free(&base);
}

static struct machine *boot(const struct hv_model *model)
{
    struct machine_config cfg = {.mem_bytes = MACHINE_DEFAULT_MEM,
                                 .rtc_epoch = MACHINE_DEFAULT_RTC,
                                 .max_cycles = 4000000000};
    struct boot_request rq = {.kernel = kernel, .initrd = initrd, .cmdline = "seed=1 quiet"};
    struct err err = {0};
    struct machine *m = machine_new(&cfg, NULL, &err);

    if (!m || !hv_attach(m, model, model->variants[0], &rq, &err))
        fail_msg("%s", err.text);
    return m;
}

static void shut_down(struct machine *m)
{
    hv_detach(m);
    machine_free(m);
}

static struct final end_of(struct machine *m)
{
    struct machine_parts parts = machine_parts(m);

    assert_int_equal(m->domain->end.kind, END_POWEROFF);
    assert_int_equal(m->domain->end.status, 9);
    return (struct final){machine_now(m), events_count(m->events), digest_state(&parts),
                          events_digest(m->events)};
}

static struct digest state_now(struct machine *m)
{
    struct machine_parts parts = machine_parts(m);

    return digest_state(&parts);
}

static void assert_same_end(struct final a, struct final b)
{
    assert_int_equal(a.cycles, b.cycles);
    assert_int_equal(a.events, b.events);
    assert_true(digest_equal(a.stream, b.stream));
    assert_true(digest_equal(a.state, b.state));
}

static struct final undisturbed(const struct hv_model *model)
{
    struct machine *m = boot(model);
    machine_run(m, CLOCK_NEVER);
    struct final e = end_of(m);
    shut_down(m);
    return e;
}

static struct debug *begin(struct machine *m)
{
    struct err err = {0};
    struct debug *d =
        debug_new(&(struct debug_setup){.machine = m, .kernel = &kernel, .initrd = &initrd}, &err);

    if (!d)
        fail_msg("%s", err.text);
    assert_non_null(debug_kernel(d));
    return d;
}

static const struct hv_model *model_of(void **st)
{
    return *st;
}

static void runs_to_the_same_end(void **st)
{
    struct final want = undisturbed(model_of(st));
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);

    assert_int_equal(debug_continue(d)->why, HALT_ENDED);
    assert_same_end(end_of(m), want);
    debug_free(d);
    assert_same_end(end_of(m), want);
    shut_down(m);
}

/* 200 random points: forward to one, back to an older one, and again. */
static void every_moment_is_one_state(void **st)
{
    enum { POINTS = 40, VISITS = 200 };
    struct final want = undisturbed(model_of(st));
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);
    struct random r = {seed};
    struct {
        struct moment at;
        struct digest state;
    } point[POINTS];

    for (unsigned i = 0; i < POINTS; i++) {
        uint64_t cycle = random_below(&r, want.cycles);
        assert_int_equal(debug_goto_cycle(d, cycle)->why, HALT_GOAL);
        point[i].at = debug_now(d);
        assert_true(point[i].at.cycle >= cycle);
        point[i].state = state_now(m);
    }
    for (unsigned i = 0; i < VISITS; i++) {
        unsigned p = (unsigned)random_below(&r, POINTS);
        assert_int_equal(debug_goto(d, point[p].at)->why, HALT_GOAL);
        if (moment_compare(debug_now(d), point[p].at))
            fail_msg("seed %" PRIu64 ": cycle %" PRIu64 " instead of %" PRIu64, seed,
                     debug_now(d).cycle, point[p].at.cycle);
        if (!digest_equal(state_now(m), point[p].state))
            fail_msg("seed %" PRIu64 ": at cycle %" PRIu64 " another state than before", seed,
                     point[p].at.cycle);
        if (i % 4 || m->domain->state.halted)
            continue; /* while nothing runs there are no instructions to step */
        /* One back and one forth is where we were. */
        if (debug_step(d, GRAIN_INSN, REACH_INTO, true)->why == HALT_BEGINNING)
            continue;
        assert_true(moment_compare(debug_now(d), point[p].at) < 0);
        assert_int_equal(debug_step(d, GRAIN_INSN, REACH_INTO, false)->why, HALT_STEP);
        if (moment_compare(debug_now(d), point[p].at) ||
            !digest_equal(state_now(m), point[p].state))
            fail_msg("seed %" PRIu64 ": back from cycle %" PRIu64 " and forth is cycle %" PRIu64,
                     seed, point[p].at.cycle, debug_now(d).cycle);
    }
    assert_int_equal(debug_continue(d)->why, HALT_ENDED);
    assert_same_end(end_of(m), want);
    debug_free(d);
    shut_down(m);
}

static struct stop *arm(struct debug *d, enum stop_kind kind, const char *name)
{
    struct err err = {0};
    struct stop *s = debug_stop_new(d, kind, name, &err);

    if (!s || !debug_stop_arm(d, s, &err))
        fail_msg("%s", err.text);
    return s;
}

/* Hits forward, then the same hits backward; the machine stands inside crossings at many of them. */
static void check_hits(void **st, enum stop_kind kind, const char *name, bool inside)
{
    enum { HITS = 60 };
    struct final want = undisturbed(model_of(st));
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);
    struct moment hit[HITS];
    uint32_t eip[HITS];
    unsigned n = 0;
    struct stop *s = arm(d, kind, name);

    debug_stop_enable(d, s, false);
    debug_goto_cycle(d, want.cycles / 2);
    debug_stop_enable(d, s, true);
    const bool talk = getenv("TALK");
    for (; n < HITS && debug_continue(d)->why == HALT_STOP; n++) {
        assert_int_equal(debug_halt(d)->stop, s->number);
        assert_int_equal(debug_inside(d), inside);
        hit[n] = debug_now(d);
        eip[n] = cpu_eip(m->domain->cpu);
        if (talk)
            printf("hit %u: %" PRIu64 " %" PRIu64 " %u\n", n, hit[n].cycle, hit[n].events,
                   hit[n].stages);
        if (n)
            assert_true(moment_compare(hit[n - 1], hit[n]) < 0);
    }
    assert_true(n > 3);
    /* When the guest has ended meanwhile, the last hit is behind us too. */
    for (unsigned i = n - (n == HITS); i-- > 0;) {
        assert_int_equal(debug_reverse_continue(d)->why, HALT_STOP);
        if (moment_compare(debug_now(d), hit[i]))
            fail_msg("hit %u of %u: back at cycle %" PRIu64 " instead of %" PRIu64, i, n,
                     debug_now(d).cycle, hit[i].cycle);
        assert_int_equal(cpu_eip(m->domain->cpu), eip[i]);
        assert_int_equal(debug_inside(d), inside);
        assert_true(debug_in_past(d));
    }
    for (unsigned i = 1; i < n; i++) {
        assert_int_equal(debug_continue(d)->why, HALT_STOP);
        assert_int_equal(moment_compare(debug_now(d), hit[i]), 0);
    }
    debug_stop_delete(d, s);
    assert_int_equal(debug_continue(d)->why, HALT_ENDED);
    assert_same_end(end_of(m), want);
    debug_free(d);
    shut_down(m);
}

static void hooks_hit_both_ways(void **st)
{
    check_hits(st, STOP_HOOK, "set_pte*", false);
}

static void exits_hit_both_ways(void **st)
{
    check_hits(st, STOP_EXIT, "fault", true);
}

static void syscalls_hit_both_ways(void **st)
{
    check_hits(st, STOP_SYSCALL, "write*", true);
}

static void stages_hit_both_ways(void **st)
{
    check_hits(st, STOP_STAGE, "", true);
}

static void code_hits_both_ways(void **st)
{
    enum { HITS = 40 };
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);
    struct err err = {0};
    struct stop *s = debug_stop_new(d, STOP_CODE, "", &err);
    const struct kernel_symbol *f = kernel_find(debug_kernel(d), "kmalloc");
    struct moment hit[HITS];

    assert_non_null(f);
    s->addr[0] = f->addr;
    s->addrs = 1;
    s->ignore = 5;
    assert_true(debug_stop_arm(d, s, &err));
    for (unsigned i = 0; i < HITS; i++) {
        assert_int_equal(debug_continue(d)->why, HALT_STOP);
        assert_int_equal(cpu_eip(m->domain->cpu), f->addr);
        hit[i] = debug_now(d);
    }
    assert_int_equal(s->hits, HITS + 5);
    for (unsigned i = HITS - 1; i-- > 0;) {
        assert_int_equal(debug_reverse_continue(d)->why, HALT_STOP);
        assert_int_equal(moment_compare(debug_now(d), hit[i]), 0);
    }
    debug_free(d);
    shut_down(m);
}

/* A word of the kernel that changes often: the clock of the scheduler. */
static void watches_hit_both_ways(void **st)
{
    enum { HITS = 5 };
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);
    struct err err = {0};
    const struct kernel_symbol *word = kernel_find(debug_kernel(d), "current_task");
    struct moment hit[HITS];
    uint64_t is[HITS];

    if (!word)
        word = kernel_find(debug_kernel(d), "current");
    assert_non_null(word);
    debug_goto_cycle(d, 5000000);
    struct stop *s = debug_stop_new(d, STOP_WATCH, "", &err);
    s->at = word->addr;
    s->size = 4;
    s->watch_for = WATCH_CHANGE;
    assert_true(debug_stop_arm(d, s, &err));
    for (unsigned i = 0; i < HITS; i++) {
        const struct halt *h = debug_continue(d);
        uint32_t now;
        assert_int_equal(h->why, HALT_STOP);
        assert_true(h->has_access);
        assert_false(debug_in_past(d));
        assert_true(x86_peek(cpu_regs(m->domain->cpu), m->domain->mem, GVA(word->addr), &now, 4));
        assert_int_equal(h->access.is, now);
        assert_int_not_equal(h->access.is, h->access.was);
        hit[i] = debug_now(d);
        is[i] = now;
        if (getenv("TALK"))
            printf("hit %u: %" PRIu64 " %" PRIu64 " %u by %d\n", i, hit[i].cycle, hit[i].events,
                   hit[i].stages, h->access.host);
    }
    for (unsigned i = HITS - 1; i-- > 0;) {
        const struct halt *h = debug_reverse_continue(d);
        assert_int_equal(h->why, HALT_STOP);
        if (getenv("TALK"))
            printf("back %u: %" PRIu64 " %" PRIu64 " %u by %d\n", i, debug_now(d).cycle,
                   hit[i].events, hit[i].stages, h->access.host);
        assert_int_equal(moment_compare(debug_now(d), hit[i]), 0);
        assert_int_equal(h->access.is, is[i]);
    }
    debug_free(d);
    shut_down(m);
}

/* What is changed stays changed when its moment is visited again, and before it nothing is. */
static void changes_belong_to_their_future(void **st)
{
    struct final want = undisturbed(model_of(st));
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);
    struct err err = {0};
    const struct kernel_symbol *word = kernel_find(debug_kernel(d), "ringside_kernel_info");
    uint32_t was, now, to = 0x12345678;

    assert_non_null(word);
    debug_goto_cycle(d, want.cycles / 2);
    struct moment later = debug_now(d);
    debug_goto_cycle(d, want.cycles / 3);
    struct moment here = debug_now(d);
    assert_true(debug_peek(d, word->addr, &was, 4));
    assert_true(debug_write(d, word->addr, &to, 4, &err));
    assert_false(debug_in_past(d));
    debug_goto_cycle(d, later.cycle);
    debug_goto(d, here);
    assert_true(debug_peek(d, word->addr, &now, 4));
    assert_int_equal(now, to);
    debug_goto_cycle(d, want.cycles / 4);
    assert_true(debug_peek(d, word->addr, &now, 4));
    assert_int_equal(now, was);
    debug_goto_cycle(d, want.cycles / 2);
    assert_true(debug_peek(d, word->addr, &now, 4));
    assert_int_equal(now, to);
    debug_free(d);
    shut_down(m);
}

/* A step goes to another line, a finish to the caller; and both back again. */
static void steps(void **st)
{
    struct machine *m = boot(model_of(st));
    struct debug *d = begin(m);
    struct err err = {0};
    const struct kernel_symbol *f = kernel_find(debug_kernel(d), "kmalloc");
    struct stop *s = debug_stop_new(d, STOP_CODE, "", &err);

    assert_non_null(f);
    s->addr[0] = f->addr;
    s->addrs = 1;
    s->ignore = 3;
    assert_true(debug_stop_arm(d, s, &err));
    assert_int_equal(debug_continue(d)->why, HALT_STOP);
    debug_stop_enable(d, s, false);
    uint32_t back, esp = cpu_gpr(m->domain->cpu, R_ESP);
    struct moment entered = debug_now(d);
    assert_true(x86_peek(cpu_regs(m->domain->cpu), m->domain->mem, GVA(esp), &back, 4));
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(debug_step(d, GRAIN_LINE, REACH_OVER, false)->why, HALT_STEP);
    assert_true(moment_compare(debug_now(d), entered) > 0);
    assert_int_equal(debug_step(d, GRAIN_LINE, REACH_OUT, false)->why, HALT_STEP);
    assert_int_equal(cpu_eip(m->domain->cpu), back);
    assert_true(cpu_gpr(m->domain->cpu, R_ESP) > esp);
    debug_free(d);
    shut_down(m);
}

int main(int argc, char **argv)
{
    if (argc > 2)
        cmocka_set_test_filter(argv[2]); /* one of the tests, by its name */
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    printf("seed %" PRIu64 "\n", seed);
    read_images();
    int failed = 0;
    for (const struct hv_model *const *model = hv_models(); *model; model++) {
        void *st = (void *)*model;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(runs_to_the_same_end, st),
            cmocka_unit_test_prestate(every_moment_is_one_state, st),
            cmocka_unit_test_prestate(hooks_hit_both_ways, st),
            cmocka_unit_test_prestate(exits_hit_both_ways, st),
            cmocka_unit_test_prestate(syscalls_hit_both_ways, st),
            cmocka_unit_test_prestate(stages_hit_both_ways, st),
            cmocka_unit_test_prestate(code_hits_both_ways, st),
            cmocka_unit_test_prestate(watches_hit_both_ways, st),
            cmocka_unit_test_prestate(changes_belong_to_their_future, st),
            cmocka_unit_test_prestate(steps, st),
        };
        printf("model %s\n", (*model)->name);
        failed += cmocka_run_group_tests_name((*model)->name, tests, NULL, NULL);
    }
    image_free(&kernel);
    image_free(&initrd);
    return failed;
}
