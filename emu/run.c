/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The run loop: one function, one page. Everything else in this program is a detail of one of its
 * steps.
 *
 * Its law: what happens is a function of the cycle alone. A stop at any cycle, by a debugger, a
 * snapshot or a slice, must leave no trace; so each turn of the loop first does everything that is
 * due at the present cycle, until nothing is, and only then looks whether it shall stop.
 */
#include "domain.h"

/* How often a live console is looked at: cycles of guest time, a few milliseconds of the host's. */
#define LOOK_EVERY 4000000u

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * Deliver what the console has to say at this cycle. False: a pipe's next byte is due, and the
 * host does not have it yet. Guest time must then stand still until it has.
 *
 * Once for each cycle: a byte that somebody types while this cycle's interrupts are already being
 * delivered belongs to a later one, or a replay, which finds it in the log from the start, would
 * deliver it too early.
 */
static bool take_input(struct machine *m, struct domain *d, uint64_t now)
{
    if (m->input_taken_at == now)
        return true;
    while (machine_input_due(m) <= now) {
        uint16_t byte;
        if (!input_take(m->input, now, &byte))
            return false;
        domain_emit(d, EVENT_input, byte, 0, 0, 0);
        d->ops->console_receive(d, byte == INPUT_END ? INPUT_EOT : (uint8_t)byte);
    }
    m->input_taken_at = now;
    return true;
}

static bool take_stop(struct machine *m)
{
    bool stop = m->stop;
    m->stop = 0;
    return stop;
}

/* Nothing runs: let time pass up to `next`; or end it, when nothing will ever happen again. */
static void pass_time(struct machine *m, struct domain *d, uint64_t now, uint64_t next)
{
    if (d->ops->wakeable && !d->ops->wakeable(d)) {
        domain_kill(d, "halted with interrupts off: nothing can wake it");
        return;
    }
    /* A patient pipe is no hope either: a guest that sleeps does not ask for its bytes. */
    if (next == CLOCK_NEVER && (!input_is_open(m->input) || input_is_patient(m->input))) {
        domain_kill(d, "halted with no timer armed and no more input: nothing can wake it");
        return;
    }
    uint64_t wait = next == CLOCK_NEVER ? LOOK_EVERY : next - now;
    uint64_t passed = m->host.idle ? m->host.idle(m->host.ctx, wait) : wait;
    passed = earliest(passed, wait);
    cpu_charge(d->cpu, passed);
    d->state.idle_cycles += passed;
}

enum end_kind machine_run(struct machine *m, uint64_t until)
{
    struct domain *d = m->domain;
    uint64_t limit = m->config.max_cycles ? m->config.max_cycles : CLOCK_NEVER;

    for (;;) {
        uint64_t now = cpu_now(d->cpu);

        /* 1. What is due: timers move interrupt lines, the console gets its byte. */
        if (m->host.look)
            m->host.look(m->host.ctx);
        clock_run_due(&m->clock, now);
        if (!d->end.kind && !take_input(m, d, now)) {
            /* What belongs to this cycle is not complete. Nothing overtakes the byte: neither an
               interrupt, nor `until`. */
            if (take_stop(m))
                return END_NONE;
            continue;
        }

        /* 2. May the vcpu take an interrupt? Then it does, before the next instruction. */
        bool pending = d->ops->irq_pending(d);
        if (pending && !d->end.kind && d->ops->interruptible(d)) {
            d->state.halted = 0;
            d->state.irqs++;
            d->ops->interrupt(d);
            continue;
        }
        d->window_wanted = pending;
        cpu_want_window(d->cpu, pending);

        /* 3. Is it over, or enough for now? */
        if (d->end.kind)
            return d->end.kind;
        if (now >= limit)
            return END_MAX_CYCLES;
        if (now >= until || take_stop(m))
            return END_NONE;

        /* 4. Until when can nothing happen by itself? */
        uint64_t next =
            earliest(earliest(clock_next(&m->clock), machine_input_due(m)), earliest(until, limit));
        if (next <= now) /* input that came when this cycle's had been taken already */
            next = now + 1;

        /* 5. Halted: nothing runs, time passes. Else run guest code up to there; its exits are
              answered on the way, in domain.c. */
        if (d->state.halted) {
            pass_time(m, d, now, next);
            continue;
        }
        if (m->host.look)
            next = earliest(next, now + LOOK_EVERY);
        m->running_until = next;
        cpu_run(d->cpu, next);
    }
}
