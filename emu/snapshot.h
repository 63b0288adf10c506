/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots in memory: state blocks, the CPU's registers, the position of events and input, RAM and
 * what is on the disks; of frames each snapshot holds only those that have changed since the one
 * before. They may be taken and restored in any order, and freed in any order.
 *
 * What a snapshot does not hold: the flight recorder's ring and the input log. Both are memory of
 * what has happened, and going back in time is no reason to forget it.
 */
#ifndef EMU_SNAPSHOT_H
#define EMU_SNAPSHOT_H

#include "parts.h"

/* One machine's snapshots. There is one of these to a struct mem: it uses its change tracking. */
struct snapshots;
struct snapshots *snapshots_new(const struct machine_parts *p, struct err *err);
void snapshots_free(struct snapshots *s); /* its snapshots may live on, to be freed */

struct snapshot;
/* NULL: no memory (ERR_SYSTEM); then nothing has changed. Between runs only, never in an exit. */
struct snapshot *snapshot_take(struct snapshots *s, struct err *err);
/* Make the machine what it was. x must have been taken from s. */
void snapshot_restore(struct snapshots *s, const struct snapshot *x);
void snapshot_free(struct snapshot *x); /* NULL is fine */

uint64_t snapshot_cycle(const struct snapshot *x);
/* Memory as it was, without going back there; false when any byte is outside RAM (then nothing is
   read). */
bool snapshot_read(const struct snapshot *x, maddr_t a, void *to, size_t n);
/* Does this frame hold something else in b than in a? Both are one machine's. Equal frames may still
   have been written in between. Cheap where nothing was written: they share the page. */
bool snapshot_page_differs(const struct snapshot *a, const struct snapshot *b, uint64_t frame);
/* The memory that taking it has cost, in bytes. */
size_t snapshot_bytes(const struct snapshot *x);
/* What all of them take now; what two of them share counts once. */
size_t snapshots_bytes(const struct snapshots *s);

#endif
