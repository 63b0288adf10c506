/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notes for a reader of the kernel's file, beside the functions that they are about: which hypercalls
 * a backend's function makes, and which words it shares with the hypervisor. They are data that
 * nobody in the kernel looks at, under the symbols FUNCTION.hypercall (numbers) and FUNCTION.shared
 * (a text). `ringside hooks` shows them; a test compares them with a trace.
 *
 * For C:          PV_HYPERCALL(lguest_halt, LHCALL_HALT);
 * For assembler:  PV_HYPERCALL(lguest_halt, LHCALL_HALT)
 */
#ifndef PV_FILLS_H
#define PV_FILLS_H

#ifdef __ASSEMBLER__

#define PV_NOTE(function, what, ...)              \
    .pushsection .rodata.pv_fills, "a", @progbits; \
    .balign 4;                                    \
    .type function.what, @object;                 \
    function.what: __VA_ARGS__;                   \
    .size function.what, . - function.what;       \
    .popsection

#define PV_HYPERCALL(function, number) PV_NOTE(function, hypercall, .long number)
#define PV_SHARED(function, text)      PV_NOTE(function, shared, .asciz text)

#else

#define PV_STRING_(x) #x
#define PV_STRING(x)  PV_STRING_(x)
#define PV_NOTE(symbol, data)                                                        \
    __asm__(".pushsection .rodata.pv_fills, \"a\", @progbits\n"                       \
            ".balign 4\n"                                                            \
            ".type " symbol ", @object\n" symbol ": " data "\n.size " symbol ", . - " \
            symbol "\n.popsection")

#define PV_HYPERCALL(function, number) PV_NOTE(#function ".hypercall", ".long " PV_STRING(number))
#define PV_SHARED(function, text)      PV_NOTE(#function ".shared", ".asciz " PV_STRING(text))

#endif
#endif
