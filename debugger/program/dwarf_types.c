/* SPDX-License-Identifier: GPL-2.0-only */
/* What an entry of the debug information says about a type. (DWARF 4, chapter 5.) */
#include "dwarf.h"

#include <string.h>

#define CHILDREN_MAX 65536u

static uint64_t attribute(Dwarf_Die *die, unsigned name, uint64_t otherwise)
{
    uint64_t value;

    return dwarf_number(die, name, &value) ? value : otherwise;
}

static const char *name_of(Dwarf_Die *die)
{
    const char *name = dwarf_diename(die);

    return name && name[0] ? name : NULL;
}

static void base_type(Dwarf_Die *die, struct type *t)
{
    t->kind = TYPE_INT;
    switch (attribute(die, DW_AT_encoding, 0)) {
    case DW_ATE_boolean:
        t->kind = TYPE_BOOL;
        break;
    case DW_ATE_float:
        t->kind = TYPE_FLOAT;
        break;
    case DW_ATE_signed_char:
        t->is_signed = true;
        t->is_char = true;
        break;
    case DW_ATE_unsigned_char:
    case DW_ATE_UTF:
        t->is_char = true;
        break;
    case DW_ATE_signed:
        t->is_signed = true;
        break;
    case DW_ATE_unsigned:
        break;
    default:
        t->kind = TYPE_UNKNOWN;
        break;
    }
    bool possible = t->kind == TYPE_FLOAT ? t->size == 4 || t->size == 8 || t->size == 12
                                          : t->size >= 1 && t->size <= 8;
    if (!possible)
        t->kind = TYPE_UNKNOWN;
}

static void wrapper(struct type *t, enum type_wrap wrap)
{
    t->wrap = wrap;
    t->kind = TYPE_VOID;
}

bool debug_type_head(struct program *p, uint64_t offset, struct type *t)
{
    Dwarf_Die die;

    if (!dwarf_offdie(p->debug->dwarf, offset, &die))
        return false;
    t->name = name_of(&die);
    t->size = (uint32_t)attribute(&die, DW_AT_byte_size, 0);
    switch (dwarf_tag(&die)) {
    case DW_TAG_base_type:
        base_type(&die, t);
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
        t->kind = TYPE_POINTER;
        t->size = 4;
        break;
    case DW_TAG_array_type:
        t->kind = TYPE_ARRAY;
        break;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        t->kind = TYPE_STRUCT;
        t->incomplete = dwarf_hasattr(&die, DW_AT_declaration);
        break;
    case DW_TAG_union_type:
        t->kind = TYPE_UNION;
        t->incomplete = dwarf_hasattr(&die, DW_AT_declaration);
        break;
    case DW_TAG_enumeration_type:
        t->kind = TYPE_ENUM;
        t->incomplete = dwarf_hasattr(&die, DW_AT_declaration);
        if (!t->size || t->size > 8)
            t->size = 4;
        break;
    case DW_TAG_subroutine_type:
    case DW_TAG_subprogram:
        t->kind = TYPE_FUNCTION;
        t->size = 1; /* as sizeof has it in GNU C, so that &f + 1 is something */
        t->prototyped = dwarf_hasattr_integrate(&die, DW_AT_prototyped);
        break;
    case DW_TAG_typedef:
        wrapper(t, WRAP_TYPEDEF);
        break;
    case DW_TAG_const_type:
        wrapper(t, WRAP_CONST);
        break;
    case DW_TAG_volatile_type:
        wrapper(t, WRAP_VOLATILE);
        break;
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
        wrapper(t, WRAP_TYPEDEF); /* its own name is empty: shown as its target */
        t->name = NULL;
        break;
    case DW_TAG_unspecified_type:
        t->kind = TYPE_VOID;
        t->size = 1;
        break;
    default:
        return false;
    }
    return true;
}

static uint32_t member_offset(Dwarf_Die *die)
{
    Dwarf_Attribute a;
    Dwarf_Word value;
    Dwarf_Op *op;
    size_t n;

    if (!dwarf_attr(die, DW_AT_data_member_location, &a))
        return 0;
    if (dwarf_formudata(&a, &value) == 0)
        return (uint32_t)value;
    if (dwarf_getlocation(&a, &op, &n) == 0 && n == 1 && op[0].atom == DW_OP_plus_uconst)
        return (uint32_t)op[0].number;
    return 0;
}

static void bit_field(Dwarf_Die *die, struct type_member *m, const struct type *type)
{
    uint64_t bits = attribute(die, DW_AT_bit_size, 0), at;

    if (!bits || bits > 64)
        return;
    m->bit_size = (unsigned)bits;
    if (dwarf_number(die, DW_AT_data_bit_offset, &at)) {
        m->offset = (uint32_t)(at / 8);
        m->bit_offset = (unsigned)(at % 8);
    } else if (dwarf_number(die, DW_AT_bit_offset, &at)) {
        /* Before DWARF 4: from the most significant bit of the storage unit. */
        uint64_t unit = attribute(die, DW_AT_byte_size, type_size(type)) * 8;
        uint64_t low = at + bits <= unit ? unit - at - bits : 0;
        m->offset += (uint32_t)(low / 8);
        m->bit_offset = (unsigned)(low % 8);
    }
}

static void add_member(struct program *p, struct type *t, Dwarf_Die *die,
                       struct type_member *member)
{
    member->name = name_of(die);
    member->type = type_of_die(p, dwarf_type_of(die));
    if (t->kind == TYPE_FUNCTION)
        return;
    member->offset = member_offset(die);
    bit_field(die, member, member->type);
}

/* How many children have the tag? */
static uint32_t count(Dwarf_Die *parent, int tag)
{
    Dwarf_Die child;
    uint32_t n = 0, seen = 0;

    if (dwarf_child(parent, &child) != 0)
        return 0;
    do
        n += dwarf_tag(&child) == tag;
    while (++seen < CHILDREN_MAX && dwarf_siblingof(&child, &child) == 0);
    return n;
}

static void members(struct program *p, struct type *t, Dwarf_Die *die, int tag)
{
    uint32_t n = count(die, tag);
    Dwarf_Die child;

    t->member = n ? arena_get(p->arena, n * sizeof *t->member) : NULL;
    if (dwarf_child(die, &child) != 0)
        return;
    for (uint32_t seen = 0; seen < CHILDREN_MAX; seen++) {
        if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
            t->variadic = true;
        if (dwarf_tag(&child) == tag && t->member && t->members < n)
            add_member(p, t, &child, &t->member[t->members++]);
        if (dwarf_siblingof(&child, &child) != 0)
            break;
    }
}

static void enumerators(struct program *p, struct type *t, Dwarf_Die *die)
{
    uint32_t n = count(die, DW_TAG_enumerator);
    Dwarf_Attribute a;
    Dwarf_Die child;
    Dwarf_Sword value;

    t->enumerator = n ? arena_get(p->arena, n * sizeof *t->enumerator) : NULL;
    if (!t->enumerator || dwarf_child(die, &child) != 0)
        return;
    for (uint32_t seen = 0; seen < CHILDREN_MAX && t->enumerators < n; seen++) {
        if (dwarf_tag(&child) == DW_TAG_enumerator && name_of(&child) &&
            dwarf_attr(&child, DW_AT_const_value, &a) && dwarf_formsdata(&a, &value) == 0) {
            t->enumerator[t->enumerators++] = (struct enumerator){name_of(&child), value};
            t->is_signed |= value < 0;
        }
        if (dwarf_siblingof(&child, &child) != 0)
            break;
    }
}

static bool elements(Dwarf_Die *range, uint32_t *n)
{
    uint64_t value;

    if (dwarf_number(range, DW_AT_count, &value)) {
        *n = (uint32_t)value;
        return true;
    }
    if (!dwarf_number(range, DW_AT_upper_bound, &value))
        return false;
    *n = (uint32_t)value + 1; /* gcc says -1 for none */
    return true;
}

/* int a[2][3] is one entry with two ranges; as C has it, an array of arrays. */
static void dimensions(struct program *p, struct type *t, Dwarf_Die *die)
{
    uint32_t n = count(die, DW_TAG_subrange_type), i = 0;
    struct type *inner = t;
    Dwarf_Die child;

    t->target = type_of_die(p, dwarf_type_of(die));
    if (dwarf_child(die, &child) != 0)
        return;
    for (uint32_t seen = 0; seen < CHILDREN_MAX && i < n && i < 16; seen++) {
        if (dwarf_tag(&child) == DW_TAG_subrange_type) {
            inner->has_elements = elements(&child, &inner->elements);
            if (++i < n && i < 16) {
                struct type *next = arena_get(p->arena, sizeof *next);
                if (!next)
                    return;
                *next = (struct type){
                    .kind = TYPE_ARRAY, .filled = true, .program = p, .target = inner->target};
                inner->target = next;
                inner = next;
            }
        }
        if (dwarf_siblingof(&child, &child) != 0)
            break;
    }
}

void debug_type_body(struct program *p, struct type *t)
{
    Dwarf_Die die;

    if (!dwarf_offdie(p->debug->dwarf, t->die, &die))
        return;
    if (t->wrap || t->kind == TYPE_POINTER || t->kind == TYPE_FUNCTION)
        t->target = type_of_die(p, dwarf_type_of(&die));
    if (t->wrap)
        return;
    switch (t->kind) {
    case TYPE_ARRAY:
        dimensions(p, t, &die);
        break;
    case TYPE_STRUCT:
    case TYPE_UNION:
        members(p, t, &die, DW_TAG_member);
        break;
    case TYPE_FUNCTION:
        members(p, t, &die, DW_TAG_formal_parameter);
        break;
    case TYPE_ENUM:
        enumerators(p, t, &die);
        break;
    default:
        break;
    }
}
