/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be true at all times, whatever the guest has tried: the CPU walks our tables, they lead
 * nowhere but to the guest's frames, and no way leads out of ring 1.
 */
#include "lguest.h"

static bool audit_gdt(struct domain *d, struct err *err)
{
    const struct lguest *lg = lguest_of(d);
    const struct x86_desc *t =
        mem_span(d->mem, MADDR((uint64_t)lg->gdt_frame << PAGE_SHIFT), PAGE_SIZE);

    for (unsigned i = 0; i < LGUEST_GDT_ENTRIES; i++) {
        uint32_t hi = t[i].hi;
        if (i == 16 || !(hi & 0x8000))
            continue;
        if (!(hi & 0x1000))
            return err_set(err, ERR_ENGINE, "GDT entry %u is a gate or a system segment", i);
        if (!(hi & 0x6000))
            return err_set(err, ERR_ENGINE, "GDT entry %u has DPL 0", i);
        if (!(hi & 0x100))
            return err_set(err, ERR_ENGINE, "GDT entry %u is not marked accessed", i);
    }
    return true;
}

bool lguest_audit(struct domain *d, struct err *err)
{
    const struct lguest *lg = lguest_of(d);
    const struct x86_regs *r = cpu_regs(d->cpu);

    if (r->cpl != 1 && r->cpl != 3)
        return err_set(err, ERR_ENGINE, "the guest runs in ring %u", r->cpl);
    if ((r->seg[S_CS].sel & 3) != r->cpl)
        return err_set(err, ERR_ENGINE, "CS.RPL is %u at CPL %u", r->seg[S_CS].sel & 3, r->cpl);
    if (!(r->cr0 & CR0_PG) || !(r->cr0 & CR0_WP) || r->cr3 != shadow_cr3(&lg->shadow))
        return err_set(err, ERR_ENGINE, "CR3 is %08x, the shadow's root %08x", r->cr3,
                       shadow_cr3(&lg->shadow));
    if (r->gdt.base != SWITCHER_GDT || !(r->eflags & FL_IF) || r->eflags & (FL_IOPL | FL_VM))
        return err_set(err, ERR_ENGINE, "GDTR %08x, EFLAGS %08x: not as we set them", r->gdt.base,
                       r->eflags);
    if (lg->stack_pages > 2 || (lg->ss1 && (lg->ss1 & 3) != 1))
        return err_set(err, ERR_ENGINE, "the handlers' stack is %x:%08x", lg->ss1, lg->esp1);
    return audit_gdt(d, err) && shadow_audit(&lg->shadow, d->mem, err);
}
