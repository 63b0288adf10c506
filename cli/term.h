/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The person's terminal while it is the guest's console: raw mode, the keys that are ours, and the
 * promise that it is given back as it was on every way out of the process.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/err.h"

/*
 * Take over the signals that end a process, so that what they interrupt can be left in order: the
 * first one calls stop(ctx) in the handler (it must be safe there) and is then told by
 * term_signal(); a second one ends the process at once. Faults of the program itself restore the
 * terminal and go their way. Call before anything else installs a handler for SIGSEGV: that one
 * then comes first and passes on to ours what is not its own.
 */
bool term_init(void (*stop)(void *ctx), void *ctx, struct err *err);
/* The signal that asked the process to end, or 0. */
int term_signal(void);
/* Standard input becomes raw. It must be a terminal. */
bool term_raw(struct err *err);
/* As it was before term_raw(); harmless at any time, also in a signal handler. */
void term_restore(void);
/* Restore, and end by the signal, so that a shell sees how it was. */
_Noreturn void term_die(int signal);

/* What a key of ours asks for. */
enum term_request { TERM_NOTHING, TERM_QUIT, TERM_HELP, TERM_DETACH };

/* The decoder of Ctrl-A. Begin with {0}. */
struct term_keys {
    bool prefix; /* Ctrl-A was the last key */
};
/*
 * One typed byte: returns how many bytes (0 or 1) go to the guest, in *out; *request is set to what
 * it asked of us.
 */
size_t term_key(struct term_keys *k, uint8_t typed, uint8_t *out, enum term_request *request);

extern const char term_help[]; /* with CR LF, for a raw terminal */
extern const char term_help_debug[];

#endif
