/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside debugger/control: the debugger's own state, and what its files ask of each other. */
#ifndef DEBUGGER_CONTROL_INTERNAL_H
#define DEBUGGER_CONTROL_INTERNAL_H

#include <signal.h>

#include "debug.h"
#include "debugger/marks.h"
#include "debugger/tracer.h"
#include "emu/snapshot.h"
#include "fiber.h"
#include "source.h"

/* A snapshot and what goes with it that the machine does not know. */
struct mark_in_time {
    struct moment at;
    struct snapshot *x;
    uint64_t shown; /* bytes that the console had printed */
    size_t changed; /* changes that had been made */
};

/* Something that the user did to the machine, as part of its future. */
struct change {
    struct moment at;
    enum { CHANGE_MEMORY, CHANGE_PHYSICAL, CHANGE_REGISTER, CHANGE_COST } kind;
    uint64_t where; /* address, register */
    uint32_t n;     /* bytes; or the register's, the cost's new value */
    uint8_t *bytes; /* owned: CHANGE_MEMORY and _PHYSICAL; the name of a CHANGE_COST */
};

/* A future that was left: what it takes to run it again. */
#define FUTURES_MAX 16u
#define COSTS_MAX   32u
struct future {
    struct moment from, to; /* where it was left behind, and how far it had been run */
    struct change *change;  /* all of its changes, owned */
    size_t changes;
    struct input_entry *log; /* all of its input, owned */
    size_t entries;
};

/* What resume() came back with. */
enum ran {
    RAN_UNTIL,   /* the cycle that was asked for */
    RAN_HIT,     /* `hit` says what; the machine stands in a callback or at a mark */
    RAN_STOPPED, /* somebody wanted it to stop */
    RAN_ENDED,
    RAN_LIMIT,
    RAN_NOWHERE, /* nothing ran: there is no such place to run to */
};

enum looking {
    LOOK_AT_NOTHING, /* replay to a goal */
    LOOK_FOR_STOPS,  /* forward: the first hit stops the machine */
    LOOK_FOR_LAST,   /* backward: remember the last hit before `before` */
};

struct debug {
    struct machine *m;
    const struct kernel *kernel; /* symbols of the guest's kernel; NULL: none */
    struct source_set *source;
    struct machine_host host; /* the machine's own, which we stand before */
    struct fiber *fiber;

    /* Between the fiber and us. */
    uint64_t until; /* what machine_run() is told */
    enum end_kind ended;
    bool suspended; /* the machine stands in a callback */
    bool draining;  /* let it come out, nothing it does counts */
    volatile sig_atomic_t interrupted;

    /* Where we are. */
    struct moment counted; /* the cycle and events that `stages` belongs to */
    uint32_t stages;
    struct moment frontier;
    uint64_t horizon;
    bool fixed; /* a replay */
    struct halt halt;
    uint64_t printed, shown; /* bytes by the console at this point of time; and ever */
    bool muted;              /* what runs has been shown, or will be again */

    /* What a run looks for. */
    enum looking looking;
    struct moment began;  /* a mark or a boundary event here does not count: we come from it */
    struct moment before; /* LOOK_FOR_LAST */
    struct moment goal;   /* inside a crossing; goal.stages == MOMENT_BOUNDARY: none */
    struct stop *only;    /* this stop alone, not the armed ones */
    bool (*pause)(void *ctx, const struct event *e); /* of a step: stop at this event */
    void *pause_ctx;
    uint64_t pause_kinds; /* kinds that pause() wants to see */
    struct halt hit;      /* why != HALT_NONE: found */
    uint32_t more[4];     /* of the last EVENT_args: they belong to the call that comes next */
    bool has_more;
    struct halt pending; /* a hit at a mark: all of its clients are asked first */

    /* Stops, in order of number. */
    struct stop **stop;
    unsigned stops;
    unsigned last_number, last_internal;
    struct tracer *tracer; /* while somebody wants hooks or tasks */
    unsigned tracer_users;
    uint64_t chosen[STOP_SET_BITS / 64]; /* hooks whose sites have marks */

    /* The first watched access of a run (or, backward, the last). */
    bool touched, watch_changed;
    unsigned watched;       /* ranges that the CPU watches now */
    uint64_t touched_after; /* the cycle behind its instruction */
    struct stop *touched_stop;
    struct debug_access access;

    /* Time. */
    struct snapshots *snapshots;
    struct mark_in_time *snap; /* ascending; the first is the beginning */
    size_t snaps, room;
    uint64_t history_limit;
    uint64_t last_cpu_ns;  /* the host's processor time at the last snapshot */
    uint64_t last_look_ns; /* the host's time when that was asked for */
    struct change *change;
    size_t changes, changed; /* all of this future; applied so far */

    uint32_t cost[COSTS_MAX]; /* as they were at the beginning */
    unsigned costs;
    struct future future[FUTURES_MAX];
    unsigned futures;

    /* Listeners. */
    struct debug_listener *listeners;
    struct stop nothing; /* for `only`: a stop that never hits, so that none does */
    bool replaying;      /* debug_replay(): the listener is another one */
    void (*replay)(void *ctx, const struct event *e);
    void *replay_ctx;
};

/* ---- control.c ---- */

struct moment moment_here(struct debug *d, bool boundary);
enum ran control_resume(struct debug *d, uint64_t until);
/* Come to a boundary, wherever that is; only for who restores a snapshot next. */
void control_drain(struct debug *d);
/* Forward until something stops it; RAN_UNTIL: at `until`. Takes snapshots on the way. */
enum ran control_forward(struct debug *d, uint64_t until);
/* From inside a crossing to the boundary behind it. RAN_UNTIL: there. */
enum ran control_leave_crossing(struct debug *d);
/* d->halt for what a run came back with. */
const struct halt *control_halt(struct debug *d, enum ran r, enum halt_why at_until);
const struct halt *control_halt_at(struct debug *d, enum halt_why why);
uint64_t control_event_bit(unsigned kind);
bool control_want_tracer(struct debug *d, struct err *err);
void control_drop_tracer(struct debug *d);

bool control_kinds_of_tracer(uint64_t kinds);

/* ---- listen.c ---- */

uint64_t listen_kinds(const struct debug *d);
/* True: somebody wants to stop. */
bool listen_tell(struct debug *d, const struct event *e, struct moment at);
void listen_begin(struct debug *d); /* the machine is about to run from a boundary */
void listen_cut(struct debug *d);   /* the future was cut off here */
void listen_choose(struct debug *d, uint64_t set[STOP_SET_BITS / 64]);

/* ---- timeline.c ---- */

bool timeline_begin(struct debug *d, struct err *err);
void timeline_end(struct debug *d);
/* At a boundary: a snapshot, if it is time for one (or anyway). */
void timeline_look(struct debug *d, bool now);
/* The latest snapshot at or before a moment. */
size_t timeline_before(const struct debug *d, struct moment at);
void timeline_restore(struct debug *d, size_t index);
/* Silently to a moment that was there before; false: interrupted. */
bool timeline_go(struct debug *d, struct moment to);
/* Silently forward, looking for what d->looking says; like control_resume() in slices. */
enum ran timeline_run(struct debug *d, uint64_t until);
/* The present becomes the frontier: what was beyond is another future. */
void timeline_cut(struct debug *d);
/* Apply the changes that belong to this moment. */
void timeline_apply(struct debug *d);
uint64_t timeline_next_change(const struct debug *d);

/* To the next boundary, looking for nothing; RAN_UNTIL: there. */
enum ran control_step_quietly(struct debug *d);

/* Forget the snapshots behind a moment. */
void timeline_drop_after(struct debug *d, struct moment at);
/* The moment of the latest snapshot before `at`, or of the first. */
struct moment timeline_start_before(const struct debug *d, struct moment at);

/* ---- futures.c ---- */

/* Before the present future is cut off here: keep what lies beyond. */
void futures_keep(struct debug *d);
void futures_free(struct debug *d);

/* ---- step.c ---- */

/* To the boundary before now. False: there is none, or interrupted. */
bool control_back_one(struct debug *d);

/* ---- stops.c ---- */

/* Kinds of events that armed stops (or d->only) want to see. */
uint64_t stops_kinds(const struct debug *d);
bool stops_want_tracer(const struct stop *s);
bool stop_set_has(const uint64_t *set, uint32_t number);
/* Add the hooks that armed stops (or d->only) want to hear of. */
void stops_choose(const struct debug *d, uint64_t set[STOP_SET_BITS / 64]);
/* An event: does a stop hit? Fills *hit. */
bool stops_see(struct debug *d, const struct event *e, struct halt *hit);
/* At a boundary: does a stop at an address hit here? Fills d->hit. */
bool stops_code_here(struct debug *d);
void stops_free(struct debug *d);
bool stop_mark(struct debug *d, struct stop *s, struct err *err); /* its code marks, its watch */
void stop_unmark(struct debug *d, struct stop *s);
void stop_free(struct stop *s);
/* A hit: does it count, after its condition and its ignore count? */
bool stop_counts(struct debug *d, struct stop *s, const struct event *e);
/* Is it one of any process, or of the one that runs? */
bool stop_in_process(struct debug *d, const struct stop *s);

/* ---- watch.c ---- */

/* At a boundary: make the CPU watch what is wanted now. */
void stops_sync_watch(struct debug *d);
/* Has a watched word been touched in the run that just came back? */
bool stops_watch_touched(const struct debug *d);
/* Then: go to just behind that instruction and see whether it counts; d->hit is set if so. `frontier`
   is what it was before that run. */
bool stops_watch_hit(struct debug *d, struct moment frontier);
/* Backward: does the last access of the stretch count? Else d->before is where to look further. */
bool stops_watch_last(struct debug *d, struct halt *found);

#endif
