/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backtraces and variables in a machine that runs: our kernel under the native model, and in it the
 * sample program. Stopped anywhere, every stack must be followed to its end.
 */
#include "program_tests.h"

#include "emu/machine.h"
#include "hv-models/hv.h"
#include "random.h"

static struct opened kernel, sample[2], stripped;
static struct image initrd;

static const char work[] = "for i in 1 2 3; do /bin/plain; /bin/fast; done\n"
                           "seq 50 | sort -n | md5sum; (sleep 0.01; echo x) & wait\n";

static bool add(struct initrd *rd, const struct opened *o, const char *path, struct err *err)
{
    return initrd_add_file(rd, path, 0755, o->image.data, o->image.size, err);
}

static int prepare(void **st)
{
    struct image first = {0};
    struct err err = {0};
    struct initrd *rd = initrd_new();

    (void)st;
    open_program(&kernel, RINGSIDE_BUILD "/ringside-kernel");
    open_program(&sample[0], SAMPLE_PLAIN);
    open_program(&sample[1], SAMPLE_FAST);
    open_program(&stripped, RINGSIDE_BUSYBOX);
    bool ok = rd && image_read(&first, RINGSIDE_BUILD "/initrd.cpio", &err) &&
              initrd_append_image(rd, first, &err) && add(rd, &sample[0], "/bin/plain", &err) &&
              add(rd, &sample[1], "/bin/fast", &err) && initrd_add_commands(rd, work, &err) &&
              initrd_finish(rd, &initrd, &err);
    initrd_free(rd);
    image_free(&first);
    if (!ok)
        print_error("%s\n", err.text);
    return ok ? 0 : -1;
}

static int clean_up(void **st)
{
    (void)st;
    close_program(&kernel);
    close_program(&sample[0]);
    close_program(&sample[1]);
    close_program(&stripped);
    image_free(&initrd);
    return 0;
}

static struct machine *boot(void)
{
    struct machine_config cfg = {.mem_bytes = MACHINE_DEFAULT_MEM,
                                 .rtc_epoch = MACHINE_DEFAULT_RTC,
                                 .max_cycles = 4000000000};
    struct boot_request rq = {.kernel = kernel.image, .initrd = initrd, .cmdline = "seed=1 quiet"};
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

static bool peek(void *ctx, uint32_t addr, void *to, uint32_t n)
{
    struct machine *m = ctx;

    return x86_peek(cpu_regs(m->domain->cpu), m->domain->mem, GVA(addr), to, n);
}

static void registers(struct machine *m, uint32_t reg[FRAME_REGISTERS])
{
    const struct x86_regs *r = cpu_regs(m->domain->cpu);

    memcpy(reg, r->gpr, sizeof r->gpr);
    reg[FRAME_EIP] = r->eip;
    reg[FRAME_EFLAGS] = r->eflags;
}

static struct kernel_symbol symbol(const char *name)
{
    const struct kernel_symbol *s = kernel_find(program_symbols(kernel.program), name);

    assert_non_null(s);
    return *s;
}

/* The user program of the running process, by its name: what the debugger learns from the kernel. */
static struct program *user_program(struct machine *m)
{
    static struct program *none;
    struct program *list[1] = {kernel.program};
    struct programs l = {list, 1};
    struct expr_host host = {.memory = {peek, NULL, m}};
    struct expr_session *s = expr_session_new(&host);
    struct program *found = none;
    struct value v;
    int64_t is[3] = {0};

    assert_non_null(s);
    expr_look_from(s, l, NULL, 0);
    static const char *const ask[] = {"$_streq(current->comm, \"plain\")",
                                      "$_streq(current->comm, \"fast\")", "current->mm != 0"};
    for (unsigned i = 0; i < 3; i++)
        if (expr_eval(s, ask[i], &v, NULL))
            value_integer(s, &v, &is[i], NULL);
    if (is[0])
        found = sample[0].program;
    else if (is[1])
        found = sample[1].program;
    else if (is[2])
        found = stripped.program;
    expr_session_free(s);
    return found;
}

static struct frame frames[200];
static enum frame_next end;
static struct err why;

static unsigned backtrace(struct machine *m)
{
    static struct program *list[2];
    uint32_t reg[FRAME_REGISTERS];
    struct program_memory memory = {peek, NULL, m};

    list[0] = kernel.program;
    list[1] = user_program(m);
    registers(m, reg);
    why = (struct err){0};
    return frame_backtrace((struct programs){list, list[1] ? 2 : 1}, &memory, reg, frames, 200,
                           &end, &why);
}

static void name_frame(const struct frame *f, char *text, size_t size)
{
    program_describe(f->program, f->pc, text, size);
}

static void complain(const char *what, uint64_t cycle, unsigned n)
{
    char name[100];

    for (unsigned i = 0; i < n; i++) {
        name_frame(&frames[i], name, sizeof name);
        print_message("  #%u 0x%08x %s esp %08x ebp %08x%s%s\n", i, frames[i].reg[FRAME_EIP], name,
                      frames[i].reg[FRAME_ESP], frames[i].reg[FRAME_EBP],
                      frames[i].interrupted ? " interrupted" : "",
                      frames[i].guessed ? " guessed" : "");
    }
    fail_msg("cycle %llu: %s: %s", (unsigned long long)cycle, what, why.text);
}

/* Where a stack may begin: what the kernel's own code never returns from, or user code. */
static bool is_beginning(const struct frame *f)
{
    static const char *const known[] = {"start_kernel", "ret_from_kernel_thread", "native_start",
                                        "_start"};
    char name[100];

    if (f->program != kernel.program)
        return true;
    name_frame(f, name, sizeof name);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strncmp(name, known[i], strlen(known[i])))
            return true;
    return false;
}

static void every_stack_has_its_beginning(void **st)
{
    struct random r = {7};
    unsigned through = 0, deep = 0, stops = 0;
    struct machine *m = boot();

    (void)st;
    if (!program_debug_supported())
        skip();
    /* The first instructions run below the kernel's own addresses. */
    while (cpu_regs(m->domain->cpu)->eip < 0xC0000000u)
        assert_int_equal(machine_run(m, machine_now(m) + 1000), END_NONE);
    while (machine_run(m, machine_now(m) + 1 + random_below(&r, 200000)) == END_NONE) {
        unsigned n = backtrace(m);
        unsigned kernel_frames = 0;
        bool crossed = false;
        stops++;
        for (unsigned i = 0; i < n; i++) {
            kernel_frames += frames[i].reg[FRAME_EIP] >= 0xC0000000u;
            crossed |= i && frames[i].reg[FRAME_EIP] < 0xC0000000u &&
                       frames[i - 1].reg[FRAME_EIP] >= 0xC0000000u;
        }
        through += crossed;
        deep = kernel_frames > deep ? kernel_frames : deep;
        /* Stripped code without frame pointers may lose its own stack; the kernel's never is. */
        bool in_user = frames[n - 1].program != kernel.program;
        if (end != FRAME_END && !in_user)
            complain("the kernel's stack is lost", machine_now(m), n);
        if (!is_beginning(&frames[n - 1]))
            complain("a stack that begins in the middle", machine_now(m), n);
        for (unsigned i = 0; i + 1 < n; i++)
            if (frames[i].program == kernel.program && frames[i + 1].guessed)
                complain("a caller was guessed", machine_now(m), n);
    }
    print_message("%u stops, %u through the kernel into a program, deepest %u\n", stops, through,
                  deep);
    assert_true(stops > 200);
    assert_true(through > 10);
    assert_true(deep > 5);
    shut_down(m);
}

/* ---- in the sample, at a known line ---- */

static unsigned hits;
static uint32_t stop_at;
static struct program *stop_in;

static bool at_mark(void *ctx, struct domain *d, const struct cpu_exit *x)
{
    (void)x;
    if (cpu_regs(d->cpu)->eip != stop_at || user_program(ctx) != stop_in)
        return false;
    hits++;
    return true;
}

static struct machine *run_to(struct program *p, const char *where)
{
    struct machine *m = boot();
    struct spot s;
    struct err err = {0};

    if (!program_locate(p, where, NULL, &s, 1, &err))
        fail_msg("%s", err.text);
    stop_at = s.addr;
    stop_in = p;
    hits = 0;
    m->watcher = (struct machine_watcher){at_mark, m};
    assert_true(cpu_mark_set(m->domain->cpu, GVA(s.addr), MARK_OF_WATCHER | 1));
    while (!hits && machine_run(m, CLOCK_NEVER) == END_NONE)
        ;
    assert_int_equal(hits, 1);
    assert_int_equal(cpu_regs(m->domain->cpu)->eip, stop_at);
    return m;
}

static void show(struct machine *m, const struct frame *f, const char *text, char *out, size_t size)
{
    struct expr_host host = {.memory = {peek, NULL, m}};
    struct program *list[2] = {f->program, kernel.program};
    struct expr_session *s = expr_session_new(&host);
    struct err err = {0};
    struct value v;

    assert_non_null(s);
    expr_look_from(s, (struct programs){list, 2}, f, DEPTH_INNERMOST);
    if (expr_eval(s, text, &v, &err))
        value_text(s, &v, NULL, out, size);
    else
        snprintf(out, size, "error: %s", err.text);
    expr_session_free(s);
}

static void assert_shows(struct machine *m, const struct frame *f, const char *text,
                         const char *expected)
{
    char out[2000];

    show(m, f, text, out, sizeof out);
    if (strcmp(out, expected))
        fail_msg("'%s' is %s, not %s", text, out, expected);
}

static const char *function_name(const struct frame *f)
{
    struct place at;

    return f->program && program_at(f->program, f->pc, &at) && at.depth ? at.function[0].name : "?";
}

static void assert_frames(const char *const *names, unsigned from, unsigned n)
{
    for (unsigned i = 0; names[i]; i++) {
        if (from + i >= n || strcmp(function_name(&frames[from + i]), names[i]))
            fail_msg("frame %u is %s, not %s", from + i,
                     from + i < n ? function_name(&frames[from + i]) : "missing", names[i]);
    }
}

static void variables_of_every_frame(void **st)
{
    static const char *const expected[] = {"called", "deeper", "deeper", "deeper",
                                           "deeper", "deeper", "main",   NULL};
    char where[64];

    (void)st;
    if (!program_debug_supported())
        skip();
    snprintf(where, sizeof where, "program_sample.c:%u", marked_line("called"));
    for (unsigned i = 0; i < 2; i++) {
        struct machine *m = run_to(sample[i].program, where);
        unsigned n = backtrace(m);
        assert_frames(i ? (const char *const[]){"called", NULL} : expected, 0, n);
        assert_string_equal(function_name(&frames[0]), "called");
        assert_shows(m, &frames[0], "n", "7");
        assert_shows(m, &frames[0], "called::times", "4");
        assert_shows(m, &frames[0], "times", "4");
        assert_shows(m, &frames[0], "counter", "22");
        assert_shows(m, &frames[0], "numbers[299]", "2");
        assert_shows(m, &frames[0], "letters[0]@3", "\"xxx\"");
        assert_shows(m, &frames[0], "letters",
                     "'x' <repeats 100 times>, 'y' <repeats 100 times>, 'z' <repeats 100 times>");
        assert_shows(m, &frames[0], "numbers",
                     "{0 <repeats 100 times>, 1 <repeats 100 times>, 2 <repeats 100 times>}");
        if (i == 0) {
            assert_shows(m, &frames[0], "local", "{x = 7, y = 8}");
            assert_shows(m, &frames[0], "$_streq(text, \"argument\")", "1");
            for (unsigned d = 0; d < 5; d++) {
                char depth[8];
                snprintf(depth, sizeof depth, "%u", d);
                assert_shows(m, &frames[1 + d], "depth", depth);
                assert_shows(m, &frames[1 + d], "room[depth] == depth", "1");
            }
            assert_shows(m, &frames[6], "argc", "1");
            assert_shows(m, &frames[6], "sum", "22");
            assert_shows(m, &frames[6], "$_streq(argv[0], \"/bin/plain\")", "1");
            assert_shows(m, &frames[6], "depth", "error: no symbol 'depth' in the current context");
        }
        struct variable v[8];
        unsigned locals = frame_variables(&frames[0], DEPTH_INNERMOST, v, 8);
        assert_int_equal(locals, 4);
        assert_int_equal(v[0].kind, VARIABLE_ARGUMENT);
        assert_string_equal(v[0].name, "n");
        assert_int_equal(v[2].kind, VARIABLE_LOCAL);
        if (end != FRAME_END)
            complain("it does not end", machine_now(m), n);
        shut_down(m);
    }
}

static void inner_blocks_hide_outer_ones(void **st)
{
    char where[64];

    (void)st;
    if (!program_debug_supported())
        skip();
    snprintf(where, sizeof where, "program_sample.c:%u", marked_line("inner block") + 1);
    struct machine *m = run_to(sample[0].program, where);
    unsigned n = backtrace(m);
    struct variable v[8];
    assert_true(n >= 2);
    assert_string_equal(function_name(&frames[1]), "main");
    assert_shows(m, &frames[0], "n > 1000", "1");
    assert_shows(m, &frames[0], "local.x", "3");
    assert_int_equal(frame_variables(&frames[0], DEPTH_INNERMOST, v, 8), 5);
    assert_string_equal(v[0].name, "n");
    assert_int_equal(v[0].kind, VARIABLE_LOCAL);
    shut_down(m);
}

static void signal_handlers_have_callers(void **st)
{
    char where[64];

    (void)st;
    if (!program_debug_supported())
        skip();
    snprintf(where, sizeof where, "program_sample.c:%u", marked_line("signal"));
    struct machine *m = run_to(sample[0].program, where);
    unsigned n = backtrace(m);
    bool saw_main = false, interrupted = false;
    assert_string_equal(function_name(&frames[0]), "on_signal");
    assert_shows(m, &frames[0], "number", "10");
    for (unsigned i = 0; i < n; i++) {
        interrupted |= frames[i].interrupted;
        saw_main |= !strcmp(function_name(&frames[i]), "main");
    }
    assert_true(interrupted);
    if (!saw_main)
        complain("main is missing", machine_now(m), n);
    shut_down(m);
}

static void a_system_call_leads_into_the_program(void **st)
{
    (void)st;
    if (!program_debug_supported())
        skip();
    struct machine *m = boot();
    struct kernel_symbol s = symbol("sys_getppid");
    stop_at = s.addr;
    stop_in = sample[0].program;
    hits = 0;
    m->watcher = (struct machine_watcher){at_mark, m};
    assert_true(cpu_mark_set(m->domain->cpu, GVA(s.addr), MARK_OF_WATCHER | 1));
    while (!hits && machine_run(m, CLOCK_NEVER) == END_NONE)
        ;
    assert_int_equal(hits, 1);
    unsigned n = backtrace(m), at = 0;
    assert_string_equal(function_name(&frames[0]), "sys_getppid");
    while (at < n && frames[at].program == kernel.program)
        at++;
    if (at < 2 || at == n || !frames[at].interrupted)
        complain("no way out of the kernel", machine_now(m), n);
    assert_string_equal(function_name(&frames[at - 1]), "syscall_entry");
    while (at < n && strcmp(function_name(&frames[at]), "called"))
        at++;
    if (at == n)
        complain("called() is missing", machine_now(m), n);
    assert_shows(m, &frames[at], "n", "7");
    shut_down(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stack_has_its_beginning),
        cmocka_unit_test(variables_of_every_frame),
        cmocka_unit_test(inner_blocks_hide_outer_ones),
        cmocka_unit_test(signal_handlers_have_callers),
        cmocka_unit_test(a_system_call_leads_into_the_program),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
