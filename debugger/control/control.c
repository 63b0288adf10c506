/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine runs on a fiber of its own; here is where it is entered and where it comes out: at the
 * cycle it was told, at a mark, or in the middle of a crossing, when an event of the stream is one
 * that somebody wants to stop at.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* How far the machine runs between two looks whether it is time for a snapshot. */
#define SLICE 2000000u

const char *const grain_name[GRAINS] = {"line", "instruction", "hook", "hypercall", "exit"};

int moment_compare(struct moment a, struct moment b)
{
    if (a.cycle != b.cycle)
        return a.cycle < b.cycle ? -1 : 1;
    if (a.events != b.events)
        return a.events < b.events ? -1 : 1;
    return (a.stages > b.stages) - (a.stages < b.stages);
}

uint64_t control_event_bit(unsigned kind)
{
    return kind < 64 ? 1ull << kind : 0;
}

/* Stages are counted from the last guest-visible event, or from the last change of the cycle. */
static void count(struct debug *d, const struct event *e)
{
    struct moment at = {cpu_now(d->m->domain->cpu), events_count(d->m->events), 0};

    if (at.cycle != d->counted.cycle || at.events != d->counted.events) {
        d->counted = at;
        d->stages = 0;
    }
    if (e->kind == EVENT_stage)
        d->stages++;
}

struct moment moment_here(struct debug *d, bool boundary)
{
    struct moment at = {cpu_now(d->m->domain->cpu), events_count(d->m->events), MOMENT_BOUNDARY};

    if (boundary)
        return at;
    at.stages = at.cycle == d->counted.cycle && at.events == d->counted.events ? d->stages : 0;
    return at;
}

static bool at_mark(struct debug *d)
{
    return marks_telling(marks_of(d->m));
}

/* ---- inside: on the fiber ---- */

/* Stand still here until somebody resumes. */
static void suspend(struct debug *d)
{
    d->suspended = true;
    fiber_leave(d->fiber);
    d->suspended = false;
}

/* A hit at `at`: remember it; true: it is time to stop. */
static bool take_hit(struct debug *d, struct halt *hit)
{
    if (d->looking == LOOK_FOR_LAST) {
        if (moment_compare(hit->at, d->before) < 0)
            d->hit = *hit;
        return false;
    }
    if (d->hit.why == HALT_NONE)
        d->hit = *hit;
    return true;
}

static void on_event(void *ctx, const struct event *e)
{
    struct debug *d = ctx;
    bool boundary = at_mark(d);

    count(d, e);
    if (e->kind == EVENT_args)
        memcpy(d->more, e->a, sizeof d->more);
    d->has_more = e->kind == EVENT_args || (d->has_more && e->kind == EVENT_hypercall);
    if (d->draining)
        return;
    struct moment here = moment_here(d, boundary);
    if (d->replaying) {
        d->replay(d->replay_ctx, e);
    } else if (d->looking == LOOK_FOR_STOPS && listen_tell(d, e, here)) {
        struct halt asked = {.why = HALT_ASKED, .at = here, .has_event = true, .event = *e};
        if (take_hit(d, &asked) && !boundary)
            suspend(d);
        return;
    }
    if (d->goal.stages != MOMENT_BOUNDARY && !boundary && moment_compare(here, d->goal) >= 0) {
        d->hit = (struct halt){.why = HALT_GOAL, .at = here};
        suspend(d);
        return;
    }
    if (d->looking == LOOK_AT_NOTHING || (boundary && !moment_compare(here, d->began)))
        return;
    struct halt hit = {.at = here, .has_event = true, .event = *e};
    if (!stops_see(d, e, &hit)) {
        if (!d->pause || !(d->pause_kinds & control_event_bit(e->kind)) ||
            !d->pause(d->pause_ctx, e))
            return;
        hit.why = HALT_STEP;
    }
    if (take_hit(d, &hit) && !boundary)
        suspend(d);
}

/* After all clients of a mark. */
static bool on_mark(void *ctx, struct domain *domain, bool wanted)
{
    struct debug *d = ctx;

    (void)domain;
    if (d->draining)
        return false;
    if (wanted && d->looking == LOOK_FOR_STOPS && d->hit.why == HALT_NONE)
        d->hit = (struct halt){.why = HALT_STEP, .at = moment_here(d, true)};
    return d->hit.why != HALT_NONE && d->looking == LOOK_FOR_STOPS;
}

static void live(void *ctx)
{
    struct debug *d = ctx;

    for (;;) {
        d->ended = machine_run(d->m, d->until);
        fiber_leave(d->fiber);
    }
}

/* ---- the world outside, as far as it is its time ---- */

static void on_console(void *ctx, const uint8_t *bytes, size_t n)
{
    struct debug *d = ctx;
    uint64_t from = d->printed;

    d->printed += n;
    if (d->muted || d->printed <= d->shown)
        return;
    size_t old = d->shown > from ? (size_t)(d->shown - from) : 0;
    d->shown = d->printed;
    if (d->host.console)
        d->host.console(d->host.ctx, bytes + old, n - old);
}

static void on_log(void *ctx, const char *line)
{
    struct debug *d = ctx;

    if (d->host.log)
        d->host.log(d->host.ctx, line);
}

static bool is_live(struct debug *d)
{
    return !d->muted && machine_now(d->m) >= d->frontier.cycle;
}

static uint64_t on_idle(void *ctx, uint64_t ns)
{
    struct debug *d = ctx;

    return d->host.idle && is_live(d) ? d->host.idle(d->host.ctx, ns) : ns;
}

static void on_look(void *ctx)
{
    struct debug *d = ctx;

    if (d->host.look && is_live(d))
        d->host.look(d->host.ctx);
}

static void stand_before_host(struct debug *d)
{
    d->host = d->m->host;
    d->m->host.console = on_console;
    d->m->host.log = on_log;
    /* A machine that has nobody to look for does not look. */
    d->m->host.idle = d->host.idle ? on_idle : NULL;
    d->m->host.look = d->host.look ? on_look : NULL;
    d->m->host.ctx = d;
}

/* ---- running ---- */

static void subscribe(struct debug *d)
{
    uint64_t kinds = d->looking == LOOK_AT_NOTHING  ? 0
                     : d->looking == LOOK_FOR_STOPS ? stops_kinds(d) | listen_kinds(d)
                                                    : stops_kinds(d);
    unsigned classes = 0;

    if (d->pause && d->looking != LOOK_AT_NOTHING)
        kinds |= d->pause_kinds;
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        if (kinds & control_event_bit(i))
            classes |= event_info[i].class;
    /* Stages are counted from events on; a goal inside a crossing is found by counting. */
    if (d->goal.stages != MOMENT_BOUNDARY || d->replaying)
        classes |= EV_GUEST | EV_DETAIL;
    /* The arguments of a call that its event has no room for are such an event. */
    if (classes & EV_DETAIL || kinds & control_event_bit(EVENT_hypercall))
        classes |= EV_GUEST | EV_DETAIL;
    events_unsubscribe(d->m->events, on_event, d);
    if (classes)
        events_subscribe(d->m->events, classes, on_event, d);
}

/* Marks only where somebody wants to hear of the hook. A replay to a goal leaves them as they are: it
   comes back, and changing them costs more than passing them. */
static void choose_hooks(struct debug *d)
{
    uint64_t set[STOP_SET_BITS / 64] = {0};

    if (!d->tracer || (d->looking == LOOK_AT_NOTHING && !d->replaying))
        return;
    stops_choose(d, set);
    listen_choose(d, set);
    if (d->replaying || (d->pause && control_kinds_of_tracer(d->pause_kinds)))
        memset(set, 0xFF, sizeof set);
    if (!memcmp(set, d->chosen, sizeof set))
        return;
    memcpy(d->chosen, set, sizeof set);
    tracer_choose(d->tracer, set);
}

enum ran control_resume(struct debug *d, uint64_t until)
{
    d->hit = (struct halt){0};
    subscribe(d);
    choose_hooks(d);
    if (!d->suspended) {
        listen_begin(d);
        stops_sync_watch(d);
        d->until = until;
    }
    fiber_enter(d->fiber);
    if (d->suspended)
        return RAN_HIT;
    if (d->watched)
        cpu_watch_poll(d->m->domain->cpu);
    switch (d->ended) {
    case END_NONE:
        break;
    case END_MAX_CYCLES:
        return RAN_LIMIT;
    default:
        return RAN_ENDED;
    }
    if (d->hit.why != HALT_NONE && d->looking == LOOK_FOR_STOPS)
        return RAN_HIT;
    return machine_now(d->m) >= until ? RAN_UNTIL : RAN_STOPPED;
}

void control_drain(struct debug *d)
{
    d->draining = true;
    d->muted = true;
    while (d->suspended) {
        d->m->stop = 1; /* at the crossing's end, without a kick: nothing else may happen */
        fiber_enter(d->fiber);
    }
    d->draining = false;
}

static void advance_frontier(struct debug *d)
{
    struct moment now = debug_now(d);

    if (moment_compare(now, d->frontier) > 0)
        d->frontier = now;
}

enum ran control_forward(struct debug *d, uint64_t until)
{
    d->muted = false;
    for (;;) {
        uint64_t now = machine_now(d->m), limit = until;
        if (!d->suspended) {
            timeline_apply(d);
            timeline_look(d, false);
        }
        if (now >= until && !d->suspended)
            return RAN_UNTIL;
        if (d->horizon && now >= d->horizon)
            return RAN_LIMIT;
        if (limit - now > SLICE)
            limit = now + SLICE;
        if (now < d->frontier.cycle && limit > d->frontier.cycle)
            limit = d->frontier.cycle;
        if (timeline_next_change(d) < limit)
            limit = timeline_next_change(d);
        if (d->horizon && limit > d->horizon)
            limit = d->horizon;
        struct moment frontier = d->frontier;
        /* In a crossing it still has an older limit: let it come out, if that is too far. */
        bool come_out = d->suspended && limit < d->until;
        if (come_out)
            d->m->stop = 1;
        enum ran r = control_resume(d, limit);
        if (come_out)
            d->m->stop = 0;
        advance_frontier(d);
        if (stops_watch_touched(d)) {
            if (stops_watch_hit(d, frontier))
                return RAN_HIT;
            continue;
        }
        if (d->interrupted && (r == RAN_UNTIL || r == RAN_STOPPED))
            return RAN_STOPPED;
        if (r != RAN_UNTIL && r != RAN_STOPPED)
            return r;
    }
}

enum ran control_leave_crossing(struct debug *d)
{
    d->muted = false;
    d->m->stop = 1;
    enum ran r = control_resume(d, machine_now(d->m));
    d->m->stop = 0;
    advance_frontier(d);
    return r == RAN_STOPPED ? RAN_UNTIL : r;
}

enum ran control_step_quietly(struct debug *d)
{
    struct domain *domain = d->m->domain;
    uint64_t until = machine_now(d->m) + 1;
    enum ran r;

    timeline_apply(d);
    /* While it is halted a step is up to where it wakes: to the next thing that is due, each time. */
    do {
        if (domain->state.halted && clock_next(&d->m->clock) > until)
            until = clock_next(&d->m->clock);
        if (until > d->frontier.cycle && d->frontier.cycle > machine_now(d->m))
            until = d->frontier.cycle;
        r = control_resume(d, until);
        until = machine_now(d->m) + 1;
    } while (r == RAN_UNTIL && domain->state.halted && machine_now(d->m) < d->frontier.cycle);
    return r;
}

const struct halt *control_halt_at(struct debug *d, enum halt_why why)
{
    d->halt = (struct halt){.why = why, .at = debug_now(d)};
    d->interrupted = 0;
    return &d->halt;
}

const struct halt *control_halt(struct debug *d, enum ran r, enum halt_why at_until)
{
    switch (r) {
    case RAN_HIT:
        d->halt = d->hit;
        d->interrupted = 0;
        return &d->halt;
    case RAN_UNTIL:
        return control_halt_at(d, at_until);
    case RAN_ENDED:
        return control_halt_at(d, HALT_ENDED);
    case RAN_LIMIT:
        return control_halt_at(d, d->horizon && machine_now(d->m) >= d->horizon ? HALT_RECORDED
                                                                                : HALT_LIMIT);
    case RAN_NOWHERE:
        return control_halt_at(d, HALT_NONE);
    case RAN_STOPPED:
        break;
    }
    return control_halt_at(d, HALT_INTERRUPTED);
}

const struct halt *debug_continue(struct debug *d)
{
    d->interrupted = 0;
    d->looking = LOOK_FOR_STOPS;
    d->began = debug_now(d);
    return control_halt(d, control_forward(d, CLOCK_NEVER), HALT_GOAL);
}

/* ---- who is there ---- */

bool control_kinds_of_tracer(uint64_t kinds)
{
    return kinds & (control_event_bit(EVENT_hook) | control_event_bit(EVENT_hook_end) |
                    control_event_bit(EVENT_hook_stack) | control_event_bit(EVENT_task));
}

bool control_want_tracer(struct debug *d, struct err *err)
{
    if (!d->kernel)
        return err_set(err, ERR_USAGE,
                       "no symbols of the guest's kernel: its hooks and tasks cannot be told");
    if (!d->tracer) {
        if (!(d->tracer = tracer_attach(d->m, d->kernel, err)))
            return false;
        memset(d->chosen, 0, sizeof d->chosen);
        tracer_choose(d->tracer, d->chosen);
    }
    d->tracer_users++;
    return true;
}

void control_drop_tracer(struct debug *d)
{
    if (--d->tracer_users)
        return;
    tracer_detach(d->tracer);
    d->tracer = NULL;
}

struct moment debug_event_moment(struct debug *d)
{
    return moment_here(d, at_mark(d));
}

unsigned debug_event_hook(const struct debug *d, const struct event *e)
{
    return d->tracer ? tracer_hook(d->tracer, e->a[0]) : hook_count;
}

void debug_more_words(const struct debug *d, uint32_t *word, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        word[i] = d->has_more && i < 4 ? d->more[i] : 0;
}

void debug_interrupt(struct debug *d)
{
    d->interrupted = 1;
    machine_stop(d->m);
}

bool debug_forget_interrupt(struct debug *d)
{
    bool was = d->interrupted;

    d->interrupted = 0;
    return was;
}

struct machine *debug_machine(struct debug *d)
{
    return d->m;
}

const struct kernel *debug_kernel(struct debug *d)
{
    return d->kernel;
}

struct moment debug_now(struct debug *d)
{
    return moment_here(d, !d->suspended);
}

struct moment debug_frontier(struct debug *d)
{
    return d->frontier;
}

bool debug_in_past(struct debug *d)
{
    return moment_compare(debug_now(d), d->frontier) < 0;
}

bool debug_inside(struct debug *d)
{
    return d->suspended;
}

const struct halt *debug_halt(struct debug *d)
{
    return &d->halt;
}

struct debug *debug_new(const struct debug_setup *s, struct err *err)
{
    struct debug *d = calloc(1, sizeof *d);
    struct marks *marks;

    if (!d) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    d->m = s->machine;
    d->horizon = s->horizon;
    d->fixed = s->replay;
    d->history_limit = s->history_bytes;
    d->goal.stages = MOMENT_BOUNDARY;
    stand_before_host(d);
    /* A kernel without symbols can be debugged all the same, by its addresses. */
    d->source = source_open(s->kernel, s->initrd);
    if (d->source && source_kernel(d))
        d->kernel = program_symbols(source_kernel(d));
    d->fiber = fiber_new(live, d, err);
    marks = d->fiber && d->source ? marks_of(d->m) : NULL;
    if (d->fiber && !marks)
        err_set(err, ERR_SYSTEM, "out of memory");
    if (marks)
        marks_last(marks, on_mark, d);
    if (!marks || !timeline_begin(d, err)) {
        debug_free(d);
        return NULL;
    }
    d->frontier = debug_now(d);
    d->halt.at = d->frontier;
    return d;
}

void debug_free(struct debug *d)
{
    if (!d)
        return;
    if (d->suspended)
        control_drain(d);
    while (d->listeners)
        debug_listener_remove(d, d->listeners);
    stops_free(d);
    events_unsubscribe(d->m->events, on_event, d);
    if (d->m->watcher.mark)
        marks_last(marks_of(d->m), NULL, NULL);
    futures_free(d);
    timeline_end(d);
    fiber_free(d->fiber);
    source_close(d->source);
    d->m->host = d->host;
    free(d);
}
