/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watched memory. The CPU tells of an access in the middle of an instruction, where the machine cannot
 * stop: so the access is noted, the machine runs on to where it can, and then goes back to the cycle
 * behind the instruction.
 */
#include "internal.h"

static bool is_armed_watch(const struct debug *d, const struct stop *s)
{
    return s->kind == STOP_WATCH && s->enabled && (!d->only || d->only == s);
}

/* The n-th watch that is armed, which is the n-th range of the CPU's. */
static struct stop *nth_watch(const struct debug *d, unsigned n)
{
    if (d->only)
        return is_armed_watch(d, d->only) && n == 0 ? d->only : NULL;
    for (unsigned i = 0; i < d->stops; i++)
        if (is_armed_watch(d, d->stop[i]) && n-- == 0)
            return d->stop[i];
    return NULL;
}

/*
 * In the middle of an instruction. The machine cannot stop here: note the access, and let it run on
 * to where it can; then we come back to this cycle. Backward the last one before `before` counts.
 */
static void on_access(void *ctx, const struct cpu_access *a)
{
    struct debug *d = ctx;
    uint64_t after = a->cycle + (a->by == CPU_BY_GUEST);

    if (d->draining || (d->looking == LOOK_FOR_STOPS && d->touched) ||
        (d->looking == LOOK_FOR_LAST && after >= d->before.cycle))
        return;
    for (unsigned i = 0; i < CPU_WATCH_RANGES; i++) {
        struct stop *s = a->ranges & 1ull << i ? nth_watch(d, i) : NULL;
        if (!s || (s->watch_for == WATCH_CHANGE && (!a->write || a->value == a->old)))
            continue;
        d->touched = true;
        d->touched_after = after;
        d->touched_stop = s;
        d->access = (struct debug_access){.addr = (uint32_t)s->at,
                                          .eip = a->eip,
                                          .size = a->size,
                                          .write = a->write,
                                          .host = a->by != CPU_BY_GUEST,
                                          .was = a->old,
                                          .is = a->value};
        if (d->looking == LOOK_FOR_STOPS)
            machine_stop(d->m);
        return;
    }
}

void stops_sync_watch(struct debug *d)
{
    struct cpu_watch_range range[CPU_WATCH_RANGES];
    unsigned n = 0;
    const struct stop *s;

    while (d->looking != LOOK_AT_NOTHING && n < CPU_WATCH_RANGES && (s = nth_watch(d, n)))
        range[n++] = (struct cpu_watch_range){
            .lo = s->at,
            .hi = s->at + s->size,
            .physical = s->physical,
            .reads = s->watch_for & WATCH_READ,
            .writes = s->watch_for & (WATCH_CHANGE | WATCH_WRITE),
        };
    if (n == d->watched && !d->watch_changed)
        return;
    cpu_watch_set(d->m->domain->cpu, range, n, on_access, d);
    d->watched = n;
    d->watch_changed = false;
}

bool stops_watch_touched(const struct debug *d)
{
    return d->touched;
}

bool stops_watch_hit(struct debug *d, struct moment frontier)
{
    struct debug_access access = d->access;
    struct stop *s = d->touched_stop;
    struct moment at = {d->touched_after, UINT64_MAX, MOMENT_BOUNDARY};

    d->touched = false;
    if (!timeline_go(d, at))
        return false;
    d->looking = LOOK_FOR_STOPS;
    /* What ran on until it could be stopped is not the frontier that the user has seen. */
    struct moment now = debug_now(d);
    d->frontier = moment_compare(frontier, now) > 0 ? frontier : now;
    if (!stop_in_process(d, s) || !stop_counts(d, s, NULL))
        return false;
    d->hit = (struct halt){
        .why = HALT_STOP, .at = now, .stop = s->number, .has_access = true, .access = access};
    return true;
}

bool stops_watch_last(struct debug *d, struct halt *found)
{
    struct debug_access access = d->access;
    struct stop *s = d->touched_stop;
    struct moment at = {d->touched_after, UINT64_MAX, MOMENT_BOUNDARY};

    d->touched = false;
    if (found->why != HALT_NONE && found->at.cycle >= d->touched_after)
        return true; /* something else hit later */
    if (!timeline_go(d, at))
        return false;
    at = debug_now(d);
    if (!stop_in_process(d, s) || (s->test && !s->test(s->test_ctx, d, s, NULL))) {
        d->before = at; /* look before this one */
        return false;
    }
    *found = (struct halt){
        .why = HALT_STOP, .at = at, .stop = s->number, .has_access = true, .access = access};
    return true;
}
