/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The native backend: each hook as the bare machine does it. This folder alone holds privileged
 * instructions, each in a function (or a patch template) whose name begins with native_.
 */
/* clang-format off: laid out by hand, as tables */
#ifndef PV_NATIVE_H
#define PV_NATIVE_H

#include "../pv.h"

/* Identities: what a frame number is to the kernel, it is to the machine. */
#define native_pte_val  paravirt_ident_64
#define native_make_pte paravirt_ident_64
#define native_pgd_val  paravirt_ident_64
#define native_make_pgd paravirt_ident_64
#define native_pmd_val  paravirt_ident_64
#define native_make_pmd paravirt_ident_64

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
#define NATIVE_REGPARM(ret, name, args)            ret native_##name args;
#define NATIVE_JUMP(ret, name, args)               ret native_##name args;
#define NATIVE_CALLEE_SAVE(ret, name, args)        void native_##name(void);
#define HOOK(group, name, ret, conv, args, meaning) NATIVE_##conv(ret, name, args)
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

/* Hooks for which the bare machine has nothing to do; their sites become no-operations. */
#define native_pagetable_setup_done PV_NOP
#define native_activate_mm PV_NOP
#define native_dup_mmap PV_NOP
#define native_exit_mmap PV_NOP
#define native_flush_tlb_others PV_NOP
#define native_pgd_free PV_NOP
#define native_alloc_pte PV_NOP
#define native_alloc_pmd PV_NOP
#define native_alloc_pmd_clone PV_NOP
#define native_release_pte PV_NOP
#define native_release_pmd PV_NOP
#define native_pte_update PV_NOP
#define native_pte_update_defer PV_NOP
#define native_lazy_mode_enter PV_NOP
#define native_lazy_mode_leave PV_NOP
#define native_alloc_ldt PV_NOP
#define native_free_ldt PV_NOP
#define native_start_context_switch PV_NOP
#define native_end_context_switch PV_NOP
#define native_arch_setup PV_NOP
#define native_post_allocator_init PV_NOP
#define native_setup_boot_clock PV_NOP
#define native_setup_secondary_clock PV_NOP
#define native_startup_ipi_hook PV_NOP

extern const struct pv_backend native_backend;

#endif
