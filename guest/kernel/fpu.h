/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FPU and SSE registers of tasks (kernel/fpu.c). They are switched lazily: CR0.TS makes the
 * first use after a switch trap (#NM), and only then are registers stored and loaded. So a task's
 * image in memory may be stale; these functions know when.
 */
#ifndef KERNEL_FPU_H
#define KERNEL_FPU_H

#include "task.h"

#define FPU_IMAGE 512 /* what FXSAVE writes */

/* t's registers as an FXSAVE image, up to date; NULL when t has not used them since it began. Valid
   until t next runs user code. */
void *fpu_image(struct task *t);

/* Give t these registers (512 bytes; reserved bits of MXCSR are cleared). false: out of memory. */
bool fpu_load_image(struct task *t, const void *image);

/* Give the child its parent's registers. false: out of memory. */
bool fpu_fork(struct task *child, struct task *parent);

/* Forget t's registers: execve, exit, and the start of a signal handler. The next use finds the
   state of FNINIT and a default MXCSR. */
void fpu_reset(struct task *t);

#endif
