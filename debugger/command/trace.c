/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracing from inside: `trace on` keeps the events of the run in memory, `trace show` makes rows of the
 * newest, `trace save` writes a file as `ringside trace` does. Where nothing was recorded the past is
 * run once more and listened to: it is the same past.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/sites.h"
#include "debugger/stats_text.h"
#include "debugger/trace_choose.h"
#include "debugger/trace_output.h"
#include "internal.h"

#define KEPT_MAX    4000000u /* events in memory: 128 MiB */
#define FILTERS_MAX 16u
#define ROWS_SHOWN  20u

struct recording_room {
    struct shell *sh;
    bool on;
    struct debug_listener listener;
    struct event *event; /* a ring as soon as it is full */
    size_t n, room, first;
    uint64_t lost;
    char *filter[FILTERS_MAX];
    unsigned filters;
    struct sites sites;
    bool sites_known;
};

/* ---- events ---- */

static void forget_events(struct recording_room *r)
{
    free(r->event);
    r->event = NULL;
    r->n = r->room = r->first = 0;
    r->lost = 0;
}

static void forget_filters(struct recording_room *r)
{
    while (r->filters)
        free(r->filter[--r->filters]);
}

static bool keep(struct recording_room *r, const struct event *e)
{
    if (r->n == KEPT_MAX) {
        r->event[r->first] = *e;
        r->first = (r->first + 1) % KEPT_MAX;
        r->lost++;
        return true;
    }
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 4096;
        struct event *more = realloc(r->event, (room < KEPT_MAX ? room : KEPT_MAX) * sizeof *more);
        if (!more)
            return false;
        r->event = more;
        r->room = room < KEPT_MAX ? room : KEPT_MAX;
    }
    r->event[r->n++] = *e;
    return true;
}

static bool see(void *ctx, const struct event *e)
{
    struct recording_room *r = ctx;

    if (!keep(r, e))
        r->lost++;
    return false;
}

/* Who runs where the recording begins: else nobody would be known before the next switch. */
static void begin_with_task(struct recording_room *r)
{
    struct domain *d = shell_machine(r->sh)->domain;
    struct source_task task;
    struct event e = {.cycle = cpu_now(d->cpu), .eip = cpu_eip(d->cpu), .kind = EVENT_task};

    if (!source_task(r->sh->debug, &task))
        return;
    e.a[0] = task.pid;
    memcpy(&e.a[1], task.comm, 3 * sizeof e.a[1]);
    see(r, &e);
}

/* The user has changed the past: what was recorded of the old future has not happened. */
static void cut(void *ctx)
{
    struct recording_room *r = ctx;
    uint64_t now = machine_now(shell_machine(r->sh));

    while (r->n && r->event[(r->first + r->n - 1) % r->room].cycle > now)
        r->n--;
}

static void leave_room(void *data)
{
    struct recording_room *r = data;

    if (r->on)
        debug_listener_remove(shell_debug(r->sh), &r->listener);
    forget_events(r);
    forget_filters(r);
    if (r->sites_known)
        sites_free(&r->sites);
}

static struct recording_room *room_of(struct shell *sh, struct err *err)
{
    struct recording_room *r = shell_room(sh, ROOM_TRACE, sizeof *r, leave_room);

    if (!r)
        err_set(err, ERR_SYSTEM, "out of memory");
    else
        r->sh = sh;
    return r;
}

/* ---- on, off ---- */

static bool is_category(const char *filter)
{
    static const char *const known[] = {"exit",  "hook",  "hypercall", "irq",     "syscall",
                                        "stage", "task",  "io",        "console", "guest",
                                        "host",  "fault", "power",     NULL};
    size_t n = strcspn(filter, ":");

    if (strpbrk(filter, "*?["))
        return true;
    for (unsigned i = 0; known[i]; i++)
        if (strlen(known[i]) == n && !memcmp(known[i], filter, n))
            return true;
    return false;
}

/* Marks are put only at sites of hooks that a filter may choose, and of those that end a crossing: by
   them a view knows how long it took. */
static void choose_hooks(struct debug_listener *l, const char *filter)
{
    for (unsigned i = 0; i < hook_count; i++)
        if (hook_table[i].convention == HOOK_JUMP)
            l->hooks[i / 64] |= 1ull << i % 64;
    const char *colon = strchr(filter, ':'), *name = colon ? colon + 1 : "*";
    char category[16];

    snprintf(category, sizeof category, "%.*s", (int)strcspn(filter, ":"), filter);
    if (strncmp(category, "hook", 4) && !strpbrk(category, "*?["))
        return;
    for (unsigned i = 0; i < hook_count && i < STOP_SET_BITS; i++)
        if (hook_matches(&hook_table[i], name))
            l->hooks[i / 64] |= 1ull << i % 64;
}

static uint64_t all_kinds(bool hooks)
{
    uint64_t kinds = 0;

    for (unsigned i = 0; i < EVENT_KINDS; i++)
        if (event_info[i].class != EV_HOST && (hooks || strncmp(event_info[i].name, "hook", 4)))
            kinds |= 1ull << i;
    return hooks ? kinds : kinds & ~(1ull << EVENT_task);
}

static bool read_filters(struct recording_room *r, const char *args, struct err *err)
{
    char word[120];

    while (shell_word(&args, word, sizeof word)) {
        if (!is_category(word))
            return err_set(err, ERR_USAGE,
                           "'%s' is no filter: hook:NAME, hypercall:NAME, exit:NAME, syscall:NAME, "
                           "stage:TEXT, irq, task, with the wildcards of a shell",
                           word);
        if (r->filters == FILTERS_MAX)
            return err_set(err, ERR_USAGE, "more than %u filters", FILTERS_MAX);
        if (!(r->filter[r->filters] = strdup(word)))
            return err_set(err, ERR_SYSTEM, "out of memory");
        r->filters++;
    }
    return true;
}

bool do_trace_on(struct shell *sh, const char *args, struct err *err)
{
    struct recording_room *r = room_of(sh, err);

    if (!r)
        return false;
    if (r->on)
        debug_listener_remove(sh->debug, &r->listener);
    r->on = false;
    forget_events(r);
    forget_filters(r);
    if (!read_filters(r, args, err)) {
        forget_filters(r);
        return false;
    }
    bool kernel = debug_kernel(sh->debug) != NULL;
    r->listener =
        (struct debug_listener){.kinds = all_kinds(kernel), .see = see, .cut = cut, .ctx = r};
    for (unsigned i = 0; i < r->filters; i++)
        choose_hooks(&r->listener, r->filter[i]);
    if (!r->filters)
        memset(r->listener.hooks, 0xFF, sizeof r->listener.hooks);
    if (!debug_listener_add(sh->debug, &r->listener, err))
        return false;
    r->on = true;
    begin_with_task(r);
    shell_print(sh, "Recording%s%s from here on; `trace show` and `trace save` take it.\n",
                *args ? " " : "", *args ? args : " all events");
    return true;
}

bool do_trace_off(struct shell *sh, const char *args, struct err *err)
{
    struct recording_room *r = room_of(sh, err);

    (void)args;
    if (!r)
        return false;
    if (!r->on)
        return err_set(err, ERR_USAGE, "nothing is being recorded: `trace on` begins");
    debug_listener_remove(sh->debug, &r->listener);
    r->on = false;
    shell_print(sh, "%zu events are recorded.\n", r->n);
    return true;
}

/* ---- rows ---- */

static bool names_of(struct recording_room *r, trace_name_fn *put, void *ctx, struct err *err)
{
    const struct kernel *k = debug_kernel(r->sh->debug);

    if (k && !r->sites_known && !sites_read(k, &r->sites, err))
        return false;
    r->sites_known = true;
    return trace_names(shell_machine(r->sh), k, &r->sites, put, ctx) ||
           err_set(err, ERR_SYSTEM, "out of memory");
}

struct row_taker {
    struct trace_view *view;
    struct trace_chooser chooser;
    void (*take)(struct row_taker *t, const struct trace_row *row);
    struct trace_output *output;
    uint64_t rows, skip;
};

static void count_row(struct row_taker *t, const struct trace_row *row)
{
    (void)row;
    t->rows++;
}

static void put_row(struct row_taker *t, const struct trace_row *row)
{
    if (t->rows++ >= t->skip)
        trace_output_row(t->output, row);
}

static bool put_name(void *ctx, const struct trace_name *n)
{
    struct row_taker *t = ctx;

    if (t->output)
        trace_output_name(t->output, n);
    return trace_view_name(t->view, n);
}

/* All recorded events through a view, row by row. */
static bool each_row(struct recording_room *r, struct row_taker *t, struct err *err)
{
    struct trace_row row;

    t->view = trace_view_new();
    t->rows = 0;
    t->chooser =
        (struct trace_chooser){.filter = (const char *const *)r->filter, .filters = r->filters};
    bool ok = t->view != NULL || err_set(err, ERR_SYSTEM, "out of memory");
    ok = ok && names_of(r, put_name, t, err);
    for (size_t i = 0; ok && i < r->n; i++)
        if (trace_view_event(t->view, &r->event[(r->first + i) % r->room], &row) &&
            trace_choose(&t->chooser, &row))
            t->take(t, &row);
    trace_view_free(t->view);
    t->view = NULL;
    return ok;
}

static bool parse_format(const char *word, enum trace_format *format)
{
    for (unsigned i = 0; i < TRACE_FORMATS; i++)
        if (!strcmp(word, trace_format_name[i])) {
            *format = i;
            return true;
        }
    return false;
}

/* ---- the past, listened to once more ---- */

static void see_past(void *ctx, const struct event *e)
{
    see(ctx, e);
}

static void at_end(void *ctx, bool last)
{
    if (!last)
        begin_with_task(ctx);
}

/* Events of the past until there are some for `rows` rows, twice as far back each time. */
static bool listen_back(struct recording_room *r, uint64_t rows, struct err *err)
{
    struct debug *d = r->sh->debug;
    struct moment now = debug_now(d);
    struct row_taker t = {.take = count_row};

    for (uint64_t back = 20000;; back *= 8) {
        struct moment from = {now.cycle > back ? now.cycle - back : 0, UINT64_MAX, MOMENT_BOUNDARY};
        if (!from.cycle)
            from.events = 0;
        forget_events(r);
        if (!debug_witness(d, from, now, debug_kernel(d) != NULL, see_past, at_end, r, err) ||
            !each_row(r, &t, err))
            return false;
        if (t.rows >= rows || !from.cycle || back > 1ull << 40)
            return true;
    }
}

static bool show_arguments(const char *args, uint64_t *rows, enum trace_format *format,
                           struct err *err)
{
    char word[32], *end;

    while (shell_word(&args, word, sizeof word)) {
        unsigned long long n = strtoull(word, &end, 10);
        if (isdigit((unsigned char)word[0]) && !*end && n >= 1)
            *rows = n;
        else if (!parse_format(word, format))
            return err_set(err, ERR_USAGE, "'%s' is neither a number of rows nor text, json or csv",
                           word);
    }
    if (*format == FORMAT_PERFETTO || *format == FORMAT_SQLITE)
        return err_set(err, ERR_USAGE, "%s is for files: `trace save FILE %s`",
                       trace_format_name[*format], trace_format_name[*format]);
    return true;
}

static bool print_rows(struct recording_room *r, uint64_t rows, enum trace_format format,
                       struct err *err)
{
    struct row_taker t = {.take = count_row};
    char *text = NULL;
    size_t size = 0;

    if (!each_row(r, &t, err))
        return false;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return err_set(err, ERR_SYSTEM, "out of memory");
    t.skip = t.rows > rows ? t.rows - rows : 0;
    t.take = put_row;
    t.output = trace_output_open(format, NULL, to, err);
    bool ok = t.output && each_row(r, &t, err);
    ok &= !t.output || trace_output_close(t.output, err);
    fclose(to);
    if (ok && size)
        shell_print(r->sh, "%s", text);
    free(text);
    if (ok && !t.rows)
        shell_print(r->sh, "No event that was chosen has happened.\n");
    return ok;
}

bool do_trace_show(struct shell *sh, const char *args, struct err *err)
{
    struct recording_room *r = room_of(sh, err);
    enum trace_format format = FORMAT_TEXT;
    uint64_t rows = ROWS_SHOWN;

    if (!r || !show_arguments(args, &rows, &format, err))
        return false;
    bool recorded = r->on || r->n;
    if (!recorded && !listen_back(r, rows, err))
        return false;
    bool ok = print_rows(r, rows, format, err);
    if (!recorded)
        forget_events(r);
    else if (ok && r->lost && format == FORMAT_TEXT)
        shell_print(sh, "(%" PRIu64 " older events are not kept any more)\n", r->lost);
    return ok;
}

/* ---- files ---- */

static bool put_in_file(void *ctx, const struct trace_name *n)
{
    trace_put_name(ctx, n);
    return true;
}

static bool save_events(struct recording_room *r, const char *path, struct err *err)
{
    struct trace_writer *w = trace_create(path, err);
    uint64_t events, bytes;

    if (!w)
        return false;
    bool ok = names_of(r, put_in_file, w, err);
    for (size_t i = 0; ok && i < r->n; i++)
        trace_put_event(w, &r->event[(r->first + i) % r->room]);
    trace_written(w, &events, &bytes);
    ok &= trace_close(w, err);
    if (ok)
        shell_print(r->sh, "%s: %" PRIu64 " events, %" PRIu64 " bytes\n", path, events, bytes);
    return ok;
}

static bool save_rows(struct recording_room *r, const char *path, enum trace_format format,
                      struct err *err)
{
    struct row_taker t = {.take = put_row};

    t.output = trace_output_open(format, path, NULL, err);
    if (!t.output)
        return false;
    bool ok = each_row(r, &t, err);
    ok &= trace_output_close(t.output, err);
    if (ok)
        shell_print(r->sh, "%s: %" PRIu64 " rows\n", path, t.rows);
    return ok;
}

bool do_trace_save(struct shell *sh, const char *args, struct err *err)
{
    struct recording_room *r = room_of(sh, err);
    char path[500], word[32] = "";
    enum trace_format format = FORMAT_TEXT;

    if (!r)
        return false;
    if (!shell_word(&args, path, sizeof path))
        return err_set(err, ERR_USAGE, "save to which file?");
    if (shell_word(&args, word, sizeof word) && !parse_format(word, &format))
        return err_set(err, ERR_USAGE,
                       "'%s' is none of text, json, csv, perfetto and sqlite; without one it is a "
                       "file for `ringside trace show`",
                       word);
    if (!r->on && !r->n)
        return err_set(err, ERR_USAGE, "nothing is recorded: `trace on` begins, then let it run");
    return word[0] ? save_rows(r, path, format, err) : save_events(r, path, err);
}

/* ---- statistics ---- */

static unsigned hook_of(void *ctx, const struct event *e)
{
    return debug_event_hook(ctx, e);
}

static void count_event(void *ctx, const struct event *e)
{
    stats_see(ctx, e);
}

bool do_stats(struct shell *sh, const char *args, struct err *err)
{
    struct debug *d = sh->debug;
    struct moment beginning = {0, 0, MOMENT_BOUNDARY};
    char *text = NULL;
    size_t size = 0;

    if (*args)
        return err_set(err, ERR_USAGE, "stats takes no arguments: it is about the run up to here");
    struct stats *s = stats_of_run(shell_machine(sh), hook_of, d);
    FILE *to = open_memstream(&text, &size);
    bool ok = s && to;
    if (!ok)
        err_set(err, ERR_SYSTEM, "out of memory");
    ok = ok &&
         debug_replay(d, beginning, debug_now(d), debug_kernel(d) != NULL, count_event, s, err);
    if (ok)
        stats_tell(s, shell_machine(sh), to);
    if (to)
        fclose(to);
    if (ok && text)
        shell_print(sh, "%s", text);
    free(text);
    stats_detach(s);
    return ok;
}
