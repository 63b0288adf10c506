// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one thing of a process's life N times, between two lines by which the watcher reads its clock.
 *
 *     ops syscall|fault|switch|fork N
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(void)
{
    if (write(1, "@start\n", 7) != 7)
        exit(2);
}

static void end(void)
{
    if (write(1, "@end\n", 5) != 5)
        exit(2);
}

static void do_syscalls(long n)
{
    start();
    while (n--)
        syscall(SYS_getppid);
    end();
}

/* Each touch of a fresh page is one demand-zero fault; 1024 pages at a time. */
static void do_faults(long n)
{
    enum { PAGES = 1024, PAGE = 4096 };
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        exit(2);
    start();
    for (; n > 0; n -= PAGES) {
        for (int i = 0; i < PAGES; i++)
            p[i * PAGE] = 1;
        if (madvise(p, PAGES * PAGE, MADV_DONTNEED) != 0)
            exit(2);
    }
    end();
}

/* A byte goes round between two processes: two switches a turn. */
static void do_switches(long n)
{
    int to[2], from[2];
    char byte = 0;

    if (pipe(to) != 0 || pipe(from) != 0)
        exit(2);
    if (fork() == 0) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1 && write(from[1], &byte, 1) == 1)
            ;
        _exit(0);
    }
    start();
    for (n /= 2; n > 0; n--)
        if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
            exit(2);
    end();
}

static void do_forks(long n)
{
    start();
    while (n--) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (waitpid(pid, NULL, 0) != pid)
            exit(2);
    }
    end();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(long);
    } works[] = {{"syscall", do_syscalls},
                 {"fault", do_faults},
                 {"switch", do_switches},
                 {"fork", do_forks}};

    for (size_t i = 0; argc == 3 && i < sizeof works / sizeof works[0]; i++)
        if (strcmp(argv[1], works[i].name) == 0) {
            works[i].work(atol(argv[2]));
            return 0;
        }
    fprintf(stderr, "usage: ops syscall|fault|switch|fork N\n");
    return 64;
}
