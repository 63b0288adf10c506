/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same kernel as a bzImage: a setup header as boot protocol 2.10 has it, and behind its sectors a
 * decompressor that goes through the steps of Linux's compressed/head_32.S, with a payload that is
 * not compressed. Linked as a flat file, so an address here is an offset in it; the part from
 * startup_32 on is loaded somewhere, and finds out where.
 */
#define SECTOR 512
#define CODE32_START 0x100000
#define KERNEL_AT 0x1000000
#define KEEP_SEGMENTS 0x40
#define BP_SCRATCH 0x1E4
#define BP_LOADFLAGS 0x211
#define BP_KERNEL_ALIGNMENT 0x230
#define EXTRACT_OFFSET 0x400000 /* so far behind its target the decompressor goes out of its way */
#define PT_LOAD 1

    .section .setup, "a"
    .org 0x1F1
    .byte 1 /* setup_sects */
    .org 0x1FE
    .word 0xAA55
    .byte 0xEB, header_end - 0x202
    .ascii "HdrS"
    .word 0x20A
    .org 0x211
    .byte 1 /* LOADED_HIGH */
    .org 0x214
    .long CODE32_START
    .org 0x22C
    .long 0x37FFFFFF /* initrd_addr_max */
    .long KERNEL_AT  /* kernel_alignment */
    .byte 1          /* relocatable */
    .org 0x238
    .long 255 /* cmdline_size */
    .org 0x258
    .quad KERNEL_AT /* pref_address */
    .long EXTRACT_OFFSET + 0x100000 /* init_size */
header_end:
    .org 2 * SECTOR

    .section .pm, "ax"
    .globl startup_32
startup_32:
    cld
    testb $KEEP_SEGMENTS, BP_LOADFLAGS(%esi)
    jz no_way_in
    /* Where are we? Four bytes of boot_params are all the stack there is. */
    leal (BP_SCRATCH + 4)(%esi), %esp
    call 1f
1:  popl %ebp
    subl $(1b - startup_32), %ebp
    movl %ebp, %ebx
    movl BP_KERNEL_ALIGNMENT(%esi), %eax
    decl %eax
    addl %eax, %ebx
    notl %eax
    andl %eax, %ebx
    movl %ebx, %edx /* where the kernel will be */
    addl $EXTRACT_OFFSET, %ebx
    leal (boot_stack_end - startup_32)(%ebx), %esp
    pushl $0
    popfl
    pushl %esi
    leal (pm_end - startup_32 - 4)(%ebp), %esi
    leal (pm_end - startup_32 - 4)(%ebx), %edi
    movl $(pm_end - startup_32), %ecx
    shrl $2, %ecx
    std
    rep movsl
    cld
    popl %esi
    leal (relocated - startup_32)(%ebx), %eax
    jmp *%eax

no_way_in:
    ud2

relocated:
    cmpl $KERNEL_AT, %edx /* this kernel has no relocations */
    jne no_way_in
    pushl %esi
    /* An ELF file, as payloads are since 2.6.26: its segments to their physical addresses. */
    leal (payload - startup_32)(%ebx), %ebp
    movl 28(%ebp), %eax
    addl %ebp, %eax /* program headers */
    movzwl 44(%ebp), %edx
2:  cmpl $PT_LOAD, (%eax)
    jne 3f
    movl 4(%eax), %esi
    addl %ebp, %esi
    movl 12(%eax), %edi
    movl 16(%eax), %ecx
    rep movsb
3:  addl $32, %eax
    decl %edx
    jnz 2b
    popl %esi
    xorl %ebx, %ebx
    movl $KERNEL_AT, %ebp
    jmp *%ebp

    .balign 4
payload:
    .incbin KERNEL
    .balign 4
pm_end:
    .skip 4096 /* boot_stack; Linux has it in its BSS */
boot_stack_end:
