/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for children: wait4, waitpid and waitid are three faces of one search. It looks at each
 * child for news - died, stopped, continued - reports the first and, unless asked not to, uses it up.
 */
#include "process.h"

#include "syscall.h"

#define WNOHANG    1u
#define WUNTRACED  2u /* = WSTOPPED */
#define WEXITED    4u
#define WCONTINUED 8u
#define WNOWAIT    0x01000000u
#define WNOTHREAD  0x20000000u
#define WALL       0x40000000u
#define WCLONE     0x80000000u

enum { P_ALL, P_PID, P_PGID };

struct wait_request {
    int type; /* P_* */
    pid_t id;
    uint32_t options;
};

struct wait_news {
    pid_t pid;
    uint32_t uid;
    int code;   /* CLD_* */
    int status; /* as wait4 reports it */
    struct rusage32 usage;
};

static struct timeval32 ticks_to_timeval(uint32_t ticks)
{
    return (struct timeval32){.sec = ticks / HZ, .usec = ticks % HZ * (1000000 / HZ)};
}

static void usage_of(const struct task *leader, struct rusage32 *u)
{
    uint32_t utime, stime;

    task_group_times(leader, &utime, &stime);
    memset(u, 0, sizeof *u);
    u->utime = ticks_to_timeval(utime + leader->group->cutime);
    u->stime = ticks_to_timeval(stime + leader->group->cstime);
    u->maxrss = MAX(leader->group->max_rss, leader->group->cmax_rss) * (PAGE_SIZE / 1024);
    u->minflt = leader->group->dead_min_flt + leader->min_flt + leader->group->cmin_flt;
    u->nvcsw = leader->switches;
}

static bool eligible(const struct wait_request *r, const struct task *t)
{
    if (r->type == P_PID && t->pid != r->id)
        return false;
    if (r->type == P_PGID && t->pgid != r->id)
        return false;
    /* A "clone" child is one that announces its end by something else than SIGCHLD. */
    if (!(r->options & WALL) && (t->exit_signal != SIGCHLD) != !!(r->options & WCLONE))
        return false;
    return true;
}

/* The dead child's times become the parent's "children's times". */
static void reap(struct task *t)
{
    struct thread_group *mine = current->group, *g = t->group;
    uint32_t utime, stime;

    task_group_times(t, &utime, &stime);
    mine->cutime += utime + g->cutime;
    mine->cstime += stime + g->cstime;
    mine->cmin_flt += t->min_flt + g->dead_min_flt + g->cmin_flt;
    mine->cmax_rss = MAX(mine->cmax_rss, MAX(g->max_rss, g->cmax_rss));
    task_release(t);
}

static bool news_of(const struct wait_request *r, struct task *t, struct wait_news *news)
{
    struct thread_group *g = t->group;
    bool keep = r->options & WNOWAIT;

    news->pid = t->pid;
    news->uid = t->uid;
    if (t->state == TASK_ZOMBIE && !g->live) {
        if (!(r->options & WEXITED))
            return false;
        news->code = t->exit_code & 0x7f ? CLD_KILLED : CLD_EXITED;
        news->status = t->exit_code;
        usage_of(t, &news->usage);
        if (!keep)
            reap(t);
        return true;
    }
    if ((r->options & WUNTRACED) && g->stop_notified && !g->stop_reported) {
        news->code = CLD_STOPPED;
        news->status = g->stop_signal << 8 | 0x7f;
        usage_of(t, &news->usage);
        g->stop_reported = !keep;
        return true;
    }
    if ((r->options & WCONTINUED) && g->continued) {
        news->code = CLD_CONTINUED;
        news->status = 0xffff;
        usage_of(t, &news->usage);
        g->continued = keep;
        return true;
    }
    return false;
}

/* The pid with news, 0 when nothing happened yet, -ECHILD when nothing ever will. */
static long look_at_children(const struct wait_request *r, struct wait_news *news)
{
    struct task *t;
    long result = -ECHILD;

    list_for_each(t, &current->leader->children, sibling)
    {
        if (!eligible(r, t))
            continue;
        if (news_of(r, t, news))
            return news->pid;
        result = 0;
    }
    return result;
}

static long do_wait(const struct wait_request *r, struct wait_news *news)
{
    long result = 0;
    int err;

    task_bury_dead();
    err = wait_event(&current->group->wait_children,
                     (result = look_at_children(r, news)) != 0 || (r->options & WNOHANG));
    return err ? -ERESTARTSYS : result;
}

static long wait_for_pid(pid_t pid, uint32_t status_addr, uint32_t options, uint32_t usage_addr)
{
    struct wait_request r = {.type = P_PID, .id = pid, .options = options | WEXITED};
    struct wait_news news;
    long result;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
        return -EINVAL;
    if (pid == -1) {
        r.type = P_ALL;
    } else if (pid == (pid_t)0x80000000) {
        return -ESRCH; /* there is no such group, and its number has no negative */
    } else if (pid <= 0) {
        r.type = P_PGID;
        r.id = pid ? -pid : current->pgid;
    }
    result = do_wait(&r, &news);
    if (result <= 0)
        return result;
    if (status_addr && put_user(news.status, (int __user *)status_addr))
        return -EFAULT;
    if (usage_addr && copy_to_user((void __user *)usage_addr, &news.usage, sizeof news.usage))
        return -EFAULT;
    return result;
}

DEFINE_SYSCALL(wait4)
{
    return wait_for_pid((pid_t)a, b, c, d);
}

DEFINE_SYSCALL(waitpid)
{
    return wait_for_pid((pid_t)a, b, c, 0);
}

/* waitid(type, id, siginfo, options, rusage) */
DEFINE_SYSCALL(waitid)
{
    struct wait_request r = {.type = (int)a, .id = (pid_t)b, .options = d};
    struct wait_news news;
    uint32_t info[32] = {0};
    long result;

    if (d & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | WNOTHREAD | WALL | WCLONE))
        return -EINVAL;
    if (!(d & (WUNTRACED | WEXITED | WCONTINUED)))
        return -EINVAL;
    if (a > P_PGID || (a == P_PID && r.id <= 0) || (a == P_PGID && r.id < 0))
        return -EINVAL;
    if (a == P_PGID && !r.id)
        r.id = current->pgid;
    result = do_wait(&r, &news);
    if (result < 0)
        return result;
    if (result > 0) {
        int status = news.status;
        struct siginfo_small s = {
            .signo = SIGCHLD,
            .code = news.code,
            .pid = news.pid,
            .uid = news.uid,
            .status = news.code == CLD_CONTINUED ? SIGCONT
                      : news.code == CLD_KILLED  ? status & 0x7f
                                                 : status >> 8,
        };

        siginfo_to_user_layout(&s, info);
        if (e && copy_to_user((void __user *)e, &news.usage, sizeof news.usage))
            return -EFAULT;
    }
    /* No news (WNOHANG) reads as zeros in the fields that callers test. */
    return c ? copy_to_user((void __user *)c, info, 28) : 0;
}

/* getrusage(who, rusage): SELF 0, CHILDREN -1, THREAD 1 */
DEFINE_SYSCALL(getrusage)
{
    const struct thread_group *g = current->group;
    struct rusage32 u;
    uint32_t utime, stime;

    memset(&u, 0, sizeof u);
    switch ((int)a) {
    case 0:
        task_group_times(current, &utime, &stime);
        u.maxrss = MAX(g->max_rss, current->mm ? current->mm->peak_rss : 0) * (PAGE_SIZE / 1024);
        u.minflt = current->min_flt + g->dead_min_flt;
        u.nvcsw = current->switches;
        break;
    case -1:
        utime = g->cutime;
        stime = g->cstime;
        u.maxrss = g->cmax_rss * (PAGE_SIZE / 1024);
        u.minflt = g->cmin_flt;
        break;
    case 1:
        utime = current->utime;
        stime = current->stime;
        u.maxrss = (current->mm ? current->mm->peak_rss : 0) * (PAGE_SIZE / 1024);
        u.minflt = current->min_flt;
        u.nvcsw = current->switches;
        break;
    default:
        return -EINVAL;
    }
    u.utime = ticks_to_timeval(utime);
    u.stime = ticks_to_timeval(stime);
    return copy_to_user((void __user *)b, &u, sizeof u);
}
