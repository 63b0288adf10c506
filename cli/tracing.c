/* SPDX-License-Identifier: GPL-2.0-only */
#include "tracing.h"

#include <inttypes.h>

#include "say.h"

bool tracing_begin(struct tracing *t, struct session *s, const char *path, struct err *err)
{
    t->path = path;
    t->kernel = kernel_open(&s->kernel, err);
    t->tracer = t->kernel ? tracer_attach(s->machine, t->kernel, err) : NULL;
    t->writer = t->tracer ? trace_create(path, err) : NULL;
    return t->writer && tracer_write(t->tracer, t->kernel, t->writer, err);
}

bool tracing_end(struct tracing *t, struct err *err)
{
    bool ok = true;

    tracer_detach(t->tracer);
    if (t->writer) {
        uint64_t events, bytes;
        trace_written(t->writer, &events, &bytes);
        ok = trace_close(t->writer, err);
        if (ok && err)
            say("%s: %" PRIu64 " events", t->path, events);
    }
    kernel_close(t->kernel);
    *t = (struct tracing){0};
    return ok;
}
