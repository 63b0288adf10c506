/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadow page tables, the lguest way: lazily. We know nothing of the guest's tables until it touches
 * a page; then the CPU faults, we look the page up in the guest's tables, copy that one entry and
 * let it try again. From then on we rely on the guest to tell us what it changes, exactly as
 * hardware relies on being told by INVLPG. A guest that forgets to tell sees old entries, and hurts
 * nobody but itself: every entry was checked when it was copied.
 *
 * The mechanism is in ../shared/shadow.c, and is not lguest's alone. Here are lguest's decisions.
 */
#include "lguest.h"

void lguest_paging_changed(struct domain *d)
{
    struct shadow *s = &lguest_of(d)->shadow;
    uint32_t cr3 = shadow_cr3(s);

    if (cpu_regs(d->cpu)->cr3 != cr3)
        cpu_regs_rw(d->cpu)->cr3 = cr3; /* flushes by itself */
    else if (s->stale)
        cpu_flush_tlb(d->cpu);
    s->stale = 0;
}

enum shadow_result lguest_demand_page(struct domain *d, uint32_t va, uint32_t error)
{
    struct shadow *s = &lguest_of(d)->shadow;
    struct shadow_bad bad;

    if (va >= SWITCHER_ADDR) {
        /* The original kills whoever comes here. We are kinder to processes: one of them should
           not be able to end the kernel that runs it. */
        if (error & PF_U)
            return SHADOW_GUEST;
        kill_guest(d, "attempt to access the switcher's pages at %#x", va);
        return SHADOW_BAD;
    }
    hv_stage2(d, "look the page up in the guest's tables", va, error);
    enum shadow_result res = shadow_fill(s, d->mem, va, error, &bad);
    if (res == SHADOW_BAD)
        kill_guest(d, "%s %#llx for %#x", bad.what, (unsigned long long)bad.entry, va);
    lguest_paging_changed(d);
    return res;
}

bool lguest_page_is_present(struct domain *d, uint32_t va)
{
    uint64_t at, entry;
    return shadow_guest_walk(&lguest_of(d)->shadow, d->mem, va, &at, &entry);
}

/*
 * A direct trap from ring 3 pushes its frame on the kernel's stack without asking us, so that the
 * stack must be there. (Ours could be mapped in while the CPU waits; an early look still tells the
 * author of a guest in time.)
 */
void lguest_pin_stack(struct domain *d)
{
    struct lguest *lg = lguest_of(d);

    for (uint32_t i = 0; i < lg->stack_pages; i++) {
        uint32_t va = lg->esp1 - 1 - i * PAGE_SIZE; /* the top is not part of it */
        if (!d->end.kind && lguest_demand_page(d, va, PF_W) != SHADOW_FILLED)
            kill_guest(d, "bad stack page %#x", va);
    }
}

void lguest_new_pgtable(struct domain *d, uint32_t root)
{
    struct lguest *lg = lguest_of(d);
    uint32_t frame;

    root &= ~0x1Fu;
    if (!gmem_frame(&lg->shadow.guest, root / PAGE_SIZE, &frame)) {
        kill_guest(d, "page tables at %#x, outside of memory", root);
        return;
    }
    bool fresh = shadow_switch(&lg->shadow, d->mem, root, lg->kernel_address);
    if (fresh)
        hv_stage2(d, "no shadow of these tables: begin with an empty one", root,
                  lg->shadow.current);
    else
        hv_stage2(d, "back to a warm shadow", root, lg->shadow.current);
    lguest_paging_changed(d);
    if (fresh)
        lguest_pin_stack(d);
}

void lguest_set_pte(struct domain *d, uint32_t root, uint32_t va, uint32_t lo, uint32_t hi)
{
    struct lguest *lg = lguest_of(d);
    uint64_t pte = (uint64_t)hi << 32 | lo;
    struct shadow_bad bad;

    hv_stage2(d, "copy the entry into shadows that have its table", va, lo);
    if (!shadow_set_pte(&lg->shadow, d->mem, root & ~0x1Fu, va, pte, lg->kernel_address, &bad))
        kill_guest(d, "%s %#llx for %#x", bad.what, (unsigned long long)bad.entry, va);
    lguest_paging_changed(d);
}

/* The truth, not the fiction: CR3 is ours. */
bool lguest_walk(struct domain *d, gva_t a, struct x86_walk *out)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    return x86_walk(r, d->mem, a, X86_READ, r->cpl == 3, false, out);
}
