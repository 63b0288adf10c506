/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree made a value. `dry` is for sizeof and whatis: types are found out, nothing is read or
 * changed. Integers are calculated with 64 bits and then cut to what C's types have.
 */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER_DEPTH 16u
#define STRING_MAX   4096u

struct run {
    struct expr_session *s;
    bool dry;
    struct err *err;
};

static bool eval(struct run *r, const struct node *n, struct value *out);

static bool fail(struct run *r, const char *what, const struct type *t)
{
    char text[160];

    type_text(t, text, sizeof text);
    return err_set(r->err, ERR_USAGE, "%s a %s", what, text);
}

static bool number(struct run *r, const struct value *v, int64_t *i, double *f)
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

static bool points(const struct value *v)
{
    enum type_kind kind = type_kind(v->type);

    return kind == TYPE_POINTER || kind == TYPE_ARRAY || kind == TYPE_FUNCTION;
}

/* An array becomes a pointer to its first element, a function one to itself. */
static const struct type *decayed(struct expr_session *s, const struct type *t)
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
    const struct type *ta = decayed(r->s, a->type), *tb = decayed(r->s, b->type);
    int64_t x, y;
    double f;

    if (!number(r, a, &x, &f) || !number(r, b, &y, &f))
        return false;
    if (is_comparison(op)) {
        uint32_t p = (uint32_t)x, q = (uint32_t)y;
        *out = value_int(&c_type[C_INT], compare(op, p < q, p == q));
        return true;
    }
    if (op == OP_SUB && points(a) && points(b)) {
        int64_t difference = (int32_t)((uint32_t)x - (uint32_t)y);
        *out = value_int(&c_type[C_LONG], (uint64_t)(difference / step_of(ta)));
        return true;
    }
    if (op == OP_ADD && points(b) && !points(a)) {
        *out = value_int(tb, (uint32_t)((uint32_t)y + (uint32_t)x * step_of(tb)));
        return true;
    }
    if ((op == OP_ADD || op == OP_SUB) && points(a) && !points(b)) {
        uint32_t by = (uint32_t)y * step_of(ta);
        *out = value_int(ta, op == OP_ADD ? (uint32_t)x + by : (uint32_t)x - by);
        return true;
    }
    /* Bits of a pointer, as one looks at pages: it counts as the number that it is. */
    return integers(r, op, x, y,
                    integer_of(rank(a->type) > rank(b->type) ? rank(a->type) : rank(b->type), true),
                    out);
}

static bool binary(struct run *r, enum operator op, const struct value *a, const struct value *b,
                   struct value *out)
{
    const struct type *t;
    int64_t x, y;
    double f, g;

    if (points(a) || points(b))
        return pointers(r, op, a, b, out);
    if (!value_is_scalar(a) && type_kind(a->type) != TYPE_UNKNOWN)
        return fail(r, "one cannot calculate with", a->type);
    if (!value_is_scalar(b) && type_kind(b->type) != TYPE_UNKNOWN)
        return fail(r, "one cannot calculate with", b->type);
    if (!number(r, a, &x, &f) || !number(r, b, &y, &g))
        return false;
    /* A shift has the type of its left side alone. */
    t = op == OP_SHL || op == OP_SHR ? common_type(a->type, a->type)
                                     : common_type(a->type, b->type);
    if (type_kind(t) == TYPE_FLOAT)
        return floats(r, op, f, g, t, out);
    return integers(r, op, x, y, t, out);
}

static bool unary(struct run *r, enum operator op, const struct value *v, struct value *out)
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
        return binary(r, OP_XOR, v, &ones, out);
    case OP_SUB:
        return binary(r, OP_SUB, &zero, v, out);
    default:
        return binary(r, OP_ADD, v, &zero, out);
    }
}

/* ---- parts ---- */

/* A member, also of the nameless structs inside; the offsets on the way are added up. */
static bool find_member(const struct type *t, const char *name, unsigned depth,
                        struct type_member *out)
{
    struct type_member m;

    for (unsigned i = 0; depth < MEMBER_DEPTH && type_member(t, i, &m); i++) {
        if (m.name && !strcmp(m.name, name)) {
            *out = m;
            return true;
        }
        enum type_kind kind = type_kind(m.type);
        if (!m.name && (kind == TYPE_STRUCT || kind == TYPE_UNION) &&
            find_member(m.type, name, depth + 1, out)) {
            out->offset += m.offset;
            return true;
        }
    }
    return false;
}

static bool member_of(struct run *r, const struct value *v, const char *name, struct value *out)
{
    enum type_kind kind = type_kind(v->type);
    struct type_member m;
    char text[160];

    if (kind != TYPE_STRUCT && kind != TYPE_UNION) {
        type_text(v->type, text, sizeof text);
        return err_set(r->err, ERR_USAGE, "'%s' is asked of a %s, which has no members", name,
                       text);
    }
    if (!find_member(v->type, name, 0, &m)) {
        type_text(v->type, text, sizeof text);
        return err_set(r->err, ERR_USAGE, "%s has no member '%s'%s", text, name,
                       type_members(v->type) ? "" : " (it is only declared, not defined)");
    }
    return value_part(v, &m, out, r->err);
}

static bool deref(struct run *r, const struct value *v, struct value *out)
{
    enum type_kind kind = type_kind(v->type);
    const struct type *t = type_target(v->type);
    uint32_t addr = 0;

    if (kind == TYPE_FUNCTION) { /* *f is f */
        *out = *v;
        return true;
    }
    /* A bare number is an address of ints, as in gdb. */
    if (kind == TYPE_INT)
        t = &c_type[C_INT];
    else if (kind != TYPE_POINTER && kind != TYPE_ARRAY)
        return fail(r, "* wants a pointer, not", v->type);
    if (!t || type_kind(t) == TYPE_VOID)
        return err_set(r->err, ERR_USAGE, "what a void * points to has no type; cast it");
    if (!r->dry && !value_address(r->s, v, &addr, r->err))
        return false;
    *out = value_at(t, addr);
    return true;
}

static bool member_by_arrow(struct run *r, const struct value *v, const char *name,
                            struct value *out)
{
    struct value at = *v;

    /* gdb takes x->y for x.y, and so do fingers. */
    if (points(v) && !deref(r, v, &at))
        return false;
    return member_of(r, &at, name, out);
}

static bool index_of(struct run *r, const struct value *a, const struct value *i, struct value *out)
{
    struct value sum;

    /* An array that is no longer in memory, or never was, is still cut into its elements. */
    if (type_kind(a->type) == TYPE_ARRAY && (a->place != VALUE_MEMORY || a->bytes)) {
        const struct type *t = type_target(a->type);
        int64_t n;
        if (!value_integer(r->s, i, &n, r->err))
            return false;
        if (n < 0 || n > INT32_MAX / (int64_t)(type_size(t) ? type_size(t) : 1))
            return err_set(r->err, ERR_USAGE, "there is no element %lld", (long long)n);
        struct type_member m = {.type = t, .offset = (uint32_t)n * type_size(t)};
        return value_part(a, &m, out, r->err);
    }
    if (!points(a) && !points(i))
        return fail(r, "[] wants an array or a pointer, not", a->type);
    return binary(r, OP_ADD, a, i, &sum) && deref(r, &sum, out);
}

static bool address_of(struct run *r, const struct value *v, struct value *out)
{
    if (v->place == VALUE_LOST && !r->dry)
        return err_set(r->err, ERR_USAGE, "it has been optimized out and has no address");
    if (v->place != VALUE_MEMORY && !r->dry)
        return err_set(r->err, ERR_USAGE,
                       v->place == VALUE_PLAIN ? "a value has no address"
                                               : "it is in a register and has no address");
    if (v->bit_size)
        return err_set(r->err, ERR_USAGE, "a bit field has no address");
    *out = value_int(pointer_to(r->s, v->type), v->addr);
    return true;
}

/* array@count, as in gdb: that many of what is there. */
static bool at_count(struct run *r, const struct value *v, const struct value *n, struct value *out)
{
    int64_t count;
    double f;

    if (v->place != VALUE_MEMORY)
        return err_set(r->err, ERR_USAGE, "the left side of @ must be in memory");
    if (!number(r, n, &count, &f))
        return false;
    if (count < 1 || count > (1 << 24))
        return err_set(r->err, ERR_USAGE, "@ wants a number of elements, not %lld",
                       (long long)count);
    *out = value_at(array_of(r->s, v->type, (uint32_t)count), v->addr);
    return true;
}

/* ---- $names, strings, assignment ---- */

static bool is_history(const char *name)
{
    return name[1] == '\0' || name[1] == '$' || (name[1] >= '0' && name[1] <= '9');
}

static bool dollar(struct run *r, const char *name, struct value *out)
{
    if (is_history(name)) {
        if (!history_value(r->s, name, out))
            return err_set(r->err, ERR_USAGE, "'%s' is no place of the history", name);
        return true;
    }
    if (register_value(r->s, name + 1, out))
        return true;
    const struct kept *k = find_kept(r->s, name);
    *out = k ? k->value : (struct value){.type = &c_type[C_VOID]};
    return true;
}

static bool string_value(struct run *r, const struct node *n, struct value *out)
{
    (void)r;
    *out = (struct value){
        .type = n->type, .bytes = (const uint8_t *)n->text, .count = (uint32_t)n->bytes};
    if (n->bytes <= VALUE_BYTES) {
        out->bytes = NULL;
        memcpy(out->data, n->text, n->bytes);
    }
    return true;
}

static bool assign(struct run *r, const struct node *n, struct value *out)
{
    struct value to, v, now;

    if (!eval(r, n->b, &v))
        return false;
    if (n->a->kind == NODE_DOLLAR && !is_history(n->a->text) &&
        !register_value(r->s, n->a->text + 1, &to)) {
        if (n->op != OP_NONE) {
            if (!dollar(r, n->a->text, &now) || !binary(r, n->op, &now, &v, &v))
                return false;
        }
        *out = v;
        return r->dry || set_kept(r->s, n->a->text, &v, r->err);
    }
    if (!eval(r, n->a, &to))
        return false;
    if (n->op != OP_NONE && !binary(r, n->op, &to, &v, &v))
        return false;
    *out = to;
    if (r->dry)
        return true;
    if (!value_store(r->s, &to, &v, r->err))
        return false;
    /* What it is now: a register's bytes were copied before. */
    out->bytes = NULL;
    if (to.place == VALUE_MEMORY || !value_is_scalar(&to))
        return true;
    struct value stored;
    if (!value_cast(r->s, &v, to.type, &stored, r->err))
        return false;
    memcpy(out->data, stored.data, sizeof out->data);
    return true;
}

static bool step(struct run *r, const struct node *n, struct value *out)
{
    struct node one = {.kind = NODE_NUMBER, .number = 1, .type = &c_type[C_INT]};
    struct node sum = {.kind = NODE_ASSIGN, .op = n->op, .a = n->a, .b = &one};
    struct value before, number_before;

    if (!eval(r, n->a, &before))
        return false;
    if (!n->after)
        return assign(r, &sum, out);
    /* The value of x++ is what it was, so read it first. */
    if (!r->dry && !value_cast(r->s, &before, decayed(r->s, before.type), &number_before, r->err))
        return false;
    if (r->dry)
        number_before = before;
    if (!assign(r, &sum, out))
        return false;
    *out = number_before;
    return true;
}

/* ---- functions of the debugger's own ---- */

/* A string of the program, or one of ours; cut after STRING_MAX characters. */
static bool read_string(struct run *r, const struct value *v, char text[STRING_MAX + 1])
{
    uint32_t size = type_kind(v->type) == TYPE_ARRAY ? type_size(v->type) : 0, addr = 0, n = 0;

    memset(text, 0, STRING_MAX + 1);
    if (size && (v->place != VALUE_MEMORY || v->bytes))
        return value_bytes(r->s, v, 0, text, size < STRING_MAX ? size : STRING_MAX, r->err);
    if (!value_address(r->s, v, &addr, r->err))
        return false;
    for (; n < STRING_MAX && (!size || n < size); n++) {
        struct value at = value_at(&c_type[C_CHAR], addr + n);
        if (!value_bytes(r->s, &at, 0, text + n, 1, r->err))
            return false;
        if (!text[n])
            break;
    }
    return true;
}

static bool call(struct run *r, const struct node *n, struct value *out)
{
    char a[STRING_MAX + 1], b[STRING_MAX + 1];
    bool equal = !strcmp(n->text, "$_streq");
    struct value v;

    if (!equal && strcmp(n->text, "$_strlen"))
        return err_set(r->err, ERR_USAGE,
                       "there is no function %s; there are $_streq(a, b) and "
                       "$_strlen(a)",
                       n->text);
    if (!n->a || equal != (n->b != NULL))
        return err_set(r->err, ERR_USAGE, "%s takes %s", n->text,
                       equal ? "two strings" : "one string");
    *out = value_int(&c_type[C_INT], 0);
    if (r->dry)
        return true;
    if (!eval(r, n->a, &v) || !read_string(r, &v, a))
        return false;
    if (equal && (!eval(r, n->b, &v) || !read_string(r, &v, b)))
        return false;
    *out = value_int(&c_type[C_INT], equal ? !strcmp(a, b) : strlen(a));
    return true;
}

/* ---- the tree ---- */

static bool logical(struct run *r, const struct node *n, struct value *out)
{
    struct value v;
    bool truth = false;

    if (!eval(r, n->a, &v) || (!r->dry && !value_true(r->s, &v, &truth, r->err)))
        return false;
    if (r->dry || truth == (n->op == OP_LOGICAL_AND)) {
        if (!eval(r, n->b, &v) || (!r->dry && !value_true(r->s, &v, &truth, r->err)))
            return false;
    }
    *out = value_int(&c_type[C_INT], truth);
    return true;
}

static bool conditional(struct run *r, const struct node *n, struct value *out)
{
    struct value v;
    bool truth = true;

    if (!eval(r, n->a, &v) || (!r->dry && !value_true(r->s, &v, &truth, r->err)))
        return false;
    return eval(r, truth ? n->b : n->c, out);
}

static bool size_of(struct run *r, const struct node *n, struct value *out)
{
    struct run dry = {.s = r->s, .dry = true, .err = r->err};
    const struct type *t = n->type;
    struct value v;

    if (n->kind == NODE_SIZEOF) {
        if (!eval(&dry, n->a, &v))
            return false;
        t = v.type;
    }
    if (!type_size(t) && type_kind(t) != TYPE_ARRAY && !type_members(t))
        return fail(r, "nobody knows the size of", t);
    *out = value_int(&c_type[C_ULONG], type_size(t));
    return true;
}

static bool number_value(const struct node *n, struct value *out)
{
    *out = type_kind(n->type) == TYPE_FLOAT ? value_double(n->type, n->real)
                                            : value_int(n->type, n->number);
    return true;
}

static bool type_at(struct run *r, const struct node *n, struct value *out)
{
    struct value v;
    uint32_t addr = 0;

    if (!eval(r, n->a, &v) || (!r->dry && !value_address(r->s, &v, &addr, r->err)))
        return false;
    *out = value_at(n->type, addr);
    return true;
}

/* Nodes with one operand that is a value, and with two. */
static bool eval_one(struct run *r, const struct node *n, struct value *out)
{
    struct value a;

    if (!eval(r, n->a, &a))
        return false;
    switch (n->kind) {
    case NODE_MEMBER:
        return points(&a) ? member_by_arrow(r, &a, n->text, out) : member_of(r, &a, n->text, out);
    case NODE_ARROW:
        return member_by_arrow(r, &a, n->text, out);
    case NODE_DEREF:
        return deref(r, &a, out);
    case NODE_ADDRESS:
        return address_of(r, &a, out);
    case NODE_UNARY:
        return unary(r, n->op, &a, out);
    default: /* NODE_CAST */
        if (r->dry) {
            *out = (struct value){.type = n->type};
            return true;
        }
        return value_cast(r->s, &a, n->type, out, r->err);
    }
}

static bool eval_two(struct run *r, const struct node *n, struct value *out)
{
    struct value a, b;

    if (!eval(r, n->a, &a) || !eval(r, n->b, &b))
        return false;
    switch (n->kind) {
    case NODE_INDEX:
        return index_of(r, &a, &b, out);
    case NODE_AT:
        return at_count(r, &a, &b, out);
    case NODE_COMMA:
        *out = b;
        return true;
    default: /* NODE_BINARY */
        return binary(r, n->op, &a, &b, out);
    }
}

static bool eval(struct run *r, const struct node *n, struct value *out)
{
    switch (n->kind) {
    case NODE_NUMBER:
        return number_value(n, out);
    case NODE_STRING:
        return string_value(r, n, out);
    case NODE_NAME:
        return name_value(r->s, n->text, out, r->err);
    case NODE_WITHIN:
        return name_within(r->s, n->text2, n->text, out, r->err);
    case NODE_DOLLAR:
        return dollar(r, n->text, out);
    case NODE_CALL:
        return call(r, n, out);
    case NODE_INDEX:
    case NODE_AT:
    case NODE_COMMA:
    case NODE_BINARY:
        return eval_two(r, n, out);
    case NODE_LOGICAL:
        return logical(r, n, out);
    case NODE_CONDITION:
        return conditional(r, n, out);
    case NODE_ASSIGN:
        return assign(r, n, out);
    case NODE_STEP:
        return step(r, n, out);
    case NODE_SIZEOF:
    case NODE_SIZEOF_TYPE:
        return size_of(r, n, out);
    case NODE_TYPE_AT:
        return type_at(r, n, out);
    case NODE_TYPE:
        *out = (struct value){.type = n->type};
        return r->dry || fail(r, "this is no value but a type:", n->type);
    default:
        return eval_one(r, n, out);
    }
}

bool node_eval(struct expr_session *s, const struct node *n, bool dry, struct value *out,
               struct err *err)
{
    struct run r = {.s = s, .dry = dry, .err = err};

    return eval(&r, n, out);
}

bool expr_run(struct expr *x, struct value *out, struct err *err)
{
    return node_eval(x->session, x->root, false, out, err);
}

bool expr_eval(struct expr_session *s, const char *text, struct value *out, struct err *err)
{
    struct expr *x = expr_compile(s, text, err);
    bool ok = x && expr_run(x, out, err);

    /* A long string's bytes go with the tree; the session keeps them until the next one. */
    if (ok && out->bytes && out->place == VALUE_PLAIN) {
        uint8_t *copy = malloc(out->count);
        if (copy)
            memcpy(copy, out->bytes, out->count);
        free(s->last);
        s->last = copy;
        out->bytes = copy;
        ok = copy != NULL || err_set(err, ERR_SYSTEM, "out of memory");
    }
    expr_free(x);
    return ok;
}

bool expr_type(struct expr_session *s, const char *text, const struct type **out, struct err *err)
{
    struct expr *x = expr_compile(s, text, err);
    struct value v;
    bool ok = x && node_eval(s, x->root, true, &v, err);

    if (ok)
        *out = v.type;
    expr_free(x);
    return ok;
}
