/* SPDX-License-Identifier: GPL-2.0-only */
/* The 256 ways into trap(), and the way to ring 3 and back: the same everywhere but for the kernel's
   data segment and its IRET (traps.c). */

    .text

/* Sixteen bytes a vector. The CPU pushes an error code for 8, 10-14, 17; we push one for the rest,
   so that every frame looks the same. */
    .balign 16
    .globl trap_entries
trap_entries:
vector = 0
    .rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
    pushl $0
    .endif
    pushl $vector
    jmp trap_common
vector = vector + 1
    .endr

    .balign 16
trap_common:
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl %cs:kernel_ds, %eax /* CS is the one segment that is surely ours */
    movl %eax, %ds
    movl %eax, %es
    cld
    pushl %esp
    call trap
    addl $4, %esp
    .globl trap_leave
trap_leave:
    popl %gs
    popl %fs
    popl %es
    popl %ds
    popal
    addl $8, %esp
    jmp *%cs:kernel_leave

/* uint32_t user_call_on(uint32_t (*fn)(uint32_t), uint32_t arg, uint32_t eflags) */
    .globl user_call_on
user_call_on:
    pushl %ebp
    movl %esp, %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    pushfl
    movl %esp, user_call_esp
    pushl %esp
    call kernel_stack_set /* traps from ring 3 come in below us */

    movl $user_stack + 4 * 4096, %ecx
    movl 12(%ebp), %eax
    movl %eax, -4(%ecx)
    movl $user_returns, -8(%ecx)
    subl $8, %ecx

    movl $0x23, %eax /* SEL_DATA3 */
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    pushl %eax
    pushl %ecx
    movl 16(%ebp), %eax
    orl $2, %eax
    pushl %eax
    pushl $0x1B /* SEL_CODE3 */
    pushl 8(%ebp)
    jmp *%cs:kernel_leave

/* At ring 3, when fn returns. */
user_returns:
    movl %eax, %ebx
    movl $0, %eax /* USER_RETURN */
    int $0x80     /* VECTOR_SYSCALL */

/* _Noreturn void user_return(uint32_t value): at the kernel's ring again, as user_call_on()'s caller */
    .globl user_return
user_return:
    movl 4(%esp), %eax
    movl kernel_ds, %ecx
    movl %ecx, %fs
    movl %ecx, %gs
    movl user_call_esp, %esp
    popfl
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .bss
    .balign 4
user_call_esp:
    .skip 4
