/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of a trace, printed: as a tree, as JSON lines, as CSV. */
#ifndef CLI_TRACE_ROWS_H
#define CLI_TRACE_ROWS_H

#include <stdio.h>

#include "debugger/trace_view.h"
#include "options.h"

struct row_printer {
    enum trace_format format;
    FILE *to;
    bool is_pending;
    struct trace_row pending; /* text: a beginning, which may turn out to have nothing inside */
};

void rows_begin(struct row_printer *p, enum trace_format format, FILE *to);
void rows_put(struct row_printer *p, const struct trace_row *row);
void rows_end(struct row_printer *p);

#endif
