/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first instructions, at physical addresses, in the order in which Linux's head_32.S has them:
 * segments are kept when boot_params says so, the BSS is cleared, boot_params and the command line
 * are copied from where the loader put them, 3.2 makes page tables, and hardware_subarch says whose
 * guest this is. The hypervisor has only then to be asked for anything.
 */
#include "linux.h"

#define PHYS(x) (x - PAGE_OFFSET)
#define KEEP_SEGMENTS 0x40
#define BP_LOADFLAGS 0x211
#define BP_VERSION 0x206
#define BP_CMD_LINE_PTR 0x228
#define BP_HARDWARE_SUBARCH 0x23C
#define MAPPED (32 << 20) /* what 3.2's first tables show */

    .section .head.text, "ax"
    .globl startup_32
startup_32:
#if RELEASE_3_2
    movl PHYS(stack_start), %ecx
#endif
    testb $KEEP_SEGMENTS, BP_LOADFLAGS(%esi)
    jz no_way_in
#if RELEASE_3_2
    leal -PAGE_OFFSET(%ecx), %esp
#endif
    cld
    xorl %eax, %eax
    movl $PHYS(bss_start), %edi
    movl $PHYS(bss_end), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    rep stosl
    movl $PHYS(boot_params), %edi
    movl $(PAGE_SIZE / 4), %ecx
    rep movsl
    movl PHYS(boot_params) + BP_CMD_LINE_PTR, %esi
    andl %esi, %esi
    jz 1f
    movl $PHYS(command_line), %edi
    movl $(1024 / 4), %ecx
    rep movsl
1:
#if RELEASE_3_2
    call initial_tables
#endif
    cmpw $0x207, PHYS(boot_params) + BP_VERSION
    jb no_way_in
    movl PHYS(boot_params) + BP_HARDWARE_SUBARCH, %eax
    cmpl $3, %eax
    jae no_way_in
    movl PHYS(subarch_entries)(, %eax, 4), %eax
    subl $PAGE_OFFSET, %eax
    jmp *%eax

no_way_in:
    ud2

lguest_entry:
    movl $LHCALL_LGUEST_INIT, %eax
    movl $PHYS(lguest_data), %ebx
    HCALL
#if RELEASE_3_2
    movl $LHCALL_NEW_PGTABLE, %eax
    movl $PHYS(initial_page_table), %ebx
    HCALL
#endif
    movl $init_stack_top, %esp
    movl $lguest_init, %eax
    jmp *%eax

#if RELEASE_3_2
/*
 * Memory at 0 and at PAGE_OFFSET, in tables that follow the kernel's end; and a table at the very top,
 * where native Linux has its fixmap. Under lguest the hypervisor is there, which must not mind the
 * entry.
 */
initial_tables:
    movl $PHYS(brk_start), %edi
    movl $3, %eax /* page 0, present and writable; the rest of the flags is up to who uses it */
#if PAE
    movl $PHYS(initial_pg_pmd), %edx
1:  leal 0x67(%edi), %ecx
    movl %ecx, (%edx)
    movl $0, 4(%edx)
    addl $8, %edx
    movl $512, %ecx
2:  stosl
    addl $PAGE_SIZE, %eax
    pushl %eax
    xorl %eax, %eax
    stosl
    popl %eax
    loop 2b
    cmpl $(MAPPED + 3), %eax
    jb 1b
    movl $(PHYS(initial_pg_fixmap) + 0x67), PHYS(initial_pg_pmd) + PAGE_SIZE - 8
#else
    movl $PHYS(initial_page_table), %edx
1:  leal 0x67(%edi), %ecx
    movl %ecx, (%edx)
    movl %ecx, (PAGE_OFFSET >> 20)(%edx)
    addl $4, %edx
    movl $1024, %ecx
2:  stosl
    addl $PAGE_SIZE, %eax
    loop 2b
    cmpl $(MAPPED + 3), %eax
    jb 1b
    movl $(PHYS(initial_pg_fixmap) + 0x67), PHYS(initial_page_table) + PAGE_SIZE - 4
#endif
    ret
#endif

    .data
    .balign 4
subarch_entries:
    .long no_way_in, lguest_entry, no_way_in
stack_start:
    .long init_stack_top

#if RELEASE_3_2 && PAE
    .balign PAGE_SIZE
    .globl initial_page_table
initial_page_table: /* four pointers without a flag but P */
    .long PHYS(initial_pg_pmd) + 1, 0
    .long 0, 0
    .long 0, 0
    .long PHYS(initial_pg_pmd) + 1, 0
    .balign PAGE_SIZE
#endif

    .section .bss.page_aligned, "aw", @nobits
    .balign PAGE_SIZE
#if RELEASE_3_2
#if PAE
    .globl initial_pg_pmd
initial_pg_pmd:
#else
    .globl initial_page_table
initial_page_table:
#endif
    .skip PAGE_SIZE
initial_pg_fixmap:
    .skip PAGE_SIZE
brk_start:
    .skip 16 * PAGE_SIZE
#endif
    .globl swapper_pg_dir, boot_params, command_line, init_stack_top
swapper_pg_dir:
    .skip PAGE_SIZE
boot_params:
    .skip PAGE_SIZE
command_line:
    .skip PAGE_SIZE
    .skip THREAD_SIZE
init_stack_top:
