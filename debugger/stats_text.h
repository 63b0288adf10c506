/* SPDX-License-Identifier: GPL-2.0-only */
/* Statistics as rows, the most frequent first, and as a table for people. */
#ifndef DEBUGGER_STATS_TEXT_H
#define DEBUGGER_STATS_TEXT_H

#include <stdio.h>

#include "hv-models/hv.h"
#include "stats.h"

struct stat_row {
    enum stat_class class;
    unsigned id;
    const struct tally *stat;
};

/* What has happened at all; how many. */
unsigned stats_rows(const struct stats *s, enum stat_class class, struct stat_row row[STAT_IDS]);
void stats_row_name(const struct hv_model *m, const struct stat_row *r, char *text, size_t size);

void stats_tell(const struct stats *s, struct machine *m, FILE *to);

#endif
