/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps backward. The machine cannot undo an instruction; it can go to a little before and run forward
 * again to the one before this. A step over something that has just ended is a search, backward, for
 * where it began.
 */
#include "step.h"

/* The boundary before now. False: there is none, or interrupted. */
bool control_back_one(struct debug *d)
{
    struct moment here = debug_now(d);
    uint64_t first = d->snap[0].at.cycle;

    if (moment_compare(here, d->snap[0].at) <= 0)
        return false;
    for (uint64_t back = 24;; back *= 24) {
        uint64_t from = here.cycle - first > back ? here.cycle - back : first;
        struct moment at = {from, UINT64_MAX, MOMENT_BOUNDARY}, last;
        if (!timeline_go(d, from == first ? d->snap[0].at : at) || d->interrupted)
            return false;
        last = debug_now(d);
        if (moment_compare(last, here) >= 0)
            continue;
        for (;;) {
            d->looking = LOOK_AT_NOTHING;
            d->muted = true;
            enum ran r = control_step_quietly(d);
            struct moment now = debug_now(d);
            if (r != RAN_UNTIL || moment_compare(now, here) >= 0)
                break;
            last = now;
        }
        return timeline_go(d, last);
    }
}

static const struct halt *back_to_event(struct debug *d, uint64_t kinds)
{
    step_pause_at(d, kinds, step_any_event, NULL);
    const struct halt *h = debug_reverse_continue(d);
    step_no_pause(d);
    return h;
}

static bool same_esp(void *ctx, struct debug *d, const struct stop *stop, const struct event *e)
{
    const uint32_t *esp = ctx;

    (void)stop, (void)e;
    return cpu_gpr(d->m->domain->cpu, R_ESP) == *esp;
}

/* Backward through a function that was just entered by its end: to its call. False, and where it was:
   it was not called, as far as can be seen, or interrupted. */
static bool back_over(struct debug *d, uint32_t entry, uint32_t esp)
{
    struct stop call = {.kind = STOP_CODE,
                        .enabled = true,
                        .addrs = 1,
                        .addr = {entry},
                        .test = same_esp,
                        .test_ctx = &esp};

    struct moment here = debug_now(d);
    enum halt_why why = debug_seek(d, &call, true)->why;
    if (why == HALT_STOP && control_back_one(d))
        return true;
    timeline_go(d, here);
    d->interrupted = why == HALT_INTERRUPTED;
    return false;
}

static bool interrupts_here(void *ctx, const struct event *e)
{
    const struct place_to_be *p = ctx;
    const struct x86_regs *r = cpu_regs(p->d->m->domain->cpu);

    (void)e;
    return (r->eip == p->eip || r->eip + 2 == p->eip) && r->gpr[R_ESP] == p->esp &&
           (!p->task || step_is_pid(p->d, p->pid));
}

/* Backward over an interrupt, whose handler has just returned to `at`: to before it. */
static bool back_over_interrupt(struct debug *d, const struct context *at)
{
    struct place_to_be p = step_place(d, at->eip, at->esp, at->cpl, false);

    step_pause_at(d, BIT(irq) | BIT(fault) | BIT(softint), interrupts_here, &p);
    struct moment here = debug_now(d);
    enum halt_why why = debug_reverse_continue(d)->why;
    step_no_pause(d);
    if (why == HALT_STEP && control_back_one(d))
        return true;
    timeline_go(d, here);
    d->interrupted = why == HALT_INTERRUPTED;
    return false;
}

/* Is the instruction that runs next a RET or IRET: going back over it enters what it left? */
static bool is_return(struct debug *d, const struct context *c, bool *iret)
{
    uint8_t code[16] = {0};

    cpu_fetch(d->m->domain->cpu, GVA(c->eip), code, sizeof code);
    *iret = code[0] == 0xCF;
    return code[0] == 0xC3 || code[0] == 0xC2 || *iret;
}

/* The instruction before; but over an interrupt that came between, and over calls if they are not to be
   entered (or cannot: no source). */
static bool back_one_or_over(struct debug *d, enum reach reach)
{
    struct context at = step_context(d), last; /* natural ones: only their registers count */
    bool iret;

    if (!control_back_one(d))
        return false;
    last = step_context(d);
    if (!is_return(d, &last, &iret))
        return true;
    uint32_t entry, esp;
    if (iret)
        back_over_interrupt(d, &at);
    else if ((reach == REACH_OVER || !last.spot.known) && source_entry(d, &entry, &esp))
        back_over(d, entry, esp);
    return !d->interrupted;
}

static const struct halt *backward_insn(struct debug *d, enum reach reach)
{
    if (reach == REACH_OVER && !d->suspended) {
        struct moment here = debug_now(d);
        if (back_one_or_over(d, reach))
            return control_halt_at(d, HALT_STEP);
        if (!d->interrupted)
            return control_halt_at(d, HALT_BEGINNING);
        d->interrupted = 0;
        timeline_go(d, here);
        return control_halt_at(d, HALT_INTERRUPTED);
    }
    if (!control_back_one(d))
        return control_halt_at(d, d->interrupted ? HALT_INTERRUPTED : HALT_BEGINNING);
    return control_halt_at(d, HALT_STEP);
}

/* To the stage before; from the first one to the instruction that left the guest, not into what some
   other crossing did before that. */
static const struct halt *back_in_crossing(struct debug *d)
{
    struct moment here = debug_now(d);

    if (!control_back_one(d))
        return control_halt_at(d, d->interrupted ? HALT_INTERRUPTED : HALT_BEGINNING);
    struct moment outside = debug_now(d);
    if (!timeline_go(d, here))
        return control_halt_at(d, HALT_INTERRUPTED);
    const struct halt *h = back_to_event(d, BIT(stage) | BIT(hypercall));
    if (h->why == HALT_INTERRUPTED || moment_compare(debug_now(d), outside) > 0)
        return h;
    timeline_go(d, outside);
    return control_halt_at(d, HALT_STEP);
}

/*
 * To the beginning of the line before; from the middle of a line to the beginning of that one, as gdb
 * does. A line may be many stretches of code (what the compiler put inline, above all): its
 * beginning is where the guest came from another line, or jumped back in a loop.
 */
static const struct halt *backward_line(struct debug *d, enum reach reach)
{
    struct context line = step_context(d);
    bool found = false; /* we are inside the line that we look for the beginning of */

    if (d->suspended)
        return back_in_crossing(d);
    if (!line.spot.known)
        return backward_insn(d, reach);
    const struct source_spot first = line.spot, *over = reach == REACH_OVER ? &first : NULL;
    for (;;) {
        struct moment here = debug_now(d);
        struct context at = step_context_seen(d, over);
        if (!back_one_or_over(d, reach))
            return control_halt_at(d, d->interrupted ? HALT_INTERRUPTED : HALT_BEGINNING);
        struct context last = step_context_seen(d, over);
        bool same = last.spot.known && last.spot.line == line.spot.line &&
                    last.spot.function == line.spot.function && last.cpl == line.cpl &&
                    last.eip < at.eip;
        if (!found && !same) {
            if (!last.spot.known || last.spot.prologue)
                continue;
            line = last; /* we stood at a beginning: it is the line before that counts */
        } else if (found && !same) {
            timeline_go(d, here);
            return control_halt_at(d, HALT_STEP);
        }
        found = true;
        if (reach == REACH_INTO && source_is_site(d, last.eip))
            return control_halt_at(d, HALT_STEP);
    }
}

/* Out of a function, backward: to its call. */
static const struct halt *backward_finish(struct debug *d)
{
    uint32_t entry, esp;

    if (d->suspended) {
        struct moment from, to;
        if (debug_last_crossing(d, &from, &to))
            timeline_go(d, from);
        return control_halt_at(d, HALT_STEP);
    }
    if (!source_entry(d, &entry, &esp) || !back_over(d, entry, esp))
        return control_halt_at(d, d->interrupted ? HALT_INTERRUPTED : HALT_NONE);
    return control_halt_at(d, HALT_STEP);
}

const struct halt *step_back(struct debug *d, enum grain grain, enum reach reach)
{
    struct err err = {0};

    switch (grain) {
    case GRAIN_LINE:
        return reach == REACH_OUT ? backward_finish(d) : backward_line(d, reach);
    case GRAIN_INSN:
        return reach == REACH_OUT ? backward_finish(d) : backward_insn(d, reach);
    case GRAIN_HYPERCALL:
        return back_to_event(d, BIT(hypercall));
    case GRAIN_EXIT:
        return back_to_event(d, EXITS);
    default:
        break;
    }
    if (!control_want_tracer(d, &err))
        return control_halt_at(d, HALT_NONE);
    const struct halt *h = back_to_event(d, BIT(hook));
    control_drop_tracer(d);
    return h;
}
