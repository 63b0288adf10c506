/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine reads the host's clock: it resizes its TLB by wall time, and a guest that uses a
 * translation it forgot to flush would then behave differently on a slow host. So the program
 * answers the engine's gettimeofday() itself, with the same moment for ever. The dynamic linker
 * prefers the program's definition; layout_calibrate() refuses to start when it did not.
 * Whoever wants the time of day uses clock_gettime(), which is left alone.
 */
#include <stddef.h>
#include <sys/time.h>

#include "internal.h"

const char clock_is_constant[] = "gettimeofday";

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    (void)tz;
    *tv = (struct timeval){.tv_sec = 1000000000, .tv_usec = 0};
    return 0;
}
