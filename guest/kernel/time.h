/* SPDX-License-Identifier: GPL-2.0-only */
/* Time: the tick, the clocks, and timers that call back. */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include "task.h"

void time_start(void); /* calibrate, read the wall clock, start the tick */
/* One tick: the handler of line 0, or what that calls where the clock must be set for each tick. */
void time_tick(struct trap_frame *f);
uint64_t tsc_to_ns(uint64_t tsc);
void clock_set_realtime(uint64_t ns);

/* fn runs in the timer interrupt once the monotonic clock has reached at_ns. Starting a running
   timer moves it; stopping an idle one is harmless. A zeroed timer is idle. */
void timer_start(struct timer *t, uint64_t at_ns, void (*fn)(struct timer *t));
void timer_stop(struct timer *t);

#endif
