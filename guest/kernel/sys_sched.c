/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls about scheduling: niceness, which counts, and the real-time policies of POSIX, which do
 * not exist here - there is SCHED_OTHER with priority 0 on CPU 0, and who asks for more is refused.
 */
#include "process.h"

#include "syscall.h"

enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5 };
enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

#define NICE_MIN (-20)
#define NICE_MAX 19

DEFINE_SYSCALL(sched_yield)
{
    current->slice = 0; /* behind all who have time left */
    schedule();
    return 0;
}

static struct task *thread_of(uint32_t pid)
{
    return pid ? task_find((pid_t)pid) : current;
}

static bool is_mine(const struct task *t)
{
    return !current->euid || current->euid == t->uid || current->euid == t->euid;
}

/* ---- niceness ---- */

static bool selected(const struct task *t, uint32_t which, uint32_t who)
{
    switch (which) {
    case PRIO_PROCESS:
        return t->pid == (pid_t)(who ? who : (uint32_t)current->pid);
    case PRIO_PGRP:
        return t->pgid == (pid_t)(who ? who : (uint32_t)current->pgid);
    default:
        return t->uid == (who ? who : current->uid);
    }
}

static int renice(struct task *t, int nice)
{
    if (!is_mine(t))
        return -EPERM;
    nice = MIN(MAX(nice, NICE_MIN), NICE_MAX);
    if (nice < t->nice && current->euid)
        return -EACCES; /* only root may take, everybody may give */
    t->nice = nice;
    return 0;
}

DEFINE_SYSCALL(nice)
{
    int err = renice(current, current->nice + MIN(MAX((int)a, -40), 40));

    return err == -EACCES ? -EPERM : err;
}

DEFINE_SYSCALL(setpriority)
{
    struct task *t;
    int result = -ESRCH;

    if (a > PRIO_USER)
        return -EINVAL;
    list_for_each(t, &all_tasks, all)
    {
        int err;

        if (!selected(t, a, b))
            continue;
        err = renice(t, MIN(MAX((int)c, NICE_MIN), NICE_MAX));
        if (result == -ESRCH || err)
            result = err;
    }
    return result;
}

/* 20 - nice, so that the answer is never negative: the most favoured of those asked about. */
DEFINE_SYSCALL(getpriority)
{
    struct task *t;
    long best = -ESRCH;

    if (a > PRIO_USER)
        return -EINVAL;
    list_for_each(t, &all_tasks, all)
    {
        if (selected(t, a, b))
            best = MAX(best, 20 - t->nice);
    }
    return best;
}

/* ---- policies ---- */

static long set_policy(uint32_t pid, int policy, uint32_t param_addr)
{
    struct task *t = thread_of(pid);
    int32_t priority;

    if ((int32_t)pid < 0 || !param_addr)
        return -EINVAL;
    if (get_user(priority, (const int32_t __user *)param_addr))
        return -EFAULT;
    if (!t)
        return -ESRCH;
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return priority < 1 || priority > 99 ? -EINVAL : -EPERM;
    if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
        return -EINVAL;
    if (priority)
        return -EINVAL;
    return is_mine(t) ? 0 : -EPERM;
}

DEFINE_SYSCALL(sched_setscheduler)
{
    return (int32_t)b < 0 ? -EINVAL : set_policy(a, (int)b, c);
}

DEFINE_SYSCALL(sched_setparam)
{
    return set_policy(a, SCHED_OTHER, b);
}

DEFINE_SYSCALL(sched_getscheduler)
{
    if ((int32_t)a < 0)
        return -EINVAL;
    return thread_of(a) ? SCHED_OTHER : -ESRCH;
}

DEFINE_SYSCALL(sched_getparam)
{
    if ((int32_t)a < 0 || !b)
        return -EINVAL;
    return thread_of(a) ? put_user(0, (int32_t __user *)b) : -ESRCH;
}

static long priority_limit(uint32_t policy, long real_time)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return real_time;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return 0;
    default:
        return -EINVAL;
    }
}

DEFINE_SYSCALL(sched_get_priority_max)
{
    return priority_limit(a, 99);
}

DEFINE_SYSCALL(sched_get_priority_min)
{
    return priority_limit(a, 1);
}

static long rr_interval(uint32_t pid, uint32_t addr, bool wide)
{
    struct task *t = thread_of(pid);

    if ((int32_t)pid < 0)
        return -EINVAL;
    if (!t)
        return -ESRCH;
    return time_to_user(addr, (uint64_t)(20 - t->nice + 3) / 4 * NSEC_PER_TICK, wide);
}

DEFINE_SYSCALL(sched_rr_get_interval)
{
    return rr_interval(a, b, false);
}

DEFINE_SYSCALL(sched_rr_get_interval_time64)
{
    return rr_interval(a, b, true);
}

/* ---- one CPU ---- */

/* sched_setaffinity(pid, bytes, mask) */
DEFINE_SYSCALL(sched_setaffinity)
{
    struct task *t = thread_of(a);
    uint8_t first = 0;

    if (b && get_user(first, (const uint8_t __user *)c))
        return -EFAULT;
    if (!t)
        return -ESRCH;
    if (!is_mine(t))
        return -EPERM;
    return first & 1 ? 0 : -EINVAL; /* a mask without CPU 0 leaves none */
}

/* Answers how many bytes it wrote: one word, as Linux does for up to 32 CPUs. */
DEFINE_SYSCALL(sched_getaffinity)
{
    if (b < 4 || b % 4)
        return -EINVAL;
    if (!thread_of(a))
        return -ESRCH;
    return put_user(1u, (uint32_t __user *)c) ? -EFAULT : 4;
}

DEFINE_SYSCALL(getcpu)
{
    if (a && put_user(0u, (uint32_t __user *)a))
        return -EFAULT;
    return b ? put_user(0u, (uint32_t __user *)b) : 0;
}
