/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of a run: a reader of the event stream that counts, and measures from each beginning
 * to its end. With a tracer attached it sees the hooks too.
 */
#ifndef DEBUGGER_STATS_H
#define DEBUGGER_STATS_H

#include "tracer.h"

enum stat_class {
    STAT_HOOK,      /* id: the hook's number */
    STAT_FAULT,     /* id: the vector; from the exception to the IRET of its handler */
    STAT_INT,       /* id: the vector; INT n */
    STAT_IRQ,       /* id: the vector */
    STAT_HYPERCALL, /* id: the number, 255 for all from there on */
    STAT_CLASSES
};
#define STAT_IDS     256u
#define STAT_BUCKETS 40u /* of a histogram; the last takes everything beyond */

struct tally {
    uint64_t begun, ended;         /* what had not ended at the end is not in the rest */
    uint64_t total, least, most;   /* cycles */
    uint64_t bucket[STAT_BUCKETS]; /* bucket i: cycles in [2^(i-1), 2^i); bucket 0: none */
};

struct stats;
/* The stream must have been seen from here on by the tracer, t, which must outlive it. */
struct stats *stats_attach(struct machine *m, const struct tracer *t, struct err *err);
void stats_detach(struct stats *s);

/* Statistics of a whole run, fed by hand with all of its events from the beginning of time on, e.g. of a
   replay. hook: the number of the hook that a hook's event is about. NULL: out of memory. */
struct stats *stats_of_run(struct machine *m, unsigned (*hook)(void *ctx, const struct event *e),
                           void *ctx);
void stats_see(struct stats *s, const struct event *e);

const struct tally *stats_of(const struct stats *s, enum stat_class class, unsigned id);
extern const char *const stat_class_name[STAT_CLASSES];

/* Where the cycles went, from the start of the statistics until now. */
struct stat_places {
    uint64_t user, kernel, idle, charged; /* charged: by the model, for crossings */
};
struct stat_places stats_places(const struct stats *s);

#endif
