/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a sensitive instruction does when the engine does not run it. EIP is at the instruction and
 * stays there while the owner is asked; the answer is written back, then EIP moves on, unless the
 * owner moved it.
 */
#include "internal.h"

static uint32_t low(uint32_t v, unsigned size)
{
    return size == 4 ? v : v & ((1u << size * 8) - 1);
}

static void gp(struct vcpu *c)
{
    exit_fault(c, X86_GP, true, 0, 0);
}

/* Ask. True: done as asked, the answer is to be written back. */
static bool ask(struct vcpu *c, struct cpu_exit *x)
{
    if (exit_ask(c, x) == CPU_FAULT && c->raised) {
        exit_raised(c);
        return false;
    }
    return !c->injected && env_eip(c) == x->eip;
}

static struct cpu_exit exit_of(const struct vcpu *c, enum exit_kind kind, const struct site *s)
{
    return (struct cpu_exit){.kind = kind, .eip = env_eip(c), .len = s->insn.length};
}

static void done(struct vcpu *c, const struct cpu_exit *x)
{
    exit_advance(c, x->eip, x->len);
}

/* ---- ports ---- */

static uint16_t port_of(struct vcpu *c, const struct site *s)
{
    return s->insn.imm_port ? s->insn.port : (uint16_t)cpu_gpr(c, R_EDX);
}

static bool io_allowed(struct vcpu *c, uint16_t port, unsigned size)
{
    struct x86_regs light;
    if (!env_cpl(c))
        return true;
    regs_for_io(c, &light);
    return x86_io_allowed(&light, c->mem, port, size);
}

static void port(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_IO, s);
    uint32_t eax = cpu_gpr(c, R_EAX);
    x.io.port = port_of(c, s);
    x.io.size = s->insn.size;
    x.io.in = s->kind == INSN_IN;
    x.io.value = x.io.in ? ~0u : low(eax, x.io.size);
    if (!io_allowed(c, x.io.port, x.io.size)) {
        gp(c);
        return;
    }
    if (!ask(c, &x))
        return;
    if (x.io.in) {
        eax = cpu_gpr(c, R_EAX); /* the owner may have written it too: unused bits stay */
        uint32_t mask = low(~0u, x.io.size);
        cpu_set_gpr(c, R_EAX, (eax & ~mask) | (x.io.value & mask));
    }
    done(c, &x);
}

/* The count, index and their width of a string instruction. */
static uint32_t string_reg(struct vcpu *c, const struct site *s, unsigned r)
{
    return s->insn.addr16 ? cpu_gpr(c, r) & 0xffff : cpu_gpr(c, r);
}

static void set_string_reg(struct vcpu *c, const struct site *s, unsigned r, uint32_t v)
{
    if (s->insn.addr16)
        v = (cpu_gpr(c, r) & ~0xffffu) | (v & 0xffff);
    cpu_set_gpr(c, r, v);
}

/* INS and OUTS, one item. With REP the instruction is entered again for each, as the engine does it
   for MOVS and its kin, so that time passes and interrupts come between items. */
static void string_port(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_IO, s);
    unsigned size = s->insn.size, index = s->kind == INSN_INS ? R_EDI : R_ESI;
    uint32_t cr2 = 0, error = 0, at = string_reg(c, s, index);
    uint64_t cycle = c->now - 1; /* the owner may charge for the exit */
    bool user = env_cpl(c) == 3;
    if (s->insn.rep && !string_reg(c, s, R_ECX)) {
        done(c, &x);
        return;
    }
    x.io.port = (uint16_t)cpu_gpr(c, R_EDX);
    x.io.size = (uint8_t)size;
    x.io.in = s->kind == INSN_INS;
    const struct x86_regs *r = cpu_regs(c);
    if (r->cpl && !x86_io_allowed(r, c->mem, x.io.port, size)) {
        gp(c);
        return;
    }
    gva_t mem = GVA(r->seg[x.io.in ? S_ES : s->insn.seg].base + at);
    uint32_t item = 0;
    bool ok;
    if (x.io.in) {
        /* The page must be writable before the port is read: reading a port has effects. */
        struct x86_walk first, second;
        ok = x86_walk(r, c->mem, mem, X86_WRITE, user, true, &first);
        cr2 = mem.v;
        error = first.error;
        if (ok && mem.v % PAGE_SIZE + size > PAGE_SIZE) {
            cr2 = (mem.v | (PAGE_SIZE - 1)) + 1;
            ok = x86_walk(r, c->mem, GVA(cr2), X86_WRITE, user, true, &second);
            error = second.error;
        }
    } else {
        ok = x86_read(r, c->mem, mem, &item, size, user, &cr2, &error);
    }
    if (!ok) {
        exit_fault(c, X86_PF, true, error, cr2);
        return;
    }
    x.io.value = x.io.in ? ~0u : item;
    if (c->watch && !x.io.in)
        watch_emulated(c, cycle, mem, size, false, item);
    if (!ask(c, &x))
        return;
    if (c->watch && x.io.in)
        watch_emulated(c, cycle, mem, size, true, x.io.value);
    if (x.io.in && !x86_write(cpu_regs(c), c->mem, mem, &x.io.value, size, user, &cr2, &error)) {
        exit_fault(c, X86_PF, true, error, cr2); /* the owner took the page away meanwhile */
        return;
    }
    set_string_reg(c, s, index, cpu_regs(c)->eflags & FL_DF ? at - size : at + size);
    if (s->insn.rep) {
        uint32_t left = string_reg(c, s, R_ECX) - 1;
        set_string_reg(c, s, R_ECX, left);
        if (s->insn.addr16 ? left & 0xffff : left) {
            exit_advance(c, x.eip, 0);
            return;
        }
    }
    done(c, &x);
}

/* ---- the rest ---- */

static void cpuid(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_CPUID, s);
    x.cpuid.leaf = cpu_gpr(c, R_EAX);
    x.cpuid.subleaf = cpu_gpr(c, R_ECX);
    if (!ask(c, &x))
        return;
    cpu_set_gpr(c, R_EAX, x.cpuid.eax);
    cpu_set_gpr(c, R_EBX, x.cpuid.ebx);
    cpu_set_gpr(c, R_ECX, x.cpuid.ecx);
    cpu_set_gpr(c, R_EDX, x.cpuid.edx);
    done(c, &x);
}

static void put_edx_eax(struct vcpu *c, uint64_t v)
{
    cpu_set_gpr(c, R_EAX, (uint32_t)v);
    cpu_set_gpr(c, R_EDX, (uint32_t)(v >> 32));
}

static void rdtsc(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_RDTSC, s);
    if (env_cpl(c) && (env_get(c, c->at.cr + 32) & CR4_TSD)) {
        gp(c);
        return;
    }
    x.rdtsc.p = s->kind == INSN_RDTSCP;
    x.rdtsc.value = c->now;
    if (!ask(c, &x))
        return;
    put_edx_eax(c, x.rdtsc.value);
    if (x.rdtsc.p)
        cpu_set_gpr(c, R_ECX, 0);
    done(c, &x);
}

/* The MSRs that the CPU itself holds; for the others the owner alone answers. */
enum { MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_EIP = 0x176, MSR_PAT = 0x277, MSR_MISC = 0x1a0 };
#define MSR_EFER 0xc0000080u

static bool msr_is_engines(uint32_t index)
{
    return (index >= MSR_SYSENTER_CS && index <= MSR_SYSENTER_EIP) || index == MSR_EFER;
}

static uint64_t msr_read(struct vcpu *c, uint32_t index)
{
    uc_x86_msr m = {.rid = index};
    if (msr_is_engines(index))
        uc_reg_read(c->uc, UC_X86_REG_MSR, &m);
    return index == MSR_PAT ? c->msr_pat : index == MSR_MISC ? c->msr_misc : m.value;
}

static void msr_write(struct vcpu *c, uint32_t index, uint64_t v)
{
    uc_x86_msr m = {.rid = index, .value = v};
    if (index == MSR_PAT)
        c->msr_pat = v;
    else if (index == MSR_MISC)
        c->msr_misc = v;
    else if (index == MSR_EFER)
        cpu_regs_rw(c)->efer = (uint32_t)v & EFER_NXE;
    else if (msr_is_engines(index))
        uc_reg_write(c->uc, UC_X86_REG_MSR, &m);
    regs_commit(c);
}

static void msr(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_MSR, s);
    x.msr.index = cpu_gpr(c, R_ECX);
    x.msr.write = s->kind == INSN_WRMSR;
    x.msr.pmc = s->kind == INSN_RDPMC;
    if (x.msr.pmc && env_cpl(c) && !(env_get(c, c->at.cr + 32) & CR4_PCE)) {
        gp(c);
        return;
    }
    if (x.msr.write)
        x.msr.value = (uint64_t)cpu_gpr(c, R_EDX) << 32 | cpu_gpr(c, R_EAX);
    else if (!x.msr.pmc)
        x.msr.value = msr_read(c, x.msr.index);
    if (!ask(c, &x))
        return;
    if (x.msr.write)
        msr_write(c, x.msr.index, x.msr.value);
    else
        put_edx_eax(c, x.msr.value);
    done(c, &x);
}

/* Debug registers are ours alone: the engine would set host-side breakpoints from DR7 and crash. */
enum { DR6_ONES = 0xffff0ff0, DR7_ONES = 0x400, DR7_ZEROS = 0xd800 };

static void debug_register(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_DR, s);
    unsigned n = s->insn.special;
    if (n == 4 || n == 5) { /* other names of DR6 and DR7, unless debugging extensions are on */
        if (env_get(c, c->at.cr + 32) & CR4_DE) {
            exit_fault(c, X86_UD, false, 0, 0);
            return;
        }
        n += 2;
    }
    x.dr.dr = (uint8_t)n;
    x.dr.gpr = s->insn.reg;
    x.dr.write = s->kind == INSN_MOV_TO_DR;
    x.dr.value = x.dr.write ? cpu_gpr(c, s->insn.reg) : c->dr[n];
    if (!ask(c, &x))
        return;
    if (!x.dr.write)
        cpu_set_gpr(c, s->insn.reg, x.dr.value);
    else if (n == 6)
        c->dr[6] = x.dr.value | DR6_ONES;
    else if (n == 7)
        c->dr[7] = (x.dr.value | DR7_ONES) & ~(uint32_t)DR7_ZEROS;
    else
        c->dr[n] = x.dr.value;
    done(c, &x);
}

static void mov_to_cr3(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_CR3, s);
    x.cr3.value = cpu_gpr(c, s->insn.reg);
    if (!ask(c, &x))
        return;
    uc_reg_write(c->uc, UC_X86_REG_CR3, &x.cr3.value);
    done(c, &x);
}

static void mov_to_cr2(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_FAULT, s);
    c->cr2 = cpu_gpr(c, s->insn.reg);
    env_put_reg(c, c->at.cr + 16, c->cr2);
    done(c, &x);
}

/* SDM volume 2, SYSENTER: flat segments from one MSR, interrupts off. */
static void sysenter(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_SYSENTER, s);
    if (!ask(c, &x))
        return;
    uint32_t cs = (uint32_t)msr_read(c, MSR_SYSENTER_CS) & 0xfffc;
    if (!cs || !(env_get(c, c->at.cr) & CR0_PE)) {
        gp(c);
        return;
    }
    struct x86_regs *r = cpu_regs_rw(c);
    r->seg[S_CS] = (struct x86_seg){cs, 0, 0xffffffff, 0x00c09b00};
    r->seg[S_SS] = (struct x86_seg){cs + 8, 0, 0xffffffff, 0x00c09300};
    r->gpr[R_ESP] = (uint32_t)msr_read(c, MSR_SYSENTER_CS + 1);
    r->eip = (uint32_t)msr_read(c, MSR_SYSENTER_EIP);
    r->eflags &= ~(uint32_t)(FL_IF | FL_VM | FL_RF);
    r->cpl = 0;
    r->shadow = 0;
    regs_commit(c);
}

static void undefined(struct vcpu *c, const struct site *s)
{
    (void)s; /* SYSCALL too: EFER.SCE cannot be set on this machine */
    exit_fault(c, X86_UD, false, 0, 0);
}

/* ICEBP is #DB as a trap: EIP is behind it, and no gate's DPL is asked. */
static void icebp(struct vcpu *c, const struct site *s)
{
    env_put_reg(c, c->at.eip, env_eip(c) + s->insn.length);
    exit_fault(c, X86_DB, false, 0, 0);
}

/* An IRET that would put VM into EFLAGS outside ring 0. Hardware ignores the bit; a program that
   sets it meant no good, and #GP is the plainest answer that keeps it where it is. */
static void smuggled_vm(struct vcpu *c, const struct site *s)
{
    (void)s;
    gp(c);
}

static void hlt(struct vcpu *c, const struct site *s)
{
    struct cpu_exit x = exit_of(c, EXIT_HLT, s);
    if (ask(c, &x))
        done(c, &x);
}

static void (*const emulator[256])(struct vcpu *c, const struct site *s) = {
    [INSN_IN] = port,
    [INSN_OUT] = port,
    [INSN_INS] = string_port,
    [INSN_OUTS] = string_port,
    [INSN_CPUID] = cpuid,
    [INSN_RDTSC] = rdtsc,
    [INSN_RDTSCP] = rdtsc,
    [INSN_RDMSR] = msr,
    [INSN_WRMSR] = msr,
    [INSN_RDPMC] = msr,
    [INSN_MOV_FROM_DR] = debug_register,
    [INSN_MOV_TO_DR] = debug_register,
    [INSN_MOV_TO_CR3] = mov_to_cr3,
    [SITE_TO_CR2] = mov_to_cr2,
    [INSN_SYSENTER] = sysenter,
    [INSN_SYSCALL] = undefined,
    [INSN_ICEBP] = icebp,
    [INSN_HLT] = hlt,
    [INSN_IRET] = smuggled_vm,
    [SITE_INVALID] = undefined,
};

void emulate(struct vcpu *c, const struct site *s)
{
    emulator[s->kind](c, s);
}
