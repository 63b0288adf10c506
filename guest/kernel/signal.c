/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals: sending, queueing, and what happens on the way back to user mode.
 *
 * A signal is first noted - in the thread's or the process's set - and somebody who does not block
 * it is woken. All else happens later, when that thread is about to leave the kernel: only there is
 * a user frame that a handler can be put into. Senders may be interrupt handlers (the terminal's ^C,
 * the clock's alarm), so everything up to the wake-up masks interrupts and allocates nothing.
 */
#include "process.h"

#include "../pv/pv.h"
#include "syscall.h"

/* ---- actions ---- */

struct sighand *sighand_new(void)
{
    struct sighand *h = kzalloc(sizeof *h);

    if (h)
        h->refs = 1;
    return h;
}

struct sighand *sighand_copy(const struct sighand *from)
{
    struct sighand *h = sighand_new();

    if (h)
        memcpy(h->action, from->action, sizeof h->action);
    return h;
}

void sighand_put(struct sighand *h)
{
    if (!--h->refs)
        kfree(h);
}

void sighand_exec(struct sighand *h)
{
    for (unsigned i = 0; i < NSIG; i++) {
        uint32_t handler = h->action[i].handler == SIG_IGN ? SIG_IGN : SIG_DFL;

        h->action[i] = (struct signal_action){.handler = handler};
    }
}

enum default_action { KILL, IGNORE, STOP, CONTINUE };

static enum default_action default_action(int sig)
{
    switch (sig) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
        return IGNORE;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return STOP;
    case SIGCONT:
        return CONTINUE;
    default:
        return KILL;
    }
}

bool signal_ignored(const struct task *t, int sig)
{
    uint32_t handler = action_of(t, sig)->handler;

    if (handler != SIG_DFL)
        return handler == SIG_IGN;
    /* What init does not ask for does not reach it: nobody may kill the parent of all. */
    if (t->tgid == 1)
        return true;
    return default_action(sig) == IGNORE || default_action(sig) == CONTINUE;
}

bool signal_blocked(const struct task *t, int sig)
{
    return t->blocked & SIGMASK(sig);
}

/* ---- sets of waiting signals ---- */

/* Real-time signals queue, and senders may not allocate: a pool for the whole machine. */
#define SIGQUEUE_POOL 256
static struct sigqueue pool[SIGQUEUE_POOL];
static struct list pool_free = LIST_INIT(pool_free);
static uint32_t pool_used;

static struct sigqueue *sigqueue_take(void)
{
    struct sigqueue *q;

    if (!list_empty(&pool_free)) {
        q = list_first(&pool_free, struct sigqueue, link);
        list_del(&q->link);
        return q;
    }
    return pool_used < SIGQUEUE_POOL ? &pool[pool_used++] : NULL;
}

void sigpending_init(struct sigpending *p)
{
    p->set = 0;
    list_init(&p->queue);
}

void sigpending_flush(struct sigpending *p, sigset_t which)
{
    struct sigqueue *q, *next;
    uint32_t flags = irq_save();

    p->set &= ~which;
    list_for_each_safe(q, next, &p->queue, link)
    {
        if (!(which & SIGMASK(q->info.signo)))
            continue;
        list_del(&q->link);
        list_add(&pool_free, &q->link);
    }
    irq_restore(flags);
}

/* 0; -EAGAIN when a real-time signal that must queue (rt_sigqueueinfo) finds no room. */
static int sigpending_add(struct sigpending *p, int sig, const struct siginfo_small *info)
{
    if (sig < SIGRTMIN) {
        if (!(p->set & SIGMASK(sig)))
            p->info[sig] = *info;
    } else {
        struct sigqueue *q = sigqueue_take();

        if (q) {
            q->info = *info;
            list_add_tail(&p->queue, &q->link);
        } else if (info->code == SI_QUEUE) {
            return -EAGAIN;
        }
    }
    p->set |= SIGMASK(sig);
    return 0;
}

/* Faults of the running instruction come before what others sent, lest a handler's frame is built
   on an instruction that has yet to be blamed. */
#define SIGMASK_SYNCHRONOUS                                                                      \
    (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) | \
     SIGMASK(SIGSYS))

int sigpending_take(struct sigpending *p, sigset_t which, struct siginfo_small *info)
{
    uint32_t flags = irq_save();
    sigset_t set = p->set & which;
    struct sigqueue *q, *found = NULL;
    bool more = false;
    int sig = 0;

    if (set & SIGMASK_SYNCHRONOUS)
        set &= SIGMASK_SYNCHRONOUS;
    if (set)
        sig = __builtin_ctzll(set) + 1;
    if (!sig) {
        irq_restore(flags);
        return 0;
    }
    *info = (struct siginfo_small){.signo = sig, .code = SI_USER};
    if (sig < SIGRTMIN) {
        *info = p->info[sig];
    } else {
        list_for_each(q, &p->queue, link)
        {
            if (q->info.signo != sig)
                continue;
            if (found) {
                more = true;
                break;
            }
            found = q;
        }
        if (found) {
            *info = found->info;
            list_del(&found->link);
            list_add(&pool_free, &found->link);
        }
    }
    if (!more)
        p->set &= ~SIGMASK(sig);
    irq_restore(flags);
    return sig;
}

/* ---- is there something to do? ---- */

static bool must_die(const struct task *t)
{
    const struct thread_group *g = t->group;

    return g->exiting || (g->exec_thread && g->exec_thread != t);
}

bool signal_fatal_pending(const struct task *t)
{
    return must_die(t) || ((t->pending.set | t->group->pending.set) & SIGMASK(SIGKILL));
}

bool signal_pending(const struct task *t)
{
    const struct thread_group *g = t->group;

    if (!g || !t->mm)
        return false; /* the boot task and kernel threads live outside this law */
    if (must_die(t) || g->stop_signal)
        return true;
    return (t->pending.set | g->pending.set) & (~t->blocked | t->sigwait);
}

/* ---- sending ---- */

static void wake_for_signal(struct task *t, bool fatal)
{
    switch (t->state) {
    case TASK_INTERRUPTIBLE:
        wake_task(t);
        break;
    case TASK_KILLABLE:
    case TASK_STOPPED:
        if (fatal)
            wake_task(t);
        break;
    default:
        break;
    }
}

static bool wants(const struct task *t, int sig)
{
    if (t->state == TASK_ZOMBIE || t->state == TASK_DEAD)
        return false;
    if (sig == SIGKILL)
        return true;
    return !(t->blocked & SIGMASK(sig)) || (t->sigwait & SIGMASK(sig));
}

void signal_kill_threads(struct thread_group *g, const struct task *except)
{
    struct task *t;

    list_for_each(t, &g->threads, threads)
    {
        if (t != except)
            wake_for_signal(t, true);
    }
}

/* SIGCONT does its work when it is sent, whatever is done with it later: a stopped process cannot
   act on anything. */
static void group_continue(struct task *leader)
{
    struct thread_group *g = leader->group;
    struct task *t;
    bool was_stopped = g->stop_signal;

    list_for_each(t, &g->threads, threads) sigpending_flush(&t->pending, SIGMASK_STOP);
    sigpending_flush(&g->pending, SIGMASK_STOP);
    if (!was_stopped)
        return;
    g->stop_signal = 0;
    list_for_each(t, &g->threads, threads)
    {
        if (t->state == TASK_STOPPED)
            wake_task(t);
    }
    if (g->stop_notified) {
        g->continued = true;
        signal_notify_stop(leader, CLD_CONTINUED, SIGCONT);
    }
    g->stop_notified = g->stop_reported = false;
}

static int send(struct task *t, int sig, const struct siginfo_small *info, bool to_group)
{
    struct siginfo_small from_kernel = {.signo = sig, .code = SI_KERNEL};
    struct thread_group *g = t->group;
    uint32_t flags = irq_save();
    struct task *thread;
    int err = 0;

    if (!g || !t->sighand || t->state == TASK_DEAD || (t->state == TASK_ZOMBIE && !to_group))
        goto out;
    if (sig == SIGCONT) {
        group_continue(t->leader);
    } else if (SIGMASK(sig) & SIGMASK_STOP) {
        list_for_each(thread, &g->threads, threads)
            sigpending_flush(&thread->pending, SIGMASK(SIGCONT));
        sigpending_flush(&g->pending, SIGMASK(SIGCONT));
    }
    /* A blocked signal is kept even if it is ignored now: that may have changed when it is taken. */
    if (signal_ignored(t, sig) && !(t->blocked & SIGMASK(sig)) && !(t->sigwait & SIGMASK(sig)))
        goto out;

    err = sigpending_add(to_group ? &g->pending : &t->pending, sig, info ? info : &from_kernel);
    if (err)
        goto out;
    if (sig == SIGKILL) {
        signal_kill_threads(g, NULL);
    } else if (wants(t, sig)) {
        wake_for_signal(t, false);
    } else if (to_group) {
        list_for_each(thread, &g->threads, threads)
        {
            if (wants(thread, sig)) {
                wake_for_signal(thread, false);
                break;
            }
        }
    }
out:
    irq_restore(flags);
    return err;
}

int signal_send_task(struct task *t, int sig, const struct siginfo_small *info)
{
    return send(t, sig, info, false);
}

int signal_send_group(struct task *t, int sig, const struct siginfo_small *info)
{
    return send(t->leader, sig, info, true);
}

int signal_send_pgrp(pid_t pgid, int sig, const struct siginfo_small *info)
{
    struct task *t;
    int result = -ESRCH;

    list_for_each(t, &all_tasks, all)
    {
        if (t->leader == t && t->pgid == pgid && pgid > 0)
            result = send(t, sig, info, true);
    }
    return result;
}

void signal_force(int sig, int code, uint32_t addr)
{
    struct siginfo_small info = {.signo = sig, .code = code, .addr = addr};
    struct signal_action *a = action_of(current, sig);

    /* Whoever ignores or blocks the fault he just made would make it for ever: let him die of it. */
    if (a->handler == SIG_IGN || (current->blocked & SIGMASK(sig))) {
        a->handler = SIG_DFL;
        current->blocked &= ~SIGMASK(sig);
    }
    current->forced_signal = sig;
    sigpending_flush(&current->pending, SIGMASK(sig));
    sigpending_add(&current->pending, sig, &info);
}

/* ---- stopping ---- */

void signal_notify_stop(struct task *t, int why, int status)
{
    struct task *leader = t->leader, *parent = leader->parent;
    struct siginfo_small info = {
        .signo = SIGCHLD,
        .code = why,
        .pid = leader->pid,
        .uid = leader->uid,
        .status = status,
    };

    if (parent->sighand && !(action_of(parent, SIGCHLD)->flags & SA_NOCLDSTOP)) {
        task_group_times(leader, &info.utime, &info.stime);
        signal_send_group(parent, SIGCHLD, &info);
    }
    if (parent->group)
        wake_up(&parent->group->wait_children);
}

void signal_check_stopped(struct task *t)
{
    struct thread_group *g = t->group;

    if (!g->stop_signal || !g->live || g->stopped < g->live || g->stop_notified)
        return;
    g->stop_notified = true;
    g->stop_reported = false;
    g->continued = false;
    signal_notify_stop(t, CLD_STOPPED, g->stop_signal);
}

/* Stand still until SIGCONT or death. The last thread to stop tells the parent. */
static void park(void)
{
    struct thread_group *g = current->group;

    g->stopped++;
    signal_check_stopped(current);
    while (g->stop_signal && !signal_fatal_pending(current)) {
        current->state = TASK_STOPPED;
        schedule();
    }
    current->state = TASK_RUNNING;
    g->stopped--;
}

static void begin_stop(int sig)
{
    struct thread_group *g = current->group;
    struct task *t;

    if (sig != SIGSTOP && pgrp_orphaned(current->pgid, NULL))
        return; /* nobody could ever continue it */
    g->stop_signal = sig;
    g->stop_notified = g->stop_reported = false;
    list_for_each(t, &g->threads, threads) wake_for_signal(t, false);
}

/* ---- delivering ---- */

void signal_set_blocked(sigset_t blocked)
{
    current->blocked = blocked & ~SIGMASK_UNBLOCKABLE;
}

/* The call that was interrupted: fail it, or aim the frame at its int 0x80 again. */
static void finish_call(struct trap_frame *f, const struct signal_action *handler)
{
    int result = -(int)f->eax;

    if ((int32_t)f->orig_eax < 0)
        return;
    switch (result) {
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK:
    case ERESTARTSYS:
        if (handler && (result != ERESTARTSYS || !(handler->flags & SA_RESTART))) {
            f->eax = (uint32_t)-EINTR;
            break;
        }
        /* fall through */
    case ERESTARTNOINTR:
        f->eax = result == ERESTART_RESTARTBLOCK ? 0 /* restart_syscall */ : f->orig_eax;
        f->eip -= 2; /* the length of int 0x80 */
        break;
    default:
        return;
    }
    f->orig_eax = ~0u; /* once is enough */
}

static int take_signal(struct siginfo_small *info)
{
    int sig = sigpending_take(&current->pending, ~current->blocked, info);

    return sig ? sig : sigpending_take(&current->group->pending, ~current->blocked, info);
}

static void deliver_to_handler(struct trap_frame *f, int sig, const struct siginfo_small *info)
{
    struct signal_action *live = action_of(current, sig), a = *live;
    sigset_t old = current->restore_blocked ? current->saved_blocked : current->blocked;

    finish_call(f, &a);
    if (a.flags & SA_RESETHAND)
        live->handler = SIG_DFL;
    current->restore_blocked = false;
    if (!signal_frame_push(f, sig, &a, info, old)) {
        /* No stack for a handler: the classic death, unless SIGSEGV itself has a stack of its own. */
        if (sig == SIGSEGV)
            live->handler = SIG_DFL;
        current->blocked = old;
        signal_force(SIGSEGV, SI_KERNEL, 0);
        return;
    }
    signal_set_blocked(current->blocked | a.mask | (a.flags & SA_NODEFER ? 0 : SIGMASK(sig)));
}

void signal_deliver(struct trap_frame *f)
{
    struct thread_group *g = current->group;
    struct siginfo_small info;
    int sig;

    for (;;) {
        if (must_die(current))
            do_exit(g->exiting ? g->exit_code : 0);
        if (g->stop_signal && !signal_fatal_pending(current)) {
            park();
            continue;
        }
        sig = take_signal(&info);
        if (!sig)
            break;

        uint32_t handler = action_of(current, sig)->handler;
        bool forced = current->forced_signal == sig;

        if (forced)
            current->forced_signal = 0;
        if (handler == SIG_IGN)
            continue;
        if (handler != SIG_DFL) {
            deliver_to_handler(f, sig, &info);
            continue;
        }
        if (current->tgid == 1 && !forced)
            continue;
        switch (default_action(sig)) {
        case KILL:
            do_group_exit(sig);
        case STOP:
            begin_stop(sig);
            break;
        case IGNORE:
        case CONTINUE:
            break;
        }
    }

    finish_call(f, NULL);
    if (current->restore_blocked) {
        current->restore_blocked = false;
        signal_set_blocked(current->saved_blocked);
    }
}
