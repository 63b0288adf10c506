/* SPDX-License-Identifier: GPL-2.0-only */
/* Places and names: the real kernel, the sample program at -O0 and -O2, stripped busybox. */
#include "program_tests.h"

#include <unistd.h>

static struct opened kernel, plain, fast, stripped;

static int open_all(void **st)
{
    (void)st;
    open_program(&kernel, RINGSIDE_BUILD "/ringside-kernel");
    open_program(&plain, SAMPLE_PLAIN);
    open_program(&fast, SAMPLE_FAST);
    open_program(&stripped, RINGSIDE_BUSYBOX);
    return 0;
}

static int close_all(void **st)
{
    (void)st;
    close_program(&kernel);
    close_program(&plain);
    close_program(&fast);
    close_program(&stripped);
    return 0;
}

static unsigned locate(struct opened *o, const char *where, struct spot *out, unsigned max)
{
    struct err err = {0};
    unsigned n = program_locate(o->program, where, NULL, out, max, &err);

    if (!n)
        fail_msg("%s: %s", where, err.text);
    return n;
}

static void assert_refused(struct opened *o, const char *where, const char *why)
{
    struct err err = {0};
    struct spot spot;

    assert_int_equal(program_locate(o->program, where, NULL, &spot, 1, &err), 0);
    assert_int_equal(err.class, ERR_USAGE);
    if (!strstr(err.text, why))
        fail_msg("'%s' says '%s', not '%s'", where, err.text, why);
}

static void functions_are_found(void **st)
{
    struct spot s;
    struct place at;
    uint32_t lo, hi;

    (void)st;
    const struct kernel_symbol *k = kernel_find(program_symbols(kernel.program), "schedule");
    assert_non_null(k);
    assert_int_equal(locate(&kernel, "trap_common", &s, 1), 1);
    assert_string_equal(s.function, "trap_common");
    assert_true(program_function_range(kernel.program, k->addr + 5, &lo, &hi));
    assert_int_equal(lo, k->addr);
    assert_int_equal(hi, k->addr + k->size);
    if (!program_debug_supported())
        return;
    assert_int_equal(locate(&kernel, "schedule", &s, 1), 1);
    assert_true(s.addr > k->addr && s.addr < k->addr + k->size);
    assert_true(program_at(kernel.program, k->addr, &at));
    assert_string_equal(at.function[0].name, "schedule");
    assert_int_equal(at.function[0].start, k->addr);
    assert_int_equal(at.offset, 0);
    assert_string_equal(at.file, "guest/kernel/sched.c");
    assert_true(at.is_stmt);
    assert_true(at.lo <= k->addr && k->addr < at.hi);
    char text[80];
    program_describe(kernel.program, k->addr + 3, text, sizeof text);
    assert_string_equal(text, "schedule+0x3");
    assert_int_equal(locate(&kernel, "sched.c:schedule", &s, 1), 1);
    assert_int_equal(program_at(kernel.program, 0, &at), false);
    assert_int_equal(at.depth, 0);
}

static void assembler_has_lines_and_no_prologue(void **st)
{
    struct place at;
    struct spot s;

    (void)st;
    assert_int_equal(locate(&kernel, "switch_stacks", &s, 1), 1);
    const struct kernel_symbol *k = kernel_find(program_symbols(kernel.program), "switch_stacks");
    assert_int_equal(s.addr, k->addr);
    if (!program_debug_supported())
        skip();
    assert_true(program_at(kernel.program, s.addr, &at));
    assert_string_equal(at.function[0].name, "switch_stacks");
    assert_non_null(strstr(at.file, "guest/kernel/entry.S"));
}

static void every_row_of_the_kernel_is_consistent(void **st)
{
    unsigned n, lines = 0, chains = 0;
    const struct kernel_symbol *k = kernel_symbols(program_symbols(kernel.program), &n);

    (void)st;
    if (!program_debug_supported())
        skip();
    for (unsigned i = 0; i < n; i++) {
        struct place at;
        for (uint32_t a = k[i].addr; k[i].function && a < k[i].addr + k[i].size;) {
            assert_true(program_at(kernel.program, a, &at));
            assert_true(at.depth >= 1 && at.depth <= PLACE_DEPTH);
            assert_true(!at.hi || (at.lo <= a && a < at.hi));
            for (unsigned d = 0; d < at.depth; d++)
                assert_true(at.function[d].lo <= a && a < at.function[d].hi);
            lines += at.line != 0;
            chains += at.depth > 1;
            a = at.hi > a ? at.hi : a + 1;
        }
    }
    assert_true(lines > 5000);
    assert_true(chains > 1000);
}

static void lines_are_found(void **st)
{
    struct spot s[8];
    char where[64];
    unsigned mark = marked_line("called");

    (void)st;
    if (!program_debug_supported())
        skip();
    snprintf(where, sizeof where, "program_sample.c:%u", mark);
    assert_int_equal(locate(&plain, where, s, 8), 1);
    assert_string_equal(s[0].function, "called");
    assert_int_equal(s[0].line, mark);
    assert_false(s[0].inlined);

    /* A line without code means the next one. */
    snprintf(where, sizeof where, "debugger/program_sample.c:%u", marked_line("signal") - 2);
    assert_int_equal(locate(&plain, where, s, 8), 1);
    assert_string_equal(s[0].function, "on_signal");

    /* The default file, as after `list`. */
    struct err err = {0};
    snprintf(where, sizeof where, "%u", mark);
    assert_int_equal(program_locate(plain.program, where, "program_sample.c", s, 8, &err), 1);
    assert_int_equal(s[0].line, mark);

    snprintf(where, sizeof where, "*0x%x", s[0].addr);
    uint32_t addr = s[0].addr;
    assert_int_equal(locate(&plain, where, s, 8), 1);
    assert_int_equal(s[0].addr, addr);
}

static void inlined_copies_are_all_meant(void **st)
{
    struct spot s[8];
    struct place at;
    char where[64];

    (void)st;
    if (!program_debug_supported())
        skip();
    unsigned n = locate(&fast, "twice", s, 8);
    assert_int_equal(n, 2);
    for (unsigned i = 0; i < n; i++) {
        assert_true(s[i].inlined);
        assert_true(program_at(fast.program, s[i].addr, &at));
        assert_int_equal(at.depth, 2);
        assert_string_equal(at.function[0].name, "main");
        assert_string_equal(at.function[1].name, "twice");
        assert_int_equal(at.function[0].line, marked_line("main") + i);
    }
    snprintf(where, sizeof where, "program_sample.c:%u", marked_line("twice"));
    assert_int_equal(locate(&fast, where, s, 8), 2);
    assert_true(s[0].addr < s[1].addr);
}

static void wrong_names_get_the_nearest(void **st)
{
    (void)st;
    assert_refused(&kernel, "schedul", "did you mean 'schedule'?");
    assert_refused(&kernel, "", "no place");
    assert_refused(&kernel, "*0x10", "outside");
    assert_refused(&kernel, "*here", "number");
    assert_refused(&kernel, "qqqqqqqqqqqq", "no function 'qqqqqqqqqqqq' in");
    assert_refused(&stripped, "main", "no function");
    assert_refused(&stripped, "main.c:10", "no line information");
    if (!program_debug_supported())
        return;
    assert_refused(&kernel, "10", "of which file");
    assert_refused(&kernel, "nosuch.c:10", "no source file 'nosuch.c'");
    assert_refused(&kernel, "sched.c:100000", "no code");
    assert_refused(&kernel, "sched.c:nothing_here", "no function 'nothing_here' in sched.c");
}

struct names {
    unsigned n;
    char last[64];
    bool sorted, seen;
    const char *wanted;
};

static bool take_name(void *ctx, const char *name)
{
    struct names *x = ctx;

    x->sorted &= !x->n++ || strcmp(x->last, name) < 0;
    x->seen |= !strcmp(name, x->wanted);
    snprintf(x->last, sizeof x->last, "%s", name);
    return true;
}

static bool take_one(void *ctx, const char *name)
{
    (void)name;
    ++*(unsigned *)ctx;
    return false;
}

static void names_are_completed(void **st)
{
    struct names x = {.sorted = true, .wanted = "schedule"};
    unsigned one = 0;

    (void)st;
    program_complete(kernel.program, NAMES_FUNCTIONS, "sched", take_name, &x);
    assert_true(x.n >= 2 && x.sorted && x.seen);
    program_complete(kernel.program, NAMES_FUNCTIONS, "", take_one, &one);
    assert_int_equal(one, 1);
    x = (struct names){.sorted = true, .wanted = "current"};
    program_complete(kernel.program, NAMES_VARIABLES | NAMES_FUNCTIONS, "curr", take_name, &x);
    assert_true(x.sorted && x.seen);
    if (!program_debug_supported())
        return;
    x = (struct names){.sorted = true, .wanted = "task"};
    program_complete(kernel.program, NAMES_TYPES, "ta", take_name, &x);
    assert_true(x.sorted && x.seen);
    x = (struct names){.sorted = true, .wanted = "guest/kernel/sched.c"};
    program_complete(kernel.program, NAMES_FILES, "guest/", take_name, &x);
    assert_true(x.sorted && x.seen && x.n > 20);
}

static void source_text(void **st)
{
    struct sources *s = sources_new();
    struct err err = {0};
    unsigned mark = marked_line("called");
    struct place at;
    struct spot spot;

    (void)st;
    assert_non_null(s);
    assert_null(sources_line(s, kernel.program, "guest/kernel/sched.c", 1, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_null(sources_line(s, kernel.program, "guest/kernel/sched.c", 2, &err));
    assert_int_equal(err.class, ERR_NONE); /* said once */
    assert_false(sources_add(s, "/no/such/directory", &err));
    assert_true(sources_add(s, RINGSIDE_SOURCE, &err));
    const char *line = sources_line(s, kernel.program, "guest/kernel/sched.c", 1, &err);
    assert_non_null(line);
    assert_string_equal(line, "/* SPDX-License-Identifier: GPL-2.0-only */");
    assert_true(sources_lines(s, kernel.program, "guest/kernel/sched.c") > 100);
    assert_null(sources_line(s, kernel.program, "guest/kernel/sched.c", 100000, &err));
    sources_free(s);
    if (!program_debug_supported())
        return;
    /* Where it was compiled, no directory needs to be named. */
    s = sources_new();
    locate(&plain, "called", &spot, 1);
    assert_true(program_at(plain.program, spot.addr, &at));
    line = sources_line(s, plain.program, at.file, mark, &err);
    assert_non_null(line);
    assert_non_null(strstr(line, "mark: called"));
    sources_free(s);
}

static void stripped_files_tell_what_they_can(void **st)
{
    uint32_t lo, hi;
    struct place at;
    unsigned n;

    (void)st;
    kernel_symbols(program_symbols(stripped.program), &n);
    assert_int_equal(n, 0);
    assert_false(program_has_lines(stripped.program));
    assert_true(program_covers(stripped.program, 0x08049B00));
    assert_false(program_at(stripped.program, 0x08049B00, &at));
    if (program_debug_supported())
        assert_true(program_function_range(stripped.program, 0x08060000, &lo, &hi));
    struct image text = {.data = (const uint8_t *)"hello", .size = 5, .name = "text"};
    struct err err = {0};
    assert_null(program_open(&text, &err));
    assert_int_equal(err.class, ERR_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found),
        cmocka_unit_test(assembler_has_lines_and_no_prologue),
        cmocka_unit_test(every_row_of_the_kernel_is_consistent),
        cmocka_unit_test(lines_are_found),
        cmocka_unit_test(inlined_copies_are_all_meant),
        cmocka_unit_test(wrong_names_get_the_nearest),
        cmocka_unit_test(names_are_completed),
        cmocka_unit_test(source_text),
        cmocka_unit_test(stripped_files_tell_what_they_can),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
