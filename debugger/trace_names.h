/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the numbers in a machine's events mean: every name that a reader needs, one record after
 * the other. A trace file begins with them; whoever looks at live events takes them directly.
 */
#ifndef DEBUGGER_TRACE_NAMES_H
#define DEBUGGER_TRACE_NAMES_H

#include "emu/machine.h"
#include "kernel.h"
#include "sites.h"
#include "trace_file.h"

/* False: enough, or out of memory. The record's texts are valid during the call. */
typedef bool trace_name_fn(void *ctx, const struct trace_name *n);

/* False as soon as put says so. k is the kernel that runs in m (NULL: there are no symbols of it, and
   what is the kernel's has no names), sites its list. */
bool trace_names(const struct machine *m, const struct kernel *k, const struct sites *sites,
                 trace_name_fn *put, void *ctx);
/* The functions of a program that processes of this name run. */
bool trace_program_names(const struct kernel *program, const char *comm, uint32_t *number,
                         trace_name_fn *put, void *ctx);

/* How many words of arguments a kernel's system call takes, 6 when it is not known. *texts: a bit for
   each of them that is the address of a text. */
unsigned trace_call_words(const struct kernel *k, uint32_t number, uint8_t *texts);

#endif
