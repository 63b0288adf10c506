/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_mmu_ops on the bare machine. Page-table entries are 64 bits and the machine writes 32 at a
 * time, so the order of the halves matters: the half with the present bit goes in last and comes
 * out first, and the hardware never sees a mixture. (Linux, pgtable-3level.h.)
 */
#include "native.h"
#include "mm/mm.h"
#include "mm/fixmap.h"

#define UNUSED __attribute__((unused))

static void store(uint64_t *entry, uint64_t v)
{
    volatile uint32_t *half = (volatile uint32_t *)entry;

    half[1] = v >> 32;
    half[0] = (uint32_t)v;
}

static void clear(uint64_t *entry)
{
    volatile uint32_t *half = (volatile uint32_t *)entry;

    half[0] = 0;
    half[1] = 0;
}

/* The identity map that head.S needed for the moment of switching paging on. */
void native_pagetable_setup_start(pgd_t *base)
{
    native_set_pud(&base[0], (pud_t){0});
}

uint32_t native_read_cr2(void)
{
    uint32_t v;
    __asm__ volatile("movl %%cr2, %0" : "=r"(v));
    return v;
}

void native_write_cr2(uint32_t addr)
{
    __asm__ volatile("movl %0, %%cr2" : : "r"(addr));
}

uint32_t native_read_cr3(void)
{
    uint32_t v;
    __asm__ volatile("movl %%cr3, %0" : "=r"(v));
    return v;
}

void native_write_cr3(uint32_t root)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(root) : "memory");
}

void native_flush_tlb_user(void)
{
    native_write_cr3(native_read_cr3());
}

/* No global pages in this kernel: a reload forgets everything. */
void native_flush_tlb_kernel(void)
{
    native_write_cr3(native_read_cr3());
}

void native_flush_tlb_single(uint32_t addr)
{
    __asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

int native_pgd_alloc(UNUSED struct mm *mm)
{
    return 0;
}

void native_set_pte(pte_t *ptep, pte_t pte)
{
    store(&ptep->raw, pte.raw);
}

void native_set_pte_at(UNUSED struct mm *mm, UNUSED uint32_t addr, pte_t *ptep, pte_t pte)
{
    store(&ptep->raw, pte.raw);
}

void native_set_pmd(pmd_t *pmdp, pmd_t pmd)
{
    store(&pmdp->raw, pmd.raw);
}

static uint64_t exchange(uint64_t *entry, uint64_t v)
{
    uint64_t old = *entry;

    __asm__ volatile("1: cmpxchg8b %1\n"
                     "jnz 1b"
                     : "+A"(old), "+m"(*entry)
                     : "b"((uint32_t)v), "c"((uint32_t)(v >> 32))
                     : "memory", "cc");
    return old;
}

pte_t native_ptep_modify_prot_start(UNUSED struct mm *mm, UNUSED uint32_t addr, pte_t *ptep)
{
    return (pte_t){exchange(&ptep->raw, 0)};
}

void native_ptep_modify_prot_commit(UNUSED struct mm *mm, UNUSED uint32_t addr, pte_t *ptep,
                                    pte_t pte)
{
    store(&ptep->raw, pte.raw);
}

void native_set_pte_atomic(pte_t *ptep, pte_t pte)
{
    exchange(&ptep->raw, pte.raw);
}

void native_pte_clear(UNUSED struct mm *mm, UNUSED uint32_t addr, pte_t *ptep)
{
    clear(&ptep->raw);
}

void native_pmd_clear(pmd_t *pmdp)
{
    clear(&pmdp->raw);
}

void native_set_pud(pud_t *pudp, pud_t pud)
{
    store(&pudp->raw, pud.raw);
}

void native_set_fixmap(uint32_t index, uint64_t phys, uint64_t prot)
{
    fixmap_set_pte(index, (pte_t){prot ? (phys & PTE_FRAME) | prot : 0});
    native_flush_tlb_single(fixmap_address(index));
}
