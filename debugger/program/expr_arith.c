/* SPDX-License-Identifier: GPL-2.0-only */
/* C's arithmetic on values: 64 bits are calculated, and cut to what the operands' types have. */
#include "value.h"

#include <string.h>

bool run_fail(struct run *r, const char *what, const struct type *t)
{
    char text[160];

    type_text(t, text, sizeof text);
    return err_set(r->err, ERR_USAGE, "%s a %s", what, text);
}

bool run_number(struct run *r, const struct value *v, int64_t *i, double *f)
{
    if (!r->dry)
        return value_number(r->s, v, i, f, r->err);
    *i = 1; /* nothing divides by it in vain */
    *f = 1;
    return true;
}

/* ---- arithmetic ---- */

static int rank(const struct type *t)
{
    const struct type *s = type_strip(t);

    if (type_size(s) > 4)
        return 3;
    return s->kind == TYPE_INT && type_size(s) == 4 && s->name && strstr(s->name, "long") ? 2 : 1;
}

static bool is_unsigned(const struct type *t)
{
    enum type_kind kind = type_kind(t);

    if (kind == TYPE_POINTER || kind == TYPE_ARRAY || kind == TYPE_FUNCTION)
        return true;
    /* What is shorter than int becomes int (C17 6.3.1.1). */
    return (kind == TYPE_INT || kind == TYPE_ENUM) && type_size(t) >= 4 && !type_signed(t);
}

static const struct type *integer_of(int rank, bool no_sign)
{
    static const enum c_type types[3][2] = {
        {C_INT, C_UINT}, {C_LONG, C_ULONG}, {C_LLONG, C_ULLONG}};

    return &c_type[types[rank - 1][no_sign]];
}

/* The usual arithmetic conversions (C17 6.3.1.8). */
static const struct type *common_type(const struct type *a, const struct type *b)
{
    if (type_kind(a) == TYPE_FLOAT || type_kind(b) == TYPE_FLOAT) {
        uint32_t size = type_kind(a) == TYPE_FLOAT ? type_size(a) : 0;
        if (type_kind(b) == TYPE_FLOAT && type_size(b) > size)
            size = type_size(b);
        return &c_type[size == 4 ? C_FLOAT : size == 8 ? C_DOUBLE : C_LDOUBLE];
    }
    int ra = rank(a), rb = rank(b), most = ra > rb ? ra : rb;
    bool ua = is_unsigned(a), ub = is_unsigned(b);
    /* long long holds every unsigned int; long does not. */
    bool no_sign = (ua && (most < 3 || ra == 3)) || (ub && (most < 3 || rb == 3));
    return integer_of(most, no_sign);
}

static bool divide(struct run *r, enum operator op, int64_t a, int64_t b, bool no_sign,
                   uint64_t *out)
{
    if (b == 0)
        return err_set(r->err, ERR_USAGE, "division by zero");
    if (no_sign)
        *out = op == OP_DIV ? (uint64_t)a / (uint64_t)b : (uint64_t)a % (uint64_t)b;
    else if (b == -1) /* the most negative number has no opposite */
        *out = op == OP_DIV ? -(uint64_t)a : 0;
    else
        *out = (uint64_t)(op == OP_DIV ? a / b : a % b);
    return true;
}

static uint64_t shift(enum operator op, int64_t a, int64_t by, const struct type *t)
{
    unsigned bits = type_size(t) * 8;

    if (by < 0 || by >= (int64_t)bits)
        return op == OP_SHR && type_signed(t) && a < 0 ? ~0ull : 0;
    if (op == OP_SHL)
        return (uint64_t)a << by;
    return type_signed(t) ? (uint64_t)(a >> by) : (uint64_t)a >> by;
}

static bool compare(enum operator op, bool less, bool equal)
{
    switch (op) {
    case OP_EQ:
        return equal;
    case OP_NE:
        return !equal;
    case OP_LT:
        return less;
    case OP_LE:
        return less || equal;
    case OP_GT:
        return !less && !equal;
    default:
        return !less;
    }
}

static bool is_comparison(enum operator op)
{
    return op >= OP_EQ && op <= OP_GE;
}

static bool floats(struct run *r, enum operator op, double a, double b, const struct type *t,
                   struct value *out)
{
    if (is_comparison(op)) {
        /* Nothing is less, equal or greater where there is no number: only != is true. */
        bool truth = a != a || b != b ? op == OP_NE : compare(op, a < b, a == b);
        *out = value_int(&c_type[C_INT], truth);
        return true;
    }
    switch (op) {
    case OP_ADD:
        a += b;
        break;
    case OP_SUB:
        a -= b;
        break;
    case OP_MUL:
        a *= b;
        break;
    case OP_DIV:
        if (b == 0)
            return err_set(r->err, ERR_USAGE, "division by zero");
        a /= b;
        break;
    default:
        return err_set(r->err, ERR_USAGE, "this operator is for integers only");
    }
    *out = value_double(t, a);
    return true;
}

static bool integers(struct run *r, enum operator op, int64_t a, int64_t b, const struct type *t,
                     struct value *out)
{
    uint64_t v = 0;

    if (op == OP_SHL || op == OP_SHR) {
        *out = value_int(t, (uint64_t)extend(t, shift(op, a, b, t)));
        return true;
    }
    a = extend(t, (uint64_t)a);
    b = extend(t, (uint64_t)b);
    if (is_comparison(op)) {
        bool less = type_signed(t) ? a < b : (uint64_t)a < (uint64_t)b;
        *out = value_int(&c_type[C_INT], compare(op, less, a == b));
        return true;
    }
    switch (op) {
    case OP_ADD:
        v = (uint64_t)a + (uint64_t)b;
        break;
    case OP_SUB:
        v = (uint64_t)a - (uint64_t)b;
        break;
    case OP_MUL:
        v = (uint64_t)a * (uint64_t)b;
        break;
    case OP_AND:
        v = (uint64_t)(a & b);
        break;
    case OP_OR:
        v = (uint64_t)(a | b);
        break;
    case OP_XOR:
        v = (uint64_t)(a ^ b);
        break;
    default:
        if (!divide(r, op, a, b, !type_signed(t), &v))
            return false;
        break;
    }
    *out = value_int(t, (uint64_t)extend(t, v));
    return true;
}

/* ---- pointers ---- */

bool value_points(const struct value *v)
{
    enum type_kind kind = type_kind(v->type);

    return kind == TYPE_POINTER || kind == TYPE_ARRAY || kind == TYPE_FUNCTION;
}

/* An array becomes a pointer to its first element, a function one to itself. */
const struct type *type_decayed(struct expr_session *s, const struct type *t)
{
    switch (type_kind(t)) {
    case TYPE_ARRAY:
        return pointer_to(s, type_target(t) ? type_target(t) : &c_type[C_UNKNOWN]);
    case TYPE_FUNCTION:
        return pointer_to(s, t);
    default:
        return t;
    }
}

static uint32_t step_of(const struct type *pointer)
{
    const struct type *t = type_target(pointer);
    uint32_t size = t ? type_size(t) : 1;

    return size ? size : 1;
}

static bool pointers(struct run *r, enum operator op, const struct value *a, const struct value *b,
                     struct value *out)
{
    const struct type *ta = type_decayed(r->s, a->type), *tb = type_decayed(r->s, b->type);
    int64_t x, y;
    double f;

    if (!run_number(r, a, &x, &f) || !run_number(r, b, &y, &f))
        return false;
    if (is_comparison(op)) {
        uint32_t p = (uint32_t)x, q = (uint32_t)y;
        *out = value_int(&c_type[C_INT], compare(op, p < q, p == q));
        return true;
    }
    if (op == OP_SUB && value_points(a) && value_points(b)) {
        int64_t difference = (int32_t)((uint32_t)x - (uint32_t)y);
        *out = value_int(&c_type[C_LONG], (uint64_t)(difference / step_of(ta)));
        return true;
    }
    if (op == OP_ADD && value_points(b) && !value_points(a)) {
        *out = value_int(tb, (uint32_t)((uint32_t)y + (uint32_t)x * step_of(tb)));
        return true;
    }
    if ((op == OP_ADD || op == OP_SUB) && value_points(a) && !value_points(b)) {
        uint32_t by = (uint32_t)y * step_of(ta);
        *out = value_int(ta, op == OP_ADD ? (uint32_t)x + by : (uint32_t)x - by);
        return true;
    }
    /* Bits of a pointer, as one looks at pages: it counts as the number that it is. */
    return integers(r, op, x, y,
                    integer_of(rank(a->type) > rank(b->type) ? rank(a->type) : rank(b->type), true),
                    out);
}

bool value_binary(struct run *r, enum operator op, const struct value *a, const struct value *b,
                  struct value *out)
{
    const struct type *t;
    int64_t x, y;
    double f, g;

    if (value_points(a) || value_points(b))
        return pointers(r, op, a, b, out);
    if (!value_is_scalar(a) && type_kind(a->type) != TYPE_UNKNOWN)
        return run_fail(r, "one cannot calculate with", a->type);
    if (!value_is_scalar(b) && type_kind(b->type) != TYPE_UNKNOWN)
        return run_fail(r, "one cannot calculate with", b->type);
    if (!run_number(r, a, &x, &f) || !run_number(r, b, &y, &g))
        return false;
    /* A shift has the type of its left side alone. */
    t = op == OP_SHL || op == OP_SHR ? common_type(a->type, a->type)
                                     : common_type(a->type, b->type);
    if (type_kind(t) == TYPE_FLOAT)
        return floats(r, op, f, g, t, out);
    return integers(r, op, x, y, t, out);
}

bool value_unary(struct run *r, enum operator op, const struct value *v, struct value *out)
{
    struct value zero = value_int(&c_type[C_INT], 0), ones = value_int(&c_type[C_INT], ~0ull);
    bool truth = true;

    switch (op) {
    case OP_NOT:
        if (!r->dry && !value_true(r->s, v, &truth, r->err))
            return false;
        *out = value_int(&c_type[C_INT], !truth);
        return true;
    case OP_COMPLEMENT:
        return value_binary(r, OP_XOR, v, &ones, out);
    case OP_SUB:
        return value_binary(r, OP_SUB, &zero, v, out);
    default:
        return value_binary(r, OP_ADD, v, &zero, out);
    }
}
