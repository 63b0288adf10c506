/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt flag is a word in memory: lguest_data.irq_enabled, at the place of EFLAGS' own bit
 * 9. Masking and unmasking enters nobody; the hypervisor looks at the word before it delivers. If it
 * had something to deliver and found interrupts masked, it says so in irq_pending, and whoever
 * unmasks them calls it back. (The processor's real IF is always on in ring 1: it belongs to the
 * hypervisor.)
 */
#include "../fills.h"
#include "../../abi/cfi.h"
#include "../types.h"
#include "abi/lguest.h"

#define IRQ_ENABLED (lguest_data + LGUEST_DATA_irq_enabled)
#define IRQ_PENDING (lguest_data + LGUEST_DATA_irq_pending)

    .text

/* Callee-save: only EAX may change. */
FUNC(lguest_save_fl)
    movl IRQ_ENABLED, %eax
    ret
END(lguest_save_fl)
PV_SHARED(lguest_save_fl, "reads irq_enabled")

FUNC(lguest_restore_fl)
    andl $LGUEST_IF, %eax
    movl %eax, IRQ_ENABLED
    testl %eax, IRQ_PENDING
    jnz send_interrupts
    ret
END(lguest_restore_fl)
PV_SHARED(lguest_restore_fl, "writes irq_enabled")
PV_HYPERCALL(lguest_restore_fl, LHCALL_SEND_INTERRUPTS)

FUNC(lguest_irq_disable)
    movl $0, IRQ_ENABLED
    ret
END(lguest_irq_disable)
PV_SHARED(lguest_irq_disable, "writes irq_enabled")

FUNC(lguest_irq_enable)
    movl $LGUEST_IF, IRQ_ENABLED
    cmpl $0, IRQ_PENDING
    jne send_interrupts
    ret
END(lguest_irq_enable)
PV_SHARED(lguest_irq_enable, "writes irq_enabled")
PV_HYPERCALL(lguest_irq_enable, LHCALL_SEND_INTERRUPTS)

FUNC(send_interrupts)
    movl $LHCALL_SEND_INTERRUPTS, %eax
    int $LGUEST_TRAP_ENTRY
    ret
END(send_interrupts)

/*
 * The way out. What IRET does with IF must be done by hand, and before: IRET itself ignores the flag
 * in ring 1. From then on an interrupt could come, and return to this place with the registers of
 * the interrupted program already loaded; so between noirq_start and noirq_end the hypervisor
 * delivers none. If one waits it is told of it here, and delivers right after the IRET. The stack
 * segment is the only one that is still ours.
 */
TRAP_FUNC(lguest_iret, 12)
    PUSH_SAVED eax
    movl 12(%esp), %eax /* EFLAGS, above EIP and CS */
    andl $LGUEST_IF, %eax
    .globl lguest_noirq_start, lguest_noirq_end
lguest_noirq_start:
    movl %eax, %ss:IRQ_ENABLED
    testl %eax, %ss:IRQ_PENDING
    jz 1f
    movl $LHCALL_SEND_INTERRUPTS, %eax
    int $LGUEST_TRAP_ENTRY
1:  POP_SAVED eax
.Liret:
    iret
lguest_noirq_end:
END(lguest_iret)
PV_SHARED(lguest_iret, "writes irq_enabled")
PV_HYPERCALL(lguest_iret, LHCALL_SEND_INTERRUPTS)
    .pushsection __ex_table, "a"
    .long .Liret, lguest_noirq_end, iret_fault
    .popsection

/* What lguest_patch writes into sites where it fits: copied, never run here. */
#define TEMPLATE(name, ...)     \
    FUNC(lguest_insn_##name)    \
    __VA_ARGS__;                \
    .globl lguest_insn_##name##_end; lguest_insn_##name##_end: \
    END(lguest_insn_##name)

TEMPLATE(irq_disable, movl $0, IRQ_ENABLED)
TEMPLATE(save_fl, movl IRQ_ENABLED, %eax)
