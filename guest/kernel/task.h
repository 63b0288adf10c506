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
struct wait_queue;

#define KSTACK_ORDER 1 /* 8 KiB, always mapped */
#define TASK_COMM_LEN 16

enum task_state {
    TASK_RUNNING,         /* on the run queue, or the current one */
    TASK_INTERRUPTIBLE,   /* sleeps; a signal wakes it */
    TASK_UNINTERRUPTIBLE, /* sleeps; only its event wakes it */
    TASK_KILLABLE,        /* sleeps; its event or SIGKILL wakes it */
    TASK_STOPPED,         /* by job control */
    TASK_ZOMBIE,          /* exited, status not collected */
    TASK_DEAD,            /* collected; freed as soon as somebody else runs */
};

struct wait_queue {
    struct list waiters;
};

/* Something to do at a time; see kernel/time.h. All zeros is an idle one. */
struct timer {
    struct list link;
    uint64_t at_ns;
    void (*fn)(struct timer *t);
};

/*
 * A process: what its threads share beside memory, files and signal actions. It lives until the
 * last of its tasks is freed; its leader stays a zombie until every other thread is gone.
 */
struct thread_group {
    uint32_t refs;    /* tasks that point here */
    uint32_t live;    /* threads that have not exited */
    uint32_t stopped; /* threads parked by job control */
    struct list threads; /* struct task.threads */
    struct sigpending pending;
    bool exiting; /* every thread must die, with exit_code */
    int exit_code;
    struct task *exec_thread; /* the one that outlives the others in execve() */
    int stop_signal;     /* job control: non-zero while the group is to stand still */
    bool stop_reported;  /* wait4(WUNTRACED) has seen it */
    bool continued;      /* wait4(WCONTINUED) has not seen it yet */
    bool stop_notified;  /* the parent got its SIGCHLD for this stop */
    bool did_exec;       /* setpgid() by the parent comes too late */
    struct wait_queue wait_children; /* children changing state, and threads ending */
    struct timer real_timer;
    struct itimer {
        uint64_t at, interval; /* ns; REAL: an instant of the monotonic clock, else what is left */
    } itimer[3];               /* ITIMER_REAL, _VIRTUAL, _PROF; at 0 = off */
    uint32_t dead_utime, dead_stime, cutime, cstime; /* ticks: of ended threads, of reaped children */
    uint32_t dead_min_flt, cmin_flt, max_rss, cmax_rss;
    struct rlimit_pair {
        uint32_t soft, hard;
    } rlim[16];
};

struct task {
    /* who */
    pid_t pid, tgid, ppid_at_death;
    pid_t pgid, sid;
    char comm[TASK_COMM_LEN];
    struct task *parent, *leader;
    struct list children, sibling; /* of thread-group leaders */
    struct thread_group *group;
    struct list threads;           /* in group->threads */
    struct list all;               /* every task, by pid */
    uint32_t uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
    uint32_t groups[32], ngroups; /* supplementary */
    uint32_t personality;

    /* how it runs (kernel/sched.c) */
    enum task_state state;
    struct list run; /* run queue */
    int nice, slice; /* ticks left */
    bool need_resched;
    void *kstack;
    uint32_t kernel_esp; /* saved by the switch */
    struct timer sleep_timer; /* of schedule_until */
    uint32_t utime, stime; /* ticks; of the thread */
    uint64_t start_ns;
    uint32_t min_flt, switches;

    /* what it owns */
    struct mm *mm; /* NULL: kernel thread */
    struct files *files;
    struct fs *fs;
    struct sighand *sighand;
    struct sigpending pending; /* its own; the process's are in group->pending */
    sigset_t blocked, saved_blocked;
    bool restore_blocked; /* sigsuspend: put saved_blocked back on the way out */
    sigset_t sigwait;     /* sigtimedwait: blocked signals that must wake it all the same */
    uint32_t altstack_sp, altstack_size, altstack_flags;
    int parent_death_signal;
    uint32_t trap_vector, trap_error, trap_cr2; /* of the last fault that became a signal */
    int forced_signal; /* the pending one that is the fault of this task's own instruction */
    uint64_t tls[3]; /* GDT 6..8 */
    bool fpu_used;
    void *fpu; /* 512 bytes, 16-aligned, FXSAVE image */
    struct tty *ctty;

    /* how it ends */
    int exit_code; /* as wait4 reports it: status << 8 | signal */
    int exit_signal; /* to the parent; 0: none (threads: -1) */
    struct completion *vfork_done; /* on the stack of the parent that waits; NULL: nobody does */
    uint32_t __user *set_child_tid, *clear_child_tid;
    uint32_t __user *robust_list;

    /* restart_syscall: what goes on after a signal that was not handled */
    long (*restart_fn)(struct task *t);
    uint64_t restart_args[4];
};

extern struct task *current;
extern struct list all_tasks; /* struct task.all */

#define PID_MAX 32768
struct task *task_find(pid_t pid);
uint32_t task_forks(void); /* tasks ever made */
void task_get_name(const struct task *t, char buf[TASK_COMM_LEN]);

/* ---- sleeping and waking (kernel/sched.c) ---- */

#define WAIT_QUEUE_INIT(q) { LIST_INIT((q).waiters) }

struct waiter {
    struct list link;
    struct task *task;
};

void wait_queue_init(struct wait_queue *q);
void wait_add(struct wait_queue *q, struct waiter *w); /* w->task = current */
void wait_remove(struct waiter *w);
void wake_up(struct wait_queue *q); /* all of them; safe from interrupt handlers */
void wake_task(struct task *t); /* from any sleep but TASK_STOPPED; also starts a new task */

/* Something that happens once, and one who waits for it. */
struct completion {
    bool done;
    struct wait_queue queue;
};

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

/* Sleep until cond holds, whatever signals come: for what is sure to happen soon. */
#define wait_event_always(q, cond)                                                                 \
    ({                                                                                             \
        struct waiter w_;                                                                          \
        wait_add((q), &w_);                                                                        \
        for (;;) {                                                                                 \
            current->state = TASK_UNINTERRUPTIBLE;                                                 \
            if (cond)                                                                              \
                break;                                                                             \
            schedule();                                                                            \
        }                                                                                          \
        current->state = TASK_RUNNING;                                                             \
        wait_remove(&w_);                                                                          \
    })

/* ---- time (kernel/time.c) ---- */

#define HZ 100
extern volatile uint32_t jiffies;
uint64_t clock_monotonic_ns(void); /* since boot */
uint64_t clock_realtime_ns(void);  /* since 1970 */
uint64_t clock_realtime_coarse_ns(void); /* as of the last tick: cheap, for times of files */

/* For the timer interrupt, once a tick, interrupts masked: run the interval timers. user: the tick
   hit user mode. kernel/itimer.c */
void itimer_tick(bool user);

/* ---- what kernel/sched.c and entry.S do for a new task ---- */

/* Prepare t's kernel stack so that its first turn leaves to user mode through a copy of *f. */
void sched_start_user(struct task *t, const struct trap_frame *f);
/* ... so that its first turn calls fn(arg). If fn returns, it has called do_execve() on
   current_frame() - the frame at the top of its stack - and leaves through that; otherwise it must
   end in do_exit(). */
void sched_start_kernel(struct task *t, void (*fn)(void *), void *arg);

/* ---- life and death (kernel/fork.c, exec.c, exit.c) ---- */

/* Make a zeroed task sound: lists, queues, defaults. For the boot task; fork does it by itself. */
void task_init(struct task *t);
struct task *kernel_thread(void (*fn)(void *), void *arg, const char *name);
long do_clone(struct trap_frame *f, uint32_t flags, uint32_t stack, uint32_t __user *ptid,
              uint32_t tls, uint32_t __user *ctid);
/* Replace the current program; path, argv and envp are kernel copies. Returns only on error. */
long do_execve(struct trap_frame *f, const char *path, char *const argv[], char *const envp[]);
void do_exit(int code) __noreturn;       /* this task; code as wait4 reports it */
void do_group_exit(int code) __noreturn; /* its whole thread group */
void task_release(struct task *t);       /* a zombie: unlink and, when nobody stands on it, free */
uint32_t rlimit(const struct task *t, unsigned resource); /* the soft limit; RLIM_INFINITY = ~0 */

/* CPU time of a whole process, ended threads included, in ticks. */
void task_group_times(const struct task *t, uint32_t *utime, uint32_t *stime);

enum { RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC,
       RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_COUNT = 16 };
#define RLIM_INFINITY 0xFFFFFFFFu

#endif
