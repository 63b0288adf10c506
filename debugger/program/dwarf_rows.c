/* SPDX-License-Identifier: GPL-2.0-only */
/* The line tables of all units, made one table in the order of addresses. (DWARF 4, chapter 6.2.) */
#include "dwarf.h"

#include <stdlib.h>

#define ROWS_MAX 8000000u

static bool flag(int (*get)(Dwarf_Line *, bool *), Dwarf_Line *line)
{
    bool on;

    return get(line, &on) == 0 && on;
}

void dwarf_read_rows(struct reader *r)
{
    struct program *p = r->p;
    Dwarf_Lines *lines;
    size_t n;
    const char *last = NULL;
    uint32_t last_file = NONE;

    if (dwarf_getsrclines(&r->unit, &lines, &n) != 0)
        return;
    for (size_t i = 0; i < n && !r->no_memory; i++) {
        Dwarf_Line *line = dwarf_onesrcline(lines, i);
        Dwarf_Addr addr;
        int number, column;
        if (!line || dwarf_lineaddr(line, &addr) != 0 || addr > UINT32_MAX)
            continue;
        bool end = flag(dwarf_lineendsequence, line);
        /* Code that the linker left out has addresses near 0. */
        if (!program_covers(p, (uint32_t)addr - (end ? 1 : 0)))
            continue;
        const char *file = dwarf_linesrc(line, NULL, NULL);
        if (file != last) {
            last = file;
            last_file = dwarf_intern_file(r, file);
        }
        struct row *row = grow((void **)&p->row, &p->rows, sizeof *row, ROWS_MAX);
        if (!row) {
            r->no_memory = p->rows < ROWS_MAX;
            return;
        }
        *row = (struct row){
            .addr = (uint32_t)addr,
            .line = dwarf_lineno(line, &number) == 0 && number > 0 ? (uint32_t)number : 0,
            .file = last_file,
            .column = dwarf_linecol(line, &column) == 0 && column > 0 && column <= UINT16_MAX
                          ? (uint16_t)column
                          : 0,
            .flags = (uint16_t)((flag(dwarf_linebeginstatement, line) ? ROW_STMT : 0) |
                                (end ? ROW_END : 0) |
                                (flag(dwarf_lineprologueend, line) ? ROW_PROLOGUE_END : 0)),
        };
    }
}

struct numbered {
    struct row row;
    uint32_t number;
};

/* At one address the end of a sequence comes before the beginning of the next, the rest stays in
   the order of the file. */
static int by_address(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    int ends = (y->row.flags & ROW_END) - (x->row.flags & ROW_END);

    if (x->row.addr != y->row.addr)
        return x->row.addr < y->row.addr ? -1 : 1;
    if (ends)
        return ends;
    return x->number < y->number ? -1 : 1;
}

void dwarf_sort_rows(struct program *p, struct reader *r)
{
    struct numbered *n = malloc((p->rows ? p->rows : 1) * sizeof *n);

    if (!n) {
        r->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < p->rows; i++)
        n[i] = (struct numbered){p->row[i], i};
    qsort(n, p->rows, sizeof *n, by_address);
    for (uint32_t i = 0; i < p->rows; i++)
        p->row[i] = n[i].row;
    free(n);
}
