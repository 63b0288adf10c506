/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program itself says, on standard error: "ringside: " and a line. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "options.h"

/* --color. Until then, and with COLOR_AUTO, the name is colored where standard error is a terminal
   that is not "dumb", and NO_COLOR is not set. */
void say_color(enum color_when when);

/* Would the program use colors on this file descriptor? */
bool say_in_color(int fd);

/* One line; the newline is added. In a raw terminal the carriage returns too. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
