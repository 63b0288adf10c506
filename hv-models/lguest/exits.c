/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the guest comes out. There are only two doors: an exception, and INT n. The end of either way
 * is the same: is there an interrupt to deliver before the guest goes on?
 */
#include <string.h>

#include "abi/ringside_ports.h"
#include "lguest.h"

/* What the run loop shall do next. */
static enum hv_act back_to_guest(struct domain *d, uint32_t eip)
{
    if (d->end.kind)
        return HV_KILL;
    lguest_consider_interrupts(d, eip);
    return HV_RESUME;
}

/* The guest's handler shall deal with it. */
static void reflect_fault(struct domain *d, const struct cpu_exit *x, uint32_t error)
{
    unsigned vector = x->fault.vector;

    if (!lguest_gate_present(lguest_of(d), vector)) {
        lguest_unhandled_trap(d, x, error);
        return;
    }
    if (lguest_gate_is_direct(d, vector)) {
        hv_cost(d, LGUEST_COST_DIRECT);
        hv_stage(d, "a direct trap: straight to the guest's handler", vector);
        lguest_enter_gate(d, vector, x->fault.has_error, error, x->eip, true);
        return;
    }
    hv_cost(d, LGUEST_COST_REFLECT);
    hv_stage2(d, "reflect the trap to the guest's handler", vector, error);
    lguest_enter_gate(d, vector, x->fault.has_error, error, x->eip, false);
}

/* ---- page faults ---- */

static void page_fault(struct domain *d, const struct cpu_exit *x)
{
    uint32_t error = x->fault.error & (PF_W | PF_U), cr2 = x->fault.cr2;

    hv_cost(d, LGUEST_COST_FAULT);
    switch (lguest_demand_page(d, cr2, error)) {
    case SHADOW_FILLED:
        hv_cost(d, LGUEST_COST_FILL);
        hv_stage(d, "the shadow has it now: try again", cr2);
        return;
    case SHADOW_BAD:
        return; /* already dead */
    case SHADOW_GUEST:
        break;
    }
    /* The CPU judged by our tables. Say what it would have said of the guest's. */
    if (cr2 < lguest_switcher(lguest_of(d)) && lguest_page_is_present(d, cr2))
        error |= PF_P;
    lguest_data_put(d, LGUEST_DATA_cr2, cr2);
    reflect_fault(d, x, error);
}

/* ---- privileged instructions ---- */

/*
 * A guest has no ports: they read all ones, and swallow what is written. We make three exceptions, all
 * Ringside's and not lguest's: the ports by which a kernel reports its exit status and its panic, and
 * the serial line, so that a kernel can talk before it has found a better console.
 */
static bool port_exists(uint16_t port)
{
    enum { COM1 = 0x3F8, COM1_END = 0x3FF };
    return (port >= COM1 && port <= COM1_END) || port == RINGSIDE_STATUS_PORT ||
           port == RINGSIDE_PANIC_PORT;
}

static void emulate_port(struct domain *d, const struct priv_insn *i)
{
    const struct lguest_variant *v = lguest_variant(d);
    struct priv_insn wide = *i;

    if (i->kind == PRIV_OUT) {
        uint32_t value = cpu_gpr(d->cpu, R_EAX);
        hv_stage2(d, "emulate OUT", i->port, value);
        if (port_exists(i->port))
            pc_port_write(d->pc, i->port, i->size, value);
        domain_emit(d, EVENT_io_out, i->port, i->size, value, 0);
        return;
    }
    uint32_t value = port_exists(i->port) ? pc_port_read(d->pc, i->port, i->size) : ~0u;
    if (!port_exists(i->port) && v->wide_in && i->size < 4)
        wide.size = (uint8_t)(i->size * 2); /* what this release's emulate_insn() got wrong */
    hv_stage2(d, "emulate IN", i->port, value);
    priv_set_in(d, &wide, value);
    domain_emit(d, EVENT_io_in, i->port, i->size, value, 0);
}

/* True: done for the guest, it goes on behind the instruction. */
static bool emulate_insn(struct domain *d)
{
    struct priv_insn i = priv_decode(d);

    if (cpu_cpl(d->cpu) != 1) /* a process has no business with ports */
        return false;
    if (i.kind == PRIV_IN || i.kind == PRIV_OUT) {
        emulate_port(d, &i);
    } else if (i.kind == PRIV_CLI && lguest_variant(d)->skips_cli) {
        hv_stage(d, "a stray CLI from early boot: pass over it", 0);
    } else {
        return false;
    }
    hv_cost(d, LGUEST_COST_EMULATE);
    priv_skip(d, &i);
    return true;
}

/*
 * "vmcall" was the fashion of 2.6.30: on a CPU whose virtualization is switched off it is no
 * instruction at all, so it faults, and here we are. That is slow, so it is done once: the three
 * bytes become "int $0x1f; nop" in the guest's own memory, and are tried again.
 */
static bool rewrite_vmcall(struct domain *d, const struct cpu_exit *x)
{
    static const uint8_t vmcall[3] = {0x0F, 0x01, 0xC1};
    static const uint8_t better[3] = {0xCD, LGUEST_TRAP_ENTRY, 0x90};
    struct lguest *lg = lguest_of(d);
    uint8_t bytes[3];

    if (!lguest_variant(d)->vmcall || cpu_cpl(d->cpu) != 1 ||
        cpu_fetch(d->cpu, GVA(x->eip), bytes, 3) != 3 || memcmp(bytes, vmcall, 3))
        return false;
    hv_stage(d, "vmcall: rewrite it to int $0x1f, try again", x->eip);
    hv_cost(d, LGUEST_COST_VMCALL);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t at, entry;
        if (!shadow_guest_walk(&lg->shadow, d->mem, x->eip + i, &at, &entry))
            return false;
        gmem_write(&lg->shadow.guest, d->mem, at, &better[i], 1);
    }
    return true;
}

/* ---- the doors ---- */

enum hv_act lguest_fault(struct domain *d, struct cpu_exit *x)
{
    switch (x->fault.vector) {
    case X86_PF:
        page_fault(d, x);
        break;
    case X86_UD:
        if (!rewrite_vmcall(d, x))
            reflect_fault(d, x, 0);
        break;
    case X86_GP:
        hv_cost(d, LGUEST_COST_FAULT);
        if (x->fault.error || !emulate_insn(d))
            reflect_fault(d, x, x->fault.error);
        break;
    default:
        reflect_fault(d, x, x->fault.error);
        break;
    }
    return back_to_guest(d, cpu_eip(d->cpu));
}

/* May this ring use INT with this vector? The hardware asks the gate's DPL; the hypercall's is 1,
   that of an exception or of the system call is the guest's own, all the others' are 0. */
static bool may_int(struct domain *d, unsigned vector)
{
    const struct lguest *lg = lguest_of(d);
    if (vector == LGUEST_TRAP_ENTRY)
        return cpu_cpl(d->cpu) <= 1;
    return lguest_gate_present(lg, vector) && (vector < 32 || vector == lg->syscall_vec) &&
           cpu_cpl(d->cpu) <= lguest_gate_dpl(lg, vector);
}

enum hv_act lguest_softint(struct domain *d, struct cpu_exit *x)
{
    unsigned vector = x->softint.vector;
    uint32_t next = x->eip + x->len;

    if (!may_int(d, vector)) {
        hv_stage(d, "the gate is not for this ring: #GP", vector);
        cpu_raise(d->cpu, X86_GP, true, vector * 8 + 2);
        return HV_FAULT;
    }
    if (vector == LGUEST_TRAP_ENTRY) {
        lguest_hypercall(d);
        return back_to_guest(d, next);
    }
    if (lguest_gate_is_direct(d, vector)) {
        hv_cost(d, LGUEST_COST_DIRECT);
        hv_stage(d, "a direct trap: straight to the guest's handler", vector);
        lguest_enter_gate(d, vector, false, 0, next, true);
    } else {
        hv_cost(d, LGUEST_COST_FAULT);
        hv_cost(d, LGUEST_COST_REFLECT);
        hv_stage(d, "reflect the software interrupt to the guest's handler", vector);
        lguest_enter_gate(d, vector, false, 0, next, false);
    }
    return back_to_guest(d, cpu_eip(d->cpu));
}
