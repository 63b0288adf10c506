/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page tables of a process: made on demand, announced to the backend before they are linked
 * and after they are gone, and kept on a list so that the end of a process need not search for
 * them.
 */
#include "pagetable.h"

struct mm *loaded_mm;
static uint32_t tables;

uint32_t tables_count(void)
{
    return tables;
}

/*
 * A page table whose entries have all been cleared again is what a new one must be: zeros. Keep a
 * few such, linked through struct page, and save the clearing. (Linux called this a quicklist.)
 */
enum { QUICK = 32 };
static struct list quick = LIST_INIT(quick);
static unsigned quick_count;

static struct page *table_page(void)
{
    struct page *p;

    if (quick_count) {
        p = list_first(&quick, struct page, link);
        list_del(&p->link);
        quick_count--;
    } else {
        p = page_alloc_zeroed();
    }
    if (p) {
        p->flags = PG_TABLE;
        tables++;
    }
    return p;
}

static void free_table(struct page *p, bool all_clear)
{
    tables--;
    if (all_clear && quick_count < QUICK) {
        list_add(&quick, &p->link);
        quick_count++;
        return;
    }
    page_put(p);
}

/* flags of a table on m->tables: which hook must hear of its end. */
enum { LEVEL_PTE = 0, LEVEL_PMD = 1 << PG_ORDER_SHIFT };

static pmd_t *pmd_lookup(struct mm *m, uint32_t addr)
{
    pgd_t *pgd = (pgd_t *)m->pgd + (addr >> PGD_SHIFT);

    if (!pgd_present(pgd))
        return NULL;
    return (pmd_t *)table_of(pv_pgd_val(*pgd)) + (addr >> 21 & (ENTRIES - 1));
}

pte_t *pte_lookup(struct mm *m, uint32_t addr)
{
    pmd_t *pmd = pmd_lookup(m, addr);

    if (!pmd || !pmd_present(pmd))
        return NULL;
    return (pte_t *)table_of(pv_pmd_val(*pmd)) + pte_index(addr);
}

/* The processor loads the four top entries together with CR3 and does not look again: load anew. */
static bool add_pmd_table(struct mm *m, uint32_t addr)
{
    pgd_t *pgd = (pgd_t *)m->pgd + (addr >> PGD_SHIFT);
    struct page *p = table_page();

    if (!p)
        return false;
    p->flags |= LEVEL_PMD;
    list_add(&m->tables, &p->link);
    pv_alloc_pmd(m, page_to_pfn(p).v);
    pv_set_pud(pgd, pv_make_pgd((uint64_t)page_to_pfn(p).v << PAGE_SHIFT | PTE_P));
    if (loaded_mm == m)
        pv_write_cr3((uint32_t)m->pgd - PAGE_OFFSET);
    return true;
}

pte_t *pte_alloc(struct mm *m, uint32_t addr)
{
    pmd_t *pmd = pmd_lookup(m, addr);
    struct page *p;

    if (!pmd) {
        if (!add_pmd_table(m, addr))
            return NULL;
        pmd = pmd_lookup(m, addr);
    }
    if (!pmd_present(pmd)) {
        p = table_page();
        if (!p)
            return NULL;
        list_add(&m->tables, &p->link);
        pv_alloc_pte(m, page_to_pfn(p).v);
        pv_set_pmd(pmd, pv_make_pmd((uint64_t)page_to_pfn(p).v << PAGE_SHIFT | PROT_TABLE));
    }
    return (pte_t *)table_of(pv_pmd_val(*pmd)) + pte_index(addr);
}

/*
 * The kernel's half. Natively one directory serves all address spaces; a backend that cannot share
 * it gets a copy each. (The kernel's own tables below it are complete since boot and never change.)
 */
static bool add_kernel_half(struct mm *m)
{
    pgd_t *pgd = (pgd_t *)m->pgd;
    struct page *copy;
    pmd_t *pmd;

    if (pv_info.shared_kernel_pmd) {
        pv_set_pud(&pgd[USER_PGDS], swapper_pg_dir[USER_PGDS]);
        pv_alloc_pmd_clone(virt_to_page(m->pgd) - page_map, virt_to_page(swapper_pg_dir) - page_map,
                           USER_PGDS, 1);
        return true;
    }
    copy = table_page();
    if (!copy)
        return false;
    copy->flags |= LEVEL_PMD;
    list_add(&m->tables, &copy->link);
    pmd = page_address(copy);
    for (unsigned i = 0; i < ENTRIES; i++)
        if (pmd_present(&swapper_pmd[i]))
            pv_set_pmd(&pmd[i], swapper_pmd[i]);
    pv_alloc_pmd(m, page_to_pfn(copy).v);
    pv_set_pud(&pgd[USER_PGDS], pv_make_pgd((uint64_t)page_to_pfn(copy).v << PAGE_SHIFT | PTE_P));
    return true;
}

bool pgd_new(struct mm *m)
{
    struct page *p = table_page();

    if (!p)
        return false;
    list_init(&m->tables);
    m->pgd = page_address(p);
    if (add_kernel_half(m) && !pv_pgd_alloc(m))
        return true;
    pgd_delete(m);
    return false;
}

void pgd_delete(struct mm *m)
{
    struct page *p, *next;

    if (loaded_mm == m)
        paging_load(NULL);
    pv_pgd_free(m, m->pgd);
    list_for_each_safe(p, next, &m->tables, link)
    {
        list_del(&p->link);
        if (p->flags & LEVEL_PMD) {
            pv_release_pmd(page_to_pfn(p).v);
            free_table(p, false);
        } else {
            pv_release_pte(page_to_pfn(p).v);
            free_table(p, true);
        }
    }
    free_table(virt_to_page(m->pgd), false);
    m->pgd = NULL;
}

void paging_load(struct mm *m)
{
    const void *pgd = m ? m->pgd : swapper_pg_dir;

    if (m == loaded_mm)
        return;
    loaded_mm = m;
    pv_write_cr3((uint32_t)pgd - PAGE_OFFSET);
}
