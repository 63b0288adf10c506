/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls. syscalls.def is the one list: number, name, function. A function takes the frame
 * and the six arguments in registers order; it returns a value or -errno.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "../abi/trap_frame.h"

typedef long (*syscall_fn)(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f);

#define SYSCALL(nr, name) long sys_##name(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
#include "syscalls.def"
#undef SYSCALL

/* Every sys_ function is written with this, so that unused arguments need no ceremony. */
#define DEFINE_SYSCALL(name)                                                                       \
    long sys_##name(__attribute__((unused)) uint32_t a, __attribute__((unused)) uint32_t b,        \
                    __attribute__((unused)) uint32_t c, __attribute__((unused)) uint32_t d,        \
                    __attribute__((unused)) uint32_t e, __attribute__((unused)) uint32_t f)

/* The frame of the running call, for the few that need it (clone, execve, sigreturn). */
struct trap_frame *current_frame(void);

void syscall_dispatch(struct trap_frame *f);

#endif
