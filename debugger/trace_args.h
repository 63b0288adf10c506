/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arguments of hooks, hypercalls and system calls, from words to text. A list says what they are:
 *
 *     name:words:kind name:words:kind ...
 *
 * words is 1, or 2 for a 64-bit number, low word first. Kinds: int, u32, oct, bool: such a number; pte:
 * an entry of a page table, its flags told; str: the address of a text; all else: hexadecimal.
 */
#ifndef DEBUGGER_TRACE_ARGS_H
#define DEBUGGER_TRACE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENT_WORDS 8u
#define ARGUMENT_TEXT  49u

struct argument_words {
    uint32_t word[ARGUMENT_WORDS];
    unsigned n;
    char text[6][ARGUMENT_TEXT]; /* what the word of this number points to; empty: not known */
};

/* "(name=0x1, path=0x8049000 "/etc/passwd", pte=0x1067 P RW US A D)" */
void format_arguments(const char *list, const struct argument_words *a, char *text, size_t size);
/* "0x1067 P RW US A D": the bits of an entry by the names of Intel's manual, present or not. */
void format_pte(uint64_t pte, char *text, size_t size);

#endif
