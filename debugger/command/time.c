/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands about time: moments with names, recordings, and futures that were not. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/trace_view.h"
#include "hv-models/hv.h"
#include "internal.h"

#define CHECKPOINTS_MAX 256u

struct checkpoints {
    struct checkpoint {
        unsigned number;
        char name[40];
        struct moment at;
    } list[CHECKPOINTS_MAX];
    unsigned n, last;
};

static struct checkpoints *checkpoints(struct shell *sh)
{
    return shell_room(sh, ROOM_TIME, sizeof(struct checkpoints), NULL);
}

static struct checkpoint *find(struct shell *sh, const char *what, struct err *err)
{
    struct checkpoints *c = checkpoints(sh);
    char *end;
    unsigned long n = strtoul(what, &end, 10);

    for (unsigned i = 0; c && i < c->n; i++)
        if ((*what && !*end && c->list[i].number == n) ||
            (c->list[i].name[0] && !strcmp(c->list[i].name, what)))
            return &c->list[i];
    err_set(err, ERR_USAGE,
            *what ? "there is no checkpoint %s; `info checkpoints` lists them"
                  : "which checkpoint?%s",
            what);
    return NULL;
}

bool shell_checkpoint(struct shell *sh, const char *what, struct moment *at, struct err *err)
{
    const struct checkpoint *c = find(sh, what, err);

    if (c)
        *at = c->at;
    return c;
}

COMPLETER(checkpoints)
{
    struct checkpoints *c = checkpoints(sh);

    for (unsigned i = 0; c && i < c->n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", c->list[i].number);
        complete_offer(args, c->list[i].name[0] ? c->list[i].name : number, fn, ctx);
    }
}

COMPLETER(costs)
{
    const struct hv_cost *c = hv_model(shell_machine(sh)->domain)->costs;

    for (; c && c->name; c++)
        complete_offer(args, c->name, fn, ctx);
}

bool do_checkpoint(struct shell *sh, const char *args, struct err *err)
{
    struct checkpoints *c = checkpoints(sh);

    if (!c || c->n == CHECKPOINTS_MAX)
        return err_set(err, ERR_USAGE, "there are %u checkpoints: delete some", CHECKPOINTS_MAX);
    struct checkpoint *x = &c->list[c->n++];
    *x = (struct checkpoint){.number = ++c->last, .at = debug_now(sh->debug)};
    snprintf(x->name, sizeof x->name, "%s", args);
    shell_print(sh, "Checkpoint %u: cycle %" PRIu64 "%s\n", x->number, x->at.cycle,
                debug_inside(sh->debug) ? ", inside a crossing" : "");
    return true;
}

bool do_restart(struct shell *sh, const char *args, struct err *err)
{
    struct checkpoint *c = find(sh, args, err);

    return c && shell_stopped(sh, debug_goto(sh->debug, c->at), err);
}

bool do_delete_checkpoint(struct shell *sh, const char *args, struct err *err)
{
    struct checkpoints *all = checkpoints(sh);
    struct checkpoint *c = find(sh, args, err);

    if (!c)
        return false;
    memmove(c, c + 1, (size_t)(&all->list[all->n] - (c + 1)) * sizeof *c);
    all->n--;
    return true;
}

bool do_info_checkpoints(struct shell *sh, const char *args, struct err *err)
{
    struct checkpoints *c = checkpoints(sh);

    (void)err;
    if (shell_json(sh, &args)) {
        json_t *all = json_array();
        for (unsigned i = 0; c && i < c->n; i++)
            json_array_append_new(all, json_pack("{s:i, s:s, s:I}", "number",
                                                 (int)c->list[i].number, "name", c->list[i].name,
                                                 "cycle", (json_int_t)c->list[i].at.cycle));
        shell_print_json(sh, all);
        return true;
    }
    if (!c || !c->n)
        shell_print(sh, "There are no checkpoints.\n");
    for (unsigned i = 0; c && i < c->n; i++)
        shell_print(sh, "%-4u cycle %-14" PRIu64 " %s%s\n", c->list[i].number, c->list[i].at.cycle,
                    c->list[i].at.stages == MOMENT_BOUNDARY ? "" : "inside a crossing ",
                    c->list[i].name);
    return true;
}

bool do_record(struct shell *sh, const char *args, struct err *err)
{
    struct moment here = debug_now(sh->debug);

    if (!*args)
        return err_set(err, ERR_USAGE, "record into which file?");
    if (!sh->setup.record)
        return err_set(err, ERR_USAGE, "this machine cannot be recorded: it was not booted here");
    debug_goto(sh->debug, debug_frontier(sh->debug));
    if (debug_inside(sh->debug)) /* it ends between two instructions */
        debug_step(sh->debug, GRAIN_EXIT, REACH_OUT, false);
    uint64_t end = machine_now(shell_machine(sh));
    bool ok = sh->setup.record(sh->setup.record_ctx, args, err);
    debug_goto(sh->debug, here);
    if (ok)
        shell_print(sh, "%s: cycles 0 to %" PRIu64 "\n", args, end);
    return ok;
}

/* C's escapes, in place; the length. */
static uint32_t unescape(char *text)
{
    static const char from[] = "nrtabe\\", to[] = "\n\r\t\a\b\033\\";
    char *out = text;

    for (const char *s = text; *s; s++) {
        const char *known = *s == '\\' && s[1] ? strchr(from, s[1]) : NULL;
        if (known) {
            *out++ = to[known - from];
            s++;
        } else if (*s == '\\' && s[1] == 'x') {
            char *end;
            *out++ = (char)strtoul(s + 2, &end, 16);
            s = end - 1;
        } else {
            *out++ = *s;
        }
    }
    return (uint32_t)(out - text);
}

bool do_type(struct shell *sh, const char *args, struct err *err)
{
    char *text = strdup(args);

    if (!text)
        return err_set(err, ERR_SYSTEM, "out of memory");
    uint32_t n = unescape(text);
    bool ok = n ? debug_type(sh->debug, (const uint8_t *)text, n, err)
                : err_set(err, ERR_USAGE, "type what?");
    free(text);
    return ok;
}

bool do_cost(struct shell *sh, const char *args, struct err *err)
{
    char name[64];
    size_t n = strcspn(args, "= ");
    int64_t cycles;

    if (!args[n] || n >= sizeof name)
        return err_set(err, ERR_USAGE, "cost NAME=CYCLES; `info model` lists the names");
    snprintf(name, sizeof name, "%.*s", (int)n, args);
    if (!shell_number(sh, args + n + 1, &cycles, err))
        return false;
    if (cycles < 0 || cycles > UINT32_MAX)
        return err_set(err, ERR_USAGE, "a cost is from 0 to %u cycles", UINT32_MAX);
    return debug_set_cost(sh->debug, name, (uint32_t)cycles, err);
}

bool do_history(struct shell *sh, const char *args, struct err *err)
{
    bool json = shell_json(sh, &args);
    uint64_t bytes;
    int64_t mib;

    if (*args) {
        if (!shell_number(sh, args, &mib, err))
            return false;
        if (mib < 1 || mib > 1 << 20)
            return err_set(err, ERR_USAGE, "from 1 to %d MiB", 1 << 20);
        debug_set_history_limit(sh->debug, (uint64_t)mib << 20);
    }
    unsigned n = debug_snapshots(sh->debug, &bytes);
    uint64_t limit = debug_history_limit(sh->debug);
    if (json)
        shell_print_json(sh, json_pack("{s:i, s:I, s:I}", "snapshots", (int)n, "bytes",
                                       (json_int_t)bytes, "limit", (json_int_t)limit));
    else
        shell_print(sh, "%u snapshots take %.1f MiB of at most %" PRIu64 " MiB.\n", n,
                    (double)bytes / (1 << 20), limit >> 20);
    return true;
}

/* ---- other futures ---- */

bool do_info_futures(struct shell *sh, const char *args, struct err *err)
{
    unsigned n = debug_futures(sh->debug);
    struct moment from, to;

    (void)err;
    if (shell_json(sh, &args)) {
        json_t *all = json_array();
        for (unsigned i = 0; i < n; i++) {
            debug_future(sh->debug, i, &from, &to);
            json_array_append_new(all,
                                  json_pack("{s:i, s:I, s:I}", "number", (int)i + 1, "from",
                                            (json_int_t)from.cycle, "to", (json_int_t)to.cycle));
        }
        shell_print_json(sh, all);
        return true;
    }
    if (!n)
        shell_print(sh, "No future was left behind yet: go back, change something, go on.\n");
    for (unsigned i = 0; i < n; i++) {
        debug_future(sh->debug, i, &from, &to);
        shell_print(sh, "%-4u left at cycle %" PRIu64 ", had been run to %" PRIu64 "\n", i + 1,
                    from.cycle, to.cycle);
    }
    return true;
}

/* Events of one future, as many as are worth comparing. */
#define EVENTS_MAX (4u << 20)
struct event_list {
    struct event *e;
    size_t n, room;
    bool cut;
};

static void collect(void *ctx, const struct event *e)
{
    struct event_list *l = ctx;

    if (event_info[e->kind].class != EV_GUEST || l->cut)
        return;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 1024;
        struct event *more = room <= EVENTS_MAX ? realloc(l->e, room * sizeof *more) : NULL;
        if (!more) {
            l->cut = true;
            return;
        }
        l->e = more;
        l->room = room;
    }
    l->e[l->n++] = *e;
}

static bool same_event(const struct event *a, const struct event *b, bool times)
{
    return a->kind == b->kind && a->eip == b->eip && a->cpl == b->cpl &&
           !memcmp(a->a, b->a, sizeof a->a) && (!times || a->cycle == b->cycle);
}

static void tell_side(struct shell *sh, const char *side, const struct event *e)
{
    struct trace_row row;

    if (!e) {
        shell_print(sh, "%s (nothing more)\n", side);
        return;
    }
    if (place_event(sh, e, &row))
        shell_print(sh, "%s %12" PRIu64 " ring %u 0x%08x %s %s%s%s\n", side, e->cycle, e->cpl,
                    e->eip, row.category, row.name,
                    row.detail[0] && row.detail[0] != '(' ? " " : "", row.detail);
}

/* Which event of b the i-th of a is, looked for a little ahead: 0 when it is not there. */
static size_t look_ahead(const struct event *a, const struct event_list *b, size_t from)
{
    for (size_t k = 0; k < 64 && from + k < b->n; k++)
        if (same_event(a, &b->e[from + k], false))
            return k;
    return SIZE_MAX;
}

/* From the first difference on: what only one of them has; what both have at other times is counted. */
static void tell_differences(struct shell *sh, const struct event_list *old,
                             const struct event_list *now, unsigned lines)
{
    size_t i = 0, j = 0, moved = 0, only_old = 0, only_now = 0;
    unsigned told = 0;

    while (i < old->n && j < now->n && same_event(&old->e[i], &now->e[j], true))
        i++, j++;
    if (i == old->n && j == now->n) {
        shell_print(sh, "Both have the same %zu events at the same cycles.\n", i);
        return;
    }
    shell_print(sh, "%zu events are the same. The first that differs:\n", i);
    tell_side(sh, "- then", i < old->n ? &old->e[i] : NULL);
    tell_side(sh, "+ now ", j < now->n ? &now->e[j] : NULL);
    while (i < old->n || j < now->n) {
        bool both = i < old->n && j < now->n;
        if (both && same_event(&old->e[i], &now->e[j], false)) {
            moved += old->e[i].cycle != now->e[j].cycle;
            i++, j++;
            continue;
        }
        size_t in_now = i < old->n ? look_ahead(&old->e[i], now, j) : SIZE_MAX;
        size_t in_old = j < now->n ? look_ahead(&now->e[j], old, i) : SIZE_MAX;
        bool take_old = i < old->n && (j >= now->n || (in_now == SIZE_MAX || in_old < in_now));
        if (told++ < lines)
            tell_side(sh, take_old ? "-     " : "+     ", take_old ? &old->e[i] : &now->e[j]);
        if (take_old)
            i++, only_old++;
        else
            j++, only_now++;
    }
    shell_print(sh, "%zu events only then, %zu only now%s; %zu are the same but at other cycles.\n",
                only_old, only_now, told > lines ? " (not all are shown)" : "", moved);
}

bool do_diff_futures(struct shell *sh, const char *args, struct err *err)
{
    bool json = shell_json(sh, &args);
    struct event_list old = {0}, now = {0};
    int64_t which = debug_futures(sh->debug), lines = 40;
    struct moment from, to, end = debug_frontier(sh->debug);
    char word[64];

    if (shell_word(&args, word, sizeof word) && !shell_number(sh, word, &which, err))
        return false;
    if (shell_word(&args, word, sizeof word) && !shell_number(sh, word, &lines, err))
        return false;
    if (which < 1 || !debug_future(sh->debug, (unsigned)which - 1, &from, &to))
        return err_set(err, ERR_USAGE,
                       "there is no such future; `info futures` lists those that were left behind");
    bool ok = debug_replay_future(sh->debug, (unsigned)which - 1, collect, &old, err) &&
              debug_replay(sh->debug, from, end, false, collect, &now, err);
    /* One was run further than the other: nothing can be said about that. */
    uint64_t last = to.cycle < end.cycle ? to.cycle : end.cycle;
    while (old.n && old.e[old.n - 1].cycle > last)
        old.n--;
    while (now.n && now.e[now.n - 1].cycle > last)
        now.n--;
    if (ok && json) {
        size_t i = 0;
        while (i < old.n && i < now.n && same_event(&old.e[i], &now.e[i], true))
            i++;
        shell_print_json(sh, json_pack("{s:I, s:I, s:I, s:I, s:I}", "from", (json_int_t)from.cycle,
                                       "to", (json_int_t)last, "same", (json_int_t)i, "then",
                                       (json_int_t)old.n, "now", (json_int_t)now.n));
    } else if (ok) {
        shell_print(sh, "From cycle %" PRIu64 " to %" PRIu64 ":\n", from.cycle, last);
        tell_differences(sh, &old, &now, lines > 0 ? (unsigned)lines : 0);
    }
    free(old.e);
    free(now.e);
    sh->frame_known = false;
    return ok;
}
