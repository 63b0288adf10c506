/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines alone, for those who need no more of a program than that. */
#include "lines.h"

#include "program/program.h"

struct lines;

struct lines *lines_open(const struct image *kernel)
{
    struct program *p = program_open(kernel, NULL);

    if (p && program_has_lines(p))
        return (struct lines *)p;
    program_close(p);
    return NULL;
}

void lines_close(struct lines *l)
{
    program_close((struct program *)l);
}

bool lines_at(struct lines *l, uint32_t addr, struct line *out)
{
    struct place at;

    if (!l || !program_at((struct program *)l, addr, &at) || !at.depth || !at.function[0].file)
        return false;
    out->file = at.function[0].file;
    out->line = at.function[0].line;
    return true;
}

bool lines_supported(void)
{
    return program_debug_supported();
}
