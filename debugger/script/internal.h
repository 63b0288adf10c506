/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside debugger/script: the state that its files share. */
#ifndef DEBUGGER_SCRIPT_INTERNAL_H
#define DEBUGGER_SCRIPT_INTERNAL_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "script.h"

/* Of all Lua of a shell together. */
#define SCRIPT_BYTES (64u << 20)
/* Instructions of Lua that one call may take: a condition or handler, and a script. */
#define CALL_INSTRUCTIONS   2000000
#define SCRIPT_INSTRUCTIONS 200000000

#define ARGUMENTS_MAX       6u
#define WORDS_MAX           8u

struct argument {
    char name[24];
    uint8_t word, words; /* its first word, and how many: 1 or 2 */
    bool negative;       /* a signed number */
    bool text;           /* the address of a text */
};

/* What is called: a hook, a hypercall, a system call. */
struct callee {
    const char *name; /* NULL: not known */
    unsigned arguments, words;
    struct argument argument[ARGUMENTS_MAX];
};

#define SYSCALLS 512u

/* An event with what is known of it beyond its four words. */
struct seen {
    struct event e;
    bool has_words; /* else they are still in the machine */
    uint32_t word[WORDS_MAX];
    bool has_task;
    uint32_t pid;
    char comm[16];
};

struct condition;
struct handler;

struct script {
    lua_State *L;
    struct shell *sh;
    struct debug *d;
    size_t bytes;
    bool limited;      /* the allocator refuses more than SCRIPT_BYTES */
    int64_t left;      /* instructions of the present call */
    bool over;         /* there were none left: nothing more of it runs */
    unsigned inside;   /* in a callback of the running machine: looking only */
    char problem[400]; /* of the last call that failed */

    const struct event *event; /* the callback's; NULL: none */
    const struct stop *stop;   /* whose condition is asked; NULL: none */

    struct callee *hook, *syscall; /* by number */
    struct callee *hypercall;      /* in the order of the model's table */
    unsigned hypercalls;

    struct shell_front front; /* where `print` prints while the output of a command is caught */
    unsigned depth;           /* of commands that run Lua that runs commands */
    struct handler *handlers; /* in the order in which on() was called */
    struct debug_listener listener;
    bool listening;
    int current, host; /* in the registry: the object `e`; the table of functions for the prelude */
    char broken
        [4096]; /* a rule that is broken, with the events that break it; or an error. "": none */
    bool is_error;
    uint64_t broken_at;           /* cycle */
    const struct handler *newest; /* while these hear the past */
    char **rule;                  /* names */
    unsigned rules;
    struct trace_view *view;   /* for events in words; made when first needed */
    struct expr_session *expr; /* for eval() in callbacks: it cannot write */
    struct condition *conditions;
};

/* ---- sandbox.c ---- */

/* The state with the libraries that are safe. */
bool sandbox_open(struct script *s, struct err *err);
/*
 * Call the function below `args` arguments on the stack, within the limits. False: s->problem says
 * what went wrong, and nothing is left on the stack. May be nested.
 */
bool sandbox_call(struct script *s, int args, int results, int64_t instructions);
/* The same for a function of ours that pushes what may not fit, with one light argument. */
bool sandbox_do(struct script *s, lua_CFunction fn, void *arg);
/* Compile; the function is on the stack. False: problem. */
bool sandbox_load(struct script *s, const char *text, size_t n, const char *name);

/* ---- decode.c ---- */

bool decode_open(struct script *s, struct err *err);
void decode_close(struct script *s);
/* What an event calls, or NULL. e NULL: the hook of the patch site where the machine stands. */
const struct callee *decode_callee(struct script *s, const struct event *e);
/* The words of its arguments. They are read from the machine, which must be there. */
void decode_words(struct script *s, const struct event *e, const struct callee *c,
                  uint32_t word[WORDS_MAX]);

/* ---- guest.c ---- */

/* Registers, memory, symbols, the process: reg, mem, sym, eval, cycle, ... */
void guest_open(lua_State *L, struct script *s);
/* Push what one of the names that are looked up each time means now. False: it is none of them. */
bool guest_push(lua_State *L, struct script *s, const char *name);

/* ---- event.c ---- */

/* args and e of a callback, and kept events. */
void event_open(lua_State *L, struct script *s);
/* Push a field of an event. False: it has none of that name. */
bool event_field(lua_State *L, struct script *s, const struct event *e, const char *name);
/* Push a table of a kept event's arguments. */
int event_arguments(lua_State *L, struct script *s, const struct seen *kept);

/* ---- handlers.c, powers.c: functions into the table on top of the stack, for the prelude ---- */

void handlers_open(lua_State *L, struct script *s);
void handlers_forget(struct script *s);
const struct handler *handlers_last(const struct script *s);
/* Those behind `last` hear what has happened from the beginning until now. */
bool handlers_hear_past(struct script *s, const struct handler *last, struct err *err);

/* ---- script.c ---- */

/* A function that the prelude has put into its table. */
bool script_call(struct script *s, const char *name);
void powers_open(lua_State *L, struct script *s);

/* ---- condition.c ---- */

void condition_open(lua_State *L, struct script *s);
void condition_close(struct script *s);

/* Every C function of ours that Lua calls has the script as its first upvalue. */
static inline struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}
/* t[name] = fn with the script as upvalue, where t is on top of the stack. */
static inline void script_function(lua_State *L, struct script *s, const char *name,
                                   lua_CFunction fn)
{
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}
/* An object that is nothing but its metatable's __index and __newindex; left on the stack. */
void script_object(lua_State *L, struct script *s, lua_CFunction index, lua_CFunction newindex,
                   const char *name);

#endif
