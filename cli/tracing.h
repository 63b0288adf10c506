/* SPDX-License-Identifier: GPL-2.0-only */
/* A run that is watched: the tracer, and the file and the statistics that hear from it. */
#ifndef CLI_TRACING_H
#define CLI_TRACING_H

#include "debugger/stats.h"
#include "debugger/trace_choose.h"
#include "debugger/trace_output.h"
#include "debugger/tracer.h"
#include "session.h"

/* All zeros: nothing is traced. */
struct tracing {
    struct image image; /* of the kernel, where the session has none */
    struct kernel *kernel;
    struct tracer *tracer;
    struct trace_writer *writer; /* NULL: no file, or one in another format */
    struct stats *stats;         /* NULL: no statistics */
    const char *path;
    struct direct { /* --format: rows are made while the guest runs */
        struct events *events;
        struct trace_view *view;
        struct trace_output *output; /* NULL: not asked for */
        struct trace_chooser chooser;
        uint64_t rows;
    } direct;
};

/* -o and --stats, where they were given. After session_start(), before the first instruction. End
   it also when this fails. */
bool tracing_begin(struct tracing *t, struct session *s, const struct options *o, struct err *err);
/* Before session_close(). Says how much was written. False: not all of it arrived. */
bool tracing_end(struct tracing *t, struct err *err);

/* --filter, --from and --to, as a chooser of rows. */
bool tracing_chooser(const struct options *o, const struct text_list *filter,
                     struct trace_chooser *out, struct err *err);

#endif
