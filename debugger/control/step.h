/* SPDX-License-Identifier: GPL-2.0-only */
/* What steps forward (step.c) and backward (backward.c) have in common. */
#ifndef DEBUGGER_CONTROL_STEP_H
#define DEBUGGER_CONTROL_STEP_H

#include "internal.h"
#include "source.h"

#define BIT(kind) (1ull << EVENT_##kind)
#define EXITS                                                                                    \
    (BIT(fault) | BIT(softint) | BIT(io_in) | BIT(io_out) | BIT(hlt) | BIT(cpuid) | BIT(rdtsc) | \
     BIT(msr) | BIT(dr) | BIT(sysenter))

/* Let the next run stop at an event of these kinds, if fn says so; until step_no_pause(). */
void step_pause_at(struct debug *d, uint64_t kinds, bool (*fn)(void *ctx, const struct event *e),
                   void *ctx);
void step_no_pause(struct debug *d);
bool step_any_event(void *ctx, const struct event *e);

/* Somewhere in the same context: process, ring, stack. */
struct place_to_be {
    struct debug *d;
    uint32_t eip, esp, cpl;
    bool above; /* ESP must be above esp: a frame has gone; else be equal */
    bool task;  /* and the process must be this one: others run the same code on other stacks */
    uint32_t pid;
};
/* In the process that runs now, if the kernel says which. (CR3 does not: the tables that a model puts
   there come and go.) */
struct place_to_be step_place(struct debug *d, uint32_t eip, uint32_t esp, uint32_t cpl,
                              bool above);
bool step_is_pid(struct debug *d, uint32_t pid);

/* Where the guest stands, by its source and by its registers. */
struct context {
    struct source_spot spot;
    uint32_t eip, esp, cpl;
};
/* `over`: see source_at(). */
struct context step_context_seen(struct debug *d, const struct source_spot *over);
struct context step_context(struct debug *d);

/* backward.c */
const struct halt *step_back(struct debug *d, enum grain grain, enum reach reach);

#endif
