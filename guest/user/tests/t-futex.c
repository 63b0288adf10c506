/* SPDX-License-Identifier: GPL-2.0-only */
/* The futex call itself: every operation, every error. */
#include "check.h"

enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, WAKE_OP, WAIT_BITSET = 9, WAKE_BITSET };

static long futex(volatile uint32_t *a, int op, uint32_t v, const void *t, volatile uint32_t *b,
                  uint32_t v3)
{
    return syscall(SYS_futex, a, op, v, t, b, v3);
}

struct ms32 {
    long sec, nsec;
};

static volatile uint32_t *words; /* shared by all */

static pid_t sleeper(volatile uint32_t *word, uint32_t bits, int status)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(futex(word, WAIT_BITSET, *word, NULL, NULL, bits) == 0 ? status : 99);
    sleep_ms(30);
    return pid;
}

static void errors(void)
{
    struct ms32 t = {0, 20000000}, bad = {0, 1000000000};

    words[0] = 3;
    errno = 0;
    check(futex(words, WAIT, 4, NULL, NULL, 0) == -1 && errno == EAGAIN, "another value: EAGAIN");
    errno = 0;
    check(futex(words, WAIT, 3, &t, NULL, 0) == -1 && errno == ETIMEDOUT, "time-out: ETIMEDOUT");
    errno = 0;
    check(futex(words, WAIT, 3, &bad, NULL, 0) == -1 && errno == EINVAL, "no time at all: EINVAL");
    errno = 0;
    check(futex((volatile uint32_t *)((char *)words + 1), WAKE, 1, NULL, NULL, 0) == -1 &&
              errno == EINVAL,
          "a word that is not aligned: EINVAL");
    errno = 0;
    check(futex((volatile uint32_t *)0xC0000000, WAIT, 0, NULL, NULL, 0) == -1 && errno == EFAULT,
          "the kernel's memory: EFAULT");
    errno = 0;
    check(futex(words, WAIT_BITSET, 3, NULL, NULL, 0) == -1 && errno == EINVAL, "no bits: EINVAL");
    errno = 0;
    check(futex(words, 77, 0, NULL, NULL, 0) == -1 && errno == ENOSYS, "operation 77: ENOSYS");
}

static void wakes(void)
{
    pid_t a = sleeper(words, 1, 1), b = sleeper(words, 2, 2), c = sleeper(words, 4, 3);

    check(futex(words, WAKE_BITSET, 9, NULL, NULL, 2) == 1 && wait_status(b) == 2 << 8,
          "WAKE_BITSET wakes whose bits meet");
    check(futex(words, WAKE, 1, NULL, NULL, 0) == 1 && wait_status(a) == 1 << 8,
          "WAKE wakes in the order of coming");
    check(futex(words, WAKE, 9, NULL, NULL, 0) == 1 && wait_status(c) == 3 << 8, "and the rest");
    check(futex(words, WAKE, 9, NULL, NULL, 0) == 0, "until nobody is left");
}

static void requeues(void)
{
    pid_t p[3];

    for (int i = 0; i < 3; i++)
        p[i] = sleeper(words, ~0u, i + 1);
    errno = 0;
    check(futex(words, CMP_REQUEUE, 1, (void *)9, words + 1, words[0] + 1) == -1 && errno == EAGAIN,
          "CMP_REQUEUE looks first");
    check(futex(words, CMP_REQUEUE, 1, (void *)9, words + 1, words[0]) == 3,
          "then wakes one and moves two");
    check(wait_status(p[0]) == 1 << 8, "the first is awake");
    check(futex(words, WAKE, 9, NULL, NULL, 0) == 0, "nobody is left at the first word");
    check(futex(words + 1, WAKE, 9, NULL, NULL, 0) == 2, "two are at the second");
    check(wait_status(p[1]) == 2 << 8 && wait_status(p[2]) == 3 << 8, "and wake there");
}

static void wake_op(void)
{
    pid_t a = sleeper(words, ~0u, 1), b;

    words[1] = 10;
    b = sleeper(words + 1, ~0u, 2);
    /* words[1] += 5; was it > 9? */
    uint32_t op = 1u << 28 | 4u << 24 | 5u << 12 | 9u;
    check(futex(words, WAKE_OP, 1, (void *)1, words + 1, op) == 2 && words[1] == 15,
          "WAKE_OP changes, compares and wakes both");
    wait_status(a);
    wait_status(b);
}

int main(void)
{
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    errors();
    wakes();
    requeues();
    wake_op();
    return finish();
}
