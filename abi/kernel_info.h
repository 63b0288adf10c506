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
#define KERNEL_INFO_VERSION 2

struct kernel_info {
    uint32_t magic, version;
    uint32_t current_task; /* address of a word: the address of the running task, or 0 */
    uint32_t task_pid;     /* offsets in a task */
    uint32_t task_tgid;
    uint32_t task_comm;
    uint32_t comm_length; /* bytes, NUL-padded */
    uint32_t switched_at; /* code that runs once at each switch, when current_task is the new one */
    /* since version 2 */
    uint32_t all_tasks;  /* address of the head of a circular list of tasks: next, prev */
    uint32_t task_all;   /* offsets in a task: its link in that list */
    uint32_t task_state; /* a word: enum kernel_task_state */
    uint32_t task_parent; /* the parent task's address, or 0 */
    uint32_t task_stack;  /* where its kernel stack was left at the last switch */
    uint32_t task_mm;     /* 0: a thread of the kernel */
    uint32_t task_user_ticks, task_kernel_ticks;
};
enum kernel_task_state {
    KERNEL_TASK_RUNNING,         /* runs, or would */
    KERNEL_TASK_INTERRUPTIBLE,   /* sleeps; a signal wakes it */
    KERNEL_TASK_UNINTERRUPTIBLE, /* sleeps; its event alone wakes it */
    KERNEL_TASK_KILLABLE,        /* sleeps; its event or SIGKILL wakes it */
    KERNEL_TASK_STOPPED,
    KERNEL_TASK_ZOMBIE,
    KERNEL_TASK_DEAD,
    KERNEL_TASK_STATES
};
_Static_assert(sizeof(struct kernel_info) == 64, "the same on both sides");

#endif
