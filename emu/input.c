/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console's input: a log with a position in it, and a source that extends the log at its end.
 *
 * The position is the block "input", so a restored snapshot moves it back by having copied the
 * block; the log itself stays, and what is beyond the position happens again as logged. That is
 * all that reverse execution needs of this file.
 */
#include "input.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define LIVE_QUEUE   4096u /* typed ahead; a power of two */
#define PIPE_BUFFER  4096u
#define HOST_WAIT_MS 100 /* so that Ctrl-C is noticed while a pipe is silent */

/* Flat; registered as the block "input". */
struct input_state {
    uint64_t delivered; /* entries of the log that have happened */
    uint64_t last;      /* cycle of the latest of them */
    uint64_t ended;     /* how many of them were INPUT_END, since the last byte */
};

struct input {
    struct input_state at;

    struct input_entry *log;
    size_t logged, room;
    bool cut;

    enum { SOURCE_NONE, SOURCE_LIVE, SOURCE_PIPE } source;

    struct {
        uint8_t byte[LIVE_QUEUE];
        unsigned head, tail; /* free-running; head == tail: empty */
        bool end;
    } live;

    struct {
        int fd;
        bool end;
        uint8_t byte[PIPE_BUFFER];
        size_t at, n;
    } pipe;
};

struct input *input_new(struct state *s)
{
    struct input *in = calloc(1, sizeof *in);

    if (!in)
        return NULL;
    in->pipe.fd = -1;
    state_block(s, &in->at, sizeof in->at, "input");
    return in;
}

void input_free(struct input *in)
{
    if (!in)
        return;
    free(in->log);
    free(in);
}

void input_from_live(struct input *in)
{
    in->source = SOURCE_LIVE;
}

void input_from_pipe(struct input *in, int fd)
{
    in->source = SOURCE_PIPE;
    in->pipe.fd = fd;
    in->pipe.end = false;
    in->pipe.at = in->pipe.n = 0;
}

static bool check_log(const struct input_entry *log, size_t n, struct err *err)
{
    if (n > INPUT_LOG_MAX)
        return err_set(err, ERR_USAGE, "the input log has %zu entries, more than %u", n,
                       INPUT_LOG_MAX);
    for (size_t i = 0; i < n; i++) {
        if (log[i].byte > INPUT_END)
            return err_set(err, ERR_USAGE, "input log entry %zu is no byte: %llu", i,
                           (unsigned long long)log[i].byte);
        if (i && log[i].cycle < log[i - 1].cycle)
            return err_set(err, ERR_USAGE, "input log entry %zu lies before its predecessor", i);
        if (i && log[i - 1].byte == INPUT_END && log[i].byte != INPUT_END)
            return err_set(err, ERR_USAGE, "input log entry %zu comes after the end", i);
    }
    return true;
}

bool input_set_log(struct input *in, const struct input_entry *log, size_t n, struct err *err)
{
    if (!check_log(log, n, err))
        return false;

    struct input_entry *copy = NULL;
    if (n && !(copy = malloc(n * sizeof *copy)))
        return err_set(err, ERR_SYSTEM, "no memory for an input log of %zu entries", n);
    if (n)
        memcpy(copy, log, n * sizeof *copy);
    free(in->log);
    in->log = copy;
    in->logged = in->room = n;
    in->cut = false;
    return true;
}

bool input_push(struct input *in, uint8_t byte)
{
    if (in->live.end || in->live.tail - in->live.head == LIVE_QUEUE)
        return false;
    in->live.byte[in->live.tail++ % LIVE_QUEUE] = byte;
    return true;
}

bool input_push_end(struct input *in)
{
    if (in->live.end)
        return false;
    in->live.end = true;
    return true;
}

/* Is there an entry that has happened in another present, and is to happen again? */
static bool has_future(const struct input *in)
{
    return in->at.delivered < in->logged;
}

/* A reader that asks again after the end is told again, ever more slowly: the log of a guest that
   sleeps for an hour shall not fill with ends that nobody asked for. */
static uint64_t pause_after_end(uint64_t ends)
{
    uint64_t pause = ends < 32 ? (uint64_t)INPUT_END_CYCLES << (ends - 1) : INPUT_END_CYCLES_MOST;

    return pause < INPUT_END_CYCLES_MOST ? pause : INPUT_END_CYCLES_MOST;
}

static uint64_t source_due(const struct input *in)
{
    switch (in->source) {
    case SOURCE_LIVE:
        return in->live.head != in->live.tail || in->live.end ? 0 : CLOCK_NEVER;
    case SOURCE_PIPE:
        return in->at.last + (in->at.ended ? pause_after_end(in->at.ended) : INPUT_PIPE_CYCLES);
    default:
        return CLOCK_NEVER;
    }
}

uint64_t input_next_due(const struct input *in)
{
    if (in->at.ended && !has_future(in) && in->source != SOURCE_PIPE)
        return CLOCK_NEVER;
    return has_future(in) ? in->log[in->at.delivered].cycle : source_due(in);
}

/* Make sure that the pipe's next byte, or its end, is known. False: the host has nothing yet. */
static bool fill_pipe(struct input *in)
{
    if (in->pipe.at < in->pipe.n || in->pipe.end)
        return true;

    struct pollfd p = {.fd = in->pipe.fd, .events = POLLIN};
    if (poll(&p, 1, HOST_WAIT_MS) <= 0)
        return false; /* nothing, or a signal: the run loop looks whether it shall stop */
    ssize_t n = read(in->pipe.fd, in->pipe.byte, sizeof in->pipe.byte);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    in->pipe.at = 0;
    in->pipe.n = n > 0 ? (size_t)n : 0;
    in->pipe.end = n <= 0; /* a pipe that cannot be read has ended, as far as the guest can know */
    return true;
}

static bool take_from_source(struct input *in, uint16_t *byte)
{
    if (in->source == SOURCE_PIPE) {
        if (!fill_pipe(in))
            return false;
        *byte = in->pipe.at < in->pipe.n ? in->pipe.byte[in->pipe.at++] : INPUT_END;
        return true;
    }
    *byte =
        in->live.head != in->live.tail ? in->live.byte[in->live.head++ % LIVE_QUEUE] : INPUT_END;
    return true;
}

static void log_entry(struct input *in, uint64_t now, uint16_t byte)
{
    if (in->logged == in->room && !in->cut) {
        size_t room = in->room ? in->room * 2 : 256;
        struct input_entry *log =
            in->logged < INPUT_LOG_MAX ? realloc(in->log, room * sizeof *log) : NULL;
        if (!log) {
            in->cut = true;
            return;
        }
        in->log = log;
        in->room = room;
    }
    if (!in->cut)
        in->log[in->logged++] = (struct input_entry){.cycle = now, .byte = byte};
}

bool input_take(struct input *in, uint64_t now, uint16_t *byte)
{
    if (input_next_due(in) > now)
        return false;
    if (has_future(in)) {
        *byte = (uint16_t)in->log[in->at.delivered].byte;
    } else {
        if (!take_from_source(in, byte))
            return false;
        log_entry(in, now, *byte);
    }
    in->at.delivered++;
    in->at.last = now;
    in->at.ended = *byte == INPUT_END ? in->at.ended + 1 : 0;
    return true;
}

bool input_is_patient(const struct input *in)
{
    return !has_future(in) && in->source == SOURCE_PIPE;
}

bool input_is_open(const struct input *in)
{
    return !in->at.ended && (has_future(in) || in->source != SOURCE_NONE);
}

const struct input_entry *input_log(const struct input *in, size_t *n)
{
    *n = in->logged;
    return in->log;
}

bool input_log_is_cut(const struct input *in)
{
    return in->cut;
}

void input_forget_future(struct input *in)
{
    if (has_future(in))
        in->logged = (size_t)in->at.delivered;
}
