/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that lie: bytes flipped at random, ends cut off. Whatever is asked of them, the answer may
 * be nonsense, but it comes, and soon. And stacks and expressions that are nonsense.
 */
#include "program_tests.h"

#include <time.h>

#include "random.h"

static struct opened kernel, fast;
static uint64_t seed = 20070204;

static int open_all(void **st)
{
    const char *given = getenv("RINGSIDE_SEED");

    (void)st;
    if (given)
        seed = strtoull(given, NULL, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    open_program(&kernel, RINGSIDE_BUILD "/ringside-kernel");
    open_program(&fast, SAMPLE_FAST);
    return 0;
}

static int close_all(void **st)
{
    (void)st;
    close_program(&kernel);
    close_program(&fast);
    return 0;
}

static bool take(void *ctx, const char *name)
{
    *(size_t *)ctx += strlen(name);
    return true;
}

/* Memory in which everything is there and nothing makes sense. */
static bool read_noise(void *ctx, uint32_t addr, void *to, uint32_t n)
{
    struct random *r = ctx;

    if (one_in(r, 8))
        return false;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] =
            one_in(r, 3) ? (uint8_t)(addr >> 8 * (i & 3)) : (uint8_t)random_next(r);
    return true;
}

static unsigned ask_everything(struct program *p, struct random *r, uint32_t from, uint32_t to)
{
    struct program *list[1] = {p};
    struct programs l = {list, 1};
    struct expr_host host = {.memory = {read_noise, NULL, r}};
    struct expr_session *s = expr_session_new(&host);
    static struct frame frames[256];
    static char text[20000];
    unsigned told = 0;
    size_t length = 0;

    assert_non_null(s);
    for (unsigned i = 0; i < 12; i++) {
        uint32_t addr = from + (uint32_t)random_below(r, to - from), lo, hi;
        struct place at;
        struct variable vars[32];
        struct value v;
        uint32_t reg[FRAME_REGISTERS];
        for (unsigned j = 0; j < FRAME_REGISTERS; j++)
            reg[j] = (uint32_t)random_next(r);
        reg[FRAME_EIP] = addr;
        told += program_at(p, addr, &at);
        told += program_function_range(p, addr, &lo, &hi);
        program_prologue_end(p, addr);
        unsigned n = frame_backtrace(l, &host.memory, reg, frames, 256, NULL, NULL);
        assert_true(n >= 1 && n <= 256);
        expr_look_from(s, l, &frames[0], DEPTH_INNERMOST);
        n = frame_variables(&frames[0], DEPTH_INNERMOST, vars, 32);
        for (unsigned j = 0; j < n && j < 32; j++) {
            type_describe(vars[j].type, text, sizeof text);
            if (value_of_variable(s, &frames[0], &vars[j], &v, NULL))
                value_text(s, &v, NULL, text, sizeof text);
        }
    }
    static const char *const asked[] = {
        "current",    "*current", "all",         "&all.bits",
        "main",       "schedule", "counter + 1", "sizeof(struct task)",
        "numbers[3]", "here.x"};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct value v;
        const struct type *t;
        if (expr_eval(s, asked[i], &v, NULL))
            value_text(s, &v, NULL, text, sizeof text);
        if (expr_type(s, asked[i], &t, NULL))
            type_describe(t, text, sizeof text);
    }
    struct spot spots[4];
    told += program_locate(p, "main", NULL, spots, 4, NULL) > 0;
    program_locate(p, "sched.c:100", NULL, spots, 4, NULL);
    program_complete(p, NAMES_FUNCTIONS | NAMES_VARIABLES | NAMES_TYPES | NAMES_FILES, "", take,
                     &length);
    expr_session_free(s);
    return told + (length > 0);
}

static void damage(const struct opened *o, unsigned rounds, uint32_t from, uint32_t to)
{
    struct random r = {seed};
    uint8_t *copy = malloc(o->image.size);
    unsigned told = 0;

    assert_non_null(copy);
    for (unsigned i = 0; i < rounds; i++) {
        struct image bad = {.data = copy, .size = o->image.size, .name = "bad"};
        struct err err = {0};
        memcpy(copy, o->image.data, o->image.size);
        /* Now and then the headers too, now and then the end is missing. */
        size_t first = one_in(&r, 4) ? 0 : o->image.size / 4;
        unsigned flips = 1 + (unsigned)random_below(&r, 200);
        for (unsigned j = 0; j < flips; j++)
            copy[first + random_below(&r, o->image.size - first)] = (uint8_t)random_next(&r);
        if (one_in(&r, 4))
            bad.size = random_below(&r, o->image.size);
        struct program *p = program_open(&bad, &err);
        if (!p) {
            assert_int_not_equal(err.class, ERR_NONE);
            continue;
        }
        told += ask_everything(p, &r, from, to);
        program_close(p);
    }
    assert_true(told > 0);
    free(copy);
}

static void damaged_kernels_are_harmless(void **st)
{
    const struct kernel *k = program_symbols(kernel.program);

    (void)st;
    damage(&kernel, 30, kernel_find(k, "text_start")->addr, kernel_find(k, "text_end")->addr);
}

static void damaged_programs_are_harmless(void **st)
{
    uint32_t lo, hi;

    (void)st;
    uint32_t main_at = kernel_find(program_symbols(fast.program), "main")->addr;
    assert_true(program_function_range(fast.program, main_at, &lo, &hi));
    damage(&fast, 400, lo - 0x200, hi + 0x200);
}

static void good_files_with_nonsense_around_them(void **st)
{
    struct random r = {seed + 1};
    const struct kernel *k = program_symbols(kernel.program);

    (void)st;
    for (unsigned i = 0; i < 40; i++)
        assert_true(ask_everything(kernel.program, &r, kernel_find(k, "text_start")->addr,
                                   kernel_find(k, "text_end")->addr) > 0);
}

/* A stack in which every frame leads to the next, four bytes up, or to itself. */
static bool read_stairs(void *ctx, uint32_t addr, void *to, uint32_t n)
{
    uint32_t value = addr + *(const uint32_t *)ctx;

    if (n != 4)
        return false;
    memcpy(to, &value, 4);
    return true;
}

static void endless_stacks_end(void **st)
{
    static struct frame frames[FRAME_MAX + 10];
    struct program *list[1] = {kernel.program};
    struct programs l = {list, 1};

    (void)st;
    for (uint32_t step = 0; step < 12; step += 4) {
        struct program_memory m = {read_stairs, NULL, &step};
        uint32_t reg[FRAME_REGISTERS] = {
            [FRAME_EIP] = 0x1000, [FRAME_ESP] = 0x2000, [FRAME_EBP] = 0x2000};
        struct err err = {0};
        enum frame_next end;
        unsigned n = frame_backtrace(l, &m, reg, frames, FRAME_MAX + 10, &end, &err);
        assert_true(n >= 1 && n <= FRAME_MAX);
        assert_int_not_equal(end, FRAME_CALLER);
    }
}

static void random_expressions_are_answered(void **st)
{
    static const char *const piece[] = {"(",
                                        ")",
                                        "[",
                                        "]",
                                        "*",
                                        "&",
                                        "-",
                                        "+",
                                        "->",
                                        ".",
                                        "1",
                                        "0",
                                        "0x7fffffff",
                                        "9223372036854775807",
                                        "all",
                                        "here",
                                        "numbers",
                                        "self",
                                        "x",
                                        "name",
                                        "(int)",
                                        "(char *)",
                                        "(struct everything *)",
                                        "==",
                                        "<<",
                                        ">>",
                                        "/",
                                        "%",
                                        "?",
                                        ":",
                                        ",",
                                        "=",
                                        "+=",
                                        "++",
                                        "--",
                                        "$",
                                        "$$",
                                        "$1",
                                        "$eax",
                                        "$v",
                                        "@",
                                        "sizeof",
                                        "sizeof(int)",
                                        "\"s\"",
                                        "'c'",
                                        "~",
                                        "!",
                                        "&&",
                                        "||",
                                        "{int}",
                                        "::",
                                        "called",
                                        "1.5",
                                        "bits",
                                        "a",
                                        "int",
                                        "struct",
                                        "wide",
                                        "matrix",
                                        "$_streq(",
                                        "$_strlen("};
    struct random r = {seed + 2};
    struct program *list[1] = {fast.program};
    struct programs l = {list, 1};
    struct expr_host host = {.memory = {read_file_memory, NULL, fast.program}};
    struct expr_session *s = expr_session_new(&host);
    unsigned good = 0;

    (void)st;
    assert_non_null(s);
    expr_look_from(s, l, NULL, 0);
    for (unsigned i = 0; i < 20000; i++) {
        char text[400] = "", out[300];
        struct err err = {0};
        struct value v;
        const struct type *t;
        unsigned n = 1 + (unsigned)random_below(&r, 9);
        for (unsigned j = 0; j < n; j++) {
            strcat(text, piece[random_below(&r, sizeof piece / sizeof piece[0])]);
            strcat(text, one_in(&r, 3) ? " " : "");
        }
        if (expr_eval(s, text, &v, &err)) {
            good++;
            value_text(s, &v, NULL, out, sizeof out);
            expr_remember(s, &v, &err);
        } else {
            assert_int_not_equal(err.class, ERR_NONE);
            assert_true(strlen(err.text) > 5);
        }
        expr_type(s, text, &t, &err);
    }
    assert_true(good > 500);
    expr_session_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_kernels_are_harmless),
        cmocka_unit_test(damaged_programs_are_harmless),
        cmocka_unit_test(good_files_with_nonsense_around_them),
        cmocka_unit_test(endless_stacks_end),
        cmocka_unit_test(random_expressions_are_answered),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
