/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls main, then leaves through the exit port with its result in EAX. */
    .section .text.start, "ax"
    .globl start
start:
    mov $0x300000, %esp
    call main
    out %eax, $0xf4
1:  jmp 1b
