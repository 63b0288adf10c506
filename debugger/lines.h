/* SPDX-License-Identifier: GPL-2.0-only */
/* Source lines of a kernel's addresses, from its DWARF: see program/program.h. */
#ifndef DEBUGGER_LINES_H
#define DEBUGGER_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/load/load.h"

struct lines;

struct line {
    const char *file; /* as the compiler was given it; valid as long as the lines are open */
    unsigned line;
};

/* NULL when the file has no debug information, or this program was built without libdw. The image
   must outlive it. */
struct lines *lines_open(const struct image *kernel);
void lines_close(struct lines *l);

/*
 * The line of an address, as one who reads the function would point at it: where inline functions
 * are nested, the line in the outermost one, the real function. False: unknown.
 */
bool lines_at(struct lines *l, uint32_t addr, struct line *out);
bool lines_supported(void);

#endif
