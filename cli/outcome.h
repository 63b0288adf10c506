/* SPDX-License-Identifier: GPL-2.0-only */
/* How a run ended, for a person, for a shell, and for a program. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include <stdio.h>

#include "emu/machine.h"

#define STATUS_DIED       70 /* EX_SOFTWARE */
#define STATUS_MAX_CYCLES 75 /* EX_TEMPFAIL: more cycles may help */

/* Say on standard error what a person should know (nothing after a plain power-off); returns the
   program's exit status. */
int outcome_tell(struct machine *m, enum end_kind kind);

/* The summary that --json promises. Returns 0 or the exit status of a failure to write it. */
int outcome_json(struct machine *m, enum end_kind kind, int status, FILE *to);

#endif
