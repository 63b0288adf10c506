/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lguest backend: each hook as Linux 2.6.31's guest did it (arch/x86/lguest/boot.c). Read beside
 * guest/pv/native: the same file there does the same thing with the instruction that lguest does
 * with a call, a word of shared memory, or nothing. The kernel runs in ring 1 here.
 */
/* clang-format off: laid out by hand, as tables */
#ifndef PV_LGUEST_H
#define PV_LGUEST_H

#include "../fills.h"
#include "../native/native.h"
#include "abi/lguest.h"

/* Hooks that the bare machine's code serves as well: it holds nothing that ring 1 may not do, or a
   fault of it is made good by the exception table (RDMSR), or nobody here calls it. */
#define lguest_banner              native_banner
#define lguest_read_cr4_safe       lguest_read_cr4
#define lguest_store_gdt           native_store_gdt
#define lguest_store_idt           native_store_idt
#define lguest_store_tr            native_store_tr
#define lguest_write_ldt_entry     native_write_ldt_entry
#define lguest_set_iopl_mask       native_set_iopl_mask
#define lguest_io_delay            native_io_delay
#define lguest_read_msr_amd        native_read_msr_amd
#define lguest_read_msr            native_read_msr
#define lguest_write_msr           native_write_msr
#define lguest_read_tsc            native_read_tsc
#define lguest_read_pmc            native_read_pmc
#define lguest_read_tscp           native_read_tscp
#define lguest_irq_enable_sysexit  native_irq_enable_sysexit
#define lguest_pgd_alloc           native_pgd_alloc
#define lguest_pte_val             paravirt_ident_64
#define lguest_make_pte            paravirt_ident_64
#define lguest_pgd_val             paravirt_ident_64
#define lguest_make_pgd            paravirt_ident_64
#define lguest_pmd_val             paravirt_ident_64
#define lguest_make_pmd            paravirt_ident_64
#define lguest_spin_is_locked      native_spin_is_locked
#define lguest_spin_is_contended   native_spin_is_contended
#define lguest_spin_lock           native_spin_lock
#define lguest_spin_lock_flags     native_spin_lock_flags
#define lguest_spin_trylock        native_spin_trylock
#define lguest_spin_unlock         native_spin_unlock

/* Prototypes of all the hooks of this backend, so that no definition can stray from the catalogue. */
#define A0()                                       (void)
#define A1(t1, n1)                                 (t1 n1)
#define A2(t1, n1, t2, n2)                         (t1 n1, t2 n2)
#define A3(t1, n1, t2, n2, t3, n3)                 (t1 n1, t2 n2, t3 n3)
#define A4(t1, n1, t2, n2, t3, n3, t4, n4)         (t1 n1, t2 n2, t3 n3, t4 n4)
#define A5(t1, n1, t2, n2, t3, n3, t4, n4, t5, n5) (t1 n1, t2 n2, t3 n3, t4 n4, t5 n5)
#define A1D                                        A1
#define A2D                                        A2
#define A4D                                        A4
#define A3DD                                       A3
#define LGUEST_REGPARM(ret, name, args)            ret lguest_##name args;
#define LGUEST_JUMP(ret, name, args)               ret lguest_##name args;
#define LGUEST_CALLEE_SAVE(ret, name, args)        void lguest_##name(void);
#define HOOK(group, name, ret, conv, args, meaning) LGUEST_##conv(ret, name, args)
#include "abi/pv_hooks.def"
#undef HOOK
#undef A0
#undef A1
#undef A2
#undef A3
#undef A4
#undef A5
#undef A1D
#undef A2D
#undef A4D
#undef A3DD

/* Hooks for which lguest has nothing to do; their sites become no-operations. */
#define lguest_set_debugreg PV_NOP
#define lguest_write_cr4 PV_NOP
#define lguest_load_tr_desc PV_NOP
#define lguest_set_ldt PV_NOP
#define lguest_alloc_ldt PV_NOP
#define lguest_free_ldt PV_NOP
#define lguest_wbinvd PV_NOP
#define lguest_setup_boot_clock PV_NOP
#define lguest_setup_secondary_clock PV_NOP
#define lguest_startup_ipi_hook PV_NOP
#define lguest_pagetable_setup_done PV_NOP
#define lguest_write_cr2 PV_NOP
#define lguest_activate_mm PV_NOP
#define lguest_dup_mmap PV_NOP
#define lguest_exit_mmap PV_NOP
#define lguest_flush_tlb_others PV_NOP
#define lguest_alloc_pte PV_NOP
#define lguest_alloc_pmd PV_NOP
#define lguest_alloc_pmd_clone PV_NOP
#define lguest_release_pte PV_NOP
#define lguest_release_pmd PV_NOP

extern const struct pv_backend lguest_backend;

/* ---- hypercall.c ---- */

/* The one structure that we and the hypervisor share. In 2.6.31's layout; head.S moves the last
   words to where 3.2 wants them when it finds itself there, and nobody here reads those. */
extern struct lguest_data lguest_data;

/* Addresses are guest-physical in every call. For what lies in the direct map: */
static inline uint32_t lguest_phys(const void *p)
{
    return (uint32_t)p - PAGE_OFFSET;
}

/* Enter the hypervisor now. */
static inline void lguest_hcall(uint32_t call, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    __asm__ volatile("call lguest_trap"
                     : "+a"(call)
                     : "b"(a1), "c"(a2), "d"(a3), "S"(a4)
                     : "memory", "cc");
}

/* Now, or in a lazy mode together with others when that mode is left. */
void lguest_lazy_hcall(uint32_t call, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4);

extern const char lguest_noirq_start[], lguest_noirq_end[]; /* irq.S */

#endif
