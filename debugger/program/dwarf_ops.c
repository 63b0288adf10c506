/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DWARF's stack machine (DWARF 4, chapters 2.5 and 2.6; DWARF 5 adds names for the same). Addresses
 * have 32 bits and so has arithmetic; only constants are kept longer, since compilers give whole
 * 64-bit values that way.
 */
#include "dwarf_ops.h"

#include <string.h>

#define STACK_MAX 64u
#define STEPS_MAX 2000u
#define DEPTH_MAX 8u

struct ops_stack {
    const struct ops_context *c;
    int64_t stack[STACK_MAX];
    unsigned n;
    struct err *err;
};

static enum ops_result bad(struct ops_stack *s, const char *what)
{
    err_set(s->err, ERR_FILE, "%s: its debug information is damaged (%s in a DWARF expression)",
            s->c->p->image.name, what);
    return OPS_BAD;
}

static bool push(struct ops_stack *s, int64_t v)
{
    if (s->n == STACK_MAX)
        return false;
    s->stack[s->n++] = v;
    return true;
}

static bool pop(struct ops_stack *s, int64_t *v)
{
    if (!s->n)
        return false;
    *v = s->stack[--s->n];
    return true;
}

static enum ops_result get_register(struct ops_stack *s, uint64_t number, uint32_t *value)
{
    const struct frame *f = s->c->f;

    if (!f) {
        err_set(s->err, ERR_USAGE, "there is no frame, and it is in a register");
        return OPS_BAD;
    }
    if (number >= FRAME_REGISTERS || !(f->known & 1u << number))
        return OPS_LOST;
    *value = f->reg[number];
    return OPS_OK;
}

static enum ops_result read_memory(struct ops_stack *s, uint32_t addr, unsigned size, int64_t *v)
{
    uint8_t b[8] = {0};
    uint64_t value = 0;

    if (size > 8)
        return bad(s, "a wide load");
    if (!s->c->m || !s->c->m->read || !s->c->m->read(s->c->m->ctx, addr, b, size)) {
        err_set(s->err, ERR_USAGE, "cannot read memory at 0x%x", addr);
        return OPS_BAD;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)b[i] << 8 * i;
    *v = (int64_t)value;
    return OPS_OK;
}

static enum ops_result frame_base(struct ops_stack *s, uint32_t *base)
{
    const struct ops_context *c = s->c;
    struct ops_context inner = *c;
    Dwarf_Attribute a;
    Dwarf_Die die;
    Dwarf_Op *op;
    struct piece what;
    size_t n;

    if (!c->f || !c->function || c->depth >= DEPTH_MAX ||
        !dwarf_offdie(c->p->debug->dwarf, c->function->die, &die) ||
        !dwarf_attr_integrate(&die, DW_AT_frame_base, &a) ||
        dwarf_getlocation_addr(&a, c->f->pc, &op, &n, 1) != 1)
        return OPS_LOST;
    inner.attribute = &a;
    inner.has_initial = false;
    inner.depth++;
    return ops_number(&inner, op, n, base, &what, s->err);
}

static enum ops_result call_frame_cfa(struct ops_stack *s, uint32_t *cfa)
{
    const struct ops_context *c = s->c;

    if (!c->f || c->depth >= DEPTH_MAX)
        return OPS_LOST;
    struct frame f = *c->f;
    if (!f.cfa && debug_unwind(c->p, c->m, &f, NULL, s->err) != RULE_OK)
        return OPS_LOST;
    *cfa = f.cfa;
    return OPS_OK;
}

/* An address that DWARF 5 keeps in a table of its own. */
static enum ops_result indexed_address(struct ops_stack *s, const Dwarf_Op *op, uint64_t *addr)
{
    Dwarf_Attribute a;
    Dwarf_Word w;
    Dwarf_Addr at;

    if (!s->c->attribute || dwarf_getlocation_attr(s->c->attribute, op, &a) != 0)
        return bad(s, "an address without its table");
    if (dwarf_formaddr(&a, &at) == 0)
        *addr = at;
    else if (dwarf_formudata(&a, &w) == 0)
        *addr = w;
    else
        return bad(s, "an address without its table");
    return OPS_OK;
}

static bool unary(unsigned atom, int64_t *v)
{
    switch (atom) {
    case DW_OP_abs:
        *v = (int32_t)*v < 0 ? -(int64_t)(int32_t)*v : *v;
        break;
    case DW_OP_neg:
        *v = (uint32_t) - (uint32_t)*v;
        break;
    case DW_OP_not:
        *v = (uint32_t) ~(uint32_t)*v;
        break;
    default:
        return false;
    }
    return true;
}

/* False: division by zero. */
static bool binary(unsigned atom, int64_t x, int64_t y, int64_t *out)
{
    uint32_t a = (uint32_t)x, b = (uint32_t)y;
    int32_t i = (int32_t)a, j = (int32_t)b;

    switch (atom) {
    case DW_OP_and:
        *out = a & b;
        break;
    case DW_OP_or:
        *out = a | b;
        break;
    case DW_OP_xor:
        *out = a ^ b;
        break;
    case DW_OP_plus:
        *out = (uint32_t)(a + b);
        break;
    case DW_OP_minus:
        *out = (uint32_t)(a - b);
        break;
    case DW_OP_mul:
        *out = (uint32_t)(a * b);
        break;
    case DW_OP_div:
        if (!b)
            return false;
        *out = (uint32_t)((int64_t)i / j);
        break;
    case DW_OP_mod:
        if (!b)
            return false;
        *out = a % b;
        break;
    case DW_OP_shl:
        *out = b < 32 ? (uint32_t)(a << b) : 0;
        break;
    case DW_OP_shr:
        *out = b < 32 ? a >> b : 0;
        break;
    case DW_OP_shra:
        *out = (uint32_t)((int64_t)i >> (b < 32 ? b : 31));
        break;
    case DW_OP_eq:
        *out = i == j;
        break;
    case DW_OP_ne:
        *out = i != j;
        break;
    case DW_OP_ge:
        *out = i >= j;
        break;
    case DW_OP_gt:
        *out = i > j;
        break;
    case DW_OP_le:
        *out = i <= j;
        break;
    default:
        *out = i < j;
        break; /* DW_OP_lt */
    }
    return true;
}

static bool is_binary(unsigned atom)
{
    switch (atom) {
    case DW_OP_and:
    case DW_OP_or:
    case DW_OP_xor:
    case DW_OP_plus:
    case DW_OP_minus:
    case DW_OP_mul:
    case DW_OP_div:
    case DW_OP_mod:
    case DW_OP_shl:
    case DW_OP_shr:
    case DW_OP_shra:
    case DW_OP_eq:
    case DW_OP_ne:
    case DW_OP_ge:
    case DW_OP_gt:
    case DW_OP_le:
    case DW_OP_lt:
        return true;
    default:
        return false;
    }
}

/* Operations that put one number on the stack. *handled: it was one. */
static enum ops_result source(struct ops_stack *s, const Dwarf_Op *op, bool *handled, int64_t *v)
{
    unsigned atom = op->atom;
    enum ops_result r = OPS_OK;
    uint32_t word = 0;
    uint64_t addr = 0;

    *handled = true;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) {
        *v = atom - DW_OP_lit0;
    } else if (atom >= DW_OP_const1u && atom <= DW_OP_consts) {
        *v = (int64_t)op->number;
    } else if (atom == DW_OP_addr) {
        *v = (uint32_t)op->number;
    } else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
        r = get_register(s, atom - DW_OP_breg0, &word);
        *v = (uint32_t)(word + (uint32_t)op->number);
    } else if (atom == DW_OP_bregx) {
        r = get_register(s, op->number, &word);
        *v = (uint32_t)(word + (uint32_t)op->number2);
    } else if (atom == DW_OP_fbreg) {
        r = frame_base(s, &word);
        *v = (uint32_t)(word + (uint32_t)op->number);
    } else if (atom == DW_OP_call_frame_cfa) {
        r = call_frame_cfa(s, &word);
        *v = word;
    } else if (atom == DW_OP_addrx || atom == DW_OP_constx || atom == DW_OP_GNU_addr_index ||
               atom == DW_OP_GNU_const_index) {
        r = indexed_address(s, op, &addr);
        *v = (int64_t)addr;
    } else {
        *handled = false;
    }
    return r;
}

static enum ops_result stack_work(struct ops_stack *s, const Dwarf_Op *op)
{
    int64_t a, b, c;

    switch (op->atom) {
    case DW_OP_dup:
        return pop(s, &a) && push(s, a) && push(s, a) ? OPS_OK : bad(s, "an empty stack");
    case DW_OP_drop:
        return pop(s, &a) ? OPS_OK : bad(s, "an empty stack");
    case DW_OP_over:
    case DW_OP_pick: {
        unsigned back = op->atom == DW_OP_over ? 1 : (uint8_t)op->number;
        return back < s->n && push(s, s->stack[s->n - 1 - back]) ? OPS_OK
                                                                 : bad(s, "an empty stack");
    }
    case DW_OP_swap:
        return pop(s, &a) && pop(s, &b) && push(s, a) && push(s, b) ? OPS_OK
                                                                    : bad(s, "an empty stack");
    case DW_OP_rot:
        return pop(s, &a) && pop(s, &b) && pop(s, &c) && push(s, a) && push(s, c) && push(s, b)
                   ? OPS_OK
                   : bad(s, "an empty stack");
    case DW_OP_deref:
    case DW_OP_deref_size: {
        if (!pop(s, &a))
            return bad(s, "an empty stack");
        unsigned size = op->atom == DW_OP_deref ? 4 : (uint8_t)op->number;
        enum ops_result r = read_memory(s, (uint32_t)a, size, &b);
        return r != OPS_OK ? r : push(s, b) ? OPS_OK : bad(s, "a full stack");
    }
    case DW_OP_plus_uconst:
        return pop(s, &a) && push(s, (uint32_t)((uint32_t)a + (uint32_t)op->number))
                   ? OPS_OK
                   : bad(s, "an empty stack");
    case DW_OP_nop:
        return OPS_OK;
    default:
        break;
    }
    if (is_binary(op->atom)) {
        if (!pop(s, &b) || !pop(s, &a))
            return bad(s, "an empty stack");
        return binary(op->atom, a, b, &c) && push(s, c) ? OPS_OK : bad(s, "a division by zero");
    }
    if (s->n && unary(op->atom, &s->stack[s->n - 1]))
        return OPS_OK;
    /* Values from before the call, pointers to nothing, typed arithmetic. */
    return OPS_LOST;
}

/* The operation at a byte offset of the expression; n: behind its end; NONE: there is none. */
static size_t at_offset(const Dwarf_Op *op, size_t n, uint64_t offset)
{
    for (size_t i = 0; i < n; i++)
        if (op[i].offset == offset)
            return i;
    return offset > op[n - 1].offset ? n : NONE;
}

static enum ops_result jump(struct ops_stack *s, const Dwarf_Op *op, size_t n, size_t *at)
{
    int64_t condition = 1;
    /* Both have a two-byte operand, counted from behind it. */
    uint64_t target = op[*at].offset + 3 + (uint64_t)(int64_t)(int16_t)op[*at].number;

    if (op[*at].atom == DW_OP_bra && !pop(s, &condition))
        return bad(s, "an empty stack");
    size_t to = at_offset(op, n, target);
    if (to == NONE)
        return bad(s, "a jump out of it");
    *at = (uint32_t)condition ? to : *at + 1;
    return OPS_OK;
}

static enum ops_result finish(struct ops_stack *s, const Dwarf_Op *op, struct piece *piece)
{
    const struct ops_context *c = s->c;
    int64_t v;

    if (op->atom == DW_OP_implicit_value) {
        Dwarf_Block block;
        if (!c->attribute || dwarf_getlocation_implicit_value(c->attribute, op, &block) != 0)
            return bad(s, "a value that is not there");
        *piece =
            (struct piece){.kind = PIECE_VALUE, .bytes = block.data, .n = (uint32_t)block.length};
        return OPS_OK;
    }
    if (!pop(s, &v))
        return bad(s, "an empty stack");
    *piece = (struct piece){.kind = PIECE_VALUE};
    for (unsigned i = 0; i < 8; i++)
        piece->data[i] = (uint8_t)((uint64_t)v >> 8 * i);
    return OPS_OK;
}

static bool register_of(const Dwarf_Op *op, uint64_t *number)
{
    if (op->atom == DW_OP_regx)
        *number = op->number;
    else if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)
        *number = op->atom - DW_OP_reg0;
    else
        return false;
    return true;
}

static struct piece register_piece(const struct ops_context *c, uint64_t number)
{
    struct piece piece = {.kind = PIECE_LOST};

    if (number < FRAME_REGISTERS && c->f && c->f->known & 1u << number) {
        piece.kind = PIECE_REGISTER;
        piece.reg = (unsigned)number;
    }
    return piece;
}

/* At the end of an expression, or before a DW_OP_piece: what the stack holds is an address. */
static struct piece take(struct ops_stack *s, struct piece *ready, bool *has)
{
    struct piece piece = {.kind = PIECE_LOST};
    int64_t v;

    if (*has)
        piece = *ready;
    else if (pop(s, &v))
        piece = (struct piece){.kind = PIECE_MEMORY, .addr = (uint32_t)v};
    *has = false;
    return piece;
}

static enum ops_result run(struct ops_stack *s, const Dwarf_Op *op, size_t n, struct place_at *out)
{
    struct piece ready;
    bool has = false, lost = false;
    unsigned steps = 0;

    out->n = 0;
    for (size_t i = 0; i < n;) {
        enum ops_result r = OPS_OK;
        uint64_t number;
        bool handled;
        int64_t v;
        if (++steps > STEPS_MAX)
            return bad(s, "a loop");
        if (op[i].atom == DW_OP_piece) {
            if (out->n == PIECES_MAX)
                return bad(s, "too many pieces");
            struct piece piece = take(s, &ready, &has);
            if (lost)
                piece = (struct piece){.kind = PIECE_LOST};
            lost = false;
            s->n = 0;
            if (piece.bytes && piece.n < op[i].number)
                piece = (struct piece){.kind = PIECE_LOST};
            piece.n = (uint32_t)op[i++].number;
            out->piece[out->n++] = piece;
            continue;
        }
        if (lost) { /* this piece is: go on at the next */
            i++;
            continue;
        }
        if (op[i].atom == DW_OP_skip || op[i].atom == DW_OP_bra) {
            r = jump(s, op, n, &i);
            if (r != OPS_OK)
                return r;
            continue;
        }
        if (register_of(&op[i], &number)) {
            ready = register_piece(s->c, number);
            has = true;
        } else if (op[i].atom == DW_OP_stack_value || op[i].atom == DW_OP_implicit_value) {
            r = finish(s, &op[i], &ready);
            has = r == OPS_OK;
        } else if ((r = source(s, &op[i], &handled, &v)) == OPS_OK) {
            r = !handled ? stack_work(s, &op[i]) : push(s, v) ? OPS_OK : bad(s, "a full stack");
        }
        if (r == OPS_BAD)
            return r;
        lost = r == OPS_LOST;
        i++;
    }
    if (out->n)
        return OPS_OK;
    out->piece[0] = lost ? (struct piece){.kind = PIECE_LOST} : take(s, &ready, &has);
    if (!out->piece[0].bytes)
        out->piece[0].n = 0;
    out->n = 1;
    return out->piece[0].kind == PIECE_LOST ? OPS_LOST : OPS_OK;
}

enum ops_result ops_place(const struct ops_context *c, const Dwarf_Op *op, size_t n,
                          struct place_at *out, struct err *err)
{
    struct ops_stack s = {.c = c, .err = err};

    out->n = 0;
    if (c->has_initial)
        push(&s, c->initial);
    return n ? run(&s, op, n, out) : OPS_LOST;
}

enum ops_result ops_number(const struct ops_context *c, const Dwarf_Op *op, size_t n,
                           uint32_t *value, struct piece *what, struct err *err)
{
    struct place_at at;
    enum ops_result r = ops_place(c, op, n, &at, err);

    if (r != OPS_OK)
        return r;
    *what = at.piece[0];
    switch (what->kind) {
    case PIECE_MEMORY:
        *value = what->addr;
        return OPS_OK;
    case PIECE_REGISTER:
        *value = c->f->reg[what->reg];
        return OPS_OK;
    case PIECE_VALUE:
        if (what->bytes)
            return OPS_LOST;
        *value = (uint32_t)what->data[0] | (uint32_t)what->data[1] << 8 |
                 (uint32_t)what->data[2] << 16 | (uint32_t)what->data[3] << 24;
        return OPS_OK;
    default:
        return OPS_LOST;
    }
}
