/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Death. A thread gives back what it holds and is gone; the last one of a process turns the leader
 * into a zombie, which is a status with a number, and tells the parent. The parent's wait4() (wait.c)
 * collects it - unless the parent has said that it never will.
 */
#include "process.h"

#include "../drivers/drivers.h"
#include "../fs/fs.h"
#include "fpu.h"
#include "syscall.h"

void task_vfork_release(struct task *t)
{
    struct completion *c = t->vfork_done;

    t->vfork_done = NULL;
    if (c)
        complete(c);
}

void task_mm_release(struct task *t)
{
    futex_robust_exit(t);
    if (t->clear_child_tid && t->mm) {
        uint32_t __user *tid = t->clear_child_tid;

        t->clear_child_tid = NULL;
        if (!put_user(0u, tid))
            futex_wake_address((uint32_t)tid);
    }
    task_vfork_release(t);
}

void task_group_times(const struct task *t, uint32_t *utime, uint32_t *stime)
{
    const struct task *thread;

    *utime = t->group->dead_utime;
    *stime = t->group->dead_stime;
    list_for_each(thread, &t->group->threads, threads)
    {
        *utime += thread->utime;
        *stime += thread->stime;
    }
}

/*
 * A process group is orphaned when no member has a parent in another group of the same session: then
 * nobody is left who could continue its stopped jobs, and terminal stops must not happen to it.
 */
bool pgrp_orphaned(pid_t pgid, const struct task *except)
{
    struct task *t;

    list_for_each(t, &all_tasks, all)
    {
        if (t->pgid != pgid || t->leader != t || t == except || t->state == TASK_ZOMBIE)
            continue;
        if (t->parent->tgid > 1 && t->parent->pgid != pgid && t->parent->sid == t->sid)
            return false;
    }
    return true;
}

static bool pgrp_has_stopped(pid_t pgid)
{
    struct task *t;

    list_for_each(t, &all_tasks, all)
    {
        if (t->pgid == pgid && t->leader == t && t->group->stop_signal)
            return true;
    }
    return false;
}

/* t leaves (or leaves its child): if that orphans a group with stopped members, wake it to its fate. */
static void hang_up_orphans(const struct task *t, const struct task *parent,
                            const struct task *dying)
{
    if (parent->pgid == t->pgid || parent->sid != t->sid)
        return; /* parent was no link of t's group to its session */
    if (pgrp_orphaned(t->pgid, dying) && pgrp_has_stopped(t->pgid)) {
        signal_send_pgrp(t->pgid, SIGHUP, NULL);
        signal_send_pgrp(t->pgid, SIGCONT, NULL);
    }
}

/* True when the parent wants no zombies: then the child goes without waiting. */
static bool notify_parent(struct task *leader)
{
    struct task *parent = leader->parent;
    const struct signal_action *chld = action_of(parent, SIGCHLD);
    int code = leader->exit_code;
    bool alone = false;

    if (leader->exit_signal == SIGCHLD &&
        (chld->handler == SIG_IGN || (chld->flags & SA_NOCLDWAIT)))
        alone = true;
    if (leader->exit_signal > 0 && !(alone && chld->handler == SIG_IGN)) {
        struct siginfo_small info = {
            .signo = leader->exit_signal,
            .code = code & 0x7f ? CLD_KILLED : CLD_EXITED,
            .pid = leader->pid,
            .uid = leader->uid,
            .status = code & 0x7f ? code & 0x7f : code >> 8,
        };

        task_group_times(leader, &info.utime, &info.stime);
        signal_send_group(parent, leader->exit_signal, &info);
    }
    wake_up(&parent->group->wait_children);
    return alone;
}

static struct task *reaper_for(const struct task *t)
{
    struct task *init = task_find(1);

    ASSERT(init && init != t);
    return init;
}

/* The children of a process whose last thread ends go to init, zombies and all. */
static void orphan_children(struct task *leader)
{
    struct task *child, *next;
    struct task *reaper;

    if (list_empty(&leader->children))
        return;
    reaper = reaper_for(leader);
    list_for_each_safe(child, next, &leader->children, sibling)
    {
        task_reparent(child, reaper);
        hang_up_orphans(child, leader, NULL);
        if (child->parent_death_signal)
            signal_send_group(child, child->parent_death_signal, NULL);
        if (child->exit_signal >= 0)
            child->exit_signal = SIGCHLD;
        if (child->state == TASK_ZOMBIE && !child->group->live && notify_parent(child))
            task_release(child);
    }
}

/* The last thread of a process is gone; leader is a zombie. */
static void process_ended(struct task *leader)
{
    struct thread_group *g = leader->group;

    itimers_stop(g);
    if (g->exiting)
        leader->exit_code = g->exit_code;
    if (leader->sid == leader->pid)
        tty_session_exit(leader);
    hang_up_orphans(leader, leader->parent, leader);
    orphan_children(leader);
    if (notify_parent(leader))
        task_release(leader);
}

void do_exit(int code)
{
    struct task *t = current;
    struct thread_group *g = t->group;
    struct mm *m;

    if (t->tgid == 1 && g->live == 1) {
        int status = g->exiting ? g->exit_code : code;

        power_off((uint32_t)(status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff));
    }
    task_bury_dead();

    if (t->mm) {
        g->max_rss = MAX(g->max_rss, t->mm->peak_rss);
        task_mm_release(t);
    }
    fpu_reset(t);
    m = t->mm;
    t->mm = NULL;
    if (m) {
        mm_switch(NULL);
        mm_put(m);
    }
    if (t->files)
        files_put(t->files);
    t->files = NULL;
    if (t->fs)
        fs_put(t->fs);
    t->fs = NULL;

    t->exit_code = code;
    t->state = TASK_ZOMBIE;
    g->live--;
    signal_check_stopped(t);
    if (t != t->leader) {
        struct task *leader = t->leader;

        g->dead_utime += t->utime;
        g->dead_stime += t->stime;
        g->dead_min_flt += t->min_flt;
        task_release(t);
        if (!g->live)
            process_ended(leader);
    } else if (!g->live) {
        process_ended(t);
    }
    if (g->exec_thread && g->live == 1)
        wake_task(g->exec_thread);
    schedule();
    panic("a dead task runs: %d", t->pid);
}

void do_group_exit(int code)
{
    struct thread_group *g = current->group;

    if (!g->exiting) {
        g->exiting = true;
        g->exit_code = code;
        signal_kill_threads(g, current);
    }
    do_exit(g->exit_code);
}

/*
 * execve() leaves one thread, and it is called by the process's number. When another thread than the
 * leader calls it, it waits until the leader is a zombie too, then takes over its place in the world.
 */
int task_become_alone(void)
{
    struct thread_group *g = current->group;
    struct task *old = current->leader;

    if (g->live == 1 && old == current)
        return 0;
    if (g->exiting || g->exec_thread)
        return -EAGAIN;
    g->exec_thread = current;
    signal_kill_threads(g, current);
    for (;;) {
        current->state = TASK_KILLABLE;
        if (g->live == 1 || g->exiting)
            break;
        schedule();
    }
    current->state = TASK_RUNNING;
    g->exec_thread = NULL;
    if (g->exiting)
        return -EINTR; /* somebody else's exit_group or a SIGKILL was first: we die on the way out */

    if (old != current) {
        struct task *t, *next;

        g->dead_utime += old->utime;
        g->dead_stime += old->stime;
        current->leader = current;
        current->exit_signal = old->exit_signal;
        current->start_ns = old->start_ns;
        current->parent_death_signal = old->parent_death_signal;
        task_reparent(current, old->parent);
        list_for_each_safe(t, next, &old->children, sibling) task_reparent(t, current);
        task_release(old);
        old->pid = old->tgid = 0; /* the number is ours now */
        current->pid = current->tgid;
    }
    return 0;
}

DEFINE_SYSCALL(exit)
{
    do_exit((int)(a & 0xff) << 8);
}

DEFINE_SYSCALL(exit_group)
{
    do_group_exit((int)(a & 0xff) << 8);
}
