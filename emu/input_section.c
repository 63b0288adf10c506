/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The input log in a file. An entry is a number of cycles since the one before and a byte, ten
 * bytes together: typed text is small anyway, and the container packs it.
 */
#include "input_section.h"

#include <stdlib.h>
#include <string.h>

struct __attribute__((packed)) packed_entry {
    uint64_t after;
    uint16_t byte;
};

void input_entries_write(struct container_out *c, const struct input_entry *log, size_t n)
{
    uint64_t last = 0;

    for (size_t i = 0; i < n; i++) {
        struct packed_entry e = {.after = log[i].cycle - last, .byte = (uint16_t)log[i].byte};
        container_put(c, &e, sizeof e);
        last = log[i].cycle;
    }
}

static bool grow(struct input_entry **log, size_t n, size_t *room)
{
    if (n < *room)
        return true;
    size_t more = *room ? *room * 2 : 1024;
    struct input_entry *bigger = realloc(*log, more * sizeof **log);
    if (!bigger)
        return false;
    *log = bigger;
    *room = more;
    return true;
}

bool input_entries_read(struct container_in *c, struct input_entry **log, size_t *n,
                        struct err *err)
{
    size_t room = 0;
    uint64_t cycle = 0;
    bool ok = true;

    *log = NULL;
    *n = 0;
    while (ok && !container_section_is_over(c)) {
        struct packed_entry e;
        ok = container_get(c, &e, sizeof e, err);
        if (ok && (cycle + e.after < cycle || e.byte > INPUT_END))
            ok = container_bad(c, err, "input log entry %zu is none", *n);
        if (ok && (*n == INPUT_LOG_MAX || !grow(log, *n, &room)))
            ok = container_bad(c, err, "an input log that is too long");
        if (ok) {
            cycle += e.after;
            (*log)[(*n)++] = (struct input_entry){.cycle = cycle, .byte = e.byte};
        }
    }
    if (!ok) {
        free(*log);
        *log = NULL;
        *n = 0;
    }
    return ok;
}

void input_section_write(struct container_out *c, const struct input *in)
{
    size_t n;
    const struct input_entry *log = input_log(in, &n);

    container_section(c, "INPT");
    input_entries_write(c, log, n);
}

bool input_section_read(struct container_in *c, struct input *in, struct err *err)
{
    struct input_entry *log;
    size_t n;

    if (!container_enter(c, "INPT", err) || !input_entries_read(c, &log, &n, err))
        return false;
    bool ok = input_set_log(in, log, n, err);
    if (!ok && err)
        err->class = ERR_FILE;
    free(log);
    return ok;
}
