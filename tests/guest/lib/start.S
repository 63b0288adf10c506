/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in: a multiboot loader leaves us in flat 32-bit ring 0 with interrupts off and paging
 * off. A stack is all that is missing before C can run.
 */
#define HEADER_MAGIC 0x1BADB002
#define HEADER_FLAGS 3 /* modules on page boundaries; tell about memory */

    .section .multiboot, "a"
    .balign 4
    .long HEADER_MAGIC, HEADER_FLAGS, -(HEADER_MAGIC + HEADER_FLAGS)

    .text
    .globl _start
_start:
    movl $stack_top, %esp
    xorl %ebp, %ebp
    pushl %ebx /* boot information */
    pushl %eax /* 2BADB002 */
    call test_start
1:  cli
    hlt
    jmp 1b

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl stack_bottom, stack_top
stack_bottom:
    .skip 16384
stack_top:
