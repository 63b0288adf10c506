/* SPDX-License-Identifier: GPL-2.0-only */
#include "stats.h"

#include "hv-models/hv.h"

void stats_report(const struct stats *s, struct machine *m, struct report *r)
{
    const struct stat_places p = stats_places(s);
    const struct hv_cost *c = hv_model(m->domain)->costs;
    struct report *cycles = report_part(r, "cycles");

    report_number(cycles, "user", p.user);
    report_number(cycles, "kernel", p.kernel);
    report_number(cycles, "idle", p.idle);
    report_number(cycles, "charged", p.charged);
    report_list(r, "charged");
    for (unsigned i = 0; c && c[i].name; i++) {
        struct report *cost = report_row(r, "charged");
        uint32_t each;
        report_text(cost, "name", c[i].name);
        report_number(cost, "times", hv_cost_charged(m->domain, i, &each));
        report_number(cost, "cycles", each);
    }
    for (unsigned k = 0; k < STAT_CLASSES; k++) {
        struct stat_row row[STAT_IDS];
        unsigned n = stats_rows(s, (enum stat_class)k, row);
        report_list(r, stat_class_name[k]);
        for (unsigned i = 0; i < n; i++) {
            const struct tally *x = row[i].stat;
            struct report *one = report_row(r, stat_class_name[k]);
            char name[80];
            stats_row_name(hv_model(m->domain), &row[i], name, sizeof name);
            report_text(one, "name", name);
            report_number(one, "id", row[i].id);
            report_number(one, "begun", x->begun);
            report_number(one, "ended", x->ended);
            report_number(one, "cycles", x->total);
            report_number(one, "least", x->least);
            report_number(one, "most", x->most);
            report_list(one, "histogram");
            for (unsigned b = 0; b < STAT_BUCKETS; b++) {
                if (!x->bucket[b])
                    continue;
                struct report *part = report_row(one, "histogram");
                report_number(part, "below", UINT64_C(1) << b);
                report_number(part, "count", x->bucket[b]);
            }
        }
    }
}
