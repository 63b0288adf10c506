/* SPDX-License-Identifier: GPL-2.0-only */
/* What may stand at the end of a line: one function for each kind of argument. */
#ifndef DEBUGGER_COMMAND_COMPLETE_H
#define DEBUGGER_COMMAND_COMPLETE_H

#include "shell.h"

#define COMPLETER(name)                                                                        \
    void complete_##name(struct shell *sh, const char *args, void (*fn)(void *, const char *), \
                         void *ctx)

COMPLETER(nothing);
COMPLETER(files);
COMPLETER(commands);
COMPLETER(grains);     /* hook hypercall exit */
COMPLETER(places);     /* functions, files */
COMPLETER(break);      /* places, and hook NAME, hypercall NAME, ... */
COMPLETER(reverse);    /* hook NAME, ... */
COMPLETER(expression); /* symbols, $registers */
COMPLETER(checkpoints);
COMPLETER(costs);
COMPLETER(hooks);     /* their names */
COMPLETER(registers); /* their names */
COMPLETER(filters);   /* hook:NAME, exit, ... */
COMPLETER(formats);   /* text, json, csv */
COMPLETER(stops);     /* numbers */

/* The word that a completion replaces: the last one of args. */
const char *complete_word(const char *args);
/* Offer `name` if it begins with the last word of args. */
void complete_offer(const char *args, const char *name, void (*fn)(void *, const char *),
                    void *ctx);

#endif
