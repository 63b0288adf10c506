/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_mmu_ops under lguest. We write our page tables as the bare machine does, but the processor does
 * not read them: it has shadows, which the hypervisor fills when an address faults. So what we add
 * needs no call, what we change or take away does; and a call that says which entry spares the
 * hypervisor from forgetting more than that one.
 */
#include "lguest.h"
#include "mm/fixmap.h"
#include "mm/pagetable.h"

/* head.S loaded the kernel's own tables. Until others have been loaded nobody can have seen an entry
   that boot writes by the thousand; one flush ends it (mm_init). */
static uint32_t current_cr3;
static bool cr3_changed;

uint32_t lguest_read_cr2(void)
{
    return lguest_data.cr2;
}
PV_SHARED(lguest_read_cr2, "reads cr2");

uint32_t lguest_read_cr3(void)
{
    return current_cr3 ? current_cr3 : lguest_phys(swapper_pg_dir);
}

void lguest_write_cr3(uint32_t root)
{
    lguest_lazy_hcall(LHCALL_NEW_PGTABLE, root, 0, 0, 0);
    current_cr3 = root;
    if (root != lguest_phys(swapper_pg_dir))
        cr3_changed = true;
}
PV_HYPERCALL(lguest_write_cr3, LHCALL_NEW_PGTABLE);

/* ---- forgetting translations ---- */

void lguest_flush_tlb_user(void)
{
    lguest_lazy_hcall(LHCALL_FLUSH_TLB, 0, 0, 0, 0);
}
PV_HYPERCALL(lguest_flush_tlb_user, LHCALL_FLUSH_TLB);

void lguest_flush_tlb_kernel(void)
{
    lguest_lazy_hcall(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
}
PV_HYPERCALL(lguest_flush_tlb_kernel, LHCALL_FLUSH_TLB);

/* An entry of zeros is put into the shadow: the next touch faults, and brings what our table has. */
void lguest_flush_tlb_single(uint32_t addr)
{
    lguest_lazy_hcall(LHCALL_SET_PTE, lguest_read_cr3(), addr, 0, 0);
}
PV_HYPERCALL(lguest_flush_tlb_single, LHCALL_SET_PTE);

/* ---- entries ---- */

/* Of an entry whose address is not known, nobody could say where it is shadowed. */
static void flush_everything(void)
{
    if (cr3_changed)
        lguest_flush_tlb_kernel();
}

void lguest_set_pte(pte_t *ptep, pte_t pte)
{
    native_set_pte(ptep, pte);
    flush_everything();
}
PV_HYPERCALL(lguest_set_pte, LHCALL_FLUSH_TLB);

void lguest_set_pte_atomic(pte_t *ptep, pte_t pte)
{
    native_set_pte_atomic(ptep, pte);
    flush_everything();
}
PV_HYPERCALL(lguest_set_pte_atomic, LHCALL_FLUSH_TLB);

void lguest_pte_update(struct mm *mm, uint32_t addr, pte_t *ptep)
{
    lguest_lazy_hcall(LHCALL_SET_PTE, lguest_phys(mm->pgd), addr, (uint32_t)ptep->raw,
                      (uint32_t)(ptep->raw >> 32));
}
PV_HYPERCALL(lguest_pte_update, LHCALL_SET_PTE);

void lguest_pte_update_defer(struct mm *mm, uint32_t addr, pte_t *ptep)
{
    lguest_pte_update(mm, addr, ptep);
}
PV_HYPERCALL(lguest_pte_update_defer, LHCALL_SET_PTE);

void lguest_set_pte_at(struct mm *mm, uint32_t addr, pte_t *ptep, pte_t pte)
{
    native_set_pte_at(mm, addr, ptep, pte);
    lguest_pte_update(mm, addr, ptep);
}
PV_HYPERCALL(lguest_set_pte_at, LHCALL_SET_PTE);

void lguest_pte_clear(struct mm *mm, uint32_t addr, pte_t *ptep)
{
    native_pte_clear(mm, addr, ptep);
    lguest_pte_update(mm, addr, ptep);
}
PV_HYPERCALL(lguest_pte_clear, LHCALL_SET_PTE);

/* The hypervisor sets accessed and dirty bits in our entry while it can be used: so it must be out of
   the shadow before it is looked at. */
pte_t lguest_ptep_modify_prot_start(struct mm *mm, uint32_t addr, pte_t *ptep)
{
    pte_t old = native_ptep_modify_prot_start(mm, addr, ptep);

    lguest_pte_update(mm, addr, ptep);
    return old;
}
PV_HYPERCALL(lguest_ptep_modify_prot_start, LHCALL_SET_PTE);

void lguest_ptep_modify_prot_commit(struct mm *mm, uint32_t addr, pte_t *ptep, pte_t pte)
{
    lguest_set_pte_at(mm, addr, ptep, pte);
}
PV_HYPERCALL(lguest_ptep_modify_prot_commit, LHCALL_SET_PTE);

/* ---- directories ---- */

/* This call is crude: the hypervisor forgets all it knows. (So it was in 2.6.31, where PAE was new.) */

void lguest_set_pmd(pmd_t *pmdp, pmd_t pmd)
{
    uint32_t phys = lguest_phys(pmdp);

    native_set_pmd(pmdp, pmd);
    lguest_lazy_hcall(LHCALL_SET_PMD, phys & PAGE_MASK, (phys & ~PAGE_MASK) / sizeof(pmd_t), 0, 0);
}
PV_HYPERCALL(lguest_set_pmd, LHCALL_SET_PMD);

void lguest_pmd_clear(pmd_t *pmdp)
{
    lguest_set_pmd(pmdp, (pmd_t){0});
}
PV_HYPERCALL(lguest_pmd_clear, LHCALL_SET_PMD);

/* The four top entries lie in 32 bytes, aligned, anywhere in a page. */
void lguest_set_pud(pud_t *pudp, pud_t pud)
{
    uint32_t phys = lguest_phys(pudp);

    native_set_pud(pudp, pud);
    lguest_lazy_hcall(LHCALL_SET_PGD, phys & ~31u, (phys & 31) / sizeof(pud_t), 0, 0);
}
PV_HYPERCALL(lguest_set_pud, LHCALL_SET_PGD);

/* The identity map that head.S needed for the moment of going up. */
void lguest_pagetable_setup_start(pgd_t *base)
{
    lguest_set_pud(&base[0], (pud_t){0});
}
PV_HYPERCALL(lguest_pagetable_setup_start, LHCALL_SET_PGD);

/* The hypervisor knows shadows by the address of the top level, and keeps some when others are in
   use. The page may become another process's top level: it must not find our translations there. */
void lguest_pgd_free(__attribute__((unused)) struct mm *mm, pgd_t *pgd)
{
    for (uint32_t i = 0; i < USER_PGDS; i++)
        if (pgd_present(&pgd[i]))
            lguest_set_pud(&pgd[i], (pud_t){0});
}
PV_HYPERCALL(lguest_pgd_free, LHCALL_SET_PGD);

/* ---- fixed addresses ---- */

void lguest_set_fixmap(uint32_t index, uint64_t phys, uint64_t prot)
{
    fixmap_set_pte(index, (pte_t){prot ? (phys & PTE_FRAME) | prot : 0});
    lguest_flush_tlb_single(fixmap_address(index));
}
PV_HYPERCALL(lguest_set_fixmap, LHCALL_SET_PTE);
