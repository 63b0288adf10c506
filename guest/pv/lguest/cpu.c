/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_cpu_ops under lguest. The descriptor tables that count are the hypervisor's; ours in memory are
 * the copies that the rest of the kernel reads, and each change is told. Control registers are
 * remembered: there is one to tell about, CR0.TS.
 */
#include "lguest.h"
#include "kernel/task.h"
#include "kernel/traps.h"

static uint32_t current_cr0;

/* There are no debug registers, so the one way to a debug trap is a single step. */
uint32_t lguest_get_debugreg(int number)
{
    return number == 6 ? DR6_STEP : 0;
}

void lguest_clts(void)
{
    lguest_lazy_hcall(LHCALL_TS, 0, 0, 0, 0);
    current_cr0 &= ~CR0_TS;
}
PV_HYPERCALL(lguest_clts, LHCALL_TS);

uint32_t lguest_read_cr0(void)
{
    return current_cr0;
}

void lguest_write_cr0(uint32_t value)
{
    lguest_lazy_hcall(LHCALL_TS, value & CR0_TS, 0, 0, 0);
    current_cr0 = value;
}
PV_HYPERCALL(lguest_write_cr0, LHCALL_TS);

uint32_t lguest_read_cr4(void)
{
    return 0;
}

/* ---- descriptor tables ---- */

static void load_gdt_entry(const struct desc *gdt, uint32_t entry)
{
    lguest_hcall(LHCALL_LOAD_GDT_ENTRY, entry, gdt[entry].low, gdt[entry].high, 0);
}

/* The hypervisor takes an entry at a time, and keeps those for itself that it needs. From here on
   there is the flat user segment, with which this kernel lives (entry.S). */
void lguest_load_gdt(const struct desc_ptr *gdt)
{
    for (uint32_t i = 0; i < (gdt->limit + 1u) / sizeof(struct desc) && i < GDT_ENTRIES; i++)
        load_gdt_entry((const struct desc *)gdt->base, i);
    __asm__ volatile("movl %0, %%ds\n"
                     "movl %0, %%es"
                     :
                     : "r"(USER_DS)
                     : "memory");
}
PV_HYPERCALL(lguest_load_gdt, LHCALL_LOAD_GDT_ENTRY);

/* The task state and local descriptor tables are not ours to change. */
void lguest_write_gdt_entry(struct desc *gdt, int entry, const void *desc, int type)
{
    native_write_gdt_entry(gdt, entry, desc, type);
    load_gdt_entry(gdt, entry);
}
PV_HYPERCALL(lguest_write_gdt_entry, LHCALL_LOAD_GDT_ENTRY);

static void load_idt_entry(const struct desc *idt, uint32_t vector)
{
    lguest_hcall(LHCALL_LOAD_IDT_ENTRY, vector, idt[vector].low, idt[vector].high, 0);
}

void lguest_load_idt(const struct desc_ptr *idt)
{
    for (uint32_t i = 0; i < (idt->limit + 1u) / sizeof(struct desc); i++)
        load_idt_entry((const struct desc *)idt->base, i);
}
PV_HYPERCALL(lguest_load_idt, LHCALL_LOAD_IDT_ENTRY);

void lguest_write_idt_entry(struct desc *idt, int vector, const struct desc *gate)
{
    native_write_idt_entry(idt, vector, gate);
    load_idt_entry(idt, vector);
}
PV_HYPERCALL(lguest_write_idt_entry, LHCALL_LOAD_IDT_ENTRY);

/* A selector of an entry that changes must not be in a register meanwhile: the hypervisor loads all
   of them on its way back. The way out to user mode loads the selector again. */
void lguest_load_tls(struct task *task, uint32_t cpu)
{
    __asm__ volatile("movl %0, %%fs\n"
                     "movl %0, %%gs"
                     :
                     : "r"(0));
    lguest_lazy_hcall(LHCALL_LOAD_TLS, lguest_phys(task->tls), cpu, 0, 0);
}
PV_HYPERCALL(lguest_load_tls, LHCALL_LOAD_TLS);

/* The processor takes system calls without the hypervisor, so their stack must not be missing from
   its page tables: it is told how many pages lie below. */
void lguest_load_sp0(struct tss *t, uint32_t sp0)
{
    t->sp0 = sp0;
    lguest_lazy_hcall(LHCALL_SET_STACK, kernel_ds(), sp0, 1u << KSTACK_ORDER, 0);
}
PV_HYPERCALL(lguest_load_sp0, LHCALL_SET_STACK);

/* ---- CPUID ---- */

/*
 * The processor answers ring 1 as it answers everybody, so what this kernel could not use is masked
 * here. PGE is added for no feature of ours: with it Linux would flush kernel addresses by the hook
 * made for that, and a program that shows the flags should see Linux's.
 */
enum {
    LEAF_MAX = 5,
    FEATURES_ECX = 0x00002201, /* SSE3, SSSE3, CX16 */
    FEATURES_EDX = 0x07808151, /* FPU, TSC, PAE, CX8, CMOV, MMX, FXSR, SSE, SSE2 */
    FEATURE_PGE = 0x2000,
    FAMILY_MASK = 0xF00,
    FAMILY_5 = 0x500, /* no model-specific registers that Linux would reach for */
    EXTENDED_MAX = 0x80000008,
    EXTENDED_NX = 1 << 20,
};

void lguest_cpuid(uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    uint32_t leaf = *eax;

    native_cpuid(eax, ebx, ecx, edx);
    switch (leaf) {
    case 0:
        *eax = MIN(*eax, (uint32_t)LEAF_MAX);
        break;
    case 1:
        *ecx &= FEATURES_ECX;
        *edx = (*edx & FEATURES_EDX) | FEATURE_PGE;
        *eax = (*eax & ~(uint32_t)FAMILY_MASK) | FAMILY_5;
        break;
    case 0x80000000:
        *eax = MIN(*eax, (uint32_t)EXTENDED_MAX);
        break;
    case 0x80000001:
        *edx &= ~(uint32_t)EXTENDED_NX;
        break;
    }
}
