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
#define PHYS(x)                ((x) - PAGE_OFFSET)
#define BOOT_TABLES            8 /* of 2 MiB each */

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

from_lguest:
    cmpl $1, %edx
    je lguest_start

/* Somewhere this kernel has no door for. There is no console to complain to, so fault: whoever runs
   us reports that, and this address. */
no_way_in:
    ud2
    .size _start, . - _start

/* By hardware_subarch (Linux, arch/x86/include/uapi/asm/bootparam.h): 0 PC, 1 lguest, 2 Xen. */
    .balign 4
subarch_entries:
    .long from_pc - PAGE_OFFSET
    .long from_lguest - PAGE_OFFSET
subarch_entries_end:

/*
 * What every door needs before C: page tables for the first 16 MiB, once at 0, where we are, and once
 * at PAGE_OFFSET, where we go. Called at physical addresses; destroys EAX and EDI.
 */
    .globl boot_page_tables
    .type boot_page_tables, @function
boot_page_tables:
    /* 16 MiB of entries: frame i, present and writable. */
    movl $PHYS(boot_ptes), %edi
    movl $(PTE_P | PTE_W), %eax
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $8, %edi
    addl $0x1000, %eax
    cmpl $PHYS(boot_ptes + BOOT_TABLES * 4096), %edi
    jb 1b

    movl $PHYS(swapper_pmd), %edi
    movl $PHYS(boot_ptes + PTE_P + PTE_W), %eax
2:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x1000, %eax
    cmpl $PHYS(swapper_pmd + BOOT_TABLES * 8), %edi
    jb 2b

    /* Top level: the last entry for good, the first one until C takes it away. */
    movl $PHYS(swapper_pmd + PTE_P), %eax
    movl %eax, PHYS(swapper_pg_dir)
    movl %eax, PHYS(swapper_pg_dir + 24)
    ret
    .size boot_page_tables, . - boot_page_tables

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl swapper_pg_dir, swapper_pmd
swapper_pg_dir: .skip 4096
swapper_pmd:    .skip 4096
boot_ptes:      .skip BOOT_TABLES * 4096

/* The boot task's stack, for as long as the machine runs. */
    .globl boot_stack, boot_stack_top
boot_stack:     .skip 8192
boot_stack_top:
