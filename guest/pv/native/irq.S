/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_irq_ops and pv_cpu_ops.iret on the bare machine, and the templates of everything that is put
 * in place of a call: an instruction or two each, so short that calling them would be a waste.
 */
#include "../../abi/cfi.h"
#include "../types.h"

    .text

/* Callee-save: only EAX may change. */
FUNC(native_save_fl)
    pushfl
    .cfi_adjust_cfa_offset 4
    POP %eax
    ret
END(native_save_fl)

FUNC(native_restore_fl)
    PUSH %eax
    popfl
    .cfi_adjust_cfa_offset -4
    ret
END(native_restore_fl)

FUNC(native_irq_disable)
    cli
    ret
END(native_irq_disable)

FUNC(native_irq_enable)
    sti
    ret
END(native_irq_enable)

/* STI takes effect after the next instruction, so no interrupt can slip in before HLT. */
FUNC(native_safe_halt)
    sti
    hlt
    ret
END(native_safe_halt)

FUNC(native_halt)
    hlt
    ret
END(native_halt)

/* The way out. It may fault (a process can ask for any selector in a signal frame): the table entry
   sends that to entry.S, where the fault becomes the process's. */
TRAP_FUNC(native_iret, 12)
    iret
END(native_iret)
    .pushsection __ex_table, "a"
    .long native_iret, native_iret + 1, iret_fault
    .popsection

/* For an entry by SYSENTER, which this kernel does not offer: complete all the same. */
FUNC(native_irq_enable_sysexit)
    sti
    sysexit
END(native_irq_enable_sysexit)

/* What native_patch writes into sites: copied, never run here. */
#define TEMPLATE(name, ...)     \
    FUNC(native_insn_##name)    \
    __VA_ARGS__;                \
    .globl native_insn_##name##_end; native_insn_##name##_end: \
    END(native_insn_##name)

TEMPLATE(irq_disable, cli)
TEMPLATE(irq_enable, sti)
TEMPLATE(save_fl, pushfl; popl %eax)
TEMPLATE(restore_fl, pushl %eax; popfl)
TEMPLATE(iret, iret)
TEMPLATE(irq_enable_sysexit, sti; sysexit)
TEMPLATE(read_cr2, movl %cr2, %eax)
TEMPLATE(read_cr3, movl %cr3, %eax)
TEMPLATE(write_cr3, movl %eax, %cr3)
TEMPLATE(clts, clts)
TEMPLATE(read_tsc, rdtsc)
