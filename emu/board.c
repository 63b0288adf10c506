/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bare machine's answer to each kind of exit. A table by kind, so that it can be read beside
 * the table of any model.
 */
#include "board.h"

static enum cpu_act on_fault(struct domain *d, struct cpu_exit *x)
{
    struct x86_event ev = {.kind = X86_EV_FAULT,
                           .vector = x->fault.vector,
                           .has_error = x->fault.has_error,
                           .error = x->fault.error,
                           .cr2 = x->fault.cr2};
    if (!cpu_inject(d->cpu, &ev))
        domain_kill(d, "triple fault after exception %u", x->fault.vector);
    return CPU_DONE;
}

static enum cpu_act on_softint(struct domain *d, struct cpu_exit *x)
{
    struct x86_event ev = {.kind = X86_EV_SOFT, .vector = x->softint.vector, .len = x->len};
    if (!cpu_inject(d->cpu, &ev))
        domain_kill(d, "triple fault after INT %#x", x->softint.vector);
    return CPU_DONE;
}

static enum cpu_act on_io(struct domain *d, struct cpu_exit *x)
{
    if (x->io.in)
        x->io.value = pc_port_read(d->pc, x->io.port, x->io.size);
    else
        pc_port_write(d->pc, x->io.port, x->io.size, x->io.value);
    return CPU_DONE;
}

static enum cpu_act on_hlt(struct domain *d, struct cpu_exit *x)
{
    (void)x;
    d->state.halted = 1;
    cpu_halt(d->cpu);
    return CPU_DONE;
}

static enum cpu_act on_cpuid(struct domain *d, struct cpu_exit *x)
{
    (void)d;
    struct cpuid_answer a = board_cpuid(x->cpuid.leaf, x->cpuid.subleaf);
    x->cpuid.eax = a.eax;
    x->cpuid.ebx = a.ebx;
    x->cpuid.ecx = a.ecx;
    x->cpuid.edx = a.edx;
    return CPU_DONE;
}

/* The TSC is the cycle itself. */
static enum cpu_act on_rdtsc(struct domain *d, struct cpu_exit *x)
{
    x->rdtsc.value = cpu_now(d->cpu) + d->state.tsc_offset;
    return CPU_DONE;
}

static enum cpu_act on_msr(struct domain *d, struct cpu_exit *x)
{
    enum { MSR_TSC = 0x10 };
    bool known = true;

    if (x->msr.pmc) /* no performance counters: RDPMC of any index is an error */
        known = false;
    else if (x->msr.index == MSR_TSC && x->msr.write)
        d->state.tsc_offset = x->msr.value - cpu_now(d->cpu);
    else if (x->msr.index == MSR_TSC)
        x->msr.value = cpu_now(d->cpu) + d->state.tsc_offset;
    else if (x->msr.write)
        known = cpu_msr_set(d->cpu, x->msr.index, x->msr.value);
    else
        known = cpu_msr_get(d->cpu, x->msr.index, &x->msr.value);
    if (known)
        return CPU_DONE;
    cpu_raise(d->cpu, X86_GP, true, 0);
    return CPU_FAULT;
}

static enum cpu_act on_dr(struct domain *d, struct cpu_exit *x)
{
    if (x->dr.write)
        cpu_dr_set(d->cpu, x->dr.dr, x->dr.value);
    else
        x->dr.value = cpu_dr_get(d->cpu, x->dr.dr);
    return CPU_DONE;
}

/* SYSENTER as SDM 2B has it: flat ring-0 segments from the CS MSR, interrupts off. */
static enum cpu_act on_sysenter(struct domain *d, struct cpu_exit *x)
{
    enum { MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP };
    enum { CODE0 = 0x00C09B00, DATA0 = 0x00C09300 }; /* present, 32-bit, 4 GiB, accessed */
    uint64_t cs = 0, esp = 0, eip = 0;

    (void)x;
    cpu_msr_get(d->cpu, MSR_SYSENTER_CS, &cs);
    cpu_msr_get(d->cpu, MSR_SYSENTER_ESP, &esp);
    cpu_msr_get(d->cpu, MSR_SYSENTER_EIP, &eip);
    if (!(cs & 0xFFFC)) {
        cpu_raise(d->cpu, X86_GP, true, 0);
        return CPU_FAULT;
    }
    struct x86_regs *r = cpu_regs_rw(d->cpu);
    uint32_t sel = (uint32_t)cs & 0xFFFC;
    r->seg[S_CS] = (struct x86_seg){.sel = sel, .limit = 0xFFFFFFFF, .flags = CODE0};
    r->seg[S_SS] = (struct x86_seg){.sel = sel + 8, .limit = 0xFFFFFFFF, .flags = DATA0};
    r->cpl = 0;
    r->eflags &= ~(uint32_t)(FL_VM | FL_IF | FL_RF);
    r->gpr[R_ESP] = (uint32_t)esp;
    r->eip = (uint32_t)eip;
    return CPU_DONE;
}

static enum cpu_act on_nothing(struct domain *d, struct cpu_exit *x)
{
    (void)d;
    (void)x;
    return CPU_DONE;
}

static enum cpu_act on_stuck(struct domain *d, struct cpu_exit *x)
{
    domain_kill(d, "%s", x->stuck.why);
    return CPU_LEAVE;
}

static enum cpu_act (*const board[EXIT_KINDS])(struct domain *, struct cpu_exit *) = {
    [EXIT_FAULT] = on_fault,       [EXIT_SOFTINT] = on_softint, [EXIT_IO] = on_io,
    [EXIT_HLT] = on_hlt,           [EXIT_CPUID] = on_cpuid,     [EXIT_RDTSC] = on_rdtsc,
    [EXIT_MSR] = on_msr,           [EXIT_DR] = on_dr,           [EXIT_CR3] = on_nothing,
    [EXIT_SYSENTER] = on_sysenter, [EXIT_MMIO] = on_nothing,    [EXIT_MARK] = on_nothing,
    [EXIT_STUCK] = on_stuck,
};

enum cpu_act board_exit(struct domain *d, struct cpu_exit *x)
{
    return board[x->kind](d, x);
}
