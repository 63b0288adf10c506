/* SPDX-License-Identifier: GPL-2.0-only */
#include "tracing.h"

#include <inttypes.h>

#include "say.h"

bool tracing_begin(struct tracing *t, struct session *s, const struct options *o, struct err *err)
{
    if (!o->output && !o->stats)
        return true;
    t->path = o->output;
    t->kernel = kernel_open(&s->kernel, err);
    t->tracer = t->kernel ? tracer_attach(s->machine, t->kernel, err) : NULL;
    if (!t->tracer)
        return false;
    if (o->stats && !(t->stats = stats_attach(s->machine, t->tracer, err)))
        return false;
    if (!o->output)
        return true;
    t->writer = trace_create(o->output, err);
    return t->writer && tracer_write(t->tracer, t->kernel, t->writer, err);
}

bool tracing_end(struct tracing *t, struct err *err)
{
    bool ok = true;

    stats_detach(t->stats);
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
