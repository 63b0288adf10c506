/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames of the machine, and who has written them.
 *
 * RAM is one anonymous mapping that the engine uses directly. A PC's hole (A0000-FFFFF) and
 * everything past the end is not RAM. mem_span() is the one checked door: models, devices and
 * debugger reach guest memory through it and through nothing else.
 *
 * Two parties want to know about writes: the engine's room must drop translations of code that
 * was overwritten, and a snapshot wants to copy changed frames only. Both are served by making
 * host pages read-only and catching SIGSEGV; a frame is writable when neither cares about it.
 * A store by the guest and a store by the host through mem_span() are caught alike. Never hand a
 * span to a system call that writes (read(2) would fail with EFAULT): read into a buffer and copy.
 *
 * What is not RAM cannot be touched at all: before the first frame, in the hole, and for as far as a
 * 32-bit address reaches behind the last one there is a no man's land (guard.h). A number of the
 * guest's that got past the door unchecked ends there.
 */
#ifndef EMU_MEM_H
#define EMU_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "err.h"

struct mem;

#define MEM_MIN_BYTES (4ull << 20)
#define MEM_MAX_BYTES (3ull << 30)
#define PC_HOLE_START 0xA0000u
#define PC_HOLE_END   0x100000u

/* RAM of the given size (a multiple of the page size between the limits above), zeroed. */
struct mem *mem_new(uint64_t bytes, struct err *err);
void mem_free(struct mem *m);

uint64_t mem_bytes(const struct mem *m);
uint64_t mem_frames(const struct mem *m);
/* Is this frame RAM? False for the PC's hole and past the end. */
bool mem_is_ram(const struct mem *m, uint64_t frame);

/* The bytes [a, a+n), or NULL unless all of them are RAM. n of 0 gives NULL. */
void *mem_span(struct mem *m, maddr_t a, size_t n);
/* Copies; false when any byte is outside RAM (then nothing is written). */
bool mem_read(struct mem *m, maddr_t a, void *to, size_t n);
bool mem_write(struct mem *m, maddr_t a, const void *from, size_t n);
/* The whole of RAM for the engine's mapping; in the hole there is nothing, not even zeros. */
uint8_t *mem_base(struct mem *m);

/* ---- code (used by emu/cpu alone) ---- */

/* The engine holds a translation of code in this frame: report the next write to it. */
void mem_guard_code(struct mem *m, uint64_t frame);
/* Called (in a signal handler: set flags only) when a guarded frame is written. */
void mem_on_code_write(struct mem *m, void (*fn)(void *ctx), void *ctx);
/* Take one frame that was written since it was guarded; false when there is none. */
bool mem_take_code_write(struct mem *m, uint64_t *frame);

/* ---- change tracking (used by snapshots) ---- */

/* From here on remember which frames change; all are clean now. */
void mem_track_start(struct mem *m);
/* Frames that changed since mem_track_start, in ascending order; count returned, list owned by m
   and valid until the next call. Without tracking: all frames of RAM. */
size_t mem_changed(struct mem *m, const uint64_t **frames);

#endif
