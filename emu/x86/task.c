/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hardware task switch through a task gate in the IDT (SDM volume 3A, 7.3; volume 2A, INT n).
 * Linux uses one, for double faults: whatever happened to the stack, a TSS of its own has a good
 * one. So a nested switch to a 32-bit TSS is what there is here; the way back, IRET with NT, is done
 * by the engine. A gate for a 16-bit TSS is refused with #GP naming it.
 *
 * Once the old task is saved, a fault belongs to the new task: it is delivered with the new
 * registers, through the same IDT.
 */
#include "internal.h"

/* The 32-bit TSS, SDM volume 3A, figure 7-2. */
struct tss32 {
    uint16_t link, pad0;
    uint32_t stacks[6];
    uint32_t cr3, eip, eflags;
    uint32_t gpr[8]; /* in the order of the register numbers */
    uint32_t seg[6]; /* in the order of the segment numbers: ES, CS, SS, DS, FS, GS */
    uint32_t ldt;
    uint16_t trap, iomap;
};
_Static_assert(sizeof(struct tss32) == 0x68, "the hardware's layout");
#define TSS_SAVED    0x20 /* EIP to GS: what a switch writes */
#define TSS_BUSY_BIT (1u << 9)

/* Data and stack segments of the new task; faults are #TS (or #NP, #SS) in the new task. */
static bool load_segment(struct delivery *d, unsigned which, uint16_t sel)
{
    struct x86_regs *r = d->r;
    struct x86_desc desc;

    r->seg[which] = (struct x86_seg){.sel = sel};
    if (r->eflags & FL_VM) {
        r->seg[which] = (struct x86_seg){sel, (uint32_t)sel << 4, 0xFFFF, 0xF300};
        return true;
    }
    if (!(sel & ~3u))
        return which != S_CS && which != S_SS ? true : delivery_fault(d, X86_TS, 0);
    if (!delivery_desc(d, sel, X86_TS, &desc))
        return false;

    unsigned dpl = desc_dpl(desc.hi), rpl = sel & 3;
    bool code = desc.hi & DESC_CODE, conforming = code && desc.hi & DESC_CONFORMING, good;
    if (which == S_CS)
        good = code && (conforming ? dpl <= rpl : dpl == rpl);
    else if (which == S_SS)
        good = !code && desc.hi & DESC_WRITABLE && dpl == r->cpl && rpl == r->cpl;
    else
        good = (!code || desc.hi & DESC_READABLE) && (conforming || (dpl >= r->cpl && dpl >= rpl));
    if (!good || !(desc.hi & DESC_SEGMENT))
        return delivery_fault(d, X86_TS, sel & ~3u);
    if (!(desc.hi & DESC_PRESENT))
        return delivery_fault(d, which == S_SS ? X86_SS : X86_NP, sel & ~3u);
    if (!delivery_accessed(d, sel, &desc))
        return false;
    r->seg[which] = x86_seg_load(sel, desc);
    return true;
}

static bool load_ldt(struct delivery *d, uint16_t sel)
{
    struct x86_desc desc;

    d->r->ldt = (struct x86_seg){0};
    if (!(sel & ~3u))
        return true;
    if (sel & 4)
        return delivery_fault(d, X86_TS, sel & ~3u);
    if (!delivery_desc(d, sel, X86_TS, &desc))
        return false;
    if (desc_type(desc.hi) != SYS_LDT || !(desc.hi & DESC_PRESENT))
        return delivery_fault(d, X86_TS, sel & ~3u);
    d->r->ldt = x86_seg_load(sel, desc);
    return true;
}

bool task_switch(struct delivery *d, uint16_t sel, uint32_t return_eip)
{
    static const uint8_t order[] = {S_SS, S_DS, S_ES, S_FS, S_GS};
    struct x86_regs *r = d->r;
    struct x86_desc desc;
    struct tss32 old, new;

    if (sel & 4 || !(sel & ~3u))
        return delivery_fault(d, X86_GP, sel & ~3u);
    if (!delivery_desc(d, sel, X86_GP, &desc))
        return false;
    if (desc_type(desc.hi) != SYS_TSS32) /* not a TSS, or a busy one */
        return delivery_fault(d, X86_GP, sel & ~3u);
    if (!(desc.hi & DESC_PRESENT))
        return delivery_fault(d, X86_NP, sel & ~3u);
    if (x86_desc_limit(desc) < sizeof new - 1)
        return delivery_fault(d, X86_TS, sel & ~3u);
    unsigned old_type = desc_type(r->tr.flags);
    if ((old_type != SYS_TSS32 && old_type != SYS_TSS32_BUSY) || r->tr.limit < sizeof old - 1)
        return delivery_fault(d, X86_TS, r->tr.sel & ~3u);

    uint32_t base = x86_desc_base(desc);
    if (!delivery_read(d, base, &new, sizeof new) ||
        !delivery_read(d, r->tr.base, &old, sizeof old))
        return false;

    /* Save the old task, link and mark the new one. */
    old.eip = return_eip;
    old.eflags = r->eflags | 2;
    for (unsigned i = 0; i < 8; i++)
        old.gpr[i] = r->gpr[i];
    for (unsigned i = 0; i < S_COUNT; i++)
        old.seg[i] = r->seg[i].sel;
    uint16_t link = (uint16_t)r->tr.sel;
    uint32_t busy = desc.hi | TSS_BUSY_BIT;
    if (!delivery_write(d, base, &link, sizeof link) ||
        !delivery_write(d, r->gdt.base + (sel & ~7u) + 4, &busy, sizeof busy) ||
        !delivery_write(d, r->tr.base + TSS_SAVED, &old.eip,
                        (uint32_t)(__builtin_offsetof(struct tss32, ldt) - TSS_SAVED)))
        return false;

    /* From here on it is the new task. */
    desc.hi = busy;
    r->tr = x86_seg_load(sel, desc);
    r->cr0 |= CR0_TS;
    if (r->cr0 & CR0_PG)
        r->cr3 = new.cr3;
    r->eip = new.eip;
    r->eflags = new.eflags | FL_NT | 2;
    for (unsigned i = 0; i < 8; i++)
        r->gpr[i] = new.gpr[i];
    for (unsigned i = 0; i < S_COUNT; i++)
        r->seg[i] = (struct x86_seg){.sel = new.seg[i] & 0xFFFF};
    r->cpl = r->eflags & FL_VM ? 3 : new.seg[S_CS] & 3;
    d->committed = true;
    d->ext = d->ev->kind != X86_EV_SOFT;
    if (!load_ldt(d, new.ldt & 0xFFFF) || !load_segment(d, S_CS, new.seg[S_CS] & 0xFFFF))
        return false;
    for (unsigned i = 0; i < sizeof order; i++)
        if (!load_segment(d, order[i], new.seg[order[i]] & 0xFFFF))
            return false;

    if (d->ev->kind == X86_EV_FAULT && d->ev->has_error &&
        !delivery_push(d, &d->ev->error, 1, 4, r->cpl == 3, 0))
        return false;
    if (!seg_contains(&r->seg[S_CS], r->eip, 1))
        return delivery_fault(d, X86_GP, 0);
    return true;
}
