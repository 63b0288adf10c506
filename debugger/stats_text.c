/* SPDX-License-Identifier: GPL-2.0-only */
#include "stats_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "hooks.h"
#include "hv-models/hv.h"

static const char *hypercall_name(const struct hv_model *m, unsigned number)
{
    for (const struct hv_hypercall *c = m->hypercalls; c && c->name; c++)
        if (c->number == number)
            return c->name;
    return "(no such call)";
}

void stats_row_name(const struct hv_model *m, const struct stat_row *r, char *text, size_t size)
{
    if (r->class == STAT_HOOK)
        hook_full_name(&hook_table[r->id], text, size);
    else if (r->class == STAT_HYPERCALL)
        snprintf(text, size, "hypercall %u %s", r->id, hypercall_name(m, r->id));
    else
        snprintf(text, size, "%s %#x", stat_class_name[r->class], r->id);
}

/* The most frequent first; equals as they are in the catalogue. */
static int by_count(const void *a, const void *b)
{
    const struct stat_row *x = a, *y = b;

    if (x->stat->begun != y->stat->begun)
        return x->stat->begun > y->stat->begun ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

unsigned stats_rows(const struct stats *s, enum stat_class class, struct stat_row row[STAT_IDS])
{
    unsigned n = 0, ids = class == STAT_HOOK ? hook_count : STAT_IDS;

    for (unsigned i = 0; i < ids; i++) {
        const struct tally *x = stats_of(s, class, i);
        if (x->begun)
            row[n++] = (struct stat_row){class, i, x};
    }
    qsort(row, n, sizeof *row, by_count);
    return n;
}

/* What all but one in `of` did not exceed, to the next power of two. */
static uint64_t below(const struct tally *x, unsigned of)
{
    uint64_t left = x->ended / of, limit = 0;

    for (unsigned i = STAT_BUCKETS; i-- > 0;) {
        if (x->bucket[i] > left) {
            limit = i ? (UINT64_C(1) << i) - 1 : 0;
            break;
        }
        left -= x->bucket[i];
    }
    return limit < x->most ? limit : x->most;
}

/*
 * A histogram in one word: a character for each power of two of cycles, from that of the least to
 * that of the most, as high as the share of the calls that took so long.
 */
static void draw(const struct tally *x, char *text, size_t size)
{
    static const char *const bar[] = {"_", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    unsigned first = 0, last = STAT_BUCKETS - 1;
    uint64_t highest = 0;
    size_t used = 0;

    while (first < last && !x->bucket[first])
        first++;
    while (last > first && !x->bucket[last])
        last--;
    for (unsigned i = first; i <= last; i++)
        highest = x->bucket[i] > highest ? x->bucket[i] : highest;
    text[0] = '\0';
    for (unsigned i = first; i <= last && used + 4 < size; i++) {
        unsigned height = x->bucket[i] ? 1 + (unsigned)(x->bucket[i] * 7 / highest) : 0;
        used += (size_t)snprintf(text + used, size - used, "%s", bar[height]);
    }
}

static void tell_rows(const struct stats *s, const struct hv_model *m, enum stat_class class,
                      const char *title, FILE *to)
{
    struct stat_row row[STAT_IDS];
    unsigned n = stats_rows(s, class, row);

    if (n)
        fprintf(to, "\n%-34s %9s %10s %8s %8s %8s %9s  %s\n", title, "calls", "cycles", "least",
                "half <=", "99% <=", "most", "by powers of two");
    for (unsigned i = 0; i < n; i++) {
        const struct tally *x = row[i].stat;
        char name[80], histogram[4 * STAT_BUCKETS];
        stats_row_name(m, &row[i], name, sizeof name);
        fprintf(to, "%-34s %9" PRIu64, name, x->begun);
        draw(x, histogram, sizeof histogram);
        if (x->ended)
            fprintf(to, " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %9" PRIu64 "  %s",
                    x->total, x->least, below(x, 2), below(x, 100), x->most, histogram);
        fputc('\n', to);
    }
}

void stats_tell(const struct stats *s, struct machine *m, FILE *to)
{
    const struct stat_places p = stats_places(s);
    const struct hv_model *model = hv_model(m->domain);
    const struct hv_cost *c = model->costs;

    fprintf(to,
            "cycles: %" PRIu64 " in user mode, %" PRIu64 " in the kernel, %" PRIu64
            " idle, %" PRIu64 " charged by the model\n",
            p.user, p.kernel, p.idle, p.charged);
    for (unsigned i = 0; c && c[i].name; i++) {
        uint32_t cycles;
        uint64_t times = hv_cost_charged(m->domain, i, &cycles);
        fprintf(to, "  charged for %-8s %8" PRIu64 " times, %" PRIu32 " cycles each\n", c[i].name,
                times, cycles);
    }
    fputs("exits:", to);
    for (unsigned i = 0; i < EXIT_KINDS; i++)
        if (m->domain->state.exits[i])
            fprintf(to, " %s %" PRIu64, exit_kind_name[i], m->domain->state.exits[i]);
    fprintf(to, "; interrupts %" PRIu64 "\n", m->domain->state.irqs);
    tell_rows(s, model, STAT_FAULT, "exceptions, until their IRET", to);
    tell_rows(s, model, STAT_INT, "INT n, until its IRET", to);
    tell_rows(s, model, STAT_IRQ, "interrupts, until their IRET", to);
    tell_rows(s, model, STAT_HYPERCALL, "hypercalls, until their end", to);
    tell_rows(s, model, STAT_HOOK, "hooks", to);
}
