/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracer on the real thing. The guest must not be able to tell that it is watched, whenever the
 * tracer comes and goes; and what the tracer says must be what happened, which is checked against
 * single steps.
 */
#include "unit.h"

#include <inttypes.h>

#include "debugger/hooks.h"
#include "debugger/sites.h"
#include "debugger/tracer.h"
#include "emu/digest.h"
#include "emu/snapshot.h"
#include "hv-models/hv.h"
#include "random.h"

/* Processes, a pipe, a sleep (so the idle loop halts), page faults, the FPU. */
static const char work[] = "for i in 1 2; do (sleep 0.0$i; echo child $i) & done\n"
                           "seq 100 | sort -n | md5sum; wait\n"
                           "awk 'BEGIN { for (i = 0; i < 100; i++) s += sin(i); print s }'\n"
                           "exit 9\n";

struct outcome {
    enum end_kind end;
    uint32_t status;
    uint64_t cycles, instructions, events;
    struct digest state, stream;
};

static struct image kernel_file, initrd;
static struct kernel *kernel;
static struct outcome reference;

static int prepare(void **st)
{
    struct image base = {0};
    struct err err = {0};
    struct initrd *rd = initrd_new();

    (void)st;
    bool ok = rd && image_read(&kernel_file, RINGSIDE_BUILD "/ringside-kernel", &err) &&
              image_read(&base, RINGSIDE_BUILD "/initrd.cpio", &err) &&
              initrd_append_image(rd, base, &err) && initrd_add_commands(rd, work, &err) &&
              initrd_finish(rd, &initrd, &err) && (kernel = kernel_open(&kernel_file, &err));
    initrd_free(rd);
    image_free(&base);
    if (!ok)
        print_error("%s\n", err.text);
    return ok ? 0 : -1;
}

static int clean_up(void **st)
{
    (void)st;
    kernel_close(kernel);
    image_free(&kernel_file);
    image_free(&initrd);
    return 0;
}

static struct machine *boot(void)
{
    struct machine_config cfg = {.mem_bytes = MACHINE_DEFAULT_MEM,
                                 .rtc_epoch = MACHINE_DEFAULT_RTC,
                                 .max_cycles = 4000000000};
    struct boot_request rq = {.kernel = kernel_file, .initrd = initrd, .cmdline = "seed=1 quiet"};
    const struct hv_model *model = hv_models()[0];
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

static struct outcome finish(struct machine *m)
{
    enum end_kind end;

    do
        end = machine_run(m, CLOCK_NEVER);
    while (end == END_NONE);
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
        got.events == reference.events && digest_equal(got.stream, reference.stream) &&
        digest_equal(got.state, reference.state))
        return;
    fail_msg("%s: end %d, cycle %" PRIu64 ", %" PRIu64 " events; unwatched: end %d, cycle %" PRIu64
             ", %" PRIu64 " events; the digests of state %s, of events %s",
             what, got.end, got.cycles, got.events, reference.end, reference.cycles,
             reference.events, digest_equal(got.state, reference.state) ? "agree" : "differ",
             digest_equal(got.stream, reference.stream) ? "agree" : "differ");
}

static struct tracer *attach(struct machine *m)
{
    struct err err = {0};
    struct tracer *t = tracer_attach(m, kernel, &err);

    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void unwatched(void **st)
{
    struct machine *m = boot();

    (void)st;
    reference = finish(m);
    assert_int_equal(reference.end, END_POWEROFF);
    assert_int_equal(reference.status, 9);
    shut_down(m);
}

/* Traced to a file; optionally stopped here and there. The bytes of the file must not depend on it. */
static void trace_to(const char *path, struct random *stops)
{
    struct err err = {0};
    struct machine *m = boot();
    struct tracer *t = attach(m);
    struct trace_writer *w = trace_create(path, &err);

    assert_non_null(w);
    assert_true(tracer_write(t, kernel, w, &err));
    for (unsigned i = 0; stops && i < 100; i++)
        machine_run(m, random_below(stops, reference.cycles / 100) + machine_now(m));
    assert_same("traced to a file", finish(m));
    tracer_detach(t);
    assert_true(trace_close(w, &err));
    shut_down(m);
}

static void a_traced_run_is_the_same_run(void **st)
{
    struct random r = {1};
    struct image one = {0}, two = {0};
    struct err err = {0};

    (void)st;
    trace_to(TEST_DATA "/tracer_test.1", NULL);
    trace_to(TEST_DATA "/tracer_test.2", &r);
    assert_true(image_read(&one, TEST_DATA "/tracer_test.1", &err));
    assert_true(image_read(&two, TEST_DATA "/tracer_test.2", &err));
    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.data, two.data, one.size);
    image_free(&one);
    image_free(&two);
}

static void it_may_come_and_go(void **st)
{
    struct random r = {2};
    struct machine *m = boot();

    (void)st;
    for (unsigned i = 0; i < 30; i++) {
        machine_run(m, machine_now(m) + random_below(&r, reference.cycles / 40));
        struct tracer *t = attach(m);
        machine_run(m, machine_now(m) + random_below(&r, reference.cycles / 40));
        tracer_detach(t);
    }
    assert_same("attached and detached", finish(m));
    shut_down(m);
}

struct counts {
    uint64_t begun, ended, jumps, tasks;
    const struct sites *sites;
    uint32_t per_hook[256];
};

static void count(void *ctx, const struct event *e)
{
    struct counts *c = ctx;

    if (e->kind == EVENT_hook) {
        unsigned hook = c->sites->site[e->a[0]].hook;
        bool jump = hook_table[hook].convention == HOOK_JUMP;
        c->begun += !jump;
        c->jumps += jump;
        c->per_hook[hook]++;
    }
    c->ended += e->kind == EVENT_hook_end;
    c->tasks += e->kind == EVENT_task;
}

static void every_call_comes_back(void **st)
{
    struct sites sites;
    struct err err = {0};
    struct machine *m = boot();
    struct tracer *t = attach(m);

    (void)st;
    assert_true(sites_read(kernel, &sites, &err));
    struct counts c = {.sites = &sites};
    assert_true(events_subscribe(m->events, EV_DETAIL, count, &c));
    assert_same("counted", finish(m));
    assert_true(c.begun > 10000 && c.jumps > 500 && c.tasks > 10);
    /* Two at most do not: the idle task sleeps in safe_halt when the power goes off. */
    assert_true(c.begun - c.ended <= 2);
    tracer_detach(t);
    sites_free(&sites);
    shut_down(m);
}

#define STRETCH 15000u

/* Step by step, whoever stands on a site in the kernel calls its hook. */
static void step(uint64_t from, const struct sites *sites, uint32_t calls[256])
{
    struct machine *m = boot();

    machine_run(m, from);
    for (uint64_t i = 0; i < STRETCH; i++) {
        uint32_t eip = cpu_eip(m->domain->cpu);
        for (unsigned k = 0; eip >= 0xC0000000u && k < sites->n; k++)
            calls[sites->site[k].hook] += sites->site[k].addr == eip;
        machine_run(m, from + i + 1);
    }
    shut_down(m);
}

static void single_steps_see_the_same_calls(void **st)
{
    struct sites sites;
    struct err err = {0};
    uint64_t calls = 0;

    (void)st;
    assert_true(sites_read(kernel, &sites, &err));
    /* The first lines of C; page tables being made; processes; the last ones ending. */
    const uint64_t where[] = {26000,
                              200000,
                              500000,
                              reference.cycles / 2,
                              reference.cycles - 300000,
                              reference.cycles - 40000};
    for (size_t part = 0; part < sizeof where / sizeof where[0]; part++) {
        uint64_t from = where[part];
        uint32_t stepped[256] = {0};
        struct counts c = {.sites = &sites};
        step(from, &sites, stepped);

        struct machine *m = boot();
        machine_run(m, from);
        struct tracer *t = attach(m);
        assert_true(events_subscribe(m->events, EV_DETAIL, count, &c));
        machine_run(m, from + STRETCH);
        for (unsigned k = 0; k < hook_count; k++) {
            calls += stepped[k];
            if (c.per_hook[k] != stepped[k])
                fail_msg("from cycle %" PRIu64 ": %s: %u calls traced, %u seen in single steps",
                         from, hook_table[k].name, c.per_hook[k], stepped[k]);
        }
        tracer_detach(t);
        shut_down(m);
    }
    assert_true(calls > 1000);
    sites_free(&sites);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unwatched),
        cmocka_unit_test(a_traced_run_is_the_same_run),
        cmocka_unit_test(it_may_come_and_go),
        cmocka_unit_test(every_call_comes_back),
        cmocka_unit_test(single_steps_see_the_same_calls),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
