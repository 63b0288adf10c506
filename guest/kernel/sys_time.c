/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls about time. Inside, time is one 64-bit number of nanoseconds; outside it comes as
 * seconds and a fraction, in 32 bits for the old calls and 64 for those that outlive 2038.
 */
#include "process.h"

#include "syscall.h"
#include "time.h"

#define SECONDS_MAX (INT64_MAX / (int64_t)NSEC_PER_SEC) /* what fits in ns; 292 years */

int time_from_user(uint64_t *ns, uint32_t addr, bool wide)
{
    struct timespec64 t;
    struct timespec32 t32;

    if (wide) {
        if (copy_from_user(&t, (const void __user *)addr, sizeof t))
            return -EFAULT;
    } else {
        if (copy_from_user(&t32, (const void __user *)addr, sizeof t32))
            return -EFAULT;
        t = (struct timespec64){.sec = t32.sec, .nsec = t32.nsec};
    }
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= (int32_t)NSEC_PER_SEC)
        return -EINVAL;
    *ns = t.sec >= SECONDS_MAX ? (uint64_t)INT64_MAX
                               : (uint64_t)t.sec * NSEC_PER_SEC + (uint32_t)t.nsec;
    return 0;
}

int time_to_user(uint32_t addr, uint64_t ns, bool wide)
{
    struct timespec64 t = {.sec = (int64_t)(ns / NSEC_PER_SEC),
                           .nsec = (int32_t)(ns % NSEC_PER_SEC)};
    struct timespec32 t32 = {(int32_t)t.sec, t.nsec};

    return wide ? copy_to_user((void __user *)addr, &t, sizeof t)
                : copy_to_user((void __user *)addr, &t32, sizeof t32);
}

uint64_t deadline_after(uint64_t ns)
{
    uint64_t now = clock_monotonic_ns(), at = now + ns;

    return at < now ? ~0ull : MAX(at, 1u); /* 0 would mean "no deadline" */
}

/* ---- the clocks ---- */

enum {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_TAI = 11
};

/* Negative numbers are CPU clocks of other processes: pid inverted, a kind in the low bits. */
static int cpu_clock(int32_t id, uint64_t *ns)
{
    pid_t pid = ~(id >> 3);
    struct task *t = pid ? task_find(pid) : current;
    uint32_t utime, stime;

    if ((id & 3) > 2)
        return -EINVAL;
    if (!t || t->group == NULL)
        return -EINVAL;
    if (id & 4) {
        utime = t->utime;
        stime = t->stime;
    } else {
        task_group_times(t, &utime, &stime);
    }
    *ns = (uint64_t)(utime + stime) * NSEC_PER_TICK;
    return 0;
}

static int read_clock(int32_t id, uint64_t *ns)
{
    if (id < 0)
        return cpu_clock(id, ns);
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *ns = clock_realtime_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *ns = clock_monotonic_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        return cpu_clock(-8, ns);
    case CLOCK_THREAD_CPUTIME_ID:
        return cpu_clock(-8 | 4, ns);
    default:
        return -EINVAL;
    }
}

static long clock_gettime(uint32_t id, uint32_t addr, bool wide)
{
    uint64_t ns;
    int err = read_clock((int32_t)id, &ns);

    return err ? err : time_to_user(addr, ns, wide);
}

static long clock_settime(uint32_t id, uint32_t addr, bool wide)
{
    uint64_t ns;
    int err;

    if (id != CLOCK_REALTIME)
        return -EINVAL;
    if ((err = time_from_user(&ns, addr, wide)))
        return err;
    if (current->euid)
        return -EPERM;
    clock_set_realtime(ns);
    return 0;
}

/* CPU clocks and the coarse ones move with the tick, the others with the time-stamp counter. */
static long clock_getres(uint32_t id, uint32_t addr, bool wide)
{
    bool ticks = (int32_t)id < 0 || id == CLOCK_PROCESS_CPUTIME_ID ||
                 id == CLOCK_THREAD_CPUTIME_ID || id == CLOCK_REALTIME_COARSE ||
                 id == CLOCK_MONOTONIC_COARSE;
    uint64_t ns;
    int err = read_clock((int32_t)id, &ns);

    if (err || !addr)
        return err;
    return time_to_user(addr, ticks ? NSEC_PER_TICK : 1, wide);
}

DEFINE_SYSCALL(clock_gettime)
{
    return clock_gettime(a, b, false);
}

DEFINE_SYSCALL(clock_gettime64)
{
    return clock_gettime(a, b, true);
}

DEFINE_SYSCALL(clock_settime)
{
    return clock_settime(a, b, false);
}

DEFINE_SYSCALL(clock_settime64)
{
    return clock_settime(a, b, true);
}

DEFINE_SYSCALL(clock_getres)
{
    return clock_getres(a, b, false);
}

DEFINE_SYSCALL(clock_getres_time64)
{
    return clock_getres(a, b, true);
}

DEFINE_SYSCALL(time)
{
    int32_t now = (int32_t)(clock_realtime_ns() / NSEC_PER_SEC);

    if (a && put_user(now, (int32_t __user *)a))
        return -EFAULT;
    return now;
}

DEFINE_SYSCALL(stime)
{
    int32_t seconds;

    if (get_user(seconds, (const int32_t __user *)a))
        return -EFAULT;
    if (current->euid)
        return -EPERM;
    clock_set_realtime((uint64_t)seconds * NSEC_PER_SEC);
    return 0;
}

/* The time zone is the user's business; what was set is told again. */
static struct {
    int32_t minutes_west, dst;
} zone;

DEFINE_SYSCALL(gettimeofday)
{
    uint64_t ns = clock_realtime_ns();
    struct timeval32 t = {(int32_t)(ns / NSEC_PER_SEC), (int32_t)(ns % NSEC_PER_SEC / 1000)};

    if (a && copy_to_user((void __user *)a, &t, sizeof t))
        return -EFAULT;
    return b ? copy_to_user((void __user *)b, &zone, sizeof zone) : 0;
}

DEFINE_SYSCALL(settimeofday)
{
    struct timeval32 t;

    if (current->euid)
        return -EPERM;
    if (a && copy_from_user(&t, (const void __user *)a, sizeof t))
        return -EFAULT;
    if (a && (t.sec < 0 || t.usec < 0 || t.usec >= 1000000))
        return -EINVAL;
    if (b && copy_from_user(&zone, (const void __user *)b, sizeof zone))
        return -EFAULT;
    if (a)
        clock_set_realtime((uint64_t)t.sec * NSEC_PER_SEC + (uint64_t)t.usec * 1000);
    return 0;
}

/* ---- sleeping ---- */

/* restart_args: deadline, where the rest goes (0: nowhere), its width */
static long sleep_again(struct task *t)
{
    uint64_t deadline = t->restart_args[0], now;

    for (;;) {
        current->state = TASK_INTERRUPTIBLE;
        now = clock_monotonic_ns();
        if (now >= deadline || signal_pending(current))
            break;
        schedule_until(deadline);
    }
    current->state = TASK_RUNNING;
    if (now >= deadline)
        return 0;
    if (t->restart_args[1] &&
        time_to_user((uint32_t)t->restart_args[1], deadline - now, t->restart_args[2]))
        return -EFAULT;
    t->restart_fn = sleep_again;
    return -ERESTART_RESTARTBLOCK;
}

static long sleep_relative(uint64_t ns, uint32_t rest_addr, bool wide)
{
    current->restart_args[0] = deadline_after(ns);
    current->restart_args[1] = rest_addr;
    current->restart_args[2] = wide;
    return sleep_again(current);
}

/* Until an instant: no rest to report, and the call can simply be made again. */
static long sleep_until(bool realtime, uint64_t ns)
{
    long result;

    if (realtime) {
        uint64_t now = clock_realtime_ns();

        ns = ns > now ? deadline_after(ns - now) : 0;
    }
    current->restart_args[0] = ns;
    current->restart_args[1] = 0;
    result = sleep_again(current);
    return result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}

static long clock_nanosleep(uint32_t id, uint32_t flags, uint32_t addr, uint32_t rest, bool wide)
{
    uint64_t ns;
    int err;

    if (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC && id != CLOCK_BOOTTIME && id != CLOCK_TAI)
        return -EINVAL;
    if ((err = time_from_user(&ns, addr, wide)))
        return err;
    if (flags & 1 /* TIMER_ABSTIME */)
        return sleep_until(id == CLOCK_REALTIME || id == CLOCK_TAI, ns);
    return sleep_relative(ns, rest, wide);
}

DEFINE_SYSCALL(nanosleep)
{
    uint64_t ns;
    int err = time_from_user(&ns, a, false);

    return err ? err : sleep_relative(ns, b, false);
}

DEFINE_SYSCALL(clock_nanosleep)
{
    return clock_nanosleep(a, b, c, d, false);
}

DEFINE_SYSCALL(clock_nanosleep_time64)
{
    return clock_nanosleep(a, b, c, d, true);
}

/* ---- times(): in ticks of AT_CLKTCK ---- */

DEFINE_SYSCALL(times)
{
    const struct thread_group *g = current->group;
    uint32_t t[4] = {0, 0, g->cutime, g->cstime};

    task_group_times(current, &t[0], &t[1]);
    if (a && copy_to_user((void __user *)a, t, sizeof t))
        return -EFAULT;
    return (long)(jiffies & 0x7fffffff); /* never looks like an error */
}
