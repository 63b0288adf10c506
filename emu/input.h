/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console's input is part of the run: every byte is stamped with the cycle at which it was
 * delivered, and the log of stamps and bytes is kept from the first day. The log is the truth.
 * What is in it happens again at exactly its cycles (a recording, or a machine that went back in
 * time); where it ends, a source extends it:
 *
 *   live   bytes pushed by a front end; delivered at the run loop's next look, whenever that is
 *   pipe   the next byte is ready INPUT_PIPE_CYCLES after the last one was taken, and so is the
 *          end. When the host has nothing to read yet the machine waits: its time stands still,
 *          and a slow writer changes nothing
 *   none   the log and nothing else: replay
 */
#ifndef EMU_INPUT_H
#define EMU_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "state.h"

#define INPUT_END         256    /* the "byte" that is the end of the input */
#define INPUT_EOT         4      /* what a terminal sends then: ^D */
#define INPUT_PIPE_CYCLES 10000u /* about what a fast serial line takes for a byte */
/* After its end a pipe answers every question with its end: after this pause, which doubles each
   time up to the second one. */
#define INPUT_END_CYCLES      1000000u
#define INPUT_END_CYCLES_MOST 1000000000u
#define INPUT_LOG_MAX         (16u << 20) /* entries; beyond, the run goes on but cannot be recorded */

struct input_entry {
    uint64_t cycle;
    uint64_t byte; /* 0-255 or INPUT_END */
};

struct input;
/* Registers the block "input" with s. NULL: out of memory. */
struct input *input_new(struct state *s);
void input_free(struct input *in);

/* ---- sources ---- */

void input_from_live(struct input *in);
/* Read fd, which stays the caller's and must stay open. Never made non-blocking. */
void input_from_pipe(struct input *in, int fd);
/* Replace the log by a copy of these entries (cycles must not fall, bytes be valid, nothing but
   the end may follow an end: else ERR_USAGE), without touching what has been delivered. */
bool input_set_log(struct input *in, const struct input_entry *log, size_t n, struct err *err);

/* A typed byte, or the end. False: the queue is full (or the end has been said); try later. */
bool input_push(struct input *in, uint8_t byte);
bool input_push_end(struct input *in);

/* ---- for the run loop ---- */

/* The cycle at which input_take() should be called next; 0: at once; CLOCK_NEVER: not known. When
   the console has no room for a byte then, it is taken later, at the first cycle where it has. */
uint64_t input_next_due(const struct input *in);
/*
 * Take what is due at cycle now and log it. False: nothing is due; or the pipe's writer has
 * nothing yet (waited for at most 100 ms): input_next_due() is then still <= now, and the machine
 * must not move on before the answer is known, or the run would depend on the host's speed.
 */
bool input_take(struct input *in, uint64_t now, uint16_t *byte);
/* Will the next byte come from a pipe? Such a sender is patient: it waits until the guest asks. */
bool input_is_patient(const struct input *in);
/* May there ever be another byte? */
bool input_is_open(const struct input *in);

/* ---- the log ---- */

/* All entries since cycle 0; owned by in, valid until the next input_take(). */
const struct input_entry *input_log(const struct input *in, size_t *n);
/* More than INPUT_LOG_MAX entries came: input_log() has only the first of them. */
bool input_log_is_cut(const struct input *in);
/* After going back in time: forget what was logged beyond the present, take new input instead. */
void input_forget_future(struct input *in);

#endif
