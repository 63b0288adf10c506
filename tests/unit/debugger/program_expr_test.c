/* SPDX-License-Identifier: GPL-2.0-only */
/* Types, values and expressions, over the sample program's memory as it is before it runs. */
#include "program_tests.h"

static struct opened plain;
static uint8_t written[65536]; /* what was assigned, by address; where touched[] is set */
static bool touched[65536];
static uint64_t machine_register = 0x80000011;

static uint32_t base(void)
{
    return kernel_find(program_symbols(plain.program), "all")->addr & ~0xFFFFu;
}

static bool read_memory(void *ctx, uint32_t addr, void *to, uint32_t n)
{
    if (!read_file_memory(ctx, addr, to, n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (addr + i - base() < sizeof written && touched[addr + i - base()])
            ((uint8_t *)to)[i] = written[addr + i - base()];
    return true;
}

static bool write_memory(void *ctx, uint32_t addr, const void *from, uint32_t n)
{
    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        if (addr + i - base() >= sizeof written)
            return false;
        written[addr + i - base()] = ((const uint8_t *)from)[i];
        touched[addr + i - base()] = true;
    }
    return true;
}

static bool get_register(void *ctx, const char *name, uint64_t *value, unsigned *bits)
{
    (void)ctx;
    if (strcmp(name, "cr0"))
        return false;
    *value = machine_register;
    *bits = 32;
    return true;
}

static bool set_register(void *ctx, const char *name, uint64_t value)
{
    (void)ctx;
    if (strcmp(name, "cr0") && strcmp(name, "eax"))
        return false;
    machine_register = value;
    return true;
}

static bool host_symbol(void *ctx, const char *name, uint64_t *value)
{
    (void)ctx;
    *value = 42;
    return !strcmp(name, "answer");
}

static struct expr_session *session;

static int open_all(void **st)
{
    static struct program *list[1];
    struct frame frame;
    uint32_t reg[FRAME_REGISTERS] = {[FRAME_EAX] = 0x12345678, [FRAME_ESP] = 0xBFFF0000};

    (void)st;
    open_program(&plain, SAMPLE_PLAIN);
    list[0] = plain.program;
    struct programs l = {list, 1};
    struct expr_host host = {.memory = {read_memory, write_memory, plain.program},
                             .get_register = get_register,
                             .set_register = set_register,
                             .symbol = host_symbol};
    session = expr_session_new(&host);
    assert_non_null(session);
    frame_first(l, reg, &frame);
    expr_look_from(session, l, &frame, DEPTH_INNERMOST);
    return 0;
}

static int close_all(void **st)
{
    (void)st;
    expr_session_free(session);
    close_program(&plain);
    return 0;
}

static void show(const char *text, char letter, char *out, size_t size)
{
    struct value_format f = {.letter = letter};
    struct err err = {0};
    struct value v;

    if (expr_eval(session, text, &v, &err))
        value_text(session, &v, &f, out, size);
    else
        snprintf(out, size, "error: %s", err.text);
}

struct example {
    const char *text, *shown;
    char letter;
};

static void assert_examples(const struct example *e, size_t n)
{
    static char out[65536];

    for (size_t i = 0; i < n; i++) {
        show(e[i].text, e[i].letter, out, sizeof out);
        if (strcmp(out, e[i].shown))
            fail_msg("'%s' shows\n  %s\nnot\n  %s", e[i].text, out, e[i].shown);
    }
}
#define ASSERT_EXAMPLES(...)                                 \
    do {                                                     \
        static const struct example list[] = {__VA_ARGS__};  \
        assert_examples(list, sizeof list / sizeof list[0]); \
    } while (0)

static void arithmetic_is_that_of_c(void **st)
{
    (void)st;
    ASSERT_EXAMPLES(
        {"1 + 2 * 3", "7", 0}, {"(1 + 2) * 3", "9", 0}, {"7 / 2", "3", 0}, {"-7 / 2", "-3", 0},
        {"-7 % 3", "-1", 0}, {"10 - 3 - 2", "5", 0}, {"0x10 + 010 + 0b11", "27", 0},
        {"1 << 31", "-2147483648", 0}, {"1u << 31", "2147483648", 0}, {"-1 >> 1", "-1", 0},
        {"0xffffffff + 1", "0", 0}, {"0xffffffffll + 1", "4294967296", 0},
        {"5u - 6", "4294967295", 0}, {"-1 < 1u", "0", 0}, {"-1 < 1", "1", 0},
        {"2147483647 + 1", "-2147483648", 0}, {"4294967296", "4294967296", 0},
        {"(-2147483647 - 1) / -1", "-2147483648", 0},
        {"(-9223372036854775807ll - 1) / -1ll", "-9223372036854775808", 0},
        {"3 > 2 ? 10 : 20", "10", 0}, {"0 ? 1 : 0 ? 2 : 3", "3", 0}, {"1 && 0 || 1", "1", 0},
        {"!5", "0", 0}, {"~5", "-6", 0}, {"-(-5)", "5", 0}, {"1 ? 2 : 1/0", "2", 0},
        {"0 && 1/0", "0", 0}, {"1 || 1/0", "1", 0}, {"5 & 3 | 8 ^ 1", "9", 0}, {"1, 2", "2", 0},
        {"1 == 1.0", "1", 0}, {"1.5 * 2", "3", 0}, {"1.0 / 4", "0.25", 0}, {"7 / 2.0", "3.5", 0},
        {"(int)3.9", "3", 0}, {"(char)321", "65 'A'", 0}, {"(unsigned char)-1", "255 '\\377'", 0},
        {"(short)0x18000", "-32768", 0}, {"(unsigned long long)-1", "18446744073709551615", 0},
        {"(_Bool)7", "true", 0}, {"'a' + 1", "98", 0}, {"'\\n'", "10 '\\n'", 0},
        {"sizeof(int)", "4", 0}, {"sizeof (char *)", "4", 0}, {"sizeof 1ll", "8", 0},
        {"sizeof(unsigned short) * 3", "6", 0}, {"\"abc\"", "\"abc\"", 0},
        {"\"a\\\"\\n\" \"b\"", "\"a\\\"\\nb\"", 0}, {"sizeof \"abc\"", "4", 0});
}

static void letters_are_those_of_print(void **st)
{
    (void)st;
    ASSERT_EXAMPLES({"255", "0xff", 'x'}, {"-1", "0xffffffff", 'x'}, {"(short)-1", "0xffff", 'x'},
                    {"10", "1010", 't'}, {"0", "0", 't'}, {"8", "010", 'o'},
                    {"-1", "4294967295", 'u'}, {"0xffffffff", "-1", 'd'}, {"65", "65 'A'", 'c'},
                    {"'a'", "97", 'd'}, {"1", "0x00000001", 'z'}, {"0x3f800000", "1", 'f'},
                    {"0", "0x0", 'a'});
}

static void wrong_expressions_say_what_is_wrong(void **st)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"", "missing"},
        {"1 +", "at the end"},
        {"1 2", "an operator is missing"},
        {"(1", "')' is missing"},
        {"1 / 0", "division by zero"},
        {"1 % 0", "division by zero"},
        {"0x", "no number"},
        {"12abc", "no number"},
        {"99999999999999999999", "64 bits"},
        {"'", "does not end"},
        {"\"abc", "does not end"},
        {"''", "empty"},
        {"1 = 2", "cannot be assigned"},
        {"&1", "no address"},
        {"*1.5", "pointer"},
        {"#", "C knows"},
        {"1 ? 2", "':' is missing"},
        {"sizeof", "missing"},
        {"$99999999999", "history"},
        {"1.5 << 1", "integers"},
        {"$_nothing(1)", "no function"},
        {"$_streq(\"a\")", "two strings"},
        {"*(int *)0", "cannot read memory at 0x0"},
        {"(void)1 + 1", "calculate"},
        {"*(void *)4", "void *"},
        {"nosuch", "no symbol 'nosuch' in the current context"},
        {"countr", "did you mean 'counter'?"},
        {"called(1)", "cannot be called"},
        {"int", "type"},
        {"(struct nosuch *)0", "no struct 'nosuch'"},
    };
    char deep[3000], out[600];

    (void)st;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct err err = {0};
        struct value v;
        if (expr_eval(session, wrong[i].text, &v, &err)) {
            value_text(session, &v, NULL, out, sizeof out);
            if (strstr(out, wrong[i].why)) /* values that cannot be read say so when shown */
                continue;
            fail_msg("'%s' is %s", wrong[i].text, out);
        }
        assert_int_equal(err.class, ERR_USAGE);
        if (!strstr(err.text, wrong[i].why))
            fail_msg("'%s' says '%s', not '%s'", wrong[i].text, err.text, wrong[i].why);
    }
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    show(deep, 0, out, sizeof out);
    assert_non_null(strstr(out, "nested too deeply"));
    memset(deep, '-', sizeof deep - 1);
    show(deep, 0, out, sizeof out);
    assert_non_null(strstr(out, "nested too deeply"));
}

static void need_debug_information(void)
{
    if (!program_debug_supported())
        skip();
}

static void values_are_shown_as_gdb_shows_them(void **st)
{
    (void)st;
    need_debug_information();
    ASSERT_EXAMPLES(
        {"all.name", "\"sample\\000\\000\\000\\000\\000\\000\\000\\000\\000\"", 0},
        {"all.corner", "{{x = 1, y = 2}, {x = -3, y = 4}}", 0}, {"all.corner[1].y", "4", 0},
        {"all.inside", "77", 0}, {"all.s", "16706", 0}, {"all.c", "66 'B'", 0},
        {"all.bits", "{a = 5, b = 100, c = 1398101, low = -3, wide = 78187493530}", 0},
        {"all.bits.low", "-3", 0}, {"all.bits.b", "0x64", 'x'}, {"all.bits.wide", "78187493530", 0},
        {"all.word", "{whole = 16909060, byte = \"\\004\\003\\002\\001\"}", 0},
        {"all.color", "GREEN", 0}, {"all.flags", "(FLAG_A | FLAG_C)", 0}, {"BLUE", "BLUE", 0},
        {"(enum color)99", "99", 0}, {"(enum flags)9", "(FLAG_A | unknown: 0x8)", 0},
        {"GREEN + 1", "6", 0}, {"all.real", "1.5", 0}, {"all.single", "-0.25", 0},
        {"all.yes", "true", 0}, {"all.small", "-7 '\\371'", 0}, {"all.big", "-5000000000", 0},
        {"all.zeros", "'\\000' <repeats 39 times>", 0}, {"all.matrix", "{{1, 2, 3}, {4, 5, 6}}", 0},
        {"all.matrix[1][2]", "6", 0}, {"here", "{x = 10, y = 20}", 0}, {"counter", "0", 0},
        {"numbers", "{0 <repeats 300 times>}", 0}, {"$_streq(all.name, \"sample\")", "1", 0},
        {"$_streq(all.text, \"sample\")", "0", 0}, {"$_strlen(all.name)", "6", 0},
        {"*&all.inside", "77", 0}, {"(&all)->corner[0].x", "1", 0},
        {"all.self->self->inside", "77", 0}, {"all.self == &all", "1", 0},
        {"&all.corner[1] - &all.corner[0]", "1", 0}, {"*all.matrix[0]@2", "{1, 2}", 0},
        {"all.matrix[0]@2", "{{1, 2, 3}, {4, 5, 6}}", 0}, {"{int}&all.inside", "77", 0},
        {"((struct everything *)&all)->inside", "77", 0}, {"*(int *)&all.inside", "77", 0},
        {"((unsigned char *)&all.word)[1]", "3 '\\003'", 0}, {"called::times", "3", 0},
        {"'program_sample.c'::here.y", "20", 0},
        {"sizeof(struct everything) == sizeof all", "1", 0}, {"sizeof(all.corner)", "16", 0},
        {"&*all.self == &all", "1", 0}, {"all.function == called", "1", 0},
        {"*all.function == called", "1", 0}, {"answer", "42", 0},
        {"&((struct everything *)0)->inside", "(int *) 0x20", 0},
        {"all.nosuch", "error: struct everything has no member 'nosuch'", 0},
        {"all.inside.x", "error: 'x' is asked of a int, which has no members", 0},
        {"&all.bits.a", "error: a bit field has no address", 0});
    char out[4000], expected[200];
    const struct kernel_symbol *all = kernel_find(program_symbols(plain.program), "all");
    show("&all", 0, out, sizeof out);
    snprintf(expected, sizeof expected, "(struct everything *) 0x%x <all>", all->addr);
    assert_string_equal(out, expected);
    show("all.text", 0, out, sizeof out);
    assert_non_null(strstr(out, " \"hello\\n\\\"world\\\"\""));
    show("all.function", 0, out, sizeof out);
    assert_true(strstr(out, "(int (*)(int, const char *)) 0x") == out && strstr(out, "<called>"));
    show("called", 0, out, sizeof out);
    assert_true(strstr(out, "{int (int, const char *)} 0x") == out);
    show("all", 0, out, sizeof out);
    assert_true(strstr(out, "{name = \"sample") == out && strstr(out, "{s = 16706, c = 66 'B'}"));
    struct value_format pretty = {.pretty = true};
    struct value v;
    assert_true(expr_eval(session, "here", &v, NULL));
    value_text(session, &v, &pretty, out, sizeof out);
    assert_string_equal(out, "{\n  x = 10,\n  y = 20\n}");
    char tiny[12];
    assert_true(expr_eval(session, "all", &v, NULL));
    value_text(session, &v, NULL, tiny, sizeof tiny);
    assert_string_equal(tiny, "{name = ...");
}

static void assert_type(const char *text, const char *expected, bool described)
{
    const struct type *t;
    struct err err = {0};
    char out[4000];

    if (!expr_type(session, text, &t, &err))
        fail_msg("%s: %s", text, err.text);
    (described ? type_describe : type_text)(t, out, sizeof out);
    if (strcmp(out, expected))
        fail_msg("the type of '%s' is\n%s\nnot\n%s", text, out, expected);
}

static void types_are_written_as_c_writes_them(void **st)
{
    (void)st;
    need_debug_information();
    assert_type("all", "struct everything", false);
    assert_type("&all", "struct everything *", false);
    assert_type("all.name", "char [16]", false);
    assert_type("&all.name", "char (*)[16]", false);
    assert_type("all.matrix", "int [2][3]", false);
    assert_type("*all.matrix", "int [3]", false);
    assert_type("all.function", "int (*)(int, const char *)", false);
    assert_type("handlers", "handler_t [2]", false);
    assert_type("here", "point_t", false);
    assert_type("here", "struct point {\n    int x;\n    int y;\n}", true);
    assert_type("struct bits",
                "struct bits {\n    unsigned int a : 3;\n    unsigned int b : 7;\n"
                "    unsigned int c : 22;\n    int low : 4;\n    unsigned long long wide : 40;\n}",
                true);
    assert_type("enum color", "enum color {RED, GREEN = 5, BLUE}", true);
    assert_type("counter", "volatile int", false);
    assert_type("all.text", "const char *", false);
    assert_type("1 + 1u", "unsigned int", false);
    assert_type("1 + 1ll", "long long", false);
    assert_type("1.0f + 1", "float", false);
    assert_type("$eip", "void (*)()", false);
    assert_type("$esp", "void *", false);
    assert_type("unsigned long", "unsigned long", false);
    assert_type("struct point *", "struct point *", false);
    assert_type("sizeof(int)", "unsigned long", false);
    assert_type("*(struct point *)0", "struct point", false);
    const struct type *t;
    char out[4000];
    assert_true(expr_type(session, "struct everything", &t, NULL));
    type_describe(t, out, sizeof out);
    assert_non_null(strstr(out, "    struct {\n        int inside;\n        union {\n"
                                "            short s;\n            char c;\n        };\n    };\n"));
    assert_non_null(strstr(out, "    int (*function)(int, const char *);\n"));
    struct type_member m;
    assert_true(type_member(t, 0, &m));
    assert_string_equal(m.name, "name");
    assert_int_equal(m.offset, 0);
    assert_int_equal(type_size(m.type), 16);
    assert_false(type_member(t, type_members(t), &m));
    assert_null(program_type(plain.program, "struct nosuch"));
    assert_int_equal(type_kind(program_type(plain.program, "point_t")), TYPE_STRUCT);
}

static void assignments_change_what_they_name(void **st)
{
    (void)st;
    need_debug_information();
    ASSERT_EXAMPLES(
        {"counter = 5", "5", 0}, {"counter", "5", 0}, {"counter += 3", "8", 0},
        {"counter++", "8", 0}, {"++counter", "10", 0}, {"counter--", "10", 0}, {"counter", "9", 0},
        {"all.bits.b = 99", "99", 0},
        {"all.bits", "{a = 5, b = 99, c = 1398101, low = -3, wide = 78187493530}", 0},
        {"all.bits.low = 9", "-7", 0}, {"all.bits.wide = 1", "1", 0},
        {"all.bits", "{a = 5, b = 99, c = 1398101, low = -7, wide = 1}", 0},
        {"all.color = BLUE", "BLUE", 0}, {"all.real = 2.25", "2.25", 0}, {"all.real", "2.25", 0},
        {"all.single = 1", "1", 0}, {"all.yes = 0", "false", 0}, {"all.small = 300", "44 ','", 0},
        {"all.big = 1ll << 40", "1099511627776", 0},
        {"all.corner[0] = here", "{x = 10, y = 20}", 0},
        {"all.corner", "{{x = 10, y = 20}, {x = -3, y = 4}}", 0},
        {"all.name[0] = 'S'", "83 'S'", 0}, {"all.self->inside = all.self->inside + 1", "78", 0},
        {"all.corner[0] = 5", "error: only something of the same type can be assigned to it", 0},
        {"*(int *)4 = 1", "error: cannot write memory at 0x4", 0}, {"$cr0", "-2147483631", 0},
        {"$cr0", "0x80000011", 'x'}, {"$cr0 = 0x11", "17", 0}, {"$cr0", "17", 0},
        {"$eax", "0x12345678", 'x'}, {"$ax", "0x5678", 'x'}, {"$al", "0x78", 'x'},
        {"$ah", "0x56", 'x'}, {"$ah = 0xff", "0xff", 'x'}, {"$eax", "0x1234ff78", 'x'},
        {"$sp", "(void *) 0xbfff0000", 0},
        {"$ebx = 1", "error: the register ebx cannot be changed", 0});
    assert_int_equal(machine_register, 0x1234FF78); /* what $ah made of EAX */
}

static void history_and_variables_last(void **st)
{
    struct value v;
    struct err err = {0};

    (void)st;
    ASSERT_EXAMPLES({"$", "void", 0}, {"$$", "void", 0}, {"$1", "void", 0}, {"$x", "void", 0},
                    {"$x = 3", "3", 0}, {"$x", "3", 0}, {"$x + 1", "4", 0}, {"$x += 2", "5", 0},
                    {"$x++", "5", 0}, {"$x", "6", 0});
    assert_true(expr_eval(session, "10", &v, &err));
    assert_int_equal(expr_remember(session, &v, &err), 1);
    assert_true(expr_eval(session, "20", &v, &err));
    assert_int_equal(expr_remember(session, &v, &err), 2);
    ASSERT_EXAMPLES({"$", "20", 0}, {"$$", "10", 0}, {"$1 + $2", "30", 0}, {"$$1", "10", 0},
                    {"$$0", "20", 0}, {"$3", "void", 0});
    need_debug_information();
    assert_true(expr_eval(session, "all", &v, &err));
    assert_int_equal(expr_remember(session, &v, &err), 3);
    ASSERT_EXAMPLES({"all.inside = 1000", "1000", 0}, {"$3.inside == 1000", "0", 0},
                    {"$.matrix[1][0]", "4", 0}, {"&$3 == &all", "1", 0});
}

static void compiled_ones_run_often(void **st)
{
    struct err err = {0};
    struct value v;
    int64_t n;

    (void)st;
    struct expr *x = expr_compile(session, "$i * 2 == 20", &err);
    assert_non_null(x);
    for (int i = 0; i < 100; i++) {
        char set[32];
        bool truth;
        snprintf(set, sizeof set, "$i = %d", i);
        assert_true(expr_eval(session, set, &v, &err));
        assert_true(expr_run(x, &v, &err));
        assert_true(value_true(session, &v, &truth, &err));
        assert_int_equal(truth, i == 10);
    }
    expr_free(x);
    assert_true(expr_eval(session, "$i", &v, &err));
    assert_true(value_integer(session, &v, &n, &err));
    assert_int_equal(n, 99);
    uint32_t addr;
    assert_true(expr_eval(session, "counter", &v, &err));
    assert_true(expr_eval(session, "&counter", &v, &err));
    assert_true(value_address(session, &v, &addr, &err));
    assert_int_equal(addr, kernel_find(program_symbols(plain.program), "counter")->addr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_is_that_of_c),
        cmocka_unit_test(letters_are_those_of_print),
        cmocka_unit_test(wrong_expressions_say_what_is_wrong),
        cmocka_unit_test(values_are_shown_as_gdb_shows_them),
        cmocka_unit_test(types_are_written_as_c_writes_them),
        cmocka_unit_test(assignments_change_what_they_name),
        cmocka_unit_test(history_and_variables_last),
        cmocka_unit_test(compiled_ones_run_often),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
