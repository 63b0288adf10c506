/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps, at four grains besides the source line. A line is stepped as an instruction is, again and
 * again, until another line stands there; calls that are to be stepped over, and interrupts that
 * come between, are run through to where they return. Inside a crossing a step is to the next stage
 * of the model.
 */
#include <stdlib.h>
#include <string.h>

#include "step.h"

/* A line that runs longer than this is a loop that somebody should interrupt; look then. */
#define LOOK_EVERY 1024u

/* ---- waiting for an event ---- */

bool step_any_event(void *ctx, const struct event *e)
{
    (void)ctx, (void)e;
    return true;
}

void step_pause_at(struct debug *d, uint64_t kinds, bool (*fn)(void *, const struct event *),
                   void *ctx)
{
    d->pause = fn;
    d->pause_ctx = ctx;
    d->pause_kinds = kinds;
}

void step_no_pause(struct debug *d)
{
    d->pause = NULL;
    d->pause_kinds = 0;
}

/* ---- one instruction ---- */

/* Somebody may wait for other events already; he is told of these, too. */
struct waking {
    bool (*pause)(void *ctx, const struct event *e);
    void *ctx;
    uint64_t kinds;
};

static bool wakes(void *ctx, const struct event *e)
{
    const struct waking *w = ctx;
    bool pauses = w->kinds & control_event_bit(e->kind) && w->pause(w->ctx, e);

    return pauses || e->kind == EVENT_irq || e->kind == EVENT_power;
}

/* Nothing runs until an interrupt comes: let it come. */
static enum ran wake(struct debug *d)
{
    struct waking w = {d->pause, d->pause_ctx, d->pause ? d->pause_kinds : 0};

    step_pause_at(d, w.kinds | BIT(irq) | BIT(power), wakes, &w);
    enum ran r = control_forward(d, CLOCK_NEVER);
    if (r == RAN_HIT && d->hit.why == HALT_STEP && d->suspended && d->hit.event.kind == EVENT_irq)
        r = control_leave_crossing(d);
    return r;
}

/* To the next boundary; from inside a crossing to the one behind it. */
static enum ran one(struct debug *d)
{
    if (d->suspended)
        return control_leave_crossing(d);
    if (d->m->domain->state.halted)
        return wake(d);
    return control_forward(d, machine_now(d->m) + 1);
}

/* ---- running to a place in the same context ---- */

struct place_to_be step_place(struct debug *d, uint32_t eip, uint32_t esp, uint32_t cpl, bool above)
{
    struct source_task task;
    bool known = source_task(d, &task);

    return (struct place_to_be){d, eip, esp, cpl, above, known, task.pid};
}

bool step_is_pid(struct debug *d, uint32_t pid)
{
    struct source_task task;

    return source_task(d, &task) && task.pid == pid;
}

static bool is_there(void *ctx, struct domain *domain, uint32_t at, uint32_t tag)
{
    const struct place_to_be *p = ctx;
    const struct x86_regs *r = cpu_regs(domain->cpu);

    (void)at, (void)tag;
    if (p->d->looking == LOOK_AT_NOTHING || p->d->draining)
        return false;
    return r->cpl == p->cpl && (p->above ? r->gpr[R_ESP] > p->esp : r->gpr[R_ESP] == p->esp) &&
           (!p->task || step_is_pid(p->d, p->pid));
}

/* RAN_UNTIL: there. */
static enum ran run_to(struct debug *d, const struct place_to_be *p)
{
    struct marks *k = marks_of(d->m);
    uint32_t at = p->eip; /* segments of the guests that we debug by source are flat */

    if (!k || !marks_add(k, at, is_there, (void *)p, 0))
        return RAN_STOPPED;
    uint64_t kinds = d->pause_kinds;
    bool (*pause)(void *, const struct event *) = d->pause;
    step_no_pause(d);
    enum ran r = control_forward(d, CLOCK_NEVER);
    marks_remove(d->m, at, is_there, (void *)p, 0);
    d->pause = pause;
    d->pause_kinds = kinds;
    return r == RAN_HIT && d->hit.why == HALT_STEP ? RAN_UNTIL : r;
}

/* ---- lines ---- */

struct context step_context_seen(struct debug *d, const struct source_spot *over)
{
    const struct x86_regs *r = cpu_regs(d->m->domain->cpu);
    struct context c = {.eip = r->eip, .esp = r->gpr[R_ESP], .cpl = r->cpl};

    source_at(d, r->eip, r->cpl, over, &c.spot);
    return c;
}

struct context step_context(struct debug *d)
{
    return step_context_seen(d, NULL);
}

static bool same_stack(uint32_t a, uint32_t b)
{
    return (a ^ b) < 8192;
}

/* Has the last instruction been a CALL? Then the word on the stack is where it returns. */
static bool was_call(struct debug *d, const struct context *before, const struct context *now,
                     uint32_t *back)
{
    uint8_t code[16];
    struct domain *domain = d->m->domain;
    struct x86_insn insn;

    if (now->cpl != before->cpl || now->esp != before->esp - 4 ||
        cpu_fetch(domain->cpu, GVA(before->eip), code, sizeof code) < 2)
        return false;
    *back = 0;
    if (!x86_peek(cpu_regs(domain->cpu), domain->mem, GVA(now->esp), back, 4))
        return false;
    return x86_decode(code, sizeof code, true, &insn) && *back == before->eip + insn.length;
}

/* An exception or interrupt came between: the guest is in a handler that nobody asked for. */
static bool went_aside(const struct context *before, const struct context *now,
                       const struct halt *event)
{
    return event->has_event && event->event.kind == EVENT_irq && now->eip != before->eip;
}

static bool note_irq(void *ctx, const struct event *e)
{
    struct halt *aside = ctx;

    if (e->kind == EVENT_irq) {
        aside->has_event = true;
        aside->event = *e;
        return false;
    }
    return e->kind == EVENT_stage || e->kind == EVENT_hypercall;
}

/* In a kernel that was just entered: where what was interrupted goes on. The frame on the stack is
   EIP, CS, EFLAGS, and from another ring ESP, SS, with an error code below it for some exceptions
   (SDM volume 3, 6.12). */
static bool trap_return(struct debug *d, const struct context *before, const struct context *now,
                        struct place_to_be *p)
{
    uint32_t word[5], cs, *frame = word;

    if (!debug_peek(d, now->esp, word, sizeof word))
        return false;
    cs = word[1];
    if (!(cs & 0xFFFF) || cs >> 16 || (cs & 3) != before->cpl)
        frame++; /* behind an error code */
    *p = step_place(d, frame[0], now->cpl == before->cpl ? now->esp + 12 : frame[3], before->cpl,
                    false);
    return true;
}

/*
 * Step until another line. INTO also stops at each stage of a crossing and where a hook is called;
 * OVER runs through calls and crossings.
 */
static enum ran step_line(struct debug *d, enum reach reach)
{
    struct context start = step_context(d);
    bool was_inside = d->suspended;

    const struct source_spot *over = reach == REACH_OVER ? &start.spot : NULL;

    for (unsigned n = 1;; n++) {
        struct context before = step_context_seen(d, over);
        struct halt aside = {0};
        bool inside = d->suspended;
        if (reach == REACH_INTO || reach == REACH_OVER)
            step_pause_at(d,
                          reach == REACH_INTO ? BIT(irq) | BIT(stage) | BIT(hypercall) : BIT(irq),
                          note_irq, &aside);
        enum ran r = one(d);
        step_no_pause(d);
        if (r == RAN_HIT)
            return r; /* a stage, or somebody's stop */
        if (r != RAN_UNTIL)
            return r;
        if (d->interrupted)
            return RAN_STOPPED;
        if (inside)
            return RAN_UNTIL; /* back in the guest: say so */
        struct context now = step_context_seen(d, over);
        bool skip = reach == REACH_OVER || (start.spot.known && !now.spot.known), away = false;
        struct place_to_be p;
        uint32_t back;
        if (went_aside(&before, &now, &aside) || (now.cpl < before.cpl && skip)) {
            /* An interrupt; a system call or a fault of a user program. */
            if (!trap_return(d, &before, &now, &p))
                return RAN_UNTIL;
            away = true;
        } else if (skip && was_call(d, &before, &now, &back)) {
            p = step_place(d, back, now.esp, now.cpl, true);
            away = true;
        }
        if (away) {
            r = run_to(d, &p);
            if (r != RAN_UNTIL)
                return r;
            now = step_context_seen(d, over);
        }
        if (reach == REACH_INTO && source_is_site(d, now.eip) && now.eip != start.eip)
            return RAN_UNTIL;
        if (now.spot.prologue && !(start.spot.prologue && now.spot.real == start.spot.real))
            continue; /* the function's first line is where its arguments are in place */
        if (!start.spot.known) {
            if (now.spot.known || !was_inside)
                return RAN_UNTIL; /* no line: a step is an instruction, as gdb's stepi */
        } else if (now.spot.known && now.spot.begins &&
                   (now.spot.line != start.spot.line || now.spot.function != start.spot.function ||
                    strcmp(now.spot.file, start.spot.file) || now.cpl != start.cpl)) {
            return RAN_UNTIL;
        } else if (now.spot.known && now.spot.begins && now.spot.function == start.spot.function &&
                   now.esp > start.esp && same_stack(now.esp, start.esp)) {
            return RAN_UNTIL; /* a recursion has come back */
        }
        if (n % LOOK_EVERY == 0)
            timeline_look(d, false);
    }
}

/* Run until the function that runs now has returned. */
static enum ran finish(struct debug *d)
{
    uint32_t eip, esp, cpl = cpu_cpl(d->m->domain->cpu);

    if (d->suspended)
        return control_leave_crossing(d);
    if (!source_caller(d, &eip, &esp))
        return RAN_NOWHERE;
    /* From a system call's entry it is user code that goes on. ESP is then the caller's, or above. */
    struct place_to_be p = step_place(d, eip, esp - 1, eip < USER_SPACE ? 3 : cpl, true);
    return run_to(d, &p);
}

/* ---- grains that are events ---- */

struct nesting {
    int depth;
    bool out; /* wait for the end of what is open now */
};

static bool at_hook(void *ctx, const struct event *e)
{
    struct nesting *n = ctx;

    if (e->kind == EVENT_hook_end) {
        n->depth--;
        return n->out && n->depth < 0;
    }
    return !n->out && n->depth++ <= 0;
}

static enum ran step_hook(struct debug *d, enum reach reach, struct err *err)
{
    struct nesting n = {.depth = 0, .out = reach == REACH_OUT};
    enum ran r;

    if (!control_want_tracer(d, err))
        return RAN_NOWHERE;
    d->began = debug_now(d);
    if (reach == REACH_INTO)
        step_pause_at(d, BIT(hook), step_any_event, NULL);
    else
        step_pause_at(d, BIT(hook) | BIT(hook_end), at_hook, &n);
    if (reach == REACH_OVER && source_is_site(d, cpu_eip(d->m->domain->cpu)))
        n.depth = 1;
    r = control_forward(d, CLOCK_NEVER);
    step_no_pause(d);
    control_drop_tracer(d);
    return r;
}

static enum ran step_event(struct debug *d, uint64_t kinds, enum reach reach)
{
    enum ran r = RAN_UNTIL;

    d->began = debug_now(d);
    if (d->suspended && reach != REACH_INTO)
        r = control_leave_crossing(d);
    if (r != RAN_UNTIL || reach == REACH_OUT)
        return r;
    step_pause_at(d, kinds, step_any_event, NULL);
    r = control_forward(d, CLOCK_NEVER);
    step_no_pause(d);
    return r;
}

static enum ran forward(struct debug *d, enum grain grain, enum reach reach)
{
    struct err err = {0};
    struct context before, now;
    enum ran r;
    uint32_t back;

    d->looking = LOOK_FOR_STOPS;
    d->began =
        debug_now(d); /* stops there are behind us; those on the way, however short, are not */
    switch (grain) {
    case GRAIN_LINE:
        return reach == REACH_OUT ? finish(d) : step_line(d, reach);
    case GRAIN_HOOK:
        return step_hook(d, reach, &err);
    case GRAIN_HYPERCALL:
        return step_event(d, BIT(hypercall), reach);
    case GRAIN_EXIT:
        return step_event(d, EXITS, reach);
    default:
        break;
    }
    if (reach == REACH_OUT)
        return finish(d);
    if (reach != REACH_OVER)
        return one(d);
    before = step_context(d);
    r = one(d);
    if (r != RAN_UNTIL)
        return r;
    now = step_context(d);
    if (!was_call(d, &before, &now, &back))
        return r;
    struct place_to_be p = step_place(d, back, now.esp, now.cpl, true);
    return run_to(d, &p);
}

const struct halt *debug_step(struct debug *d, enum grain grain, enum reach reach, bool backward)
{
    d->interrupted = 0;
    if (backward)
        return step_back(d, grain, reach);
    enum ran r = forward(d, grain, reach);
    if (r == RAN_UNTIL && !d->suspended && stops_code_here(d))
        r = RAN_HIT; /* the step ends where a stop is: that counts as its hit */
    return control_halt(d, r, HALT_STEP);
}
