/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting: what wait4 and waitid report, whom they wait for, and what becomes of orphans. */
#include "check.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static pid_t child(int status)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(status);
    return pid;
}

static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void ends(void)
{
    pid_t pid = sleeper();
    int status = 77;

    check(waitpid(pid, &status, WNOHANG) == 0 && status == 77, "WNOHANG: nothing yet");
    kill(pid, SIGTERM);
    check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
          "killed by SIGTERM");
    errno = 0;
    check(waitpid(pid, &status, 0) == -1 && errno == ECHILD, "a child is collected once");
    errno = 0;
    check(waitpid(1, &status, 0) == -1 && errno == ECHILD, "others' children are not ours");
    errno = 0;
    check(syscall(SYS_wait4, -1, &status, 0x100, NULL) == -1 && errno == EINVAL,
          "unknown options: EINVAL");
    pid = child(300);
    check(wait_status(pid) == (300 & 255) << 8, "eight bits of status");
}

static void stops(void)
{
    pid_t pid = sleeper();
    int status;

    kill(pid, SIGSTOP);
    check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
              WSTOPSIG(status) == SIGSTOP,
          "WUNTRACED reports the stop");
    check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0, "once");
    kill(pid, SIGCONT);
    check(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status),
          "WCONTINUED reports the continuation");
    check(waitpid(pid, &status, WCONTINUED | WUNTRACED | WNOHANG) == 0, "once");
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    kill(pid, SIGTERM);
    check(waitpid(pid, &status, WNOHANG) == 0, "a stopped process does not die of SIGTERM");
    kill(pid, SIGCONT);
    check(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM, "before it goes on");
    pid = sleeper();
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    kill(pid, SIGKILL);
    check(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL, "but of SIGKILL at once");
}

static void waitids(void)
{
    pid_t pid = child(5);
    siginfo_t info = {0};

    check(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 && info.si_pid == pid &&
              info.si_code == CLD_EXITED && info.si_status == 5 && info.si_signo == SIGCHLD,
          "waitid tells how it ended");
    memset(&info, 0, sizeof info);
    check(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid == pid, "WNOWAIT left it there");
    errno = 0;
    check(waitid(P_ALL, 0, &info, WEXITED) == -1 && errno == ECHILD, "now it is gone");
    errno = 0;
    check(waitid(P_ALL, 0, &info, 0) == -1 && errno == EINVAL, "waitid for nothing: EINVAL");
    pid = sleeper();
    memset(&info, 0xff, sizeof info);
    check(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0,
          "no news are zeros");
    kill(pid, SIGKILL);
    check(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0 && info.si_code == CLD_KILLED &&
              info.si_status == SIGKILL,
          "CLD_KILLED and the signal");
}

static void groups(void)
{
    pid_t a = sleeper(), b = sleeper();
    int status;

    setpgid(a, a);
    setpgid(b, a);
    check(kill(-a, SIGTERM) == 0, "a signal to a group");
    check(waitpid(-a, &status, 0) > 0 && waitpid(-a, &status, 0) > 0, "and waiting for a group");
    errno = 0;
    check(waitpid(-a, &status, 0) == -1 && errno == ECHILD, "until it is empty");
}

static volatile int chld;

static void on_chld(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig == SIGCHLD && info->si_code == CLD_EXITED && info->si_status == 9)
        chld = info->si_pid;
}

static void notices(void)
{
    struct sigaction a = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART};
    pid_t pid;
    int status;

    sigaction(SIGCHLD, &a, NULL);
    pid = child(9);
    wait_status(pid);
    check(chld == pid, "SIGCHLD comes with pid and status");
    signal(SIGCHLD, SIG_IGN);
    pid = child(1);
    errno = 0;
    check(waitpid(pid, &status, 0) == -1 && errno == ECHILD,
          "SIGCHLD ignored: no zombie, and wait sleeps until all are gone");
    signal(SIGCHLD, SIG_DFL);
}

static void orphans(void)
{
    int p[2];
    pid_t parent, seen = 0;

    if (pipe(p))
        return;
    parent = fork();
    if (parent == 0) {
        if (fork() == 0) {
            while (getppid() != 1)
                sleep_ms(5);
            pid_t ppid = getppid();
            _exit(write(p[1], &ppid, sizeof ppid) != sizeof ppid);
        }
        _exit(0);
    }
    wait_status(parent);
    close(p[1]);
    check(read(p[0], &seen, sizeof seen) == sizeof seen && seen == 1, "orphans are init's");
    close(p[0]);
}

static void usage(void)
{
    struct rusage u, all;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        for (volatile int i = 0; i < 30000000; i++)
            ;
        _exit(0);
    }
    check(wait4(pid, &status, 0, &u) == pid && status == 0, "wait4 with rusage");
    getrusage(RUSAGE_CHILDREN, &all);
    check(u.ru_utime.tv_sec * 1000000L + u.ru_utime.tv_usec > 0 &&
              all.ru_utime.tv_sec >= u.ru_utime.tv_sec,
          "which tells what the child used");
}

static void death_signal(void)
{
    int p[2];
    char c;
    pid_t pid;

    if (pipe(p))
        return;
    pid = fork();
    if (pid == 0) {
        pid_t grandchild = fork();

        if (grandchild == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (write(p[1], "r", 1) != 1)
                _exit(1);
            for (;;)
                pause();
        }
        _exit(read(p[0], &c, 1) != 1);
    }
    close(p[1]);
    wait_status(pid);
    check(read(p[0], &c, 1) == 0, "PR_SET_PDEATHSIG: the child follows its parent");
    close(p[0]);
}

int main(void)
{
    ends();
    stops();
    waitids();
    groups();
    notices();
    orphans();
    usage();
    death_signal();
    return finish();
}
