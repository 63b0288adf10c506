/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel's file as a debugger reads it: symbols by name and by address, and what the file holds
 * at an address. Unlike the loader, which wants only program headers, this wants an ELF file with a
 * symbol table; every number in it is a claim and is checked.
 */
#ifndef DEBUGGER_KERNEL_H
#define DEBUGGER_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/load/load.h"

struct kernel; /* borrows the image, which must outlive it */

struct kernel_symbol {
    const char *name;
    uint32_t addr, size;
    bool function;
};

/* Err (ERR_FILE) when it is no i386 ELF file or has no symbols. */
struct kernel *kernel_open(const struct image *image, struct err *err);
/* The same, but a file without symbols (stripped) just has none, or those for dynamic linking. */
struct kernel *kernel_open_any(const struct image *image, struct err *err);
void kernel_close(struct kernel *k);
const struct image *kernel_image(const struct kernel *k);

/* All symbols that have an address, in its order. */
const struct kernel_symbol *kernel_symbols(const struct kernel *k, unsigned *n);
const struct kernel_symbol *kernel_find(const struct kernel *k, const char *name);
/* The nearest symbol that covers this address; functions before data. NULL: none. */
const struct kernel_symbol *kernel_symbol_at(const struct kernel *k, uint32_t addr);

/* Where execution begins, as the file's header says. */
uint32_t kernel_entry(const struct kernel *k);
/* Is the address in one of the segments that the file loads (.bss included)? */
bool kernel_covers(const struct kernel *k, uint32_t addr);
/* What the file has at a virtual address: n bytes, or NULL when not all of them are in it. */
const uint8_t *kernel_bytes(const struct kernel *k, uint32_t addr, uint32_t n);

#endif
