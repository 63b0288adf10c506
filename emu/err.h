/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors of the host are values with context. A function that can fail takes a struct err * last,
 * returns false or NULL, and says in err what a person can do about it. A guest's errors are no
 * errors of ours: see domain_kill().
 */
#ifndef EMU_ERR_H
#define EMU_ERR_H

#include <stdbool.h>

enum err_class {
    ERR_NONE = 0,
    ERR_USAGE = 64,  /* the caller asked for something that makes no sense */
    ERR_FILE = 65,   /* a file cannot be used */
    ERR_SYSTEM = 71, /* the host refused memory, a descriptor, a library */
    ERR_ENGINE = 72, /* the CPU engine failed its self-check */
};

struct err {
    enum err_class class; /* also the program's exit status */
    char text[480];
};

/* Set err (which may be NULL) and return false, so that callers can `return err_set(...)`. */
bool err_set(struct err *err, enum err_class class, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " before the text that is there. Returns false. */
bool err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
