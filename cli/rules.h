/* SPDX-License-Identifier: GPL-2.0-only */
/* `run --rules`: rules over the event stream, held for a whole run. docs/debugger-lua.md tells of them. */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include "console.h"
#include "debugger/control/debug.h"
#include "session.h"

/* Do --rules go together with the other options? */
bool rules_check(const struct options *o, struct err *err);
/*
 * Instead of machine_run(): until the guest ends, the limit is reached, somebody interrupts, or a rule
 * is broken, which standard error then tells. `started` is called with the debugger that signals must
 * interrupt, and with NULL when it is gone. False: a file of rules cannot be used.
 */
bool rules_run(struct session *s, struct console *c, const struct options *o,
               void (*started)(struct debug *d), enum end_kind *ended, bool *broken,
               struct err *err);

#endif
