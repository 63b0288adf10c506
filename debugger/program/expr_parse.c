/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From text to a tree, by recursive descent, with a table for the operators between two operands. A
 * name in parentheses is a cast if a program has a type of that name and nothing in sight hides it.
 */
#include "expr_parse.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 200u
#define TEXT_MAX  4096u
#define TOKENS    TEXT_MAX

static struct node *parse_unary(struct parser *p);
static struct node *parse_binary(struct parser *p, unsigned least);

static struct node *new_node(struct parser *p, enum node_kind kind, struct node *a, struct node *b)
{
    struct node *n = arena_get(p->arena, sizeof *n);

    if (!n) {
        err_set(p->err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    n->kind = kind;
    n->a = a;
    n->b = b;
    return n;
}

/* ---- operands ---- */

static struct node *number_node(struct parser *p)
{
    struct node *n = new_node(p, NODE_NUMBER, NULL, NULL);

    if (!n)
        return NULL;
    n->number = now(p)->number;
    n->real = now(p)->real;
    n->type = now(p)->type;
    p->at++;
    return n;
}

/* "a" "b" is one string. */
static struct node *string_node(struct parser *p)
{
    size_t total = 0, first = p->at;
    struct node *n = new_node(p, NODE_STRING, NULL, NULL);

    for (; now(p)->kind == TOKEN_STRING; p->at++)
        total += now(p)->bytes;
    char *text = arena_get(p->arena, total + 1);
    if (!n || !text)
        return NULL;
    n->text = text;
    n->bytes = total + 1;
    for (size_t i = first; i < p->at; i++) {
        memcpy(text, p->token[i].text, p->token[i].bytes);
        text += p->token[i].bytes;
    }
    n->type = array_of(p->session, &c_type[C_CHAR], (uint32_t)n->bytes);
    return n;
}

static struct node *name_node(struct parser *p)
{
    const struct token *t = now(p);
    struct node *n = new_node(p, NODE_NAME, NULL, NULL);

    if (!n)
        return NULL;
    n->text = t->text;
    p->at++;
    if (is(p, OP_SCOPE)) {
        p->at++;
        if (now(p)->kind != TOKEN_NAME)
            return fail(p, "a name is missing");
        n->kind = NODE_WITHIN;
        n->text2 = n->text;
        n->text = now(p)->text;
        p->at++;
    }
    if (is(p, OP_OPEN))
        return fail(p, "functions of a program cannot be called here");
    return n;
}

static struct node *dollar_node(struct parser *p)
{
    struct node *n = new_node(p, NODE_DOLLAR, NULL, NULL);

    if (!n)
        return NULL;
    n->text = now(p)->text;
    p->at++;
    if (!is(p, OP_OPEN))
        return n;
    n->kind = NODE_CALL;
    p->at++;
    if (!is(p, OP_CLOSE)) {
        n->a = parse_binary(p, 2);
        if (n->a && is(p, OP_COMMA)) {
            p->at++;
            n->b = parse_binary(p, 2);
            if (!n->b)
                return NULL;
        }
        if (!n->a)
            return NULL;
    }
    return take(p, OP_CLOSE, "')' is missing") ? n : NULL;
}

static struct node *parenthesis(struct parser *p)
{
    p->at++;
    if (type_begins(p)) {
        const struct type *t = parse_type(p);
        if (!t || !take(p, OP_CLOSE, "')' is missing"))
            return NULL;
        struct node *a = parse_unary(p);
        struct node *n = a ? new_node(p, NODE_CAST, a, NULL) : NULL;
        if (n)
            n->type = t;
        return n;
    }
    struct node *n = parse_binary(p, 1);
    return n && take(p, OP_CLOSE, "')' is missing") ? n : NULL;
}

static struct node *parse_primary(struct parser *p)
{
    switch (now(p)->kind) {
    case TOKEN_INT:
    case TOKEN_FLOAT:
    case TOKEN_CHAR:
        return number_node(p);
    case TOKEN_STRING:
        return string_node(p);
    case TOKEN_DOLLAR:
        return dollar_node(p);
    case TOKEN_NAME:
    case TOKEN_QUOTED:
        return name_node(p);
    default:
        break;
    }
    if (is(p, OP_OPEN))
        return parenthesis(p);
    return fail(p, "a value is missing");
}

static struct node *parse_postfix(struct parser *p)
{
    struct node *n = parse_primary(p);

    while (n) {
        if (is(p, OP_DOT) || is(p, OP_ARROW)) {
            n = new_node(p, is(p, OP_DOT) ? NODE_MEMBER : NODE_ARROW, n, NULL);
            p->at++;
            if (now(p)->kind != TOKEN_NAME)
                return fail(p, "a member's name is missing");
            if (n)
                n->text = now(p)->text;
            p->at++;
        } else if (is(p, OP_INDEX)) {
            p->at++;
            struct node *i = parse_binary(p, 1);
            if (!i || !take(p, OP_INDEX_END, "']' is missing"))
                return NULL;
            n = new_node(p, NODE_INDEX, n, i);
        } else if (is(p, OP_INC) || is(p, OP_DEC)) {
            n = new_node(p, NODE_STEP, n, NULL);
            if (n) {
                n->op = now(p)->op == OP_INC ? OP_ADD : OP_SUB;
                n->after = true;
            }
            p->at++;
        } else {
            break;
        }
    }
    return n;
}

static struct node *size_of(struct parser *p)
{
    struct node *n;

    p->at++;
    if (is(p, OP_OPEN)) {
        p->at++;
        if (type_begins(p)) {
            const struct type *t = parse_type(p);
            if (!t || !take(p, OP_CLOSE, "')' is missing"))
                return NULL;
            n = new_node(p, NODE_SIZEOF_TYPE, NULL, NULL);
            if (n)
                n->type = t;
            return n;
        }
        p->at--;
    }
    n = parse_unary(p);
    return n ? new_node(p, NODE_SIZEOF, n, NULL) : NULL;
}

static struct node *prefix(struct parser *p, enum node_kind kind, enum operator op)
{
    p->at++;
    struct node *a = parse_unary(p);
    struct node *n = a ? new_node(p, kind, a, NULL) : NULL;

    if (n)
        n->op = op;
    return n;
}

static struct node *unary_by_kind(struct parser *p)
{
    if (is_word(p, "sizeof"))
        return size_of(p);
    if (now(p)->kind == TOKEN_OPERATOR) {
        switch (now(p)->op) {
        case OP_MUL:
            return prefix(p, NODE_DEREF, OP_NONE);
        case OP_AND:
            return prefix(p, NODE_ADDRESS, OP_NONE);
        case OP_ADD:
        case OP_SUB:
        case OP_NOT:
        case OP_COMPLEMENT:
            return prefix(p, NODE_UNARY, now(p)->op);
        case OP_INC:
            return prefix(p, NODE_STEP, OP_ADD);
        case OP_DEC:
            return prefix(p, NODE_STEP, OP_SUB);
        case OP_BRACE: {
            p->at++;
            const struct type *t = parse_type(p);
            if (!t || !take(p, OP_BRACE_END, "'}' is missing"))
                return NULL;
            struct node *a = parse_unary(p), *n = a ? new_node(p, NODE_TYPE_AT, a, NULL) : NULL;
            if (n)
                n->type = t;
            return n;
        }
        default:
            break;
        }
    }
    return parse_postfix(p);
}

static struct node *parse_unary(struct parser *p)
{
    if (++p->depth > DEPTH_MAX) {
        err_set(p->err, ERR_USAGE, "the expression is nested too deeply");
        return NULL;
    }
    struct node *n = unary_by_kind(p);
    p->depth--;
    return n;
}

/* ---- operators ---- */

/* How strongly each binds, and what becomes of it; 0: it stands between no operands. */
static const struct {
    unsigned strength;
    enum node_kind kind;
} between[] = {
    [OP_COMMA] = {1, NODE_COMMA},
    [OP_ASSIGN] = {2, NODE_ASSIGN},
    [OP_QUESTION] = {3, NODE_CONDITION},
    [OP_LOGICAL_OR] = {4, NODE_LOGICAL},
    [OP_LOGICAL_AND] = {5, NODE_LOGICAL},
    [OP_OR] = {6, NODE_BINARY},
    [OP_XOR] = {7, NODE_BINARY},
    [OP_AND] = {8, NODE_BINARY},
    [OP_EQ] = {9, NODE_BINARY},
    [OP_NE] = {9, NODE_BINARY},
    [OP_LT] = {10, NODE_BINARY},
    [OP_LE] = {10, NODE_BINARY},
    [OP_GT] = {10, NODE_BINARY},
    [OP_GE] = {10, NODE_BINARY},
    [OP_SHL] = {11, NODE_BINARY},
    [OP_SHR] = {11, NODE_BINARY},
    [OP_AT] = {12, NODE_AT},
    [OP_ADD] = {13, NODE_BINARY},
    [OP_SUB] = {13, NODE_BINARY},
    [OP_MUL] = {14, NODE_BINARY},
    [OP_DIV] = {14, NODE_BINARY},
    [OP_MOD] = {14, NODE_BINARY},
};

static unsigned strength(const struct token *t)
{
    return t->kind == TOKEN_OPERATOR && t->op < sizeof between / sizeof between[0]
               ? between[t->op].strength
               : 0;
}

static struct node *condition(struct parser *p, struct node *a)
{
    struct node *b = parse_binary(p, 1);

    if (!b || !take(p, OP_COLON, "':' is missing"))
        return NULL;
    struct node *c = parse_binary(p, 3);
    struct node *n = c ? new_node(p, NODE_CONDITION, a, b) : NULL;
    if (n)
        n->c = c;
    return n;
}

static struct node *binary_from(struct parser *p, struct node *a, unsigned least)
{
    for (unsigned s = 0; a && (s = strength(now(p))) >= least && s;) {
        struct token t = *now(p);
        p->at++;
        if (t.op == OP_QUESTION) {
            a = condition(p, a);
            continue;
        }
        /* Assignment groups from the right, everything else from the left. */
        struct node *b = parse_binary(p, t.op == OP_ASSIGN ? s : s + 1);
        a = b ? new_node(p, between[t.op].kind, a, b) : NULL;
        if (a)
            a->op = t.op == OP_ASSIGN ? t.with : t.op;
    }
    return a;
}

static struct node *parse_binary(struct parser *p, unsigned least)
{
    if (++p->depth > DEPTH_MAX) {
        err_set(p->err, ERR_USAGE, "the expression is nested too deeply");
        return NULL;
    }
    struct node *n = binary_from(p, parse_unary(p), least);
    p->depth--;
    return n;
}

/* ---- */

static bool cut(struct parser *p)
{
    struct lexer l = {.text = p->text, .arena = p->arena, .err = p->err};
    size_t n = strlen(p->text);

    if (n > TEXT_MAX)
        return err_set(p->err, ERR_USAGE, "an expression of %zu characters is too long", n);
    p->token = arena_get(p->arena, (n + 2) * sizeof *p->token);
    if (!p->token)
        return err_set(p->err, ERR_SYSTEM, "out of memory");
    for (size_t i = 0;; i++) {
        if (!next_token(&l, &p->token[i]))
            return false;
        if (p->token[i].kind == TOKEN_END)
            return true;
    }
}

struct expr *expr_compile(struct expr_session *s, const char *text, struct err *err)
{
    struct expr *x = calloc(1, sizeof *x);

    if (!x || !(x->arena = arena_new())) {
        free(x);
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    x->session = s;
    struct parser p = {.session = s, .arena = x->arena, .text = text, .err = err};
    if (!cut(&p)) {
        expr_free(x);
        return NULL;
    }
    if (p.token[0].kind == TOKEN_END) {
        err_set(err, ERR_USAGE, "an expression is missing");
    } else if (type_begins(&p)) {
        const struct type *t = parse_type(&p);
        x->root = t ? new_node(&p, NODE_TYPE, NULL, NULL) : NULL;
        x->only_type = true;
        if (x->root)
            x->root->type = t;
    } else {
        x->root = parse_binary(&p, 1);
    }
    if (x->root && now(&p)->kind != TOKEN_END) {
        fail(&p, "an operator is missing");
        x->root = NULL;
    }
    if (x->root)
        return x;
    expr_free(x);
    return NULL;
}

void expr_free(struct expr *x)
{
    if (!x)
        return;
    arena_free(x->arena);
    free(x);
}
