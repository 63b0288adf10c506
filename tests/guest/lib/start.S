/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in, one for every loader. A multiboot loader leaves us in flat 32-bit ring 0 with interrupts
 * and paging off. A hypervisor leaves us further out, and boot_params (ESI) says whose guest we are. A
 * stack is all that is missing before C can run; until we know where we are nothing here is
 * privileged.
 */
#define HEADER_MAGIC 0x1BADB002
#define HEADER_FLAGS 3 /* modules on page boundaries; tell about memory */
#define BP_HARDWARE_SUBARCH 0x23C
#define SUBARCH_LGUEST 1

    .section .multiboot, "a"
    .balign 4
    .long HEADER_MAGIC, HEADER_FLAGS, -(HEADER_MAGIC + HEADER_FLAGS)

    .text
    .globl _start
_start:
    movl %esp, entry_esp /* how it was, for those who want to know (env.h) */
    movl $entry_esp, %esp
    pushfl
    pushal
    movl $stack_top, %esp
    xorl %ebp, %ebp
    movl %cs, %edx
    andl $3, %edx
    jnz from_hypervisor
    pushl %ebx /* boot information */
    pushl %eax /* 2BADB002 */
    pushl $env_native
    call test_start

from_hypervisor:
    cmpl $1, %edx
    jne no_way_in
    cmpl $SUBARCH_LGUEST, BP_HARDWARE_SUBARCH(%esi)
    jne no_way_in
    pushl %esi
    pushl $0
    pushl $env_lguest
    call test_start

/* Somewhere for which there is no environment yet: whoever runs us reports this address. */
no_way_in:
    ud2

    .data
    .balign 4
    .globl entry_regs
entry_regs:
    .skip 8 * 4 /* pushal */
    .skip 4     /* EFLAGS */
entry_esp:
    .long 0

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl stack_bottom, stack_top
stack_bottom:
    .skip 16384
stack_top:
