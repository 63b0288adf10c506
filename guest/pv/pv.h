/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv-ops for the rest of the kernel: the hooks as pv_NAME() (pv_call.h makes them from
 * abi/pv_hooks.def), and the few everyday combinations of them. No file outside guest/pv
 * may hold a privileged instruction; it calls one of these instead.
 *
 * Safe points. The table may be exchanged while the kernel runs (pv_install and apply_paravirt
 * again) wherever nothing live holds what the old backend had made: no machine frame number or raw
 * entry in a register, no batch of updates open, interrupts masked. That is so at the top of
 * schedule(), in the idle loop, and on the way out to user mode just before registers are restored.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include "pv_call.h"

/* A backend is one constant table: pv_backend.h builds it and refuses one with a hole. */
struct pv_backend {
    struct pv_info info;
    struct pv_init_ops init;
    struct pv_time_ops time;
    struct pv_cpu_ops cpu;
    struct pv_irq_ops irq;
    struct pv_apic_ops apic;
    struct pv_mmu_ops mmu;
    struct pv_lock_ops lock;
};

void pv_install(const struct pv_backend *b); /* fill the live tables */
void apply_paravirt(void);                   /* patch every recorded site for what they hold */
const char *pv_hook_name(unsigned type);     /* "pv_mmu_ops.set_pte"; NULL: no such hook */

/* Ready-made answers for hooks that do nothing, and for identities. */
void paravirt_nop(void);
#define PV_NOP ((void *)paravirt_nop)
void paravirt_ident_64(void); /* callee-save: EDX:EAX stay */
uint32_t paravirt_patch_default(uint32_t type, uint32_t clobbers, void *insns, uint32_t addr,
                                uint32_t len);

/* ---- interrupts ---- */

static inline uint32_t irq_save(void)
{
    uint32_t flags = pv_save_fl();
    pv_irq_disable();
    return flags;
}

static inline void irq_restore(uint32_t flags)
{
    pv_restore_fl(flags);
}

static inline bool irqs_disabled(void)
{
    return !(pv_save_fl() & EFLAGS_IF);
}

/* ---- selectors ---- */

static inline uint16_t kernel_cs(void)
{
    return KERNEL_CS | pv_info.kernel_rpl;
}

static inline uint16_t kernel_ds(void)
{
    return KERNEL_DS | pv_info.kernel_rpl;
}

/* Ports are not hooks: a hypervisor lets a kernel at ports of its own, or traps the instruction. */
#include "native/io.h"

#endif
