/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of a trace as Perfetto's TrackEvent protobuf, for ui.perfetto.dev and trace_processor. A cycle is
 * a nanosecond there. There are two views of the same rows:
 *
 *  - the machine, a group of tracks, each for a layer, in the order in which the processor did things:
 *    who ran (processes), kernel (crossings into it), interrupts, hooks, hypervisor (hypercalls and the
 *    stages inside the model), devices and events. What a switch of tasks interrupts is cut there and
 *    goes on, as "... (continued)", when its task does.
 *  - each process, a track of its own, with everything that happened for it, nested as the text form
 *    shows it, and not cut: a read() that waits is as long as the process saw it.
 *
 * Arrows (flows) lead from a hook to the crossings that its backend made.
 */
#ifndef DEBUGGER_TRACE_PERFETTO_H
#define DEBUGGER_TRACE_PERFETTO_H

#include <stdio.h>

#include "trace_view.h"

struct perfetto;
/* Whoever opens the stream closes it, and looks for its errors. NULL: out of memory. */
struct perfetto *perfetto_new(FILE *to);
void perfetto_row(struct perfetto *p, const struct trace_row *row);
/* Closes what is open. False: memory ran out, and something is missing. */
bool perfetto_free(struct perfetto *p);

#endif
