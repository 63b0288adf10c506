/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files about processes tell each other: fork, exec, exit, wait, signals, futexes. The rest
 * of the kernel needs only task.h and signal.h.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "task.h"

/* ---- clone's flags (linux/sched.h) ---- */

enum {
    CLONE_VM = 0x100,
    CLONE_FS = 0x200,
    CLONE_FILES = 0x400,
    CLONE_SIGHAND = 0x800,
    CLONE_VFORK = 0x4000,
    CLONE_PARENT = 0x8000,
    CLONE_THREAD = 0x10000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
    CLONE_CHILD_SETTID = 0x1000000,
};

/* ---- signal actions (signal.c) ---- */

#define SIG_DFL 0u
#define SIG_IGN 1u

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO   0x00000004u
#define SA_RESTORER  0x04000000u
#define SA_ONSTACK   0x08000000u
#define SA_RESTART   0x10000000u
#define SA_NODEFER   0x40000000u
#define SA_RESETHAND 0x80000000u

struct signal_action {
    uint32_t handler, flags, restorer;
    sigset_t mask;
};

struct sighand {
    uint32_t refs;
    struct signal_action action[NSIG]; /* of signal n at n - 1 */
};

struct sigqueue { /* a real-time signal that waits */
    struct list link;
    struct siginfo_small info;
};

#define SIGMASK_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGMASK_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

/* siginfo_t's si_code */
enum {
    SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_TKILL = -6,
    CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED,
};

struct sighand *sighand_new(void);
struct sighand *sighand_copy(const struct sighand *from);
void sighand_put(struct sighand *h);
void sighand_exec(struct sighand *h); /* handlers become SIG_DFL, ignored stays ignored */

static inline struct signal_action *action_of(const struct task *t, int sig)
{
    return &t->sighand->action[sig - 1];
}

/* The lowest signal of p in which, taken out, with its information; 0: none. */
int sigpending_take(struct sigpending *p, sigset_t which, struct siginfo_small *info);
bool signal_fatal_pending(const struct task *t); /* t is about to die of SIGKILL or group exit */
void signal_kill_threads(struct thread_group *g, const struct task *except);
void signal_set_blocked(sigset_t blocked); /* of current */

/* The parent's news: SIGCHLD about a stop or a continuation, and a wake-up for its wait4(). */
void signal_notify_stop(struct task *t, int why, int status);
void signal_check_stopped(struct task *t); /* a thread stopped or ended: are all still now? */
bool pgrp_orphaned(pid_t pgid, const struct task *except);

/* ---- signal frames (signal_frame.c) ---- */

/* Build the frame of a handler on the user's stack and aim f at it. false: the stack is no good. */
bool signal_frame_push(struct trap_frame *f, int sig, const struct signal_action *a,
                       const struct siginfo_small *info, sigset_t old_mask);
/* As siginfo_t (128 bytes) has it; which member of its union, signo and code decide. */
void siginfo_to_user_layout(const struct siginfo_small *info, uint32_t out[32]);
bool altstack_active(const struct task *t, uint32_t sp);

/* ---- birth and death (fork.c, exit.c) ---- */

void group_put(struct thread_group *g);
void task_bury_dead(void); /* free the dead that nobody stands on */
void completion_init(struct completion *c);
void complete(struct completion *c);
void task_vfork_release(struct task *t); /* exec and exit: the parent may go on */
void task_mm_release(struct task *t);    /* robust list, clear_child_tid: before mm goes */
/* Become the only thread of the process, and its leader; -EAGAIN when another thread is at it. */
int task_become_alone(void);
void task_reparent(struct task *child, struct task *parent);

/* ---- the page with the signal return code (sigtramp.c) ---- */

#define SIGTRAMP_ADDR 0xBFFFE000u
#define STACK_TOP     0xBFFFE000u /* the stack ends where that page begins */
long sigtramp_map(struct mm *m);
#define SIGTRAMP_SIGRETURN    (SIGTRAMP_ADDR)
#define SIGTRAMP_RT_SIGRETURN (SIGTRAMP_ADDR + 16)

/* ---- futexes (futex.c) ---- */

void futex_wake_address(uint32_t addr); /* one waiter, private or shared: CLEARTID */
void futex_robust_exit(struct task *t);

/* ---- thread-local storage (tls.c) ---- */

/* Read a struct user_desc; entry -1 chooses a free slot if choose. Writes t->tls. 0 or -errno. */
int tls_set(struct task *t, uint32_t user_desc, bool choose);
/* What a process may have in fs, gs, ds, es: 0, the flat data segment, or a TLS entry in use. */
bool tls_selector_ok(const struct task *t, uint32_t selector);

/* ---- times (sys_time.c) ---- */

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_TICK (NSEC_PER_SEC / HZ)

struct timespec32 {
    int32_t sec, nsec;
};
struct timespec64 {
    int64_t sec;
    int32_t nsec, pad;
};
struct timeval32 {
    int32_t sec, usec;
};

/* A relative or absolute time in ns from user space; -EFAULT, or -EINVAL for one that is none. */
int time_from_user(uint64_t *ns, uint32_t addr, bool wide);
int time_to_user(uint32_t addr, uint64_t ns, bool wide);
/* now + ns, or the far end of time when that overflows. */
uint64_t deadline_after(uint64_t ns);

void itimers_stop(struct thread_group *g); /* the process ends (itimer.c) */

struct rusage32 {
    struct timeval32 utime, stime;
    uint32_t maxrss, unused[3], minflt, majflt, other[6], nvcsw, nivcsw;
};

#endif
