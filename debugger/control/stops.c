/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stops: where the machine shall stand still. Each kind but code and memory is a filter over the
 * event stream: which kinds of events, and which values of the one word that says what it is. The
 * rows of `filters` are the whole difference between a hook, a hypercall and a system call.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/sites.h"
#include "emu/suggest.h"
#include "hv-models/hv.h"
#include "internal.h"
#include "source.h"

#define BIT(kind) (1ull << EVENT_##kind)
/* The numbers of internal stops begin here. */
#define INTERNAL 0x80000000u

const char *const stop_kind_name[STOP_KINDS] = {
    [STOP_CODE] = "code",   [STOP_HOOK] = "hook",     [STOP_HYPERCALL] = "hypercall",
    [STOP_STAGE] = "stage", [STOP_EXIT] = "exit",     [STOP_VECTOR] = "vector",
    [STOP_IRQ] = "irq",     [STOP_SWITCH] = "switch", [STOP_SYSCALL] = "syscall",
    [STOP_EVENT] = "event", [STOP_WATCH] = "watch",
};

/* ---- names ---- */

static const char *strip(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(name, prefix, n) ? name : name + n;
}

/* "LHCALL_SET_PTE", "lhcall_set_pte" and "set_pte" mean the same call. */
static bool same_call(const char *pattern, const char *name)
{
    return !fnmatch(pattern, name, FNM_CASEFOLD) ||
           !fnmatch(pattern, strip(name, "LHCALL_"), FNM_CASEFOLD) ||
           !fnmatch(pattern, strip(name, "HYPERVISOR_"), FNM_CASEFOLD);
}

const char *debug_syscall_name(struct debug *d, uint32_t number)
{
    const struct kernel_symbol *table = d->kernel ? kernel_find(d->kernel, "syscall_table") : NULL;
    const uint8_t *word = table && number < table->size / 4
                              ? kernel_bytes(d->kernel, table->addr + 4 * number, 4)
                              : NULL;
    uint32_t addr = 0;

    if (word)
        memcpy(&addr, word, 4);
    const struct kernel_symbol *s = addr ? kernel_symbol_at(d->kernel, addr) : NULL;
    return s && s->addr == addr && !strncmp(s->name, "sys_", 4) ? s->name + 4 : NULL;
}

/* The kinds of exits that are events, by the names that exits have. */
static const struct {
    const char *name;
    uint64_t kinds;
} exits[] = {
    {"fault", BIT(fault)}, {"softint", BIT(softint)}, {"io", BIT(io_in) | BIT(io_out)},
    {"hlt", BIT(hlt)},     {"cpuid", BIT(cpuid)},     {"rdtsc", BIT(rdtsc)},
    {"msr", BIT(msr)},     {"dr", BIT(dr)},           {"sysenter", BIT(sysenter)},
};
#define EXITS (sizeof exits / sizeof exits[0])

void debug_stop_names(struct debug *d, enum stop_kind kind, void (*fn)(void *, const char *),
                      void *ctx)
{
    const struct hv_hypercall *calls = hv_model(d->m->domain)->hypercalls;
    const struct hv_stage_site *stage;

    switch (kind) {
    case STOP_HOOK:
        for (unsigned i = 0; i < hook_count; i++)
            fn(ctx, hook_table[i].name);
        break;
    case STOP_HYPERCALL:
        for (unsigned i = 0; calls && calls[i].name; i++)
            fn(ctx, calls[i].name);
        break;
    case STOP_STAGE:
        for (uint32_t i = 0; (stage = hv_stage_site(i)); i++)
            fn(ctx, stage->text);
        break;
    case STOP_EXIT:
        for (size_t i = 0; i < EXITS; i++)
            fn(ctx, exits[i].name);
        break;
    case STOP_SYSCALL:
        for (uint32_t i = 0; i < STOP_SET_BITS; i++)
            if (debug_syscall_name(d, i))
                fn(ctx, debug_syscall_name(d, i));
        break;
    case STOP_EVENT:
        for (unsigned i = 0; i < EVENT_KINDS; i++)
            fn(ctx, event_info[i].name);
        break;
    default:
        break;
    }
}

/* ---- what a name chooses ---- */

static void choose(struct stop *s, uint32_t number)
{
    if (number < STOP_SET_BITS)
        s->set[number / 64] |= 1ull << number % 64;
}

bool stop_set_has(const uint64_t *set, uint32_t number)
{
    return number < STOP_SET_BITS && set[number / 64] & 1ull << number % 64;
}

static bool chosen(const struct stop *s, uint32_t number)
{
    return s->any || stop_set_has(s->set, number);
}

static bool choose_number(struct stop *s, const char *name)
{
    char *end;
    unsigned long n = strtoul(name, &end, 0);

    if (end == name || *end || n >= STOP_SET_BITS)
        return false;
    choose(s, (uint32_t)n);
    return true;
}

static unsigned choose_hooks(struct debug *d, struct stop *s, const char *name)
{
    unsigned n = 0;

    (void)d;
    for (unsigned i = 0; i < hook_count; i++)
        if (hook_matches(&hook_table[i], name)) {
            choose(s, i);
            n++;
        }
    return n;
}

static unsigned choose_hypercalls(struct debug *d, struct stop *s, const char *name)
{
    const struct hv_hypercall *c = hv_model(d->m->domain)->hypercalls;
    unsigned n = 0;

    for (unsigned i = 0; c && c[i].name; i++)
        if (same_call(name, c[i].name)) {
            choose(s, c[i].number);
            n++;
        }
    return n ? n : choose_number(s, name);
}

static unsigned choose_stages(struct debug *d, struct stop *s, const char *name)
{
    const struct hv_stage_site *stage;
    unsigned n = 0;
    char pattern[120];

    (void)d;
    snprintf(pattern, sizeof pattern, "*%s*", name);
    for (uint32_t i = 0; (stage = hv_stage_site(i)); i++)
        if (!fnmatch(pattern, stage->text, FNM_CASEFOLD)) {
            choose(s, i);
            n++;
        }
    return n;
}

static unsigned choose_exits(struct debug *d, struct stop *s, const char *name)
{
    unsigned n = 0;

    (void)d;
    s->kinds = 0;
    for (size_t i = 0; i < EXITS; i++)
        if (!fnmatch(name, exits[i].name, FNM_CASEFOLD)) {
            s->kinds |= exits[i].kinds;
            n++;
        }
    s->any = true;
    return n;
}

static unsigned choose_vector(struct debug *d, struct stop *s, const char *name)
{
    (void)d;
    return strtoul(name, NULL, 0) < 256 && choose_number(s, name);
}

static unsigned choose_task(struct debug *d, struct stop *s, const char *name)
{
    (void)d;
    return choose_number(s, name);
}

static unsigned choose_syscalls(struct debug *d, struct stop *s, const char *name)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < STOP_SET_BITS; i++) {
        const char *is = debug_syscall_name(d, i);
        if (is && !fnmatch(name, is, 0)) {
            choose(s, i);
            n++;
        }
    }
    return n ? n : choose_number(s, name);
}

static unsigned choose_events(struct debug *d, struct stop *s, const char *name)
{
    unsigned n = 0;

    (void)d;
    s->kinds = 0;
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        if (!fnmatch(name, event_info[i].name, 0)) {
            s->kinds |= control_event_bit(i);
            n++;
        }
    s->any = true;
    return n;
}

#define ALL_EXITS                                                                                \
    (BIT(fault) | BIT(softint) | BIT(io_in) | BIT(io_out) | BIT(hlt) | BIT(cpuid) | BIT(rdtsc) | \
     BIT(msr) | BIT(dr) | BIT(sysenter))

/* What each kind looks at. `word`: which word of the event says what it is. */
static const struct filter {
    uint64_t kinds;
    int word; /* -1: none */
    unsigned (*choose)(struct debug *d, struct stop *s, const char *name);
} filters[STOP_KINDS] = {
    [STOP_HOOK] = {BIT(hook), 0, choose_hooks},
    [STOP_HYPERCALL] = {BIT(hypercall), 0, choose_hypercalls},
    [STOP_STAGE] = {BIT(stage), 0, choose_stages},
    [STOP_EXIT] = {ALL_EXITS, -1, choose_exits},
    [STOP_VECTOR] = {BIT(fault) | BIT(softint) | BIT(irq), 0, choose_vector},
    [STOP_IRQ] = {BIT(irq), 0, choose_vector},
    [STOP_SWITCH] = {BIT(task), 0, choose_task},
    [STOP_SYSCALL] = {BIT(softint), 1, choose_syscalls},
    [STOP_EVENT] = {~0ull, -1, choose_events},
};

static void offer(void *ctx, const char *name)
{
    suggest_offer(ctx, name);
}

struct stop *debug_stop_new(struct debug *d, enum stop_kind kind, const char *name, struct err *err)
{
    const struct filter *f = &filters[kind];
    struct stop *s = calloc(1, sizeof *s);

    if (!s) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    if (kind == STOP_HYPERCALL && !hv_model(d->m->domain)->hypercalls) {
        err_set(err, ERR_USAGE, "a guest of model %s makes no hypercalls",
                hv_model(d->m->domain)->name);
        free(s);
        return NULL;
    }
    s->kind = kind;
    s->enabled = true;
    s->kinds = f->kinds;
    snprintf(s->what, sizeof s->what, "%s%s%s", stop_kind_name[kind], name[0] ? " " : "", name);
    if (!f->choose)
        return s;
    s->any = !name[0];
    if (s->any || f->choose(d, s, name))
        return s;
    struct suggestion near = {.typed = name};
    debug_stop_names(d, kind, offer, &near);
    if (f->choose == choose_vector)
        err_set(err, ERR_USAGE, "'%s' is no vector: they are from 0 to 255", name);
    else if (f->choose == choose_task)
        err_set(err, ERR_USAGE, "'%s' is no process: give its number, from 0 to %u", name,
                STOP_SET_BITS - 1);
    else
        err_set(err, ERR_USAGE, "no %s is named '%s'%s%s%s", stop_kind_name[kind], name,
                near.best ? "; did you mean '" : "", near.best ? near.best : "",
                near.best ? "'?" : "");
    free(s);
    return NULL;
}

void stop_free(struct stop *s)
{
    if (!s)
        return;
    if (s->test_free)
        s->test_free(s->test_ctx);
    free(s->condition);
    free(s->commands);
    free(s);
}

/* ---- does it hit? ---- */

bool stop_counts(struct debug *d, struct stop *s, const struct event *e)
{
    if (!s->enabled || (s->test && !s->test(s->test_ctx, d, s, e)))
        return false;
    if (d->looking == LOOK_FOR_LAST)
        return true;
    s->hits++;
    if (!s->ignore)
        return true;
    s->ignore--;
    return false;
}

static bool matches(struct debug *d, const struct stop *s, const struct event *e)
{
    const struct filter *f = &filters[s->kind];
    uint32_t word;

    if (!(s->kinds & control_event_bit(e->kind)))
        return false;
    if (s->kind == STOP_SYSCALL && e->a[0] != 0x80)
        return false;
    if (s->any || f->word < 0)
        return true;
    word = e->a[f->word];
    if (s->kind == STOP_HOOK && d->tracer)
        word = tracer_hook(d->tracer, word);
    return chosen(s, word);
}

bool debug_stop_matches(struct debug *d, const struct stop *s, const struct event *e)
{
    return matches(d, s, e);
}

bool stops_see(struct debug *d, const struct event *e, struct halt *hit)
{
    bool found = false;

    if (d->only) {
        if (!matches(d, d->only, e) || !stop_counts(d, d->only, e))
            return false;
        hit->why = HALT_STOP;
        return true;
    }
    for (unsigned i = 0; i < d->stops; i++) {
        struct stop *s = d->stop[i];
        if (!s->kinds || !matches(d, s, e) || !stop_counts(d, s, e) || found)
            continue;
        hit->why = HALT_STOP;
        hit->stop = s->number;
        found = true;
    }
    return found;
}

uint64_t stops_kinds(const struct debug *d)
{
    uint64_t kinds = 0;

    if (d->only)
        return d->only->kinds;
    for (unsigned i = 0; i < d->stops; i++)
        if (d->stop[i]->enabled)
            kinds |= d->stop[i]->kinds;
    return kinds;
}

static void add_hooks(const struct stop *s, uint64_t set[STOP_SET_BITS / 64])
{
    const uint64_t of_hooks = BIT(hook) | BIT(hook_end) | BIT(hook_stack);

    if (!(s->kinds & of_hooks))
        return;
    for (unsigned i = 0; i < STOP_SET_BITS / 64; i++)
        set[i] |= s->any ? UINT64_MAX : s->set[i];
}

void stops_choose(const struct debug *d, uint64_t set[STOP_SET_BITS / 64])
{
    if (d->only) {
        add_hooks(d->only, set);
        return;
    }
    for (unsigned i = 0; i < d->stops; i++)
        if (d->stop[i]->enabled)
            add_hooks(d->stop[i], set);
}

/* ---- code ---- */

bool stop_in_process(struct debug *d, const struct stop *s)
{
    struct source_task task;

    return !s->process[0] || !source_task(d, &task) || /* a kernel that does not say */
           !strncmp(task.comm, s->process, sizeof task.comm - 1);
}

static bool on_code(void *ctx, struct domain *domain, uint32_t at, uint32_t number)
{
    struct debug *d = ctx;
    struct moment here = moment_here(d, true);

    (void)domain, (void)at;
    if (d->looking == LOOK_AT_NOTHING || d->draining || !moment_compare(here, d->began))
        return false;
    struct stop *s = d->only && d->only->number == number ? d->only : NULL;
    if (!d->only)
        s = debug_stop_number(d, number);
    if (!s || !stop_in_process(d, s) || !stop_counts(d, s, NULL))
        return false;
    struct halt hit = {.why = HALT_STOP, .at = here, .stop = number};
    if (d->looking == LOOK_FOR_STOPS) {
        if (d->hit.why == HALT_NONE)
            d->hit = hit;
        return true;
    }
    if (moment_compare(here, d->before) < 0)
        d->hit = hit;
    return false;
}

static bool has_address(const struct stop *s, uint32_t eip)
{
    for (unsigned i = 0; i < s->addrs; i++)
        if (s->addr[i] == eip)
            return true;
    return false;
}

bool stops_code_here(struct debug *d)
{
    uint32_t eip = cpu_eip(d->m->domain->cpu);

    for (unsigned i = 0; i < d->stops; i++) {
        struct stop *s = d->stop[i];
        if (!has_address(s, eip) || !stop_in_process(d, s) || !stop_counts(d, s, NULL))
            continue;
        d->hit = (struct halt){.why = HALT_STOP, .at = debug_now(d), .stop = s->number};
        return true;
    }
    return false;
}

/* ---- arming ---- */

bool stops_want_tracer(const struct stop *s)
{
    return control_kinds_of_tracer(s->kinds) && s->kind != STOP_EXIT;
}

bool stop_mark(struct debug *d, struct stop *s, struct err *err)
{
    struct marks *k = marks_of(d->m);

    for (unsigned i = 0; i < s->addrs; i++)
        if (!k || !marks_add(k, s->addr[i], on_code, d, s->number)) {
            while (i-- > 0)
                marks_remove(d->m, s->addr[i], on_code, d, s->number);
            return err_set(err, ERR_SYSTEM, "out of memory");
        }
    d->watch_changed |= s->kind == STOP_WATCH;
    return !stops_want_tracer(s) || control_want_tracer(d, err);
}

void stop_unmark(struct debug *d, struct stop *s)
{
    d->watch_changed |= s->kind == STOP_WATCH;
    for (unsigned i = 0; i < s->addrs; i++)
        marks_remove(d->m, s->addr[i], on_code, d, s->number);
    if (stops_want_tracer(s))
        control_drop_tracer(d);
}

bool debug_stop_arm(struct debug *d, struct stop *s, struct err *err)
{
    struct stop **more = realloc(d->stop, (d->stops + 1) * sizeof *more);

    if (!more)
        return err_set(err, ERR_SYSTEM, "out of memory");
    d->stop = more;
    s->number = s->internal ? INTERNAL + d->last_internal : d->last_number + 1;
    if (s->enabled && !stop_mark(d, s, err)) {
        s->number = 0;
        return false;
    }
    if (s->internal)
        d->last_internal = (d->last_internal + 1) % INTERNAL;
    else
        d->last_number++;
    d->stop[d->stops++] = s;
    return true;
}

void debug_stop_enable(struct debug *d, struct stop *s, bool on)
{
    struct err err = {0};

    if (s->enabled == on)
        return;
    if (on && !stop_mark(d, s, &err))
        return;
    s->enabled = on;
    if (!on)
        stop_unmark(d, s);
}

void debug_stop_delete(struct debug *d, struct stop *s)
{
    for (unsigned i = 0; i < d->stops; i++) {
        if (d->stop[i] != s)
            continue;
        if (s->enabled)
            stop_unmark(d, s);
        memmove(&d->stop[i], &d->stop[i + 1], (d->stops - i - 1) * sizeof d->stop[0]);
        d->stops--;
        stop_free(s);
        return;
    }
    stop_free(s); /* never armed */
}

struct stop *debug_stop_number(struct debug *d, unsigned number)
{
    for (unsigned i = 0; i < d->stops; i++)
        if (d->stop[i]->number == number)
            return d->stop[i];
    return NULL;
}

struct stop *debug_stop_next(struct debug *d, const struct stop *after)
{
    unsigned i = 0;

    while (after && i < d->stops && d->stop[i] != after)
        i++;
    i += after != NULL;
    while (i < d->stops && d->stop[i]->internal)
        i++;
    return i < d->stops ? d->stop[i] : NULL;
}

void stops_free(struct debug *d)
{
    while (d->stops)
        debug_stop_delete(d, d->stop[d->stops - 1]);
    free(d->stop);
}
