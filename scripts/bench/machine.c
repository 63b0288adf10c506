/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole machine under a stopwatch. The guest says where it is by lines that begin with '@'; at each
 * the host's clock, the guest's instructions, and the counts of some events are written down. The
 * shell's prompt is such a place as well, called "prompt".
 *
 *     bench-machine [--until MARK] [--snapshots N] OPTION...      options of `ringside run`
 *
 * --until ends the run at that mark; --snapshots then takes and restores N snapshots of the machine,
 * 1 MiB of its memory dirty each time. One JSON object on standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cli/options.h"
#include "cli/session.h"
#include "emu/snapshot.h"

enum { MAX_MARKS = 64, LINE = 128, DIRTY_FRAMES = 256, VECTOR_SYSCALL = 0x80, SYS_EXECVE = 11 };

struct mark {
    char name[LINE];
    double ms, cpu_ms; /* since the start: on the wall's clock, and of this process's own time */
    uint64_t instructions, cycles, execs, syscalls, faults, ports;
};

struct watch {
    struct machine *machine;
    const char *until;
    double started;
    char line[LINE];
    size_t length;
    struct mark mark[MAX_MARKS];
    unsigned marks;
    uint64_t execs, syscalls, faults, ports;
    bool reached;
};

static double clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static void mark(struct watch *w, const char *name)
{
    if (w->marks == MAX_MARKS)
        return;
    struct mark *m = &w->mark[w->marks++];
    struct domain *d = w->machine->domain;
    snprintf(m->name, sizeof m->name, "%s", name);
    m->ms = now_ms() - w->started;
    m->cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    m->instructions = cpu_instructions(d->cpu);
    m->cycles = cpu_now(d->cpu);
    m->execs = w->execs;
    m->syscalls = w->syscalls;
    m->faults = w->faults;
    m->ports = w->ports;
    if (w->until && strcmp(name, w->until) == 0) {
        w->reached = true;
        machine_stop(w->machine);
    }
}

static void on_console(void *ctx, const uint8_t *bytes, size_t n)
{
    struct watch *w = ctx;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            w->line[w->length] = '\0';
            if (w->line[0] == '@')
                mark(w, w->line + 1);
            w->length = 0;
        } else if (w->length < LINE - 1) {
            w->line[w->length++] = (char)bytes[i];
            if (w->length == 4 && memcmp(w->line, "/ # ", 4) == 0)
                mark(w, "prompt");
        }
    }
}

static void on_event(void *ctx, const struct event *e)
{
    struct watch *w = ctx;
    switch (e->kind) {
    case EVENT_softint:
        w->syscalls += e->a[0] == VECTOR_SYSCALL;
        w->execs += e->a[0] == VECTOR_SYSCALL && e->a[1] == SYS_EXECVE;
        break;
    case EVENT_fault:
        w->faults++;
        break;
    case EVENT_io_in:
    case EVENT_io_out:
        w->ports++;
        break;
    default:
        break;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

/* Write one byte to each of the frames, a different one each time: 1 MiB is then to be copied. */
static void make_dirty(struct machine *m, uint8_t value)
{
    struct domain *d = m->domain;
    uint64_t top = mem_bytes(d->mem);
    for (unsigned i = 0; i < DIRTY_FRAMES; i++)
        mem_write(d->mem, MADDR(top / 2 + (uint64_t)i * 2 * PAGE_SIZE), &value, 1);
}

static int snapshots(struct machine *m, unsigned rounds)
{
    struct machine_parts parts = machine_parts(m);
    struct err err = {0};
    double *take = calloc(rounds, sizeof *take), *back = calloc(rounds, sizeof *back);
    double *both = calloc(rounds, sizeof *both);
    struct snapshots *s = snapshots_new(&parts, &err);
    double start = now_ms();
    struct snapshot *base = s ? snapshot_take(s, &err) : NULL;
    double full = now_ms() - start;
    if (!take || !back || !both || !base) {
        fprintf(stderr, "bench-machine: %s\n", err.text);
        return 1;
    }
    size_t bytes = 0;
    for (unsigned i = 0; i < rounds; i++) {
        make_dirty(m, (uint8_t)(2 * i + 1));
        start = now_ms();
        struct snapshot *x = snapshot_take(s, &err);
        take[i] = now_ms() - start;
        if (!x)
            return 1;
        bytes = snapshot_bytes(x);
        make_dirty(m, (uint8_t)(2 * i + 2));
        start = now_ms();
        snapshot_restore(s, x);
        machine_restored(m);
        back[i] = now_ms() - start;
        both[i] = take[i] + back[i];
        snapshot_free(x);
    }
    snapshot_free(base);
    snapshots_free(s);
    printf(",\n \"snapshot\": {\"full_ms\": %.3f, \"take_ms\": %.3f, \"restore_ms\": %.3f, "
           "\"both_ms\": %.3f, \"bytes\": %zu}",
           full, median(take, rounds), median(back, rounds), median(both, rounds), bytes);
    free(take);
    free(back);
    free(both);
    return 0;
}

static void report(const struct watch *w, enum end_kind end)
{
    struct domain *d = w->machine->domain;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"end\": %d, \"status\": %u, \"ms\": %.3f, \"instructions\": %llu, \"peak_kib\": "
           "%ld,\n \"marks\": [",
           (int)end, (unsigned)d->end.status, now_ms() - w->started,
           (unsigned long long)cpu_instructions(d->cpu), usage.ru_maxrss);
    for (unsigned i = 0; i < w->marks; i++) {
        const struct mark *m = &w->mark[i];
        printf("%s\n  {\"name\": \"%s\", \"ms\": %.4f, \"cpu_ms\": %.4f, \"instructions\": %llu, "
               "\"cycles\": %llu, "
               "\"execs\": %llu, \"syscalls\": %llu, \"faults\": %llu, \"ports\": %llu}",
               i ? "," : "", m->name, m->ms, m->cpu_ms, (unsigned long long)m->instructions,
               (unsigned long long)m->cycles, (unsigned long long)m->execs,
               (unsigned long long)m->syscalls, (unsigned long long)m->faults,
               (unsigned long long)m->ports);
    }
    printf("]");
}

int main(int argc, char **argv)
{
    struct watch w = {0};
    struct session s = {0};
    struct options o = {0};
    struct err err = {0};
    unsigned rounds = 0;

    while (argc > 2 && strncmp(argv[1], "--", 2) == 0) {
        if (strcmp(argv[1], "--until") == 0)
            w.until = argv[2];
        else if (strcmp(argv[1], "--snapshots") == 0)
            rounds = (unsigned)atoi(argv[2]);
        else
            break;
        argc -= 2;
        argv += 2;
    }
    struct machine_host host = {.console = on_console, .ctx = &w};
    w.started = now_ms();
    if (!options_parse(command_find("run", &err), argc, argv, &o, &err) ||
        !session_from_options(&s, &o, &err) || !session_start(&s, &host, &err)) {
        fprintf(stderr, "bench-machine: %s\n", err.text);
        return err.class ? (int)err.class : 1;
    }
    w.machine = s.machine;
    /* Somebody could type, but nobody does: the guest waits at its prompt instead of dying there. */
    input_from_live(s.machine->input);
    if (!events_subscribe(s.machine->events, EV_GUEST, on_event, &w))
        return 1;
    enum end_kind end;
    do
        end = machine_run(s.machine, CLOCK_NEVER);
    while (end == END_NONE && !w.reached);
    report(&w, end);
    int status = rounds ? snapshots(s.machine, rounds) : 0;
    printf("}\n");
    if (end == END_DIED)
        fprintf(stderr, "bench-machine: the guest died: %s\n", s.machine->domain->end.reason);
    session_close(&s);
    options_free(&o);
    return status;
}
