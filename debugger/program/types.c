/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types. Each entry of the debug information that is asked for becomes one struct type, first its
 * head, and what is in it when somebody looks: types refer to each other in circles. Typedefs and
 * qualifiers are types of their own around their target.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define WRAPS_MAX 64u

#define INTEGER(text, bytes, sign)                                                       \
    {                                                                                    \
        .kind = TYPE_INT, .name = text, .size = bytes, .is_signed = sign, .filled = true \
    }
#define CHARACTER(text, sign)                                                          \
    {                                                                                  \
        .kind = TYPE_INT, .name = text, .size = 1, .is_signed = sign, .is_char = true, \
        .filled = true                                                                 \
    }
#define FLOATING(text, bytes)                                           \
    {                                                                   \
        .kind = TYPE_FLOAT, .name = text, .size = bytes, .filled = true \
    }

/* Sizes as the System V ABI for i386 has them. */
const struct type c_type[C_TYPES] = {
    [C_VOID] = {.kind = TYPE_VOID, .name = "void", .size = 1, .filled = true},
    [C_BOOL] = {.kind = TYPE_BOOL, .name = "_Bool", .size = 1, .filled = true},
    [C_CHAR] = CHARACTER("char", true),
    [C_SCHAR] = CHARACTER("signed char", true),
    [C_UCHAR] = CHARACTER("unsigned char", false),
    [C_SHORT] = INTEGER("short", 2, true),
    [C_USHORT] = INTEGER("unsigned short", 2, false),
    [C_INT] = INTEGER("int", 4, true),
    [C_UINT] = INTEGER("unsigned int", 4, false),
    [C_LONG] = INTEGER("long", 4, true),
    [C_ULONG] = INTEGER("unsigned long", 4, false),
    [C_LLONG] = INTEGER("long long", 8, true),
    [C_ULLONG] = INTEGER("unsigned long long", 8, false),
    [C_FLOAT] = FLOATING("float", 4),
    [C_DOUBLE] = FLOATING("double", 8),
    [C_LDOUBLE] = FLOATING("long double", 12),
    [C_UNKNOWN] = {.kind = TYPE_UNKNOWN, .name = "<unknown type>", .filled = true},
    [C_CODE] = {.kind = TYPE_FUNCTION,
                .name = "<text variable, no debug info>",
                .size = 1,
                .filled = true,
                .target = &c_type[C_INT]},
    [C_ENTRY] = {.kind = TYPE_FUNCTION, .size = 1, .filled = true, .target = &c_type[C_VOID]},
    [C_DATA] = {.kind = TYPE_UNKNOWN, .name = "<data variable, no debug info>", .filled = true},
};

/* ---- one struct for each entry ---- */

struct type_table { /* open addressing by offset of the entry */
    struct type **slot;
    uint32_t slots, used;
};

struct type_table *type_table_new(void)
{
    return calloc(1, sizeof(struct type_table));
}

void type_table_free(struct type_table *t)
{
    if (!t)
        return;
    free(t->slot);
    free(t);
}

static uint32_t place_of(const struct type_table *t, uint64_t die)
{
    uint32_t at = (uint32_t)(die * 0x9E3779B97F4A7C15 >> 32) & (t->slots - 1);

    while (t->slot[at] && t->slot[at]->die != die)
        at = (at + 1) & (t->slots - 1);
    return at;
}

static bool room(struct type_table *t)
{
    struct type_table more = {.slots = t->slots ? t->slots * 2 : 256, .used = t->used};

    if (t->used * 2 < t->slots)
        return true;
    more.slot = calloc(more.slots, sizeof *more.slot);
    if (!more.slot)
        return false;
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->slot[i])
            more.slot[place_of(&more, t->slot[i]->die)] = t->slot[i];
    free(t->slot);
    *t = more;
    return true;
}

const struct type *type_of_die(struct program *p, uint64_t die)
{
    if (die == 0)
        return &c_type[C_VOID];
    if (!p->debug || !room(p->types))
        return &c_type[C_UNKNOWN];
    uint32_t at = place_of(p->types, die);
    if (p->types->slot[at])
        return p->types->slot[at];
    struct type *t = arena_get(p->arena, sizeof *t);
    if (!t)
        return &c_type[C_UNKNOWN];
    t->program = p;
    t->die = die;
    if (!debug_type_head(p, die, t))
        *t = (struct type){.kind = TYPE_UNKNOWN,
                           .name = "<unknown type>",
                           .filled = true,
                           .program = p,
                           .die = die};
    p->types->slot[at] = t;
    p->types->used++;
    return t;
}

static const struct type *fill(const struct type *t)
{
    if (!t->filled) {
        /* The constant ones are all filled; these were made above, writable. */
        struct type *w = (struct type *)t;
        w->filled = true;
        debug_type_body(w->program, w);
    }
    return t;
}

const struct type *type_find_name(struct program *p, int kind, const char *name)
{
    uint32_t low = 0, high = p->type_names;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(p->type_name[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    /* Of one kind, definitions come before declarations. */
    for (; low < p->type_names && !strcmp(p->type_name[low].name, name); low++)
        if (kind < 0 || (int)p->type_name[low].kind == kind)
            return type_of_die(p, p->type_name[low].die);
    return NULL;
}

const struct type *program_type(struct program *p, const char *name)
{
    static const struct {
        const char *word;
        int kind;
    } tags[] = {{"struct ", NAME_STRUCT}, {"union ", NAME_UNION}, {"enum ", NAME_ENUM}};
    const struct type *t = NULL;

    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (!strncmp(name, tags[i].word, strlen(tags[i].word)))
            return type_find_name(p, tags[i].kind, name + strlen(tags[i].word));
    if (!(t = type_find_name(p, NAME_TYPEDEF, name)))
        t = type_find_name(p, NAME_BASE, name);
    for (unsigned i = 0; !t && i <= C_LDOUBLE; i++)
        if (!strcmp(c_type[i].name, name))
            t = &c_type[i];
    return t;
}

/* ---- questions ---- */

static const struct type *definition(const struct type *t)
{
    if (!t->incomplete || !t->program || !t->name)
        return t;
    const struct type *full = type_find_name(t->program,
                                             t->kind == TYPE_STRUCT  ? NAME_STRUCT
                                             : t->kind == TYPE_UNION ? NAME_UNION
                                                                     : NAME_ENUM,
                                             t->name);
    return full ? full : t;
}

const struct type *type_strip(const struct type *t)
{
    for (unsigned i = 0; t->wrap; i++) {
        if (i == WRAPS_MAX)
            return &c_type[C_UNKNOWN]; /* a typedef of itself: a damaged file */
        t = fill(t)->target;
        if (!t)
            return &c_type[C_UNKNOWN];
    }
    return definition(t);
}

enum type_kind type_kind(const struct type *t)
{
    return type_strip(t)->kind;
}

static uint32_t size_of(const struct type *t, unsigned depth)
{
    t = fill(type_strip(t));
    if (t->kind != TYPE_ARRAY || t->size || depth > WRAPS_MAX || !t->target)
        return t->size;
    uint64_t n = (uint64_t)size_of(t->target, depth + 1) * t->elements;
    return n <= INT32_MAX ? (uint32_t)n : 0;
}

uint32_t type_size(const struct type *t)
{
    return size_of(t, 0);
}

bool type_signed(const struct type *t)
{
    return fill(type_strip(t))->is_signed;
}

bool type_char(const struct type *t)
{
    return type_strip(t)->is_char;
}

const struct type *type_target(const struct type *t)
{
    t = fill(type_strip(t));
    return t->kind == TYPE_POINTER || t->kind == TYPE_ARRAY || t->kind == TYPE_FUNCTION ? t->target
                                                                                        : NULL;
}

uint32_t type_elements(const struct type *t)
{
    return fill(type_strip(t))->elements;
}

unsigned type_members(const struct type *t)
{
    return fill(type_strip(t))->members;
}

bool type_member(const struct type *t, unsigned i, struct type_member *out)
{
    t = fill(type_strip(t));
    if (i >= t->members)
        return false;
    *out = t->member[i];
    return true;
}

const char *type_enumerator(const struct type *t, int64_t value)
{
    t = fill(type_strip(t));
    for (uint32_t i = 0; i < t->enumerators; i++)
        if (t->enumerator[i].value == value)
            return t->enumerator[i].name;
    return NULL;
}
