/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks: what runs, what it owns, and how it waits.
 * There is one CPU and the kernel is preempted only where it sleeps or returns to user mode, so
 * kernel data needs no locks; code that an interrupt handler also touches masks interrupts
 * (irq_save/irq_restore of pv/pv.h).
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include "../abi/trap_frame.h"
#include "../lib/lib.h"
#include "../mm/mm.h"
#include "signal.h"

struct files; /* fs/fs.h: the table of open files */
struct fs;    /* fs/fs.h: root, working directory, umask */
struct tty;

#define KSTACK_ORDER 1 /* 8 KiB, always mapped */
#define TASK_COMM_LEN 16

enum task_state {
    TASK_RUNNING,         /* on the run queue, or the current one */
    TASK_INTERRUPTIBLE,   /* sleeps; a signal wakes it */
    TASK_UNINTERRUPTIBLE, /* sleeps; only its event wakes it */
    TASK_STOPPED,         /* by job control */
    TASK_ZOMBIE,          /* exited, status not collected */
};

struct task {
    /* who */
    pid_t pid, tgid, ppid_at_death;
    pid_t pgid, sid;
    char comm[TASK_COMM_LEN];
    struct task *parent, *leader;
    struct list children, sibling; /* of thread-group leaders */
    struct list threads;           /* ring of the thread group */
    struct list all;               /* every task, by pid */
    uint32_t uid, gid;

    /* how it runs (kernel/sched.c) */
    enum task_state state;
    struct list run; /* run queue */
    int nice, slice; /* ticks left */
    bool need_resched;
    void *kstack;
    uint32_t kernel_esp; /* saved by the switch */
    uint64_t wake_at;    /* ns of the monotonic clock; 0 = no time-out */
    uint32_t utime, stime, cutime, cstime; /* ticks */
    uint64_t start_ns;
    uint32_t min_flt, switches;

    /* what it owns */
    struct mm *mm; /* NULL: kernel thread */
    struct files *files;
    struct fs *fs;
    struct sighand *sighand;
    struct sigpending pending, *shared_pending; /* own; the group's */
    sigset_t blocked, saved_blocked;
    bool restore_blocked; /* sigsuspend: put saved_blocked back on the way out */
    uint64_t tls[3]; /* GDT 6..8 */
    bool fpu_used;
    void *fpu; /* 512 bytes, 16-aligned, FXSAVE image */
    struct tty *ctty;

    /* how it ends */
    int exit_code; /* as wait4 reports it: status << 8 | signal */
    int exit_signal;
    bool vfork_parent_waits;
    int stop_signal; /* reported by wait4(WUNTRACED) once */
    bool continued;
    uint32_t __user *set_child_tid, *clear_child_tid;
    uint32_t __user *robust_list;
    struct list wait_children; /* wait queue: its own children changing state */

    /* restart_syscall */
    long (*restart_fn)(struct task *t);
    uint64_t restart_args[4];
    uint64_t alarm_at, alarm_interval; /* ITIMER_REAL, ns; 0 = off */
    uint32_t rlim_stack, rlim_nofile;
};

extern struct task *current;
extern struct list all_tasks; /* struct task.all */

struct task *task_find(pid_t pid);
void task_get_name(const struct task *t, char buf[TASK_COMM_LEN]);

/* ---- sleeping and waking (kernel/sched.c) ---- */

struct wait_queue {
    struct list waiters;
};
#define WAIT_QUEUE_INIT(q) { LIST_INIT((q).waiters) }

struct waiter {
    struct list link;
    struct task *task;
};

void wait_queue_init(struct wait_queue *q);
void wait_add(struct wait_queue *q, struct waiter *w); /* w->task = current */
void wait_remove(struct waiter *w);
void wake_up(struct wait_queue *q); /* all of them; safe from interrupt handlers */
void wake_task(struct task *t);

/* Sleep until woken, or until the monotonic clock passes deadline_ns (0: no deadline). The state
   must have been set before the condition was last looked at. */
void schedule(void);
void schedule_until(uint64_t deadline_ns);

/*
 * Sleep until cond holds. 0, or -EINTR when a signal came first, or -ETIME past the deadline.
 * The condition is evaluated with the task already marked as sleeping, so no wake-up is lost.
 */
#define wait_event_until(q, cond, deadline_ns)                                                     \
    ({                                                                                             \
        struct waiter w_;                                                                          \
        int result_ = 0;                                                                           \
        wait_add((q), &w_);                                                                        \
        for (;;) {                                                                                 \
            current->state = TASK_INTERRUPTIBLE;                                                   \
            if (cond)                                                                              \
                break;                                                                             \
            if (signal_pending(current)) {                                                         \
                result_ = -EINTR;                                                                  \
                break;                                                                             \
            }                                                                                      \
            if ((deadline_ns) && clock_monotonic_ns() >= (deadline_ns)) {                          \
                result_ = -ETIME;                                                                  \
                break;                                                                             \
            }                                                                                      \
            schedule_until(deadline_ns);                                                           \
        }                                                                                          \
        current->state = TASK_RUNNING;                                                             \
        wait_remove(&w_);                                                                          \
        result_;                                                                                   \
    })
#define wait_event(q, cond) wait_event_until(q, cond, 0ull)

/* ---- time (kernel/time.c) ---- */

#define HZ 100
extern volatile uint32_t jiffies;
uint64_t clock_monotonic_ns(void); /* since boot */
uint64_t clock_realtime_ns(void);  /* since 1970 */

/* ---- life and death (kernel/fork.c, exec.c, exit.c) ---- */

struct task *kernel_thread(void (*fn)(void *), void *arg, const char *name);
long do_clone(struct trap_frame *f, uint32_t flags, uint32_t stack, uint32_t __user *ptid,
              uint32_t tls, uint32_t __user *ctid);
/* Replace the current program; path, argv and envp are kernel copies. Returns only on error. */
long do_execve(struct trap_frame *f, const char *path, char *const argv[], char *const envp[]);
void do_exit(int code) __noreturn;       /* this task; code as wait4 reports it */
void do_group_exit(int code) __noreturn; /* its whole thread group */

#endif
