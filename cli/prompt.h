/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debugger's prompt: readline (or libedit), history across sessions, completion, Ctrl-C. Their
 * home alone.
 */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "debugger/command/shell.h"

/* Is there a person: are both standard input and output a terminal? */
bool prompt_person(void);
/* One line as it is typed, for what asks for more (`commands`); valid until the next call. */
const char *prompt_more(void *ctx, const char *prompt);
bool prompt_ask(void *ctx, const char *question);
/* Lines until `quit` or the end of the input; the status to end with. */
int prompt_run(struct shell *sh);
/* From here until NULL: Ctrl-C stops what this shell runs. */
void prompt_watch(struct shell *sh);

#endif
