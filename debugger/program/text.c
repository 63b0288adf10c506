/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing into somebody's buffer, however small it is. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_begin(char *at, size_t size)
{
    if (size)
        at[0] = '\0';
    return (struct text){.at = at, .size = size, .full = size == 0};
}

void text_add(struct text *t, const char *fmt, ...)
{
    va_list args;

    if (t->full)
        return;
    va_start(args, fmt);
    int n = vsnprintf(t->at + t->used, t->size - t->used, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= t->size - t->used) {
        t->used = t->size - 1;
        t->full = true;
    } else {
        t->used += (size_t)n;
    }
}

void text_end(struct text *t)
{
    if (t->full && t->size >= 4)
        memcpy(t->at + t->size - 4, "...", 4);
}
