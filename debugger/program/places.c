/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an address to function, file and line. Where calls were put inline, an address is in several
 * functions at once: the innermost one's line is the line table's, and each one around stands at its
 * call of the next.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

bool scope_has(const struct program *p, const struct scope *s, uint32_t addr)
{
    for (uint32_t i = 0; i < s->n_ranges; i++)
        if (addr >= p->range[s->ranges + i].lo && addr < p->range[s->ranges + i].hi)
            return true;
    return false;
}

uint32_t scope_at(const struct program *p, uint32_t addr)
{
    uint32_t low = 0, high = p->functions; /* the first that begins beyond addr is in [low, high] */

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->function[middle].lo <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    /* Functions do not overlap, except in damaged files. */
    for (uint32_t i = low, looked = 0; i-- > 0 && looked < 8; looked++)
        if (addr < p->function[i].hi)
            return p->function[i].scope;
    return NONE;
}

unsigned scope_chain(const struct program *p, uint32_t addr, uint32_t out[PLACE_DEPTH])
{
    uint32_t function = scope_at(p, addr);
    unsigned n = 0;

    if (function == NONE)
        return 0;
    out[n++] = function;
    uint32_t end = p->scope[function].end;
    for (uint32_t i = function + 1; i < end;) {
        const struct scope *s = &p->scope[i];
        if (!scope_has(p, s, addr)) {
            i = s->end;
            continue;
        }
        if (s->kind == SCOPE_INLINED) {
            if (n == PLACE_DEPTH) /* too deep: the innermost ones tell more than the middle */
                memmove(&out[1], &out[2], (--n - 1) * sizeof out[0]);
            out[n++] = i;
        }
        end = s->end;
        i++;
    }
    return n;
}

const struct row *row_at(const struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi)
{
    uint32_t low = 0, high = p->rows;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->row[middle].addr <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || p->row[low - 1].flags & ROW_END)
        return NULL;
    const struct row *r = &p->row[low - 1];
    *lo = r->addr;
    *hi = low < p->rows ? p->row[low].addr : r->addr + 1;
    /* Of several rows for one address the last counts, but a recommended stop counts more. */
    for (const struct row *q = r; !(r->flags & ROW_STMT) && q >= p->row && q->addr == r->addr; q--)
        if ((q->flags & (ROW_STMT | ROW_END)) == ROW_STMT)
            return q;
    return r;
}

static struct range range_around(const struct program *p, const struct scope *s, uint32_t addr)
{
    for (uint32_t i = 0; i < s->n_ranges; i++) {
        struct range r = p->range[s->ranges + i];
        if (addr >= r.lo && addr < r.hi)
            return r;
    }
    return (struct range){addr, addr};
}

static const char *file_name(const struct program *p, uint32_t file)
{
    return file < p->files ? p->file[file].name : NULL;
}

static void fill_functions(const struct program *p, uint32_t addr, struct place *out)
{
    uint32_t chain[PLACE_DEPTH];

    out->depth = scope_chain(p, addr, chain);
    for (unsigned i = 0; i < out->depth; i++) {
        const struct scope *s = &p->scope[chain[i]];
        struct range r = range_around(p, s, addr);
        out->function[i] = (struct place_function){.name = s->name ? s->name : "??",
                                                   .start = s->entry,
                                                   .lo = r.lo,
                                                   .hi = r.hi,
                                                   .file = out->file,
                                                   .line = out->line,
                                                   .column = out->column};
        if (!i)
            continue;
        struct place_function *caller = &out->function[i - 1];
        caller->file = file_name(p, s->call_file);
        caller->line = s->call_line;
        caller->column = s->call_column;
    }
}

/* A function's symbol rather than a label's inside it. */
static const struct kernel_symbol *function_symbol(const struct program *p, uint32_t addr)
{
    const struct kernel_symbol *s = kernel_symbol_at(p->symbols, addr);
    unsigned n;
    const struct kernel_symbol *first = kernel_symbols(p->symbols, &n);

    for (const struct kernel_symbol *t = s; s && !s->size && t > first && s - t < 64; t--)
        if (t[-1].function && addr - t[-1].addr < t[-1].size)
            return &t[-1];
    return s;
}

bool program_at(struct program *p, uint32_t addr, struct place *out)
{
    uint32_t lo, hi;

    memset(out, 0, sizeof *out);
    const struct row *r = row_at(p, addr, &lo, &hi);
    if (r) {
        out->line = r->line;
        out->column = r->column;
        out->file = r->line ? file_name(p, r->file) : NULL;
        out->lo = lo;
        out->hi = hi;
        out->is_stmt = (r->flags & ROW_STMT) && r->line;
    }
    fill_functions(p, addr, out);
    /* Assembler has lines but no functions, except as symbols; the cold part of a function that was
       split has a symbol of its own. */
    const struct kernel_symbol *s = function_symbol(p, addr);
    if (out->depth && addr < out->function[0].start && s)
        out->function[0].start = s->addr;
    if (!out->depth && s) {
        out->depth = 1;
        out->function[0] = (struct place_function){.name = s->name,
                                                   .start = s->addr,
                                                   .lo = s->addr,
                                                   .hi = s->addr + (s->size ? s->size : 1),
                                                   .file = out->file,
                                                   .line = out->line,
                                                   .column = out->column};
    }
    if (out->depth)
        out->offset = addr - out->function[0].start;
    return r || out->depth;
}

void program_describe(struct program *p, uint32_t addr, char *text, size_t size)
{
    struct place at;

    if (!p || !program_at(p, addr, &at) || !at.depth)
        snprintf(text, size, "0x%x", addr);
    else if (at.offset)
        snprintf(text, size, "%s+0x%x", at.function[0].name, at.offset);
    else
        snprintf(text, size, "%s", at.function[0].name);
}

bool program_function_range(struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi)
{
    uint32_t function = scope_at(p, addr);

    if (function != NONE) {
        struct range r = range_around(p, &p->scope[function], addr);
        *lo = r.lo;
        *hi = r.hi;
        return true;
    }
    const struct kernel_symbol *s = function_symbol(p, addr);
    if (s && s->size) {
        *lo = s->addr;
        *hi = s->addr + s->size;
        return true;
    }
    return debug_rule_range(p, addr, lo, hi);
}

uint32_t program_prologue_end(struct program *p, uint32_t start)
{
    uint32_t function = scope_at(p, start), lo, hi;
    const struct row *first = row_at(p, start, &lo, &hi), *r;

    /* Assembler sets up what it wants to, where it wants to. */
    if (function == NONE || !first)
        return start;
    struct range in = range_around(p, &p->scope[function], start);
    const struct row *end = p->row + p->rows;
    for (r = first; r < end && r->addr < in.hi && !(r->flags & ROW_END); r++)
        if (r->addr >= start && r->flags & ROW_PROLOGUE_END)
            return r->addr;
    for (r = first; r < end && r->addr < in.hi && !(r->flags & ROW_END); r++)
        if (r->addr > start && r->line && r->flags & ROW_STMT)
            return r->addr;
    return start;
}
