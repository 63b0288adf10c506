/* SPDX-License-Identifier: GPL-2.0-only */
/* The parser's state, for its two files. */
#ifndef DEBUGGER_PROGRAM_EXPR_PARSE_H
#define DEBUGGER_PROGRAM_EXPR_PARSE_H

#include <string.h>

#include "value.h"

struct parser {
    struct expr_session *session;
    struct arena *arena;
    struct token *token; /* ended by TOKEN_END */
    size_t at;
    unsigned depth;
    const char *text;
    struct err *err;
};

static inline const struct token *now(struct parser *p)
{
    return &p->token[p->at];
}

static inline bool is(struct parser *p, enum operator op)
{
    return now(p)->kind == TOKEN_OPERATOR && now(p)->op == op;
}

static inline bool is_word(struct parser *p, const char *word)
{
    return now(p)->kind == TOKEN_NAME && !strcmp(now(p)->text, word);
}

static inline void *fail(struct parser *p, const char *what)
{
    if (now(p)->kind == TOKEN_END)
        err_set(p->err, ERR_USAGE, "'%s': %s at the end", p->text, what);
    else
        err_set(p->err, ERR_USAGE, "'%s': %s at '%.20s'", p->text, what, p->text + now(p)->at);
    return NULL;
}

static inline bool take(struct parser *p, enum operator op, const char *missing)
{
    if (!is(p, op)) {
        fail(p, missing);
        return false;
    }
    p->at++;
    return true;
}

/* expr_type.c */
bool type_begins(struct parser *p);
const struct type *parse_type(struct parser *p); /* NULL: err */

#endif
