/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bare machine from the front door to C: ring 0, paging off, flat segments of the loader's.
 * EBX -> what the loader left. Switch paging on, with the first page tables of boot/head.S, and go on
 * living at PAGE_OFFSET.
 */
#include "../types.h"

#define PAGE_OFFSET 0xC0000000
#define PHYS(x)     ((x) - PAGE_OFFSET)

    .section .head.text, "ax"

    .globl native_start_multiboot, native_start_linux
    .type native_start_multiboot, @function
native_start_multiboot:
    movl $1, %ebp
    jmp native_start
    .size native_start_multiboot, . - native_start_multiboot

    .type native_start_linux, @function
native_start_linux:
    xorl %ebp, %ebp
    .size native_start_linux, . - native_start_linux

    .type native_start, @function
native_start:
    cld
    lgdt PHYS(boot_gdt_ptr)
    ljmp $KERNEL_CS, $PHYS(1f)
1:  movl $USER_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl $KERNEL_DS, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $PHYS(boot_stack_top), %esp
    pushl $0
    popfl

    call boot_page_tables

    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYS(swapper_pg_dir), %eax
    movl %eax, %cr3

    /* NX, where the processor has it: the bit is reserved otherwise. */
    pushl %ebx
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb 4f
    movl $0x80000001, %eax
    cpuid
    testl $(1 << 20), %edx
    jz 4f
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_NX, %eax
    wrmsr
4:  popl %ebx

    /* WP: the kernel too is stopped by a read-only page, or copy-on-write would not hold. */
    movl %cr0, %eax
    andl $~CR0_EM, %eax
    orl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP), %eax
    movl %eax, %cr0
    movl $5f, %eax
    jmp *%eax
5:  movl $boot_stack_top, %esp

    /* start_kernel(backend, protocol, information), arguments in EAX, EDX, ECX */
    movl $native_backend, %eax
    movl %ebp, %edx
    movl %ebx, %ecx
    xorl %ebp, %ebp /* the end of every backtrace */
    pushl $0
    jmp start_kernel
    .size native_start, . - native_start

    .balign 4
boot_gdt_ptr:
    .word GDT_ENTRIES * 8 - 1
    .long PHYS(gdt_table)
