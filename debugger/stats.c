/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Beginnings are put on a stack of their task, as in trace_view.c, but nothing is formatted: a run
 * has millions of them.
 *
 * User mode begins at the IRET that ends a crossing from ring 3 (or one that ends nothing: a task's
 * first way out), and ends at the next crossing from ring 3.
 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "hooks.h"

#define DEPTH_MAX 32u
#define TASKS_MAX 32768u /* numbers of tasks; greater ones share a stack */

struct frame {
    enum stat_class class;
    unsigned id;
    uint64_t cycle;
    bool from_user;
};

struct task_stack {
    unsigned depth;
    struct frame frame[DEPTH_MAX];
};

struct stats {
    struct machine *m;
    unsigned (*hook)(void *ctx, const struct event *e);
    void *hook_ctx;
    struct tally stat[STAT_CLASSES][STAT_IDS];
    struct task_stack *task[TASKS_MAX]; /* made when first needed */
    uint32_t pid;
    bool in_user;
    uint64_t user_since, user;
    uint64_t cycles, instructions, idle; /* when it began */
};

const char *const stat_class_name[STAT_CLASSES] = {
    [STAT_HOOK] = "hook", [STAT_FAULT] = "fault",         [STAT_INT] = "int",
    [STAT_IRQ] = "irq",   [STAT_HYPERCALL] = "hypercall",
};

static struct task_stack *stack_of(struct stats *s)
{
    struct task_stack **t = &s->task[s->pid % TASKS_MAX];

    if (!*t)
        *t = calloc(1, sizeof **t);
    return *t;
}

static void begin(struct stats *s, const struct event *e, enum stat_class class, uint32_t id)
{
    struct task_stack *t = stack_of(s);

    id = id < STAT_IDS ? id : STAT_IDS - 1;
    s->stat[class][id].begun++;
    if (t && e->cpl == 3)
        t->depth = 0; /* nothing of the kernel is open below a user's crossing */
    if (t && t->depth < DEPTH_MAX)
        t->frame[t->depth++] = (struct frame){class, id, e->cycle, e->cpl == 3};
}

static unsigned bucket_of(uint64_t cycles)
{
    unsigned i = cycles ? 64 - (unsigned)__builtin_clzll(cycles) : 0;
    return i < STAT_BUCKETS ? i : STAT_BUCKETS - 1;
}

static void measure(struct tally *x, uint64_t cycles)
{
    if (!x->ended++ || cycles < x->least)
        x->least = cycles;
    if (cycles > x->most)
        x->most = cycles;
    x->total += cycles;
    x->bucket[bucket_of(cycles)]++;
}

/* A crossing: what an IRET ends. Hooks and hypercalls end by themselves. */
static bool is_crossing(enum stat_class class)
{
    return class == STAT_FAULT || class == STAT_INT || class == STAT_IRQ;
}

/* The newest frame of this class and id (STAT_CLASSES: the newest crossing); what is above it has
   ended unseen. */
static bool end(struct stats *s, const struct event *e, enum stat_class class, unsigned id,
                bool *from_user)
{
    struct task_stack *t = stack_of(s);

    for (unsigned i = t ? t->depth : 0; i-- > 0;) {
        struct frame *f = &t->frame[i];
        if (class == STAT_CLASSES ? !is_crossing(f->class) : f->class != class || f->id != id)
            continue;
        t->depth = i;
        *from_user = f->from_user;
        measure(&s->stat[f->class][f->id], e->cycle - f->cycle);
        return true;
    }
    return false;
}

static void enter_kernel(struct stats *s, const struct event *e)
{
    if (s->in_user)
        s->user += e->cycle - s->user_since;
    s->in_user = false;
}

static void on_hook(struct stats *s, const struct event *e)
{
    unsigned hook = s->hook(s->hook_ctx, e);
    bool to_user = true;

    if (hook_table[hook].convention != HOOK_JUMP) {
        begin(s, e, STAT_HOOK, hook);
        return;
    }
    s->stat[STAT_HOOK][hook].begun++;
    end(s, e, STAT_CLASSES, 0, &to_user);
    if (to_user && !s->in_user) {
        s->in_user = true;
        s->user_since = e->cycle + 1; /* the IRET itself is the kernel's */
    }
}

static void on_event(void *ctx, const struct event *e)
{
    struct stats *s = ctx;
    bool from_user;

    switch (e->kind) {
    case EVENT_fault:
    case EVENT_softint:
    case EVENT_irq:
        /* An IRET that faults has not left: the crossing into user mode never was. */
        if (e->cpl == 3 || s->in_user)
            enter_kernel(s, e);
        begin(s, e,
              e->kind == EVENT_fault     ? STAT_FAULT
              : e->kind == EVENT_softint ? STAT_INT
                                         : STAT_IRQ,
              e->a[0]);
        break;
    case EVENT_back: /* the guest's kernel has not seen it */
        if (end(s, e, STAT_CLASSES, 0, &from_user) && from_user && !s->in_user) {
            s->in_user = true;
            s->user_since = e->cycle;
        }
        break;
    case EVENT_hypercall:
        begin(s, e, STAT_HYPERCALL, e->a[0]);
        break;
    case EVENT_hypercall_end:
        end(s, e, STAT_HYPERCALL, e->a[0] < STAT_IDS ? e->a[0] : STAT_IDS - 1, &from_user);
        break;
    case EVENT_hook:
        on_hook(s, e);
        break;
    case EVENT_hook_end:
        end(s, e, STAT_HOOK, s->hook(s->hook_ctx, e), &from_user);
        break;
    case EVENT_task:
        s->pid = e->a[0];
        break;
    default:
        break;
    }
}

static unsigned hook_of_tracer(void *ctx, const struct event *e)
{
    return tracer_hook(ctx, e->a[0]);
}

void stats_see(struct stats *s, const struct event *e)
{
    on_event(s, e);
}

struct stats *stats_of_run(struct machine *m, unsigned (*hook)(void *, const struct event *),
                           void *ctx)
{
    struct stats *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->m = m;
    s->hook = hook;
    s->hook_ctx = ctx;
    return s;
}

struct stats *stats_attach(struct machine *m, const struct tracer *t, struct err *err)
{
    struct stats *s = stats_of_run(m, hook_of_tracer, (void *)t);

    if (!s) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    s->cycles = machine_now(m);
    s->instructions = cpu_instructions(m->domain->cpu);
    s->idle = m->domain->state.idle_cycles;
    if (events_subscribe(m->events, EV_GUEST | EV_DETAIL, on_event, s))
        return s;
    err_set(err, ERR_SYSTEM, "the event stream has no place for another reader");
    free(s);
    return NULL;
}

void stats_detach(struct stats *s)
{
    if (!s)
        return;
    events_unsubscribe(s->m->events, on_event, s);
    for (unsigned i = 0; i < TASKS_MAX; i++)
        free(s->task[i]);
    free(s);
}

const struct tally *stats_of(const struct stats *s, enum stat_class class, unsigned id)
{
    return &s->stat[class][id];
}

struct stat_places stats_places(const struct stats *s)
{
    uint64_t now = machine_now(s->m), user = s->user + (s->in_user ? now - s->user_since : 0);
    uint64_t instructions = cpu_instructions(s->m->domain->cpu) - s->instructions;
    uint64_t idle = s->m->domain->state.idle_cycles - s->idle;

    return (struct stat_places){
        .user = user,
        .idle = idle,
        .charged = now - s->cycles - instructions - idle,
        .kernel = instructions - user,
    };
}
