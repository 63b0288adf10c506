/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables, written and told as Linux did it under lguest: a store, and behind it the call that
 * belongs to the level. Early on nothing is told but what changes in the upper levels (cr3_changed).
 */
#include "linux.h"

enum { ENTRIES = 1 << LOG2_ENTRIES, TABLE = 0x67 /* _PAGE_TABLE */ };
enum { HEAP_START = 0x1400000, HEAP_END = 0x1C00000 };

extern pte_t swapper_pg_dir[];
struct mm init_mm;
static bool cr3_changed;

#if RELEASE_3_2
extern pte_t initial_page_table[];
static uint32_t current_cr3;

static uint32_t read_cr3(void)
{
    return current_cr3 ? current_cr3 : pa(initial_page_table);
}

void write_cr3(uint32_t cr3)
{
    lazy_hcall(LHCALL_NEW_PGTABLE, cr3, 0, 0, 0);
    current_cr3 = cr3;
    if (cr3 != pa(swapper_pg_dir) && cr3 != pa(initial_page_table))
        cr3_changed = true;
}
#else
static uint32_t read_cr3(void)
{
    return lguest_data.pgdir;
}

void write_cr3(uint32_t cr3)
{
    lguest_data.pgdir = cr3;
    lazy_hcall(LHCALL_NEW_PGTABLE, cr3, 0, 0, 0);
    cr3_changed = true;
}
#endif

void *alloc_page(void)
{
    static uint32_t next = HEAP_START;
    check(next < HEAP_END);
    next += PAGE_SIZE;
    return memset(va(next - PAGE_SIZE), 0, PAGE_SIZE);
}

/* ---- stores, and what is told of them ---- */

#if PAE
static void set_pud(pte_t *at, pte_t v)
{
    *at = v;
    lazy_hcall(LHCALL_SET_PGD, pa(at) & ~0x1Fu, (pa(at) & 0x1F) / sizeof *at, 0, 0);
}

static void set_pmd(pte_t *at, pte_t v)
{
    *at = v;
    lazy_hcall(LHCALL_SET_PMD, pa(at) & ~(PAGE_SIZE - 1u), pa(at) % PAGE_SIZE / sizeof *at, 0, 0);
}
#else
static void set_pmd(pte_t *at, pte_t v)
{
    *at = v;
    lazy_hcall(LHCALL_SET_PGD, pa(at) & ~(PAGE_SIZE - 1u), pa(at) % PAGE_SIZE / sizeof *at, 0, 0);
}
#endif

void set_pte(pte_t *at, pte_t v)
{
    *(volatile pte_t *)at = v;
    if (cr3_changed)
        lazy_hcall(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
}

static void tell_pte(uint32_t cr3, uint32_t address, pte_t v)
{
    lazy_hcall(LHCALL_SET_PTE, cr3, address, (uint32_t)v, (uint32_t)((uint64_t)v >> 32));
}

void set_pte_at(struct mm *mm, uint32_t address, pte_t v)
{
    *user_pte(mm, address) = v;
    tell_pte(mm->cr3, address, v);
}

static void flush_tlb_single(uint32_t address)
{
    tell_pte(read_cr3(), address, 0);
}

/* ---- walking ---- */

static pte_t *table_of(pte_t entry)
{
    return va((uint32_t)entry & ~(PAGE_SIZE - 1u));
}

static pte_t *pmd_of(uint32_t cr3, uint32_t address, bool make)
{
    pte_t *root = va(cr3);
#if PAE
    pte_t *pud = &root[address >> 30];
    if (!(*pud & PTE_P)) {
        if (!make)
            return NULL;
        set_pud(pud, pa(alloc_page()) | PTE_P);
    }
    return &table_of(*pud)[address >> 21 & (ENTRIES - 1)];
#else
    (void)make;
    return &root[address >> 22];
#endif
}

static pte_t *pte_of(uint32_t cr3, uint32_t address)
{
    pte_t *pmd = pmd_of(cr3, address, true);
    if (!(*pmd & PTE_P))
        set_pmd(pmd, pa(alloc_page()) | TABLE);
    return &table_of(*pmd)[address >> 12 & (ENTRIES - 1)];
}

pte_t *kernel_pte(uint32_t address)
{
    return pte_of(pa(swapper_pg_dir), address);
}

pte_t *user_pte(struct mm *mm, uint32_t address)
{
    return pte_of(mm->cr3, address);
}

/* A process's tables: the kernel's half is everybody's. */
void mm_new(struct mm *mm)
{
    pte_t *root = alloc_page();

    for (unsigned i = 0; i < PAGE_SIZE / sizeof *root; i++)
#if PAE
        if (i == PAGE_OFFSET >> 30)
#else
        if (i >= PAGE_OFFSET >> 22)
#endif
            root[i] = swapper_pg_dir[i];
    mm->cr3 = pa(root);
}

/* ---- the first mappings, on whatever tables we were started with ---- */

static uint32_t fixmap_top;
static pte_t bm_pte[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

void early_ioremap_init(void)
{
    fixmap_top = 0 - lguest_data.reserve_mem - PAGE_SIZE;
    /* The hypervisor's reserve is whole tables. */
    check(lguest_data.reserve_mem == 4 << 20 || (PAE && lguest_data.reserve_mem == 2 << 20));
#if RELEASE_3_2
    check(lguest_data.reserve_mem == (PAE ? 2 : 4) << 20); /* it knows our tables by now */
#endif
    set_pmd(pmd_of(read_cr3(), fixmap_top, false), pa(bm_pte) | TABLE);
}

/* Sixteen pages, which is what looking for a BIOS takes. */
void *early_ioremap(uint32_t physical)
{
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t at = fixmap_top - (16 - i) * PAGE_SIZE;
        set_pte(&bm_pte[at >> 12 & (ENTRIES - 1)], (physical + i * PAGE_SIZE) | PAGE_KERNEL);
    }
    return (void *)(fixmap_top - 16 * PAGE_SIZE);
}

void early_iounmap(void)
{
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t at = fixmap_top - (16 - i) * PAGE_SIZE;
        bm_pte[at >> 12 & (ENTRIES - 1)] = 0;
        flush_tlb_single(at);
    }
}

/* A page that must not be written, in ring 1: CR0.WP is the host's, and on. */
static void test_wp_bit(void)
{
    volatile uint32_t *page = (void *)(fixmap_top - 20 * PAGE_SIZE);
    uint32_t old;

    set_pte(kernel_pte((uint32_t)page), pa(swapper_pg_dir) | PTE_P | PTE_A);
    old = *page;
    check(TRY("movl %1, (%3)", old, 0, "r"(page)) == 14);
    check(fault.error == 3 && fault.cr2 == (uint32_t)page);
    set_pte(kernel_pte((uint32_t)page), 0);
    flush_tlb_single((uint32_t)page);
    check(TRY("movl (%3), %1", 0, 0, "r"(page)) == 14);
    check(fault.error == 0 && fault.cr2 == (uint32_t)page);
}

/* All of memory at PAGE_OFFSET, then away from the first tables. */
void paging_init(void)
{
    uint32_t ram;

    memcpy(&ram, boot_params + 0x2D0 + 8, sizeof ram);
    check(boot_params[0x1E8] == 1 && boot_params[0x2D0 + 16] == 1);
    init_mm.cr3 = pa(swapper_pg_dir);
    for (uint32_t at = 0; at < ram; at += PAGE_SIZE)
        set_pte(kernel_pte(PAGE_OFFSET + at), at | PAGE_KERNEL);
    *pmd_of(init_mm.cr3, fixmap_top, false) = pa(bm_pte) | TABLE;
    /* The tables of what will be mapped later must be there before the first process is. */
    for (uint32_t i = 0; i < 4; i++)
        kernel_pte(VMALLOC_START + (i << 20));
    write_cr3(init_mm.cr3);
    hcall(LHCALL_FLUSH_TLB, 1, 0, 0);
    test_wp_bit();
}

void *ioremap(uint32_t physical, uint32_t pages)
{
    static uint32_t next = VMALLOC_START;
    uint32_t at = next;

    for (uint32_t i = 0; i < pages; i++, next += PAGE_SIZE)
        set_pte(kernel_pte(next), (physical + i * PAGE_SIZE) | PAGE_KERNEL);
    next += PAGE_SIZE; /* a gap, as vmalloc leaves one */
    return (void *)at;
}
