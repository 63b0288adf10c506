/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a PC does when the CPU leaves guest code. For most kinds of exit the table has NULL: the
 * board's answer (emu/board.c) is the native answer. The four that every hypervisor handles in its
 * own way are spelled out, so that their files can be laid side by side with native's.
 */
#include "native.h"

/* An exception goes to the guest's own handler, through the guest's own IDT. */
enum hv_act native_fault(struct domain *d, struct cpu_exit *x)
{
    struct x86_event ev = {
        .kind = X86_EV_FAULT,
        .vector = x->fault.vector,
        .has_error = x->fault.has_error,
        .error = x->fault.error,
        .cr2 = x->fault.cr2,
    };
    hv_cost(d, NATIVE_COST_FAULT);
    hv_stage2(d, "deliver the exception through the guest's IDT", ev.vector, ev.error);
    if (!cpu_inject(d->cpu, &ev)) {
        domain_kill(d, "triple fault: no handler for exception %u, and none for the double fault",
                    ev.vector);
        return HV_KILL;
    }
    return HV_RESUME;
}

/* INT n: the gate's DPL decides whether this ring may use it. */
enum hv_act native_softint(struct domain *d, struct cpu_exit *x)
{
    struct x86_event ev = {.kind = X86_EV_SOFT, .vector = x->softint.vector, .len = x->len};
    hv_cost(d, NATIVE_COST_INT);
    hv_stage(d, "take the software interrupt through its gate", ev.vector);
    if (!cpu_inject(d->cpu, &ev)) {
        domain_kill(d, "triple fault: INT %#x found no handler, nor did the double fault",
                    ev.vector);
        return HV_KILL;
    }
    return HV_RESUME;
}

/* A port access reaches the board. */
enum hv_act native_io(struct domain *d, struct cpu_exit *x)
{
    hv_cost(d, NATIVE_COST_PORT);
    if (x->io.in)
        hv_stage(d, "read the port", x->io.port);
    else
        hv_stage2(d, "write the port", x->io.port, x->io.value);
    return HV_DEFAULT;
}

/* HLT: nothing runs until an interrupt arrives. */
enum hv_act native_hlt(struct domain *d, struct cpu_exit *x)
{
    (void)x;
    hv_stage(d, "stop the CPU until the next interrupt", 0);
    return HV_DEFAULT;
}
