/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place of the program with process-wide state: a terminal and a signal handler are
 * process-wide things, and a handler can be told nothing but what lies in static memory.
 */
#include "term.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_A 0x01

static struct {
    struct termios before, raw;
    volatile sig_atomic_t is_raw;
    volatile sig_atomic_t signal; /* the first that asked us to end */
    struct sigaction before_us[NSIG];
    void (*stop)(void *ctx);
    void *ctx;
} term;

void term_restore(void)
{
    /* TCSADRAIN would wait for a terminal that may be gone; tcsetattr is async-signal-safe. */
    if (term.is_raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
    term.is_raw = 0;
}

static void set_default(int signal)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigaction(signal, &sa, NULL);
}

_Noreturn void term_die(int signal)
{
    sigset_t one;
    term_restore();
    set_default(signal);
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal);
    _exit(128 + signal); /* a signal that its default ignores; there is none among ours */
}

/* Somebody wants us to end. */
static void on_end(int signal)
{
    int saved = errno;
    if (term.signal)
        term_die(signal);
    term.signal = signal;
    term.stop(term.ctx);
    errno = saved;
}

/* The program itself is broken: the terminal, at least, shall be whole. Then whoever was there before
   us (a sanitizer with its report, or the default) gets the signal. */
static void on_fault(int signal)
{
    sigset_t one;
    term_restore();
    sigaction(signal, &term.before_us[signal], NULL);
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal);
}

/* kill -TSTP from outside (a typed Ctrl-Z goes to the guest): stop with the terminal as it was. */
static void on_suspend(int signal)
{
    int saved = errno;
    bool was_raw = term.is_raw;
    struct sigaction mine;
    sigset_t one, old;

    term_restore();
    sigaction(signal, NULL, &mine);
    set_default(signal);
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_UNBLOCK, &one, &old);
    raise(signal); /* here we sleep until SIGCONT */
    sigprocmask(SIG_SETMASK, &old, NULL);
    sigaction(signal, &mine, NULL);
    if (was_raw && tcsetattr(STDIN_FILENO, TCSANOW, &term.raw) == 0)
        term.is_raw = 1;
    errno = saved;
}

bool term_init(void (*stop)(void *ctx), void *ctx, struct err *err)
{
    /* All whose default ends or stops a program: whatever comes, the terminal is made whole. */
    static const struct {
        int signal;
        void (*handler)(int);
    } row[] = {
        {SIGINT, on_end},    {SIGTERM, on_end},   {SIGHUP, on_end},      {SIGQUIT, on_end},
        {SIGSEGV, on_fault}, {SIGBUS, on_fault},  {SIGFPE, on_fault},    {SIGILL, on_fault},
        {SIGABRT, on_fault}, {SIGPIPE, on_fault}, {SIGTRAP, on_fault},   {SIGSYS, on_fault},
        {SIGUSR1, on_end},   {SIGUSR2, on_end},   {SIGALRM, on_end},     {SIGVTALRM, on_end},
        {SIGPROF, on_end},   {SIGIO, on_end},     {SIGPWR, on_end},      {SIGSTKFLT, on_end},
        {SIGXCPU, on_end},   {SIGXFSZ, on_end},   {SIGTSTP, on_suspend},
    };
    term.stop = stop;
    term.ctx = ctx;
    term.signal = 0;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct sigaction sa = {.sa_handler = row[i].handler}, before;
        /* What our parent told us to ignore (nohup) stays ignored. */
        if (sigaction(row[i].signal, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        term.before_us[row[i].signal] = before;
        if (sigaction(row[i].signal, &sa, NULL) != 0)
            return err_set(err, ERR_SYSTEM, "cannot handle signal %d: %s", row[i].signal,
                           strerror(errno));
    }
    return true;
}

int term_signal(void)
{
    return term.signal;
}

bool term_raw(struct err *err)
{
    if (tcgetattr(STDIN_FILENO, &term.before) != 0)
        return err_set(err, ERR_SYSTEM, "standard input is no terminal: %s", strerror(errno));
    term.raw = term.before;
    cfmakeraw(&term.raw);
    /* The guest's tty does its own echo, line editing and CR LF. */
    if (tcsetattr(STDIN_FILENO, TCSANOW, &term.raw) != 0)
        return err_set(err, ERR_SYSTEM, "the terminal cannot be made raw: %s", strerror(errno));
    term.is_raw = 1;
    atexit(term_restore);
    return true;
}

/* ---- keys ---- */

const char term_help[] = "\r\n"
                         "Ctrl-A x       end the run\r\n"
                         "Ctrl-A h       show these keys\r\n"
                         "Ctrl-A Ctrl-A  send one Ctrl-A to the guest\r\n";

const char term_help_debug[] = "\r\n"
                               "Ctrl-A d       back to the debugger's prompt\r\n"
                               "Ctrl-A x       leave the debugger\r\n"
                               "Ctrl-A Ctrl-A  send one Ctrl-A to the guest\r\n";

size_t term_key(struct term_keys *k, uint8_t typed, uint8_t *out, enum term_request *request)
{
    *request = TERM_NOTHING;
    if (!k->prefix) {
        k->prefix = typed == CTRL_A;
        *out = typed;
        return !k->prefix;
    }
    k->prefix = false;
    switch (typed) {
    case 'x':
    case 'X':
        *request = TERM_QUIT;
        return 0;
    case 'd':
        *request = TERM_DETACH;
        return 0;
    case CTRL_A:
    case 'a':
        *out = CTRL_A;
        return 1;
    default: /* h, ?, or a key that means nothing: then the person wants to know what does */
        *request = TERM_HELP;
        return 0;
    }
}
