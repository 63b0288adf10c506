/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracer: from a machine in which a kernel is about to run to events for every hook call at
 * every patch site, inlined ones too, and for every switch of tasks. It puts marks before and
 * behind each site (detached, there are none, and nothing is slower), and whoever subscribes to
 * the event stream sees its events among the others. The guest can not tell: marks neither retire
 * instructions nor are they counted in its state.
 */
#ifndef DEBUGGER_TRACER_H
#define DEBUGGER_TRACER_H

#include "emu/machine.h"
#include "kernel.h"
#include "trace_names.h"

struct tracer;

/* The kernel must be the one in the machine, and have its list of sites (ERR_FILE). Its marks
   are m's registry's (marks.h). The kernel's image is needed only during this call. */
struct tracer *tracer_attach(struct machine *m, const struct kernel *k, struct err *err);
/* Only the calls of these hooks, a bit for each: the other sites have no marks then, and cost nothing.
   After tracer_attach() it is all. At a boundary, or from a mark. */
void tracer_choose(struct tracer *t, const uint64_t *hooks);
/* The machine has gone to another time: what seemed open is not. */
void tracer_restored(struct tracer *t);
/* Takes the marks away again. */
void tracer_detach(struct tracer *t);

/* The number of the hook that a site calls; `site` as in an event of this tracer. */
unsigned tracer_hook(const struct tracer *t, uint32_t site);

/* Every name that a reader of this machine's events needs, for trace_view_name() or a file. k is the
   kernel that the tracer was attached with. False as soon as put says so. */
bool tracer_names(const struct tracer *t, const struct kernel *k, trace_name_fn *put, void *ctx);

/* Everything the stream has from now on goes to the file, after the names that it needs; k is the
   kernel that the tracer was attached with. */
bool tracer_write(struct tracer *t, const struct kernel *k, struct trace_writer *w,
                  struct err *err);

/* Emit an event for the task that runs now: whoever comes in the middle of a run would otherwise not
   know before the next switch. */
void tracer_tell(struct tracer *t);

#endif
