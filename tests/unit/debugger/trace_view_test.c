/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows without a machine: names and events made by hand, arguments to text, filters, places. */
#include "unit.h"

#include "debugger/syscalls.h"
#include "debugger/trace_args.h"
#include "debugger/trace_choose.h"

static void entries_with_their_flags(void **st)
{
    char text[80];

    (void)st;
    format_pte(0x1067, text, sizeof text);
    assert_string_equal(text, "0x1067 P RW US A D");
    format_pte(UINT64_C(0x8000000000001199), text, sizeof text);
    assert_string_equal(text, "0x8000000000001199 P PWT PCD PS G NX");
    format_pte(0, text, sizeof text);
    assert_string_equal(text, "0");
    format_pte(UINT64_MAX, text, 12); /* a short buffer */
    assert_string_equal(text, "0xfffffffff");
}

static void arguments(void **st)
{
    struct argument_words a = {.word = {3, 0xfffffff7, 0644, 0x1067, 0, 0x80001000, 7, 9}, .n = 8};
    char text[200];

    (void)st;
    format_arguments("", &a, text, sizeof text);
    assert_string_equal(text, "()");
    format_arguments("a b:1 c:1:oct d:2:pte e:1: f:1:u32", &a, text, sizeof text);
    assert_string_equal(text,
                        "(a=3, b=0xfffffff7, c=0644, d=0x1067 P RW US A D, e=0x80001000, f=7)");
    strcpy(a.text[1], "/etc/\npasswd");
    format_arguments("fd:1:int path:1:str", &a, text, sizeof text);
    assert_string_equal(text, "(fd=3, path=0xfffffff7 \"/etc/.passwd\")");
    format_arguments("fd:1:int other:1:int", &(struct argument_words){.word = {1, (uint32_t)-100}},
                     text, sizeof text);
    assert_string_equal(text, "(fd=1, other=-100)");
    /* What a damaged file may claim: more words than there are, lists that do not end well. */
    format_arguments("a:2:x b:2:x c:2:x d:2:x e:2:x f:2:x", &a, text, sizeof text);
    assert_non_null(strstr(text, "f=0)"));
    for (size_t size = 1; size < 60; size++) {
        format_arguments("a::: b: :c d:2:pte  ", &a, text, size);
        assert_true(strlen(text) < size);
    }
}

/* Of every call that the kernel has, the arguments are known, and no others are. */
static void all_system_calls(void **st)
{
    static const char *const kernel[] = {
#define SYSCALL(number, name) #name,
#include "guest/kernel/syscalls.def"
#undef SYSCALL
    };
    static const char *const ours[] = {
#define SYSCALL_ARGS(name, arguments) #name,
#include "debugger/syscalls.def"
#undef SYSCALL_ARGS
    };
    size_t n = sizeof kernel / sizeof kernel[0], m = sizeof ours / sizeof ours[0];
    uint8_t texts;

    (void)st;
    for (size_t i = 0; i < n; i++)
        if (strcmp(kernel[i], "ni_syscall") != 0 && !syscall_arguments(kernel[i]))
            fail_msg("debugger/syscalls.def does not have %s", kernel[i]);
    for (size_t i = 0; i < m; i++) {
        bool known = false;
        for (size_t j = 0; j < n && !known; j++)
            known = !strcmp(ours[i], kernel[j]);
        if (!known)
            fail_msg("the kernel does not have %s", ours[i]);
        assert_in_range(syscall_words(ours[i], &texts), 0, 6);
    }
    assert_int_equal(syscall_words("pread64", &texts), 5); /* a wide one among them */
    assert_int_equal(syscall_words("renameat", &texts), 4);
    assert_int_equal(texts, 2 | 8);
    assert_int_equal(syscall_words("no_such_call", &texts), 6);
    assert_int_equal(texts, 0);
}

static void places(void **st)
{
    struct trace_place p;

    (void)st;
    assert_true(trace_place_parse("20M", &p) && p.given && !p.is_event && p.value == 20000000);
    assert_true(trace_place_parse("#0x10", &p) && p.given && p.is_event && p.value == 16);
    assert_true(trace_place_parse(NULL, &p) && !p.given);
    static const char *const wrong[] = {
        "", "#", "M", "-1", "1x", "99999999999999999999", "20000000000G"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(trace_place_parse(wrong[i], &p));
}

/* ---- events by hand ---- */

static struct trace_view *view(void)
{
    struct trace_view *v = trace_view_new();

    assert_non_null(v);
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        assert_true(trace_view_put(v, &(struct trace_name){.class = NAME_EVENT,
                                                           .number = i,
                                                           .text = event_info[i].name,
                                                           .text2 = event_info[i].fields,
                                                           .text3 = ""}));
    static const struct trace_name names[] = {
        {NAME_HYPERCALL, 14, 0, 0, "SET_PTE", "root:1:gpa va:1:gva pte:2:pte", ""},
        {NAME_SYSCALL, 5, 0, 0, "open", "path:1:str flags:1:hex mode:1:oct", ""},
        {NAME_PROGRAM, 0, 0x8048000, 16, "main", "prog", ""},
        {NAME_PROGRAM, 1, 0x8048010, 16, "work", "prog", ""},
        {NAME_PROGRAM, 2, 0x8048000, 64, "other_main", "other", ""},
        {NAME_SYMBOL, 0, 0xC0100000, 256, "start_kernel", "", ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(trace_view_put(v, &names[i]));
    return v;
}

static bool give(struct trace_view *v, struct trace_row *row, enum event_kind kind, unsigned cpl,
                 uint32_t eip, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    static uint64_t cycle;

    return trace_view_event(v,
                            &(struct event){.cycle = cycle += 10,
                                            .kind = (uint16_t)kind,
                                            .cpl = (uint8_t)cpl,
                                            .eip = eip,
                                            .a = {a, b, c, d}},
                            row);
}

static uint32_t word(const char *four)
{
    uint32_t w;

    memcpy(&w, four, 4);
    return w;
}

static void calls_and_their_ends(void **st)
{
    struct trace_view *v = view();
    struct trace_row row;

    (void)st;
    give(v, &row, EVENT_task, 0, 0xC0100010, 7, word("prog"), 0, 0);
    assert_string_equal(row.function, "start_kernel");
    assert_false(give(v, &row, EVENT_args, 3, 0x8048012, 0x1000, 0, 0600, 0));
    assert_false(
        give(v, &row, EVENT_text, 3, 0x8048012, 0, word("/etc"), word("/pas"), word("swd\0")));
    assert_false(give(v, &row, EVENT_text, 3, 0x8048012, 99, 0, 0, 0)); /* no such argument */
    assert_true(give(v, &row, EVENT_softint, 3, 0x8048012, 0x80, 5, 0, 0));
    assert_string_equal(row.detail, "0x80 open(path=0x1000 \"/etc/passwd\", flags=0, mode=0600)");
    assert_string_equal(row.function, "work");
    assert_string_equal(row.alias, "open");
    assert_true(trace_row_matches(&row, "syscall:op*"));
    assert_true(row.phase == ROW_BEGIN && row.depth == 0);

    assert_false(give(v, &row, EVENT_args, 1, 0xC0100020, 0x80000000, 0, 0, 0));
    assert_true(give(v, &row, EVENT_hypercall, 1, 0xC0100020, 14, 0x2000, 0x3000, 0x1067));
    assert_string_equal(row.name, "SET_PTE");
    assert_string_equal(row.detail,
                        "(root=0x2000, va=0x3000, pte=0x8000000000001067 P RW US A D NX)");
    assert_true(row.phase == ROW_BEGIN && row.depth == 1);
    assert_true(trace_row_matches(&row, "hypercall:set_pte"));
    assert_false(trace_row_matches(&row, "syscall:*"));
    uint64_t begun = row.number;
    assert_true(give(v, &row, EVENT_hypercall_end, 1, 0xC0100020, 14, 1, 0x2A, 0));
    assert_true(row.phase == ROW_END && row.begin == begun && row.depth == 1);
    assert_string_equal(row.result, "0x2a");
    assert_int_equal(row.cycles, 10);
    /* The words were that call's alone. */
    assert_true(give(v, &row, EVENT_softint, 3, 0x8048002, 0x80, 5, 0, 0));
    assert_string_equal(row.detail, "0x80 open");
    assert_string_equal(row.function, "main");
    assert_int_equal(row.depth, 0); /* a user's crossing: nothing below it can be open */
    give(v, &row, EVENT_task, 0, 0xC0100010, 8, word("othe"), word("r\0\0\0"), 0);
    give(v, &row, EVENT_softint, 3, 0x8048002, 0x80, 99, 0, 0);
    assert_string_equal(row.function, "other_main");
    give(v, &row, EVENT_softint, 3, 0x9000000, 0x80, 99, 0, 0);
    assert_string_equal(row.function, "0x9000000");

    /* Somewhere else in time: an end ends nothing that is known. */
    assert_true(give(v, &row, EVENT_hypercall, 1, 0xC0100020, 200, 1, 2, 3));
    assert_string_equal(row.name, "200");
    trace_view_forget(v);
    assert_true(give(v, &row, EVENT_hypercall_end, 1, 0xC0100020, 200, 0, 0, 0));
    assert_true(row.phase == ROW_POINT && !row.known_task);
    trace_view_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_with_their_flags), cmocka_unit_test(arguments),
        cmocka_unit_test(all_system_calls),         cmocka_unit_test(places),
        cmocka_unit_test(calls_and_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
