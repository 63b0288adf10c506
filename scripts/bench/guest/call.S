/* SPDX-License-Identifier: GPL-2.0-only */
/* A call and a return a round: as many blocks as can be. */
    .text
    .globl main
main:
    mov $6000000, %ecx
1:  call 2f
    dec %ecx
    jnz 1b
    ret
2:  inc %eax
    ret
