/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rows of a trace are shown: --filter, --from, --to. */
#ifndef DEBUGGER_TRACE_CHOOSE_H
#define DEBUGGER_TRACE_CHOOSE_H

#include "trace_view.h"

/* A place in a trace: a cycle, or the number of an event. */
struct trace_place {
    bool given, is_event;
    uint64_t value;
};
/* "20M", "#1234"; NULL is no place. False: neither. */
bool trace_place_parse(const char *text, struct trace_place *out);

#define SHOWN_MAX 1024u

/* All zeros: every row. */
struct trace_chooser {
    const char *const *filter; /* any of them; borrowed */
    size_t filters;
    struct trace_place from, to;
    uint64_t shown[SHOWN_MAX]; /* beginnings that were shown: so will be their ends */
    unsigned n;
};
bool trace_choose(struct trace_chooser *c, const struct trace_row *row);
/* Is the row behind `to`? Then so is everything after it. */
bool trace_is_over(const struct trace_chooser *c, const struct trace_row *row);

#endif
