/* SPDX-License-Identifier: GPL-2.0-only */
/* fork, vfork, copy-on-write: a child is a copy, a vforked one is not. */
#include "check.h"

static int shared_word = 1;
static char big[64 * 4096];

static void copies(void)
{
    int local = 5;
    pid_t pid;

    memset(big, 'p', sizeof big);
    pid = fork();
    if (pid == 0) {
        bool same = local == 5 && shared_word == 1 && big[100000] == 'p';

        shared_word = 2;
        local = 6;
        memset(big, 'c', sizeof big);
        _exit(same && local == 6 ? 7 : 1);
    }
    check(pid > 0, "fork answers the child's number");
    check(wait_status(pid) == 7 << 8, "the child sees its parent's memory");
    check(shared_word == 1 && local == 5 && big[0] == 'p' && big[sizeof big - 1] == 'p',
          "what the child wrote is the child's");
}

static void parent_writes_first(void)
{
    int p[2];
    char c = 0;
    pid_t pid;

    if (pipe(p))
        return;
    big[0] = 'a';
    pid = fork();
    if (pid == 0) {
        _exit(read(p[0], &c, 1) == 1 && big[0] == 'a' ? 0 : 1);
    }
    big[0] = 'b';
    check(write(p[1], "x", 1) == 1, "the parent goes on writing");
    check(wait_status(pid) == 0, "what the parent wrote is the parent's");
    close(p[0]);
    close(p[1]);
}

static void shared_mapping(void)
{
    volatile int *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();

    if (pid == 0) {
        *m = 42;
        _exit(0);
    }
    wait_status(pid);
    check(*m == 42, "MAP_SHARED memory is shared over fork");
    munmap((void *)m, 4096);
}

static void vforks(void)
{
    static volatile int order;
    pid_t pid = vfork();

    if (pid == 0) {
        order = 1;
        _exit(9);
    }
    check(order == 1, "vfork: the parent waits, and the memory is one");
    check(wait_status(pid) == 9 << 8, "vfork's child is waited for like any other");
}

static void many(void)
{
    pid_t pids[40];
    bool ok = true;

    for (int i = 0; i < 40; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(i);
    }
    for (int i = 39; i >= 0; i--)
        ok &= wait_status(pids[i]) == i << 8;
    check(ok, "forty children, waited for backwards");
    errno = 0;
    check(wait(NULL) == -1 && errno == ECHILD, "then there are none: ECHILD");
}

static void generations(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        pid_t grandchild = fork();

        if (grandchild == 0) {
            big[5] = 'g';
            _exit(big[6] == 'b' || big[6] == 'p' ? 3 : 1);
        }
        _exit(wait_status(grandchild) == 3 << 8 && big[5] == 'p' ? 4 : 1);
    }
    check(wait_status(pid) == 4 << 8, "copies of copies");
}

int main(void)
{
    copies();
    parent_writes_first();
    shared_mapping();
    vforks();
    many();
    generations();
    return finish();
}
