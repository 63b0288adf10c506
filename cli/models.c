/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside models`: what there is, from the models' own tables. */
#include <stdio.h>

#include "hv-models/hv.h"
#include "options.h"
#include "report.h"

static void variants(const struct hv_model *m, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const char *const *v = m->variants; v && *v && used < size; v++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", *v);
}

int cmd_models(const struct options *o)
{
    struct report *r = o->json ? report_new() : NULL;
    if (!r)
        printf("%-10s %-5s %-16s %s\n", "MODEL", "RING", "VARIANTS", "WHAT IT IS");
    for (const struct hv_model *const *m = hv_models(); *m; m++) {
        char text[200];
        variants(*m, text, sizeof text);
        if (!r) {
            printf("%-10s %-5u %-16s %s\n", (*m)->name, (*m)->kernel_ring, text, (*m)->title);
            continue;
        }
        struct report *row = report_row(r, "models");
        report_text(row, "name", (*m)->name);
        report_text(row, "title", (*m)->title);
        report_number(row, "kernel_ring", (*m)->kernel_ring);
        report_text(row, "variants", text);
        report_text(row, "entry", (*m)->entry);
        report_text(row, "paging", (*m)->paging);
    }
    return r ? report_print(r, stdout) : 0;
}
