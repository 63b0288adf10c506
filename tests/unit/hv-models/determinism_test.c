/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The law of the house, on the real thing: the kernel, busybox, processes, timers and signals, run
 * undisturbed once and then disturbed in every way a debugger, a snapshot or a slow host could.
 * Each time the guest must end at the same cycle, in the same state, with the same events.
 */
#include "unit.h"

#include <inttypes.h>
#include <time.h>

#include "digest.h"
#include "hv-models/hv.h"
#include "random.h"
#include "snapshot.h"

#define STOPS      200
#define DISK_BYTES (100 * DISK_SECTOR)

/* Children that sleep and overlap, a pipe, a signal, page faults, string instructions, the FPU, and a
   disk where there is one. */
static const char work[] = "for i in 1 2 3; do (sleep 0.0$i; echo child $i) & done\n"
                           "seq 300 | sort -n | md5sum; wait\n"
                           "awk 'BEGIN { for (i = 0; i < 300; i++) s += sin(i); print s }'\n"
                           "if [ -b /dev/vda ]; then for i in 1 2; do seq $i 400 |\n"
                           " dd of=/dev/vda bs=1000 seek=$i conv=notrunc,fsync; done; "
                           "md5sum /dev/vda; fi\n"
                           "timeout 1 sh -c 'trap : USR1; kill -USR1 $$; while :; do :; done' &\n"
                           "cp /bin/busybox /tmp/b; md5sum /tmp/b; kill %1; ps\n"
                           "exit 9\n";

struct outcome {
    enum end_kind end;
    uint32_t status;
    uint64_t cycles, instructions, events;
    struct digest state, stream;
};

static struct image kernel, initrd;
static struct outcome reference;
static uint64_t seed;

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
    if (model->devices & HV_DEV_DISK)
        cfg.disk_bytes[0] = DISK_BYTES;
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

static struct outcome outcome_of(struct machine *m, enum end_kind end)
{
    struct machine_parts parts = machine_parts(m);
    return (struct outcome){
        .end = end,
        .status = m->domain->end.status,
        .cycles = machine_now(m),
        .instructions = cpu_instructions(m->domain->cpu),
        .events = events_count(m->events),
        .state = digest_state(&parts),
        .stream = events_digest(m->events),
    };
}

static void assert_same(const char *what, struct outcome got)
{
    if (got.end == reference.end && got.status == reference.status &&
        got.cycles == reference.cycles && got.instructions == reference.instructions &&
        digest_equal(got.stream, reference.stream) && digest_equal(got.state, reference.state))
        return;
    fail_msg("%s (seed %" PRIu64 "): end %d, status %" PRIu32 ", cycle %" PRIu64 " and %" PRIu64
             " events; undisturbed: end %d, status %" PRIu32 ", cycle %" PRIu64 " and %" PRIu64
             " events; the digests of state %s, of events %s",
             what, seed, got.end, got.status, got.cycles, got.events, reference.end,
             reference.status, reference.cycles, reference.events,
             digest_equal(got.state, reference.state) ? "agree" : "differ",
             digest_equal(got.stream, reference.stream) ? "agree" : "differ");
}

static struct outcome finish(struct machine *m)
{
    return outcome_of(m, machine_run(m, CLOCK_NEVER));
}

static const struct hv_model *model_of(void **st)
{
    return *st;
}

static int undisturbed(void **st)
{
    struct machine *m = boot(model_of(st));
    reference = finish(m);
    shut_down(m);
    return reference.end == END_POWEROFF && reference.status == 9 ? 0 : -1;
}

static void again(void **st)
{
    struct machine *m = boot(model_of(st));
    assert_same("again", finish(m));
    shut_down(m);
}

/* Stop exactly there; later only by what one crossing costs, for that is charged in one piece. */
static enum end_kind run_to(struct machine *m, uint64_t cycle)
{
    uint64_t before = cpu_instructions(m->domain->cpu), from = machine_now(m);
    enum end_kind end = machine_run(m, cycle);
    if (end != END_NONE)
        return end;
    assert_true(machine_now(m) >= cycle);
    /* Had nothing been charged, it would be the cycle itself. */
    if (machine_now(m) - from == cpu_instructions(m->domain->cpu) - before && from <= cycle)
        assert_int_equal(machine_now(m), cycle);
    return end;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void random_cycles(struct random *r, uint64_t *cycle, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cycle[i] = random_below(r, reference.cycles);
    qsort(cycle, n, sizeof *cycle, by_value);
}

static void stopped_at_random_cycles(void **st)
{
    struct random r = {seed};
    uint64_t cycle[STOPS];
    struct machine *m = boot(model_of(st));

    random_cycles(&r, cycle, STOPS);
    for (size_t i = 0; i < STOPS; i++)
        assert_int_equal(run_to(m, cycle[i]), END_NONE);
    assert_same("stopped at random cycles", finish(m));
    shut_down(m);
}

/* Every boundary of a stretch: blocks, REP, the STI shadow, system calls, all come by. */
static void stepped_one_by_one(void **st)
{
    struct random r = {seed + 1};
    struct machine *m = boot(model_of(st));
    uint64_t at[8];

    random_cycles(&r, at, 8);
    for (size_t i = 0; i < 8; i++)
        for (uint64_t k = 0; k < 500 && at[i] + k < reference.cycles; k++)
            if (at[i] + k > machine_now(m))
                assert_int_equal(run_to(m, at[i] + k), END_NONE);
    assert_same("stepped", finish(m));
    shut_down(m);
}

/* Take a snapshot, run on, come back, run on again: forward from a restored past is the future. */
static void snapshots_and_returns(void **st)
{
    struct random r = {seed + 2};
    struct err err = {0};
    struct machine *m = boot(model_of(st));
    struct machine_parts parts = machine_parts(m);
    struct snapshots *all = snapshots_new(&parts, &err);
    uint64_t cycle[24];

    assert_non_null(all);
    random_cycles(&r, cycle, 24);
    for (size_t i = 0; i < 24; i++) {
        assert_int_equal(run_to(m, cycle[i]), END_NONE);
        struct snapshot *x = snapshot_take(all, &err);
        uint64_t taken = machine_now(m);
        assert_non_null(x);
        uint64_t further = cycle[i] + random_below(&r, 3000000);
        run_to(m, further < reference.cycles ? further : reference.cycles - 1);
        snapshot_restore(all, x);
        machine_restored(m);
        assert_int_equal(machine_now(m), taken);
        snapshot_free(x);
    }
    assert_same("snapshots taken and restored", finish(m));
    snapshots_free(all);
    shut_down(m);
}

struct busybody {
    struct machine *m;
    struct random r;
    uint64_t events, stops;
};

static void stop_sometimes(void *ctx, const struct event *e)
{
    struct busybody *b = ctx;
    (void)e;
    b->events++;
    if (one_in(&b->r, 5)) {
        b->stops++;
        machine_stop(b->m);
    }
}

/* A reader of every event stops the machine from within crossings, and looks at the CPU there. */
static void stopped_inside_crossings(void **st)
{
    struct machine *m = boot(model_of(st));
    struct busybody b = {.m = m, .r = {seed + 3}};
    enum end_kind end;

    assert_true(events_subscribe(m->events, EV_GUEST | EV_DETAIL | EV_HOST, stop_sometimes, &b));
    do
        end = machine_run(m, CLOCK_NEVER);
    while (end == END_NONE);
    assert_true(b.stops > STOPS);
    assert_true(b.events > reference.events);
    assert_same("stopped inside crossings", outcome_of(m, end));
    shut_down(m);
}

static void look(void *ctx, const struct event *e)
{
    struct machine *m = ctx;
    (void)e;
    assert_true(cpu_regs(m->domain->cpu)->cpl <= 3);
}

static void with_every_reader(void **st)
{
    struct machine *m = boot(model_of(st));
    assert_true(events_subscribe(m->events, EV_GUEST | EV_DETAIL | EV_HOST, look, m));
    assert_same("with every event read", finish(m));
    shut_down(m);
}

/* Marks set and taken away make the engine translate differently; the guest must not notice. */
static void with_marks(void **st)
{
    struct random r = {seed + 4};
    struct machine *m = boot(model_of(st));
    uint64_t cycle[40];
    uint32_t at[40];

    random_cycles(&r, cycle, 40);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(run_to(m, cycle[i]), END_NONE);
        at[i] = cpu_eip(m->domain->cpu);
        assert_true(cpu_mark_set(m->domain->cpu, GVA(at[i]), (uint32_t)i));
        if (i >= 8)
            cpu_mark_clear(m->domain->cpu, GVA(at[i - 8]));
    }
    for (size_t i = 0; i < 40; i++)
        cpu_mark_clear(m->domain->cpu, GVA(at[i]));
    assert_same("with marks", finish(m));
    shut_down(m);
}

struct watcher {
    struct machine *m;
    uint64_t told, last, by[3];
};

static void watched(void *ctx, const struct cpu_access *a)
{
    struct watcher *w = ctx;
    if (a->by == CPU_BY_GUEST) {
        assert_true(a->cycle >= w->last);
        w->last = a->cycle;
    }
    w->told++;
    w->by[a->by]++;
    if (w->told % 1000 == 0)
        machine_stop(w->m);
}

/* Memory watched here and there, through page tables and without; for a while also not at all. */
static void with_watches(void **st)
{
    enum { TIMES = 30 };
    struct random r = {seed + 5};
    struct machine *m = boot(model_of(st));
    struct watcher w = {.m = m};
    struct vcpu *c = m->domain->cpu;
    uint64_t cycle[TIMES];

    random_cycles(&r, cycle, TIMES);
    for (size_t i = 0; i < TIMES; i++) {
        while (machine_now(m) < cycle[i]) /* the watcher stops it now and then */
            assert_int_equal(machine_run(m, cycle[i]), END_NONE);
        const struct x86_regs *now = cpu_regs(c);
        uint32_t stack = now->gpr[R_ESP] & ~63u;
        struct cpu_watch_range range[] = {
            {.lo = stack, .hi = stack + 64ull, .reads = true, .writes = true},
            {.lo = stack, .hi = stack + 64ull, .writes = true, .cr3 = now->cr3},
            {.lo = now->cr3, .hi = now->cr3 + PAGE_SIZE, .physical = true, .writes = true},
            {.lo = random_below(&r, MACHINE_DEFAULT_MEM - 0x8000), .physical = true},
        };
        range[3].hi = range[3].lo + 1 + random_below(&r, 0x4000);
        range[3].reads = i % 2;
        range[3].writes = !range[3].reads;
        /* Most of the time writes only: the slow half of the engine is slow. */
        unsigned first = one_in(&r, 4) ? 0 : 1, n = i % 3 == 2 ? 0 : 4 - first;
        assert_true(cpu_watch_set(c, range + first, n, watched, &w));
        uint64_t end = machine_now(m) + random_below(&r, 1500000); /* it is slow, so not for long */
        while (machine_now(m) < end && machine_run(m, end) == END_NONE)
            ;
        if (n && one_in(&r, 2))
            assert_true(cpu_watch_set(c, NULL, 0, NULL, NULL));
        else if (n) /* another one in its place, which tells little */
            assert_true(cpu_watch_set(c, range + 2, 1, watched, &w) &&
                        cpu_watch_set(c, NULL, 0, NULL, NULL));
    }
    print_message("%" PRIu64 " accesses told: by the guest %" PRIu64 ", the host %" PRIu64
                  ", the MMU %" PRIu64 "\n",
                  w.told, w.by[CPU_BY_GUEST], w.by[CPU_BY_HOST], w.by[CPU_BY_MMU]);
    assert_true(w.by[CPU_BY_GUEST] > 100);
    assert_same("watched", finish(m));
    shut_down(m);
}

int main(void)
{
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("seed %" PRIu64 " (SEED=%" PRIu64 " repeats this)\n", seed, seed);
    read_images();
    int failed = 0;
    for (const struct hv_model *const *m = hv_models(); *m; m++) {
        void *model = (void *)*m;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(again, model),
            cmocka_unit_test_prestate(stopped_at_random_cycles, model),
            cmocka_unit_test_prestate(stepped_one_by_one, model),
            cmocka_unit_test_prestate(snapshots_and_returns, model),
            cmocka_unit_test_prestate(stopped_inside_crossings, model),
            cmocka_unit_test_prestate(with_every_reader, model),
            cmocka_unit_test_prestate(with_marks, model),
            cmocka_unit_test_prestate(with_watches, model),
        };
        print_message("model %s\n", (*m)->name);
        if (undisturbed(&model)) {
            print_error("the undisturbed run ended with %d, status %" PRIu32 "\n", reference.end,
                        reference.status);
            return 1;
        }
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    image_free(&kernel);
    image_free(&initrd);
    return failed;
}
