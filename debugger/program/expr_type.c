/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of types in expressions: what casts and sizeof have between their parentheses. */
#include <stdio.h>

#include "emu/suggest.h"
#include "expr_parse.h"

static const char *const type_words[] = {"struct", "union", "enum",  "unsigned", "signed", "long",
                                         "short",  "char",  "int",   "float",    "double", "void",
                                         "_Bool",  "bool",  "const", "volatile"};

bool type_begins(struct parser *p)
{
    if (now(p)->kind != TOKEN_NAME)
        return false;
    for (size_t i = 0; i < sizeof type_words / sizeof type_words[0]; i++)
        if (is_word(p, type_words[i]))
            return true;
    return name_type(p->session, now(p)->text) != NULL;
}

static bool qualifier(struct parser *p)
{
    if (!is_word(p, "const") && !is_word(p, "volatile") && !is_word(p, "restrict"))
        return false;
    p->at++;
    return true;
}

/* The nearest name of that kind of tag; names are only lent during the call. */
struct near_tag {
    struct parser *p;
    int kind;
    struct suggestion near;
    char best[120];
};

static bool offer_tag(void *ctx, const char *name)
{
    struct near_tag *n = ctx;
    struct suggestion was = n->near;

    suggest_offer(&n->near, name);
    if (n->near.best != name)
        return true;
    if (!tag_type(n->p->session, n->kind, name)) { /* it names something else */
        n->near = was;
        return true;
    }
    snprintf(n->best, sizeof n->best, "%s", name);
    n->near.best = n->best;
    return true;
}

static void no_such_tag(struct parser *p, const char *word, int kind, const char *name)
{
    struct near_tag n = {.p = p, .kind = kind, .near = {.typed = name}};

    for (unsigned i = 0; i < p->session->programs.n; i++)
        program_complete(p->session->programs.list[i], NAMES_TYPES, "", offer_tag, &n);
    if (n.near.best)
        err_set(p->err, ERR_USAGE, "no %s '%s' in the programs; did you mean '%s'?", word, name,
                n.best);
    else
        err_set(p->err, ERR_USAGE, "no %s '%s' in the programs", word, name);
}

static const struct type *tagged(struct parser *p)
{
    static const struct {
        const char *word;
        int kind;
    } tags[] = {{"struct", NAME_STRUCT}, {"union", NAME_UNION}, {"enum", NAME_ENUM}};

    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (!is_word(p, tags[i].word))
            continue;
        p->at++;
        if (now(p)->kind != TOKEN_NAME)
            return fail(p, "a name is missing");
        const char *name = now(p)->text;
        const struct type *t = tag_type(p->session, tags[i].kind, name);
        if (!t)
            no_such_tag(p, tags[i].word, tags[i].kind, name);
        else
            p->at++;
        return t;
    }
    return NULL;
}

static enum c_type integer_type(unsigned longs, bool is_short, bool is_char, bool is_unsigned,
                                bool is_signed)
{
    if (is_char)
        return is_unsigned ? C_UCHAR : is_signed ? C_SCHAR : C_CHAR;
    if (is_short)
        return is_unsigned ? C_USHORT : C_SHORT;
    if (longs > 1)
        return is_unsigned ? C_ULLONG : C_LLONG;
    if (longs)
        return is_unsigned ? C_ULONG : C_LONG;
    return is_unsigned ? C_UINT : C_INT;
}

static const struct type *basic(struct parser *p)
{
    enum { UNSIGNED, SIGNED, LONG, SHORT, CHAR, INT, FLOAT, DOUBLE, VOID, BOOL, BOOL2, WORDS };
    static const char *const words[WORDS] = {"unsigned", "signed", "long", "short", "char", "int",
                                             "float",    "double", "void", "_Bool", "bool"};
    unsigned seen[WORDS] = {0}, total = 0;

    for (bool again = true; again;) {
        again = qualifier(p);
        for (unsigned i = 0; i < WORDS && !again; i++)
            if (is_word(p, words[i])) {
                p->at++;
                seen[i]++;
                total++;
                again = true;
            }
    }
    if (total == 0)
        return NULL;
    if (seen[VOID])
        return &c_type[C_VOID];
    if (seen[BOOL] || seen[BOOL2])
        return &c_type[C_BOOL];
    if (seen[FLOAT])
        return &c_type[C_FLOAT];
    if (seen[DOUBLE])
        return &c_type[seen[LONG] ? C_LDOUBLE : C_DOUBLE];
    return &c_type[integer_type(seen[LONG], seen[SHORT], seen[CHAR], seen[UNSIGNED], seen[SIGNED])];
}

/* What stands between the parentheses of (int, char *) is of no consequence here. */
static bool skip_parameters(struct parser *p)
{
    unsigned open = 0;

    do {
        if (now(p)->kind == TOKEN_END)
            return fail(p, "')' is missing") != NULL;
        open += is(p, OP_OPEN);
        open -= is(p, OP_CLOSE);
        p->at++;
    } while (open);
    return true;
}

static const struct type *declarator(struct parser *p, const struct type *t)
{
    while (is(p, OP_MUL)) {
        p->at++;
        t = pointer_to(p->session, t);
        while (qualifier(p))
            ;
    }
    if (is(p, OP_OPEN) && p->token[p->at + 1].kind == TOKEN_OPERATOR &&
        p->token[p->at + 1].op == OP_MUL) {
        unsigned stars = 0;
        for (p->at++; is(p, OP_MUL); p->at++)
            stars++;
        if (!take(p, OP_CLOSE, "')' is missing"))
            return NULL;
        if (!is(p, OP_OPEN))
            return fail(p, "'(' is missing");
        if (!skip_parameters(p))
            return NULL;
        t = function_returning(p->session, t);
        while (stars--)
            t = pointer_to(p->session, t);
    }
    uint32_t n[8];
    unsigned dimensions = 0;
    for (; is(p, OP_INDEX) && dimensions < 8; dimensions++) {
        p->at++;
        if (now(p)->kind != TOKEN_INT || now(p)->number > INT32_MAX)
            return fail(p, "a number of elements is missing");
        n[dimensions] = (uint32_t)now(p)->number;
        p->at++;
        if (!take(p, OP_INDEX_END, "']' is missing"))
            return NULL;
    }
    while (dimensions)
        t = array_of(p->session, t, n[--dimensions]);
    return t;
}

const struct type *parse_type(struct parser *p)
{
    const struct type *t;

    while (qualifier(p))
        ;
    if (is_word(p, "struct") || is_word(p, "union") || is_word(p, "enum")) {
        t = tagged(p);
    } else if (!(t = basic(p)) && now(p)->kind == TOKEN_NAME) {
        t = name_type(p->session, now(p)->text);
        if (t)
            p->at++;
        else
            err_set(p->err, ERR_USAGE, "no type '%s' in the programs", now(p)->text);
    } else if (!t) {
        return fail(p, "a type is missing");
    }
    if (!t)
        return NULL;
    while (qualifier(p))
        ;
    return declarator(p, t);
}
