/* SPDX-License-Identifier: GPL-2.0-only */
/* --cost NAME=CYCLES: a figure of the model's table of costs, replaced for one run. */
#ifndef CLI_COSTS_H
#define CLI_COSTS_H

#include "hv-models/hv.h"
#include "emu/config.h"
#include "options.h"

/* Check each against the model's table and put them into the run's configuration. */
bool costs_from_options(const struct options *o, const struct hv_model *m, struct run_config *c,
                        struct err *err);
/* Charge in this machine as the configuration says, which may come from a file. */
bool costs_apply(struct machine *m, const struct run_config *c, struct err *err);

#endif
