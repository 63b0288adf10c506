/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's console on the host: its output to a stream, its input from a person at the terminal,
 * from a pipe, or from nowhere.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "emu/machine.h"
#include "term.h"

enum console_input {
    CONSOLE_NONE,
    CONSOLE_TERMINAL, /* raw; the guest's time keeps pace with the person's while it idles */
    CONSOLE_PIPE,     /* a byte is ready a fixed time after the one before; nothing is paced */
};

struct console {
    struct machine *machine;
    FILE *out;
    enum console_input input;
    struct term_keys keys;
    uint64_t looked_at; /* cycle */
    bool at_end;        /* standard input has ended */
    bool mid_line;      /* what the guest printed last does not end a line */
    bool quit;          /* Ctrl-A x, or no way to show the guest's output */
    /* Under the debugger: makes it come back to its prompt; NULL: this is no debugger. */
    void (*interrupt)(void *ctx);
    void *interrupt_ctx;
    int error; /* errno of the first failure to write it, or 0 */
};

/* What standard input is to the guest. In a batch run (-e) a person's keys stay with the host, so
   that Ctrl-C ends the program as everywhere. A pipe is patient: nothing is taken from it that the
   commands do not ask for, so a loop that feeds on it does not lose lines to them. */
enum console_input console_kind(bool batch);

/* Fill the machine's callbacks; the machine itself is made with them and told by console_attach. */
struct machine_host console_host(struct console *c, FILE *out, enum console_input input);
/* Connect, and make the terminal raw if it is one. */
bool console_attach(struct console *c, struct machine *m, struct err *err);
/* While the guest stands still: take what has been typed, which it will get when it runs. */
void console_keys(struct console *c);
/* Everything printed is out, the terminal is as before. */
void console_detach(struct console *c);

#endif
