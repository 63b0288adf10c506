/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts that do not exist, for a guest that masks them without telling.
 *
 * The guest's interrupt flag is the word irq_enabled in lguest_data. "cli" is a store of 0 to it, and
 * costs what a store costs. So when a line rises we look into that word: if it has IF, we push a frame
 * and enter the handler; if not, we leave a note in irq_pending, and the guest, which reads that note
 * whenever it enables interrupts, comes to us by SEND_INTERRUPTS. Whoever enables them by IRET leaves
 * no note and makes no call; therefore we also look again after a while.
 *
 * There is one place where a guest must not be interrupted although its flag is set: between the
 * store of the new flag and the IRET. The guest told us its addresses (noirq_start, noirq_end).
 */
#include "lguest.h"

enum {
    LOOK_WINDOW = 3,       /* cycles: the guest is about to leave the window by IRET */
    LOOK_MASKED = 2000,    /* its flag is clear */
    LOOK_BLOCKED = 100000, /* it has masked the line itself: as a host's own tick would come by */
};

/* ---- time ---- */

void lguest_write_time(struct domain *d)
{
    uint64_t now = cpu_now(d->cpu);

    lguest_data_put(d, LGUEST_DATA_time,
                    (uint32_t)(d->machine->config.rtc_epoch + (int64_t)(now / CYCLES_PER_SECOND)));
    lguest_data_put(d, LGUEST_DATA_time + 4, (uint32_t)(now % CYCLES_PER_SECOND));
}

/* A cycle is a nanosecond. */
void lguest_set_clockevent(struct domain *d, uint32_t ns)
{
    struct lguest *lg = lguest_of(d);
    hv_stage(d, "set the one-shot clock, or with 0 stop it", ns);
    lg->clock_due = ns ? cpu_now(d->cpu) + ns : CLOCK_NEVER;
}

static void clock_fires(void *ctx, uint64_t now)
{
    struct domain *d = ctx;
    (void)now;
    lguest_of(d)->clock_due = CLOCK_NEVER;
    hv_stage(d, "the clock event is due: line 0", 0);
    lguest_raise(d, 0);
}

static void look_again(void *ctx, uint64_t now)
{
    struct domain *d = ctx;
    (void)now;
    lguest_of(d)->vif.look_due = CLOCK_NEVER;
    if (!d->end.kind)
        lguest_consider_interrupts(d, cpu_eip(d->cpu));
}

void lguest_attach(struct domain *d)
{
    struct lguest *lg = lguest_of(d);

    vif_init(&lg->vif);
    lg->clock_due = CLOCK_NEVER;
    clock_add_timer(&d->machine->clock, "lguest: clock event", &lg->clock_due, clock_fires, d);
    clock_add_timer(&d->machine->clock, "lguest: look again for interrupts", &lg->vif.look_due,
                    look_again, d);
}

/* ---- which one, and when ---- */

void lguest_raise(struct domain *d, unsigned line)
{
    vif_raise(&lguest_of(d)->vif, line);
    if (!d->end.kind)
        lguest_consider_interrupts(d, cpu_eip(d->cpu));
}

static uint32_t candidates(struct domain *d)
{
    const struct lguest *lg = lguest_of(d);
    uint32_t lines = lg->vif.pending & ~lguest_data_get(d, LGUEST_DATA_blocked_interrupts);

    for (uint32_t left = lines; left; left &= left - 1) {
        unsigned line = (unsigned)vif_lowest(left);
        if (!lguest_gate_present(lg, LGUEST_IRQ_VECTOR + line))
            lines &= ~(1u << line);
    }
    return lines;
}

void lguest_consider_interrupts(struct domain *d, uint32_t eip)
{
    struct lguest *lg = lguest_of(d);
    struct vif *v = &lg->vif;

    v->deliver = 0;
    if (!lg->data || !v->pending)
        return;
    uint32_t lines = candidates(d);
    if (!lines) {
        if (!lg->halted)
            vif_look_in(v, d, LOOK_BLOCKED);
        return;
    }
    if (!lg->halted) {
        if (!(lguest_data_get(d, LGUEST_DATA_irq_enabled) & LGUEST_IF)) {
            hv_stage(d, "masked by the flag in memory: leave a note in irq_pending", lines);
            lguest_data_put(d, LGUEST_DATA_irq_pending, LGUEST_IF);
            vif_look_in(v, d, LOOK_MASKED);
            return;
        }
        if ((eip >= lg->noirq_start && eip < lg->noirq_end) || !cpu_interruptible(d->cpu)) {
            hv_stage(d, "in the window before IRET: not now", eip);
            vif_look_in(v, d, LOOK_WINDOW);
            return;
        }
    }
    v->deliver = (uint32_t)vif_lowest(lines) + 1;
}

void lguest_lines(struct domain *d, struct hv_lines *out)
{
    const struct lguest *lg = lguest_of(d);

    *out = (struct hv_lines){
        .n = LGUEST_IRQS,
        .first_vector = LGUEST_IRQ_VECTOR,
        .pending = lg->vif.pending,
        .blocked = lguest_data_get(d, LGUEST_DATA_blocked_interrupts),
        .next = lg->vif.deliver,
    };
}

/* ---- what the run loop asks ---- */

/* The serial line of Ringside's making hangs on the board's 8259, which was told to acknowledge by
   itself: it is a wire to us, nothing more. */
static void take_board_lines(struct domain *d)
{
    while (pc_irq_pending(d->pc))
        lguest_raise(d, pc_irq_ack(d->pc) % LGUEST_IRQS);
}

bool lguest_irq_pending(struct domain *d)
{
    take_board_lines(d);
    return lguest_of(d)->vif.deliver;
}

bool lguest_interruptible(struct domain *d)
{
    (void)d;
    return true; /* or lguest_consider_interrupts() would not have chosen one */
}

void lguest_interrupt(struct domain *d)
{
    struct lguest *lg = lguest_of(d);
    unsigned line = lg->vif.deliver - 1, vector = LGUEST_IRQ_VECTOR + line;

    lg->vif.deliver = 0;
    hv_cost(d, LGUEST_COST_IRQ);
    if (lg->halted) {
        hv_stage(d, "it sleeps: wake it, with interrupts on", 0);
        lguest_data_put(d, LGUEST_DATA_irq_enabled, LGUEST_IF);
        lg->halted = 0;
        cpu_wake(d->cpu);
    }
    lg->vif.pending &= ~(1u << line);
    lguest_write_time(d);
    if (!candidates(d))
        lguest_data_put(d, LGUEST_DATA_irq_pending, 0);
    hv_stage(d, "deliver the line's vector", vector);
    domain_emit(d, EVENT_irq, vector, 0, 0, 0);
    if (lguest_enter_gate(d, vector, false, 0, cpu_eip(d->cpu), false))
        lguest_consider_interrupts(d, cpu_eip(d->cpu));
}

/* ---- sleep ---- */

void lguest_halt(struct domain *d)
{
    hv_stage(d, "sleep until an interrupt", 0);
    lguest_of(d)->halted = 1;
    d->state.halted = 1;
    cpu_halt(d->cpu);
}

/* Something must be able to come: a line that is not blocked and has a gate. */
bool lguest_wakeable(struct domain *d)
{
    const struct lguest *lg = lguest_of(d);
    uint32_t open = ~lguest_data_get(d, LGUEST_DATA_blocked_interrupts);

    for (; open; open &= open - 1)
        if (lguest_gate_present(lg, LGUEST_IRQ_VECTOR + (unsigned)vif_lowest(open)))
            return true;
    return false;
}
