/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways into the kernel and the one way out. Every entry builds the same frame (struct
 * trap_frame) on the task's kernel stack; C gets a pointer to it.
 *
 * The kernel lives with the flat *user* data segment in DS and ES, as Linux i386 does: it may be
 * loaded in any ring, so it is right under every hypervisor, and nearly always it is what a process
 * has there anyway, so there is nothing to load. Loading a segment register makes the processor
 * (or its emulator) fetch and check a descriptor; comparing costs nothing.
 */
#include "../abi/cfi.h"
#include "../pv/pv_asm.h"

#define OFF_DS  28
#define OFF_ES  32
#define OFF_FS  36
#define OFF_GS  40
#define OFF_CS  60

    .text

/* ---- one stub a vector: make the frames equal, and note the vector ---- */

/* The processor pushes an error code for these: #DF #TS #NP #SS #GP #PF #AC. */
#define HAS_ERROR ((1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 17))

    .balign 16
TRAP_FUNC(trap_stubs, 12)
    .set vector, 0
    .rept 32
    .balign 16
    .if (HAS_ERROR >> vector) & 1
    .cfi_def_cfa_offset 16
    .else
    .cfi_def_cfa_offset 12
    PUSH $0
    .endif
    PUSH $vector
    jmp trap_common
    .set vector, vector + 1
    .endr
END(trap_stubs)

    .balign 16
TRAP_FUNC(irq_stubs, 12)
    .rept 16
    .balign 16
    .cfi_def_cfa_offset 12
    PUSH $0
    PUSH $vector
    jmp irq_common
    .set vector, vector + 1
    .endr
END(irq_stubs)

.macro LOAD_KERNEL_SEGMENTS
    movl %ds, %eax
    cmpw $USER_DS, %ax
    je 8f
    movl $USER_DS, %eax
    movl %eax, %ds
8:  movl %es, %eax
    cmpw $USER_DS, %ax
    je 9f
    movl $USER_DS, %eax
    movl %eax, %es
9:
.endm

.macro SAVE_ALL
    cld
    PUSH %gs
    PUSH %fs
    PUSH %es
    PUSH %ds
    PUSH_SAVED eax
    PUSH_SAVED ebp
    PUSH_SAVED edi
    PUSH_SAVED esi
    PUSH_SAVED edx
    PUSH_SAVED ecx
    PUSH_SAVED ebx
    LOAD_KERNEL_SEGMENTS
.endm

/* Load a segment register if it must change. A bad selector (a process can put any into a signal
   frame) becomes the null selector. */
.macro RESTORE_SEGMENT offset, segment
    movl \offset(%esp), %eax
    movl %\segment, %ecx
    cmpw %ax, %cx
    je 8f
1:  movl %eax, %\segment
8:
    .pushsection .text.fixup, "ax"
2:  xorl %eax, %eax
    movl %eax, \offset(%esp)
    jmp 1b
    .popsection
    .pushsection __ex_table, "a"
    .long 1b, 8b, 2b
    .popsection
.endm

TRAP_FUNC(syscall_entry, 12)
    PUSH $0
    PUSH $0x80
    PUSH %eax
    SAVE_ALL
    movl %esp, %eax
    call syscall_dispatch
    jmp leave_to_user
END(syscall_entry)

TRAP_FUNC(trap_common, 20)
    PUSH $-1
    SAVE_ALL
    movl %esp, %eax
    call trap_dispatch
    jmp leave
END(trap_common)

TRAP_FUNC(irq_common, 20)
    PUSH $-1
    SAVE_ALL
    movl %esp, %eax
    call irq_dispatch
END(irq_common)

TRAP_FUNC(leave, 68)
    CFI_SAVED
    movl OFF_CS(%esp), %eax
    andl $3, %eax
    cmpl $3, %eax
    jne restore_all
leave_to_user:
    DISABLE_INTERRUPTS
    movl %esp, %eax
    call exit_to_user /* signals, rescheduling; comes back with interrupts masked */
restore_all:
    RESTORE_SEGMENT OFF_GS, gs
    RESTORE_SEGMENT OFF_FS, fs
    RESTORE_SEGMENT OFF_ES, es
    RESTORE_SEGMENT OFF_DS, ds
    POP_SAVED ebx
    POP_SAVED ecx
    POP_SAVED edx
    POP_SAVED esi
    POP_SAVED edi
    POP_SAVED ebp
    POP_SAVED eax
    leal 28(%esp), %esp /* ds es fs gs orig_eax vector error */
    .cfi_adjust_cfa_offset -28
iret_site:
    INTERRUPT_RETURN
    .pushsection __ex_table, "a"
    .long iret_site, iret_site + 1, iret_fault
    .popsection
END(leave)

/* IRET refused the frame it was given: that is the process's fault, so let it be a #GP there. */
TRAP_FUNC(iret_fault, 12)
    PUSH $0
    PUSH $13
    jmp trap_common
END(iret_fault)

/* ---- switching stacks ---- */

/* switch_stacks(where to save ESP, ESP to load) */
FUNC(switch_stacks)
    PUSH_SAVED ebp
    PUSH_SAVED ebx
    PUSH_SAVED esi
    PUSH_SAVED edi
    movl %esp, (%eax)
    movl %edx, %esp
    POP_SAVED edi
    POP_SAVED esi
    POP_SAVED ebx
    POP_SAVED ebp
    ret
END(switch_stacks)

/* Where a new process begins: with its frame already on the stack. */
TRAP_FUNC(ret_from_fork, 68)
    CFI_SAVED
    call schedule_tail
    jmp leave_to_user
END(ret_from_fork)

/* ... and a new kernel thread: EBX is its function, ESI the argument. */
TRAP_FUNC(ret_from_kernel_thread, 68)
    .cfi_undefined eip /* nobody called it: the end of every backtrace */
    call schedule_tail
    movl %esi, %eax
    call *%ebx
    jmp leave_to_user
END(ret_from_kernel_thread)
