/* SPDX-License-Identifier: GPL-2.0-only */
/* Pipes: order, blocking, both ends' ends, atomic writes, poll. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/stat.h>

static char buf[200000];

static void ends(void)
{
    int p[2];

    check(pipe2(p, O_CLOEXEC) == 0 && fcntl(p[0], F_GETFD) == FD_CLOEXEC, "pipe2 with O_CLOEXEC");
    check(write(p[1], "one", 3) == 3 && write(p[1], "two", 3) == 3, "writes are taken");
    check(read(p[0], buf, 100) == 6 && !memcmp(buf, "onetwo", 6), "and read in order");
    close(p[1]);
    check(read(p[0], buf, 100) == 0, "no writer: end of file");
    close(p[0]);
    if (pipe(p))
        return;
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    errno = 0;
    check(write(p[1], "x", 1) == -1 && errno == EPIPE, "no reader: EPIPE");
    close(p[1]);
    signal(SIGPIPE, SIG_DFL);
    pid_t pid = fork();
    if (pid == 0) {
        if (pipe(p))
            _exit(1);
        close(p[0]);
        _exit(write(p[1], "x", 1) == 1);
    }
    check(wait_status(pid) == SIGPIPE, "and SIGPIPE");
}

static void nonblocking(void)
{
    int p[2];
    size_t total = 0;
    ssize_t n;

    if (pipe2(p, O_NONBLOCK))
        return;
    errno = 0;
    check(read(p[0], buf, 1) == -1 && errno == EAGAIN, "O_NONBLOCK, empty: EAGAIN");
    while ((n = write(p[1], buf, 4096)) > 0)
        total += (size_t)n;
    check(total == 65536 && errno == EAGAIN, "it holds 64 KiB, then EAGAIN");
    check(read(p[0], buf, 5000) == 5000, "some is read");
    n = write(p[1], buf, 4096);
    check(n == 4096, "then there is room again");
    close(p[0]);
    close(p[1]);
}

static void big(void)
{
    int p[2], status;
    size_t got = 0;
    ssize_t n;
    pid_t pid;
    bool right = true;

    if (pipe(p))
        return;
    pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < sizeof buf; i++)
            buf[i] = (char)(i * 7 >> 3);
        _exit(write(p[1], buf, sizeof buf) != sizeof buf);
    }
    close(p[1]);
    static char in[3000];
    while ((n = read(p[0], in, sizeof in)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            right &= in[i] == (char)((got + (size_t)i) * 7 >> 3);
        got += (size_t)n;
    }
    status = wait_status(pid);
    check(got == sizeof buf && right && status == 0, "200000 bytes in one write, read bit by bit");
    close(p[0]);
}

/* Writes up to PIPE_BUF are not torn, whoever else writes. */
static void atomic(void)
{
    int p[2];
    pid_t pids[4];
    char block[512];
    bool whole = true;
    int n = 0;

    if (pipe(p))
        return;
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            memset(block, 'a' + i, sizeof block);
            for (int k = 0; k < 200; k++)
                if (write(p[1], block, sizeof block) != sizeof block)
                    _exit(1);
            _exit(0);
        }
    }
    close(p[1]);
    for (;;) {
        size_t have = 0;
        ssize_t r;

        while (have < sizeof block && (r = read(p[0], block + have, sizeof block - have)) > 0)
            have += (size_t)r;
        if (have < sizeof block)
            break;
        n++;
        for (size_t i = 1; i < sizeof block; i++)
            whole &= block[i] == block[0];
    }
    for (int i = 0; i < 4; i++)
        wait_status(pids[i]);
    check(n == 800 && whole, "four writers' blocks come whole");
    close(p[0]);
}

static void polls(void)
{
    int p[2];
    struct pollfd fds[2];

    if (pipe(p))
        return;
    fds[0] = (struct pollfd){.fd = p[0], .events = POLLIN};
    fds[1] = (struct pollfd){.fd = p[1], .events = POLLOUT};
    check(poll(fds, 2, 0) == 1 && fds[0].revents == 0 && fds[1].revents == POLLOUT,
          "poll: nothing to read, room to write");
    check(poll(fds, 1, 30) == 0, "it times out");
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        _exit(write(p[1], "x", 1) != 1);
    }
    check(poll(fds, 1, 5000) == 1 && fds[0].revents == POLLIN, "it wakes when something comes");
    wait_status(pid);
    fd_set set;
    struct timeval t = {0, 0};
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    check(select(p[0] + 1, &set, NULL, NULL, &t) == 1 && FD_ISSET(p[0], &set), "select agrees");
    close(p[1]);
    check(poll(fds, 1, 0) == 1 && fds[0].revents == (POLLIN | POLLHUP), "a hang-up shows too");
    close(p[0]);
    check(poll(fds, 1, 0) == 1 && fds[0].revents == POLLNVAL, "and a closed descriptor");
}

static void fifos(void)
{
    const char *name = "/tmp/t-pipes.fifo";
    pid_t pid;
    int fd;

    unlink(name);
    check(mkfifo(name, 0600) == 0, "mkfifo");
    errno = 0;
    check(open(name, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO, "no reader yet: ENXIO");
    pid = fork();
    if (pid == 0) {
        fd = open(name, O_WRONLY);
        _exit(write(fd, "fifo", 4) != 4);
    }
    fd = open(name, O_RDONLY);
    check(read(fd, buf, 10) == 4 && !memcmp(buf, "fifo", 4), "open waits for the other end");
    check(read(fd, buf, 10) == 0 && wait_status(pid) == 0, "and sees its end");
    close(fd);
    unlink(name);
}

int main(void)
{
    ends();
    nonblocking();
    big();
    atomic();
    polls();
    fifos();
    return finish();
}
