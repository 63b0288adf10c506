/* SPDX-License-Identifier: GPL-2.0-only */
/* What lies in a signal frame, and what the kernel makes of a frame that somebody has forged. */
#include "check.h"

#include <ucontext.h>

static volatile bool seen;
static volatile uint32_t fault_address, fault_trap, fault_error, fault_code;
static char *guard;

/* struct sigcontext as Linux i386 lays it (asm/sigcontext.h), after one argument on the stack */
struct context {
    uint32_t gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t trapno, err, eip, cs, eflags, esp_at_signal, ss, fpstate, oldmask, cr2;
};

static void old_handler(int sig, struct context context)
{
    volatile struct context *c = &context;

    seen = sig == SIGSEGV && c->cs == 0x73 && c->ss == 0x7b && c->cr2 == (uint32_t)guard;
    fault_trap = c->trapno;
    fault_error = c->err;
    mprotect(guard, 4096, PROT_READ | PROT_WRITE);
}

static void rt_handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    seen = sig == SIGSEGV;
    fault_address = (uint32_t)info->si_addr;
    fault_code = (uint32_t)info->si_code;
    fault_trap = (uint32_t)uc->uc_mcontext.gregs[REG_TRAPNO];
    fault_error = (uint32_t)uc->uc_mcontext.gregs[REG_ERR];
    mprotect(guard, 4096, PROT_READ | PROT_WRITE);
}

static void segv(void)
{
    struct sigaction a = {.sa_handler = (void (*)(int))old_handler};

    guard = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &a, NULL);
    *(volatile char *)guard = 1;
    check(seen && fault_trap == 14,
          "old frame: selectors, CR2 and trap number where Linux has them");
    check((fault_error & 6) == 6, "old frame: the error code says a write from user mode");

    a = (struct sigaction){.sa_sigaction = rt_handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &a, NULL);
    mprotect(guard, 4096, PROT_READ);
    seen = false;
    *(volatile char *)(guard + 8) = 1;
    check(seen && fault_address == (uint32_t)guard + 8 && fault_code == SEGV_ACCERR,
          "rt frame: si_addr and SEGV_ACCERR");
    munmap(guard, 4096);
    pid_t pid = fork();
    if (pid == 0) {
        *(volatile char *)guard =
            1; /* the handler cannot mend this one: it comes again and again */
        _exit(0);
    }
    sleep_ms(50);
    kill(pid, SIGKILL);
    check(wait_status(pid) == SIGKILL, "a fault that is never mended does not stop SIGKILL");
    signal(SIGSEGV, SIG_DFL);
}

static void change_handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    uc->uc_mcontext.gregs[REG_EAX] = 1234;
    uc->uc_mcontext.gregs[REG_EIP] += 2; /* over the ud2 */
}

static void registers(void)
{
    struct sigaction a = {.sa_sigaction = change_handler, .sa_flags = SA_SIGINFO};
    uint32_t eax = 1, ebx = 0x1111, esi = 0x2222, edi = 0x3333;

    sigaction(SIGILL, &a, NULL);
    __asm__ volatile("ud2" : "+a"(eax), "+b"(ebx), "+S"(esi), "+D"(edi));
    check(eax == 1234, "what a handler writes into the frame comes back");
    check(ebx == 0x1111 && esi == 0x2222 && edi == 0x3333, "and the other registers as they were");
    signal(SIGILL, SIG_DFL);
}

/* ---- forged frames ---- */

static uint32_t forge_cs, forge_ss, forge_flags, forge_gs;

static void forger(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    if (forge_cs)
        uc->uc_mcontext.gregs[REG_CS] = (int)forge_cs;
    if (forge_ss)
        uc->uc_mcontext.gregs[REG_SS] = (int)forge_ss;
    if (forge_flags)
        uc->uc_mcontext.gregs[REG_EFL] |= (int)forge_flags;
    if (forge_gs)
        uc->uc_mcontext.gregs[REG_GS] = (int)forge_gs;
}

static int forged(void)
{
    struct sigaction a = {.sa_sigaction = forger, .sa_flags = SA_SIGINFO};
    uint32_t flags, cs;
    pid_t pid = fork();

    if (pid)
        return wait_status(pid);
    sigaction(SIGUSR1, &a, NULL);
    /* No C library between the return and the exit: gs may be gone. */
    __asm__ volatile("int $0x80" : : "a"(SYS_kill), "b"(getpid()), "c"(SIGUSR1) : "memory");
    __asm__ volatile("pushfl; popl %0; mov %%cs, %1" : "=r"(flags), "=r"(cs));
    int result = (cs & 3) == 3 && !(flags & 0x3000) ? 0 : 99;
    __asm__ volatile("int $0x80" : : "a"(SYS_exit_group), "b"(result));
    __builtin_unreachable();
}

static void forgeries(void)
{
    int s;

    forge_cs = 0x60; /* the kernel's code segment */
    s = forged();
    check(WIFSIGNALED(s) || s == 0, "a frame with the kernel's CS does not get ring 0");
    forge_cs = 0x33; /* some other selector */
    s = forged();
    check(s != 99 << 8, "a frame with a strange CS does no harm");
    forge_cs = 0;
    forge_ss = 0x68;
    s = forged();
    check(WIFSIGNALED(s) || s == 0, "a frame with the kernel's SS does no harm");
    forge_ss = 0;
    forge_flags = 0x3000; /* IOPL 3 */
    check(forged() == 0, "a frame with IOPL 3 does not get it");
    forge_flags = 0x24000; /* VM and NT */
    s = forged();
    check(WIFSIGNALED(s) || s == 0, "a frame with VM and NT does no harm");
    forge_flags = 0;
    forge_gs = 0xfff8;
    s = forged();
    check(WIFSIGNALED(s) || s == 0, "a frame with a GS beyond the table does no harm");
    forge_gs = 0;
}

static void no_frame(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        __asm__ volatile("movl $16, %%esp; int $0x80" : : "a"(SYS_sigreturn));
        __builtin_unreachable();
    }
    check(wait_status(pid) == SIGSEGV, "sigreturn without a stack: SIGSEGV");
    pid = fork();
    if (pid == 0) {
        __asm__ volatile("movl $0xfffffff0, %%esp; int $0x80" : : "a"(SYS_rt_sigreturn));
        __builtin_unreachable();
    }
    check(wait_status(pid) == SIGSEGV, "rt_sigreturn from the kernel's memory: SIGSEGV");
}

int main(void)
{
    segv();
    registers();
    forgeries();
    no_frame();
    return finish();
}
