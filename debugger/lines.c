/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DWARF through elfutils' libdw. A compilation unit is looked for by asking each whether it has the
 * address: there is an index for that (.debug_aranges), but clang does not write it.
 */
#include "lines.h"

#ifdef RINGSIDE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

#define DEPTH_MAX   64u
#define ENTRIES_MAX 200000u

struct lines {
    Elf *elf;
    Dwarf *dwarf;
    Dwarf_Die last; /* the unit that was right the last time often is again */
    bool has_last;
};

struct lines *lines_open(const struct image *kernel)
{
    struct lines *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    elf_version(EV_CURRENT);
    /* libelf only reads what it was given for reading; its parameter is not const. */
    l->elf = elf_memory((char *)kernel->data, kernel->size);
    l->dwarf = l->elf ? dwarf_begin_elf(l->elf, DWARF_C_READ, NULL) : NULL;
    if (l->dwarf)
        return l;
    lines_close(l);
    return NULL;
}

void lines_close(struct lines *l)
{
    if (!l)
        return;
    if (l->dwarf)
        dwarf_end(l->dwarf);
    if (l->elf)
        elf_end(l->elf);
    free(l);
}

static bool find_unit(struct lines *l, uint32_t addr, Dwarf_Die *unit)
{
    Dwarf_Off at = 0, next;
    size_t header;

    if (l->has_last && dwarf_haspc(&l->last, addr) > 0) {
        *unit = l->last;
        return true;
    }
    while (dwarf_nextcu(l->dwarf, at, &next, &header, NULL, NULL, NULL) == 0) {
        if (dwarf_offdie(l->dwarf, at + header, unit) && dwarf_haspc(unit, addr) > 0) {
            l->last = *unit;
            l->has_last = true;
            return true;
        }
        at = next;
    }
    return false;
}

static bool number(Dwarf_Die *die, unsigned name, Dwarf_Word *value)
{
    Dwarf_Attribute a;

    return dwarf_attr(die, name, &a) && dwarf_formudata(&a, value) == 0;
}

/*
 * Going down from a unit to an address, the first inlined call that is met is the outermost one.
 * Damaged information may lead in circles: nobody looks at more entries than `left`.
 */
static bool find_call(Dwarf_Die *parent, uint32_t addr, unsigned depth, unsigned *left,
                      Dwarf_Die *call)
{
    Dwarf_Die child;

    if (depth > DEPTH_MAX || dwarf_child(parent, &child) != 0)
        return false;
    do {
        int tag = dwarf_tag(&child);
        if (tag != DW_TAG_subprogram && tag != DW_TAG_lexical_block &&
            tag != DW_TAG_inlined_subroutine)
            continue;
        if (dwarf_haspc(&child, addr) <= 0)
            continue;
        if (tag != DW_TAG_inlined_subroutine)
            return find_call(&child, addr, depth + 1, left, call);
        *call = child;
        return true;
    } while ((*left)-- > 1 && dwarf_siblingof(&child, &child) == 0);
    return false;
}

static bool outermost_call(Dwarf_Die *unit, uint32_t addr, struct line *out)
{
    Dwarf_Die call;
    Dwarf_Files *files;
    Dwarf_Word file, line;
    unsigned left = ENTRIES_MAX;
    size_t n;

    if (!find_call(unit, addr, 0, &left, &call) || !number(&call, DW_AT_call_file, &file) ||
        !number(&call, DW_AT_call_line, &line) || dwarf_getsrcfiles(unit, &files, &n) != 0 ||
        file >= n)
        return false;
    out->file = dwarf_filesrc(files, file, NULL, NULL);
    out->line = (unsigned)line;
    return out->file != NULL;
}

bool lines_at(struct lines *l, uint32_t addr, struct line *out)
{
    Dwarf_Die unit;
    int line;

    if (!l || !find_unit(l, addr, &unit))
        return false;
    if (outermost_call(&unit, addr, out))
        return true;
    Dwarf_Line *row = dwarf_getsrc_die(&unit, addr);
    if (!row || dwarf_lineno(row, &line) != 0)
        return false;
    out->file = dwarf_linesrc(row, NULL, NULL);
    out->line = (unsigned)line;
    return out->file != NULL;
}

bool lines_supported(void)
{
    return true;
}

#else

struct lines *lines_open(const struct image *kernel)
{
    (void)kernel;
    return NULL;
}

void lines_close(struct lines *l)
{
    (void)l;
}

bool lines_at(struct lines *l, uint32_t addr, struct line *out)
{
    (void)l;
    (void)addr;
    (void)out;
    return false;
}

bool lines_supported(void)
{
    return false;
}

#endif
