/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside trace`: a run written down, and what was written shown. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "trace_rows.h"

/* ---- which rows ---- */

/* A place in a trace: a cycle, or the number of an event. */
struct place {
    bool given, is_event;
    uint64_t value;
};

#define SHOWN_MAX 1024u

struct chooser {
    const struct text_list *filter;
    struct place from, to;
    uint64_t shown[SHOWN_MAX]; /* beginnings that were shown: so will be their ends */
    unsigned n;
};

static bool parse_place(const char *option, const char *text, struct place *out, struct err *err)
{
    static const struct {
        const char *tail;
        uint64_t unit;
    } units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}};
    char *end;

    if (!text)
        return true;
    out->is_event = text[0] == '#';
    const char *digits = text + out->is_event;
    errno = 0;
    out->value = strtoull(digits, &end, 0);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (isdigit((unsigned char)digits[0]) && !errno && !strcmp(end, units[i].tail) &&
            !__builtin_mul_overflow(out->value, units[i].unit, &out->value)) {
            out->given = true;
            return true;
        }
    return err_set(err, ERR_USAGE, "--%s: '%s' is neither a cycle (20M) nor an event (#1234)",
                   option, text);
}

static uint64_t position(const struct place *p, const struct trace_row *row)
{
    return p->is_event ? row->number : row->cycle;
}

static bool begins_shown(struct chooser *c, const struct trace_row *row)
{
    for (unsigned i = c->n; i-- > 0;) {
        if (c->shown[i] != row->begin)
            continue;
        memmove(&c->shown[i], &c->shown[i + 1], (--c->n - i) * sizeof c->shown[0]);
        return true;
    }
    return false;
}

static void remember(struct chooser *c, const struct trace_row *row)
{
    /* Some never end (a process is killed in its system call): forget the oldest half. */
    if (c->n == SHOWN_MAX) {
        memmove(c->shown, c->shown + SHOWN_MAX / 2, SHOWN_MAX / 2 * sizeof c->shown[0]);
        c->n = SHOWN_MAX / 2;
    }
    c->shown[c->n++] = row->number;
}

static bool choose(struct chooser *c, const struct trace_row *row)
{
    bool match = c->filter->n == 0;

    if (c->from.given && position(&c->from, row) < c->from.value)
        return false;
    if (row->phase == ROW_END && begins_shown(c, row))
        return true;
    for (size_t i = 0; i < c->filter->n && !match; i++)
        match = trace_row_matches(row, c->filter->text[i]);
    if (match && row->phase == ROW_BEGIN)
        remember(c, row);
    return match;
}

/* ---- showing ---- */

static int show(const char *path, struct chooser *c, enum trace_format format)
{
    struct err err = {0};
    struct trace_record record;
    struct trace_row row;
    struct row_printer printer;
    struct trace_reader *r = trace_open(path, &err);
    struct trace_view *v = r ? trace_view_new() : NULL;
    enum trace_next next = TRACE_BAD;

    if (r && !v)
        err_set(&err, ERR_SYSTEM, "out of memory");
    if (v)
        rows_begin(&printer, format, stdout);
    while (v && (next = trace_next(r, &record, &err)) <= TRACE_NAME) {
        if (next == TRACE_NAME) {
            if (trace_view_name(v, &record.name))
                continue;
            err_set(&err, ERR_SYSTEM, "out of memory");
            next = TRACE_BAD;
            break;
        }
        if (!trace_view_event(v, &record.event, &row))
            continue;
        if (c->to.given && position(&c->to, &row) > c->to.value) {
            next = TRACE_END;
            break;
        }
        if (choose(c, &row))
            rows_put(&printer, &row);
    }
    if (v)
        rows_end(&printer);
    fflush(stdout);
    if (next == TRACE_CUT)
        say("%s: cut off in the middle of a chunk, as by a kill; all before is shown", path);
    else if (next == TRACE_BAD)
        say("%s", err.text);
    trace_view_free(v);
    trace_reader_close(r);
    return next == TRACE_BAD ? (int)err.class : 0;
}

/* ---- the command ---- */

static int cmd_show(const struct options *o)
{
    struct err err = {0};
    struct chooser c = {.filter = &o->filter};

    if (options_given(o, "output") || options_given(o, "execute")) {
        err_set(&err, ERR_USAGE, "'trace show' runs nothing: -o and -e have nothing to say to it");
        return usage_error(&err, "trace");
    }
    if (!parse_place("from", o->from, &c.from, &err) || !parse_place("to", o->to, &c.to, &err))
        return usage_error(&err, "trace");
    return show(o->operand[1], &c, o->json ? FORMAT_JSON : (enum trace_format)o->format);
}

static int cmd_record(const struct options *o)
{
    static const char *const only_show[] = {"format", "filter", "from", "to"};
    struct err err = {0};

    if (!o->output)
        err_set(&err, ERR_USAGE, "where to? -o FILE writes a trace, 'trace show FILE' shows it");
    for (size_t i = 0; i < sizeof only_show / sizeof only_show[0]; i++)
        if (options_given(o, only_show[i]))
            err_set(&err, ERR_USAGE,
                    "everything is written; --%s is for looking at it: 'trace show FILE'",
                    only_show[i]);
    return err.class ? usage_error(&err, "trace") : cmd_run(o);
}

int cmd_trace(const struct options *o)
{
    struct err err = {0};

    if (o->operands == 0)
        return cmd_record(o);
    if (o->operands == 2 && !strcmp(o->operand[0], "show"))
        return cmd_show(o);
    err_set(&err, ERR_USAGE, "'trace %s': only 'trace show FILE' is known", o->operand[0]);
    return usage_error(&err, "trace");
}
