/* SPDX-License-Identifier: GPL-2.0-only */
/* A run that is watched: the tracer, and the file and the statistics that hear from it. */
#ifndef CLI_TRACING_H
#define CLI_TRACING_H

#include "debugger/stats.h"
#include "debugger/tracer.h"
#include "session.h"

/* All zeros: nothing is traced. */
struct tracing {
    struct kernel *kernel;
    struct tracer *tracer;
    struct trace_writer *writer; /* NULL: no file */
    struct stats *stats;         /* NULL: no statistics */
    const char *path;
};

/* -o and --stats, where they were given. After session_start(), before the first instruction. End
   it also when this fails. */
bool tracing_begin(struct tracing *t, struct session *s, const struct options *o, struct err *err);
/* Before session_close(). Says how much was written. False: not all of it arrived. */
bool tracing_end(struct tracing *t, struct err *err);

#endif
