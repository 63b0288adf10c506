/* SPDX-License-Identifier: GPL-2.0-only */
/* The scheduler's side of things, for the files that boot, tick and fork. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "task.h"

void sched_init(void);           /* the boot task becomes the idle task */
void sched_idle(void) __noreturn; /* what it does from then on */
void sched_tick(bool user);      /* from the timer interrupt */
void fpu_init(void);             /* fpu.c */
void fpu_switch(const struct task *prev, const struct task *next);

/* Load average of the last 1, 5 and 15 minutes, times 2048 (11 bits of fraction). */
extern uint32_t load_average[3];
uint32_t sched_running(void);   /* tasks on the run queue and the current one */
uint32_t sched_idle_ticks(void);
void sched_busy_ticks(uint32_t *user, uint32_t *system); /* of all tasks there ever were */
uint32_t sched_switches(void);

#endif
