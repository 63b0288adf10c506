/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two tables of descriptors, two ways to keep a guest honest.
 *
 * The GDT must be real: the CPU reads it whenever the guest loads a segment register. So it is ours,
 * on a page that the guest can read at best, and an entry gets there by a hypercall. Ring 0 becomes
 * ring 1 on the way, and the accessed bit is set, or the CPU would want to write to the page.
 *
 * The IDT need not be real at all. Whatever happens in the guest stops at us, and we look into a
 * table of the guest's wishes. For some vectors, the system call above all, the original puts the
 * guest's gate into the real IDT, and the CPU enters the guest's kernel without us. Those are the
 * direct traps; the narration says "direct" then, and nothing is charged.
 */
#include <string.h>

#include "lguest.h"

/* Bits of a descriptor's high word. */
enum {
    DESC_P = 1 << 15,
    DESC_DPL = 3 << 13,
    DESC_DPL1 = 1 << 13,
    DESC_S = 1 << 12,
    DESC_CODE = 1 << 11,
    DESC_WRITABLE = 1 << 9,
    DESC_ACCESSED = 1 << 8,
};
enum { TSS_ENTRY = 16, TSS_OFFSET = 0x400, TSS_BYTES = 104, IOMAP_BASE = 102 };

/* ---- the GDT ---- */

static struct x86_desc *gdt(struct domain *d)
{
    return mem_span(d->mem, MADDR((uint64_t)lguest_of(d)->gdt_frame << PAGE_SHIFT), PAGE_SIZE);
}

/* The switcher's page: a flat code and data segment of ring 1, and a TSS for the CPU's sake, whose
   I/O bitmap lies behind its end: no port is anybody's. */
void lguest_gdt_init(struct domain *d)
{
    struct x86_desc *t = gdt(d);
    uint32_t tss = SWITCHER_GDT + TSS_OFFSET;
    uint16_t end = TSS_BYTES;

    t[LGUEST_GDT_ENTRY_CS] = (struct x86_desc){0x0000FFFF, 0x00CF9B00 | DESC_DPL1};
    t[LGUEST_GDT_ENTRY_DS] = (struct x86_desc){0x0000FFFF, 0x00CF9300 | DESC_DPL1};
    t[TSS_ENTRY] = (struct x86_desc){tss << 16 | (TSS_BYTES - 1),
                                     (tss & 0xFF000000) | (tss >> 16 & 0xFF) | 0x8B00};
    memcpy((uint8_t *)t + TSS_OFFSET + IOMAP_BASE, &end, sizeof end);
}

/* The host's own: code and data of ring 0 in the original, the TSS, the double fault's TSS. */
static bool is_hosts(uint32_t index)
{
    return index == TSS_ENTRY || index == 10 || index == 11 || index == 31;
}

void lguest_load_gdt_entry(struct domain *d, uint32_t index, uint32_t lo, uint32_t hi)
{
    if (index >= LGUEST_GDT_ENTRIES) {
        kill_guest(d, "GDT entry %u: there are %u", index, LGUEST_GDT_ENTRIES);
        return;
    }
    if (is_hosts(index)) {
        hv_stage(d, "this entry of the GDT is the host's: ignored", index);
        return;
    }
    if (hi & DESC_P && !(hi & DESC_S)) {
        /* A gate or a TSS is a way into another ring, or to state that the CPU would believe. */
        kill_guest(d, "GDT entry %u is a system descriptor (%08x %08x)", index, lo, hi);
        return;
    }
    if (hi & DESC_P) {
        if (!(hi & DESC_DPL)) {
            hv_stage(d, "ring 0 becomes ring 1", index);
            hi |= DESC_DPL1;
        }
        hi |= DESC_ACCESSED;
    }
    gdt(d)[index] = (struct x86_desc){lo, hi};
}

void lguest_load_tls(struct domain *d, uint32_t at)
{
    struct x86_desc tls[3];

    if (!lguest_read(d, at, tls, sizeof tls))
        return;
    for (uint32_t i = 0; i < 3; i++)
        lguest_load_gdt_entry(d, LGUEST_GDT_ENTRY_TLS + i, tls[i].lo, tls[i].hi);
}

bool lguest_segment(struct domain *d, uint16_t sel, bool code, struct x86_seg *out)
{
    uint32_t index = sel >> 3;
    struct x86_desc e = {0};

    if (!(sel & 4) && index < LGUEST_GDT_ENTRIES)
        e = gdt(d)[index];
    uint32_t kind = code ? DESC_CODE : DESC_WRITABLE;
    if ((sel & 3) != 1 || (e.hi & (DESC_P | DESC_S | DESC_DPL)) != (DESC_P | DESC_S | DESC_DPL1) ||
        (e.hi & (DESC_CODE | (code ? 0 : kind))) != kind) {
        kill_guest(d, "selector %#x is no %s segment of ring 1", sel, code ? "code" : "stack");
        return false;
    }
    *out = x86_seg_load(sel, e);
    return true;
}

/* ---- the IDT ---- */

enum { GATE_TYPE = 0xF00, GATE_INTERRUPT = 0xE00, GATE_TRAP = 0xF00 };

void lguest_load_idt_entry(struct domain *d, uint32_t vector, uint32_t lo, uint32_t hi)
{
    struct lguest_gate *g;

    if (vector > 255) {
        kill_guest(d, "IDT entry %u: there are 256", vector);
        return;
    }
    if (vector == X86_NMI || vector == X86_DF || vector == 15 || vector == LGUEST_TRAP_ENTRY)
        return; /* never the guest's */
    g = &lguest_of(d)->idt[vector];
    if (!(hi & DESC_P)) {
        *g = (struct lguest_gate){0};
        return;
    }
    if ((hi & GATE_TYPE) != GATE_INTERRUPT && (hi & GATE_TYPE) != GATE_TRAP) {
        kill_guest(d, "bad IDT type %u for vector %u", hi >> 8 & 0xF, vector);
        return;
    }
    *g = (struct lguest_gate){(uint32_t)LGUEST_KERNEL_CS << 16 | (lo & 0xFFFF), hi & 0xFFFFEF00};
}

bool lguest_gate_present(const struct lguest *lg, unsigned vector)
{
    return lg->idt[vector].hi & DESC_P;
}

unsigned lguest_gate_dpl(const struct lguest *lg, unsigned vector)
{
    return lg->idt[vector].hi >> 13 & 3;
}

bool lguest_gate_is_direct(struct domain *d, unsigned vector)
{
    const struct lguest *lg = lguest_of(d);

    if ((lg->idt[vector].hi & (DESC_P | GATE_TYPE)) != (DESC_P | GATE_TRAP))
        return false; /* an interrupt gate must clear a flag that the CPU knows nothing of */
    if (vector >= 32)
        return vector == lg->syscall_vec && lg->data;
    /* Those that we must see ourselves. */
    return vector != X86_NM && vector != X86_GP && vector != X86_PF &&
           vector != LGUEST_TRAP_ENTRY && !(vector == X86_UD && lguest_variant(d)->vmcall);
}

bool lguest_gate(struct domain *d, unsigned vector, struct x86_desc *out, bool *direct)
{
    const struct lguest_gate *g = &lguest_of(d)->idt[vector & 255];

    *out = (struct x86_desc){g->lo, g->hi};
    *direct = lguest_gate_is_direct(d, vector & 255);
    return g->hi & DESC_P;
}

bool lguest_enter_gate(struct domain *d, unsigned vector, bool has_error, uint32_t error,
                       uint32_t return_eip, bool direct)
{
    struct lguest *lg = lguest_of(d);
    const struct x86_regs *r = cpu_regs(d->cpu);
    const struct lguest_gate *g = &lg->idt[vector];
    bool enabled = lguest_data_get(d, LGUEST_DATA_irq_enabled) & LGUEST_IF;
    struct reflect f = {
        .eip = (g->hi & 0xFFFF0000) | (g->lo & 0xFFFF),
        .esp = lg->esp1,
        .switch_stack = (r->seg[S_SS].sel & 3) != 1,
        .has_error = has_error,
        .error = error,
        .return_eip = return_eip,
        .clear =
            !direct && !enabled ? FL_IF : 0, /* the real flag is always set; show the virtual */
    };

    if (!lguest_segment(d, LGUEST_KERNEL_CS, true, &f.cs) ||
        (f.switch_stack && !lguest_segment(d, (uint16_t)lg->ss1, false, &f.ss)))
        return false;
    if (f.switch_stack)
        hv_stage2(d, "from ring 3: take the stack of SET_STACK", lg->ss1, lg->esp1);
    if (!reflect(d, &f, lguest_push))
        return false;
    if (!direct && (g->hi & GATE_TYPE) == GATE_INTERRUPT) {
        hv_stage(d, "an interrupt gate: clear the virtual IF", vector);
        lguest_data_put(d, LGUEST_DATA_irq_enabled, 0);
    }
    return true;
}
