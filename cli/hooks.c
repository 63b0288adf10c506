/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside hooks`: the catalogue, and how the kernel's backends fill it. */
#include <stdio.h>

#include "debugger/backend.h"
#include "report.h"
#include "session.h"

static bool chosen(const struct options *o, const struct hook_info *h)
{
    for (size_t i = 0; i < o->operands; i++)
        if (hook_matches(h, o->operand[i]))
            return true;
    return o->operands == 0;
}

static void show(const struct kernel *k, const struct backend *b, unsigned backends, unsigned hook)
{
    const struct hook_info *h = &hook_table[hook];
    char name[64], args[160];

    hook_full_name(h, name, sizeof name);
    hook_arguments(h, args, sizeof args);
    printf("%s %s%s\n    %s\n", h->result, name, args, h->meaning);
    for (unsigned i = 0; i < backends; i++) {
        struct fill f;
        char text[240];
        if (!backend_fill(k, &b[i], hook, &f))
            continue;
        fill_format(&f, h->convention, text, sizeof text);
        printf("    %s: %s\n", b[i].name, text);
    }
}

static void report(const struct kernel *k, const struct backend *b, unsigned backends,
                   unsigned hook, struct report *row)
{
    const struct hook_info *h = &hook_table[hook];
    char name[64];

    hook_full_name(h, name, sizeof name);
    report_number(row, "number", hook);
    report_text(row, "hook", name);
    report_text(row, "group", h->group);
    report_text(row, "name", h->name);
    report_text(row, "result", h->result);
    report_text(row, "convention", hook_convention_name(h->convention));
    for (unsigned i = 0; i < h->args; i++) {
        struct report *arg = report_row(row, "arguments");
        report_text(arg, "type", h->arg[i].type);
        report_text(arg, "name", h->arg[i].name);
        report_number(arg, "words", h->arg[i].words);
    }
    report_text(row, "meaning", h->meaning);
    struct report *fills = report_part(row, "backends");
    for (unsigned i = 0; i < backends; i++) {
        struct fill f;
        if (!backend_fill(k, &b[i], hook, &f))
            continue;
        struct report *part = report_part(fills, b[i].name);
        report_text(part, "kind", fill_kind_name(f.kind));
        report_text(part, "function", f.function);
        report_text(part, "instructions", f.insns[0] ? f.insns : NULL);
        report_text(part, "shared_memory", f.shared[0] ? f.shared : NULL);
        report_list(part, "hypercalls");
        for (unsigned j = 0; j < f.calls; j++) {
            struct report *call = report_row(part, "hypercalls");
            report_number(call, "number", f.call[j].number);
            report_text(call, "name", f.call[j].name);
        }
    }
}

static int list(const struct options *o, const struct kernel *k)
{
    struct backend b[BACKENDS_MAX];
    unsigned backends = backends_find(k, b), shown = 0;
    struct report *r = o->json ? report_new() : NULL;

    if (!backends)
        fprintf(stderr, "ringside: %s: not a kernel of Ringside's: no backends to show\n",
                kernel_image(k)->name);
    for (unsigned i = 0; i < hook_count; i++) {
        if (!chosen(o, &hook_table[i]))
            continue;
        shown++;
        if (r)
            report(k, b, backends, i, report_row(r, "hooks"));
        else
            show(k, b, backends, i);
    }
    if (!shown) {
        struct err err;
        report_free(r);
        err_set(&err, ERR_USAGE, "no hook is named '%s'", o->operand[0]);
        return usage_error(&err, "hooks");
    }
    return r ? report_print(r, stdout) : 0;
}

int cmd_hooks(const struct options *o)
{
    struct err err = {0};
    struct image image = {0};
    struct kernel *k = session_kernel(&image, o, &err) ? kernel_open(&image, &err) : NULL;
    int status;

    if (k) {
        status = list(o, k);
    } else {
        fprintf(stderr, "ringside: %s\n", err.text);
        status = err.class;
    }
    kernel_close(k);
    image_free(&image);
    return status;
}
