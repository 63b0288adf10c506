/* SPDX-License-Identifier: GPL-2.0-only */
/* SIGSEGV, in one place: see guard.h. */
#include "guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "addr.h"

#define GUARDS_MAX      256
#define DIED_STATUS     70
#define ALT_STACK_BYTES (64u << 10)

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

/* The terminal first, so that what follows can be read. */
static void put_right(void)
{
    void (*fn)(void) = on_death;
    if (fn)
        fn();
}

static void say_where(void)
{
    const struct guard_engine *e = engine;
    char text[256] = "outside of guest code";
    engine = NULL; /* a second fault, in text(), must not come back here */
    if (e)
        e->text(e->ctx, text, sizeof text);
    say(text);
    say("\n");
}

static _Noreturn void engine_died(int sig)
{
    put_right();
    say("ringside: the CPU engine fell over (");
    say(sig == SIGABRT ? "abort" : "bad memory access");
    say(") ");
    say_where();
    _exit(DIED_STATUS);
}

/* We reached for something that is not ours. */
static void stray_access(const struct guard *g, uintptr_t a)
{
    char text[160];
    bool before = a < g->data_start, behind = a >= g->data_end;
    uintptr_t far = before ? g->data_start - a : behind ? a - g->data_end : a - g->data_start;

    put_right();
    snprintf(text, sizeof text,
             "ringside: stray access %#llx bytes %s %s: a mistake of Ringside's ",
             (unsigned long long)far,
             before   ? "before"
             : behind ? "behind the end of"
                      : "into a gap of",
             g->name);
    say(text);
    say_where();
}

static const struct sigaction *previous(int sig)
{
    return sig == SIGSEGV ? &before_segv : sig == SIGBUS ? &before_bus : &before_abrt;
}

static struct guard *guard_at(uintptr_t a)
{
    for (unsigned i = 0; i < GUARDS_MAX; i++) {
        struct guard *g = guards[i];
        if (g && a >= g->start && a < g->end)
            return g;
    }
    return NULL;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *p = previous(sig);

    if (sig == SIGSEGV && info->si_code == SEGV_ACCERR) {
        uintptr_t a = (uintptr_t)info->si_addr;
        struct guard *g = guard_at(a);
        if (g && g->fault && g->fault(g, a))
            return;
        if (g) {
            stray_access(g, a);
            if (!(p->sa_flags & SA_SIGINFO))
                _exit(DIED_STATUS);
        }
    }
    if (engine)
        engine_died(sig);
    /* Not ours: whoever was there before us (a sanitizer, the default) gets it. */
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

/* ---- blocks between guards ---- */

static size_t pages_up(size_t bytes)
{
    return (bytes + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

void *guard_alloc(size_t bytes, const char *name)
{
    enum { NO_MANS_LAND = 16 * PAGE_SIZE, ALIGN = 16 };
    struct guard *g = malloc(sizeof *g);
    size_t room = pages_up(bytes), all = room + 2 * NO_MANS_LAND;
    uint8_t *p = g ? mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;

    if (p == MAP_FAILED) {
        free(g);
        return NULL;
    }
    uint8_t *data = p + NO_MANS_LAND + room - ((bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    *g = (struct guard){
        .start = (uintptr_t)p,
        .end = (uintptr_t)p + all,
        .data_start = (uintptr_t)data,
        .data_end = (uintptr_t)data + bytes,
        .name = name,
    };
    if (mprotect(p + NO_MANS_LAND, room, PROT_READ | PROT_WRITE) || !guard_add(g)) {
        munmap(p, all);
        free(g);
        return NULL;
    }
    return data;
}

void guard_free(void *block)
{
    struct guard *g = block ? guard_at((uintptr_t)block) : NULL;
    if (!g)
        return;
    guard_remove(g);
    munmap((void *)g->start, g->end - g->start);
    free(g);
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
