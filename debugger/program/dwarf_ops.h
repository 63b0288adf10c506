/* SPDX-License-Identifier: GPL-2.0-only */
/* DWARF expressions, run: for variables' places and for unwinding rules. */
#ifndef DEBUGGER_PROGRAM_DWARF_OPS_H
#define DEBUGGER_PROGRAM_DWARF_OPS_H

#include "dwarf.h"

enum ops_result {
    OPS_OK,
    OPS_LOST, /* the compiler did not keep it, or a register is not known in this frame */
    OPS_BAD,  /* err says what */
};

struct ops_context {
    struct program *p;
    const struct frame *f; /* NULL: none */
    const struct program_memory *m;
    Dwarf_Attribute *attribute;   /* whose expression it is; NULL for unwinding rules */
    const struct scope *function; /* for DW_OP_fbreg; may be NULL */
    bool has_initial;
    uint32_t initial; /* put on the stack first */
    unsigned depth;   /* of expressions in expressions */
};

/* A place, in pieces. out->n is 1 at least when OPS_OK. */
enum ops_result ops_place(const struct ops_context *c, const Dwarf_Op *op, size_t n,
                          struct place_at *out, struct err *err);

/* A number: the place's address, or the value of a stack_value or register. */
enum ops_result ops_number(const struct ops_context *c, const Dwarf_Op *op, size_t n,
                           uint32_t *value, struct piece *what, struct err *err);

#endif
