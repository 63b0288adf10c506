/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front door: one plain 32-bit entry for every loader.
 *
 *   multiboot            EAX = 2BADB002, EBX -> multiboot information
 *   Linux boot protocol  ESI -> boot_params; its byte 23C says which hypervisor, if any
 *
 * We do not know yet which ring this is. Under a hypervisor every privileged instruction would be
 * refused, there may be no stack, and the segments are not ours to load. So until EAX, the RPL of
 * CS and hardware_subarch have told, nothing here touches a segment register, a control register,
 * an MSR, a port or the stack: registers are compared, memory is read, and that is all.
 */
#include "../pv/types.h"

#define MULTIBOOT_HEADER_MAGIC 0x1BADB002
#define MULTIBOOT_LOADER_MAGIC 0x2BADB002
#define MULTIBOOT_FLAGS        3 /* modules on page boundaries; tell about memory */
#define BP_HARDWARE_SUBARCH    0x23C
#define PAGE_OFFSET            0xC0000000

    .section .multiboot, "a"
    .balign 4
    .globl multiboot_header
    .type multiboot_header, @object
multiboot_header:
    .long MULTIBOOT_HEADER_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)
    .size multiboot_header, . - multiboot_header

    .section .head.text, "ax"
    .globl _start
    .type _start, @function
_start:
    movl %cs, %edx /* reading a selector is harmless */
    andl $3, %edx
    cmpl $MULTIBOOT_LOADER_MAGIC, %eax
    je from_multiboot

    movl %esi, %ebx
    movl BP_HARDWARE_SUBARCH(%esi), %ecx
    cmpl $((subarch_entries_end - subarch_entries) / 4), %ecx
    jae no_way_in
    jmp *(subarch_entries - PAGE_OFFSET)(, %ecx, 4)

from_multiboot:
    testl %edx, %edx
    jnz no_way_in
    jmp native_start_multiboot

from_pc:
    testl %edx, %edx
    jnz no_way_in
    jmp native_start_linux

/* Somewhere this kernel has no door for. There is no console to complain to, so fault: whoever runs
   us reports that, and this address. */
no_way_in:
    ud2
    .size _start, . - _start

/* By hardware_subarch (Linux, arch/x86/include/uapi/asm/bootparam.h): 0 PC, 1 lguest, 2 Xen. */
    .balign 4
subarch_entries:
    .long from_pc - PAGE_OFFSET
subarch_entries_end:
