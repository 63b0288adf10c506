/* SPDX-License-Identifier: GPL-2.0-only */
/* FPU and SSE registers belong to a task: over switches, forks and signal handlers. */
#include "check.h"

static void set_xmm(uint32_t v)
{
    uint32_t quad[4] = {v, v + 1, v + 2, v + 3};

    __asm__ volatile("movups %0, %%xmm5" : : "m"(quad));
}

static bool xmm_is(uint32_t v)
{
    uint32_t quad[4];

    __asm__ volatile("movups %%xmm5, %0" : "=m"(quad));
    return quad[0] == v && quad[1] == v + 1 && quad[2] == v + 2 && quad[3] == v + 3;
}

/* A thing that computes for a while with values only registers hold. */
static bool spin(uint32_t seed)
{
    double keep = seed * 1.25, got;
    uint16_t control = 0x27f | (uint16_t)(seed % 4 << 10), control_now;

    __asm__ volatile("fldcw %0" : : "m"(control));
    __asm__ volatile("fldl %0" : : "m"(keep));
    set_xmm(seed);
    for (volatile int i = 0; i < 3000000; i++)
        ;
    bool ok = xmm_is(seed);
    __asm__ volatile("fstpl %0" : "=m"(got));
    __asm__ volatile("fnstcw %0" : "=m"(control_now));
    return ok && got == keep && control_now == control;
}

static void switches(void)
{
    pid_t pids[4];
    bool ok = true;

    for (uint32_t i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            bool good = true;

            for (int round = 0; round < 5; round++)
                good &= spin(i * 1000 + 7);
            _exit(!good);
        }
    }
    for (int i = 0; i < 4; i++)
        ok &= wait_status(pids[i]) == 0;
    check(ok, "four processes at once keep their FPU, SSE and control words");
}

static void inherits(void)
{
    pid_t pid;

    set_xmm(4242);
    pid = (pid_t)syscall(SYS_fork);
    if (pid == 0)
        _exit(xmm_is(4242) ? 0 : 1);
    check(wait_status(pid) == 0, "a child has its parent's registers");
}

static volatile bool clean;

static void handler(int sig)
{
    uint16_t control;

    (void)sig;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    clean = control == 0x37f;
    set_xmm(1);
    for (int i = 0; i < 8; i++)
        __asm__ volatile("fld1");
}

static void signals(void)
{
    uint16_t control = 0xe7f, now;
    double keep = 3.5, got;
    uint32_t mxcsr = 0x1f80 | 0x6000, mxcsr_now;

    signal(SIGUSR1, handler);
    pid_t pid = getpid();
    __asm__ volatile("fldcw %0" : : "m"(control));
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    __asm__ volatile("fldl %0" : : "m"(keep));
    set_xmm(777);
    __asm__ volatile("int $0x80" : : "a"(SYS_kill), "b"(pid), "c"(SIGUSR1) : "memory");
    bool kept = xmm_is(777);
    __asm__ volatile("fstpl %0" : "=m"(got));
    __asm__ volatile("fnstcw %0" : "=m"(now));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr_now));
    check(kept, "SSE registers survive a handler that uses them");
    check(got == keep, "so does the FPU's stack, though the handler filled it");
    check(now == control && mxcsr_now == mxcsr, "and both control words");
    check(clean, "the handler itself started with a clean FPU");
    control = 0x37f;
    mxcsr = 0x1f80;
    __asm__ volatile("fldcw %0" : : "m"(control));
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static volatile int fpe_code;

static void on_fpe(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    fpe_code = info->si_code;
    _exit(info->si_code == FPE_INTDIV ? 11 : 12);
}

static void divide(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct sigaction a = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};
        volatile int zero = 0;

        sigaction(SIGFPE, &a, NULL);
        _exit(5 / zero);
    }
    check(wait_status(pid) == 11 << 8, "a division by zero is SIGFPE, FPE_INTDIV");
}

static void fresh(void)
{
    char *argv[] = {"t-fpu", "fresh", NULL};
    pid_t pid;

    set_xmm(99);
    pid = fork();
    if (pid == 0) {
        uint16_t control = 0xf7f;

        __asm__ volatile("fldcw %0" : : "m"(control));
        execv("/proc/self/exe", argv);
        _exit(2);
    }
    check(wait_status(pid) == 0, "execve starts with a clean FPU");
}

int main(int argc, char *argv[])
{
    if (argc > 1 && !strcmp(argv[1], "fresh")) {
        uint16_t control;

        __asm__ volatile("fnstcw %0" : "=m"(control));
        return control != 0x37f;
    }
    switches();
    inherits();
    signals();
    divide();
    fresh();
    return finish();
}
