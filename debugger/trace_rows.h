/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of a trace, printed: as a tree, as JSON lines, as CSV. (trace_output.h has all formats.) */
#ifndef DEBUGGER_TRACE_ROWS_H
#define DEBUGGER_TRACE_ROWS_H

#include <stdio.h>

#include "trace_view.h"

enum row_style { ROWS_TEXT, ROWS_JSON, ROWS_CSV };

struct row_printer {
    enum row_style style;
    FILE *to;
    bool is_pending;
    struct trace_row pending; /* text: a beginning, which may turn out to have nothing inside */
};

void rows_begin(struct row_printer *p, enum row_style style, FILE *to);
void rows_put(struct row_printer *p, const struct trace_row *row);
void rows_end(struct row_printer *p);

#endif
