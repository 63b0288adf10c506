/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguest from the front door to C: ring 1, flat segments that are the hypervisor's, every address
 * equal to its physical one for now, no stack. EBX -> boot_params, at physical 0.
 *
 * The first hypercall says where lguest_data is; before it there may be no other. Then our own page
 * tables, which the hypervisor shadows from here on, and we go on living at PAGE_OFFSET.
 *
 * Two releases of the protocol are met here. Up to 3.0 the call is VMCALL, in lguest_data there is
 * one word more, and the hypervisor brings page tables of its own making, which we leave at once.
 * From 3.1 on the call is INT 0x1F. What tells them apart before the first call is a bug that was
 * mended then: a byte read from a port, which holds all ones, used to put sixteen of them into EAX.
 */
#include "../../abi/cfi.h"
#include "../types.h"
#include "abi/lguest.h"

#define PAGE_OFFSET         0xC0000000
#define PHYS(x)             ((x) - PAGE_OFFSET)

    .section .head.text, "ax"

    .globl lguest_start
    .type lguest_start, @function
lguest_start:
    cld
    movl $PHYS(boot_stack_top), %esp
    call boot_page_tables

    xorl %eax, %eax
    inb $0x80, %al
    cmpl $0xFFFF, %eax
    jne lguest_3_2
    movw $0x010F, PHYS(lguest_trap) /* 0F 01 C1: VMCALL */
    movb $0xC1, PHYS(lguest_trap + 2)
    jmp lguest_init
lguest_3_2:
    movl $PHYS(lguest_data + LGUEST_DATA_noirq_start), %esi
    movl $PHYS(lguest_data + LGUEST_DATA_3_2_noirq_start), %edi
    movl $4, %ecx /* noirq_start, noirq_end, kernel_address, syscall_vec */
    rep movsl

lguest_init:
    movl %ebx, %ebp
    movl $LHCALL_LGUEST_INIT, %eax
    movl $PHYS(lguest_data), %ebx
    call lguest_trap
    movl $LHCALL_NEW_PGTABLE, %eax
    movl $PHYS(swapper_pg_dir), %ebx
    call lguest_trap

    movl $1f, %eax
    jmp *%eax
1:  movl $boot_stack_top, %esp

    movl %ebp, %eax
    xorl %ebp, %ebp /* the end of every backtrace */
    pushl $0
    jmp lguest_enter
    .size lguest_start, . - lguest_start

/* The way into the hypervisor: call number in EAX, arguments in EBX, ECX, EDX, ESI. Three bytes, for
   head.S to write VMCALL over, and for the hypervisor of those releases to write INT over again. */
FUNC(lguest_trap)
    int $LGUEST_TRAP_ENTRY
    nop
    ret
END(lguest_trap)
