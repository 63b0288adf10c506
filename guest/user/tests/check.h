/* SPDX-License-Identifier: GPL-2.0-only */
/* What the self-checking programs share: one line a check, "ok NAME" or "not ok NAME", and an exit
   status that says whether all were. They run on any Linux for i386, which is how they are tested. */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

/* One write() a line, so that forked children do not repeat what a buffer still held. */
static inline void check(bool ok, const char *name)
{
    char line[160];
    int n = snprintf(line, sizeof line, "%s %s\n", ok ? "ok" : "not ok", name);

    if (!ok)
        failures++;
    if (write(1, line, (size_t)n) != n)
        failures++;
}

static inline int finish(void)
{
    return failures ? 1 : 0;
}

static inline int wait_status(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static inline void sleep_ms(long ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

#endif
