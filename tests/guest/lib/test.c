// SPDX-License-Identifier: GPL-2.0-only
/* Results, messages, the serial line, and the way out. */
#include "test.h"

#include <stdarg.h>

#include "abi/ringside_ports.h"
#include "env.h"
#include "traps.h"

static enum test_result worst;
static const char *command_word = "";

/* ---- words ---- */

const struct env *env;

static void put_raw(char c)
{
    if ((read_cs() & 3) == 3) /* no console there */
        asm volatile("int %0" : : "i"(VECTOR_SYSCALL), "a"(USER_PUT), "b"(c));
    else
        env->put(c);
}

static void put(char c)
{
    if (c == '\n')
        put_raw('\r');
    put_raw(c);
}

static void put_number(uint64_t value, unsigned base, int width, char pad)
{
    char digits[24];
    int n = 0;

    /* Sixteen from sixty-four bits by shifts; by ten only what fits 32: no division routine here. */
    do {
        unsigned digit = base == 16 ? (unsigned)value & 15 : (uint32_t)value % 10;
        value = base == 16 ? value >> 4 : (uint32_t)value / 10;
        digits[n++] = "0123456789abcdef"[digit];
    } while (value);
    for (; width > n; width--)
        put(pad);
    while (n)
        put(digits[--n]);
}

static void vprintk(const char *fmt, va_list ap)
{
    for (; *fmt; fmt++) {
        char pad = ' ';
        int width = 0, longs = 0;

        if (*fmt != '%') {
            put(*fmt);
            continue;
        }
        if (*++fmt == '0')
            pad = '0';
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + *fmt - '0';
        for (; *fmt == 'l'; fmt++)
            longs++;
        switch (*fmt) {
        case 's':
            for (const char *s = va_arg(ap, const char *); *s; s++)
                put(*s);
            break;
        case 'c':
            put((char)va_arg(ap, int));
            break;
        case 'd': {
            int v = va_arg(ap, int);
            if (v < 0)
                put('-');
            put_number(v < 0 ? 0u - (unsigned)v : (unsigned)v, 10, width, pad);
            break;
        }
        case 'x':
        case 'u':
            put_number(longs == 2 ? va_arg(ap, uint64_t) : va_arg(ap, uint32_t),
                       *fmt == 'x' ? 16 : 10, width, pad);
            break;
        default:
            put(*fmt);
        }
    }
}

void printk(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
}

/* ---- results ---- */

static void say(enum test_result result, const char *word, const char *fmt, va_list ap)
{
    if (result > worst)
        worst = result;
    printk("  %s: ", word);
    vprintk(fmt, ap);
    printk("\n");
}

#define RESULT(name, result, word)  \
    void name(const char *fmt, ...) \
    {                               \
        va_list ap;                 \
        va_start(ap, fmt);          \
        say(result, word, fmt, ap); \
        va_end(ap);                 \
    }
RESULT(test_skip, TEST_SKIP, "skip")
RESULT(test_error, TEST_ERROR, "error")
RESULT(test_failure, TEST_FAILURE, "failure")
#undef RESULT

void test_failure_at(const char *file, unsigned line, const char *what, const char *fmt, ...)
{
    va_list ap;

    printk("  %s:%u: not so: %s\n", file, line, what);
    va_start(ap, fmt);
    say(TEST_FAILURE, "failure", *fmt ? fmt : what, ap);
    va_end(ap);
}

void test_equal_at(const char *file, unsigned line, const char *what, uint32_t value,
                   uint32_t expected)
{
    if (value != expected)
        test_failure_at(file, line, what, "is %08x, should be %08x", value, expected);
}

/* ---- the way out ---- */

void power_off(uint8_t status)
{
    env->power_off(status);
    for (;;)
        ;
}

void test_end(void)
{
    static const char *const names[] = {
        [TEST_SUCCESS] = "SUCCESS",
        [TEST_SKIP] = "SKIP",
        [TEST_ERROR] = "ERROR",
        [TEST_FAILURE] = "FAILURE",
    };

    printk("Test result: %s\n", names[worst]);
    power_off((uint8_t)worst);
}

/* ---- where it is ---- */

const char *test_command_word(void)
{
    return command_word;
}

bool on_ringside(void)
{
    return inl(RINGSIDE_STATUS_PORT) == RINGSIDE_STATUS_MAGIC;
}

/* Loaders put words of their own before ours: a path, a seed. */
static const char *last_word(const char *words)
{
    for (const char *p = words; *p; p++)
        if (*p == ' ' && p[1] && p[1] != ' ')
            words = p + 1;
    return words;
}

/* Called by start.S: where we are, and what the loader left. */
_Noreturn void test_start(const struct env *where, uint32_t magic, const void *info);
void test_start(const struct env *where, uint32_t magic, const void *info)
{
    env = where;
    const char *words = env->enter(magic, info);

    printk("--- %s on %s ---\n", test_title, env->name);
    if (words)
        command_word = last_word(words);
    else
        test_error("%08x at the entry is not what a loader leaves", magic);
    traps_init();
    test_main();
    test_end();
}

/* ---- what the compiler may call ---- */

void *memcpy(void *to, const void *from, size_t n)
{
    void *start = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return start;
}

void *memset(void *to, int byte, size_t n)
{
    void *start = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (uint8_t)*a - (uint8_t)*b;
}
