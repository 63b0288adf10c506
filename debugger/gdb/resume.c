/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest runs for gdb, forward and backward, and gdb is told where it came to stand.
 *
 * Three things are done in gdb's way. Going backward, a watchpoint is met before the access and not
 * behind it: gdb compares the value that it knows with the one that is there then. A step runs through
 * interrupts that come in just then, as QEMU's does: their handlers are no part of the line. And a
 * guest that dies gets a signal first, so that one can look at it, or go back; only to go on from
 * there ends it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "internal.h"

/* gdb's numbers of signals are its own (include/gdb/signals.def there). */
enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5, SIGNAL_ABRT = 6, SIGNAL_XCPU = 24 };

static void run(struct gdb_stub *g, bool runs)
{
    if (g->setup.running)
        g->setup.running(g->setup.ctx, runs);
    if (runs)
        return;
    /* What was said too late was said to a guest that already stood. */
    debug_forget_interrupt(g->debug);
    if (g->setup.shell)
        shell_moved(g->setup.shell);
}

/* ---- stop replies ---- */

static void reply_signal(struct gdb_stub *g, unsigned signal, const char *why)
{
    gdb_put(&g->reply, "T%02x%sthread:1;", signal, why);
}

static void reply_end(struct gdb_stub *g, enum halt_why why)
{
    struct machine *m = debug_machine(g->debug);
    const struct end *end = &m->domain->end;
    bool limit = why == HALT_LIMIT, died = !limit && end->kind == END_DIED;

    if ((limit || died) && !g->ended_told) {
        g->ended_told = true;
        if (limit)
            gdb_say(g, "Ringside: cycle %" PRIu64 ": --max-cycles ends the run here.\n",
                    machine_now(m));
        else
            gdb_say(g, "Ringside: the guest died: %s\n", end->reason);
        reply_signal(g, limit ? SIGNAL_XCPU : SIGNAL_ABRT, "");
        return;
    }
    g->wish = GDB_EXITED;
    if (died)
        gdb_put(&g->reply, "X%02x", SIGNAL_ABRT);
    else if (limit) /* the statuses are those of `ringside run` */
        gdb_put(&g->reply, "W%02x", EX_TEMPFAIL);
    else if (end->kind == END_POWEROFF)
        gdb_put(&g->reply, "W%02x", end->status > 255 ? 255 : end->status);
    else
        gdb_put(&g->reply, "W00");
}

static void reply_stop(struct gdb_stub *g, const struct halt *h)
{
    static const char *const watch[] = {"watch", "rwatch", "awatch"};
    const struct gdb_stop *s = gdb_stop_of(g, h->stop);
    char why[40] = "";

    if (s && s->type >= 2)
        snprintf(why, sizeof why, "%s:%x;", watch[s->type - 2], s->at);
    else if (s && s->type == 1 && g->hwbreak)
        snprintf(why, sizeof why, "hwbreak:;");
    else if (s && s->type == 0 && g->swbreak)
        snprintf(why, sizeof why, "swbreak:;");
    reply_signal(g, SIGNAL_TRAP, why);
}

/* A stop that was made by `monitor break` and its like: gdb knows nothing of it, the person does. */
static void tell_stop(struct gdb_stub *g, const struct halt *h)
{
    struct stop *s = gdb_stop_of(g, h->stop) ? NULL : debug_stop_number(g->debug, h->stop);

    if (!s)
        return;
    gdb_say(g, "Ringside: stop %u, %s%s\n", s->number, s->what,
            debug_inside(g->debug)
                ? ": inside the crossing; gdb shows the instruction that left the guest"
                : "");
    if (s->temporary)
        debug_stop_delete(g->debug, s);
}

static void reply_halt(struct gdb_stub *g, const struct halt *h)
{
    if (h->why != HALT_ENDED && h->why != HALT_LIMIT)
        g->ended_told = false;
    switch (h->why) {
    case HALT_STOP:
        tell_stop(g, h);
        reply_stop(g, h);
        break;
    case HALT_INTERRUPTED:
        reply_signal(g, SIGNAL_INT, "");
        break;
    case HALT_ENDED:
    case HALT_LIMIT:
        reply_end(g, h->why);
        break;
    case HALT_BEGINNING:
        reply_signal(g, SIGNAL_TRAP, "replaylog:begin;");
        break;
    case HALT_RECORDED:
        reply_signal(g, SIGNAL_TRAP, "replaylog:end;");
        break;
    default:
        reply_signal(g, SIGNAL_TRAP, "");
        break;
    }
}

void gdb_stand(struct gdb_stub *g)
{
    reply_signal(g, SIGNAL_TRAP, "");
}

/* ---- one instruction forward ---- */

static void note_interrupt(void *ctx, const struct event *e)
{
    bool *came = ctx;

    if (e->kind == EVENT_irq)
        *came = true;
}

/* Where an interrupt that was just taken goes on, and with which ESP. */
struct aside {
    uint32_t eip, esp, cr3, cpl;
};

static bool is_back(void *ctx, struct debug *d, const struct stop *s, const struct event *e)
{
    const struct aside *a = ctx;
    const struct x86_regs *r = cpu_regs(debug_machine(d)->domain->cpu);

    (void)s, (void)e;
    return r->gpr[R_ESP] == a->esp && r->cr3 == a->cr3 && r->cpl == a->cpl;
}

/* Through the handler, to where it returns; to anything else that stops the guest, if that is first. */
static const struct halt *run_aside(struct gdb_stub *g, const struct aside *before)
{
    const struct x86_regs *r = cpu_regs(debug_machine(g->debug)->domain->cpu);
    struct aside back = *before;
    struct err err = {0};

    /* EIP, CS, EFLAGS; and ESP, SS from another ring (SDM volume 3, 6.12). */
    if (!debug_peek(g->debug, r->gpr[R_ESP], &back.eip, 4) ||
        (r->cpl != before->cpl && !debug_peek(g->debug, r->gpr[R_ESP] + 12, &back.esp, 4)))
        return debug_halt(g->debug);
    if (r->cpl == before->cpl)
        back.esp = r->gpr[R_ESP] + 12;
    struct stop *s = debug_stop_new(g->debug, STOP_CODE, "", &err);
    if (!s)
        return debug_halt(g->debug);
    s->internal = true;
    s->addrs = 1;
    s->addr[0] = back.eip;
    s->test = is_back;
    s->test_ctx = &back;
    if (!debug_stop_arm(g->debug, s, &err)) {
        debug_stop_delete(g->debug, s);
        return debug_halt(g->debug);
    }
    const struct halt *h = debug_continue(g->debug);
    debug_stop_delete(g->debug, s);
    return h;
}

/* A step that is over: nothing else stopped the guest. (A stop that is gone was run_aside()'s.) */
static bool is_step(const struct gdb_stub *g, const struct halt *h)
{
    return h->why == HALT_STEP || (h->why == HALT_STOP && !debug_stop_number(g->debug, h->stop));
}

static struct halt step_forward(struct gdb_stub *g)
{
    struct machine *m = debug_machine(g->debug);
    const struct x86_regs *r = cpu_regs(m->domain->cpu);
    struct aside before = {r->eip, r->gpr[R_ESP], r->cr3, r->cpl};
    bool interrupted = false, inside = debug_inside(g->debug);

    bool listens = !inside && events_subscribe(m->events, EV_GUEST, note_interrupt, &interrupted);
    const struct halt *h = debug_step(g->debug, GRAIN_INSN, REACH_INTO, false);
    if (listens)
        events_unsubscribe(m->events, note_interrupt, &interrupted);
    if (h->why != HALT_STEP || !interrupted || debug_inside(g->debug))
        return *h;
    return *run_aside(g, &before);
}

/* ---- backward ---- */

/*
 * To the boundary before now. If the instruction between touches what gdb watches, that is what
 * happened: it is run forward once to see.
 */
static struct halt step_backward(struct gdb_stub *g)
{
    struct halt back = *debug_step(g->debug, GRAIN_INSN, REACH_INTO, true);

    if (back.why != HALT_STEP || !gdb_watches(g))
        return back;
    struct moment before = debug_now(g->debug);
    struct halt again = *debug_step(g->debug, GRAIN_INSN, REACH_INTO, false);
    const struct halt *h = debug_goto(g->debug, before);
    if (h->why != HALT_GOAL)
        return *h;
    return again.has_access && gdb_stop_of(g, again.stop) ? again : back;
}

static struct halt continue_backward(struct gdb_stub *g)
{
    struct moment here = debug_now(g->debug);

    /* An access by the instruction right before: behind it is here, where a search would not look. */
    if (gdb_watches(g)) {
        struct halt h = step_backward(g);
        if (h.why != HALT_STEP)
            return h;
        const struct halt *again = debug_goto(g->debug, here);
        if (again->why != HALT_GOAL)
            return *again;
    }
    struct halt h = *debug_reverse_continue(g->debug);
    if (h.why == HALT_STOP && h.has_access && gdb_stop_of(g, h.stop))
        debug_step(g->debug, GRAIN_INSN, REACH_INTO, true);
    return h;
}

/* ---- what gdb asks for ---- */

/*
 * An instruction that faults because a shadow table has no entry yet is begun twice, and for gdb it is
 * one: where all registers are as before, the step has not been made. (More than a few times it is an
 * instruction that does nothing, such as a jump to itself.)
 */
#define TRIES_MOST 4

static struct halt step_once(struct gdb_stub *g, bool backward)
{
    struct vcpu *cpu = debug_machine(g->debug)->domain->cpu;
    struct x86_regs before = *cpu_regs(cpu);
    struct halt h;
    unsigned tries = 0;

    do
        h = backward ? step_backward(g) : step_forward(g);
    while (h.why == HALT_STEP && !debug_inside(g->debug) && ++tries < TRIES_MOST &&
           !memcmp(before.gpr, cpu_regs(cpu)->gpr, sizeof before.gpr) &&
           before.eip == cpu_regs(cpu)->eip && before.eflags == cpu_regs(cpu)->eflags);
    return h;
}

void gdb_step(struct gdb_stub *g, bool backward, uint32_t lo, uint32_t hi)
{
    struct vcpu *cpu = debug_machine(g->debug)->domain->cpu;
    struct halt h;

    run(g, true);
    do
        h = step_once(g, backward);
    while (is_step(g, &h) && cpu_eip(cpu) >= lo && cpu_eip(cpu) < hi);
    run(g, false);
    if (is_step(g, &h))
        h.why = HALT_STEP;
    reply_halt(g, &h);
}

void gdb_continue(struct gdb_stub *g, bool backward)
{
    run(g, true);
    struct halt h = backward ? continue_backward(g) : *debug_continue(g->debug);
    run(g, false);
    reply_halt(g, &h);
}
