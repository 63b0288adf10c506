/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system calls about signals. There are two generations: the old ones know 32 signals and a mask
 * of one word, the rt_ ones 64 and a mask of two. Both change the same state.
 */
#include "process.h"

#include "syscall.h"

static int read_mask(sigset_t *set, uint32_t addr, uint32_t size)
{
    if (size != sizeof *set)
        return -EINVAL;
    return copy_from_user(set, (const void __user *)addr, sizeof *set);
}

/* ---- actions ---- */

static int change_action(int sig, const struct signal_action *new, struct signal_action *old)
{
    struct signal_action *a;
    struct task *t;

    if (sig < 1 || sig > NSIG || (new && (SIGMASK(sig) & SIGMASK_UNBLOCKABLE)))
        return -EINVAL;
    a = action_of(current, sig);
    if (old)
        *old = *a;
    if (!new)
        return 0;
    *a = *new;
    a->mask &= ~SIGMASK_UNBLOCKABLE;
    if (signal_ignored(current, sig)) { /* POSIX: what waits is forgotten, blocked or not */
        sigpending_flush(&current->group->pending, SIGMASK(sig));
        list_for_each(t, &current->group->threads, threads)
            sigpending_flush(&t->pending, SIGMASK(sig));
    }
    return 0;
}

struct old_sigaction { /* the 32-signal layout */
    uint32_t handler, mask, flags, restorer;
};

DEFINE_SYSCALL(sigaction)
{
    struct old_sigaction u;
    struct signal_action new, old;
    int err;

    if (b) {
        if (copy_from_user(&u, (const void __user *)b, sizeof u))
            return -EFAULT;
        new = (struct signal_action){u.handler, u.flags, u.restorer, u.mask};
    }
    err = change_action((int)a, b ? &new : NULL, &old);
    if (!err && c) {
        u = (struct old_sigaction){old.handler, (uint32_t)old.mask, old.flags, old.restorer};
        err = copy_to_user((void __user *)c, &u, sizeof u);
    }
    return err;
}

DEFINE_SYSCALL(rt_sigaction)
{
    struct signal_action new, old; /* the layout is the user's own */
    int err;

    _Static_assert(sizeof(struct signal_action) == 20, "handler, flags, restorer, 64-bit mask");
    if (d != sizeof(sigset_t))
        return -EINVAL;
    if (b && copy_from_user(&new, (const void __user *)b, sizeof new))
        return -EFAULT;
    err = change_action((int)a, b ? &new : NULL, &old);
    if (!err && c)
        err = copy_to_user((void __user *)c, &old, sizeof old);
    return err;
}

/* signal(): the very old semantics, one shot and not masked */
DEFINE_SYSCALL(signal)
{
    struct signal_action new = {.handler = b, .flags = SA_RESETHAND | SA_NODEFER}, old;
    int err = change_action((int)a, &new, &old);

    return err ? err : (long)old.handler;
}

/* ---- masks ---- */

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

static int change_mask(uint32_t how, sigset_t set)
{
    switch (how) {
    case SIG_BLOCK:
        signal_set_blocked(current->blocked | set);
        return 0;
    case SIG_UNBLOCK:
        signal_set_blocked(current->blocked & ~set);
        return 0;
    case SIG_SETMASK:
        signal_set_blocked(set);
        return 0;
    default:
        return -EINVAL;
    }
}

DEFINE_SYSCALL(rt_sigprocmask)
{
    sigset_t set, old = current->blocked;
    int err;

    if (d != sizeof set)
        return -EINVAL;
    if (b) {
        if ((err = read_mask(&set, b, d)) || (err = change_mask(a, set)))
            return err;
    }
    return c ? copy_to_user((void __user *)c, &old, sizeof old) : 0;
}

/* The old mask is the low word; the high one stays as it is. */
DEFINE_SYSCALL(sigprocmask)
{
    sigset_t old = current->blocked;
    uint32_t word;
    int err;

    if (b) {
        if (get_user(word, (const uint32_t __user *)b))
            return -EFAULT;
        if ((err = change_mask(a, a == SIG_SETMASK ? (old & ~0xFFFFFFFFull) | word : word)))
            return err;
    }
    return c ? put_user((uint32_t)old, (uint32_t __user *)c) : 0;
}

DEFINE_SYSCALL(sgetmask)
{
    return (long)(uint32_t)current->blocked;
}

DEFINE_SYSCALL(ssetmask)
{
    uint32_t old = (uint32_t)current->blocked;

    signal_set_blocked(a); /* this call's word is the whole mask */
    return (long)old;
}

DEFINE_SYSCALL(rt_sigpending)
{
    sigset_t set = (current->pending.set | current->group->pending.set) & current->blocked;

    if (b > sizeof set)
        return -EINVAL;
    return copy_to_user((void __user *)a, &set, b);
}

DEFINE_SYSCALL(sigpending)
{
    sigset_t set = (current->pending.set | current->group->pending.set) & current->blocked;

    return put_user((uint32_t)set, (uint32_t __user *)a);
}

/* ---- waiting for signals ---- */

/* Sleep with another mask. The old one comes back on the way out, or out of the handler's frame. */
static long suspend(sigset_t set)
{
    current->saved_blocked = current->blocked;
    signal_set_blocked(set);
    for (;;) {
        current->state = TASK_INTERRUPTIBLE;
        if (signal_pending(current))
            break;
        schedule();
    }
    current->state = TASK_RUNNING;
    current->restore_blocked = true;
    return -ERESTARTNOHAND;
}

/* sigsuspend(unused, unused, mask) */
DEFINE_SYSCALL(sigsuspend)
{
    return suspend(c);
}

DEFINE_SYSCALL(rt_sigsuspend)
{
    sigset_t set;
    int err = read_mask(&set, a, b);

    return err ? err : suspend(set);
}

DEFINE_SYSCALL(pause)
{
    while (!signal_pending(current)) {
        current->state = TASK_INTERRUPTIBLE;
        if (!signal_pending(current))
            schedule();
    }
    current->state = TASK_RUNNING;
    return -ERESTARTNOHAND;
}

static int take_of(sigset_t set, struct siginfo_small *info)
{
    int sig = sigpending_take(&current->pending, set, info);

    return sig ? sig : sigpending_take(&current->group->pending, set, info);
}

static long sigtimedwait(uint32_t set_addr, uint32_t info_addr, uint32_t time_addr, uint32_t size,
                         bool wide)
{
    struct siginfo_small info;
    uint64_t ns, deadline = 0;
    uint32_t out[32];
    sigset_t set;
    int sig, err;

    if ((err = read_mask(&set, set_addr, size)))
        return err;
    if (time_addr) {
        if ((err = time_from_user(&ns, time_addr, wide)))
            return err;
        deadline = deadline_after(ns);
    }
    set &= ~SIGMASK_UNBLOCKABLE;
    current->sigwait = set;
    for (;;) {
        current->state = TASK_INTERRUPTIBLE;
        sig = take_of(set, &info);
        if (sig || signal_pending(current) || (deadline && clock_monotonic_ns() >= deadline))
            break;
        schedule_until(deadline);
    }
    current->state = TASK_RUNNING;
    current->sigwait = 0;
    if (!sig)
        return signal_pending(current) ? -EINTR : -EAGAIN;
    if (info_addr) {
        siginfo_to_user_layout(&info, out);
        if (copy_to_user((void __user *)info_addr, out, sizeof out))
            return -EFAULT;
    }
    return sig;
}

DEFINE_SYSCALL(rt_sigtimedwait)
{
    return sigtimedwait(a, b, c, d, false);
}

DEFINE_SYSCALL(rt_sigtimedwait_time64)
{
    return sigtimedwait(a, b, c, d, true);
}

/* ---- sending ---- */

static bool may_signal(const struct task *t, int sig)
{
    return current->euid == 0 || current->euid == t->suid || current->euid == t->uid ||
           current->uid == t->suid || current->uid == t->uid ||
           (sig == SIGCONT && current->sid == t->sid);
}

static struct siginfo_small from_me(int sig, int code)
{
    return (struct siginfo_small){
        .signo = sig,
        .code = code,
        .pid = current->tgid,
        .uid = current->uid,
    };
}

/* Signal 0 only asks whether it would be allowed. */
static int send_checked(struct task *t, const struct siginfo_small *info, bool to_group)
{
    if (!may_signal(t, info->signo))
        return -EPERM;
    if (!info->signo)
        return 0;
    return to_group ? signal_send_group(t, info->signo, info)
                    : signal_send_task(t, info->signo, info);
}

static struct task *find_process(pid_t pid)
{
    struct task *t = pid > 0 ? task_find(pid) : NULL;

    return t ? t->leader : NULL;
}

/* kill(): pid > 0 a process, 0 our group, -1 everybody but init and us, else the group -pid. */
DEFINE_SYSCALL(kill)
{
    pid_t pid = (pid_t)a;
    int sig = (int)b, result = -ESRCH;
    struct siginfo_small info = from_me(sig, SI_USER);
    struct task *t;
    pid_t group = pid == 0 ? current->pgid : -pid;

    if (sig < 0 || sig > NSIG)
        return -EINVAL;
    if (pid > 0) {
        t = find_process(pid);
        return t ? send_checked(t, &info, true) : -ESRCH;
    }
    list_for_each(t, &all_tasks, all)
    {
        int err;

        if (t->leader != t || t->pid <= 0)
            continue;
        if (pid == -1 ? t->tgid == 1 || t->group == current->group : t->pgid != group)
            continue;
        err = send_checked(t, &info, true);
        if (!err || result == -ESRCH)
            result = err; /* one success is success */
    }
    return result;
}

static long send_to_thread(pid_t tgid, pid_t tid, const struct siginfo_small *info)
{
    struct task *t;

    if (tid <= 0 || info->signo < 0 || info->signo > NSIG)
        return -EINVAL;
    t = task_find(tid);
    if (!t || (tgid && t->tgid != tgid))
        return -ESRCH;
    return send_checked(t, info, false);
}

DEFINE_SYSCALL(tkill)
{
    struct siginfo_small info = from_me((int)b, SI_TKILL);

    return send_to_thread(0, (pid_t)a, &info);
}

DEFINE_SYSCALL(tgkill)
{
    struct siginfo_small info = from_me((int)c, SI_TKILL);

    return (pid_t)a <= 0 ? -EINVAL : send_to_thread((pid_t)a, (pid_t)b, &info);
}

/* A siginfo of the sender's making; codes >= 0 are the kernel's, and he may not forge them. */
static int queued_info(struct siginfo_small *info, int sig, uint32_t addr, bool to_self)
{
    int32_t words[6];

    if (copy_from_user(words, (const void __user *)addr, sizeof words))
        return -EFAULT;
    if ((words[2] >= 0 || words[2] == SI_TKILL) && !to_self)
        return -EPERM;
    *info = (struct siginfo_small){
        .signo = sig,
        .code = words[2],
        .pid = words[3],
        .uid = (uint32_t)words[4],
        .addr = (uint32_t)words[5],
    };
    return 0;
}

DEFINE_SYSCALL(rt_sigqueueinfo)
{
    struct task *t = find_process((pid_t)a);
    struct siginfo_small info;
    int err = queued_info(&info, (int)b, c, (pid_t)a == current->tgid);

    if (err)
        return err;
    if ((int)b < 0 || (int)b > NSIG)
        return -EINVAL;
    return t ? send_checked(t, &info, true) : -ESRCH;
}

DEFINE_SYSCALL(rt_tgsigqueueinfo)
{
    struct siginfo_small info;
    int err = queued_info(&info, (int)c, d, (pid_t)a == current->tgid);

    if (err)
        return err;
    return (pid_t)a <= 0 ? -EINVAL : send_to_thread((pid_t)a, (pid_t)b, &info);
}

/* What a call left behind when a signal without handler interrupted it. */
DEFINE_SYSCALL(restart_syscall)
{
    long (*fn)(struct task *) = current->restart_fn;

    current->restart_fn = NULL;
    return fn ? fn(current) : -EINTR;
}
