/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals, as Linux i386 numbers and lays them out (asm/signal.h, asm/sigcontext.h). */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include "../lib/lib.h"

struct task;
struct trap_frame;

enum {
    SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
    SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
    NSIG = 64,
};

typedef uint64_t sigset_t; /* bit n-1 is signal n */
#define SIGMASK(n) (1ull << ((n)-1))

struct siginfo_small { /* what we keep of a siginfo_t until it is delivered */
    int signo, code;
    pid_t pid;
    uint32_t uid, addr; /* addr: of a fault; or the value of sigqueue */
    int status;         /* SIGCHLD; with the times of the child, in ticks */
    uint32_t utime, stime;
};

/* Standard signals do not queue: the first of each keeps its information. Real-time signals do,
   in the order of their sending. */
#define SIGRTMIN 32
struct sigpending {
    sigset_t set;
    struct siginfo_small info[SIGRTMIN];
    struct list queue; /* struct sigqueue, of real-time signals */
};
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p, sigset_t which);

struct sighand; /* kernel/signal.c: the actions, shared by CLONE_SIGHAND */

/* Send to one thread, to a thread group, to a process group. 0 or -ESRCH. Safe in interrupts.
   info may be NULL (then it comes from the kernel). */
int signal_send_task(struct task *t, int sig, const struct siginfo_small *info);
int signal_send_group(struct task *t, int sig, const struct siginfo_small *info);
int signal_send_pgrp(pid_t pgid, int sig, const struct siginfo_small *info);

bool signal_pending(const struct task *t);       /* something unblocked waits */
bool signal_ignored(const struct task *t, int sig); /* explicitly or by default */
bool signal_blocked(const struct task *t, int sig);

/* A synchronous fault of user code: unblock, un-ignore, deliver. */
void signal_force(int sig, int code, uint32_t addr);

/* On the way out to user mode: deliver what is pending, restart or fail the interrupted call. */
void signal_deliver(struct trap_frame *f);

/* Results of a system call that only signal_deliver sees (Linux's numbers). */
enum { ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

#endif
