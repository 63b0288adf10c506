/* SPDX-License-Identifier: GPL-2.0-only */
/* Five instructions a round: a load, a store, and a walk over 64 KiB. */
    .text
    .globl main
main:
    mov $8000000, %ecx
    xor %edi, %edi
1:  mov 0x200000(%edi), %eax
    add %ecx, %eax
    mov %eax, 0x200000(%edi)
    add $68, %di
    loop 1b
    ret
