/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace_choose.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool trace_place_parse(const char *text, struct trace_place *out)
{
    static const struct {
        const char *tail;
        uint64_t unit;
    } units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}};
    char *end;

    *out = (struct trace_place){0};
    if (!text)
        return true;
    out->is_event = text[0] == '#';
    const char *digits = text + out->is_event;
    errno = 0;
    out->value = strtoull(digits, &end, 0);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (isdigit((unsigned char)digits[0]) && !errno && !strcmp(end, units[i].tail) &&
            !__builtin_mul_overflow(out->value, units[i].unit, &out->value))
            return out->given = true;
    return false;
}

static uint64_t position(const struct trace_place *p, const struct trace_row *row)
{
    return p->is_event ? row->number : row->cycle;
}

static bool begins_shown(struct trace_chooser *c, const struct trace_row *row)
{
    for (unsigned i = c->n; i-- > 0;) {
        if (c->shown[i] != row->begin)
            continue;
        memmove(&c->shown[i], &c->shown[i + 1], (--c->n - i) * sizeof c->shown[0]);
        return true;
    }
    return false;
}

static void remember(struct trace_chooser *c, const struct trace_row *row)
{
    /* Some never end (a process is killed in its system call): forget the oldest half. */
    if (c->n == SHOWN_MAX) {
        memmove(c->shown, c->shown + SHOWN_MAX / 2, SHOWN_MAX / 2 * sizeof c->shown[0]);
        c->n = SHOWN_MAX / 2;
    }
    c->shown[c->n++] = row->number;
}

bool trace_choose(struct trace_chooser *c, const struct trace_row *row)
{
    bool match = c->filters == 0;

    if ((c->from.given && position(&c->from, row) < c->from.value) || trace_is_over(c, row))
        return false;
    if (match)
        return true;
    if (row->phase == ROW_END && begins_shown(c, row))
        return true;
    for (size_t i = 0; i < c->filters && !match; i++)
        match = trace_row_matches(row, c->filter[i]);
    if (match && row->phase == ROW_BEGIN)
        remember(c, row);
    return match;
}

bool trace_is_over(const struct trace_chooser *c, const struct trace_row *row)
{
    return c->to.given && position(&c->to, row) > c->to.value;
}
