/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Only a person's keys come at times that nobody chose, so only they are looked for between times
 * and stamped; see emu/input.h for how a run with them is repeated all the same.
 */
#include "console.h"
#include "say.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A look costs a system call; the run loop offers one at each of its turns. */
#define LOOK_CYCLES 1000000u

static void stop(struct console *c)
{
    if (c->interrupt)
        c->interrupt(c->interrupt_ctx);
    else
        machine_stop(c->machine);
}

static void on_console(void *ctx, const uint8_t *bytes, size_t n)
{
    struct console *c = ctx;
    if (n)
        c->mid_line = bytes[n - 1] != '\n';
    if (fwrite(bytes, 1, n, c->out) == n || c->error)
        return;
    c->error = errno; /* nobody will see the rest: there is no sense in going on */
    c->quit = true;
    stop(c);
}

static void on_log(void *ctx, const char *line)
{
    struct console *c = ctx;
    fflush(c->out);
    say("%s", line);
}

static void on_request(struct console *c, enum term_request request)
{
    switch (request) {
    case TERM_NOTHING:
        break;
    case TERM_DETACH:
        if (c->interrupt) {
            c->interrupt(c->interrupt_ctx);
            break;
        }
        __attribute__((fallthrough)); /* nothing to go back to */
    case TERM_HELP:
        fputs(c->interrupt ? term_help_debug : term_help, stderr);
        break;
    case TERM_QUIT:
        c->quit = true;
        stop(c);
        break;
    }
}

/* Take what was typed. A full queue drops keys, as a real serial line would. */
static void read_keys(struct console *c)
{
    uint8_t typed[256];
    ssize_t n = read(STDIN_FILENO, typed, sizeof typed);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) { /* the terminal hung up */
        c->at_end = true;
        input_push_end(c->machine->input);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        enum term_request request;
        uint8_t byte;
        if (term_key(&c->keys, typed[i], &byte, &request))
            input_push(c->machine->input, byte);
        on_request(c, request);
    }
}

void console_keys(struct console *c)
{
    if (!c->at_end)
        read_keys(c);
}

static bool wait_for_key(struct console *c, const struct timespec *limit)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return ppoll(&fd, c->at_end ? 0 : 1, limit, NULL) > 0;
}

static void on_look(void *ctx)
{
    struct console *c = ctx;
    uint64_t now = machine_now(c->machine);
    if (now - c->looked_at < LOOK_CYCLES)
        return;
    c->looked_at = now;
    fflush(c->out);
    if (wait_for_key(c, &(struct timespec){0}))
        read_keys(c);
}

static uint64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t on_idle(void *ctx, uint64_t ns)
{
    struct console *c = ctx;
    struct timespec limit = {.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
    uint64_t start = nanoseconds();
    fflush(c->out);
    if (wait_for_key(c, &limit))
        read_keys(c);
    uint64_t passed = nanoseconds() - start;
    return passed < ns ? passed : ns;
}

enum console_input console_kind(bool batch)
{
    if (!isatty(STDIN_FILENO))
        return CONSOLE_PIPE;
    return batch ? CONSOLE_NONE : CONSOLE_TERMINAL;
}

struct machine_host console_host(struct console *c, FILE *out, enum console_input input)
{
    *c = (struct console){.out = out, .input = input};
    struct machine_host host = {.console = on_console, .log = on_log, .ctx = c};
    if (input == CONSOLE_TERMINAL) {
        host.look = on_look;
        host.idle = on_idle;
    }
    return host;
}

bool console_attach(struct console *c, struct machine *m, struct err *err)
{
    c->machine = m;
    switch (c->input) {
    case CONSOLE_NONE:
        return true;
    case CONSOLE_PIPE:
        input_from_pipe(m->input, STDIN_FILENO);
        return true;
    case CONSOLE_TERMINAL:
        input_from_live(m->input);
        return term_raw(err);
    }
    __builtin_unreachable();
}

void console_detach(struct console *c)
{
    if (fflush(c->out) == EOF && !c->error)
        c->error = errno;
    term_restore();
}
