/* SPDX-License-Identifier: GPL-2.0-only */
/* The debugger's prompt: readline (or libedit), history, completion, Ctrl-C. Their home alone. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "debugger/command/shell.h"

/* Fill in what a person at a terminal can be asked, if there is one. */
void prompt_front(struct shell_front *f);
/* Lines until `quit` or the end of the input; the status to end with. */
int prompt_run(struct shell *sh);

#endif
