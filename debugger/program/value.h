/* SPDX-License-Identifier: GPL-2.0-only */
/* What the evaluator's files share: session.c, value.c, print.c, names.c, expr_*.c. */
#ifndef DEBUGGER_PROGRAM_VALUE_H
#define DEBUGGER_PROGRAM_VALUE_H

#include "expr.h"
#include "internal.h"

/* A value that was kept: in the history, or as a $variable. */
struct kept {
    struct value value;
    uint8_t *copy; /* value.bytes, or NULL */
    char *name;    /* of a $variable */
};

struct expr_session {
    struct expr_host host;
    struct programs programs;
    struct frame frame;
    bool has_frame;
    unsigned depth;
    struct arena *arena; /* of derived types */
    struct type *pointer[C_TYPES];
    struct type **array;
    uint32_t arrays;
    struct kept *history;
    uint32_t n_history;
    size_t kept_bytes;
    struct kept *variable;
    uint32_t variables;
    uint8_t *last; /* bytes of the last expression's value, when they are many */
};

/* ---- session.c ---- */

const struct type *pointer_to(struct expr_session *s, const struct type *t);
const struct type *array_of(struct expr_session *s, const struct type *t, uint32_t n);
/* A function that returns t. */
const struct type *function_returning(struct expr_session *s, const struct type *t);
struct kept *find_kept(struct expr_session *s, const char *name);
bool set_kept(struct expr_session *s, const char *name, const struct value *v, struct err *err);
/* "$", "$$", "$3", "$$2"; true: it is one of them, and *out is set (void if there is none). */
bool history_value(struct expr_session *s, const char *name, struct value *out);

/* ---- value.c ---- */

/* Up to VALUE_BYTES; larger aggregates stay in memory. dry: nothing is read, bytes are zero. */
struct value value_int(const struct type *t, uint64_t v);
struct value value_double(const struct type *t, double v);
struct value value_at(const struct type *t, uint32_t addr);
bool value_number(struct expr_session *s, const struct value *v, int64_t *i, double *f,
                  struct err *err);
bool value_is_scalar(const struct value *v);
/* A part of an aggregate. */
bool value_part(const struct value *v, const struct type_member *m, struct value *out,
                struct err *err);
/* Write v (a scalar, or something of the same size) into the place that to has. */
bool value_store(struct expr_session *s, const struct value *to, const struct value *v,
                 struct err *err);
/* The same number as another type: a cast. */
bool value_cast(struct expr_session *s, const struct value *v, const struct type *t,
                struct value *out, struct err *err);
/* Signed or zero extended as the type says. */
int64_t extend(const struct type *t, uint64_t raw);
double float_value(const struct type *t, const uint8_t *bytes);

/* ---- names.c ---- */

bool name_value(struct expr_session *s, const char *name, struct value *out, struct err *err);
bool name_within(struct expr_session *s, const char *scope, const char *name, struct value *out,
                 struct err *err);
bool register_value(struct expr_session *s, const char *name, struct value *out);
bool register_store(struct expr_session *s, const struct value *to, uint64_t raw, struct err *err);
/* A typedef's name, unless something in sight hides it. */
const struct type *name_type(struct expr_session *s, const char *name);
const struct type *tag_type(struct expr_session *s, int kind, const char *name);
bool no_symbol(struct expr_session *s, const char *name, struct err *err);
/* The nearest function or data symbol of any program that has the address. */
bool symbol_text(struct expr_session *s, uint32_t addr, bool data_too, char *text, size_t size);

/* ---- expr_lex.c ---- */

enum token_kind {
    TOKEN_END,
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_CHAR,
    TOKEN_STRING,
    TOKEN_QUOTED, /* 'file.c' of more than one character */
    TOKEN_NAME,
    TOKEN_DOLLAR, /* with the $ */
    TOKEN_OPERATOR,
    TOKEN_BAD,
};

enum operator{
    OP_NONE,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_SHL,
    OP_SHR,
    OP_LOGICAL_AND,
    OP_LOGICAL_OR,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_NOT,
    OP_COMPLEMENT,
    OP_ASSIGN,
    OP_COMMA,
    OP_QUESTION,
    OP_COLON,
    OP_SCOPE,
    OP_AT,
    OP_DOT,
    OP_ARROW,
    OP_INC,
    OP_DEC,
    OP_OPEN,
    OP_CLOSE,
    OP_INDEX,
    OP_INDEX_END,
    OP_BRACE,
    OP_BRACE_END,
};

struct token {
    enum token_kind kind;
    enum operator op;
    enum operator with; /* OP_ASSIGN: += is OP_ADD; else OP_NONE */
    size_t at, length;  /* in the text */
    uint64_t number;
    double real;
    const struct type *type; /* of a number */
    char *text;              /* a name, or a string's bytes; in the arena */
    size_t bytes;            /* of the string */
};

struct lexer {
    const char *text;
    size_t at;
    struct arena *arena;
    struct err *err;
};

bool next_token(struct lexer *l, struct token *out); /* false: err */

/* ---- expr_parse.c ---- */

enum node_kind {
    NODE_NUMBER,
    NODE_STRING,
    NODE_NAME,
    NODE_WITHIN,
    NODE_DOLLAR,
    NODE_MEMBER,
    NODE_ARROW,
    NODE_INDEX,
    NODE_DEREF,
    NODE_ADDRESS,
    NODE_UNARY,
    NODE_BINARY,
    NODE_LOGICAL,
    NODE_CONDITION,
    NODE_COMMA,
    NODE_ASSIGN,
    NODE_STEP,
    NODE_CAST,
    NODE_SIZEOF,
    NODE_SIZEOF_TYPE,
    NODE_TYPE_AT,
    NODE_AT,
    NODE_TYPE,
    NODE_CALL,
};

struct node {
    enum node_kind kind;
    enum operator op;
    bool after; /* NODE_STEP: x++ */
    struct node *a, *b, *c;
    const char *text, *text2;
    size_t bytes;
    uint64_t number;
    double real;
    const struct type *type;
};

struct expr {
    struct expr_session *session;
    struct arena *arena;
    struct node *root;
    bool only_type; /* a type's name stood alone */
};

/* ---- expr_arith.c ---- */

struct run { /* of a tree; dry: types alone are wanted */
    struct expr_session *s;
    bool dry;
    struct err *err;
};

bool value_binary(struct run *r, enum operator op, const struct value *a, const struct value *b,
                  struct value *out);
bool value_unary(struct run *r, enum operator op, const struct value *v, struct value *out);
bool value_points(const struct value *v); /* a pointer, or what becomes one */
/* An array becomes a pointer to its first element, a function one to itself. */
const struct type *type_decayed(struct expr_session *s, const struct type *t);
/* value_number(), or 1 when dry. */
bool run_number(struct run *r, const struct value *v, int64_t *i, double *f);
bool run_fail(struct run *r, const char *what, const struct type *t); /* "WHAT a TYPE" */

/* ---- expr_eval.c ---- */

bool node_eval(struct expr_session *s, const struct node *n, bool dry, struct value *out,
               struct err *err);

#endif
