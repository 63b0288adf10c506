/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events made into rows for people and programs: which process, which function, which
 * hook with which arguments, how deep, and how long it took. One row is one event; the row that
 * ends something knows what it ends.
 *
 * The events may come from a file (trace_open, trace_next) or from a running machine: give the names
 * first, by trace_view_name() with what a file has or tracer_names() tells,
 *
 *     tracer_names(tracer, kernel, trace_view_put, view);
 *
 * and then every event of all classes in its order, e.g. from a reader of events_subscribe().
 */
#ifndef DEBUGGER_TRACE_VIEW_H
#define DEBUGGER_TRACE_VIEW_H

#include "trace_names.h"

enum row_phase {
    ROW_POINT, /* nothing is inside it */
    ROW_BEGIN, /* what follows is inside it, until the row that ends it */
    ROW_END,   /* `begin` and `cycles` are set */
};

struct trace_row {
    uint64_t number, cycle; /* number: of the event in the trace, from 0 */
    uint64_t begin;         /* number of the row that is ended */
    uint64_t cycles;        /* since that row */
    enum row_phase phase;
    unsigned depth; /* of the row itself; an end has that of its begin */
    unsigned ring, domain;
    uint32_t eip, pid;
    bool known_task;
    char comm[16];
    char function[64];    /* where eip is; of user code that is not known: the address */
    const char *category; /* "exit", "hook", "irq", "stage", "task", "guest", "host", ... */
    char name[80];        /* "pv_mmu_ops.set_pte", "fault", "int": what a filter matches */
    char alias[80];       /* another such name: the system call of an "int", or empty */
    char detail[320];     /* arguments: "(ptep=0xc0400000, pte=0x1067)" */
    char result[48];      /* of an end: "0x1067"; empty: none */
    char at[220];         /* of a hook: the function and source line of its site */
};

struct trace_view;
struct trace_view *trace_view_new(void);
void trace_view_free(struct trace_view *v);

/* A name record. False: out of memory. */
bool trace_view_name(struct trace_view *v, const struct trace_name *n);
/* The same as a trace_name_fn; ctx is the view. */
bool trace_view_put(void *ctx, const struct trace_name *n);
/* An event record; false when it is part of the next row, and *row is not set. */
bool trace_view_event(struct trace_view *v, const struct event *e, struct trace_row *row);

/* The machine is somewhere else in time: what was open and who ran is not known any more. */
void trace_view_forget(struct trace_view *v);

/* Does a filter choose the row? "hook:pv_mmu_ops.*", "exit:fault", "syscall:read", "stage:*",
   "hypercall:set_pte", "task"; a pattern without a colon is a category. Case does not matter. */
bool trace_row_matches(const struct trace_row *row, const char *filter);
/* Can it choose any row at all: is there such a category? */
bool trace_filter_is_known(const char *filter);

#endif
