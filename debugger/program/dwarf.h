/* SPDX-License-Identifier: GPL-2.0-only */
/* The room of libdw: only the dwarf_*.c files include this. */
#ifndef DEBUGGER_PROGRAM_DWARF_H
#define DEBUGGER_PROGRAM_DWARF_H

#include "internal.h"

#include <dwarf.h> /* after ours: the PF_W of <elf.h> is another one than a page fault's */
#include <elfutils/libdw.h>

struct debug {
    Elf *elf;
    Dwarf *dwarf;      /* NULL: no DWARF, but perhaps .eh_frame */
    Dwarf_CFI *cfi[2]; /* .debug_frame (dwarf's own), .eh_frame (ours) */
    bool has_cfi;      /* they were looked for */
};

/* While p's tables are made. */
struct reader {
    struct program *p;
    Dwarf_Die unit;
    uint32_t unit_number;
    const char *directory; /* in which the unit was compiled; NULL: not said */
    uint64_t left;         /* entries that may still be looked at: see dwarf_read.c */
    uint32_t *file_slot;   /* hash table: indices of p->file, NONE: free */
    uint32_t file_slots;
    bool no_memory;
};

uint32_t dwarf_intern_file(struct reader *r, const char *full); /* NONE: no name or no memory */
/* dwarf_rows.c */
void dwarf_read_rows(struct reader *r);
void dwarf_sort_rows(struct program *p, struct reader *r);

bool dwarf_number(Dwarf_Die *die, unsigned attribute, uint64_t *value); /* also of its origin */
/* DW_AT_type, as the offset of the entry it names; 0: none. */
uint64_t dwarf_type_of(Dwarf_Die *die);

#endif
