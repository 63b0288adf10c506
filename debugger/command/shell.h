/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debugger's language: one table of commands (commands.def), one place where a line becomes a
 * call, and what all commands share. Nothing here knows a terminal: output goes to a sink, so a
 * prompt, a script, gdb's `monitor` and a test run the same commands.
 */
#ifndef DEBUGGER_COMMAND_SHELL_H
#define DEBUGGER_COMMAND_SHELL_H

#include <stdio.h>

#include "debugger/control/debug.h"
#include "debugger/control/source.h"
#include "debugger/program/expr.h"

struct shell;

/* The front end that the shell belongs to; any function may be NULL. */
struct shell_front {
    void (*write)(void *ctx, const char *text, size_t n); /* what commands print */
    void (*error)(void *ctx, const char *text);           /* one sentence; NULL: through write */
    bool (*ask)(void *ctx, const char *question);         /* y or n; NULL: yes */
    /* A line of a script or of `commands`, read on; NULL: no more. Valid until the next call. */
    const char *(*more)(void *ctx, const char *prompt);
    /* Hand the terminal to the guest until Ctrl-A: the machine runs meanwhile. */
    void (*console)(void *ctx);
    bool color;
    unsigned width; /* of lines; 0: any */
    void *ctx;
};

struct shell_setup {
    struct debug *debug;
    struct shell_front front;
    /* For `record FILE`: writes down the run so far (cli/session knows what belongs into it); NULL: no. */
    bool (*record)(void *ctx, const char *path, struct err *err);
    void *record_ctx;
};

struct shell *shell_new(const struct shell_setup *s, struct err *err);
void shell_free(struct shell *sh);

/* Run one line. False: it failed, and has said why. An empty line repeats the last command, where that
   makes sense. */
bool shell_run(struct shell *sh, const char *line);
/* Lines of a file, up to the first that fails ("-": standard input). */
bool shell_source(struct shell *sh, const char *path);
bool shell_wants_to_quit(const struct shell *sh, int *status);
/* What the prompt should be now. */
const char *shell_prompt(struct shell *sh);
/* All completions of the word that ends at `point`; fn is called with whole words. */
void shell_complete(struct shell *sh, const char *line, size_t point,
                    void (*fn)(void *ctx, const char *word), void *ctx);
/* From a signal handler: stop what runs; and the same for good, it wants to quit from here on. */
void shell_interrupt(struct shell *sh);
void shell_end(struct shell *sh);
/* The same commands with another sink, for the time of one call (gdb's monitor). */
bool shell_run_to(struct shell *sh, const char *line, const struct shell_front *front);

/* ---- for commands ---- */

/* What a command gets: its arguments as one text, trimmed. False: failed, err says why. */
typedef bool (*command_fn)(struct shell *sh, const char *args, struct err *err);

enum command_flag {
    CMD_REPEAT = 1, /* an empty line does it again */
    CMD_AGAIN = 2,  /* an empty line does it again without its arguments (list, x) */
    CMD_JSON = 4,   /* understands --json */
};

struct shell_command {
    const char *name; /* "info registers": of two words */
    const char *alias;
    const char *group;
    const char *usage, *summary, *help;
    command_fn fn;
    unsigned flags;
    /* Offer what may stand at the last word of args. */
    void (*complete)(struct shell *sh, const char *args, void (*fn)(void *, const char *),
                     void *ctx);
};
const struct shell_command *shell_commands(unsigned *n);
/* The groups that commands belong to, in the order of `help`; ends with a NULL name. */
struct shell_group {
    const char *name, *title;
};
const struct shell_group *shell_groups(void);

struct debug *shell_debug(struct shell *sh);
struct machine *shell_machine(struct shell *sh);
struct sources *shell_sources(struct shell *sh);

/* Print; and with colour where the front end has it. */
void shell_print(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum shade { SHADE_PLAIN, SHADE_TITLE, SHADE_NAME, SHADE_NUMBER, SHADE_NOTE, SHADE_WARN };
void shell_shade(struct shell *sh, enum shade s); /* until the next call; SHADE_PLAIN ends it */

/* Does args begin with --json (taken off)? Then the command prints one JSON document. */
bool shell_json(struct shell *sh, const char **args);
/* Print a document (a jansson json_t *; the reference is taken). No third-party type in a header. */
void shell_print_json(struct shell *sh, void *document);

/* Expressions look from the selected frame; see program/expr.h. */
struct expr_session *shell_expressions(struct shell *sh);
bool shell_address(struct shell *sh, const char *text, uint32_t *out, struct err *err);
bool shell_number(struct shell *sh, const char *text, int64_t *out, struct err *err);
/* The selected frame (`frame N`, `up`, `down`); unwound anew after the machine has moved. */
bool shell_frame(struct shell *sh, struct frame *out, struct err *err);
bool shell_select_frame(struct shell *sh, unsigned number, struct err *err);
unsigned shell_frame_number(struct shell *sh);
/* Somebody else has moved the machine: forget the selected frame. */
void shell_moved(struct shell *sh);

/* After anything that ran: forget the selected frame, say where it stands and why, run `commands` and
   `display`s. False with err when the guest could not even run. */
bool shell_stopped(struct shell *sh, const struct halt *h, struct err *err);
/* The where-are-we of a stop alone: guest line, instruction, hook, hypercall, stage, ring, process,
   interrupt flags, cycle, past. */
void shell_tell_place(struct shell *sh);

/* A condition of a stop, made from text: Lua over registers and decoded arguments. */
bool shell_condition(struct shell *sh, struct stop *s, const char *text, struct err *err);

/* The moment of a checkpoint, by number or name. */
bool shell_checkpoint(struct shell *sh, const char *what, struct moment *at, struct err *err);

/* Say which rule is broken, with the events that break it, if one is. ended: the guest has ended, and what
   had to happen before that has not. True: something was said. */
bool shell_tell_rules(struct shell *sh, bool ended);

/* Run a Lua file with the powers of the prompt. */
bool shell_lua_file(struct shell *sh, const char *path, struct err *err);

/* Values that belong to a file of commands: each has its own struct, made when first asked for. */
enum shell_room {
    ROOM_STOPS,
    ROOM_DATA,
    ROOM_VIEWS,
    ROOM_TIME,
    ROOM_TRACE,
    ROOM_SCRIPT,
    ROOM_GDB,
    ROOMS
};
/* Its memory (zeroed; freed by `fini` and then free() at shell_free()). NULL: out of memory. */
void *shell_room(struct shell *sh, enum shell_room r, size_t size, void (*fini)(void *));

#endif
