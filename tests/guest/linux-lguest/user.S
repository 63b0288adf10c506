/* SPDX-License-Identifier: GPL-2.0-only */
/* The process: position-independent, copied to USER_CODE. What it does is said in process.c. */
#include "linux.h"

    .section .rodata
    .globl user_start, user_end
user_start:
    pushl $0x12345678 /* the stack's first page comes by a fault */
    call 1f
1:  popl %ebp
    movl $SYS_WRITE, %eax
    leal (text - 1b)(%ebp), %ebx
    movl $(text_end - text), %ecx
    int $0x80
    /* TLS, as glibc uses it */
    movl $TLS_SEL, %eax
    movl %eax, %gs
    movl %gs:0, %ebx
    movl $0x715, %ecx
    movl $SYS_CHECK, %eax
    int $0x80
    /* a write to what is shared */
    movl USER_COW, %ebx
    movl $0xC0, %ecx
    movl $SYS_CHECK, %eax
    int $0x80
    movl $0x7777, USER_COW
    movl USER_COW, %ebx
    movl $0x7777, %ecx
    movl $SYS_CHECK, %eax
    int $0x80
    /* a debugger's breakpoint */
    int3
    /* the FPU, whose owner is someone else: a fault the first time, none the second */
    fldpi
    fldpi
    fmulp
    pushl $0
    fistpl (%esp)
    popl %ebx
    movl $10, %ecx
    movl $SYS_CHECK, %eax
    int $0x80
    /* what ring 3 must not do: each is a byte or two, and a fault that the kernel steps over */
    cli
    nop
    inb $0x80, %al
    int $LGUEST_TRAP_ENTRY
    int $0x20
    sysenter
    rdpmc
    /* ticks come while we do nothing */
    movl $SYS_TICKS, %eax
    int $0x80
    movl %eax, %esi
    addl $3, %esi
2:  movl $1000, %ecx
3:  loop 3b
    movl $SYS_TICKS, %eax
    int $0x80
    cmpl %esi, %eax
    jb 2b
    popl %ebx
    movl $0x12345678, %ecx
    movl $SYS_CHECK, %eax
    int $0x80
    movl $SYS_EXIT, %eax
    int $0x80
    ud2
text:
    .ascii "a process speaks\n"
text_end:
user_end:
