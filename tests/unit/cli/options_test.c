/* SPDX-License-Identifier: GPL-2.0-only */
/* The option table: what is taken, what is refused and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

#define MAX_WORDS 16

struct parsed {
    struct options o;
    struct err err;
    bool ok;
    char *words, *argv[MAX_WORDS + 1]; /* options point into argv: it lives as long */
};

/* Parse a command line given as one text; '_' in a word stands for a space. */
static struct parsed parse(const char *line)
{
    struct parsed p = {.words = strdup(line)};
    int argc = 0;
    for (char *w = strtok(p.words, " "); w && argc < MAX_WORDS; w = strtok(NULL, " ")) {
        for (char *c = w; *c; c++)
            if (*c == '_')
                *c = ' ';
        p.argv[argc++] = w;
    }
    assert_null(strtok(NULL, " ")); /* the line was longer than MAX_WORDS */
    const struct command *c = command_find(p.argv[0], &p.err);
    assert_non_null(c);
    p.ok = options_parse(c, argc, p.argv, &p.o, &p.err);
    return p;
}

static void done(struct parsed *p)
{
    options_free(&p->o);
    free(p->words);
}

static void refused(const char *line, const char *because)
{
    struct parsed p = parse(line);
    assert_false(p.ok);
    assert_int_equal(p.err.class, ERR_USAGE);
    if (!strstr(p.err.text, because))
        fail_msg("'%s' was refused with '%s', not with '%s'", line, p.err.text, because);
    done(&p);
}

static void defaults_are_set(void **st)
{
    (void)st;
    struct parsed p = parse("run");
    assert_true(p.ok);
    assert_string_equal(p.o.hv, "native");
    assert_int_equal(p.o.mem_mib, 64);
    assert_int_equal(p.o.seed, 1);
    assert_int_equal(p.o.rtc, 1136073600);
    assert_int_equal(p.o.max_cycles, 0);
    assert_int_equal(p.o.color, COLOR_AUTO);
    assert_null(p.o.execute);
    assert_int_equal(p.o.given, 0);
    done(&p);
}

static void every_form_is_taken(void **st)
{
    (void)st;
    struct parsed p = parse("run -e ls_-l --mem=128 --max-cycles 200M --seed 0x10 --json --add a "
                            "--add=b=/c --color never");
    assert_true(p.ok);
    assert_string_equal(p.o.execute, "ls -l");
    assert_int_equal(p.o.mem_mib, 128);
    assert_int_equal(p.o.max_cycles, 200000000);
    assert_int_equal(p.o.seed, 16);
    assert_true(p.o.json);
    assert_int_equal(p.o.add.n, 2);
    assert_string_equal(p.o.add.text[1], "b=/c");
    assert_int_equal(p.o.color, COLOR_NEVER);
    assert_true(options_given(&p.o, "seed"));
    assert_false(options_given(&p.o, "kernel"));
    done(&p);
}

static void operands_and_abbreviations(void **st)
{
    (void)st;
    struct parsed p = parse("verify file --js");
    assert_true(p.ok);
    assert_true(p.o.json);
    assert_int_equal(p.o.operands, 1);
    assert_string_equal(p.o.operand[0], "file");
    done(&p);
    p = parse("verify -- --json");
    assert_true(p.ok);
    assert_string_equal(p.o.operand[0], "--json");
    assert_false(p.o.json);
    done(&p);
}

static void units(void **st)
{
    (void)st;
    static const struct {
        const char *text;
        uint64_t cycles;
    } row[] = {{"run --max-cycles 7", 7},
               {"run --max-cycles 3k", 3000},
               {"run --max-cycles 18446744073709551615", UINT64_MAX},
               {"run --max-cycles 18G", 18000000000u}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct parsed p = parse(row[i].text);
        assert_true(p.ok);
        assert_true(p.o.max_cycles == row[i].cycles);
        done(&p);
    }
}

static void dates(void **st)
{
    (void)st;
    static const struct {
        const char *text;
        int64_t seconds;
    } row[] = {{"run --rtc 1970-01-01", 0},
               {"run --rtc 2006-01-01", 1136073600},
               {"run --rtc 2024-02-29T12:00:00", 1709208000},
               {"run --rtc 2024-02-29_12:00:00", 1709208000},
               {"run --rtc @5", 5}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct parsed p = parse(row[i].text);
        assert_true(p.ok);
        assert_int_equal(p.o.rtc, row[i].seconds);
        done(&p);
    }
    refused("run --rtc 2023-02-29", "is not a date");
    refused("run --rtc 2024-13-01", "is not a date");
    refused("run --rtc 1969-12-31", "is not a date");
    refused("run --rtc tomorrow", "is not a date");
    refused("run --rtc @", "is not a date");
    refused("run --rtc @99999999999999999999", "is not a date");
}

static void wrong_numbers(void **st)
{
    (void)st;
    refused("run --mem 3", "outside 4..3072");
    refused("run --mem 4000", "outside 4..3072");
    refused("run --mem -64", "not a number");
    refused("run --mem 64M", "not a number");
    refused("run --mem=", "not a number");
    refused("run --seed 99999999999999999999", "not a number");
    refused("run --max-cycles 0", "outside 1..");
    refused("run --max-cycles 99999999999999G", "not a number");
    refused("run --max-cycles 5MM", "not a number");
}

static void wrong_words(void **st)
{
    (void)st;
    refused("run --kernal x", "did you mean '--kernel'");
    refused("run --frobnicate", "unknown option '--frobnicate'");
    refused("run --m 5", "not clear: --mem, --max-cycles");
    refused("run -z", "unknown option '-z'");
    refused("run --mem", "--mem needs a value");
    refused("run -e", "-e needs a value");
    refused("run --json=yes", "--json takes no value");
    refused("run --color blue", "none of auto|always|never");
    refused("run stray", "what is 'stray'?");
    refused("verify", "needs FILE");
    refused("verify a b", "what is 'b'?");
    refused("verify a --mem 64", "has no option '--mem'");
}

static void wrong_commands(void **st)
{
    (void)st;
    struct err err = {0};
    assert_null(command_find("verfy", &err));
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.text, "did you mean 'verify'"));
    assert_null(command_find("dance", &err));
    assert_null(strstr(err.text, "did you mean"));
}

/* Every row of the table belongs to a command, and no letter or name is there twice. */
static void table_is_sound(void **st)
{
    (void)st;
    for (size_t i = 0; i < option_rows; i++) {
        const struct option_row *a = &option_table[i];
        assert_int_not_equal(a->commands, 0);
        assert_true((a->kind == OPTION_FLAG) == (a->argument == NULL));
        assert_true((a->kind == OPTION_CHOICE) == (a->choices != NULL));
        for (size_t k = i + 1; k < option_rows; k++) {
            assert_string_not_equal(a->name, option_table[k].name);
            assert_true(!a->letter || a->letter != option_table[k].letter);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set),
        cmocka_unit_test(every_form_is_taken),
        cmocka_unit_test(operands_and_abbreviations),
        cmocka_unit_test(units),
        cmocka_unit_test(dates),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(wrong_words),
        cmocka_unit_test(wrong_commands),
        cmocka_unit_test(table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
