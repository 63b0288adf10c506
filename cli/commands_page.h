/* SPDX-License-Identifier: GPL-2.0-only */
/* docs/debugger-commands.md: the debugger's commands as a page of the reference. */
#ifndef CLI_COMMANDS_PAGE_H
#define CLI_COMMANDS_PAGE_H

#include <stdio.h>

/* Markdown, from the table that the prompt's `help` reads. */
void commands_page(FILE *to);

#endif
