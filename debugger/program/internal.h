/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this folder share. A program's debug information is read once, when it is
 * opened, into the flat tables below: line rows by address, functions with the calls that were put
 * inline in them and their blocks as one array in the order of the tree, variables, names of types.
 * Everything that only looks things up works on these and knows no libdw. What is read later, when
 * somebody asks, is behind the debug_ functions: types, location expressions and unwinding rules.
 * They live in dwarf_*.c; nodebug.c answers for them in a build without libdw.
 */
#ifndef DEBUGGER_PROGRAM_INTERNAL_H
#define DEBUGGER_PROGRAM_INTERNAL_H

#include "program.h"

#define NONE UINT32_MAX

struct range {
    uint32_t lo, hi; /* end exclusive */
};

struct source_file {
    const char *name; /* as the compiler was given it */
    const char *full; /* with the directory of the compilation before it, if that was relative */
};

enum { ROW_STMT = 1, ROW_END = 2, ROW_PROLOGUE_END = 4 };

struct row { /* of the line table: from its address to the next row's */
    uint32_t addr, line, file;
    uint16_t column, flags;
};

enum scope_kind { SCOPE_FUNCTION, SCOPE_INLINED, SCOPE_BLOCK };

struct scope {
    enum scope_kind kind;
    const char *name;          /* NULL for blocks */
    uint32_t ranges, n_ranges; /* in program.range */
    uint32_t entry;            /* the address of its first instruction */
    uint32_t parent, end;      /* scopes; end is the one behind the last inside this one */
    uint32_t file, line;       /* of the declaration */
    uint32_t call_file, call_line, call_column; /* SCOPE_INLINED */
    uint32_t vars, n_vars;                      /* in program.var */
    uint32_t unit;
    uint64_t die;
};

struct var {
    const char *name;
    enum variable_kind kind;
    uint32_t scope; /* NONE: global or static of a file */
    uint32_t unit, file, line;
    uint64_t die;
    bool located; /* it has a location or a constant value, or might */
    /* Found out when first asked for: the type, and the address of what has always the same. */
    const struct type *type;
    bool fixed;
    uint32_t addr;
};

struct type_name {
    const char *name;
    enum { NAME_STRUCT, NAME_UNION, NAME_ENUM, NAME_TYPEDEF, NAME_BASE } kind;
    bool complete;
    uint32_t unit;
    uint64_t die;
};

struct constant { /* an enumerator */
    const char *name;
    int64_t value;
    uint64_t type_die;
};

struct function_range {
    uint32_t lo, hi, scope;
};

struct arena;
struct debug; /* libdw's handles, dwarf.h */
struct type_table;

struct program {
    struct image image;
    struct kernel *symbols;
    struct debug *debug; /* NULL: there is none */
    struct arena *arena;

    struct range *range;
    struct source_file *file;
    struct row *row;     /* by address; each sequence ends with a ROW_END */
    struct scope *scope; /* a function, then what is in it; then the next function */
    struct var *var;
    struct type_name *type_name;     /* by name */
    struct constant *constant;       /* by name */
    struct function_range *function; /* by lo */
    uint32_t ranges, files, rows, scopes, vars, globals, type_names, constants, functions;
    uint32_t *global; /* indices of var: the globals, by name */
    uint32_t
        *function_name; /* indices of scope: the real functions, by name; when first asked for */
    uint32_t function_names;

    struct type_table *types;
    const char **names[4]; /* for completion, made when first asked for: by bit of program_names */
    uint32_t n_names[4];
    bool has_names[4];
};

/* ---- arena.c: memory that is given back all at once; zeroed ---- */

struct arena *arena_new(void);
void arena_free(struct arena *a);
void *arena_get(struct arena *a, size_t n); /* NULL: out of memory */
char *arena_text(struct arena *a, const char *text, size_t n);
void arena_clear(struct arena *a); /* what was given may be given again */

/* Room for one more in a growing array: the element's address, zeroed, or NULL. */
void *grow(void **array, uint32_t *n, size_t element, uint32_t max);

/* ---- text.c: a text that is cut, with "...", where there is no more room ---- */

struct text {
    char *at;
    size_t size, used;
    bool full;
};
struct text text_begin(char *at, size_t size);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_end(struct text *t);

/* ---- places.c ---- */

uint32_t scope_at(const struct program *p, uint32_t addr); /* the real function; NONE */
bool scope_has(const struct program *p, const struct scope *s, uint32_t addr);
/* Functions and inlined calls at addr, the real function first; how many there are. */
unsigned scope_chain(const struct program *p, uint32_t addr, uint32_t out[PLACE_DEPTH]);
/* The row that covers addr, or NULL; *hi: where the next begins. */
const struct row *row_at(const struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi);
/* The first of the functions of this name in function_name; function_names: there is none. */
uint32_t first_function(struct program *p, const char *name);
bool file_matches(const char *file, const char *wanted);

/* ---- frames.c ---- */

uint32_t frame_cfa(struct frame *f, const struct program_memory *m); /* 0: unknown */

/* ---- types.c ---- */

enum type_wrap { WRAP_NONE, WRAP_TYPEDEF, WRAP_CONST, WRAP_VOLATILE };

struct enumerator {
    const char *name;
    int64_t value;
};

struct type {
    enum type_kind kind; /* of what it is itself; a wrapper's is asked of its target */
    enum type_wrap wrap;
    const char *name;
    uint32_t size, elements;
    bool is_signed, is_char, variadic, prototyped, has_elements, incomplete;
    bool filled; /* below is set */
    const struct type *target;
    struct type_member *member; /* of a function: its parameters */
    struct enumerator *enumerator;
    uint32_t members, enumerators;
    struct program *program; /* NULL: one of C's own */
    uint64_t die;
    struct type *pointer; /* to this, once it was asked for */
};

struct type_table *type_table_new(void);
void type_table_free(struct type_table *t);
/* The type of an entry of the debug information; 0: void. Never NULL. */
const struct type *type_of_die(struct program *p, uint64_t die);
/* Types that no file has. */
enum c_type {
    C_VOID,
    C_BOOL,
    C_CHAR,
    C_SCHAR,
    C_UCHAR,
    C_SHORT,
    C_USHORT,
    C_INT,
    C_UINT,
    C_LONG,
    C_ULONG,
    C_LLONG,
    C_ULLONG,
    C_FLOAT,
    C_DOUBLE,
    C_LDOUBLE,
    C_UNKNOWN,
    C_CODE,  /* a function of which only the symbol is known */
    C_ENTRY, /* what EIP points to: void () */
    C_DATA,
    C_TYPES
};
extern const struct type c_type[C_TYPES];
/* Without typedef, const, volatile; a struct that is only declared becomes its definition. */
const struct type *type_strip(const struct type *t);
const struct type *type_find_name(struct program *p, int kind,
                                  const char *name); /* NAME_*, -1: any */
/* The same as C writes it, around a declarator ("x" gives "int (*x)(void)"). */
void type_declare(struct text *out, const struct type *t, const char *declarator, bool expand,
                  unsigned indent);

/* ---- debug information, dwarf_*.c or nodebug.c ---- */

bool debug_supported(void);
/* Fill p's tables. What is damaged is left out; false: out of memory. */
bool debug_read(struct program *p, struct err *err);
void debug_close(struct debug *d);

/* What an entry says about a type. debug_type_head: kind, wrap, name, size and the like; false: it is
   none. debug_type_body: target, members, enumerators. */
bool debug_type_head(struct program *p, uint64_t die, struct type *t);
void debug_type_body(struct program *p, struct type *t);
uint64_t debug_var_type(struct program *p, uint64_t die); /* 0: void or unknown */

/* A variable's place is made of pieces, nearly always of one. */
enum piece_kind { PIECE_LOST, PIECE_MEMORY, PIECE_REGISTER, PIECE_VALUE };
struct piece {
    enum piece_kind kind;
    uint32_t addr;
    unsigned reg;
    uint8_t data[8];      /* PIECE_VALUE, little-endian */
    const uint8_t *bytes; /* of a longer one, in the file; n bytes */
    uint32_t n;           /* bytes of this piece; 0: all of the variable */
};
#define PIECES_MAX 16u
struct place_at {
    struct piece piece[PIECES_MAX];
    unsigned n;
};
/* Where a variable is. f: NULL for what needs no frame. False: err. */
bool debug_locate(struct program *p, const struct frame *f, const struct program_memory *m,
                  const struct var *v, uint32_t size, struct place_at *out, struct err *err);

enum debug_rule { RULE_NONE, RULE_OK, RULE_END, RULE_BAD };
/* One step of unwinding by .debug_frame or .eh_frame; RULE_NONE: nothing is said about f->pc. With
   out == NULL only f->cfa is set. */
enum debug_rule debug_unwind(struct program *p, const struct program_memory *m, struct frame *f,
                             struct frame *out, struct err *err);
/* The range of the unwinding rules around an address: of a function, in most files. */
bool debug_rule_range(struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi);
/* Does the rule at addr belong to code that is entered by an interruption? */
bool debug_rule_signal(struct program *p, uint32_t addr);

#endif
