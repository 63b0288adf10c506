/* SPDX-License-Identifier: GPL-2.0-only */
/* See say.h. Whether standard error shows colors is a property of the process, hence the static. */
#include "say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum color_when color = COLOR_AUTO;

void say_color(enum color_when when)
{
    color = when;
}

bool say_in_color(int fd)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    if (color != COLOR_AUTO)
        return color == COLOR_ALWAYS;
    return isatty(fd) && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

void say(const char *fmt, ...)
{
    va_list ap;
    bool terminal = isatty(STDERR_FILENO);
    fputs(say_in_color(STDERR_FILENO) ? "\033[1;31mringside:\033[0m " : "ringside: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs(terminal ? "\r\n" : "\n", stderr);
}
