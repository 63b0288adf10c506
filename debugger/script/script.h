/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lua in the debugger: conditions of stops, scripts with the powers of the prompt, handlers and rules
 * over the event stream. docs/debugger-lua.md is what its users read. This folder alone includes
 * Lua's headers.
 *
 * All Lua of one shell shares one state. It is a sandbox: no files, no modules, no loading of code, so
 * much memory and so many instructions a call, and no number from the host that could differ from one
 * run to the next.
 */
#ifndef DEBUGGER_SCRIPT_SCRIPT_H
#define DEBUGGER_SCRIPT_SCRIPT_H

#include "debugger/command/shell.h"

struct script;

struct script *script_new(struct shell *sh, struct err *err);
void script_free(struct script *s);

/* Make `text` the condition of a stop, which then owns it. */
bool script_condition(struct script *s, struct stop *stop, const char *text, struct err *err);

/* Run code, or a file. What `print` prints goes to the shell; so do the values of an expression. */
bool script_run(struct script *s, const char *code, struct err *err);
bool script_file(struct script *s, const char *path, struct err *err);

/*
 * Rules and handlers, as files define them, listen to the run. When one of them is broken the run stops
 * (HALT_ASKED), and here is which, with the events that break it, in lines; or the error of a handler.
 * NULL: none. script_mended() forgets it, for going on.
 */
const char *script_broken(const struct script *s, bool *is_error);
uint64_t script_broken_at(const struct script *s); /* cycle */
/* A file of rules. They hear what has happened already, which may have broken one: see above. */
bool script_rules_file(struct script *s, const char *path, struct err *err);
void script_mended(struct script *s);
/* The guest has ended: what should have happened still, now has not. */
void script_ended(struct script *s);
unsigned script_rules(const struct script *s, const char *const **names);
void script_forget_rules(struct script *s);

#endif
