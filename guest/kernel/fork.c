/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Birth: fork, vfork and clone are one function with different flags.
 *
 * A task owns references to the things it shares - memory, open files, directories, signal actions,
 * its thread group - and clone's flags say of each whether the child takes another reference or a
 * copy. A thread is a child that shares them all. Nothing here sleeps between the first look at the
 * parent and the moment the child is on the run queue, so the child is a picture of one instant.
 */
#include "process.h"

#include "../fs/fs.h"
#include "../pv/pv.h"
#include "fpu.h"
#include "syscall.h"

#define PID_RESERVED 300 /* where numbering goes on after it has wrapped */

struct list all_tasks = LIST_INIT(all_tasks);
static pid_t last_pid;
static uint32_t task_count, forks;

struct task *task_find(pid_t pid)
{
    struct task *t;

    list_for_each(t, &all_tasks, all)
    {
        if (t->pid == pid)
            return t;
    }
    return NULL;
}

void task_get_name(const struct task *t, char buf[TASK_COMM_LEN])
{
    strlcpy(buf, t->comm, TASK_COMM_LEN);
}

/* A number is free when it names no task, no process group and no session. */
static bool pid_in_use(pid_t pid)
{
    struct task *t;

    list_for_each(t, &all_tasks, all)
    {
        if (t->pid == pid || t->tgid == pid || t->pgid == pid || t->sid == pid)
            return true;
    }
    return false;
}

static pid_t pid_alloc(void)
{
    for (int tries = 0; tries < PID_MAX; tries++) {
        last_pid = last_pid + 1 < PID_MAX ? last_pid + 1 : PID_RESERVED;
        if (!pid_in_use(last_pid)) {
            forks++;
            return last_pid;
        }
    }
    return -EAGAIN;
}

uint32_t task_forks(void)
{
    return forks;
}

/* Kernel stacks are memory that cannot be taken back; a fork bomb may have an eighth of it. */
static uint32_t task_limit(void)
{
    struct mem_stats m;

    mem_stats(&m);
    return MAX(m.total / (8u << KSTACK_ORDER), 20u);
}

void completion_init(struct completion *c)
{
    c->done = false;
    wait_queue_init(&c->queue);
}

void complete(struct completion *c)
{
    c->done = true;
    wake_up(&c->queue);
}

static struct thread_group *group_new(void)
{
    struct thread_group *g = kzalloc(sizeof *g);

    if (!g)
        return NULL;
    g->refs = 1;
    list_init(&g->threads);
    sigpending_init(&g->pending);
    wait_queue_init(&g->wait_children);
    for (unsigned i = 0; i < RLIMIT_COUNT; i++)
        g->rlim[i] = (struct rlimit_pair){RLIM_INFINITY, RLIM_INFINITY};
    g->rlim[RLIMIT_STACK] = (struct rlimit_pair){8u << 20, RLIM_INFINITY};
    g->rlim[RLIMIT_NOFILE] = (struct rlimit_pair){1024, 4096};
    g->rlim[RLIMIT_CORE] = (struct rlimit_pair){0, RLIM_INFINITY};
    g->rlim[RLIMIT_NPROC] = (struct rlimit_pair){task_limit() / 2, task_limit() / 2};
    return g;
}

void group_put(struct thread_group *g)
{
    if (--g->refs)
        return;
    sigpending_flush(&g->pending, ~0ull);
    kfree(g);
}

void task_init(struct task *t)
{
    list_init(&t->children);
    list_init(&t->sibling);
    list_init(&t->threads);
    list_init(&t->all);
    list_init(&t->run);
    sigpending_init(&t->pending);
    t->state = TASK_UNINTERRUPTIBLE;
    t->start_ns = clock_monotonic_ns();
    t->altstack_flags = 2; /* SS_DISABLE */
    t->leader = t;
    t->parent = t;
    t->exit_signal = SIGCHLD;
}

/* Give back what an unborn or buried task holds; each part may be missing. */
static void task_free(struct task *t)
{
    fpu_reset(t);
    if (t->mm)
        mm_put(t->mm);
    if (t->files)
        files_put(t->files);
    if (t->fs)
        fs_put(t->fs);
    if (t->sighand)
        sighand_put(t->sighand);
    if (t->group)
        group_put(t->group);
    sigpending_flush(&t->pending, ~0ull);
    if (t->kstack)
        page_free_order(virt_to_page(t->kstack), KSTACK_ORDER);
    kfree(t);
}

static struct list graveyard = LIST_INIT(graveyard);

/* A task cannot free the stack it stands on. It is laid here when it is unlinked, and the next one
   to fork, exit or wait clears the place: by then it has gone from the CPU for good. */
void task_bury_dead(void)
{
    struct task *t, *next;

    list_for_each_safe(t, next, &graveyard, all)
    {
        if (t == current)
            continue;
        list_del(&t->all);
        task_free(t);
    }
}

void task_release(struct task *t)
{
    list_del(&t->all);
    list_del(&t->sibling);
    list_del(&t->threads);
    t->state = TASK_DEAD;
    task_count--;
    list_add_tail(&graveyard, &t->all);
}

static struct task *task_new(void)
{
    struct task *t = kzalloc(sizeof *t);
    struct page *stack;

    if (!t)
        return NULL;
    task_init(t);
    stack = page_alloc_order(KSTACK_ORDER);
    if (!stack) {
        kfree(t);
        return NULL;
    }
    t->kstack = page_address(stack);
    return t;
}

/* Who the child is: names, credentials, places in the family; all plain words. */
static void copy_identity(struct task *t, const struct task *from)
{
    memcpy(t->comm, from->comm, sizeof t->comm);
    t->uid = from->uid, t->euid = from->euid, t->suid = from->suid, t->fsuid = from->fsuid;
    t->gid = from->gid, t->egid = from->egid, t->sgid = from->sgid, t->fsgid = from->fsgid;
    memcpy(t->groups, from->groups, sizeof t->groups);
    t->ngroups = from->ngroups;
    t->personality = from->personality;
    t->pgid = from->pgid;
    t->sid = from->sid;
    t->ctty = from->ctty;
    t->nice = from->nice;
    t->blocked = from->blocked;
    memcpy(t->tls, from->tls, sizeof t->tls);
}

/* What the child owns: another reference, or a copy. */
static int copy_resources(struct task *t, struct task *from, uint32_t flags)
{
    if (from->files) {
        if (flags & CLONE_FILES) {
            files_get(from->files);
            t->files = from->files;
        } else if (!(t->files = files_fork(from->files))) {
            return -ENOMEM;
        }
    }
    if (from->fs && !(t->fs = fs_fork(from->fs, flags & CLONE_FS)))
        return -ENOMEM;

    if (flags & CLONE_SIGHAND) {
        from->sighand->refs++;
        t->sighand = from->sighand;
    } else if (!(t->sighand = from->sighand ? sighand_copy(from->sighand) : sighand_new())) {
        return -ENOMEM;
    }

    if (flags & CLONE_THREAD) {
        from->group->refs++;
        t->group = from->group;
    } else {
        t->group = group_new();
        if (!t->group)
            return -ENOMEM;
        if (from->group)
            memcpy(t->group->rlim, from->group->rlim, sizeof t->group->rlim);
    }

    if (from->mm) {
        if (flags & CLONE_VM) {
            mm_get(from->mm);
            t->mm = from->mm;
        } else if (!(t->mm = mm_fork(from->mm))) {
            return -ENOMEM;
        }
        if (!fpu_fork(t, from))
            return -ENOMEM;
        /* The alternative signal stack is one stack; only a vforked child may borrow it. */
        if (!(flags & CLONE_VM) || (flags & CLONE_VFORK)) {
            t->altstack_sp = from->altstack_sp;
            t->altstack_size = from->altstack_size;
            t->altstack_flags = from->altstack_flags;
        }
    }
    return 0;
}

/* Hang the child into the family and the lists: from here on it exists. */
static void link_task(struct task *t, uint32_t flags)
{
    t->tgid = t->pid;
    if (flags & CLONE_THREAD) {
        t->leader = current->leader;
        t->tgid = current->tgid;
        t->parent = current->leader->parent;
        t->exit_signal = -1;
    } else {
        struct task *parent = flags & CLONE_PARENT ? current->leader->parent : current->leader;

        t->leader = t;
        t->exit_signal = flags & CLONE_PARENT ? current->leader->exit_signal : (int)(flags & 0xff);
        task_reparent(t, parent);
    }
    list_add_tail(&t->group->threads, &t->threads);
    t->group->live++;
    list_add_tail(&all_tasks, &t->all);
    task_count++;
}

void task_reparent(struct task *child, struct task *parent)
{
    struct task *t;

    list_for_each(t, &child->group->threads, threads) t->parent = parent;
    list_del(&child->sibling);
    child->parent = parent;
    list_add_tail(&parent->children, &child->sibling);
}

struct task *kernel_thread(void (*fn)(void *), void *arg, const char *name)
{
    struct task *t = task_new();

    if (!t)
        return NULL;
    copy_identity(t, current);
    strlcpy(t->comm, name, sizeof t->comm);
    if (copy_resources(t, current, CLONE_FS | CLONE_FILES) || (t->pid = pid_alloc()) < 0) {
        task_free(t);
        return NULL;
    }
    link_task(t, SIGCHLD);
    if (t->pid == 1)
        t->pgid = t->sid = 0;
    sched_start_kernel(t, fn, arg);
    wake_task(t);
    return t;
}

static int clone_flags_check(uint32_t flags)
{
    /* Threads share handlers, and handlers are addresses: they make sense in one memory only. */
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    /* init's children would become somebody's whom init cannot wait for */
    if ((flags & CLONE_PARENT) && current->tgid == 1)
        return -EINVAL;
    /* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME: no namespaces */
    if (flags & (0x00020000u | 0x02000000u | 0x7C000000u))
        return -EINVAL;
    return 0;
}

/* Sleep until the child has its own memory or is dead. Only a fatal signal ends it earlier; then the
   child must forget the completion on our stack. */
static void vfork_wait(struct completion *done)
{
    struct waiter w;
    struct task *t;

    wait_add(&done->queue, &w);
    for (;;) {
        current->state = TASK_KILLABLE;
        if (done->done || signal_fatal_pending(current))
            break;
        schedule();
    }
    current->state = TASK_RUNNING;
    wait_remove(&w);
    list_for_each(t, &all_tasks, all)
    {
        if (t->vfork_done == done)
            t->vfork_done = NULL;
    }
}

long do_clone(struct trap_frame *f, uint32_t flags, uint32_t stack, uint32_t __user *ptid,
              uint32_t tls, uint32_t __user *ctid)
{
    struct trap_frame child_frame = *f;
    struct completion done;
    struct task *t;
    pid_t pid;
    int err = clone_flags_check(flags);

    if (err)
        return err;
    task_bury_dead();
    if (task_count >= task_limit() || (current->uid && task_count >= rlimit(current, RLIMIT_NPROC)))
        return -EAGAIN;
    t = task_new();
    if (!t)
        return -ENOMEM;
    copy_identity(t, current);
    if ((flags & CLONE_SETTLS) && (err = tls_set(t, tls, false)))
        goto fail;
    if ((err = copy_resources(t, current, flags)))
        goto fail;
    if (t->group->exiting ||
        t->group->exec_thread) { /* while memory was short, somebody killed us */
        err = -ERESTARTNOINTR;
        goto fail;
    }
    if ((t->pid = pid = pid_alloc()) < 0) {
        err = pid;
        goto fail;
    }

    if (flags & CLONE_PARENT_SETTID)
        put_user((uint32_t)pid, ptid);
    if (flags & CLONE_CHILD_SETTID) /* in the child's memory, which may be a copy by now */
        vm_access(t->mm, (uint32_t)ctid, &pid, sizeof pid, true);
    if (flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = ctid;
    if (flags & CLONE_VFORK) {
        completion_init(&done);
        t->vfork_done = &done;
    }

    child_frame.eax = 0;
    child_frame.orig_eax = ~0u; /* the child has no call to restart */
    if (stack)
        child_frame.esp = stack;
    sched_start_user(t, &child_frame);
    link_task(t, flags);
    wake_task(t);
    if (flags & CLONE_VFORK)
        vfork_wait(&done);
    return pid;

fail:
    task_free(t);
    return err;
}

DEFINE_SYSCALL(fork)
{
    return do_clone(current_frame(), SIGCHLD, 0, NULL, 0, NULL);
}

DEFINE_SYSCALL(vfork)
{
    return do_clone(current_frame(), CLONE_VFORK | CLONE_VM | SIGCHLD, 0, NULL, 0, NULL);
}

/* clone(flags, stack, ptid, tls, ctid): the order of arguments is i386's own. */
DEFINE_SYSCALL(clone)
{
    return do_clone(current_frame(), a, b, (uint32_t __user *)c, d, (uint32_t __user *)e);
}
