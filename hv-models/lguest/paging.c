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

/* ---- PAE or not ---- */

/*
 * In the original host and guest had to be built alike. We take either, for most kernels of those
 * years were built without PAE; but nobody tells us which this is. The first call that is about page
 * tables gives it away: the tables themselves by NEW_PGTABLE, or before it, on those we made, the
 * kind of the call and its index.
 */
void lguest_format_is(struct domain *d, enum shadow_format format)
{
    struct lguest *lg = lguest_of(d);

    if (lg->format_known)
        return;
    lg->format_known = 1;
    hv_stage(d, "so these are its page tables' levels", format == SHADOW_TWO_LEVEL ? 2 : 3);
    shadow_set_format(&lg->shadow, d->mem, format);
    lguest_data_put(d, LGUEST_DATA_reserve_mem, 0u - lguest_switcher(lg));
    if (format == SHADOW_TWO_LEVEL && lg->boot_pgdir)
        lguest_boot_tables_two_level(d);
}

/* A pointer to a directory has no flag but P, and an entry of two levels always has others: the
   kernel's own half will be writable. */
static bool looks_pae(struct domain *d, uint32_t root)
{
    const uint32_t kernel = lguest_of(d)->kernel_address;
    uint32_t pointer = lguest_read32(d, (root & ~0x1Fu) + (kernel >> 30) * 8);
    uint32_t entry = lguest_read32(d, (root & ~(PAGE_SIZE - 1u)) + (kernel >> 22) * 4);

    return (pointer & 0xFFF) == PTE_P || (entry & (PTE_P | PTE_W)) != (PTE_P | PTE_W);
}

uint32_t lguest_switcher(const struct lguest *lg)
{
    /* Not known: then it was told to stay away from what either would have. */
    return lg->format_known && lg->shadow.format == SHADOW_PAE ? SWITCHER_ADDR : SWITCHER_TWO_LEVEL;
}

/* ---- */

enum shadow_result lguest_demand_page(struct domain *d, uint32_t va, uint32_t error)
{
    struct shadow *s = &lguest_of(d)->shadow;
    struct shadow_bad bad;

    if (va >= lguest_switcher(lguest_of(d))) {
        /* The original kills whoever comes here. We are kinder to processes: one of them should
           not be able to end the kernel that runs it. */
        if (error & PF_U)
            return SHADOW_GUEST;
        kill_guest(d, "attempt to access the switcher's pages at %#x", va);
        return SHADOW_BAD;
    }
    hv_stage2(d, "look the page up in the guest's tables", va, error);
    enum shadow_result res = shadow_fill(s, d->mem, va, error, &bad);
    if (res == SHADOW_BAD && s->linear)
        kill_guest(d, "access to %#x, beyond the guest's %u MiB of memory", va,
                   lguest_of(d)->ram >> 20);
    else if (res == SHADOW_BAD)
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

    if (!gmem_frame(&lg->shadow.guest, root / PAGE_SIZE, &frame)) {
        kill_guest(d, "page tables at %#x, outside of memory", root);
        return;
    }
    if (!lg->format_known)
        lguest_format_is(d, looks_pae(d, root) ? SHADOW_PAE : SHADOW_TWO_LEVEL);
    root = shadow_root_at(&lg->shadow, root);
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
    root = shadow_root_at(&lg->shadow, root);
    if (!shadow_set_pte(&lg->shadow, d->mem, root, va, pte, lg->kernel_address, &bad))
        kill_guest(d, "%s %#llx for %#x", bad.what, (unsigned long long)bad.entry, va);
    lguest_paging_changed(d);
}

/* The fiction: what the guest's own tables say. Places are told as the machine has them; what is in
   the entries is the guest's own words. */
bool lguest_guest_walk(struct domain *d, gva_t a, struct x86_walk *out)
{
    const struct shadow *s = &lguest_of(d)->shadow;
    uint64_t at, entry, all;
    uint32_t frame;

    *out = (struct x86_walk){.page_size = PAGE_SIZE};
    shadow_guest_levels(s, d->mem, a.v, out);
    if (!shadow_guest_walk(s, d->mem, a.v, &at, &entry) ||
        !gmem_frame(&s->guest, at >> PAGE_SHIFT, &frame))
        return false;
    out->ok = true;
    out->addr = MADDR((uint64_t)frame << PAGE_SHIFT | (at & (PAGE_SIZE - 1)));
    all = out->levels ? PTE_W | PTE_U : entry;
    /* In PAE the top level has no rights of its own. */
    for (unsigned level = out->levels == 3; level < out->levels; level++)
        all &= out->entry[level];
    out->writable = all & PTE_W;
    out->user = all & PTE_U;
    out->executable = true;
    return true;
}

/* The truth, not the fiction: CR3 is ours. */
bool lguest_walk(struct domain *d, gva_t a, struct x86_walk *out)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    return x86_walk(r, d->mem, a, X86_READ, r->cpl == 3, false, out);
}
