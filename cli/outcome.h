/* SPDX-License-Identifier: GPL-2.0-only */
/* How a run ended, for a person, for a shell, and for a program. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include <stdio.h>

#include "emu/machine.h"
#include "emu/record.h"
#include "report.h"

#define STATUS_DIED       70 /* EX_SOFTWARE */
#define STATUS_RULE       76 /* EX_PROTOCOL: a rule of --rules is broken */
#define STATUS_MAX_CYCLES 75 /* EX_TEMPFAIL: more cycles may help */

/* The program's exit status for a run that ended so. */
int outcome_status(const struct machine *m, enum end_kind kind);
/* How a run stands that was not ended by one machine_run(): under a debugger, say. */
enum end_kind outcome_kind(const struct machine *m);
/* All that two runs of the same guest must have in common. */
struct run_result outcome_result(struct machine *m, enum end_kind kind);
/* Say on standard error what a person should know: nothing after a plain power-off. */
void outcome_tell(struct machine *m, enum end_kind kind);

/* The summary that --json promises, to be printed with report_print(). */
struct report *outcome_report(struct machine *m, const struct run_result *result);

#endif
