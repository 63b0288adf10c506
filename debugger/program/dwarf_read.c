/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One walk over all of a file's DWARF, when it is opened: functions with everything inlined in
 * them, variables, names of types and constants. (DWARF 4, chapters 2 to 5.)
 *
 * An entry takes at least a byte of the file and is in the tree once, so an honest file has fewer
 * entries than bytes. A damaged one may lead in circles; `left` ends that.
 */
#include "dwarf.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  64u
#define RANGES_MAX 4096u    /* of one scope */
#define TABLE_MAX  4000000u /* rows of any table here */

bool dwarf_number(Dwarf_Die *die, unsigned attribute, uint64_t *value)
{
    Dwarf_Attribute a;
    Dwarf_Word w;

    if (!dwarf_attr_integrate(die, attribute, &a) || dwarf_formudata(&a, &w) != 0)
        return false;
    *value = w;
    return true;
}

uint64_t dwarf_type_of(Dwarf_Die *die)
{
    Dwarf_Attribute a;
    Dwarf_Die type;

    if (!dwarf_attr_integrate(die, DW_AT_type, &a) || !dwarf_formref_die(&a, &type))
        return 0;
    return dwarf_dieoffset(&type);
}

static bool spend(struct reader *r)
{
    return r->left && --r->left;
}

static const char *name_of(Dwarf_Die *die)
{
    Dwarf_Attribute a;
    const char *name = dwarf_attr_integrate(die, DW_AT_name, &a) ? dwarf_formstring(&a) : NULL;

    return name && name[0] ? name : NULL;
}

/* ---- source files: every name once ---- */

static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h;
}

static bool more_slots(struct reader *r)
{
    uint32_t n = r->file_slots ? r->file_slots * 2 : 256;
    uint32_t *slot = malloc(n * sizeof *slot);

    if (!slot)
        return false;
    memset(slot, 0xFF, n * sizeof *slot);
    for (uint32_t i = 0; i < r->p->files; i++) {
        uint32_t at = hash(r->p->file[i].full) & (n - 1);
        while (slot[at] != NONE)
            at = (at + 1) & (n - 1);
        slot[at] = i;
    }
    free(r->file_slot);
    r->file_slot = slot;
    r->file_slots = n;
    return true;
}

uint32_t dwarf_intern_file(struct reader *r, const char *full)
{
    struct program *p = r->p;

    if (!full || !full[0])
        return NONE;
    if (p->files * 2 >= r->file_slots && !more_slots(r)) {
        r->no_memory = true;
        return NONE;
    }
    uint32_t at = hash(full) & (r->file_slots - 1);
    for (; r->file_slot[at] != NONE; at = (at + 1) & (r->file_slots - 1))
        if (!strcmp(p->file[r->file_slot[at]].full, full))
            return r->file_slot[at];

    struct source_file *f = grow((void **)&p->file, &p->files, sizeof *f, TABLE_MAX);
    if (!f) {
        r->no_memory = true;
        return NONE;
    }
    size_t n = r->directory ? strlen(r->directory) : 0;
    f->full = full;
    f->name =
        n && !strncmp(full, r->directory, n) && full[n] == '/' && full[n + 1] ? full + n + 1 : full;
    return r->file_slot[at] = p->files - 1;
}

/* DW_AT_decl_file and DW_AT_call_file are indices of the unit that says so. Before DWARF 5 they begin
   at 1, and 0 is none; libdw's dwarf_decl_file() has not heard of the 0 of DWARF 5 everywhere. */
static uint32_t file_of(struct reader *r, Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute a;
    Dwarf_Word index;
    Dwarf_Die unit;
    Dwarf_Half version;
    Dwarf_Files *files;
    size_t n;

    if (!dwarf_attr_integrate(die, attribute, &a) || dwarf_formudata(&a, &index) != 0 ||
        !dwarf_cu_die(a.cu, &unit, &version, NULL, NULL, NULL, NULL, NULL) ||
        (index == 0 && version < 5) || dwarf_getsrcfiles(&unit, &files, &n) != 0 || index >= n)
        return NONE;
    return dwarf_intern_file(r, dwarf_filesrc(files, index, NULL, NULL));
}

/* ---- the tree ---- */

static uint32_t add_ranges(struct reader *r, Dwarf_Die *die)
{
    Dwarf_Addr base, lo, hi;
    ptrdiff_t at = 0;
    uint32_t n = 0;

    while (n < RANGES_MAX && (at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
        /* Code that the linker left out has addresses near 0. */
        if (lo >= hi || hi > UINT32_MAX || !program_covers(r->p, (uint32_t)lo))
            continue;
        struct range *x = grow((void **)&r->p->range, &r->p->ranges, sizeof *x, TABLE_MAX);
        if (!x) {
            r->no_memory = true;
            break;
        }
        *x = (struct range){(uint32_t)lo, (uint32_t)hi};
        n++;
    }
    return n;
}

static uint32_t entry_of(const struct program *p, const struct scope *s, Dwarf_Die *die)
{
    Dwarf_Addr entry;
    uint32_t lowest = NONE;

    if (dwarf_entrypc(die, &entry) == 0 && entry <= UINT32_MAX &&
        program_covers(p, (uint32_t)entry))
        return (uint32_t)entry;
    for (uint32_t i = 0; i < s->n_ranges; i++)
        if (p->range[s->ranges + i].lo < lowest)
            lowest = p->range[s->ranges + i].lo;
    return lowest;
}

static void walk(struct reader *r, Dwarf_Die *parent, uint32_t scope, unsigned depth);

static void add_scope(struct reader *r, Dwarf_Die *die, enum scope_kind kind, uint32_t parent,
                      unsigned depth)
{
    struct program *p = r->p;
    uint32_t first = p->ranges, number = p->scopes;
    uint32_t n = add_ranges(r, die);
    uint64_t value;
    int line;

    if (n == 0)
        return;
    struct scope *s = grow((void **)&p->scope, &p->scopes, sizeof *s, TABLE_MAX);
    if (!s) {
        r->no_memory = true;
        return;
    }
    *s = (struct scope){.kind = kind,
                        .ranges = first,
                        .n_ranges = n,
                        .parent = parent,
                        .file = NONE,
                        .call_file = NONE,
                        .unit = r->unit_number,
                        .die = dwarf_dieoffset(die)};
    s->entry = entry_of(p, s, die);
    if (kind != SCOPE_BLOCK) {
        s->name = name_of(die);
        s->file = file_of(r, die, DW_AT_decl_file);
        s->line = dwarf_decl_line(die, &line) == 0 && line > 0 ? (uint32_t)line : 0;
    }
    if (kind == SCOPE_INLINED) {
        s->call_file = file_of(r, die, DW_AT_call_file);
        if (dwarf_number(die, DW_AT_call_line, &value))
            s->call_line = (uint32_t)value;
        if (dwarf_number(die, DW_AT_call_column, &value))
            s->call_column = (uint32_t)value;
    }
    walk(r, die, number, depth + 1);
    p->scope[number].end = p->scopes;
}

static void add_variable(struct reader *r, Dwarf_Die *die, int tag, uint32_t scope)
{
    struct program *p = r->p;
    const char *name = name_of(die);
    bool located = dwarf_hasattr_integrate(die, DW_AT_location) ||
                   dwarf_hasattr_integrate(die, DW_AT_const_value);
    int line;

    /* "extern int x;" says nothing that the definition does not. */
    if (!name || (!located && dwarf_hasattr(die, DW_AT_declaration)))
        return;
    struct var *v = grow((void **)&p->var, &p->vars, sizeof *v, TABLE_MAX);
    if (!v) {
        r->no_memory = true;
        return;
    }
    *v = (struct var){
        .name = name,
        .kind = scope == NONE                    ? VARIABLE_GLOBAL
                : tag == DW_TAG_formal_parameter ? VARIABLE_ARGUMENT
                                                 : VARIABLE_LOCAL,
        .scope = scope,
        .unit = r->unit_number,
        .file = file_of(r, die, DW_AT_decl_file),
        .line = dwarf_decl_line(die, &line) == 0 && line > 0 ? (uint32_t)line : 0,
        .die = dwarf_dieoffset(die),
        .located = located,
    };
}

static void add_constants(struct reader *r, Dwarf_Die *type)
{
    struct program *p = r->p;
    Dwarf_Die child;
    Dwarf_Attribute a;
    Dwarf_Sword value;

    if (dwarf_child(type, &child) != 0)
        return;
    do {
        const char *name = name_of(&child);
        if (dwarf_tag(&child) != DW_TAG_enumerator || !name ||
            !dwarf_attr(&child, DW_AT_const_value, &a) || dwarf_formsdata(&a, &value) != 0)
            continue;
        struct constant *c = grow((void **)&p->constant, &p->constants, sizeof *c, TABLE_MAX);
        if (!c) {
            r->no_memory = true;
            return;
        }
        *c = (struct constant){name, value, dwarf_dieoffset(type)};
    } while (spend(r) && dwarf_siblingof(&child, &child) == 0);
}

static void add_type_name(struct reader *r, Dwarf_Die *die, int kind)
{
    struct program *p = r->p;
    const char *name = name_of(die);

    if (!name)
        return;
    struct type_name *t = grow((void **)&p->type_name, &p->type_names, sizeof *t, TABLE_MAX);
    if (!t) {
        r->no_memory = true;
        return;
    }
    *t = (struct type_name){.name = name,
                            .complete = !dwarf_hasattr(die, DW_AT_declaration),
                            .unit = r->unit_number,
                            .die = dwarf_dieoffset(die)};
    t->kind = kind;
}

static void visit(struct reader *r, Dwarf_Die *die, uint32_t scope, unsigned depth)
{
    int tag = dwarf_tag(die);

    switch (tag) {
    case DW_TAG_subprogram:
        add_scope(r, die, SCOPE_FUNCTION, NONE, depth);
        break;
    case DW_TAG_inlined_subroutine:
        if (scope != NONE)
            add_scope(r, die, SCOPE_INLINED, scope, depth);
        break;
    case DW_TAG_lexical_block:
        if (scope != NONE)
            add_scope(r, die, SCOPE_BLOCK, scope, depth);
        break;
    case DW_TAG_variable:
    case DW_TAG_formal_parameter:
        add_variable(r, die, tag, scope);
        break;
    case DW_TAG_enumeration_type:
        add_constants(r, die);
        add_type_name(r, die, NAME_ENUM);
        break;
    case DW_TAG_structure_type:
        add_type_name(r, die, NAME_STRUCT);
        break;
    case DW_TAG_union_type:
        add_type_name(r, die, NAME_UNION);
        break;
    case DW_TAG_typedef:
        add_type_name(r, die, NAME_TYPEDEF);
        break;
    case DW_TAG_base_type:
        add_type_name(r, die, NAME_BASE);
        break;
    default:
        break;
    }
}

static void walk(struct reader *r, Dwarf_Die *parent, uint32_t scope, unsigned depth)
{
    Dwarf_Die child;

    if (depth > DEPTH_MAX || r->no_memory || dwarf_child(parent, &child) != 0)
        return;
    do {
        /* Functions are not inside functions in C; in a damaged file they must not be. */
        if (scope == NONE || dwarf_tag(&child) != DW_TAG_subprogram)
            visit(r, &child, scope, depth);
    } while (!r->no_memory && spend(r) && dwarf_siblingof(&child, &child) == 0);
}

/* ---- the order in which they are looked up ---- */

static int by_function(const void *a, const void *b)
{
    const struct function_range *x = a, *y = b;

    if (x->lo != y->lo)
        return x->lo < y->lo ? -1 : 1;
    return (x->scope > y->scope) - (x->scope < y->scope);
}

static int by_scope(const void *a, const void *b)
{
    const struct var *x = a, *y = b;

    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    if (x->kind != y->kind) /* arguments before locals, as one writes them */
        return x->kind == VARIABLE_ARGUMENT ? -1 : 1;
    return (x->die > y->die) - (x->die < y->die);
}

static int by_type_name(const void *a, const void *b)
{
    const struct type_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (order)
        return order;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->complete != y->complete)
        return x->complete ? -1 : 1;
    return (x->die > y->die) - (x->die < y->die);
}

static int by_constant(const void *a, const void *b)
{
    const struct constant *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->type_die > y->type_die) - (x->type_die < y->type_die);
}

static int by_global(const void *a, const void *b, void *of)
{
    const struct program *p = of;
    const struct var *x = &p->var[*(const uint32_t *)a], *y = &p->var[*(const uint32_t *)b];
    int order = strcmp(x->name, y->name);

    return order ? order : (x->die > y->die) - (x->die < y->die);
}

static void sort(void *array, uint32_t n, size_t element, int (*order)(const void *, const void *))
{
    if (n)
        qsort(array, n, element, order);
}

static bool put_in_order(struct program *p, struct reader *r)
{
    dwarf_sort_rows(p, r);
    sort(p->var, p->vars, sizeof *p->var, by_scope);
    sort(p->type_name, p->type_names, sizeof *p->type_name, by_type_name);
    sort(p->constant, p->constants, sizeof *p->constant, by_constant);
    for (uint32_t i = 0; i < p->vars; i++) {
        uint32_t scope = p->var[i].scope;
        if (scope == NONE) {
            uint32_t *g = grow((void **)&p->global, &p->globals, sizeof *g, TABLE_MAX);
            if (!g)
                return false;
            *g = i;
        } else if (p->scope[scope].n_vars++ == 0) {
            p->scope[scope].vars = i;
        }
    }
    if (p->globals)
        qsort_r(p->global, p->globals, sizeof *p->global, by_global, p);
    for (uint32_t i = 0; i < p->scopes; i = p->scope[i].end) {
        for (uint32_t j = 0; j < p->scope[i].n_ranges; j++) {
            struct function_range *f =
                grow((void **)&p->function, &p->functions, sizeof *f, TABLE_MAX);
            if (!f)
                return false;
            const struct range *x = &p->range[p->scope[i].ranges + j];
            *f = (struct function_range){x->lo, x->hi, i};
        }
    }
    sort(p->function, p->functions, sizeof *p->function, by_function);
    return !r->no_memory;
}

static void read_unit(struct reader *r)
{
    Dwarf_Attribute a;

    r->directory = dwarf_attr(&r->unit, DW_AT_comp_dir, &a) ? dwarf_formstring(&a) : NULL;
    dwarf_read_rows(r);
    walk(r, &r->unit, NONE, 0);
    r->unit_number++;
}

bool debug_supported(void)
{
    return true;
}

bool debug_read(struct program *p, struct err *err)
{
    struct reader r = {.p = p, .left = p->image.size};
    Dwarf_Off at = 0, next;
    size_t header;

    p->debug = calloc(1, sizeof *p->debug);
    if (!p->debug)
        return err_set(err, ERR_SYSTEM, "out of memory");
    elf_version(EV_CURRENT);
    /* libelf only reads what it was given for reading; its parameter is not const. */
    p->debug->elf = elf_memory((char *)p->image.data, p->image.size);
    if (p->debug->elf)
        p->debug->dwarf = dwarf_begin_elf(p->debug->elf, DWARF_C_READ, NULL);
    if (!p->debug->dwarf)
        return true;
    while (r.left && dwarf_nextcu(p->debug->dwarf, at, &next, &header, NULL, NULL, NULL) == 0 &&
           next > at) {
        if (dwarf_offdie(p->debug->dwarf, at + header, &r.unit))
            read_unit(&r);
        at = next;
    }
    bool ok = put_in_order(p, &r);
    free(r.file_slot);
    return ok || err_set(err, ERR_SYSTEM, "out of memory");
}

void debug_close(struct debug *d)
{
    if (!d)
        return;
    if (d->cfi[1])
        dwarf_cfi_end(d->cfi[1]);
    if (d->dwarf)
        dwarf_end(d->dwarf);
    if (d->elf)
        elf_end(d->elf);
    free(d);
}
