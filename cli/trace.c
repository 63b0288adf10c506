/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside trace`: a run written down, and what was written shown. */
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "tracing.h"

/* ---- showing ---- */

/* Rows of a file, as far as it goes. */
static enum trace_next put_rows(struct trace_reader *r, struct trace_view *v,
                                struct trace_chooser *c, struct trace_output *to, struct err *err)
{
    struct trace_record record;
    struct trace_row row;
    enum trace_next next;

    while ((next = trace_next(r, &record, err)) <= TRACE_NAME) {
        if (next == TRACE_NAME) {
            trace_output_name(to, &record.name);
            if (trace_view_name(v, &record.name))
                continue;
            err_set(err, ERR_SYSTEM, "out of memory");
            return TRACE_BAD;
        }
        if (!trace_view_event(v, &record.event, &row))
            continue;
        if (trace_is_over(c, &row))
            return TRACE_END;
        if (trace_choose(c, &row))
            trace_output_row(to, &row);
    }
    return next;
}

static int show(const char *path, struct trace_chooser *c, enum trace_format format,
                const char *to_path)
{
    struct err err = {0}, disk = {0};
    enum trace_next next = TRACE_BAD;
    struct trace_output *to = NULL;
    struct trace_reader *r = trace_open(path, &err);
    struct trace_view *v = r ? trace_view_new() : NULL;

    if (r && !v)
        err_set(&err, ERR_SYSTEM, "out of memory");
    if (v)
        to = trace_output_open(format, to_path, stdout, &err);
    if (to)
        next = put_rows(r, v, c, to, &err);
    bool written = trace_output_close(to, &disk);
    if (next == TRACE_CUT)
        say("%s: cut off in the middle of a chunk, as by a kill; all before is shown", path);
    else if (next == TRACE_BAD)
        say("%s", err.text);
    if (!written)
        say("%s", disk.text);
    trace_view_free(v);
    trace_reader_close(r);
    return next == TRACE_BAD ? (int)err.class : written ? 0 : (int)disk.class;
}

/* ---- the command ---- */

static int cmd_show(const struct options *o, const struct text_list *filter, const char *path)
{
    static const char *const only_run[] = {"execute", "hv", "load", "record", "stats", "cost"};
    struct err err = {0};
    struct trace_chooser c;

    for (size_t i = 0; i < sizeof only_run / sizeof only_run[0]; i++)
        if (options_given(o, only_run[i]))
            err_set(&err, ERR_USAGE, "'trace show' runs nothing: --%s has nothing to say to it",
                    only_run[i]);
    if (err.class || !tracing_chooser(o, filter, &c, &err))
        return usage_error(&err, "trace");
    return show(path, &c, o->json ? FORMAT_JSON : (enum trace_format)o->format, o->output);
}

static int cmd_record(const struct options *o, const struct text_list *filter)
{
    static const char *const only_rows[] = {"filter", "from", "to"};
    struct options with = *o;
    struct err err = {0};

    if (!o->output)
        err_set(&err, ERR_USAGE, "where to? -o FILE writes a trace, 'trace show FILE' shows it");
    for (size_t i = 0; i < sizeof only_rows / sizeof only_rows[0]; i++)
        if (options_given(o, only_rows[i]) && !options_given(o, "format"))
            err_set(&err, ERR_USAGE,
                    "without --format everything is written; --%s is for looking at it: "
                    "'trace show FILE'",
                    only_rows[i]);
    with.filter = *filter;
    return err.class ? usage_error(&err, "trace") : cmd_run(&with);
}

/*
 * Several patterns may follow one --filter: the parser takes the first, the others arrive here as
 * operands, among which "show FILE" may be.
 */
static bool sort_operands(const struct options *o, struct text_list *filter, const char **show_path,
                          struct err *err)
{
    for (size_t i = 0; i < o->filter.n; i++)
        filter->text[filter->n++] = o->filter.text[i];
    for (size_t i = 0; i < o->operands; i++) {
        if (!strcmp(o->operand[i], "show") && !*show_path) {
            if (++i == o->operands)
                return err_set(err, ERR_USAGE, "'trace show': which file? 'trace show FILE'");
            *show_path = o->operand[i];
        } else if (!o->filter.n) {
            return err_set(err, ERR_USAGE, "what is '%s'? Only 'trace show FILE' is known",
                           o->operand[i]);
        } else {
            filter->text[filter->n++] = o->operand[i];
        }
    }
    return true;
}

int cmd_trace(const struct options *o)
{
    struct err err = {0};
    const char *path = NULL;
    struct text_list filter = {.text = calloc(o->filter.n + o->operands + 1, sizeof *filter.text)};
    int status;

    if (!filter.text)
        err_set(&err, ERR_SYSTEM, "out of memory");
    if (!filter.text || !sort_operands(o, &filter, &path, &err))
        status = usage_error(&err, "trace");
    else
        status = path ? cmd_show(o, &filter, path) : cmd_record(o, &filter);
    free(filter.text);
    return status;
}
