/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of debugger/program/ share: files opened, and memory that is the file's own. */
#ifndef TESTS_PROGRAM_TESTS_H
#define TESTS_PROGRAM_TESTS_H

#include "unit.h"

#include <string.h>

#include "debugger/program/expr.h"

struct opened {
    struct image image;
    struct program *program;
};

static inline void open_program(struct opened *o, const char *path)
{
    struct err err = {0};

    if (!image_read(&o->image, path, &err) || !(o->program = program_open(&o->image, &err)))
        fail_msg("%s", err.text);
}

static inline void close_program(struct opened *o)
{
    program_close(o->program);
    image_free(&o->image);
}

/* Memory as it is before the program runs: what the file has, and zeros for .bss. */
static inline bool read_file_memory(void *ctx, uint32_t addr, void *to, uint32_t n)
{
    const struct program *p = ctx;

    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *b = program_bytes(p, addr + i, 1);
        if (!b && !program_covers(p, addr + i))
            return false;
        ((uint8_t *)to)[i] = b ? *b : 0;
    }
    return true;
}

/* The line of the sample that has "mark: NAME". */
static inline unsigned marked_line(const char *mark)
{
    FILE *f = fopen(SAMPLE_SOURCE, "r");
    char line[256], wanted[64];
    unsigned n = 0;

    assert_non_null(f);
    snprintf(wanted, sizeof wanted, "mark: %s", mark);
    for (unsigned i = 1; fgets(line, sizeof line, f); i++)
        if (strstr(line, wanted))
            n = i;
    fclose(f);
    assert_int_not_equal(n, 0);
    return n;
}

#endif
