/* SPDX-License-Identifier: GPL-2.0-only */
/* A program's file: opened, asked what it covers, closed. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct program *program_open(const struct image *image, struct err *err)
{
    struct program *p = calloc(1, sizeof *p);

    if (!p || !(p->arena = arena_new()) || !(p->types = type_table_new())) {
        program_close(p);
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    p->image = *image;
    p->symbols = kernel_open_any(image, err);
    if (!p->symbols || !debug_read(p, err)) {
        program_close(p);
        return NULL;
    }
    return p;
}

void program_close(struct program *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < sizeof p->names / sizeof p->names[0]; i++)
        free(p->names[i]);
    type_table_free(p->types);
    debug_close(p->debug);
    kernel_close(p->symbols);
    arena_free(p->arena);
    free(p->range);
    free(p->file);
    free(p->row);
    free(p->scope);
    free(p->var);
    free(p->global);
    free(p->type_name);
    free(p->constant);
    free(p->function);
    free(p);
}

const char *program_name(const struct program *p)
{
    return p->image.name;
}

bool program_has_lines(const struct program *p)
{
    return p->rows != 0;
}

bool program_debug_supported(void)
{
    return debug_supported();
}

bool program_covers(const struct program *p, uint32_t addr)
{
    return kernel_covers(p->symbols, addr);
}

const struct kernel *program_symbols(const struct program *p)
{
    return p->symbols;
}

const uint8_t *program_bytes(const struct program *p, uint32_t addr, uint32_t n)
{
    return kernel_bytes(p->symbols, addr, n);
}

struct program *programs_at(struct programs l, uint32_t addr)
{
    for (unsigned i = 0; i < l.n; i++)
        if (l.list[i] && program_covers(l.list[i], addr))
            return l.list[i];
    return NULL;
}
