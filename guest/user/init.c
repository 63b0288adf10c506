/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * init: the first process, and the parent of all that have lost theirs.
 *
 * With commands to run (ringside run -e, which leaves them in a file) it runs those and nothing
 * else, on a terminal that changes no byte; otherwise a login shell on the console. Either way its
 * own exit is the end of the machine, with the status of what it ran. busybox's poweroff, reboot and
 * halt ask for an end by signals.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "abi/ringside_ports.h"

#define CONSOLE "/dev/console"

static sigset_t news; /* what init waits for; blocked all the time, taken by sigtimedwait */

static void mount_if_missing(const char *type, const char *where, const char *probe)
{
    if (access(probe, F_OK) == 0)
        return;
    mkdir(where, 0755);
    mount(type, where, type, 0, NULL);
}

static void open_console(void)
{
    int fd;

    if (fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0)
        return;
    fd = open(CONSOLE, O_RDWR | O_NOCTTY);
    if (fd < 0)
        return;
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static void set_hostname(void)
{
    char name[64] = "";
    int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;

    if (fd >= 0)
        close(fd);
    if (n > 0)
        sethostname(name, strcspn(name, " \t\r\n"));
}

static void set_environment(void)
{
    setenv("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
    setenv("HOME", "/root", 1);
    setenv("USER", "root", 1);
    setenv("LOGNAME", "root", 1);
    setenv("SHELL", "/bin/sh", 1);
    setenv("TERM", "vt102", 0); /* a serial line; the kernel's command line may know better */
}

/* What goes in comes out: no echo, no carriage returns added, no control characters but one: the end
   of what is piped into the run arrives as ^D, and must end a reader's file. So input is by lines. */
static void make_plain(void)
{
    struct termios t;

    if (tcgetattr(0, &t))
        return;
    cfmakeraw(&t);
    t.c_lflag |= ICANON;
    memset(t.c_cc, _POSIX_VDISABLE, sizeof t.c_cc);
    t.c_cc[VEOF] = 4;
    tcsetattr(0, TCSANOW, &t);
}

/* In the child: a session of its own, with the console as its terminal. */
static void run(char *const argv[], const char *program)
{
    setsid();
    ioctl(0, TIOCSCTTY, 1);
    sigprocmask(SIG_UNBLOCK, &news, NULL);
    execv(program, argv);
    fprintf(stderr, "init: %s: %s\n", program, strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static pid_t start(void)
{
    static char *const shell[] = {"-sh", NULL};
    static char *const commands[] = {"sh", RINGSIDE_CMD_FILE, NULL};
    bool batch = access(RINGSIDE_CMD_FILE, F_OK) == 0;
    pid_t pid;

    if (batch)
        make_plain();
    pid = fork();
    if (pid == 0) {
        if (!batch && chdir("/") < 0)
            _exit(126);
        run(batch ? commands : shell, "/bin/sh");
    }
    return pid;
}

/* A process of its own, since it may die of it: a hypervisor whose guests have no ports refuses them to
   whom its kernel has allowed them. */
static void off_by_ports(int status)
{
    pid_t child = fork();

    if (child == 0) {
        if (iopl(3) == 0 && inl(RINGSIDE_STATUS_PORT) == RINGSIDE_STATUS_MAGIC) {
            outl((unsigned)status, RINGSIDE_STATUS_PORT);
            outw(RINGSIDE_POWER_OFF, RINGSIDE_POWER_PORT);
        }
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

/* The kernel itself has the right to use ports under such a hypervisor, and lends it. */
static void tell_by_kernel(int status)
{
    unsigned char byte = 0;
    int fd;

    mknod("/dev/port", S_IFCHR | 0600, makedev(1, 4));
    fd = open("/dev/port", O_RDWR);
    if (fd < 0)
        return;
    if (pread(fd, &byte, 1, RINGSIDE_STATUS_PORT) == 1 && byte == (RINGSIDE_STATUS_MAGIC & 0xFF)) {
        byte = (unsigned char)status;
        if (pwrite(fd, &byte, 1, RINGSIDE_STATUS_PORT) != 1)
            perror("init: /dev/port");
    }
    close(fd);
}

/*
 * For kernels that are not ours. Ours ends the machine with its first process, and the process's
 * status is the run's. Linux panics instead, and without ACPI cannot switch a PC off. But it lets init
 * use ports, which ours does not: so where that works, and the machine knows the status port, init
 * does by itself what our kernel would have done. Under a hypervisor Linux can switch off.
 */
static void switch_off(int status)
{
    if (iopl(3))
        return;
    off_by_ports(status);
    tell_by_kernel(status);
    reboot(RB_POWER_OFF);
}

/* Everybody gets a moment to end in peace. */
static void stop_all(void)
{
    struct timespec moment = {.tv_nsec = 200 * 1000 * 1000};

    kill(-1, SIGCONT);
    kill(-1, SIGTERM);
    nanosleep(&moment, NULL);
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    sync();
    tcdrain(1);
}

static void end_by(int how)
{
    stop_all();
    if (how == RB_POWER_OFF)
        switch_off(0);
    reboot(how);
    _exit(1);
}

int main(void)
{
    pid_t child, pid;
    int status;

    open_console();
    sigemptyset(&news);
    sigaddset(&news, SIGCHLD);
    sigaddset(&news, SIGUSR1);
    sigaddset(&news, SIGUSR2);
    sigaddset(&news, SIGTERM);
    sigprocmask(SIG_BLOCK, &news, NULL);

    mount_if_missing("proc", "/proc", "/proc/self");
    mount_if_missing("devtmpfs", "/dev", "/dev/null");
    set_hostname();
    set_environment();

    child = start();
    if (child < 0) {
        fprintf(stderr, "init: fork: %s\n", strerror(errno));
        return 126;
    }
    for (;;) {
        switch (sigwaitinfo(&news, NULL)) {
        case SIGUSR1:
            end_by(RB_HALT_SYSTEM);
            break;
        case SIGUSR2:
            end_by(RB_POWER_OFF);
            break;
        case SIGTERM:
            end_by(RB_AUTOBOOT);
            break;
        default:
            break;
        }
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid != child)
                continue;
            tcdrain(1);
            status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            switch_off(status);
            return status;
        }
    }
}
