/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traps and the way back, and the three operations on the interrupt flag that Linux had in assembler:
 * they may not touch a register.
 */
#include "linux.h"

/* A stub a vector, 16 bytes each; where the CPU pushes no error code, a 0 stands in for it. */
    .text
    .balign 16
    .globl trap_stubs
trap_stubs:
vector = 0
    .rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
    pushl $0
    .endif
    pushl $vector
    jmp common
    vector = vector + 1
    .endr

common:
    cld
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl $USER_DS, %edx
    movl %edx, %ds
    movl %edx, %es
    movl $PERCPU_SEL, %edx
    movl %edx, %fs
    movl $CANARY_SEL, %edx
    movl %edx, %gs
    pushl %esp
    call trap
    addl $4, %esp
    movl $0, lguest_data + LGUEST_DATA_irq_enabled
    .globl return_from_trap
return_from_trap:
    popl %gs
    popl %fs
    popl %es
    popl %ds
    popal
    addl $8, %esp /* vector, error code */
    /* fall through */

/* The flag first, then IRET: and nothing between them, which is what the two labels are for. */
    pushl %eax
    movl 12(%esp), %eax
    .globl lguest_noirq_start, lguest_noirq_end
lguest_noirq_start:
    movl %eax, %ss:lguest_data + LGUEST_DATA_irq_enabled
    popl %eax
    iret
lguest_noirq_end:

/* As in 2.6.31 to 3.18, error included: "testl $0" is never true, so this one leaves it to the host
   to find out. */
    .globl local_irq_enable
local_irq_enable:
    movl $LGUEST_IF, lguest_data + LGUEST_DATA_irq_enabled
    testl $0, lguest_data + LGUEST_DATA_irq_pending
    jnz send_interrupts
    ret

    .globl local_irq_restore
local_irq_restore: /* (flags) */
    pushl %eax
    movl 8(%esp), %eax
    movl %eax, lguest_data + LGUEST_DATA_irq_enabled
    testl $LGUEST_IF, %eax
    popl %eax
    jz 1f
    testl $LGUEST_IF, lguest_data + LGUEST_DATA_irq_pending
    jnz send_interrupts
1:  ret

send_interrupts:
    pushl %eax
    movl $LHCALL_SEND_INTERRUPTS, %eax
    HCALL
    popl %eax
    ret

/* enter_user(eip, esp): comes back by leave_user(). */
    .globl enter_user
enter_user:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl 20(%esp), %eax
    movl 24(%esp), %edx
    movl %esp, kernel_esp
    pushl $USER_DS
    pushl %edx
    pushl $0x202
    pushl $USER_CS
    pushl %eax
    subl $8, %esp
    pushal
    pushl $USER_DS
    pushl $USER_DS
    pushl $0
    pushl $0
    movl $0, lguest_data + LGUEST_DATA_irq_enabled
    jmp return_from_trap

    .globl leave_user
leave_user:
    movl kernel_esp, %esp
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .bss
    .balign 4
kernel_esp:
    .skip 4
