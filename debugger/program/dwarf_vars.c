/* SPDX-License-Identifier: GPL-2.0-only */
/* Where variables are and what type they have. (DWARF 4, chapters 2.6 and 4.1.) */
#include "dwarf_ops.h"

#include <string.h>

uint64_t debug_var_type(struct program *p, uint64_t die)
{
    Dwarf_Die d;

    return dwarf_offdie(p->debug->dwarf, die, &d) ? dwarf_type_of(&d) : 0;
}

/* The real function that a scope is in: it has the frame base. */
static const struct scope *function_of(const struct program *p, uint32_t scope)
{
    for (unsigned i = 0; scope != NONE && i < 128; i++) {
        if (p->scope[scope].kind == SCOPE_FUNCTION)
            return &p->scope[scope];
        scope = p->scope[scope].parent;
    }
    return NULL;
}

static bool constant(Dwarf_Die *die, uint32_t size, struct place_at *out)
{
    struct piece *piece = &out->piece[0];
    Dwarf_Attribute a;
    Dwarf_Sword number;
    Dwarf_Block block;

    if (!dwarf_attr_integrate(die, DW_AT_const_value, &a))
        return false;
    *piece = (struct piece){.kind = PIECE_VALUE};
    out->n = 1;
    if (dwarf_formblock(&a, &block) == 0) {
        piece->bytes = block.data;
        piece->n = (uint32_t)block.length;
    } else if (dwarf_formsdata(&a, &number) == 0) {
        for (unsigned i = 0; i < 8; i++)
            piece->data[i] = (uint8_t)((uint64_t)number >> 8 * i);
    } else {
        const char *text = dwarf_formstring(&a);
        if (!text || strlen(text) + 1 < size)
            return false;
        piece->bytes = (const uint8_t *)text;
        piece->n = size;
    }
    return true;
}

bool debug_locate(struct program *p, const struct frame *f, const struct program_memory *m,
                  const struct var *v, uint32_t size, struct place_at *out, struct err *err)
{
    struct err why = {0};
    Dwarf_Die die;
    Dwarf_Attribute a;
    Dwarf_Op *op;
    size_t n;

    *out = (struct place_at){.n = 1, .piece[0].kind = PIECE_LOST};
    if (!dwarf_offdie(p->debug->dwarf, v->die, &die))
        return true;
    if (!dwarf_attr_integrate(&die, DW_AT_location, &a)) {
        constant(&die, size, out);
        return true;
    }
    if (dwarf_getlocation_addr(&a, f ? f->pc : 0, &op, &n, 1) != 1)
        return true;
    struct ops_context c = {
        .p = p, .f = f, .m = m, .attribute = &a, .function = function_of(p, v->scope)};
    switch (ops_place(&c, op, n, out, &why)) {
    case OPS_OK:
        return true;
    case OPS_LOST:
        *out = (struct place_at){.n = 1, .piece[0].kind = PIECE_LOST};
        return true;
    default:
        return err_set(err, why.class, "%s: %s", v->name, why.text);
    }
}
