/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine in somebody's hands: run it forward and backward, stop where it matters, step.
 *
 * Time here is a `moment`: the cycle, and, inside a crossing, how many events and stages of the
 * model have passed at that cycle. The machine is deterministic, so a moment names one state for
 * ever, and going back is restoring an earlier snapshot and running forward again to the moment.
 *
 *     past  snapshots ...............  now ........ frontier      (then live: the console types)
 *
 * A stop is an event filter plus a condition; there is one mechanism for all kinds. Going backward
 * asks the same question while replaying: where was the last time that a stop would have hit?
 */
#ifndef DEBUGGER_CONTROL_DEBUG_H
#define DEBUGGER_CONTROL_DEBUG_H

#include "debugger/hooks.h"
#include "debugger/kernel.h"
#include "emu/machine.h"
#include "emu/record.h"

struct debug;

struct moment {
    uint64_t cycle;
    uint64_t events; /* guest-visible ones so far */
    uint32_t stages; /* inside a crossing: stages since the last of them; else MOMENT_BOUNDARY */
};
/* Between two instructions, everything that belongs to the cycle is done. */
#define MOMENT_BOUNDARY UINT32_MAX
/* <0, 0, >0: is a before b? */
int moment_compare(struct moment a, struct moment b);

enum halt_why {
    HALT_NONE,        /* nothing has run yet */
    HALT_STEP,        /* the step that was asked for is done */
    HALT_STOP,        /* a stop hit: its number is in `stop` */
    HALT_INTERRUPTED, /* debug_interrupt(): a person pressed Ctrl-C */
    HALT_GOAL,        /* debug_goto() has arrived */
    HALT_ENDED,       /* the guest has ended: m->domain->end says how */
    HALT_LIMIT,       /* --max-cycles */
    HALT_BEGINNING,   /* backward, and there is nothing before this */
    HALT_ASKED,       /* a listener wanted it */
    HALT_RECORDED,    /* a replay has come to the end of its recording */
};

/* What a watched word went through. */
struct debug_access {
    uint32_t addr,
        eip; /* virtual address as watched; of the instruction (the exit's, if by the host) */
    uint8_t size;
    bool write;
    bool host; /* by the model or the board, not by an instruction */
    uint64_t was, is;
};

struct halt {
    enum halt_why why;
    struct moment at;
    unsigned stop;
    bool has_event; /* an event was where it stopped */
    struct event event;
    bool has_access;
    struct debug_access access;
};

struct debug_setup {
    struct machine *machine;    /* with its guest built, or loaded; nothing has run here yet */
    const struct image *kernel; /* for symbols; may be empty. These two must outlive it */
    const struct image *initrd; /* for the symbols of user programs; may be empty */
    uint64_t history_bytes;     /* memory that snapshots may take; 0: the default */
    bool replay;                /* a recording: nothing may be changed */
    uint64_t horizon;           /* the cycle where it ends; 0: by itself */
};

/* Takes over the machine's host callbacks (and calls them when it is their time). */
struct debug *debug_new(const struct debug_setup *s, struct err *err);
void debug_free(struct debug *d);

struct machine *debug_machine(struct debug *d);
const struct kernel *debug_kernel(struct debug *d); /* its symbols; NULL: none */
struct moment debug_now(struct debug *d);
struct moment debug_frontier(struct debug *d); /* the furthest that this future has been run */
bool debug_in_past(struct debug *d);
/* In the middle of a crossing: the model's C code stands on the machine's stack. */
bool debug_inside(struct debug *d);
const struct halt *debug_halt(struct debug *d);

/* ---- running; each returns debug_halt() ---- */

const struct halt *debug_continue(struct debug *d);
const struct halt *debug_reverse_continue(struct debug *d);
const struct halt *debug_goto(struct debug *d, struct moment to);
/* To the first boundary with cycles >= cycle; forward (also into what has not been yet) or backward. */
const struct halt *debug_goto_cycle(struct debug *d, uint64_t cycle);

enum grain { GRAIN_LINE, GRAIN_INSN, GRAIN_HOOK, GRAIN_HYPERCALL, GRAIN_EXIT, GRAINS };
enum reach { REACH_INTO, REACH_OVER, REACH_OUT }; /* step, next, finish */
extern const char *const grain_name[GRAINS];
const struct halt *debug_step(struct debug *d, enum grain grain, enum reach reach, bool backward);

/* From a signal handler: make a running debug_*() return soon. */
void debug_interrupt(struct debug *d);
/* Was it asked to, while it stood still? Forgets it. */
bool debug_forget_interrupt(struct debug *d);

/* ---- stops ---- */

enum stop_kind {
    STOP_CODE,      /* an instruction address */
    STOP_HOOK,      /* a hook is about to be called, at any of its sites */
    STOP_HYPERCALL, /* a call of the guest to its hypervisor, decoded */
    STOP_STAGE,     /* a step inside the model */
    STOP_EXIT,      /* the CPU left guest code */
    STOP_VECTOR,    /* an exception, interrupt or INT n of this vector */
    STOP_IRQ,       /* an external interrupt is delivered */
    STOP_SWITCH,    /* the kernel switches to another task */
    STOP_SYSCALL,   /* INT 0x80 */
    STOP_EVENT,     /* any event, by its name in the catalogue */
    STOP_WATCH,     /* memory */
    STOP_KINDS
};
extern const char *const stop_kind_name[STOP_KINDS];

enum watch_for { WATCH_CHANGE = 1, WATCH_READ = 2, WATCH_WRITE = 4 };

#define STOP_ADDRS_MAX 64
#define STOP_SET_BITS  512u

struct stop;
/* Would it stop here? e is NULL at STOP_CODE and STOP_WATCH. Sees the machine, changes nothing. */
typedef bool (*stop_test)(void *ctx, struct debug *d, const struct stop *s, const struct event *e);

struct stop {
    unsigned number;
    enum stop_kind kind;
    bool enabled, temporary;
    bool internal; /* not the user's (gdb's, a command's): not in his lists, none of his numbers */
    uint64_t ignore; /* so many hits are let pass */
    uint64_t hits;
    char what[160]; /* as the user gave it, for lists */

    /* STOP_CODE */
    unsigned addrs;
    uint32_t addr[STOP_ADDRS_MAX];
    char process[16]; /* in processes of this name only: another program has other code there */
    /* kinds of events: which kinds, and which values of the word that decides */
    uint64_t kinds; /* bit (1 << EVENT_x) */
    bool any;       /* whatever the word is */
    uint64_t set[STOP_SET_BITS / 64];
    /* STOP_WATCH */
    bool physical;
    uint64_t at;
    uint32_t size;
    unsigned watch_for;

    /* The condition, made by whoever reads the command; NULL: always. */
    stop_test test;
    void *test_ctx;
    void (*test_free)(void *test_ctx);
    /* For the front end: what `commands` said. Freed with free(). */
    char *condition, *commands;
};

/*
 * Make a stop from what the user names: STOP_HOOK "set_pte" or "pv_mmu_ops.*", STOP_HYPERCALL
 * "set_pte", STOP_STAGE "validate" (a part of the text), STOP_EXIT "fault", STOP_VECTOR "14",
 * STOP_SYSCALL "fork", STOP_EVENT "io_out"; "" is any. STOP_CODE and STOP_WATCH: fill in addr, or
 * at, size, watch_for afterwards. NULL, with the nearest name in err, when nothing matches. The
 * stop is not armed until debug_stop_arm(). */
struct stop *debug_stop_new(struct debug *d, enum stop_kind kind, const char *name,
                            struct err *err);
bool debug_stop_arm(struct debug *d, struct stop *s, struct err *err); /* gives it its number */
void debug_stop_delete(struct debug *d, struct stop *s);
void debug_stop_enable(struct debug *d, struct stop *s, bool on);
struct stop *debug_stop_number(struct debug *d, unsigned number);
/* All armed ones of the user's in order of number; NULL after the last. */
struct stop *debug_stop_next(struct debug *d, const struct stop *after);

/* To where a stop like s (not armed; stays the caller's) would have hit last, or will hit next. */
const struct halt *debug_seek(struct debug *d, struct stop *s, bool backward);

/* Names that a kind knows, for completion and suggestions: fn(ctx, name) for each. */
void debug_stop_names(struct debug *d, enum stop_kind kind, void (*fn)(void *ctx, const char *name),
                      void *ctx);

/* Is it an event that s would stop at, its condition aside? */
bool debug_stop_matches(struct debug *d, const struct stop *s, const struct event *e);
/* What an event of hooks calls: the number of the hook (hook_table). */
unsigned debug_event_hook(const struct debug *d, const struct event *e);
/* While an EVENT_hypercall is told: its arguments beyond the three in the event; those that it does not
   have are 0. */
void debug_more_words(const struct debug *d, uint32_t *word, unsigned n);
/* Of the kernel's table; NULL: it has no such call, or no symbols. */
const char *debug_syscall_name(struct debug *d, uint32_t number);

/* ---- changing the world: at a boundary only ---- */

/* What is changed becomes part of this future: replaying it does it again at this moment. What had
   been run beyond now is forgotten. */
bool debug_write(struct debug *d, uint32_t gva, const void *bytes, uint32_t n, struct err *err);
bool debug_write_physical(struct debug *d, uint64_t maddr, const void *bytes, uint32_t n,
                          struct err *err);
/* May it be changed here? False: err says why not (inside a crossing; in a replay). */
bool debug_may_change(struct debug *d, struct err *err);
enum debug_reg { REG_GPR /* + R_EAX.. */, REG_EIP = 8, REG_EFLAGS, DEBUG_REGS };
bool debug_set_register(struct debug *d, unsigned reg, uint32_t value, struct err *err);
bool debug_set_cost(struct debug *d, const char *name, uint32_t cycles, struct err *err);
bool debug_type(struct debug *d, const uint8_t *bytes, uint32_t n, struct err *err);

/* The changes of the present future up to its frontier, for a recording; and those of a recording, at
   the beginning of its replay. Free with record_free(). */
bool debug_changes(struct debug *d, struct recording *r, struct err *err);
bool debug_set_changes(struct debug *d, const struct recording *r, struct err *err);

/* ---- other futures ---- */

/* Futures that were left behind when something was changed in the past of them; the newest is the last. */
unsigned debug_futures(struct debug *d);
bool debug_future(struct debug *d, unsigned index, struct moment *from, struct moment *to);
/* Run one again, from where it was left, with fn called for each event; comes back to here and now. */
bool debug_replay_future(struct debug *d, unsigned index,
                         void (*fn)(void *ctx, const struct event *e), void *ctx, struct err *err);

/* ---- the timeline ---- */

unsigned debug_snapshots(struct debug *d, uint64_t *bytes);
uint64_t debug_history_limit(struct debug *d);
void debug_set_history_limit(struct debug *d, uint64_t bytes);

/* Somebody who is told of the events of the run as it goes forward, of each once, whatever goes back
   and forth in between. The first six are the caller's. */
struct debug_listener {
    uint64_t kinds;                     /* bits (1 << EVENT_x) */
    uint64_t hooks[STOP_SET_BITS / 64]; /* of the kinds that are about hooks: these */
    /* True: stop here (HALT_ASKED). Looks, and changes nothing. */
    bool (*see)(void *ctx, const struct event *e);
    void (*cut)(void *ctx); /* what was told beyond now has not happened; NULL: who cares */
    void *ctx;
    struct moment told, now;
    uint32_t told_there, now_there;
    struct debug_listener *next;
};
/* It must stay where it is until it is removed. Not from inside see(). */
bool debug_listener_add(struct debug *d, struct debug_listener *l, struct err *err);
void debug_listener_remove(struct debug *d, struct debug_listener *l);
/* In see() and in conditions: the moment of the event that is told. */
struct moment debug_event_moment(struct debug *d);
/* Replay the stretch from `from` to `to` (both were run before) with fn called for each event, hooks
   too if asked for; comes back to where it was. */
bool debug_replay(struct debug *d, struct moment from, struct moment to, bool hooks,
                  void (*fn)(void *ctx, const struct event *e), void *ctx, struct err *err);

/* The same, and `ends` is called at both ends, where all that there is can be looked at (in the middle
   of a crossing only registers and memory are of interest). from may be to. Comes back to where it
   was, and debug_halt() says what it said. Either function may be NULL. */
bool debug_witness(struct debug *d, struct moment from, struct moment to, bool hooks,
                   void (*fn)(void *ctx, const struct event *e), void (*ends)(void *ctx, bool last),
                   void *ctx, struct err *err);
/* Seek backward for s (as debug_seek()), call `there` at what was found, come back. False: there is
   none, or interrupted. */
bool debug_find_before(struct debug *d, struct stop *s,
                       void (*there)(void *ctx, const struct halt *h), void *ctx, struct err *err);
/* Memory as it is now, for comparing: snapshot_page_differs(), snapshot_read(), snapshot_free(). At a
   boundary only. */
struct snapshot *debug_photograph(struct debug *d, struct err *err);
/* The i-th snapshot of the history, from the beginning; false: there are not so many. */
bool debug_snapshot(struct debug *d, unsigned i, struct moment *at, uint64_t *bytes);

/* The stretch of the crossing at or before now: from the boundary before it to the one after it. */
bool debug_last_crossing(struct debug *d, struct moment *from, struct moment *to);

#endif
