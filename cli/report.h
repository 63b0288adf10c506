/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program may want to read: one JSON document, built up field by field in the order of the
 * calls. A report that ran out of memory is remembered as such and told when it is printed.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdint.h>
#include <stdio.h>

struct report;

struct report *report_new(void);
void report_text(struct report *r, const char *name, const char *text);
/* JSON numbers are doubles to many readers: beyond 2^53 a number becomes a string of digits. */
void report_number(struct report *r, const char *name, uint64_t value);
void report_bool(struct report *r, const char *name, int value);
/* An object inside the report; owned by it. */
struct report *report_part(struct report *r, const char *name);
/* An empty array of that name, for where there may be nothing to put in; and a text put in. */
void report_list(struct report *r, const char *name);
void report_item(struct report *r, const char *name, const char *text);
/* A further object in the array of that name; owned by the report. */
struct report *report_row(struct report *r, const char *name);

/* Write it, with a newline, and free it. Returns 0 or the exit status of a failure. */
int report_print(struct report *r, FILE *to);
void report_free(struct report *r);

#endif
