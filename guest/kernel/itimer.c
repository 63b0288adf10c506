/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interval timers: alarm() and setitimer(). One of them runs on the wall's time and is a timer like
 * any other; two run on the process's own, and are charged a tick when the tick hits the process.
 */
#include "process.h"

#include "syscall.h"
#include "time.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

struct itimerval32 {
    struct timeval32 interval, value;
};

static uint64_t timeval_ns(const struct timeval32 *t)
{
    return (uint64_t)t->sec * NSEC_PER_SEC + (uint64_t)t->usec * 1000;
}

static struct timeval32 ns_timeval(uint64_t ns)
{
    return (struct timeval32){.sec = (int32_t)(ns / NSEC_PER_SEC),
                              .usec = (int32_t)(ns % NSEC_PER_SEC / 1000)};
}

static void real_timer_fired(struct timer *t)
{
    struct thread_group *g = container_of(t, struct thread_group, real_timer);
    struct itimer *i = &g->itimer[ITIMER_REAL];
    uint64_t now = clock_monotonic_ns();
    struct task *leader = list_first(&g->threads, struct task, threads)->leader;

    if (i->interval) {
        i->at = MAX(i->at + i->interval, now + 1); /* a late one is not made up for by a burst */
        timer_start(t, i->at, real_timer_fired);
    } else {
        i->at = 0;
    }
    signal_send_group(leader, SIGALRM, NULL);
}

static void charge(struct thread_group *g, int which, int sig)
{
    struct itimer *i = &g->itimer[which];

    if (!i->at)
        return;
    if (i->at > NSEC_PER_TICK) {
        i->at -= NSEC_PER_TICK;
        return;
    }
    i->at = i->interval;
    signal_send_group(current, sig, NULL);
}

/* RLIMIT_CPU: a warning every second past the soft limit, the end at the hard one. */
static void check_cpu_limit(const struct thread_group *g)
{
    const struct rlimit_pair *l = &g->rlim[RLIMIT_CPU];
    uint32_t utime, stime;

    if (l->soft == RLIM_INFINITY)
        return;
    task_group_times(current, &utime, &stime);
    if ((utime + stime) % HZ)
        return;
    if ((utime + stime) / HZ >= l->hard)
        signal_send_group(current, SIGKILL, NULL);
    else if ((utime + stime) / HZ >= l->soft)
        signal_send_group(current, SIGXCPU, NULL);
}

void itimer_tick(bool user)
{
    struct thread_group *g = current->group;

    if (!g || !current->mm)
        return;
    check_cpu_limit(g);
    if (user)
        charge(g, ITIMER_VIRTUAL, SIGVTALRM);
    charge(g, ITIMER_PROF, SIGPROF);
}

void itimers_stop(struct thread_group *g)
{
    timer_stop(&g->real_timer);
    memset(g->itimer, 0, sizeof g->itimer);
}

/* Time left; at least a microsecond while it runs, so that "0" means off. */
static uint64_t time_left(const struct itimer *i, uint32_t which)
{
    uint64_t now;

    if (!i->at || which != ITIMER_REAL)
        return i->at;
    now = clock_monotonic_ns();
    return i->at > now + 1000 ? i->at - now : 1000;
}

static void set_timer(uint32_t which, uint64_t value, uint64_t interval)
{
    struct thread_group *g = current->group;
    struct itimer *i = &g->itimer[which];

    i->interval = interval;
    i->at = value;
    if (which != ITIMER_REAL)
        return;
    timer_stop(&g->real_timer);
    if (value) {
        i->at = deadline_after(value);
        timer_start(&g->real_timer, i->at, real_timer_fired);
    }
}

DEFINE_SYSCALL(getitimer)
{
    struct itimerval32 v;

    if (a > ITIMER_PROF)
        return -EINVAL;
    v.interval = ns_timeval(current->group->itimer[a].interval);
    v.value = ns_timeval(time_left(&current->group->itimer[a], a));
    return copy_to_user((void __user *)b, &v, sizeof v);
}

static bool timeval_ok(const struct timeval32 *t)
{
    return t->sec >= 0 && t->usec >= 0 && t->usec < 1000000;
}

/* setitimer(which, new, old); new NULL turns it off */
DEFINE_SYSCALL(setitimer)
{
    struct itimerval32 new = {{0, 0}, {0, 0}}, old;

    if (a > ITIMER_PROF)
        return -EINVAL;
    if (b && copy_from_user(&new, (const void __user *)b, sizeof new))
        return -EFAULT;
    if (!timeval_ok(&new.value) || !timeval_ok(&new.interval))
        return -EINVAL;
    old.interval = ns_timeval(current->group->itimer[a].interval);
    old.value = ns_timeval(time_left(&current->group->itimer[a], a));
    set_timer(a, timeval_ns(&new.value), timeval_ns(&new.interval));
    return c ? copy_to_user((void __user *)c, &old, sizeof old) : 0;
}

/* Seconds left of the last alarm, rounded so that a running one is never "none". */
DEFINE_SYSCALL(alarm)
{
    uint64_t left = time_left(&current->group->itimer[ITIMER_REAL], ITIMER_REAL);
    uint32_t seconds = (uint32_t)((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC);

    set_timer(ITIMER_REAL, (uint64_t)a * NSEC_PER_SEC, 0);
    return left && !seconds ? 1 : (long)seconds;
}
