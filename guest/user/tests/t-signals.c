/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals: both kinds of handler, masks, alternative stack, restart, queues, waiting. */
#include "check.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last;
static volatile int info_code, info_pid, info_value;

static void on_signal(int sig)
{
    count++;
    last = sig;
}

static void on_info(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    count++;
    last = sig;
    info_code = info->si_code;
    info_pid = info->si_pid;
    info_value = info->si_value.sival_int;
    if (!uc->uc_mcontext.gregs[REG_EIP])
        count = -100;
}

static void install(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};

    sigaction(sig, &a, NULL);
}

static void plain(void)
{
    install(SIGUSR1, on_signal, 0);
    count = 0;
    kill(getpid(), SIGUSR1);
    check(count == 1 && last == SIGUSR1, "a handler with the old frame");

    struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR2, &a, NULL);
    kill(getpid(), SIGUSR2);
    check(count == 2 && info_code == SI_USER && info_pid == getpid(),
          "a handler with the rt frame and siginfo");
}

static void masks(void)
{
    sigset_t set, old, pending;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    check(count == 0 && sigismember(&pending, SIGUSR1), "a blocked signal waits");
    sigprocmask(SIG_SETMASK, &old, NULL);
    check(count == 1, "unblocked, it comes once: standard signals do not queue");
}

static void queue(void)
{
    sigset_t set, old;
    struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
    union sigval v;

    sigaction(SIGRTMIN, &a, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    for (int i = 1; i <= 3; i++) {
        v.sival_int = i * 11;
        sigqueue(getpid(), SIGRTMIN, v);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    check(count == 3 && info_value == 33 && info_code == SI_QUEUE,
          "real-time signals queue, in order, with values");
}

static int depth, deepest, calls;

static void nested(int sig)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (++calls < 3)
        raise(sig);
    depth--;
}

static void nesting(void)
{
    install(SIGUSR1, nested, SA_NODEFER);
    raise(SIGUSR1);
    check(deepest == 3, "SA_NODEFER lets a handler interrupt itself");
    deepest = calls = 0;
    install(SIGUSR1, nested, 0);
    raise(SIGUSR1);
    check(deepest == 1 && calls == 3, "without it the signal waits for the handler's end");
    install(SIGUSR1, on_signal, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction a;
    sigaction(SIGUSR1, NULL, &a);
    check(a.sa_handler == SIG_DFL, "SA_RESETHAND: one shot");
}

static char *alt;
static volatile bool on_alt;

static void where(int sig)
{
    char here;

    (void)sig;
    on_alt = &here >= alt && &here < alt + 65536;
}

static void alternative(void)
{
    stack_t s = {.ss_size = 65536}, now;

    alt = malloc(65536);
    s.ss_sp = alt;
    check(sigaltstack(&s, NULL) == 0, "sigaltstack is accepted");
    install(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    check(on_alt, "SA_ONSTACK: the handler runs there");
    install(SIGUSR1, where, 0);
    raise(SIGUSR1);
    check(!on_alt, "without it, it does not");
    sigaltstack(NULL, &now);
    check(now.ss_sp == alt && now.ss_size == 65536 && now.ss_flags == 0, "it can be asked for");
    s.ss_flags = SS_DISABLE;
    check(sigaltstack(&s, NULL) == 0, "and given back");
}

static void overflow_handler(int sig)
{
    (void)sig;
    _exit(55);
}

static int recurse(int n)
{
    volatile char page[4096];

    page[0] = (char)n;
    return n < 0 ? 0 : recurse(n + 1) + page[0];
}

static void stack_overflow(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536};

        sigaltstack(&s, NULL);
        install(SIGSEGV, overflow_handler, SA_ONSTACK);
        _exit(recurse(0));
    }
    check(wait_status(pid) == 55 << 8, "a stack overflow is handled on the other stack");
    pid = fork();
    if (pid == 0) {
        install(SIGSEGV, overflow_handler, 0);
        _exit(recurse(0));
    }
    check(WIFSIGNALED(wait_status(pid)), "and without one it kills");
}

static void restart(bool with)
{
    struct itimerval t = {.it_value = {.tv_usec = 50000}};
    int p[2];
    char c = 0;
    ssize_t n;
    pid_t pid;

    if (pipe(p))
        return;
    install(SIGALRM, on_signal, with ? SA_RESTART : 0);
    count = 0;
    pid = fork();
    if (pid == 0) {
        sleep_ms(200);
        _exit(write(p[1], "x", 1) != 1);
    }
    setitimer(ITIMER_REAL, &t, NULL);
    errno = 0;
    n = read(p[0], &c, 1);
    if (with)
        check(n == 1 && c == 'x' && count == 1, "SA_RESTART: read goes on after the handler");
    else
        check(n == -1 && errno == EINTR && count == 1, "without it read answers EINTR");
    wait_status(pid);
    close(p[0]);
    close(p[1]);
}

static void sleeping(void)
{
    struct itimerval t = {.it_value = {.tv_usec = 50000}};
    struct timespec want = {.tv_sec = 2}, rest = {0};

    install(SIGALRM, on_signal, SA_RESTART);
    setitimer(ITIMER_REAL, &t, NULL);
    errno = 0;
    check(nanosleep(&want, &rest) == -1 && errno == EINTR, "nanosleep is ended by a handler");
    check(rest.tv_sec == 1 && rest.tv_nsec > 500000000, "and tells the rest");
}

/* A stop in the middle of a sleep is none of the sleeper's business. */
static void stopped_sleep(void)
{
    struct timespec before, after;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct timespec want = {.tv_nsec = 150000000};

        _exit(nanosleep(&want, NULL) == 0 ? 6 : errno);
    }
    clock_gettime(CLOCK_MONOTONIC, &before);
    sleep_ms(30);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    sleep_ms(30);
    kill(pid, SIGCONT);
    check(wait_status(pid) == 6 << 8, "a sleep goes on after a stop (restart_syscall)");
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    check(ms >= 140 && ms < 400, "and ends when it would have ended");
}

static void cpu_limit(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit l = {.rlim_cur = 1, .rlim_max = 3};

        setrlimit(RLIMIT_CPU, &l);
        for (;;)
            ;
    }
    check(wait_status(pid) == SIGXCPU, "RLIMIT_CPU: SIGXCPU after a second of work");
}

static void suspend(void)
{
    sigset_t block, wait, now;
    struct itimerval t = {.it_value = {.tv_usec = 20000}};

    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    sigfillset(&wait);
    sigdelset(&wait, SIGALRM);
    count = 0;
    setitimer(ITIMER_REAL, &t, NULL);
    errno = 0;
    check(sigsuspend(&wait) == -1 && errno == EINTR && count == 1, "sigsuspend waits for it");
    sigprocmask(SIG_SETMASK, NULL, &now);
    check(sigismember(&now, SIGALRM) == 1 && sigismember(&now, SIGUSR1) == 0,
          "and puts the mask back");

    setitimer(ITIMER_REAL, &t, NULL);
    siginfo_t info;
    check(sigwaitinfo(&block, &info) == SIGALRM && count == 1, "sigwaitinfo takes it, no handler");
    struct timespec none = {0};
    errno = 0;
    check(sigtimedwait(&block, &info, &none) == -1 && errno == EAGAIN, "sigtimedwait: EAGAIN");
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static void timers(void)
{
    struct itimerval t = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}};

    install(SIGALRM, on_signal, 0);
    count = 0;
    setitimer(ITIMER_REAL, &t, NULL);
    while (count < 3)
        pause();
    memset(&t, 0, sizeof t);
    setitimer(ITIMER_REAL, &t, NULL);
    check(count == 3, "an interval timer comes again and again");
    install(SIGVTALRM, on_signal, 0);
    t.it_value.tv_usec = 30000;
    last = 0;
    setitimer(ITIMER_VIRTUAL, &t, NULL);
    while (last != SIGVTALRM)
        ;
    check(true, "a virtual timer counts the time of the process");
    alarm(100);
    check(alarm(0) >= 99, "alarm tells what was left");
}

static void defaults(void)
{
    static const struct {
        int sig;
        bool kills;
    } table[] = {
        {SIGHUP, true},  {SIGINT, true},    {SIGPIPE, true},  {SIGTERM, true},
        {SIGKILL, true}, {SIGSEGV, true},   {64, true},       {SIGCHLD, false},
        {SIGURG, false}, {SIGWINCH, false}, {SIGCONT, false},
    };
    bool ok = true;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            signal(table[i].sig, SIG_DFL);
            kill(getpid(), table[i].sig);
            _exit(3);
        }
        status = wait_status(pid);
        ok &= table[i].kills ? WIFSIGNALED(status) && WTERMSIG(status) == table[i].sig
                             : status == 3 << 8;
    }
    check(ok, "default actions");
    errno = 0;
    check(signal(SIGKILL, on_signal) == SIG_ERR && errno == EINVAL, "SIGKILL cannot be caught");
    errno = 0;
    check(kill(getpid(), 65) == -1 && errno == EINVAL, "there is no signal 65");
    errno = 0;
    check(kill(32000, 0) == -1 && errno == ESRCH, "nobody there: ESRCH");
}

/* No SA_RESTORER: the kernel's own return code must be found and executable. */
static void no_restorer(void)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint32_t mask[2];
    } k = {.handler = on_signal};

    count = 0;
    syscall(SYS_rt_sigaction, SIGUSR1, &k, NULL, 8);
    raise(SIGUSR1);
    k.flags = SA_SIGINFO;
    k.handler = (void (*)(int))on_info;
    syscall(SYS_rt_sigaction, SIGUSR2, &k, NULL, 8);
    raise(SIGUSR2);
    check(count == 2, "handlers without a restorer return, old and rt");
}

int main(void)
{
    plain();
    masks();
    queue();
    nesting();
    alternative();
    stack_overflow();
    restart(true);
    restart(false);
    sleeping();
    stopped_sleep();
    cpu_limit();
    suspend();
    timers();
    defaults();
    no_restorer();
    return finish();
}
