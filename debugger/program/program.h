/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program's file tells about the program: which function and line an address belongs to,
 * where a name is, what the caller's registers were, where a variable lives and what its type is.
 * A program is an i386 ELF file: our kernel, something from ringside-cc -g, or Debian's stripped
 * busybox; each tells what it can. Nothing here knows the machine: memory is read through a
 * callback, registers come as numbers.
 *
 * The facts come from the symbol table and, through elfutils' libdw, from DWARF. Built without
 * libdw there are symbols and EBP chains only (program_debug_supported()). Files are claims: a
 * damaged one gives wrong or no answers, never a crash or an endless search.
 *
 * Several programs at once (the kernel and the user program of a process) are the caller's: he
 * keeps them in a list, and what can meet more than one takes that list.
 */
#ifndef DEBUGGER_PROGRAM_PROGRAM_H
#define DEBUGGER_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../kernel.h"

/* ---- files ---- */

struct program; /* borrows the image, which must outlive it */

/* Err (ERR_FILE) when it is no i386 ELF file. One without symbols or DWARF is fine. */
struct program *program_open(const struct image *image, struct err *err);
void program_close(struct program *p);

const char *program_name(const struct program *p);
bool program_has_lines(const struct program *p); /* is there any line information? */
bool program_debug_supported(void);              /* was this built with libdw? */
/* Is the address inside one of the file's segments? */
bool program_covers(const struct program *p, uint32_t addr);
/* Its symbols (none in a stripped file; see kernel.h), and what the file has at an address. */
const struct kernel *program_symbols(const struct program *p);
const uint8_t *program_bytes(const struct program *p, uint32_t addr, uint32_t n);

/* Programs in the order in which names and addresses are looked up; first match wins. */
struct programs {
    struct program *const *list;
    unsigned n;
};
/* The one that covers the address, or NULL. */
struct program *programs_at(struct programs l, uint32_t addr);

/* ---- an address ---- */

#define PLACE_DEPTH 16u

/* One function at an address: the real one, or one whose call the compiler put inline. */
struct place_function {
    const char *name;
    uint32_t start;  /* the real function: its entry; an inlined one: lowest address of this copy */
    uint32_t lo, hi; /* the range of its code that has the address, end exclusive */
    const char *file;      /* where execution is in this function; NULL: unknown */
    unsigned line, column; /* 0: unknown */
};

struct place {
    /* [0] is the real function, [depth - 1] the innermost inlined one. 0: nothing is known. Deeper
       nestings than PLACE_DEPTH lose the middle. */
    struct place_function function[PLACE_DEPTH];
    unsigned depth;
    uint32_t offset;       /* from function[0].start */
    const char *file;      /* of the line entry (the innermost function's); NULL: unknown */
    unsigned line, column; /* 0: unknown, or code that belongs to no line */
    uint32_t lo, hi;       /* the address range of that line entry, end exclusive; 0, 0: unknown */
    bool is_stmt;          /* the entry is a recommended stop; at its beginning if addr == lo */
};

/* What is at an address. False: nothing is known, and *out is all zero. Texts live as long as p. */
bool program_at(struct program *p, uint32_t addr, struct place *out);
/* "function+0x1c" or "0xc0101234"; of the real function. */
void program_describe(struct program *p, uint32_t addr, char *text, size_t size);
/* The real function around an address. A stripped file still knows ranges by its .eh_frame. */
bool program_function_range(struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi);
/* Where the function at `start` has set up its frame, as the line table tells (its own word for
   it, else the second line as gdb does); `start` itself when nothing is known. */
uint32_t program_prologue_end(struct program *p, uint32_t start);

/* ---- names ---- */

struct spot {
    uint32_t addr;
    const char *function; /* NULL: unknown */
    const char *file;
    unsigned line;
    bool inlined; /* in a copy that the compiler put inline */
};

/*
 * The addresses that a person means: "function", "file.c:function", "file.c:123", "123" (of
 * default_file, which may be NULL), "*0xc0101234". Functions are meant behind their prologue, and in
 * all copies; of a line that has no code the next one that has. How many there are (at most `max` are
 * in *out), ascending; 0: err says why, with the nearest spelling.
 */
unsigned program_locate(struct program *p, const char *where, const char *default_file,
                        struct spot *out, unsigned max, struct err *err);

enum program_names {
    NAMES_FUNCTIONS = 1,
    NAMES_VARIABLES = 2, /* global and static ones */
    NAMES_TYPES = 4,     /* "task" for struct task: with its word, "struct task" */
    NAMES_FILES = 8,     /* source files, as compiled */
};
/* Every name that begins with `prefix`, each once, in the order of their bytes, until `each` returns
   false. */
void program_complete(struct program *p, unsigned kinds, const char *prefix,
                      bool (*each)(void *ctx, const char *name), void *ctx);

/* ---- source text ---- */

struct sources; /* one for all programs: directories, and the files that were read */
struct sources *sources_new(void);
void sources_free(struct sources *s);
/* Where else to look for a file, searched in the order of the calls: DIR/file, then with leading
   directories of the file's name left out one by one. */
bool sources_add(struct sources *s, const char *dir, struct err *err);
/*
 * One line, without its end; valid until sources_free(). NULL: no such line, or the file cannot be
 * read; then err says which, the first time that this file is asked for, and err->class is ERR_NONE
 * after. p (may be NULL) knows the directory in which the file was compiled.
 */
const char *sources_line(struct sources *s, struct program *p, const char *file, unsigned line,
                         struct err *err);
/* How many lines the file has; 0: it cannot be read. */
unsigned sources_lines(struct sources *s, struct program *p, const char *file);

/* ---- frames ---- */

/* A door to the memory of whatever runs the program. All or nothing; false: not there. */
struct program_memory {
    bool (*read)(void *ctx, uint32_t addr, void *to, uint32_t n);
    bool (*write)(void *ctx, uint32_t addr, const void *from, uint32_t n); /* may be NULL */
    void *ctx;
};

/* DWARF's numbers for i386 (System V ABI, Intel386 supplement), which are x86_regs.gpr's order. */
enum {
    FRAME_EAX,
    FRAME_ECX,
    FRAME_EDX,
    FRAME_EBX,
    FRAME_ESP,
    FRAME_EBP,
    FRAME_ESI,
    FRAME_EDI,
    FRAME_EIP,
    FRAME_EFLAGS,
    FRAME_REGISTERS
};

struct frame {
    uint32_t reg[FRAME_REGISTERS]; /* as they were in this frame */
    uint32_t known;                /* bit i: reg[i] is */
    uint32_t
        saved[FRAME_REGISTERS]; /* the word of the stack that holds it; 0: the register itself */
    uint32_t pc;      /* to look things up by: EIP, or one less where EIP is a return address */
    uint32_t cfa;     /* the stack pointer before the call; once it was unwound, else 0 */
    unsigned number;  /* 0: innermost */
    bool interrupted; /* by a trap, an interrupt or a system call: EIP is exact, all are known */
    bool guessed;     /* from an EBP chain, not from what the compiler wrote down */
    struct program *program; /* that covers pc; NULL: none does */
};

/* The innermost frame; `reg` in the order above. */
void frame_first(struct programs l, const uint32_t reg[FRAME_REGISTERS], struct frame *out);

enum frame_next {
    FRAME_CALLER, /* *out is the frame around */
    FRAME_END,    /* this was the outermost */
    FRAME_LOST,   /* memory or the file does not make sense; err says what */
};
/*
 * The frame around f, which is completed (f->cfa). Goes through the kernel's entry code into what
 * was interrupted. Every step goes up the stack or through an interruption, so a chain cannot go in
 * circles; FRAME_MAX bounds the rest.
 */
#define FRAME_MAX 4096u
enum frame_next frame_unwind(struct programs l, const struct program_memory *m, struct frame *f,
                             struct frame *out, struct err *err);
/* Up to max frames from the innermost. *end (may be NULL) is how it ended; FRAME_CALLER: more. */
unsigned frame_backtrace(struct programs l, const struct program_memory *m,
                         const uint32_t reg[FRAME_REGISTERS], struct frame *out, unsigned max,
                         enum frame_next *end, struct err *err);

/* ---- types and variables: see also expr.h, which shows and calculates with them ---- */

struct type; /* lives as long as the program that it came from, or for ever */

enum type_kind {
    TYPE_UNKNOWN, /* what the file says about it makes no sense */
    TYPE_VOID,
    TYPE_BOOL,
    TYPE_INT, /* with type_signed(); characters too, see type_char() */
    TYPE_FLOAT,
    TYPE_ENUM,
    TYPE_POINTER,
    TYPE_ARRAY,
    TYPE_STRUCT,
    TYPE_UNION,
    TYPE_FUNCTION,
};

struct type_member {
    const char *name; /* NULL: an unnamed struct or union inside */
    const struct type *type;
    uint32_t offset; /* bytes */
    unsigned bit_offset,
        bit_size; /* of a bit field, from bit 0 of the byte at offset; 0, 0: none */
};

/* All of these look through typedef, const and volatile. */
enum type_kind type_kind(const struct type *t);
uint32_t type_size(const struct type *t); /* 0: incomplete, or of no fixed size */
bool type_signed(const struct type *t);
bool type_char(const struct type *t); /* an integer that is a character: shown with its letter */
const struct type *type_target(const struct type *t); /* of a pointer, array, function; else NULL */
uint32_t type_elements(const struct type *t);         /* of an array; 0: unknown */
unsigned type_members(const struct type *t);
bool type_member(const struct type *t, unsigned i, struct type_member *out);
const char *type_enumerator(const struct type *t, int64_t value); /* NULL: no such */
/* The type as C writes it ("struct task *", "int (*)(void)"): gdb's whatis. */
void type_text(const struct type *t, char *text, size_t size);
/* With what is in it, on several lines: gdb's ptype. */
void type_describe(const struct type *t, char *text, size_t size);

enum variable_kind { VARIABLE_LOCAL, VARIABLE_ARGUMENT, VARIABLE_GLOBAL };

struct variable {
    const char *name;
    enum variable_kind kind;
    const struct type *type;
    unsigned depth;  /* of the function it belongs to in place.function[]; globals: 0 */
    unsigned line;   /* of its declaration; 0: unknown */
    uint64_t handle; /* for expr.h */
    struct program *program;
};

#define DEPTH_INNERMOST UINT32_MAX
/* Arguments and locals in sight at f->pc in the function place.function[depth], innermost scope
   first; of the same name the first one hides the others. How many there are; at most max in *out. */
unsigned frame_variables(const struct frame *f, unsigned depth, struct variable *out, unsigned max);
bool frame_variable(const struct frame *f, unsigned depth, const char *name, struct variable *out);
/* A global or static variable; one that the file at `pc` defines is preferred (0: no preference). */
bool program_variable(struct program *p, const char *name, uint32_t pc, struct variable *out);
/* "struct task", "union u", "enum e", "pid_t", "unsigned long"; without declarators. NULL: none. */
const struct type *program_type(struct program *p, const char *name);

#endif
