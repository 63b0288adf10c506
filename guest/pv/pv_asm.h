/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks for assembler: the same sites and records as pv_call.h makes, for entry.S.
 * The assembler counts the rows of the catalogue itself: PV_TYPE_name, and PV_OP_name, the word
 * inside the group's struct.
 */
#ifndef PV_PV_ASM_H
#define PV_PV_ASM_H

#include "types.h"

/* clang-format off */
.set pv_count, 0
.set pv_in_init, 0; .set pv_in_time, 0; .set pv_in_cpu, 0; .set pv_in_irq, 0
.set pv_in_apic, 0; .set pv_in_mmu, 0; .set pv_in_lock, 0

#define HOOK(group, name, ret, conv, args, meaning)         \
    .set PV_TYPE_##name, pv_count; .set pv_count, pv_count + 1; \
    .set PV_OP_##name, pv_in_##group * 4; .set pv_in_##group, pv_in_##group + 1;
#include "abi/pv_hooks.def"
#undef HOOK

#define CLBR_EAX 1
#define CLBR_ECX 2
#define CLBR_EDX 4
#define CLBR_ANY 15

#define PV_RECORD(name, regs)                   \
    .pushsection .parainstructions, "a";        \
    .balign 4;                                  \
    .long 771b;                                 \
    .byte PV_TYPE_##name, 772b - 771b;          \
    .short regs;                                \
    .popsection

#define PV_CALL(group, name, regs)              \
    771: call *(pv_##group##_ops + PV_OP_##name); \
    772: PV_RECORD(name, regs)

/* %cs: because a hypervisor may have left the data segments in any state at this point. */
#define PV_JMP(group, name)                     \
    771: jmp *%cs:(pv_##group##_ops + PV_OP_##name); \
    772: PV_RECORD(name, 0)

#define DISABLE_INTERRUPTS PV_CALL(irq, irq_disable, CLBR_EAX | CLBR_EDX)
#define INTERRUPT_RETURN   PV_JMP(cpu, iret)
/* clang-format on */

#endif
