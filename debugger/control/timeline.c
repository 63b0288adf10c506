/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots along the way, and going back to them.
 *
 * A snapshot is taken when the host's processor has worked for SNAPSHOT_NS since the last one: then
 * no moment is further from a snapshot than that, whatever the guest does, and taking them costs a
 * few parts in a hundred. (The host's clock decides where snapshots are, and snapshots change
 * nothing; so it does not get into the guest.) When they take more memory than they may, old ones
 * are thinned so that the gaps grow with their age.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hv-models/hv.h"
#include "internal.h"

#define SNAPSHOT_NS     36000000u
#define LOOK_NS         2000000u
#define SNAPSHOTS_MAX   2000u
#define HISTORY_DEFAULT (256ull << 20)
#define SLICE           2000000u
/* Who goes back goes back again, by a little: leave a snapshot this far before the goal. */
#define NEAR_CYCLES 60000u

static uint64_t processor_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The processor has not worked for longer than time has passed. To ask that first costs no system
   call, and whoever steps asks at every instruction. */
static bool time_has_passed(struct debug *d)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    if (ns - d->last_look_ns < LOOK_NS)
        return false;
    d->last_look_ns = ns;
    return true;
}

static uint64_t bytes_of_all(const struct debug *d)
{
    return snapshots_bytes(d->snapshots);
}

static void drop(struct debug *d, size_t i)
{
    snapshot_free(d->snap[i].x);
    memmove(&d->snap[i], &d->snap[i + 1], (d->snaps - i - 1) * sizeof d->snap[0]);
    d->snaps--;
}

/* Without which one would the gap be the smallest for its age? Never the first and the last. */
static size_t least_missed(const struct debug *d)
{
    uint64_t now = machine_now(d->m);
    size_t best = 1;
    double least = 0;

    for (size_t i = 1; i + 1 < d->snaps; i++) {
        uint64_t from = d->snap[i - 1].at.cycle, to = d->snap[i + 1].at.cycle;
        uint64_t age = now > to ? now - to : to - now;
        double missed = (double)(to - from) / (double)(age + SLICE);
        if (i == 1 || missed < least) {
            least = missed;
            best = i;
        }
    }
    return best;
}

static void thin(struct debug *d)
{
    while (d->snaps > 3 && (d->snaps > SNAPSHOTS_MAX || bytes_of_all(d) > d->history_limit))
        drop(d, least_missed(d));
}

static bool take(struct debug *d, struct err *err)
{
    struct moment at = debug_now(d);
    size_t i = d->snaps ? timeline_before(d, at) + 1 : 0;

    if (d->snaps && !moment_compare(d->snap[i - 1].at, at))
        return true;
    if (d->snaps == d->room) {
        size_t room = d->room ? 2 * d->room : 64;
        struct mark_in_time *more = realloc(d->snap, room * sizeof *more);
        if (!more)
            return err_set(err, ERR_SYSTEM, "out of memory");
        d->snap = more;
        d->room = room;
    }
    struct snapshot *x = snapshot_take(d->snapshots, err);
    if (!x)
        return false;
    memmove(&d->snap[i + 1], &d->snap[i], (d->snaps - i) * sizeof d->snap[0]);
    d->snap[i] =
        (struct mark_in_time){.at = at, .x = x, .shown = d->printed, .changed = d->changed};
    d->snaps++;
    d->last_cpu_ns = processor_ns();
    thin(d);
    return true;
}

void timeline_look(struct debug *d, bool now)
{
    struct err err = {0};

    /* Without memory for another one there are fewer, that is all. */
    if (now || (time_has_passed(d) && processor_ns() - d->last_cpu_ns >= SNAPSHOT_NS))
        take(d, &err);
}

/* The model's costs are configuration, not state: no snapshot brings them back. */
static void restore_costs(struct debug *d)
{
    struct domain *domain = d->m->domain;
    const struct hv_cost *c = hv_model(domain)->costs;
    struct err err = {0};

    for (unsigned i = 0; c && c[i].name && i < d->costs; i++)
        hv_set_cost(domain, c[i].name, d->cost[i], &err);
    for (size_t i = 0; i < d->changed; i++)
        if (d->change[i].kind == CHANGE_COST)
            hv_set_cost(domain, (const char *)d->change[i].bytes, d->change[i].n, &err);
}

static void remember_costs(struct debug *d)
{
    const struct hv_cost *c = hv_model(d->m->domain)->costs;

    for (unsigned i = 0; c && c[i].name && i < COSTS_MAX; i++, d->costs++)
        hv_cost_charged(d->m->domain, i, &d->cost[i]);
}

bool timeline_begin(struct debug *d, struct err *err)
{
    struct machine_parts parts = machine_parts(d->m);

    if (!d->history_limit)
        d->history_limit = HISTORY_DEFAULT;
    remember_costs(d);
    d->snapshots = snapshots_new(&parts, err);
    return d->snapshots && take(d, err);
}

void timeline_end(struct debug *d)
{
    for (size_t i = 0; i < d->snaps; i++)
        snapshot_free(d->snap[i].x);
    for (size_t i = 0; i < d->changes; i++)
        free(d->change[i].bytes);
    free(d->snap);
    free(d->change);
    snapshots_free(d->snapshots);
}

size_t timeline_before(const struct debug *d, struct moment at)
{
    size_t low = 0, high = d->snaps;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (moment_compare(d->snap[middle].at, at) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void timeline_restore(struct debug *d, size_t index)
{
    const struct mark_in_time *s = &d->snap[index];

    control_drain(d);
    snapshot_restore(d->snapshots, s->x);
    machine_restored(d->m);
    d->m->stop = 0;
    d->printed = s->shown;
    d->changed = s->changed;
    restore_costs(d);
    d->counted = (struct moment){0};
    d->stages = 0;
    d->last_cpu_ns = processor_ns();
    if (d->tracer)
        tracer_restored(d->tracer);
}

/* ---- changes made by hand ---- */

uint64_t timeline_next_change(const struct debug *d)
{
    return d->changed < d->changes ? d->change[d->changed].at.cycle : CLOCK_NEVER;
}

/* Through the same tables as debug_peek(), whatever they permit the guest. */
static void poke(struct debug *d, uint32_t gva, const uint8_t *bytes, uint32_t n)
{
    struct domain *domain = d->m->domain;
    const struct hv_model *model = hv_model(domain);

    while (n) {
        uint32_t piece = 4096 - (gva & 4095);
        struct x86_walk w = {0};
        if (piece > n)
            piece = n;
        if (!x86_walk(cpu_regs(domain->cpu), domain->mem, GVA(gva), X86_READ, false, false, &w) &&
            model->guest_walk)
            model->guest_walk(domain, GVA(gva), &w);
        if (w.ok)
            mem_write(domain->mem, w.addr, bytes, piece);
        gva += piece;
        bytes += piece;
        n -= piece;
    }
}

/* What a person may set: CF PF AF ZF SF TF IF DF OF AC ID. The rest is the processor's business. */
#define EFLAGS_SETTABLE 0x240FD5u

static void apply(struct debug *d, const struct change *c)
{
    struct domain *domain = d->m->domain;
    struct err err = {0};

    switch (c->kind) {
    case CHANGE_MEMORY:
        poke(d, (uint32_t)c->where, c->bytes, c->n);
        break;
    case CHANGE_PHYSICAL:
        mem_write(domain->mem, MADDR(c->where), c->bytes, c->n);
        break;
    case CHANGE_REGISTER: {
        struct x86_regs *r = cpu_regs_rw(domain->cpu);
        if (c->where < REG_EIP)
            r->gpr[c->where] = c->n;
        else if (c->where == REG_EIP)
            r->eip = c->n;
        else
            r->eflags = (r->eflags & ~EFLAGS_SETTABLE) | (c->n & EFLAGS_SETTABLE);
        break;
    }
    case CHANGE_COST:
        hv_set_cost(domain, (const char *)c->bytes, c->n, &err);
        break;
    }
}

void timeline_apply(struct debug *d)
{
    while (d->changed < d->changes && d->change[d->changed].at.cycle <= machine_now(d->m))
        apply(d, &d->change[d->changed++]);
}

/* ---- going somewhere ---- */

enum ran timeline_run(struct debug *d, uint64_t until)
{
    d->muted = true;
    for (;;) {
        struct halt found = d->hit;
        if (!d->suspended) {
            timeline_apply(d);
            timeline_look(d, false);
        }
        uint64_t now = machine_now(d->m), limit = until;
        if (now >= until && !d->suspended)
            return RAN_UNTIL;
        if (limit - now > SLICE)
            limit = now + SLICE;
        if (timeline_next_change(d) < limit)
            limit = timeline_next_change(d);
        enum ran r = control_resume(d, limit);
        if (d->looking == LOOK_FOR_LAST && d->hit.why == HALT_NONE)
            d->hit = found; /* of an earlier slice */
        if (d->interrupted && !d->suspended)
            return RAN_STOPPED;
        if (r != RAN_UNTIL && r != RAN_STOPPED)
            return r;
    }
}

bool timeline_go(struct debug *d, struct moment to)
{
    struct moment now = debug_now(d);
    size_t i = timeline_before(d, to);
    bool inside = to.stages != MOMENT_BOUNDARY;

    if (!moment_compare(now, to))
        return true;
    d->looking = LOOK_AT_NOTHING;
    if (d->suspended || moment_compare(now, to) > 0 || moment_compare(now, d->snap[i].at) < 0)
        timeline_restore(d, i);
    uint64_t far = to.cycle - machine_now(d->m);
    if (far > 4 * NEAR_CYCLES) {
        enum ran r = timeline_run(d, to.cycle - NEAR_CYCLES);
        if (r == RAN_STOPPED)
            return false;
        timeline_look(d, true);
    }
    enum ran r;
    if (inside) {
        d->goal = to;
        r = timeline_run(d, to.cycle + 1);
        d->goal.stages = MOMENT_BOUNDARY;
        d->muted = false;
        return r == RAN_HIT;
    }
    r = timeline_run(d, to.cycle);
    timeline_apply(d);
    d->muted = false;
    return r == RAN_UNTIL || r == RAN_ENDED;
}

void timeline_drop_after(struct debug *d, struct moment at)
{
    while (d->snaps > 1 && moment_compare(d->snap[d->snaps - 1].at, at) > 0)
        drop(d, d->snaps - 1);
}

struct moment timeline_start_before(const struct debug *d, struct moment at)
{
    size_t i = timeline_before(d, at);

    if (i && !moment_compare(d->snap[i].at, at))
        i--;
    return d->snap[i].at;
}

void timeline_cut(struct debug *d)
{
    struct moment now = debug_now(d);

    futures_keep(d);
    timeline_drop_after(d, now);
    while (d->changes > d->changed)
        free(d->change[--d->changes].bytes);
    input_forget_future(d->m->input);
    d->frontier = now;
    d->shown = d->printed;
    listen_cut(d);
}

const struct halt *debug_goto(struct debug *d, struct moment to)
{
    struct moment here = debug_now(d);

    d->interrupted = 0;
    if (moment_compare(to, d->frontier) > 0) {
        /* Into what has not been yet: the console is live there. */
        if (!timeline_go(d, d->frontier))
            return control_halt_at(d, HALT_INTERRUPTED);
        /* Past all stops; but whoever listens to the run hears it. */
        d->looking = LOOK_FOR_STOPS;
        d->began = debug_now(d);
        d->only = &d->nothing;
        enum ran r = control_forward(d, to.cycle);
        d->only = NULL;
        return control_halt(d, r, HALT_GOAL);
    }
    if (timeline_go(d, to))
        return control_halt_at(d, HALT_GOAL);
    d->interrupted = 0;
    timeline_go(d, here);
    return control_halt_at(d, HALT_INTERRUPTED);
}

const struct halt *debug_goto_cycle(struct debug *d, uint64_t cycle)
{
    if (cycle < d->snap[0].at.cycle)
        cycle = d->snap[0].at.cycle;
    return debug_goto(d, (struct moment){cycle, UINT64_MAX, MOMENT_BOUNDARY});
}

/* ---- backward ---- */

/* A watch on physical memory, and nothing else is looked for: have its pages the same contents at the
   snapshot i and at the one behind it, where the search has come to? Then nothing that stayed was
   written between. */
static bool nothing_there(const struct debug *d, size_t i, struct moment end)
{
    const struct stop *s = d->only;

    if (!s || s->kind != STOP_WATCH || !s->physical || s->watch_for != WATCH_CHANGE || d->pause ||
        i + 1 >= d->snaps || moment_compare(d->snap[i + 1].at, end))
        return false;
    for (uint64_t frame = s->at >> PAGE_SHIFT; frame <= (s->at + s->size - 1) >> PAGE_SHIFT;
         frame++)
        if (snapshot_page_differs(d->snap[i].x, d->snap[i + 1].x, frame))
            return false;
    return true;
}

/* The last hit before now, of what d->looking and its companions look for. */
static const struct halt *backward(struct debug *d)
{
    struct moment here = debug_now(d);
    bool (*pause)(void *, const struct event *) = d->pause;
    struct stop *only = d->only;

    struct moment end = here;
    d->interrupted = 0;
    d->before = here;
    if (only && only->kind == STOP_WATCH && !d->suspended)
        timeline_look(d, true); /* to be compared with, where that is enough */
    for (size_t i = timeline_before(d, here);; i--) {
        if (!moment_compare(d->snap[i].at, here) && i > 0)
            continue;
        struct moment from = d->snap[i].at;
        if (i > 0 && nothing_there(d, i, end)) {
            end = from;
            continue;
        }
        timeline_restore(d, i);
        d->looking = LOOK_FOR_LAST;
        d->pause = pause;
        d->only = only;
        d->hit = (struct halt){0};
        d->began = (struct moment){0};
        /* Snapshots that are taken on the way come behind this one: i stays what it is. */
        enum ran r = timeline_run(d, end.cycle);
        struct halt found = d->hit;
        d->pause = NULL;
        d->only = NULL;
        if (r == RAN_STOPPED && d->interrupted) {
            d->interrupted = 0;
            timeline_go(d, here);
            return control_halt_at(d, HALT_INTERRUPTED);
        }
        bool counts = !d->touched || stops_watch_last(d, &found);
        if (!counts && found.why == HALT_NONE) {
            end =
                d->before; /* an access that does not count: the same stretch again, up to there */
            i++;
            continue;
        }
        if (found.why != HALT_NONE) {
            timeline_go(d, found.at);
            d->halt = found;
            return &d->halt;
        }
        end = from;
        if (i == 0) {
            timeline_go(d, d->snap[0].at);
            return control_halt_at(d, HALT_BEGINNING);
        }
    }
}

const struct halt *debug_reverse_continue(struct debug *d)
{
    return backward(d);
}

const struct halt *debug_seek(struct debug *d, struct stop *s, bool back)
{
    struct err err = {0};

    if (!stop_mark(d, s, &err))
        return control_halt_at(d, HALT_NONE);
    d->interrupted = 0;
    d->only = s;
    const struct halt *h;
    if (back) {
        h = backward(d);
    } else {
        d->looking = LOOK_FOR_STOPS;
        d->began = debug_now(d);
        h = control_halt(d, control_forward(d, CLOCK_NEVER), HALT_GOAL);
    }
    d->only = NULL;
    stop_unmark(d, s);
    return h;
}

/* ---- the outside's questions ---- */

unsigned debug_snapshots(struct debug *d, uint64_t *bytes)
{
    if (bytes)
        *bytes = bytes_of_all(d);
    return (unsigned)d->snaps;
}

uint64_t debug_history_limit(struct debug *d)
{
    return d->history_limit;
}

void debug_set_history_limit(struct debug *d, uint64_t bytes)
{
    d->history_limit = bytes;
    thin(d);
}

bool debug_witness(struct debug *d, struct moment from, struct moment to, bool hooks,
                   void (*fn)(void *, const struct event *), void (*ends)(void *, bool), void *ctx,
                   struct err *err)
{
    struct moment here = debug_now(d);
    struct halt was = d->halt;

    if (moment_compare(from, d->snap[0].at) < 0)
        from = d->snap[0].at;
    if (hooks && !control_want_tracer(d, err))
        return false;
    bool ok = timeline_go(d, from);
    if (ok && ends)
        ends(ctx, false);
    d->looking = LOOK_AT_NOTHING;
    d->replay = fn;
    d->replay_ctx = ctx;
    d->replaying = fn != NULL;
    if (ok && moment_compare(from, to) < 0 && to.stages != MOMENT_BOUNDARY) {
        d->goal = to;
        ok = timeline_run(d, to.cycle + 1) == RAN_HIT;
        d->goal.stages = MOMENT_BOUNDARY;
    } else if (ok) {
        ok = timeline_run(d, to.cycle) != RAN_STOPPED;
    }
    d->replaying = false;
    if (ok && ends)
        ends(ctx, true);
    if (hooks)
        control_drop_tracer(d);
    d->interrupted = 0;
    timeline_go(d, here);
    d->muted = false;
    d->halt = was;
    return ok || err_set(err, ERR_USAGE, "interrupted");
}

bool debug_replay(struct debug *d, struct moment from, struct moment to, bool hooks,
                  void (*fn)(void *, const struct event *), void *ctx, struct err *err)
{
    return debug_witness(d, from, to, hooks, fn, NULL, ctx, err);
}

bool debug_find_before(struct debug *d, struct stop *s, void (*there)(void *, const struct halt *),
                       void *ctx, struct err *err)
{
    struct moment here = debug_now(d);
    struct halt was = d->halt;
    const struct halt *h = debug_seek(d, s, true);
    bool found = h->why == HALT_STOP;

    if (found)
        there(ctx, h);
    else if (h->why == HALT_INTERRUPTED)
        err_set(err, ERR_USAGE, "interrupted");
    timeline_go(d, here);
    d->muted = false;
    d->halt = was;
    return found;
}

struct snapshot *debug_photograph(struct debug *d, struct err *err)
{
    if (d->suspended) {
        err_set(err, ERR_USAGE, "inside a crossing there is no whole state");
        return NULL;
    }
    return snapshot_take(d->snapshots, err);
}

bool debug_snapshot(struct debug *d, unsigned i, struct moment *at, uint64_t *bytes)
{
    if (i >= d->snaps)
        return false;
    *at = d->snap[i].at;
    *bytes = snapshot_bytes(d->snap[i].x);
    return true;
}
