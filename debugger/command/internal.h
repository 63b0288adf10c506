/* SPDX-License-Identifier: GPL-2.0-only */
/* The shell's own state; commands use shell.h. */
#ifndef DEBUGGER_COMMAND_INTERNAL_H
#define DEBUGGER_COMMAND_INTERNAL_H

#include <signal.h>

#include "complete.h"
#include "shell.h"

#define COMMAND(name, alias, group, fn, flags, completer, usage, summary, help) \
    bool fn(struct shell *sh, const char *args, struct err *err);
#include "commands.def"
#undef COMMAND

struct display {
    unsigned number;
    char *text; /* with its /FMT */
    struct display *next;
};

struct shell {
    struct debug *debug;
    struct shell_front front;
    struct shell_setup setup;
    struct sources *sources;
    struct expr_session *expr;

    char *last; /* the line that an empty one repeats */
    bool quit;
    int status;
    unsigned depth;                    /* of source and commands: a file that sources itself ends */
    volatile sig_atomic_t ended;       /* shell_end() */
    volatile sig_atomic_t interrupted; /* Ctrl-C, since the line that was typed last */
    unsigned stood;                    /* how often the machine was said to stand still */
    bool running_commands;             /* those of a stop */
    char *next_commands;               /* of the stop that one of these has run to */
    FILE *script; /* that commands are read from now; NULL: they come from the front end */
    size_t script_line;
    char *more; /* the last line that shell_more() gave */
    char prompt[64];

    bool frame_known;
    unsigned frame_number;
    struct frame frame;
    unsigned list_next; /* the line that `list` goes on with; 0: around the frame */

    struct display *display;
    unsigned displays;

    struct {
        void *data;
        void (*fini)(void *);
    } room[ROOMS];
};

struct trace_row;
/* shell.c: a register of the machine, by its lower-case name, and how many bits it has. */
bool shell_register(struct shell *sh, const char *name, uint64_t *value, unsigned *bits);
/* place.c */
/* One event in words, without what came before it. */
bool place_event(struct shell *sh, const struct event *e, struct trace_row *row);
void place_tell(struct shell *sh, const struct halt *h);
/* stops.c: run the `commands` of a stop that the machine stands at; those of the stop that they run to
   come when they are through, however often that is. */
void stops_run_commands(struct shell *sh, const struct stop *s);
/* A stop from what stands behind break, watch, reverse; with its condition. */
struct stop *stops_parse(struct shell *sh, const char *args, bool places, struct err *err);
/* The next line for a command that asks for more (`commands`): from where the command came from. NULL:
   there is none. Valid until the next call. */
const char *shell_more(struct shell *sh, const char *prompt);
/* The next word of *text (quotes keep blanks together), which moves on; false: there is none. */
bool shell_word(const char **text, char *word, size_t size);

/* running.c: "20M", "1_000_000", "3G". */
bool shell_cycles(const char *text, uint64_t *out);

/* registers.c: for struct expr_host; ctx is the shell. */
bool registers_get(void *ctx, const char *name, uint64_t *value, unsigned *bits);
bool registers_set(void *ctx, const char *name, uint64_t value);

#endif
