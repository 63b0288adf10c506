/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks at sites, made into events.
 *
 * A site's end is only an address: code may come there without having called the hook (a jump), or
 * twice (an interrupt between). So the tracer remembers which calls are open, by site and stack
 * pointer, and believes an end only if it fits the newest open call on its stack.
 */
#include "tracer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "abi/kernel_info.h"
#include "hooks.h"
#include "hv-models/hv.h"
#include "marks.h"
#include "sites.h"

#define OPEN_MAX   64u
#define NOBODY     UINT32_MAX
#define HOOKS_MAX  512u
#define CALLS      512u       /* system calls whose arguments are known */
#define CALL_TEXT  49u        /* bytes of a text that are told, and the end */
#define MARK_TASKS UINT32_MAX /* tag of the mark at the switch of tasks */

enum { SYSCALL_VECTOR = 0x80 };

/* An address that is marked: the beginning of one site, the end of another, or both. */
struct point {
    uint32_t addr;
    uint32_t enter, leave; /* sites, or NOBODY */
    bool marked;
};

struct tracer {
    struct machine *m;
    struct sites sites;
    uint8_t *words; /* of each site's hook */
    struct point *point;
    unsigned points;
    struct open {
        uint32_t site, esp;
    } open[OPEN_MAX];
    unsigned opened;
    struct kernel_info info; /* magic 0: the kernel does not say */
    const uint64_t *chosen;  /* a copy of what was given to tracer_choose(); NULL: all */
    uint64_t set[(HOOKS_MAX + 63) / 64];
    struct task_name {
        uint32_t pid;
        char comm[12];
    } task;
    struct call {
        uint8_t words, texts; /* of its arguments; a bit for each that points to a text */
    } call[CALLS];
    struct trace_writer *writer;
};

/* ---- tasks ---- */

static bool peek(struct domain *d, uint32_t at, void *to, uint32_t n)
{
    return x86_peek(cpu_regs(d->cpu), d->mem, GVA(at), to, n);
}

/* Before the kernel has switched paging on its addresses lead nowhere. */
static bool can_look(const struct tracer *t)
{
    return t->info.magic && cpu_regs(t->m->domain->cpu)->cr0 & CR0_PG;
}

/* Before it has made its first task there may be anything. */
static bool plausible(const struct task_name *t)
{
    return t->pid < 1u << 22 && (t->comm[0] == '\0' || isprint((unsigned char)t->comm[0]));
}

/* Who runs? An event when it is another one, or has another name, than before. */
static void look_for_task(struct tracer *t)
{
    struct domain *d = t->m->domain;
    struct task_name now = {0};
    uint32_t task, word[3];

    if (!can_look(t) || !peek(d, t->info.current_task, &task, 4) || !task ||
        !peek(d, task + t->info.task_pid, &now.pid, 4) ||
        !peek(d, task + t->info.task_comm, now.comm, sizeof now.comm) || !plausible(&now))
        return;
    /* What stands behind the end of a name is an older, longer name. */
    size_t n = strnlen(now.comm, sizeof now.comm);
    memset(now.comm + n, 0, sizeof now.comm - n);
    if (!memcmp(&now, &t->task, sizeof now))
        return;
    t->task = now;
    memcpy(word, now.comm, sizeof word);
    domain_emit(d, EVENT_task, now.pid, word[0], word[1], word[2]);
}

/* ---- hooks ---- */

static bool same_stack(uint32_t a, uint32_t b)
{
    return (a ^ b) < 8192; /* KSTACK_ORDER: two pages, aligned */
}

static void enter(struct tracer *t, uint32_t site)
{
    struct domain *d = t->m->domain;
    uint32_t esp = cpu_gpr(d->cpu, R_ESP), stack[2];

    /* Calls from deeper in this stack have ended without our seeing it. */
    while (t->opened && same_stack(t->open[t->opened - 1].esp, esp) &&
           t->open[t->opened - 1].esp < esp)
        t->opened--;
    if (t->opened && t->open[t->opened - 1].site == site && t->open[t->opened - 1].esp == esp)
        return; /* the same call: it was interrupted before its first instruction */
    if (t->words[site] > 3 && peek(d, esp, stack, 4u * (t->words[site] - 3u)))
        domain_emit(d, EVENT_hook_stack, site, stack[0], t->words[site] > 4 ? stack[1] : 0, 0);
    domain_emit(d, EVENT_hook, site, cpu_gpr(d->cpu, R_EAX), cpu_gpr(d->cpu, R_EDX),
                cpu_gpr(d->cpu, R_ECX));
    if (hook_table[t->sites.site[site].hook].convention != HOOK_JUMP && t->opened < OPEN_MAX)
        t->open[t->opened++] = (struct open){site, esp};
}

static void leave(struct tracer *t, uint32_t site)
{
    struct domain *d = t->m->domain;
    uint32_t esp = cpu_gpr(d->cpu, R_ESP);

    for (unsigned i = t->opened; i-- > 0;) {
        if (t->open[i].site != site || t->open[i].esp != esp)
            continue;
        t->opened = i;
        domain_emit(d, EVENT_hook_end, site, cpu_gpr(d->cpu, R_EAX), cpu_gpr(d->cpu, R_EDX), 0);
        return;
    }
}

static bool is_chosen(const struct tracer *t, uint32_t site)
{
    if (site == NOBODY || !t->chosen)
        return site != NOBODY;
    unsigned hook = t->sites.site[site].hook;
    return t->chosen[hook / 64] & 1ull << hook % 64;
}

static bool on_mark(void *ctx, struct domain *d, uint32_t at, uint32_t id)
{
    struct tracer *t = ctx;

    (void)d, (void)at;
    if (id == MARK_TASKS) {
        t->opened = 0; /* nobody switches inside a hook: what seems open has ended unseen */
        look_for_task(t);
        return false;
    }
    if (t->task.pid == NOBODY)
        look_for_task(t); /* nobody switches to the first task */
    if (is_chosen(t, t->point[id].leave))
        leave(t, t->point[id].leave);
    if (is_chosen(t, t->point[id].enter))
        enter(t, t->point[id].enter);
    return false;
}

/* ---- attaching ---- */

static int by_address(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Two points a site, sorted; then those at one address made one. */
static bool make_points(struct tracer *t)
{
    unsigned n = 0;

    t->point = calloc(2 * (size_t)t->sites.n, sizeof *t->point);
    t->words = calloc(t->sites.n, 1);
    if (!t->point || !t->words)
        return false;
    for (unsigned i = 0; i < t->sites.n; i++) {
        const struct site *s = &t->sites.site[i];
        t->words[i] = (uint8_t)hook_words(&hook_table[s->hook]);
        t->point[n++] = (struct point){s->addr, i, NOBODY, false};
        t->point[n++] = (struct point){s->addr + s->length, NOBODY, i, false};
    }
    qsort(t->point, n, sizeof *t->point, by_address);
    for (unsigned i = 0; i < n; i++) {
        struct point *p = t->points ? &t->point[t->points - 1] : NULL;
        if (!p || p->addr != t->point[i].addr) {
            t->point[t->points++] = t->point[i];
            continue;
        }
        if (t->point[i].enter != NOBODY)
            p->enter = t->point[i].enter;
        if (t->point[i].leave != NOBODY)
            p->leave = t->point[i].leave;
    }
    return true;
}

static void read_info(struct tracer *t, const struct kernel *k)
{
    const struct kernel_symbol *s = kernel_find(k, "ringside_kernel_info");
    const uint8_t *bytes = s ? kernel_bytes(k, s->addr, sizeof t->info) : NULL;

    if (bytes)
        memcpy(&t->info, bytes, sizeof t->info);
    if (t->info.magic != KERNEL_INFO_MAGIC || t->info.version != KERNEL_INFO_VERSION)
        t->info = (struct kernel_info){0};
}

/* Marks where they are wanted, and nowhere else. */
static bool sync_marks(struct tracer *t)
{
    struct marks *k = marks_of(t->m);

    for (unsigned i = 0; k && i < t->points; i++) {
        struct point *p = &t->point[i];
        bool want = is_chosen(t, p->enter) || is_chosen(t, p->leave);
        if (want && !p->marked && !marks_add(k, p->addr, on_mark, t, i))
            return false;
        if (!want && p->marked)
            marks_remove(t->m, p->addr, on_mark, t, i);
        p->marked = want;
    }
    return k;
}

static bool set_marks(struct tracer *t)
{
    return sync_marks(t) && (!t->info.magic || marks_add(marks_of(t->m), t->info.switched_at,
                                                         on_mark, t, MARK_TASKS));
}

void tracer_choose(struct tracer *t, const uint64_t *hooks)
{
    memcpy(t->set, hooks, sizeof t->set);
    t->chosen = t->set;
    sync_marks(t);
}

/* ---- system calls ---- */

/* A text that an argument points to, as far as it can be read now and is not too long. */
static void tell_text(struct domain *d, unsigned argument, uint32_t at)
{
    char text[CALL_TEXT] = "";
    uint32_t word[3];
    unsigned n = 0;

    while (n < sizeof text - 1 && peek(d, at + n, text + n, 1) && text[n])
        n++;
    memset(text + n, 0, sizeof text - n);
    for (unsigned i = 0; i < n; i += sizeof word) {
        memcpy(word, text + i, sizeof word);
        domain_emit(d, EVENT_text, argument, word[0], word[1], word[2]);
    }
}

/* What the registers hold, which the event of the call itself has no room for; it comes first. */
static void tell_arguments(struct tracer *t, uint32_t number)
{
    static const unsigned order[6] = {R_EBX, R_ECX, R_EDX, R_ESI, R_EDI, R_EBP};
    struct domain *d = t->m->domain;
    const struct call *c = number < CALLS ? &t->call[number] : NULL;
    uint32_t a[8] = {0};
    unsigned words = c ? c->words : 6;

    for (unsigned i = 0; i < words; i++)
        a[i] = cpu_gpr(d->cpu, order[i]);
    for (unsigned i = 0; i < words; i += 4)
        domain_emit(d, EVENT_args, a[i], a[i + 1], a[i + 2], a[i + 3]);
    for (unsigned i = 0; c && i < words; i++)
        if (c->texts & 1u << i)
            tell_text(d, i, a[i]);
}

static void on_call(void *ctx, const struct event *e)
{
    struct tracer *t = ctx;

    if (e->kind != EVENT_softint)
        return;
    look_for_task(t); /* a good time to ask: execve has just changed the name */
    if (e->a[0] == SYSCALL_VECTOR && e->cpl == 3 && events_wanted(t->m->events, EV_DETAIL))
        tell_arguments(t, e->a[1]);
}

static void read_calls(struct tracer *t, const struct kernel *k)
{
    for (uint32_t i = 0; i < CALLS; i++)
        t->call[i].words = (uint8_t)trace_call_words(k, i, &t->call[i].texts);
}

struct tracer *tracer_attach(struct machine *m, const struct kernel *k, struct err *err)
{
    struct tracer *t = calloc(1, sizeof *t);

    if (!t) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    t->m = m;
    t->task.pid = NOBODY;
    read_info(t, k);
    read_calls(t, k);
    if (!sites_read(k, &t->sites, err)) {
        free(t);
        return NULL;
    }
    if (!t->sites.ours)
        err_set(err, ERR_FILE,
                "%s: not a kernel of Ringside's: the numbers of its hooks mean "
                "something else",
                kernel_image(k)->name);
    else if (!make_points(t) || !set_marks(t))
        err_set(err, ERR_SYSTEM, "out of memory");
    /* Before any other reader, so that these hear first who calls. */
    else if (!events_subscribe(m->events, EV_GUEST, on_call, t))
        err_set(err, ERR_SYSTEM, "the event stream has no place for another reader");
    else {
        return t;
    }
    tracer_detach(t);
    return NULL;
}

void tracer_restored(struct tracer *t)
{
    t->opened = 0;
    t->task.pid = NOBODY;
}

static void on_event(void *ctx, const struct event *e)
{
    struct tracer *t = ctx;

    trace_put_event(t->writer, e);
}

void tracer_detach(struct tracer *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < t->points; i++)
        if (t->point[i].marked)
            marks_remove(t->m, t->point[i].addr, on_mark, t, i);
    if (t->info.magic)
        marks_remove(t->m, t->info.switched_at, on_mark, t, MARK_TASKS);
    events_unsubscribe(t->m->events, on_call, t);
    events_unsubscribe(t->m->events, on_event, t);
    sites_free(&t->sites);
    free(t->words);
    free(t->point);
    free(t);
}

unsigned tracer_hook(const struct tracer *t, uint32_t site)
{
    return t->sites.site[site].hook;
}

void tracer_tell(struct tracer *t)
{
    t->task.pid = NOBODY;
    look_for_task(t);
}

/* ---- names ---- */

bool tracer_names(const struct tracer *t, const struct kernel *k, trace_name_fn *put, void *ctx)
{
    return trace_names(t->m, k, &t->sites, put, ctx);
}

static bool put_name(void *ctx, const struct trace_name *n)
{
    trace_put_name(ctx, n);
    return true; /* what the disk says to it is kept by the writer */
}

bool tracer_write(struct tracer *t, const struct kernel *k, struct trace_writer *w, struct err *err)
{
    tracer_names(t, k, put_name, w);
    t->writer = w;
    if (!events_subscribe(t->m->events, EV_GUEST | EV_DETAIL | EV_HOST, on_event, t))
        return err_set(err, ERR_SYSTEM, "the event stream has no place for another reader");
    return true;
}
