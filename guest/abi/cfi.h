/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a debugger must know of assembler code to find its caller: DWARF call frame information, in
 * .debug_frame, which is not loaded. (The CFA, the "canonical frame address", is what ESP was before
 * whatever entered the code pushed anything.)
 *
 * A trap frame's CFA lies just above EFLAGS. Whether ESP and SS follow there depends on who was
 * interrupted, so ESP's rule is a little program: CS has RPL 3 ? the word at CFA : CFA itself. It is
 * given the CFA on its stack.
 */
#ifndef ABI_CFI_H
#define ABI_CFI_H

    .cfi_sections .debug_frame

#define FUNC(name) .globl name; .type name, @function; name: .cfi_startproc;
#define END(name)  .cfi_endproc; .size name, . - name

/* Code that an interruption leads to: EIP, CS and EFLAGS lie `offset` bytes below the CFA's place. */
#define TRAP_FUNC(name, offset) .globl name; .type name, @function; name: CFI_TRAP offset

.macro CFI_TRAP offset
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa esp, \offset
    .cfi_offset eip, -12
    .cfi_offset 9, -4 /* EFLAGS */
    /* DW_CFA_val_expression, ESP: dup lit8 minus deref lit3 and lit3 eq bra(+3) skip(+1) deref */
    .cfi_escape 0x16, 4, 15, 0x12, 0x38, 0x1c, 0x06, 0x33, 0x1a, 0x33, 0x29, 0x28, 3, 0, 0x2f, 1, 0, 0x06
    .cfi_same_value eax
    .cfi_same_value ecx
    .cfi_same_value edx
    .cfi_same_value ebx
    .cfi_same_value ebp
    .cfi_same_value esi
    .cfi_same_value edi
.endm

/* The whole struct trap_frame is on the stack, ESP at its beginning. */
.macro CFI_SAVED
    .cfi_def_cfa esp, 68
    .cfi_offset ebx, -68
    .cfi_offset ecx, -64
    .cfi_offset edx, -60
    .cfi_offset esi, -56
    .cfi_offset edi, -52
    .cfi_offset ebp, -48
    .cfi_offset eax, -44
.endm

.macro PUSH what
    pushl \what
    .cfi_adjust_cfa_offset 4
.endm

.macro POP what
    popl \what
    .cfi_adjust_cfa_offset -4
.endm

/* ... of a register that is the caller's. */
.macro PUSH_SAVED reg
    pushl %\reg
    .cfi_adjust_cfa_offset 4
    .cfi_rel_offset \reg, 0
.endm

.macro POP_SAVED reg
    popl %\reg
    .cfi_adjust_cfa_offset -4
    .cfi_same_value \reg
.endm

#endif
