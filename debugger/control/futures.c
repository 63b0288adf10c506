/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other futures. A change by hand begins a new one; what had been run beyond that moment is not thrown
 * away: the changes and the input that made it are kept, and they are all it takes to run it again.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void free_changes(struct change *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(c[i].bytes);
    free(c);
}

static struct change *copy_changes(const struct change *from, size_t n)
{
    struct change *to = calloc(n + 1, sizeof *to);

    for (size_t i = 0; to && i < n; i++) {
        to[i] = from[i];
        if (!from[i].bytes)
            continue;
        size_t bytes = from[i].kind == CHANGE_COST ? strlen((char *)from[i].bytes) + 1 : from[i].n;
        to[i].bytes = malloc(bytes);
        if (!to[i].bytes) {
            free_changes(to, i);
            return NULL;
        }
        memcpy(to[i].bytes, from[i].bytes, bytes);
    }
    return to;
}

static struct input_entry *copy_log(struct input *in, size_t *n)
{
    const struct input_entry *log = input_log(in, n);
    struct input_entry *copy = malloc((*n + 1) * sizeof *copy);

    if (copy && *n)
        memcpy(copy, log, *n * sizeof *copy);
    return copy;
}

static void future_fini(struct future *f)
{
    free_changes(f->change, f->changes);
    free(f->log);
    *f = (struct future){0};
}

/* What there is now, from `from` to the frontier. */
static bool future_save(struct debug *d, struct moment from, struct future *f)
{
    *f = (struct future){.from = from, .to = d->frontier, .changes = d->changes};
    f->change = copy_changes(d->change, d->changes);
    f->log = copy_log(d->m->input, &f->entries);
    if (f->change && f->log)
        return true;
    future_fini(f);
    return false;
}

void futures_keep(struct debug *d)
{
    struct moment now = debug_now(d);

    if (moment_compare(d->frontier, now) <= 0)
        return; /* nothing lies beyond */
    if (d->futures == FUTURES_MAX) {
        future_fini(&d->future[0]);
        memmove(&d->future[0], &d->future[1], (FUTURES_MAX - 1) * sizeof d->future[0]);
        d->futures--;
    }
    if (future_save(d, now, &d->future[d->futures]))
        d->futures++;
}

void futures_free(struct debug *d)
{
    for (unsigned i = 0; i < d->futures; i++)
        future_fini(&d->future[i]);
}

unsigned debug_futures(struct debug *d)
{
    return d->futures;
}

bool debug_future(struct debug *d, unsigned index, struct moment *from, struct moment *to)
{
    if (index >= d->futures)
        return false;
    *from = d->future[index].from;
    *to = d->future[index].to;
    return true;
}

/* Make *f the future that lies ahead of its beginning; snapshots beyond that are of another. */
static bool ahead(struct debug *d, const struct future *f, struct moment from, struct err *err)
{
    struct change *change = copy_changes(f->change, f->changes);

    if (!change || !timeline_go(d, from)) {
        free_changes(change, change ? f->changes : 0);
        return err_set(err, ERR_USAGE, "interrupted");
    }
    timeline_drop_after(d, from);
    free_changes(d->change, d->changes);
    d->change = change;
    d->changes = f->changes;
    if (!input_set_log(d->m->input, f->log, f->entries, err))
        return false;
    d->frontier = f->to;
    return true;
}

bool debug_replay_future(struct debug *d, unsigned index, void (*fn)(void *, const struct event *),
                         void *ctx, struct err *err)
{
    struct moment here = debug_now(d), from, to;
    struct future present;

    if (!debug_future(d, index, &from, &to))
        return err_set(err, ERR_USAGE, "there is no future %u", index + 1);
    const struct future *other = &d->future[index];
    /* The snapshot at the fork may have been taken with this future's changes in it: begin before. */
    if (!future_save(d, from, &present))
        return err_set(err, ERR_SYSTEM, "out of memory");
    uint64_t shown = d->shown;
    d->shown = UINT64_MAX; /* its output is not this future's */
    bool ok = ahead(d, other, timeline_start_before(d, from), err) && timeline_go(d, from) &&
              debug_replay(d, from, to, false, fn, ctx, err);
    struct err back = {0};
    if (!ahead(d, &present, timeline_start_before(d, from), &back) && ok)
        ok = err_set(err, back.class, "%s", back.text);
    d->shown = shown;
    future_fini(&present);
    timeline_go(d, here);
    return ok;
}
