/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PAE page tables: 4 entries of 1 GiB, then 512 of 2 MiB, then 512 of 4 KiB. Entries are read by
 * pv_*_val and written by pv_set_*, nothing else; a table is reached by its own address in the
 * direct map.
 */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include "mm.h"
#include "pv/pv.h"

#define ENTRIES   512u
#define PMD_SIZE  (1u << 21)
#define PGD_SHIFT 30
#define USER_PGDS (PAGE_OFFSET >> PGD_SHIFT)

extern pgd_t swapper_pg_dir[4]; /* the kernel's own; head.S made it */
extern pmd_t swapper_pmd[ENTRIES];
extern uint64_t supported_pte_mask; /* without NX on a processor that lacks it */

#define PROT_KERNEL       (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)
#define PROT_KERNEL_RO    (PTE_P | PTE_A | PTE_NX)
#define PROT_KERNEL_TEXT  (PTE_P | PTE_A)
#define PROT_TABLE        (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D) /* of a table in a directory */

static inline pte_t pfn_pte(pfn_t pfn, uint64_t prot)
{
    return pv_make_pte(((uint64_t)pfn.v << PAGE_SHIFT | prot) & supported_pte_mask);
}

static inline pfn_t val_pfn(uint64_t value)
{
    return PFN((uint32_t)((value & PTE_FRAME) >> PAGE_SHIFT));
}

/* Is there a page behind the entry? These bits look the same to every backend, as they stand. */
static inline bool pte_present(const pte_t *p)
{
    return ((volatile uint32_t *)p)[0] & (PTE_P | PTE_HELD);
}

static inline bool pmd_present(const pmd_t *p)
{
    return ((volatile uint32_t *)p)[0] & PTE_P;
}

static inline bool pgd_present(const pgd_t *p)
{
    return ((volatile uint32_t *)p)[0] & PTE_P;
}

static inline void *table_of(uint64_t value)
{
    return page_address(pfn_to_page(val_pfn(value)));
}

static inline unsigned pte_index(uint32_t addr)
{
    return addr >> PAGE_SHIFT & (ENTRIES - 1);
}

/* The entry of a user address; NULL when no table is there. */
pte_t *pte_lookup(struct mm *m, uint32_t addr);
/* The same, making tables as needed; NULL: out of memory. */
pte_t *pte_alloc(struct mm *m, uint32_t addr);
/* Address one past what the table that holds addr covers. */
static inline uint32_t table_end(uint32_t addr, uint32_t limit)
{
    uint32_t end = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;

    return end < limit && end ? end : limit;
}

bool pgd_new(struct mm *m);   /* m->pgd, with the kernel's half; false: out of memory */
void pgd_delete(struct mm *m); /* all tables of m; no user page is mapped any more */
void paging_load(struct mm *m); /* CR3; NULL: the kernel's own tables */
extern struct mm *loaded_mm;  /* whose tables are in use; NULL: the kernel's own */
uint32_t tables_count(void);  /* frames that are tables */

#endif
