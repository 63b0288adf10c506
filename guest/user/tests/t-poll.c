/* SPDX-License-Identifier: GPL-2.0-only */
/* FIFOs, poll and select, and the pipes they watch: who waits, who is woken, and who is told that
   it is over. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static char buf[100000];
static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static short polled(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void capacity(void)
{
    long in = 0, out = 0, n;
    int p[2], waiting = 0;

    check(pipe(p) == 0, "pipe");
    set_nonblocking(p[0]);
    set_nonblocking(p[1]);
    check(FAILS(read(p[0], buf, 1), EAGAIN), "empty");
    while ((n = write(p[1], buf, 5000)) > 0)
        in += n;
    check(errno == EAGAIN && in >= 50000, "full");
    check(FAILS(write(p[1], buf, 4096), EAGAIN), "a small write goes in whole or not at all");
    check(ioctl(p[0], FIONREAD, &waiting) == 0 && waiting == in, "FIONREAD");
    check(!(polled(p[1], POLLOUT) & POLLOUT) && polled(p[0], POLLIN) == POLLIN, "poll: full");
    while ((n = read(p[0], buf, 3333)) > 0)
        out += n;
    check(in == out, "all comes out again");
    check(FAILS(write(p[0], "x", 1), EBADF) && FAILS(read(p[1], buf, 1), EBADF), "one way only");
    check(FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE) && FAILS(pread(p[0], buf, 1, 0), ESPIPE),
          "no positions");
    close(p[0]);
    close(p[1]);
    check(FAILS(pipe2(p, 0x123456), EINVAL) && FAILS(pipe((int *)16), EFAULT), "bad arguments");
}

/* Bytes keep their order through many switches between two processes. */
static void stream(void)
{
    long total = 0, n;
    bool right = true;
    int p[2];

    if (pipe(p))
        return check(false, "pipe");
    pid_t child = fork();
    if (child == 0) {
        close(p[0]);
        for (long i = 0; i < 300000; i += 3000) {
            for (int k = 0; k < 3000; k++)
                buf[k] = (i + k) % 251;
            if (write(p[1], buf, 3000) != 3000)
                _exit(1);
        }
        _exit(0);
    }
    close(p[1]);
    while ((n = read(p[0], buf, 7777)) > 0) {
        for (long k = 0; k < n; k++)
            right &= buf[k] == (char)((total + k) % 251);
        total += n;
    }
    check(n == 0 && total == 300000 && right, "300000 bytes in order, then the end");
    check(wait_status(child) == 0, "the writer was served");
    close(p[0]);
}

static void ends(void)
{
    int p[2];

    signal(SIGPIPE, on_signal);
    signals = 0;
    check(pipe(p) == 0 && polled(p[1], POLLOUT) == POLLOUT, "poll: room");
    close(p[0]);
    check(polled(p[1], POLLOUT) & POLLERR, "poll: nobody reads");
    check(FAILS(write(p[1], "x", 1), EPIPE) && signals == 1, "SIGPIPE and EPIPE");
    close(p[1]);
    check(pipe(p) == 0 && write(p[1], "z", 1) == 1 && close(p[1]) == 0, "a last byte");
    check(polled(p[0], POLLIN) == (POLLIN | POLLHUP) && read(p[0], buf, 9) == 1, "is still read");
    check(polled(p[0], POLLIN) == POLLHUP && read(p[0], buf, 9) == 0, "poll: nobody writes");
    close(p[0]);
}

static void fifos(void)
{
    char name[] = "/tmp/t-pipes-XXXXXX";
    struct stat st;

    close(mkstemp(name));
    unlink(name);
    check(mkfifo(name, 0600) == 0 && stat(name, &st) == 0 && S_ISFIFO(st.st_mode), "mkfifo");
    check(FAILS(open(name, O_WRONLY | O_NONBLOCK), ENXIO), "no reader yet");
    int r = open(name, O_RDONLY | O_NONBLOCK);
    check(r >= 0 && read(r, buf, 1) == 0 && polled(r, POLLIN) == 0, "no writer yet is no hang-up");
    int w = open(name, O_WRONLY);
    check(write(w, "abc", 3) == 3 && read(r, buf, 10) == 3 && FAILS(read(r, buf, 1), EAGAIN),
          "through");
    close(w);
    check(read(r, buf, 1) == 0 && polled(r, POLLIN) == POLLHUP, "but one that went is");
    close(r);
    pid_t child = fork();
    if (child == 0)
        _exit(write(open(name, O_WRONLY), "hey", 3) == 3 ? 0 : 1);
    r = open(name, O_RDONLY); /* both wait for each other */
    check(read(r, buf, 10) == 3 && wait_status(child) == 0, "open waits for the other side");
    close(r);
    unlink(name);
}

static void waiting(void)
{
    struct sigaction a = { .sa_handler = on_signal };
    struct itimerval soon = { .it_value = { 0, 30000 } };
    int p[2];

    if (pipe(p))
        return check(false, "pipe");
    struct pollfd f[2] = { { p[0], POLLIN, 0 }, { -1, POLLIN, 0 } };
    long start = now_ms();
    check(poll(f, 2, 60) == 0 && now_ms() - start >= 60, "poll: time passes");
    sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    check(FAILS(poll(f, 1, 10000), EINTR), "poll: a signal ends it");
    setitimer(ITIMER_REAL, &soon, NULL);
    check(FAILS(read(p[0], buf, 1), EINTR), "read: a signal ends it");
    f[1].fd = 77;
    check(poll(f, 2, 1000) == 1 && f[1].revents == POLLNVAL, "poll: not a descriptor");
    check(FAILS(poll((void *)16, 1, 0), EFAULT), "poll: an array nowhere");

    pid_t child = fork();
    if (child == 0) {
        sleep_ms(40);
        _exit(write(p[1], "!", 1) == 1 ? 0 : 1);
    }
    check(poll(f, 1, 10000) == 1 && f[0].revents == POLLIN, "poll: woken by a write");
    check(read(p[0], buf, 9) == 1 && wait_status(child) == 0, "which is there");

    fd_set r, w;
    struct timeval t = { 0, 20000 };
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    check(select(p[1] + 1, &r, &w, NULL, &t) == 1 && !FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w),
          "select: one of two");
    FD_SET(p[0], &r);
    t = (struct timeval){ 0, 20000 };
    check(select(p[0] + 1, &r, NULL, NULL, &t) == 0 && !FD_ISSET(p[0], &r), "select: time-out");
    FD_SET(200, &r);
    check(FAILS(select(201, &r, NULL, NULL, &t), EBADF), "select: not a descriptor");
    check(FAILS(select(-1, &r, NULL, NULL, &t), EINVAL), "select: not a number of them");

    sigset_t none, block;
    struct timespec second = { 1, 0 };
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGALRM);
    signals = 0;
    f[0].revents = 0;
    check(FAILS(ppoll(f, 1, &second, &none), EINTR) && signals == 1, "ppoll opens the mask");
    sigprocmask(SIG_BLOCK, NULL, &none);
    check(sigismember(&none, SIGALRM), "and closes it again");
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    capacity();
    stream();
    ends();
    fifos();
    waiting();
    return finish();
}
