/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * C expressions over a stopped program, as a debugger's user writes them: current->pid,
 * *(struct task *)$eax, areas[2].end - 1, sizeof(struct page), set x = 3. The evaluator knows nothing
 * of the machine: memory and registers are callbacks. Every error is a sentence in err (ERR_USAGE).
 *
 * Literals: 10 0x1f 017 'c' "text" 1.5. Names: locals of the frame, then the programs' variables, functions
 * and enumerators, then the host's. $name: registers, $1 $ $$ of the history, and the user's own
 * convenience variables. Operators: C's, with assignment, the comma, casts and sizeof; no calls.
 * Also gdb's  array@count  ,  {type}address  ,  'file.c'::name  and  function::name.
 */
#ifndef DEBUGGER_PROGRAM_EXPR_H
#define DEBUGGER_PROGRAM_EXPR_H

#include "program.h"

/* What the evaluator asks for. Any may be NULL. */
struct expr_host {
    struct program_memory memory;
    /* A register of the machine by its lower-case name without $ ("eax", "cr3", "cycle"). bits: how
       many it has (up to 64). False: no such. Frames' own registers are taken from the frame. */
    bool (*get_register)(void *ctx, const char *name, uint64_t *value, unsigned *bits);
    bool (*set_register)(void *ctx, const char *name, uint64_t value);
    /* A plain name that no program has: a number (unsigned int). */
    bool (*symbol)(void *ctx, const char *name, uint64_t *value);
    void *ctx;
};

enum value_place {
    VALUE_PLAIN,    /* a result: bytes in data */
    VALUE_MEMORY,   /* at addr */
    VALUE_REGISTER, /* a register: its number in `reg`, and bytes in data */
    VALUE_NAMED,    /* a register of the host or a $variable: `name`, and bytes in data */
    VALUE_LOST,     /* <optimized out> */
};

#define VALUE_BYTES 64u

struct value {
    const struct type *type;
    enum value_place place;
    uint32_t addr;                 /* VALUE_MEMORY */
    unsigned reg;                  /* VALUE_REGISTER: FRAME_* of the frame */
    unsigned bit_offset, bit_size; /* a bit field; bit_size 0: none */
    uint32_t count;                /* bytes in data, or that stay in memory */
    uint8_t data[VALUE_BYTES];     /* little-endian, of all but VALUE_MEMORY */
    const uint8_t *bytes;          /* of something larger than data (history); the session's */
    char name[32];
};

struct expr_session; /* the history, $variables, and where names are looked up */
/* *host is copied. NULL: out of memory. */
struct expr_session *expr_session_new(const struct expr_host *host);
void expr_session_free(struct expr_session *s);
/* Where names are looked up from now on. frame (copied) may be NULL; depth: index of
   place.function[], or DEPTH_INNERMOST. The programs must outlive the session; `list` is borrowed. */
void expr_look_from(struct expr_session *s, struct programs list, const struct frame *frame,
                    unsigned depth);

/* Evaluate. Assignments happen. */
bool expr_eval(struct expr_session *s, const char *text, struct value *out, struct err *err);
/* Parse once, run often: names are looked up anew at each run. */
struct expr;
struct expr *expr_compile(struct expr_session *s, const char *text, struct err *err);
bool expr_run(struct expr *x, struct value *out, struct err *err);
void expr_free(struct expr *x);
/* The type of an expression (nothing is read or assigned), or a type's name: "struct task *". */
bool expr_type(struct expr_session *s, const char *text, const struct type **out, struct err *err);

/* Into the history; its number n, for "$n = ". The bytes of it are kept as they are now. */
unsigned expr_remember(struct expr_session *s, const struct value *v, struct err *err);

/* ---- values ---- */

/* A variable in a frame (NULL for globals), as a value. False: err ("optimized out" is no error). */
bool value_of_variable(struct expr_session *s, const struct frame *f, const struct variable *var,
                       struct value *out, struct err *err);
/* n bytes from `offset` of the value, read where they are. */
bool value_bytes(struct expr_session *s, const struct value *v, uint32_t offset, void *to,
                 uint32_t n, struct err *err);
/* Scalars as integers (floats truncated); arrays and functions give their address. */
bool value_integer(struct expr_session *s, const struct value *v, int64_t *out, struct err *err);
/* Is it true, as in if ()? */
bool value_true(struct expr_session *s, const struct value *v, bool *out, struct err *err);
/* An address to look at memory from: a pointer's or integer's value, an array's or function's own
   address. */
bool value_address(struct expr_session *s, const struct value *v, uint32_t *out, struct err *err);

struct value_format {
    char letter;       /* of print/FMT: x d u o t c s a f z; 0: as the type says */
    unsigned elements; /* of an array or string before "..."; 0: 200 */
    bool pretty;       /* structs on several lines */
};
/* As gdb's print shows it: {pid = 1, comm = "init"}. Memory that cannot be read shows as
   <error: cannot read memory at 0x...>. Cut with "..." when it does not fit. fmt may be NULL. */
void value_text(struct expr_session *s, const struct value *v, const struct value_format *fmt,
                char *text, size_t size);

#endif
