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

/*
 * The CPU keeps the values of most of these; that they exist is the board's word. Two it does not
 * know, so they read as zero, and zero is the truth: no microcode is loaded (a kernel asks by
 * writing 0, CPUID and reading), and the platform's number, which only choosing microcode needs.
 */
static bool msr_exists(uint32_t index, bool write, uint64_t value)
{
    enum { SYSENTER_CS = 0x174, SYSENTER_EIP = 0x176, PAT = 0x277, MISC_ENABLE = 0x1A0 };
    enum { PLATFORM_ID = 0x17, BIOS_SIGN_ID = 0x8B };
    const uint32_t efer = 0xC0000080;

    if (index == PLATFORM_ID)
        return !write;
    if (index == BIOS_SIGN_ID)
        return !write || !value;
    if (index == efer)
        return !write || !(value & ~(uint64_t)EFER_NXE); /* no long mode, no SYSCALL, no SVM */
    return (index >= SYSENTER_CS && index <= SYSENTER_EIP) || index == PAT || index == MISC_ENABLE;
}

static enum cpu_act on_msr(struct domain *d, struct cpu_exit *x)
{
    enum { TSC = 0x10 };

    if (!x->msr.pmc && x->msr.index == TSC) {
        if (x->msr.write)
            d->state.tsc_offset = x->msr.value - cpu_now(d->cpu);
        else
            x->msr.value = cpu_now(d->cpu) + d->state.tsc_offset;
        return CPU_DONE;
    }
    /* There are no performance counters: RDPMC of any index is an error. */
    if (!x->msr.pmc && msr_exists(x->msr.index, x->msr.write, x->msr.value))
        return CPU_DONE;
    cpu_raise(d->cpu, X86_GP, true, 0);
    return CPU_FAULT;
}

/* The CPU itself does the rest. */
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
    [EXIT_FAULT] = on_fault,      [EXIT_SOFTINT] = on_softint, [EXIT_IO] = on_io,
    [EXIT_HLT] = on_hlt,          [EXIT_CPUID] = on_cpuid,     [EXIT_RDTSC] = on_rdtsc,
    [EXIT_MSR] = on_msr,          [EXIT_DR] = on_nothing,      [EXIT_CR3] = on_nothing,
    [EXIT_SYSENTER] = on_nothing, [EXIT_MMIO] = on_nothing,    [EXIT_MARK] = on_nothing,
    [EXIT_STUCK] = on_stuck,
};

enum cpu_act board_exit(struct domain *d, struct cpu_exit *x)
{
    return board[x->kind](d, x);
}
