/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts on a PC: the 8259 says that one waits, EFLAGS.IF and the shadow of STI say whether
 * the CPU listens, and the acknowledge cycle asks the 8259 for the vector.
 */
#include "native.h"

bool native_irq_pending(struct domain *d)
{
    return pc_irq_pending(d->pc);
}

bool native_interruptible(struct domain *d)
{
    return cpu_interruptible(d->cpu);
}

void native_interrupt(struct domain *d)
{
    struct x86_event ev = {.kind = X86_EV_EXTERNAL, .vector = pc_irq_ack(d->pc)};

    hv_cost(d, NATIVE_COST_IRQ);
    hv_stage(d, "acknowledge the 8259, deliver its vector", ev.vector);
    domain_emit(d, EVENT_irq, ev.vector, 0, 0, 0);
    if (!cpu_inject(d->cpu, &ev))
        domain_kill(d, "triple fault: no handler for interrupt vector %#x", ev.vector);
}

/* With IF clear no maskable interrupt ends a HLT, and this PC has no NMI button. */
bool native_wakeable(struct domain *d)
{
    return cpu_regs(d->cpu)->eflags & FL_IF;
}
