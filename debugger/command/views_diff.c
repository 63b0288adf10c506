/* SPDX-License-Identifier: GPL-2.0-only */
/* diff: the machine at two moments of this future, and what happened between. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "views.h"

#define ROWS_SHOWN 20u

/* "-1": so many stops ago; "checkpoint 2"; "20M"; "here". *text moves on. */
static bool parse_moment(struct shell *sh, const char **text, struct moment *out, struct err *err)
{
    const struct data_room *room = data_room(sh);
    char word[64] = "", name[64];
    uint64_t n;

    shell_word(text, word, sizeof word);
    if (!strcmp(word, "here") || !strcmp(word, "now")) {
        *out = debug_now(sh->debug);
        return true;
    }
    if (!strcmp(word, "checkpoint") || !strcmp(word, "cp")) {
        if (!shell_word(text, name, sizeof name))
            return err_set(err, ERR_USAGE, "which checkpoint? `info checkpoints` lists them");
        return shell_checkpoint(sh, name, out, err);
    }
    if (word[0] == '-' && shell_cycles(word + 1, &n)) {
        if (!room || n >= room->stops)
            return err_set(err, ERR_USAGE, "there have been %u stops so far, this one included",
                           room ? room->stops : 0);
        *out = room->stop[room->stops - 1 - n];
        return true;
    }
    if (!shell_cycles(word, &n))
        return err_set(err, ERR_USAGE,
                       "'%s' is no moment: a cycle (20M), -1 (the stop before this), checkpoint N, "
                       "here",
                       word);
    if (n > debug_frontier(sh->debug).cycle)
        return err_set(err, ERR_USAGE, "cycle %" PRIu64 " has not been run yet", n);
    *out = (struct moment){n, UINT64_MAX, MOMENT_BOUNDARY};
    return true;
}

struct difference {
    struct shell *sh;
    struct view_capture *into;
    struct err err;
    bool ok;
    struct trace_view *view;
    uint64_t count[EVENT_KINDS];
    struct sheet *first;
    unsigned rows;
};

static void stand(void *ctx, bool last)
{
    struct difference *x = ctx;

    if (last)
        x->ok = view_capture(x->sh, x->into, true, &x->err);
}

static void count(void *ctx, const struct event *e)
{
    struct difference *x = ctx;
    struct trace_row row;
    char text[500];

    x->count[e->kind]++;
    if (!x->view || !trace_view_event(x->view, e, &row) || event_info[e->kind].class != EV_GUEST ||
        x->rows >= ROWS_SHOWN)
        return;
    x->rows++;
    view_row_text(&row, text, sizeof text);
    sheet_number(x->first, e->cycle, "%llu");
    sheet_address(x->first, e->eip);
    sheet_number(x->first, e->cpl, "%llu");
    sheet_text(x->first, "%s", text);
}

static bool capture_at(struct shell *sh, struct moment at, struct view_capture *into,
                       struct err *err)
{
    struct difference x = {.sh = sh, .into = into};

    if (!debug_witness(sh->debug, at, at, false, NULL, stand, &x, err))
        return false;
    if (!x.ok)
        *err = x.err;
    return x.ok;
}

static void tell_events(struct difference *x, json_t *document)
{
    uint64_t total = 0;
    unsigned shown = 0;

    if (document) {
        json_t *counts = json_object();
        for (unsigned k = 0; k < EVENT_KINDS; k++)
            if (x->count[k])
                json_object_set_new(counts, event_info[k].name,
                                    json_integer((json_int_t)x->count[k]));
        json_object_set_new(document, "event_counts", counts);
        json_object_set_new(document, "events", sheet_take(x->first));
        return;
    }
    for (unsigned k = 0; k < EVENT_KINDS; k++)
        total += event_info[k].class == EV_GUEST ? x->count[k] : 0;
    shell_shade(x->sh, SHADE_TITLE);
    shell_print(x->sh, "- events between: %" PRIu64, total);
    shell_shade(x->sh, SHADE_PLAIN);
    for (unsigned k = 0; k < EVENT_KINDS; k++)
        if (x->count[k] && event_info[k].class == EV_GUEST)
            shell_print(x->sh, "%s%" PRIu64 " %s", shown++ ? ", " : " (", x->count[k],
                        event_info[k].name);
    shell_print(x->sh, "%s\n", shown ? ")" : "");
    if (sheet_rows(x->first))
        sheet_print(x->sh, x->first, false, "", "");
    else
        sheet_drop(x->first);
    if (total > x->rows)
        shell_print(x->sh, "(and %" PRIu64 " more)\n", total - x->rows);
}

bool do_diff(struct shell *sh, const char *args, struct err *err)
{
    struct moment a, b = debug_now(sh->debug);
    struct view_capture before = {0}, after = {0};
    bool json = shell_json(sh, &args);

    if (!*args)
        return err_set(err, ERR_USAGE, "diff A [B]: two moments; -1 is the stop before this one");
    if (!parse_moment(sh, &args, &a, err) || (*args && !parse_moment(sh, &args, &b, err)))
        return false;
    if (*args)
        return err_set(err, ERR_USAGE, "'%s': diff compares two moments", args);
    bool ok = capture_at(sh, a, &before, err) && capture_at(sh, b, &after, err);
    struct difference x = {
        .sh = sh, .view = place_view(sh), .first = ok ? sheet_new("cycle eip ring event") : NULL};
    bool forward = ok && moment_compare(before.at, after.at) <= 0;
    ok = ok && debug_witness(sh->debug, forward ? before.at : after.at,
                             forward ? after.at : before.at, false, count, NULL, &x, err);
    if (ok) {
        struct view_changes changes;
        json_t *document = json ? json_pack("{s:I, s:I, s:I}", "from", (json_int_t)before.at.cycle,
                                            "to", (json_int_t)after.at.cycle, "instructions",
                                            (json_int_t)(after.instructions - before.instructions))
                                : NULL;
        if (!json)
            shell_print(
                sh,
                "From cycle %" PRIu64 " to %" PRIu64 ": %+" PRId64 " cycles, %+" PRId64
                " instructions%s\n",
                before.at.cycle, after.at.cycle, (int64_t)(after.at.cycle - before.at.cycle),
                (int64_t)(after.instructions - before.instructions),
                before.photo && after.photo ? "" : " (one is inside a crossing: no memory)");
        view_compare(sh, &before, &after, &changes);
        view_changes_show(sh, &changes, document);
        tell_events(&x, document);
        if (json)
            shell_print_json(sh, document);
    } else {
        sheet_drop(x.first);
    }
    view_capture_free(&before);
    view_capture_free(&after);
    return ok;
}
