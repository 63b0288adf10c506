/* SPDX-License-Identifier: GPL-2.0-only */
/* Errors as values: see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_class class, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list ap;
    va_start(ap, fmt);
    err->class = class;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return false;
    size_t used = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    /* A context that leaves no room for ": " is already all that fits. */
    if (used + 2 < sizeof text) {
        memcpy(text + used, ": ", 3);
        used += 2;
        size_t more = strnlen(err->text, sizeof text - 1 - used);
        memcpy(text + used, err->text, more);
        text[used + more] = '\0';
    }
    memcpy(err->text, text, sizeof text);
    return false;
}
