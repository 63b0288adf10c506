/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions and interrupts: tables the processor reads, and who gets told. */
#ifndef KERNEL_TRAPS_H
#define KERNEL_TRAPS_H

#include "../abi/trap_frame.h"
#include "../pv/types.h"

enum {
    TRAP_DE = 0, TRAP_DB, TRAP_NMI, TRAP_BP, TRAP_OF, TRAP_BR, TRAP_UD, TRAP_NM, TRAP_DF,
    TRAP_TS = 10, TRAP_NP, TRAP_SS, TRAP_GP, TRAP_PF, TRAP_MF = 16, TRAP_AC, TRAP_MC, TRAP_XF,
    TRAP_IRQ0 = 0x20,
    TRAP_SYSCALL = 0x80,
};

#define IRQS 16

/*
 * An instruction of the kernel's that may fault, and where to go on if it does. A row covers
 * [start, end), so that one row guards a whole copy loop.
 */
struct ex_entry {
    uint32_t start, end, fixup;
};
#define EX_TABLE(start, end, fixup)                                                                \
    ".pushsection __ex_table, \"a\"\n"                                                             \
    ".long " start ", " end ", " fixup "\n"                                                        \
    ".popsection\n"
uint32_t ex_table_find(uint32_t eip); /* the fixup, or 0 */

extern struct desc gdt_table[GDT_ENTRIES]; /* page-aligned: a hypervisor may want the page */
extern struct desc idt_table[256];
extern struct tss tss;

void gdt_init(void);           /* build and load GDT, TSS */
void trap_init(void);          /* build and load the IDT: exceptions and system calls */
void trap_set_irq_gates(void); /* the 16 lines, from vector 0x20 */

/* Called by entry.S. */
void trap_dispatch(struct trap_frame *f);
void irq_dispatch(struct trap_frame *f);
void exit_to_user(struct trap_frame *f);

/* An interrupt's handler runs with interrupts masked; its line has been acknowledged. */
void irq_register(unsigned line, const char *name, void (*handler)(struct trap_frame *f));
const char *irq_name(unsigned line); /* NULL: nobody registered */
const char *irq_chip_name(void);
uint32_t irq_count(unsigned line); /* since boot, for /proc */

/* #NM: current wants the FPU (fpu.c). */
void fpu_trap(void);

/* panic() with the frame of the fault that caused it. */
void panic_trap(const struct trap_frame *f, uint32_t cr2, const char *what) __attribute__((noreturn));

#endif
