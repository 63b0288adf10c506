/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the rows of commands.def and options.def to a parser and to --help.
 *
 * getopt_long does the walking over argv: it knows "--mem=64", "--mem 64", "-e'ls'", "--", and
 * unambiguous beginnings of names. What it says about errors is not helpful enough, so it is kept
 * quiet and the messages are made here.
 */
#include "options.h"
#include "say.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "emu/machine.h"
#include "emu/suggest.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

const struct command command_table[COMMANDS] = {
#define CMD(ID, name, function, operands, least, most, summary, description) \
    [CMD_##ID] = {name, function, operands, least, most, summary, description},
#include "commands.def"
#undef CMD
};

#define IN(ID)              (1u << CMD_##ID)
#define EVERY_COMMAND       ((1u << COMMANDS) - 1)
#define EVERY_BUT_HELP      (EVERY_COMMAND & ~IN(HELP))
#define ANY                 0, UINT64_MAX, NULL
#define LIMITS(least, most) least, most, NULL
#define CHOICES(words)      0, UINT64_MAX, words
/* One more step, so that ANY, LIMITS and CHOICES become three arguments before ROW counts them. */
#define OPT(...) ROW(__VA_ARGS__)
#define ROW(long_, short_, KIND, field_, argument_, least_, most_, choices_, COMPLETION, in_, \
            help_)                                                                            \
    {.name = long_,                                                                           \
     .letter = short_,                                                                        \
     .kind = OPTION_##KIND,                                                                   \
     .field = offsetof(struct options, field_),                                               \
     .argument = argument_,                                                                   \
     .least = least_,                                                                         \
     .most = most_,                                                                           \
     .choices = choices_,                                                                     \
     .completion = COMPLETE_##COMPLETION,                                                     \
     .commands = in_,                                                                         \
     .help = help_},
const struct option_row option_table[] = {
#include "options.def"
};
#undef OPT
#undef ROW
const size_t option_rows = ARRAY_LEN(option_table);
_Static_assert(ARRAY_LEN(option_table) <= 32, "struct options has a bit for each row");

/* ---- values ---- */

static bool parse_number(const struct option_row *row, const char *text, uint64_t *out,
                         struct err *err)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    /* strtoull takes "-1" and makes it huge; nobody means that. */
    bool ok = isdigit((unsigned char)text[0]) && errno == 0;
    if (ok && row->kind == OPTION_CYCLES && *end) {
        uint64_t unit = strcmp(end, "k") == 0   ? 1000
                        : strcmp(end, "M") == 0 ? 1000000
                        : strcmp(end, "G") == 0 ? 1000000000
                                                : 0;
        ok = unit && !__builtin_mul_overflow(value, unit, &value);
    } else if (*end) {
        ok = false;
    }
    if (!ok)
        return err_set(err, ERR_USAGE, "--%s: '%s' is not a number%s", row->name, text,
                       row->kind == OPTION_CYCLES ? " (200000, 200k, 200M, 2G)" : "");
    if (value < row->least || value > row->most)
        return err_set(err, ERR_USAGE, "--%s: %s is outside %llu..%llu", row->name, text,
                       (unsigned long long)row->least, (unsigned long long)row->most);
    *out = value;
    return true;
}

static bool parse_date(const struct option_row *row, const char *text, int64_t *out,
                       struct err *err)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%dT%H:%M:%SZ", "@%s"};
    int64_t value = -1;
    if (text[0] == '@') {
        char *end;
        errno = 0;
        value = strtoll(text + 1, &end, 10);
        if (errno || *end || end == text + 1)
            value = -1;
    } else {
        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
            struct tm tm = {0};
            const char *end = strptime(text, forms[i], &tm);
            if (!end || *end)
                continue;
            int day = tm.tm_mday;
            value = timegm(&tm);
            if (tm.tm_mday != day) /* timegm makes March 2 of February 30 */
                value = -1;
            break;
        }
    }
    /* A CMOS clock has two digits of century, but its guests count from 1970 in 32 bits. */
    if (value < 0 || value > INT32_MAX)
        return err_set(err, ERR_USAGE,
                       "--%s: '%s' is not a date between 1970 and 2037 "
                       "(2006-01-01, 2006-01-01T12:30:00 or @1136073600)",
                       row->name, text);
    *out = value;
    return true;
}

static bool parse_choice(const struct option_row *row, const char *text, int *out, struct err *err)
{
    size_t length = strlen(text);
    const char *word = row->choices;
    for (int i = 0; word; i++) {
        size_t n = strcspn(word, "|");
        if (n == length && strncmp(word, text, n) == 0) {
            *out = i;
            return true;
        }
        word = word[n] ? word + n + 1 : NULL;
    }
    return err_set(err, ERR_USAGE, "--%s: '%s' is none of %s", row->name, text, row->choices);
}

static bool set_value(struct options *o, const struct option_row *row, const char *text,
                      struct err *err)
{
    void *field = (char *)o + row->field;
    if (row->kind == OPTION_TEXT && (o->given & 1ull << (row - option_table)))
        return err_set(err, ERR_USAGE, "--%s is given twice; which one is meant?", row->name);
    o->given |= 1ull << (row - option_table);
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_TEXT:
        *(const char **)field = text;
        return true;
    case OPTION_LIST: {
        struct text_list *list = field;
        const char **more = realloc(list->text, (list->n + 1) * sizeof *more);
        if (!more)
            return err_set(err, ERR_SYSTEM, "out of memory");
        list->text = more;
        list->text[list->n++] = text;
        return true;
    }
    case OPTION_NUMBER:
    case OPTION_CYCLES:
        return parse_number(row, text, field, err);
    case OPTION_DATE:
        return parse_date(row, text, field, err);
    case OPTION_CHOICE:
        return parse_choice(row, text, field, err);
    }
    __builtin_unreachable();
}

/* ---- the parser ---- */

bool option_belongs(const struct option_row *row, const struct command *c)
{
    return row->commands & (1u << (c - command_table));
}

/* getopt_long found nothing: say which word it was, and what may have been meant. */
static bool unknown_option(const struct command *c, const char *word, int letter, struct err *err)
{
    if (strncmp(word, "--", 2) != 0)
        return err_set(err, ERR_USAGE, "unknown option '-%c'", letter);

    char name[64];
    size_t n = strcspn(word + 2, "=");
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), word + 2);

    struct suggestion s = {.typed = name};
    const struct option_row *elsewhere = NULL;
    char candidates[200] = "";
    size_t begun = 0;
    for (size_t i = 0; i < option_rows; i++) {
        const struct option_row *row = &option_table[i];
        if (!option_belongs(row, c)) {
            if (strcmp(row->name, name) == 0)
                elsewhere = row;
            continue;
        }
        suggest_offer(&s, row->name);
        if (strncmp(row->name, name, strlen(name)) == 0) {
            size_t used = strlen(candidates);
            snprintf(candidates + used, sizeof candidates - used, "%s--%s", begun ? ", " : "",
                     row->name);
            begun++;
        }
    }
    if (begun > 1)
        return err_set(err, ERR_USAGE, "'--%s' is not clear: %s", name, candidates);
    if (elsewhere)
        return err_set(err, ERR_USAGE, "'ringside %s' has no option '--%s'", c->name, name);
    if (s.best)
        return err_set(err, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", name, s.best);
    return err_set(err, ERR_USAGE, "unknown option '--%s'", name);
}

static bool parse_operands(const struct command *c, int argc, char **argv, struct options *o,
                           struct err *err)
{
    o->operand = (const char **)argv + optind;
    o->operands = (size_t)(argc - optind);
    if (o->help)
        return true;
    if (o->operands < c->least)
        return err_set(err, ERR_USAGE, "'ringside %s' needs %s", c->name, c->operands);
    if (o->operands > c->most)
        return err_set(err, ERR_USAGE, "what is '%s'? 'ringside %s' takes %s", o->operand[c->most],
                       c->name, c->most ? c->operands : "options only");
    return true;
}

bool options_parse(const struct command *c, int argc, char **argv, struct options *o,
                   struct err *err)
{
    *o = (struct options){
        .hv = "native",
        .mem_mib = MACHINE_DEFAULT_MEM >> 20,
        .seed = 1,
        .rtc = MACHINE_DEFAULT_RTC,
    };

    struct option longs[ARRAY_LEN(option_table) + 1];
    char shorts[2 * ARRAY_LEN(option_table) + 2] = ":";
    size_t n = 0, s = 1;
    for (size_t i = 0; i < option_rows; i++) {
        const struct option_row *row = &option_table[i];
        if (!option_belongs(row, c))
            continue;
        int has = row->argument ? required_argument : no_argument;
        longs[n++] = (struct option){row->name, has, NULL, 256 + (int)i};
        if (row->letter) {
            shorts[s++] = row->letter;
            if (row->argument)
                shorts[s++] = ':';
        }
    }
    longs[n] = (struct option){0};
    shorts[s] = '\0';

    opterr = 0;
    optind = 0; /* glibc: begin anew, forget an earlier argv */
    for (;;) {
        int word = optind ? optind : 1;
        int got = getopt_long(argc, argv, shorts, longs, NULL);
        if (got == -1)
            break;
        if (got == '?' && optopt >= 256) /* "--json=yes" */
            return err_set(err, ERR_USAGE, "--%s takes no value", option_table[optopt - 256].name);
        if (got == '?')
            return unknown_option(c, optopt ? "-" : argv[optind - 1], optopt, err);
        if (got == ':')
            return err_set(err, ERR_USAGE, "%s needs a value",
                           argv[word < optind ? optind - 1 : word]);
        size_t row = got >= 256 ? (size_t)got - 256 : 0;
        if (got < 256)
            while (option_table[row].letter != got)
                row++;
        if (!set_value(o, &option_table[row], optarg, err))
            return false;
    }
    return parse_operands(c, argc, argv, o, err);
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < option_rows; i++) {
        struct text_list *list = (struct text_list *)((char *)o + option_table[i].field);
        if (option_table[i].kind != OPTION_LIST)
            continue;
        free(list->text);
        *list = (struct text_list){0};
    }
}

bool options_given(const struct options *o, const char *name)
{
    for (size_t i = 0; i < option_rows; i++)
        if (strcmp(option_table[i].name, name) == 0)
            return o->given & (1ull << i);
    return false;
}

int usage_error(const struct err *err, const char *command)
{
    say("%s", err->text);
    fprintf(stderr, "Try 'ringside %s%s--help'.\n", command, command[0] ? " " : "");
    return err->class;
}

const struct command *command_find(const char *name, struct err *err)
{
    struct suggestion s = {.typed = name};
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
        suggest_offer(&s, command_table[i].name);
    }
    if (s.best)
        err_set(err, ERR_USAGE, "unknown command '%.60s'; did you mean '%s'?", name, s.best);
    else
        err_set(err, ERR_USAGE, "unknown command '%.60s'", name);
    return NULL;
}
