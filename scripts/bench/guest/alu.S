/* SPDX-License-Identifier: GPL-2.0-only */
/* Four instructions a round, nothing but registers. */
    .text
    .globl main
main:
    mov $20000000, %ecx
1:  add %ecx, %eax
    xor $0x5a, %eax
    dec %ecx
    jnz 1b
    ret
