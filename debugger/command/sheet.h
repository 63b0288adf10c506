/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table that is shown to a person in columns, or to a program as JSON: what every `info` makes.
 *
 *     struct sheet *t = sheet_new("vector gate handler");
 *     sheet_number(t, 14, "%llu"); sheet_text(t, "interrupt"); sheet_text(t, "%s", name);  // one row
 *     sheet_print(sh, t, json, "idt");
 */
#ifndef DEBUGGER_COMMAND_SHEET_H
#define DEBUGGER_COMMAND_SHEET_H

#include "shell.h"

struct sheet;

/* Columns by blanks; of "from_to" a person reads "from to". A function may be given NULL for a sheet that there was no
   memory for. */
struct sheet *sheet_new(const char *columns);
/* The next cell; after the last column the next row begins. */
void sheet_text(struct sheet *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A number: people see it as fmt says (one unsigned long long). */
void sheet_number(struct sheet *t, uint64_t n, const char *fmt);
void sheet_address(struct sheet *t, uint32_t addr); /* 0x%08x */
void sheet_bool(struct sheet *t, bool value);       /* yes, no */
/* Nothing to say here: null. */
void sheet_none(struct sheet *t);
void sheet_drop(struct sheet *t); /* free it without a word */
/* Its rows as JSON (a json_t *, an array; the caller's), and free it. */
void *sheet_take(struct sheet *t);
unsigned sheet_rows(const struct sheet *t);
/* Give it out and free it. What: the name of the list in JSON; empty: what a person is told of an
   empty one. */
bool sheet_print(struct shell *sh, struct sheet *t, bool json, const char *what, const char *empty);

/* Is there nothing but --json in args? Else err names what is there. */
bool info_plain(struct shell *sh, const char *args, bool *json, struct err *err);

#endif
