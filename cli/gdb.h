/* SPDX-License-Identifier: GPL-2.0-only */
/* --gdb: a guest that gdb drives. */
#ifndef CLI_GDB_H
#define CLI_GDB_H

#include "console.h"
#include "debugger/gdb/command.h"
#include "options.h"
#include "session.h"

/* `ringside run --gdb [ADDRESS:]PORT[,nowait]`: does it go together with the other options? */
bool gdb_check(const struct options *o, struct err *err);
/*
 * Instead of machine_run() until the end: at the first instruction gdb is waited for (not with nowait),
 * then the guest runs as gdb wants, and without one by itself. ended: how the run ended. `started` is
 * called with the debugger that signals must interrupt, and with NULL when it is gone. False: it could
 * not begin.
 */
bool gdb_run(struct session *s, struct console *c, const struct options *o,
             void (*started)(struct debug *d), enum end_kind *ended, struct err *err);

#endif
