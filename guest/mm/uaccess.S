/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying to and from a process. The loops just run; if a page is missing, the fault brings it,
 * and if it cannot be brought, the exception table sends us to the end with -EFAULT. So the common
 * case costs what memcpy costs.
 */
#include "../abi/cfi.h"

#define EFAULT 14

    .text

/* int copy_user(void *to, const void *from, size_t n): EAX, EDX, ECX */
FUNC(copy_user)
    PUSH_SAVED ebp
    movl %esp, %ebp
    .cfi_def_cfa_register ebp
    pushl %esi
    .cfi_offset esi, -12
    pushl %edi
    .cfi_offset edi, -16
    movl %eax, %edi
    movl %edx, %esi
copy_user_start:
    subl $32, %ecx
    jb 2f
1:  movl (%esi), %eax
    movl 4(%esi), %edx
    movl %eax, (%edi)
    movl %edx, 4(%edi)
    movl 8(%esi), %eax
    movl 12(%esi), %edx
    movl %eax, 8(%edi)
    movl %edx, 12(%edi)
    movl 16(%esi), %eax
    movl 20(%esi), %edx
    movl %eax, 16(%edi)
    movl %edx, 20(%edi)
    movl 24(%esi), %eax
    movl 28(%esi), %edx
    movl %eax, 24(%edi)
    movl %edx, 28(%edi)
    addl $32, %esi
    addl $32, %edi
    subl $32, %ecx
    jae 1b
2:  addl $28, %ecx /* what is left, less 4 */
    js 4f
3:  movl (%esi), %eax
    movl %eax, (%edi)
    addl $4, %esi
    addl $4, %edi
    subl $4, %ecx
    jns 3b
4:  addl $4, %ecx
    jz copy_user_end
5:  movb (%esi), %al
    movb %al, (%edi)
    incl %esi
    incl %edi
    decl %ecx
    jnz 5b
copy_user_end:
    xorl %eax, %eax
    .cfi_remember_state
6:  popl %edi
    .cfi_same_value edi
    popl %esi
    .cfi_same_value esi
    popl %ebp
    .cfi_def_cfa esp, 4
    .cfi_same_value ebp
    ret
    .cfi_restore_state
copy_user_fault:
    movl $-EFAULT, %eax
    jmp 6b
END(copy_user)
    .pushsection __ex_table, "a"
    .long copy_user_start, copy_user_end, copy_user_fault
    .popsection

/* int zero_user(void *to, size_t n): EAX, EDX */
FUNC(zero_user)
    PUSH_SAVED ebp
    movl %esp, %ebp
    .cfi_def_cfa_register ebp
    xorl %ecx, %ecx
zero_user_start:
    subl $16, %edx
    jb 2f
1:  movl %ecx, (%eax)
    movl %ecx, 4(%eax)
    movl %ecx, 8(%eax)
    movl %ecx, 12(%eax)
    addl $16, %eax
    subl $16, %edx
    jae 1b
2:  addl $16, %edx
    jz zero_user_end
3:  movb %cl, (%eax)
    incl %eax
    decl %edx
    jnz 3b
zero_user_end:
    xorl %eax, %eax
    .cfi_remember_state
4:  popl %ebp
    .cfi_def_cfa esp, 4
    .cfi_same_value ebp
    ret
    .cfi_restore_state
zero_user_fault:
    movl $-EFAULT, %eax
    jmp 4b
END(zero_user)
    .pushsection __ex_table, "a"
    .long zero_user_start, zero_user_end, zero_user_fault
    .popsection

/* int copy_user_string(char *to, const char *from, size_t size): EAX, EDX, ECX. The length without
   the NUL; size when there is none in size bytes. */
FUNC(copy_user_string)
    PUSH_SAVED ebp
    movl %esp, %ebp
    .cfi_def_cfa_register ebp
    pushl %ebx
    .cfi_offset ebx, -12
    pushl %esi
    .cfi_offset esi, -16
    movl %edx, %esi
copy_user_string_start:
    jecxz copy_user_string_end
1:  movb (%edx), %bl
    movb %bl, (%eax)
    testb %bl, %bl
    jz copy_user_string_end
    incl %edx
    incl %eax
    decl %ecx
    jnz 1b
copy_user_string_end:
    movl %edx, %eax
    subl %esi, %eax
    .cfi_remember_state
2:  popl %esi
    .cfi_same_value esi
    popl %ebx
    .cfi_same_value ebx
    popl %ebp
    .cfi_def_cfa esp, 4
    .cfi_same_value ebp
    ret
    .cfi_restore_state
copy_user_string_fault:
    movl $-EFAULT, %eax
    jmp 2b
END(copy_user_string)
    .pushsection __ex_table, "a"
    .long copy_user_string_start, copy_user_string_end, copy_user_string_fault
    .popsection
