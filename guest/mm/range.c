/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work on the entries of a range of addresses: unmap, change rights, copy for fork, move. Each walk
 * goes table by table, inside lazy MMU mode, so that a backend may collect the writes; and each
 * that takes something away (present, writable, accessed, dirty) flushes the TLB at its end.
 */
#include "internal.h"
#include "pagetable.h"

/*
 * The rights of an entry follow from its area. A page that is not the process's own to change is
 * read-only, whatever the area says: the write fault then decides (fault.c). Without NX, what can be
 * read can be run.
 */
uint64_t area_prot(const struct vm_area *a, bool write)
{
    uint64_t prot = PTE_P | PTE_U | PTE_A;

    if (!(a->flags & (VM_READ | VM_WRITE | VM_EXEC)))
        return PTE_HELD; /* PROT_NONE keeps its pages, out of everybody's sight */
    if (write && (a->flags & VM_WRITE))
        prot |= PTE_W | PTE_D;
    if (!(a->flags & VM_EXEC))
        prot |= PTE_NX;
    return prot;
}

static void flush(struct mm *m)
{
    if (loaded_mm == m)
        pv_flush_tlb_user();
}

void range_unmap(struct mm *m, uint32_t start, uint32_t end)
{
    bool cleared = false;

    pv_lazy_mode_enter();
    for (uint32_t addr = start, stop; addr < end; addr = stop) {
        pte_t *pte = pte_lookup(m, addr);
        stop = table_end(addr, end);
        for (; pte && addr < stop; addr += PAGE_SIZE, pte++) {
            if (!pte_present(pte))
                continue;
            struct page *p = pfn_to_page(val_pfn(pv_pte_val(*pte)));
            pv_pte_clear(m, addr, pte);
            m->rss--;
            page_put(p);
            cleared = true;
        }
    }
    pv_lazy_mode_leave();
    if (cleared)
        flush(m);
}

/* Pages that nobody but processes holds: what would come back if this range's owner ended. */
uint32_t range_own_pages(struct mm *m, uint32_t start, uint32_t end)
{
    uint32_t n = 0;

    for (uint32_t addr = start, stop; addr < end; addr = stop) {
        pte_t *pte = pte_lookup(m, addr);
        stop = table_end(addr, end);
        for (; pte && addr < stop; addr += PAGE_SIZE, pte++)
            if (pte_present(pte) &&
                !(pfn_to_page(val_pfn(pv_pte_val(*pte)))->flags & PG_CACHE))
                n++;
    }
    return n;
}

/* New rights for what is present in a. Entries never gain the right to write here: a write fault
   finds out whether the page is shared with a relative or with the file. */
void range_protect(struct mm *m, const struct vm_area *a)
{
    bool changed = false;

    pv_lazy_mode_enter();
    for (uint32_t addr = a->start, stop; addr < a->end; addr = stop) {
        pte_t *pte = pte_lookup(m, addr);
        stop = table_end(addr, a->end);
        for (; pte && addr < stop; addr += PAGE_SIZE, pte++) {
            if (!pte_present(pte))
                continue;
            uint64_t old = pv_pte_val(pv_ptep_modify_prot_start(m, addr, pte));
            uint64_t prot = area_prot(a, (old & PTE_W) != 0) | (old & PTE_D);
            pv_ptep_modify_prot_commit(m, addr, pte, pfn_pte(val_pfn(old), prot));
            changed = true;
        }
    }
    pv_lazy_mode_leave();
    if (changed)
        flush(m);
}

/* A page of the child's own instead of a shared one. */
static struct page *copy_for_child(const struct page *from)
{
    struct page *p = page_alloc();

    if (p)
        memcpy(page_address(p), page_address(from), PAGE_SIZE);
    return p;
}

/*
 * Give the child of fork what a process owns in an area: both now map the same pages, read-only if
 * they are private, and whoever writes first gets a copy. Pages that are the file's are left out:
 * the child can fault them in again, and often never does. The one page that both are sure to write,
 * and at once, is copied now, without two faults: that of the stack pointer. false: out of memory.
 */
bool range_fork(struct mm *to, struct mm *from, const struct vm_area *a, uint32_t stack_page)
{
    bool protected = false, done = true;

    if (!a->own_pages)
        return true;
    pv_lazy_mode_enter();
    for (uint32_t addr = a->start, stop; addr < a->end; addr = stop) {
        pte_t *src = pte_lookup(from, addr), *dst = NULL;
        stop = table_end(addr, a->end);
        for (; src && addr < stop; addr += PAGE_SIZE, src++, dst += dst != NULL) {
            if (!pte_present(src))
                continue;
            uint64_t v = pv_pte_val(*src);
            struct page *p = pfn_to_page(val_pfn(v));
            if (p->flags & PG_CACHE)
                continue;
            if (!dst && !(dst = pte_alloc(to, addr))) {
                done = false;
                break;
            }
            if (addr == stack_page && (v & PTE_W)) {
                p = copy_for_child(p);
                if (!p) {
                    done = false;
                    break;
                }
                pv_set_pte_at(to, addr, dst, pfn_pte(page_to_pfn(p), area_prot(a, true)));
                to->rss++;
                continue;
            }
            if (v & PTE_W) {
                v &= ~(uint64_t)PTE_W;
                pv_set_pte_at(from, addr, src, pv_make_pte(v));
                protected = true;
            }
            page_get(p);
            pv_set_pte_at(to, addr, dst, pv_make_pte(v));
            to->rss++;
        }
        if (!done)
            break;
    }
    pv_lazy_mode_leave();
    if (protected)
        flush(from);
    return done;
}

/* Move entries to a new address, for mremap. false: out of memory; some have moved then. */
bool range_move(struct mm *m, uint32_t from, uint32_t to, uint32_t len)
{
    bool done = true;

    for (uint32_t i = 0; i < len && done; i += PAGE_SIZE) {
        pte_t *src = pte_lookup(m, from + i), *dst;
        if (!src || !pte_present(src))
            continue;
        dst = pte_alloc(m, to + i);
        if (!dst) {
            done = false;
            break;
        }
        uint64_t v = pv_pte_val(*src);
        pv_pte_clear(m, from + i, src);
        pv_set_pte_at(m, to + i, dst, pv_make_pte(v));
    }
    flush(m);
    return done;
}
