/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page faults, the way memory comes to a process: nothing is loaded, zeroed or copied before it is
 * touched. Three questions decide. Is anything mapped at the address, and for this kind of access?
 * Is the page there already, and only not writable (then it is copied, or turns out to be ours
 * alone)? And where does a missing page come from: the file, or nowhere (zeros)?
 */
#include "fs/fs.h"
#include "internal.h"
#include "kernel/process.h"
#include "pagetable.h"

/* How far the stack may be below what is mapped of it, and grow there by itself. */
static bool grow_stack(struct mm *m, uint32_t addr)
{
    struct vm_area *a, *below = NULL;

    list_for_each(a, &m->areas, link)
    {
        if (addr < a->start)
            break;
        below = a;
    }
    if (&a->link == &m->areas || !(a->flags & VM_GROWSDOWN))
        return false;
    addr &= PAGE_MASK;
    if (a->end - addr > rlimit(current, RLIMIT_STACK))
        return false;
    if (below && addr - below->end < PAGE_SIZE) /* a gap stays between the stack and others */
        return false;
    a->start = addr;
    return true;
}

static void map_page(struct mm *m, uint32_t addr, pte_t *pte, struct page *p, uint64_t prot)
{
    pv_set_pte_at(m, addr, pte, pfn_pte(page_to_pfn(p), prot));
    if (++m->rss > m->peak_rss)
        m->peak_rss = m->rss;
}

static struct page *file_page(const struct vm_area *a, uint32_t addr, int *error)
{
    uint32_t index = (uint32_t)((a->offset + (addr - a->start)) >> PAGE_SHIFT);
    struct page *p = a->file->fops->page(a->file->inode, index, error);

    if (!p)
        *error = *error == -ENOMEM ? -ENOMEM : -EIO;
    return p;
}

/* A page of its own with the content of another. */
static struct page *copy_page(struct page *from)
{
    struct page *p = page_alloc();

    if (p)
        memcpy(page_address(p), page_address(from), PAGE_SIZE);
    return p;
}

/*
 * One fault on a file often comes before others next to it, so neighbours that the file has at hand
 * are mapped along, read-only. (Only for what is not written: a private page that will be written
 * is better faulted in once, as a copy.)
 */
enum { AROUND = 16 };

static void map_around(struct mm *m, const struct vm_area *a, uint32_t addr)
{
    uint32_t first = addr & ~(AROUND * PAGE_SIZE - 1), last = first + AROUND * PAGE_SIZE;
    uint64_t prot = area_prot(a, false);
    struct page *pages[AROUND];
    unsigned n, mapped = 0;
    pte_t *pte;

    if (!a->file->fops->cached)
        return;
    first = MAX(first, a->start);
    last = MIN(last, a->end);
    n = (last - first) >> PAGE_SHIFT;
    a->file->fops->cached(a->file->inode,
                          (uint32_t)((a->offset + (first - a->start)) >> PAGE_SHIFT), n, pages);
    pte = pte_lookup(m, first); /* the window lies in one table, and addr's is there */
    pv_lazy_mode_enter();
    for (unsigned i = 0; i < n; i++, first += PAGE_SIZE) {
        if (!pages[i] || pte_present(&pte[i]))
            continue;
        page_get(pages[i]);
        pv_set_pte_at(m, first, &pte[i], pfn_pte(page_to_pfn(pages[i]), prot));
        mapped++;
    }
    pv_lazy_mode_leave();
    m->rss += mapped;
    m->peak_rss = MAX(m->peak_rss, m->rss);
}

static int fault_anonymous(struct mm *m, struct vm_area *a, uint32_t addr, pte_t *pte)
{
    struct page *p = page_alloc_zeroed();

    if (!p)
        return -ENOMEM;
    map_page(m, addr, pte, p, area_prot(a, true));
    return 0;
}

static int fault_file(struct mm *m, struct vm_area *a, uint32_t addr, pte_t *pte, bool write)
{
    int error = 0;
    struct page *p = file_page(a, addr, &error), *copy;

    if (!p)
        return error;
    if (a->flags & VM_SHARED) {
        map_page(m, addr, pte, p, area_prot(a, true));
        return 0;
    }
    if (!write) {
        map_page(m, addr, pte, p, area_prot(a, false));
        if (!(a->flags & VM_WRITE))
            map_around(m, a, addr);
        return 0;
    }
    copy = copy_page(p);
    page_put(p);
    if (!copy)
        return -ENOMEM;
    a->own_pages = true;
    map_page(m, addr, pte, copy, area_prot(a, true));
    return 0;
}

/* A write to a page that is mapped read-only, in an area that may be written. */
static int fault_protected(struct mm *m, struct vm_area *a, uint32_t addr, pte_t *pte)
{
    struct page *old = pfn_to_page(val_pfn(pv_pte_val(*pte))), *copy;

    if (a->flags & VM_SHARED || (old->refs == 1 && !(old->flags & (PG_CACHE | PG_RESERVED)))) {
        /* Present before and after, but only the half with the rights changes: one store. The hook
           that knows the address is told, so that a backend need not doubt more than this entry. */
        pv_set_pte_at(m, addr, pte, pfn_pte(page_to_pfn(old), area_prot(a, true)));
        if (loaded_mm == m) /* nothing was taken away, but do not fault again for nothing */
            pv_flush_tlb_single(addr);
        return 0;
    }
    copy = copy_page(old);
    if (!copy)
        return -ENOMEM;
    a->own_pages = true;
    pv_pte_clear(m, addr, pte);
    if (loaded_mm == m)
        pv_flush_tlb_single(addr);
    pv_set_pte_at(m, addr, pte, pfn_pte(page_to_pfn(copy), area_prot(a, true)));
    page_put(old);
    return 0;
}

int vm_fault(struct mm *m, uint32_t addr, bool write, bool exec)
{
    struct vm_area *a;
    uint32_t need = write ? VM_WRITE : exec ? VM_EXEC : VM_READ | VM_WRITE | VM_EXEC;
    pte_t *pte;

    /* Sleeping for memory comes first: when we wake, another thread may have changed everything. */
    if (!user_memory_ready())
        return -ENOMEM;
    a = vm_find(m, addr);
    if (!a) {
        if (!grow_stack(m, addr))
            return -EFAULT;
        a = vm_find(m, addr);
    }
    if (!(a->flags & need))
        return -EACCES;
    addr &= PAGE_MASK;
    pte = pte_alloc(m, addr);
    if (!pte)
        return -ENOMEM;
    if (m == current->mm)
        current->min_flt++;
    if (!pte_present(pte))
        return a->file ? fault_file(m, a, addr, pte, write) : fault_anonymous(m, a, addr, pte);
    if (write && !(pv_pte_val(*pte) & PTE_W))
        return fault_protected(m, a, addr, pte);
    if (loaded_mm == m) /* the entry is good: it was the TLB that was stale */
        pv_flush_tlb_single(addr);
    return 0;
}

ssize_t vm_access(struct mm *m, uint32_t addr, void *buf, size_t n, bool write)
{
    size_t done = 0;

    while (done < n) {
        uint32_t at = addr + done, part = MIN(n - done, PAGE_SIZE - at % PAGE_SIZE);
        pte_t *pte = at < PAGE_OFFSET ? pte_lookup(m, at) : NULL;
        uint64_t v = pte && pte_present(pte) ? pv_pte_val(*pte) : 0;

        if (!(v & PTE_U) || (write && !(v & PTE_W))) {
            if (at >= PAGE_OFFSET || vm_fault(m, at, write, false))
                break;
            continue; /* look again */
        }
        char *page = (char *)page_address(pfn_to_page(val_pfn(v))) + at % PAGE_SIZE;
        if (write)
            memcpy(page, (char *)buf + done, part);
        else
            memcpy((char *)buf + done, page, part);
        done += part;
    }
    return done || !n ? (ssize_t)done : -EFAULT;
}
