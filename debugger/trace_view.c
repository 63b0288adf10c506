/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See trace_view.h. What is inside what is told by the events themselves: a hook until its end, an
 * exception, interrupt or system call until the IRET of the same task. So each task has a stack of
 * its own, and a switch of tasks in the middle of a system call hurts nobody.
 */
#include "trace_view.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "emu/x86/x86.h"
#include "hooks.h"
#include "trace_args.h"

#define NUMBER_MAX 65536u /* of any name; a file may claim more and is not believed */
#define DEPTH_MAX  32u
#define KINDS      128u

struct name {
    uint32_t a, b;
    char *text, *text2, *text3;
};

struct names {
    struct name *name;
    uint32_t n;
};

struct task_stack {
    uint32_t pid;
    unsigned depth;
    struct frame {
        uint64_t number, cycle;
        uint32_t site; /* of a hook; else CROSSING or HYPERCALL */
        bool syscall;
    } frame[DEPTH_MAX];
};

#define CROSSING  UINT32_MAX
#define HYPERCALL (UINT32_MAX - 1)

struct trace_view {
    struct names by[NAME_CLASSES]; /* symbols: in the order they come, by address */
    int kind[KINDS];               /* the file's number of a kind -> ours, or -1 */
    uint64_t number;
    uint32_t pid;
    bool known_task;
    char comm[16];
    uint32_t stacked[2];        /* hook_stack: the words for the hook that follows */
    struct argument_words args; /* args, text: of the call that follows */
    struct program {
        char comm[16];
        uint32_t first, n; /* in by[NAME_PROGRAM] */
    } * program;
    unsigned programs;
    struct task_stack *task;
    unsigned tasks;
};

struct trace_view *trace_view_new(void)
{
    struct trace_view *v = calloc(1, sizeof *v);

    for (unsigned i = 0; v && i < KINDS; i++)
        v->kind[i] = -1;
    return v;
}

void trace_view_free(struct trace_view *v)
{
    if (!v)
        return;
    for (unsigned c = 0; c < NAME_CLASSES; c++) {
        for (uint32_t i = 0; i < v->by[c].n; i++) {
            free(v->by[c].name[i].text);
            free(v->by[c].name[i].text2);
            free(v->by[c].name[i].text3);
        }
        free(v->by[c].name);
    }
    free(v->program);
    free(v->task);
    free(v);
}

void trace_view_forget(struct trace_view *v)
{
    v->tasks = 0;
    v->known_task = false;
    v->pid = 0;
    memset(v->comm, 0, sizeof v->comm);
    v->stacked[0] = v->stacked[1] = 0;
    v->args = (struct argument_words){0};
}

/* ---- names ---- */

static bool put(struct names *all, uint32_t at, const struct trace_name *n)
{
    if (at >= NUMBER_MAX)
        return true;
    if (at >= all->n) {
        uint32_t room = (at + 256) / 256 * 256;
        struct name *more = realloc(all->name, room * sizeof *more);
        if (!more)
            return false;
        memset(more + all->n, 0, (room - all->n) * sizeof *more);
        all->name = more;
        all->n = room;
    }
    struct name *slot = &all->name[at];
    free(slot->text);
    free(slot->text2);
    free(slot->text3);
    *slot = (struct name){n->a, n->b, strdup(n->text), strdup(n->text2), strdup(n->text3)};
    return slot->text && slot->text2 && slot->text3;
}

/* Functions of one program come one after the other. */
static bool put_program(struct trace_view *v, const struct trace_name *n)
{
    struct program *last = v->programs ? &v->program[v->programs - 1] : NULL;

    if (n->number >= NUMBER_MAX)
        return true;
    if (!last || strncmp(last->comm, n->text2, sizeof last->comm - 1) != 0) {
        struct program *more = realloc(v->program, (v->programs + 1) * sizeof *more);
        if (!more)
            return false;
        v->program = more;
        last = &v->program[v->programs++];
        *last = (struct program){.first = n->number};
        snprintf(last->comm, sizeof last->comm, "%s", n->text2);
    }
    last->n++;
    return put(&v->by[NAME_PROGRAM], n->number, n);
}

bool trace_view_name(struct trace_view *v, const struct trace_name *n)
{
    if (n->class == NAME_EVENT && n->number < KINDS)
        for (unsigned i = 0; i < EVENT_KINDS; i++)
            if (!strcmp(event_info[i].name, n->text) && !strcmp(event_info[i].fields, n->text2))
                v->kind[n->number] = (int)i;
    return n->class == NAME_PROGRAM ? put_program(v, n) : put(&v->by[n->class], n->number, n);
}

bool trace_view_put(void *ctx, const struct trace_name *n)
{
    return trace_view_name(ctx, n);
}

static const struct name *get(const struct trace_view *v, enum trace_name_class class,
                              uint32_t number)
{
    const struct names *all = &v->by[class];

    return number < all->n && all->name[number].text ? &all->name[number] : NULL;
}

/* The function around an address among n names that begin with number `first`. */
static bool find_function(const struct names *all, uint32_t first, uint32_t n, uint32_t eip,
                          char *text, size_t size)
{
    uint32_t low = first, high = first + n < all->n ? first + n : all->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (all->name[middle].text && all->name[middle].a <= eip)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == first || eip - all->name[low - 1].a >= all->name[low - 1].b)
        return false;
    snprintf(text, size, "%s", all->name[low - 1].text);
    return true;
}

/* User code has the name of its program's function, if its file told it, else its address. */
static void name_function(const struct trace_view *v, const struct event *e, char *text,
                          size_t size)
{
    if (e->cpl != 3) {
        find_function(&v->by[NAME_SYMBOL], 0, v->by[NAME_SYMBOL].n, e->eip, text, size);
        return;
    }
    for (unsigned i = 0; i < v->programs; i++)
        if (!strncmp(v->program[i].comm, v->comm, 12) &&
            find_function(&v->by[NAME_PROGRAM], v->program[i].first, v->program[i].n, e->eip, text,
                          size))
            return;
    snprintf(text, size, "%#x", e->eip);
}

/* ---- nesting ---- */

static struct task_stack *stack_of(struct trace_view *v)
{
    uint32_t pid = v->known_task ? v->pid : 0;

    /* The newest tasks are at the end and the most likely ones. */
    for (unsigned i = v->tasks; i-- > 0;)
        if (v->task[i].pid == pid)
            return &v->task[i];
    if (v->tasks % 64 == 0) {
        struct task_stack *more = realloc(v->task, (v->tasks + 64) * sizeof *more);
        if (!more)
            return NULL;
        v->task = more;
    }
    v->task[v->tasks] = (struct task_stack){.pid = pid};
    return &v->task[v->tasks++];
}

static unsigned depth_now(struct trace_view *v)
{
    struct task_stack *s = stack_of(v);
    return s ? s->depth : 0;
}

static void begin(struct trace_view *v, struct trace_row *row, uint32_t site)
{
    struct task_stack *s = stack_of(v);

    if (s && row->ring == 3)
        s->depth = row->depth = 0; /* nothing of the kernel is open below a user's crossing */
    if (!s || s->depth == DEPTH_MAX)
        return; /* deeper than anything real: a point, then */
    row->phase = ROW_BEGIN;
    s->frame[s->depth++] = (struct frame){row->number, row->cycle, site, row->alias[0] != '\0'};
}

/* End the newest frame of this site (CROSSING: the newest such), and whatever is inside it.
   True: it was a system call. */
static bool end(struct trace_view *v, struct trace_row *row, uint32_t site)
{
    struct task_stack *s = stack_of(v);

    for (unsigned i = s ? s->depth : 0; i-- > 0;) {
        if (s->frame[i].site != site)
            continue;
        s->depth = row->depth = i;
        row->phase = ROW_END;
        row->begin = s->frame[i].number;
        row->cycles = row->cycle - s->frame[i].cycle;
        return s->frame[i].syscall;
    }
    return false;
}

/* ---- what the kinds of event say ---- */

static const char *copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
    return to;
}

/* Name, place and arguments of the hook that a site calls. */
static const struct name *describe_hook(struct trace_view *v, uint32_t site, struct trace_row *row)
{
    const struct name *s = get(v, NAME_SITE, site), *h = s ? get(v, NAME_HOOK, s->b) : NULL;

    row->category = "hook";
    if (h)
        copy(row->name, sizeof row->name, h->text);
    else
        snprintf(row->name, sizeof row->name, "site %u", site);
    if (s)
        snprintf(row->at, sizeof row->at, "%s%s%s", s->text, s->text2[0] ? " " : "", s->text2);
    return h;
}

static void on_hook(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const struct name *h = describe_hook(v, e->a[0], row);
    const struct argument_words a = {
        .word = {e->a[1], e->a[2], e->a[3], v->stacked[0], v->stacked[1]}, .n = 5};

    if (h)
        format_arguments(h->text2, &a, row->detail, sizeof row->detail);
    if (!h || h->a != HOOK_JUMP)
        begin(v, row, e->a[0]);
    else if (end(v, row, CROSSING)) /* the way out: EAX is what the process will see */
        snprintf(row->result, sizeof row->result, e->a[1] > UINT32_MAX - 4096 ? "%d" : "%#x",
                 (int)e->a[1]);
}

static void on_hook_end(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const struct name *h = describe_hook(v, e->a[0], row);
    uint64_t wide = (uint64_t)e->a[2] << 32 | e->a[1];

    end(v, row, e->a[0]);
    if (!h || !strcmp(h->text3, "void"))
        return;
    if (!strcmp(h->text3, "pte_t") || !strcmp(h->text3, "pmd_t") || !strcmp(h->text3, "pud_t") ||
        !strcmp(h->text3, "pgd_t"))
        format_pte(wide, row->result, sizeof row->result);
    else if (!strcmp(h->text3, "uint64_t"))
        snprintf(row->result, sizeof row->result, "%#llx", (unsigned long long)wide);
    else
        snprintf(row->result, sizeof row->result, "%#x", e->a[1]);
}

static const char *const exception[] = {
    "divide error", "debug",        "NMI",      "breakpoint", "overflow",      "bound range", "#UD",
    "#NM, no FPU",  "double fault", "vector 9", "#TS",        "#NP",           "#SS",         "#GP",
    "#PF",          "vector 15",    "#MF",      "#AC",        "machine check", "#XM",
};

static void on_fault(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    bool known = e->a[0] < sizeof exception / sizeof exception[0];
    /* Without no-execute the error code calls a fetch a read. */
    bool fetch = e->a[1] & PF_I || (!(e->a[1] & PF_W) && e->a[2] == e->eip);

    if (e->a[0] == X86_PF)
        snprintf(row->detail, sizeof row->detail, "#PF at %#x: %s by %s, %s", e->a[2],
                 fetch            ? "fetch"
                 : e->a[1] & PF_W ? "write"
                                  : "read",
                 e->a[1] & PF_U ? "user" : "kernel",
                 e->a[1] & PF_P ? "not allowed" : "not present");
    else
        snprintf(row->detail, sizeof row->detail, "%s, error %#x",
                 known ? exception[e->a[0]] : "vector beyond 19", e->a[1]);
    begin(v, row, CROSSING);
}

static void on_softint(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const struct name *call = e->a[0] == 0x80 ? get(v, NAME_SYSCALL, e->a[1]) : NULL;

    copy(row->name, sizeof row->name, "int");
    if (call) {
        copy(row->alias, sizeof row->alias, call->text);
        int n = snprintf(row->detail, sizeof row->detail, "%#x %s", e->a[0], call->text);
        if (v->args.n && n < (int)sizeof row->detail)
            format_arguments(call->text2, &v->args, row->detail + n,
                             sizeof row->detail - (size_t)n);
    } else {
        snprintf(row->detail, sizeof row->detail, "%#x eax=%#x", e->a[0], e->a[1]);
    }
    begin(v, row, CROSSING);
}

/* The crossing ends here, without a handler of the guest. */
static void on_back(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    (void)e;
    end(v, row, CROSSING);
}

static void on_hypercall(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const struct name *c = get(v, NAME_HYPERCALL, e->a[0]);
    struct argument_words a = {.word = {e->a[1], e->a[2], e->a[3]}, .n = 3};

    for (unsigned i = 0; i < v->args.n && a.n < ARGUMENT_WORDS; i++)
        a.word[a.n++] = v->args.word[i];
    if (c) {
        copy(row->name, sizeof row->name, c->text);
        format_arguments(c->text2, &a, row->detail, sizeof row->detail);
    } else {
        snprintf(row->name, sizeof row->name, "%u", e->a[0]);
        format_arguments("a0 a1 a2", &a, row->detail, sizeof row->detail);
    }
    begin(v, row, HYPERCALL);
}

static void on_hypercall_end(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const struct name *c = get(v, NAME_HYPERCALL, e->a[0]);

    if (c)
        copy(row->name, sizeof row->name, c->text);
    else
        snprintf(row->name, sizeof row->name, "%u", e->a[0]);
    end(v, row, HYPERCALL);
    if (e->a[1])
        snprintf(row->result, sizeof row->result, "%#x", e->a[2]);
}

static void on_irq(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    row->category = "irq";
    snprintf(row->detail, sizeof row->detail, "vector %#x", e->a[0]);
    begin(v, row, CROSSING);
}

static void on_io(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    (void)v;
    copy(row->alias, sizeof row->alias, "io"); /* as the exit is called */
    snprintf(row->detail, sizeof row->detail, "port %#x %s %#x", e->a[0],
             e->kind == EVENT_io_in ? "gave" : "got", e->a[2]);
}

static void on_stage(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const struct name *s = get(v, NAME_STAGE, e->a[0]);

    row->category = "stage";
    copy(row->name, sizeof row->name, s ? s->text : "?");
    snprintf(row->detail, sizeof row->detail, "[%#x %#x]", e->a[1], e->a[2]);
    if (s)
        snprintf(row->at, sizeof row->at, "%s:%u", s->text2, s->a);
}

static void on_task(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    bool same = v->known_task && v->pid == e->a[0];

    v->pid = e->a[0];
    v->known_task = true;
    memset(v->comm, 0, sizeof v->comm);
    memcpy(v->comm, &e->a[1], 12);
    for (char *p = v->comm; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7F)
            *p = '?';
    row->category = "task";
    snprintf(row->name, sizeof row->name, "%s", same ? "renamed" : "switch");
    snprintf(row->detail, sizeof row->detail, "%s %s:%u", same ? "is now" : "to", v->comm, v->pid);
}

/* Everything else: the names of its words and what they are. */
static void on_other(struct trace_view *v, const struct event *e, struct trace_row *row)
{
    const char *p = event_info[e->kind].fields;
    size_t used = 0;

    (void)v;
    for (unsigned i = 0; i < 4 && *p && used < sizeof row->detail; i++) {
        size_t n = strcspn(p, " ");
        used += (size_t)snprintf(row->detail + used, sizeof row->detail - used, "%s%.*s=%#x",
                                 i ? " " : "", (int)n, p, e->a[i]);
        p += n + (p[n] == ' ');
    }
}

static const struct {
    void (*fn)(struct trace_view *, const struct event *, struct trace_row *);
    const char *category;
} describe[EVENT_KINDS] = {
    [EVENT_fault] = {on_fault, "exit"},
    [EVENT_softint] = {on_softint, "exit"},
    [EVENT_back] = {on_back, "exit"},
    [EVENT_irq] = {on_irq, "irq"},
    [EVENT_io_in] = {on_io, "exit"},
    [EVENT_io_out] = {on_io, "exit"},
    [EVENT_hlt] = {on_other, "exit"},
    [EVENT_cpuid] = {on_other, "exit"},
    [EVENT_rdtsc] = {on_other, "exit"},
    [EVENT_msr] = {on_other, "exit"},
    [EVENT_dr] = {on_other, "exit"},
    [EVENT_sysenter] = {on_other, "exit"},
    [EVENT_hole] = {on_other, "exit"},
    [EVENT_hypercall] = {on_hypercall, "hypercall"},
    [EVENT_hypercall_end] = {on_hypercall_end, "hypercall"},
    [EVENT_stage] = {on_stage, "stage"},
    [EVENT_hook] = {on_hook, "hook"},
    [EVENT_hook_end] = {on_hook_end, "hook"},
    [EVENT_task] = {on_task, "task"},
};

/* What belongs to the event that comes next. */
static bool is_part(struct trace_view *v, int kind, const struct event *e)
{
    struct argument_words *a = &v->args;

    switch (kind) {
    case EVENT_hook_stack:
        v->stacked[0] = e->a[1];
        v->stacked[1] = e->a[2];
        return true;
    case EVENT_args:
        for (unsigned i = 0; i < 4 && a->n < ARGUMENT_WORDS; i++)
            a->word[a->n++] = e->a[i];
        return true;
    case EVENT_text:
        if (e->a[0] < sizeof a->text / sizeof a->text[0]) {
            char *text = a->text[e->a[0]];
            size_t used = strlen(text);
            if (used + 12 < sizeof a->text[0])
                memcpy(text + used, &e->a[1], 12);
        }
        return true;
    default:
        return false;
    }
}

bool trace_view_event(struct trace_view *v, const struct event *in, struct trace_row *row)
{
    struct event e = *in;
    int kind = e.kind < KINDS ? v->kind[e.kind] : -1;

    *row = (struct trace_row){.number = v->number++,
                              .cycle = e.cycle,
                              .ring = e.cpl,
                              .domain = e.domain,
                              .eip = e.eip,
                              .category = "other"};
    row->depth = depth_now(v);
    if (is_part(v, kind, &e))
        return false;
    if (kind >= 0) {
        unsigned class = event_info[kind].class;
        e.kind = (uint16_t)kind;
        copy(row->name, sizeof row->name, event_info[kind].name);
        row->category = describe[kind].category ? describe[kind].category
                        : class == EV_HOST      ? "host"
                                                : "guest";
        (describe[kind].fn ? describe[kind].fn : on_other)(v, &e, row);
    } else {
        const struct name *n = get(v, NAME_EVENT, e.kind);
        copy(row->name, sizeof row->name, n ? n->text : "?");
    }
    if (v->args.n)
        v->args = (struct argument_words){0};
    name_function(v, &e, row->function, sizeof row->function);
    row->pid = v->pid;
    row->known_task = v->known_task;
    memcpy(row->comm, v->comm, sizeof row->comm);
    return true;
}

/* What stands before the colon, or all of it; and the pattern behind. */
static const char *split_filter(const char *filter, char *category, size_t size)
{
    const char *colon = strchr(filter, ':');
    size_t n = colon ? (size_t)(colon - filter) : strlen(filter);

    memset(category, 0, size);
    if (n < size)
        memcpy(category, filter, n);
    return colon ? colon + 1 : "*";
}

bool trace_filter_is_known(const char *filter)
{
    static const char *const categories[] = {"exit", "hook",  "hypercall", "syscall", "irq",
                                             "task", "stage", "guest",     "host"};
    char category[16];

    split_filter(filter, category, sizeof category);
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (!fnmatch(category, categories[i], FNM_CASEFOLD))
            return true;
    return false;
}

bool trace_row_matches(const struct trace_row *row, const char *filter)
{
    char category[16];
    const char *pattern = split_filter(filter, category, sizeof category);

    if (!strcasecmp(category, "syscall"))
        return row->alias[0] && !strcmp(row->name, "int") &&
               !fnmatch(pattern, row->alias, FNM_CASEFOLD);
    if (fnmatch(category, row->category, FNM_CASEFOLD) != 0)
        return false;
    if (!fnmatch(pattern, row->name, FNM_CASEFOLD))
        return true;
    return row->alias[0] && strcmp(row->name, "int") != 0 &&
           !fnmatch(pattern, row->alias, FNM_CASEFOLD);
}
