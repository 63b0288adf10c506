/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside models`: what there is, from the models' own tables. */
#include <stdio.h>

#include "hv-models/hv.h"
#include "options.h"
#include "report.h"

static const struct {
    unsigned device;
    const char *name;
} devices[] = {
    {HV_DEV_PC, "8259"},
    {HV_DEV_PC, "8254"},
    {HV_DEV_PC, "16550"},
    {HV_DEV_PC, "CMOS"},
    {HV_DEV_PC, "power-off"},
    {HV_DEV_CONSOLE, "virtio console"},
    {HV_DEV_DISK, "virtio disks (--disk)"},
    {HV_DEV_CLOCK, "one-shot clock"},
    {HV_DEV_SERIAL, "serial line"},
    {HV_DEV_STATUS, "status port"},
};

static unsigned arguments(const struct hv_hypercall *c)
{
    unsigned n = 0;
    while (n < sizeof c->arg / sizeof c->arg[0] && c->arg[n].name)
        n++;
    return n;
}

/* ---- for people ---- */

static void show_hypercalls(const struct hv_hypercall *c)
{
    if (!c || !c->name) {
        puts("  hypercalls   none");
        return;
    }
    puts("  hypercalls");
    for (; c->name; c++) {
        printf("  %6u  %s(", c->number, c->name);
        for (unsigned i = 0; i < arguments(c); i++)
            printf("%s%s %s", i ? ", " : "", c->arg[i].type, c->arg[i].name);
        puts(")");
    }
}

static void show_costs(const struct hv_cost *c)
{
    puts("  cost             cycles  source of the figure");
    for (; c && c->name; c++)
        printf("    %-14s %6u  %s\n", c->name, c->cycles, c->source);
}

static void show(const struct hv_model *m, bool costs)
{
    printf("%s: %s\n", m->name, m->title);
    printf("  kernel ring  %u\n", m->kernel_ring);
    printf("  entered by   %s\n", m->entry);
    printf("  paging       %s\n", m->paging);
    printf("  variants    ");
    for (const char *const *v = m->variants; v && *v; v++)
        printf(" %s", *v);
    printf("\n  devices      ");
    const char *comma = "";
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (!(m->devices & devices[i].device))
            continue;
        printf("%s%s", comma, devices[i].name);
        comma = ", ";
    }
    putchar('\n');
    show_hypercalls(m->hypercalls);
    if (costs)
        show_costs(m->costs);
}

/* ---- for programs ---- */

static void report(const struct hv_model *m, struct report *row)
{
    report_text(row, "name", m->name);
    report_text(row, "title", m->title);
    report_number(row, "kernel_ring", m->kernel_ring);
    report_text(row, "entry", m->entry);
    report_text(row, "paging", m->paging);
    report_list(row, "variants");
    for (const char *const *v = m->variants; v && *v; v++)
        report_item(row, "variants", *v);
    report_list(row, "devices");
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (m->devices & devices[i].device)
            report_item(row, "devices", devices[i].name);
    report_list(row, "hypercalls");
    for (const struct hv_hypercall *c = m->hypercalls; c && c->name; c++) {
        struct report *call = report_row(row, "hypercalls");
        report_number(call, "number", c->number);
        report_text(call, "name", c->name);
        report_list(call, "arguments");
        for (unsigned i = 0; i < arguments(c); i++) {
            struct report *arg = report_row(call, "arguments");
            report_text(arg, "name", c->arg[i].name);
            report_text(arg, "type", c->arg[i].type);
        }
    }
    report_list(row, "costs");
    for (const struct hv_cost *c = m->costs; c && c->name; c++) {
        struct report *cost = report_row(row, "costs");
        report_text(cost, "name", c->name);
        report_number(cost, "cycles", c->cycles);
        report_text(cost, "source", c->source);
    }
}

/* All of them, or those that were named. */
static bool chosen(const struct options *o, const struct hv_model *m, struct err *err, bool *is)
{
    *is = o->operands == 0;
    for (size_t i = 0; i < o->operands; i++) {
        const struct hv_model *named;
        const char *variant;
        if (!hv_find(o->operand[i], &named, &variant, err))
            return false;
        *is = *is || named == m;
    }
    return true;
}

int cmd_models(const struct options *o)
{
    struct report *r = o->json ? report_new() : NULL;

    for (const struct hv_model *const *m = hv_models(); *m; m++) {
        struct err err;
        bool is;
        if (!chosen(o, *m, &err, &is)) {
            report_free(r);
            return usage_error(&err, "models");
        }
        if (is && r)
            report(*m, report_row(r, "models"));
        else if (is)
            show(*m, o->costs);
    }
    return r ? report_print(r, stdout) : 0;
}
