/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's symbols, as "nm -n" lists them: for panic(). */
    .section .symbols, "a"
    .incbin "symbols.txt"
