/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a debugger outside finds what the kernel is doing: addresses and offsets that only the
 * kernel's compiler knows, in one constant struct with the symbol ringside_kernel_info. It is read
 * from the kernel's file; the running kernel never touches it.
 */
#ifndef RINGSIDE_KERNEL_INFO_H
#define RINGSIDE_KERNEL_INFO_H

#include <stdint.h>

#define KERNEL_INFO_MAGIC   0x4F464E49u /* "INFO" */
#define KERNEL_INFO_VERSION 1

struct kernel_info {
    uint32_t magic, version;
    uint32_t current_task; /* address of a word: the address of the running task, or 0 */
    uint32_t task_pid;     /* offsets in a task */
    uint32_t task_tgid;
    uint32_t task_comm;
    uint32_t comm_length; /* bytes, NUL-padded */
    uint32_t switched_at; /* code that runs once at each switch, when current_task is the new one */
};
_Static_assert(sizeof(struct kernel_info) == 32, "the same on both sides");

#endif
