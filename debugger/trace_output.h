/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of a trace in any format that is offered, into a file or to standard output. */
#ifndef DEBUGGER_TRACE_OUTPUT_H
#define DEBUGGER_TRACE_OUTPUT_H

#include <stdio.h>

#include "trace_view.h"

enum trace_format {
    FORMAT_TEXT,     /* a tree for people */
    FORMAT_JSON,     /* an object a line */
    FORMAT_CSV,      /* RFC 4180 */
    FORMAT_PERFETTO, /* TrackEvent protobuf, for ui.perfetto.dev: trace_perfetto.h */
    FORMAT_SQLITE,   /* a database: trace_sqlite.h and docs/trace-schema.md */
    TRACE_FORMATS
};
extern const char *const trace_format_name[TRACE_FORMATS];

struct trace_output;
/* path NULL: to `to`, which a binary format refuses if it is a terminal, and sqlite always. */
struct trace_output *trace_output_open(enum trace_format format, const char *path, FILE *to,
                                       struct err *err);
/* Errors of the disk are kept, and told by trace_output_close(). */
void trace_output_name(struct trace_output *o, const struct trace_name *n);
void trace_output_row(struct trace_output *o, const struct trace_row *row);
bool trace_output_close(struct trace_output *o, struct err *err);

#endif
