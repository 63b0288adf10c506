/* SPDX-License-Identifier: GPL-2.0-only */
/* SIGSEGV, in one place: see guard.h. */
#include "guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUARDS_MAX         64
#define ENGINE_DIED_STATUS 70
#define ALT_STACK_BYTES    (64u << 10)

/* Slots are filled and emptied under the lock; the handler only reads them, one atomic word each. */
static struct guard *_Atomic guards[GUARDS_MAX];
static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before_segv, before_bus, before_abrt;
static _Thread_local const struct guard_engine *engine;
static _Thread_local bool has_alt_stack;
static void (*_Atomic on_death)(void);

static void say(const char *text)
{
    size_t n = strlen(text);
    while (n) {
        ssize_t done = write(STDERR_FILENO, text, n);
        if (done <= 0)
            return;
        text += done;
        n -= (size_t)done;
    }
}

static _Noreturn void engine_died(int sig)
{
    const struct guard_engine *e = engine;
    char text[256] = "";
    engine = NULL; /* a second fault, in text(), must not come back here */
    void (*fn)(void) = on_death;
    if (fn)
        fn();
    say("ringside: the CPU engine fell over (");
    say(sig == SIGABRT ? "abort" : "bad memory access");
    say(") ");
    e->text(e->ctx, text, sizeof text);
    say(text);
    say("\n");
    _exit(ENGINE_DIED_STATUS);
}

static const struct sigaction *previous(int sig)
{
    return sig == SIGSEGV ? &before_segv : sig == SIGBUS ? &before_bus : &before_abrt;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    if (sig == SIGSEGV && info->si_code == SEGV_ACCERR) {
        uintptr_t a = (uintptr_t)info->si_addr;
        for (unsigned i = 0; i < GUARDS_MAX; i++) {
            struct guard *g = guards[i];
            if (g && a >= g->start && a < g->end) {
                if (g->fault(g, a))
                    return;
                break;
            }
        }
    }
    if (engine)
        engine_died(sig);
    /* Not ours: whoever was there before us (a sanitizer, the default) gets it. */
    const struct sigaction *p = previous(sig);
    if (p->sa_flags & SA_SIGINFO) {
        p->sa_sigaction(sig, info, context);
    } else if (p->sa_handler != SIG_DFL && p->sa_handler != SIG_IGN) {
        p->sa_handler(sig);
    } else {
        signal(sig, SIG_DFL);
        raise(sig);
    }
}

/* Others may have put their handlers over ours since the last guard was added (a test framework does
   for every test): ours goes on top again, and passes on to theirs what it cannot explain. */
static bool install_for(int sig, struct sigaction *before)
{
    struct sigaction now, ours = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    if (sigaction(sig, NULL, &now))
        return false;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
        return true;
    *before = now;
    return !sigaction(sig, &ours, NULL);
}

static bool install(void)
{
    return install_for(SIGSEGV, &before_segv) && install_for(SIGBUS, &before_bus) &&
           install_for(SIGABRT, &before_abrt);
}

bool guard_add(struct guard *g)
{
    bool ok = false;
    pthread_mutex_lock(&guards_lock);
    if (install())
        for (unsigned i = 0; i < GUARDS_MAX && !ok; i++)
            if (!guards[i]) {
                guards[i] = g;
                ok = true;
            }
    pthread_mutex_unlock(&guards_lock);
    return ok;
}

void guard_remove(struct guard *g)
{
    pthread_mutex_lock(&guards_lock);
    for (unsigned i = 0; i < GUARDS_MAX; i++)
        if (guards[i] == g)
            guards[i] = NULL;
    pthread_mutex_unlock(&guards_lock);
}

/* The engine's own stack may be what broke, so the report runs on another one. A stack that somebody
   (a sanitizer) has set up already is as good as ours. It stays for the life of the thread. */
static void give_alt_stack(void)
{
    static _Thread_local char stack[ALT_STACK_BYTES];
    stack_t now, ours = {.ss_sp = stack, .ss_size = sizeof stack};
    if (!sigaltstack(NULL, &now) && (now.ss_flags & SS_DISABLE))
        sigaltstack(&ours, NULL);
    has_alt_stack = true;
}

const struct guard_engine *guard_enter_engine(const struct guard_engine *e)
{
    const struct guard_engine *was = engine;
    if (e && !has_alt_stack)
        give_alt_stack();
    engine = e;
    return was;
}

void guard_on_death(void (*fn)(void))
{
    on_death = fn;
}
