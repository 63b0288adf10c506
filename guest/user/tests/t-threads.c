/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads as a C library makes them: clone, TLS, futexes, signals to one, the end of all. */
#include "check.h"

#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int counter, turn;
static __thread int mine = 5;

static void *add(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
        mine++;
    }
    return (void *)(intptr_t)mine;
}

static void mutexes(void)
{
    pthread_t t[8];
    bool ok = true;

    for (int i = 0; i < 8; i++)
        ok &= pthread_create(&t[i], NULL, add, NULL) == 0;
    check(ok, "eight threads start");
    for (int i = 0; i < 8; i++) {
        void *result;

        pthread_join(t[i], &result);
        ok &= (intptr_t)result == 20005;
    }
    check(ok && mine == 5, "each had its own thread-local variable");
    check(counter == 8 * 20000, "a mutex lets one in at a time");
}

static void *ping(void *arg)
{
    int me = (int)(intptr_t)arg;

    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&lock);
        while (turn != me)
            pthread_cond_wait(&cond, &lock);
        turn = !me;
        counter++;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void conditions(void)
{
    pthread_t t[2];

    counter = 0;
    for (intptr_t i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, ping, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    check(counter == 1000, "two threads take turns by a condition variable");

    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 30000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&lock);
    check(pthread_cond_timedwait(&cond, &lock, &until) == ETIMEDOUT, "a wait can time out");
    pthread_mutex_unlock(&lock);
}

static sem_t sem;
static volatile pid_t handler_tid;

static void on_usr1(int sig)
{
    (void)sig;
    handler_tid = (pid_t)syscall(SYS_gettid);
    sem_post(&sem);
}

static void *wait_for_signal(void *arg)
{
    *(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
    while (!handler_tid)
        sleep_ms(5);
    return NULL;
}

static void signals(void)
{
    volatile pid_t tid = 0;
    pthread_t t;

    sem_init(&sem, 0, 0);
    signal(SIGUSR1, on_usr1);
    pthread_create(&t, NULL, wait_for_signal, (void *)&tid);
    while (!tid)
        sleep_ms(1);
    pthread_kill(t, SIGUSR1);
    while (sem_wait(&sem) < 0 && errno == EINTR)
        ;
    pthread_join(t, NULL);
    check(handler_tid == tid && tid != getpid(), "pthread_kill reaches that thread");
}

static void *endless(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}

static void *cancelled(void *arg)
{
    return endless(arg);
}

static void cancels(void)
{
    pthread_t t;
    void *result;

    pthread_create(&t, NULL, cancelled, NULL);
    sleep_ms(10);
    pthread_cancel(t);
    pthread_join(t, &result);
    check(result == PTHREAD_CANCELED, "a thread in a system call can be cancelled");
}

static void *exits(void *arg)
{
    sleep_ms(20);
    exit((int)(intptr_t)arg);
}

static void *execs(void *arg)
{
    char *argv[] = {"t-threads", "child", arg, NULL};

    sleep_ms(10);
    execv("/proc/self/exe", argv);
    _exit(99);
}

static void ends(void)
{
    pthread_t t;
    pid_t pid = fork();

    if (pid == 0) {
        pthread_create(&t, NULL, endless, NULL);
        pthread_create(&t, NULL, exits, (void *)17);
        endless(NULL);
    }
    check(wait_status(pid) == 17 << 8, "exit by one thread ends them all");

    pid = fork();
    if (pid == 0) {
        pthread_create(&t, NULL, endless, NULL);
        *(volatile int *)8 = 1;
    }
    check(WTERMSIG(wait_status(pid)) == SIGSEGV, "so does a fault");

    pid = fork();
    if (pid == 0) {
        pthread_create(&t, NULL, exits, (void *)18);
        pthread_exit(NULL);
    }
    check(wait_status(pid) == 18 << 8, "the first thread may leave before the others");

    pid = fork();
    if (pid == 0) {
        static char number[16];

        snprintf(number, sizeof number, "%d", getpid());
        pthread_create(&t, NULL, endless, NULL);
        pthread_create(&t, NULL, execs, number);
        endless(NULL);
    }
    check(wait_status(pid) == 23 << 8, "execve by another thread keeps the process's number");
}

static pthread_mutex_t *robust;

static void dies_with_lock(void)
{
    pthread_mutexattr_t a;

    robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(robust, &a);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(robust);
        sleep_ms(30);
        kill(getpid(), SIGKILL);
    }
    sleep_ms(10);
    check(pthread_mutex_lock(robust) == EOWNERDEAD, "a robust mutex tells that its owner died");
    wait_status(pid);
}

int main(int argc, char *argv[])
{
    if (argc > 2)
        return atoi(argv[2]) == getpid() && syscall(SYS_gettid) == getpid() ? 23 : 1;
    mutexes();
    conditions();
    signals();
    cancels();
    ends();
    dies_with_lock();
    return finish();
}
