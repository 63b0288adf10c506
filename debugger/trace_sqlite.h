/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of a trace as an SQLite database; docs/trace-schema.md explains its tables and has queries to
 * begin with. The home of libsqlite3: without it, making a database is refused in words.
 */
#ifndef DEBUGGER_TRACE_SQLITE_H
#define DEBUGGER_TRACE_SQLITE_H

#include "trace_view.h"

struct trace_database;
/* A file of that name is replaced if it is such a database or empty, and left alone if not. */
struct trace_database *trace_database_create(const char *path, struct err *err);
void trace_database_name(struct trace_database *d, const struct trace_name *n);
void trace_database_row(struct trace_database *d, const struct trace_row *row);
/* All is in one transaction: when this fails there is a database without rows. */
bool trace_database_close(struct trace_database *d, struct err *err);

#endif
