/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree made a value. `dry` is for sizeof and whatis: types are found out, nothing is read or
 * changed.
 */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER_DEPTH 16u
#define STRING_MAX   4096u

static bool eval(struct run *r, const struct node *n, struct value *out);

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
        return run_fail(r, "* wants a pointer, not", v->type);
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
    if (value_points(v) && !deref(r, v, &at))
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
    if (!value_points(a) && !value_points(i))
        return run_fail(r, "[] wants an array or a pointer, not", a->type);
    return value_binary(r, OP_ADD, a, i, &sum) && deref(r, &sum, out);
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
    if (!run_number(r, n, &count, &f))
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
            if (!dollar(r, n->a->text, &now) || !value_binary(r, n->op, &now, &v, &v))
                return false;
        }
        *out = v;
        return r->dry || set_kept(r->s, n->a->text, &v, r->err);
    }
    if (!eval(r, n->a, &to))
        return false;
    if (n->op != OP_NONE && !value_binary(r, n->op, &to, &v, &v))
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
    if (!r->dry &&
        !value_cast(r->s, &before, type_decayed(r->s, before.type), &number_before, r->err))
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
        return run_fail(r, "nobody knows the size of", t);
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
        return value_points(&a) ? member_by_arrow(r, &a, n->text, out)
                                : member_of(r, &a, n->text, out);
    case NODE_ARROW:
        return member_by_arrow(r, &a, n->text, out);
    case NODE_DEREF:
        return deref(r, &a, out);
    case NODE_ADDRESS:
        return address_of(r, &a, out);
    case NODE_UNARY:
        return value_unary(r, n->op, &a, out);
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
        return value_binary(r, n->op, &a, &b, out);
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
        return r->dry || run_fail(r, "this is no value but a type:", n->type);
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
