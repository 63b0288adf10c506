/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who listens to the events of the run as it goes forward. The user walks back and forth, so the same
 * event happens many times; each listener is told of it once. Moments tell which are new, and since
 * several events may share one (the end of a hook, and the next hook behind it), how many of it have
 * been told.
 */
#include "internal.h"

bool debug_listener_add(struct debug *d, struct debug_listener *l, struct err *err)
{
    if (control_kinds_of_tracer(l->kinds) && !control_want_tracer(d, err))
        return false;
    l->told = l->now = (struct moment){0};
    l->told_there = l->now_there = 0;
    l->next = d->listeners;
    d->listeners = l;
    return true;
}

void debug_listener_remove(struct debug *d, struct debug_listener *l)
{
    struct debug_listener **at = &d->listeners;

    while (*at && *at != l)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = l->next;
    if (control_kinds_of_tracer(l->kinds))
        control_drop_tracer(d);
}

uint64_t listen_kinds(const struct debug *d)
{
    uint64_t kinds = 0;

    for (const struct debug_listener *l = d->listeners; l; l = l->next)
        kinds |= l->kinds;
    return kinds;
}

static bool wants(struct debug *d, const struct debug_listener *l, const struct event *e)
{
    if (!(l->kinds & control_event_bit(e->kind)))
        return false;
    if (e->kind != EVENT_hook && e->kind != EVENT_hook_end && e->kind != EVENT_hook_stack)
        return true;
    return stop_set_has(l->hooks, tracer_hook(d->tracer, e->a[0]));
}

static bool is_new(struct debug_listener *l, struct moment at)
{
    if (moment_compare(at, l->now)) {
        l->now = at;
        l->now_there = 0;
    }
    l->now_there++;
    int order = moment_compare(at, l->told);
    if (order < 0 || (!order && l->now_there <= l->told_there))
        return false;
    l->told = at;
    l->told_there = l->now_there;
    return true;
}

bool listen_tell(struct debug *d, const struct event *e, struct moment at)
{
    bool stop = false;

    for (struct debug_listener *l = d->listeners, *next; l; l = next) {
        next = l->next;
        if (wants(d, l, e) && is_new(l, at))
            stop |= l->see(l->ctx, e);
    }
    return stop;
}

void listen_begin(struct debug *d)
{
    for (struct debug_listener *l = d->listeners; l; l = l->next)
        l->now = (struct moment){0};
}

void listen_cut(struct debug *d)
{
    struct moment now = debug_now(d);

    for (struct debug_listener *l = d->listeners; l; l = l->next)
        if (moment_compare(l->told, now) > 0) {
            l->told = now;
            l->told_there = UINT32_MAX; /* what belongs to this moment has been told */
            if (l->cut)
                l->cut(l->ctx);
        }
}

void listen_choose(struct debug *d, uint64_t set[STOP_SET_BITS / 64])
{
    for (const struct debug_listener *l = d->listeners; l; l = l->next)
        if (control_kinds_of_tracer(l->kinds))
            for (unsigned i = 0; i < STOP_SET_BITS / 64; i++)
                set[i] |= l->hooks[i];
}
