/* SPDX-License-Identifier: GPL-2.0-only */
/* --stats: what a run was made of. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "debugger/stats_text.h"
#include "report.h"

void stats_report(const struct stats *s, struct machine *m, struct report *r);

#endif
