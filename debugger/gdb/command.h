/* SPDX-License-Identifier: GPL-2.0-only */
/* gdb beside a shell: the shell owns the port, and what gdb's sessions say goes through it. */
#ifndef DEBUGGER_GDB_COMMAND_H
#define DEBUGGER_GDB_COMMAND_H

#include "server.h"

/* From now on gdb may connect there (see gdb_server_open()); NULL: nowhere any more. */
bool gdb_shell_listen(struct shell *sh, const char *where, struct err *err);
/* NULL: nobody listens. */
struct gdb_server *gdb_shell_server(struct shell *sh);
/* Wait for a client, and let it drive until it goes. False: debug_interrupt() ended the waiting. */
bool gdb_shell_serve(struct shell *sh);

#endif
