/* SPDX-License-Identifier: GPL-2.0-only */
/* Job control, as a shell does it: groups, sessions, orphaned groups, and the terminal if there is
   one that the process controls. */
#include "check.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

static void groups(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    check(getpgid(pid) == getpgrp() && getsid(pid) == getsid(0),
          "a child is of its parent's group");
    check(setpgid(pid, 0) == 0 && getpgid(pid) == pid, "and may get one of its own");
    errno = 0;
    check(setpgid(pid, 31999) == -1 && errno == EPERM, "but not one that does not exist");
    errno = 0;
    check(setpgid(1, 0) == -1 && errno == ESRCH, "other people's children are out of reach");
    errno = 0;
    check(setpgid(0, -5) == -1 && errno == EINVAL, "nor are there negative groups");
    kill(pid, SIGKILL);
    wait_status(pid);
}

static void sessions(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        bool ok = setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid();

        ok &= setsid() == -1 && errno == EPERM;
        ok &= setpgid(0, 0) == -1 && errno == EPERM;
        ok &= open("/dev/tty", O_RDWR) == -1 && errno == ENXIO;
        _exit(ok ? 0 : 1);
    }
    check(wait_status(pid) == 0, "setsid: a session, a group, no terminal, and no way back");
}

static void after_exec(void)
{
    char *argv[] = {"sleep", "5", NULL}, *envp[] = {NULL};
    pid_t pid = fork();

    if (pid == 0) {
        execve("/bin/sleep", argv, envp);
        _exit(1);
    }
    sleep_ms(60);
    errno = 0;
    check(setpgid(pid, pid) == -1 && errno == EACCES,
          "after execve a child keeps its group: EACCES");
    kill(pid, SIGKILL);
    wait_status(pid);
}

/* A stopped group that loses its last tie to the session is hung up and continued. */
static void orphaned(void)
{
    int p[2];
    char word[8] = "";
    pid_t pid;

    if (pipe(p))
        return;
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        pid_t job = fork();

        if (job == 0) {
            setpgid(0, 0);
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGHUP);
            sigprocmask(SIG_BLOCK, &set, NULL);
            raise(SIGSTOP);
            int sig = sigwaitinfo(&set, NULL);
            _exit(write(p[1], sig == SIGHUP ? "hup" : "no", 3) != 3);
        }
        int status;
        waitpid(job, &status, WUNTRACED);
        _exit(WIFSTOPPED(status) ? 0 : 1);
    }
    check(wait_status(pid) == 0, "a job stops");
    close(p[1]);
    check(read(p[0], word, 3) == 3 && !strcmp(word, "hup"),
          "its shell ends: it is continued, with SIGHUP");
    close(p[0]);
}

static void orphans_do_not_stop(void)
{
    int p[2];
    char c = 0;
    pid_t pid;

    if (pipe(p))
        return;
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            while (getppid() != 1)
                sleep_ms(5);
            setpgid(0, 0); /* init is of another session: nobody could continue this group */
            raise(SIGTSTP);
            _exit(write(p[1], "x", 1) != 1);
        }
        _exit(0);
    }
    wait_status(pid);
    close(p[1]);
    check(read(p[0], &c, 1) == 1, "SIGTSTP does not stop an orphaned group");
    close(p[0]);
}

static void terminal(void)
{
    int tty = open("/dev/tty", O_RDWR), status;
    pid_t pid, shell = getpgrp();

    if (tty < 0) { /* run where nobody types: nothing to control */
        check(errno == ENXIO, "no controlling terminal");
        return;
    }
    signal(SIGTTOU, SIG_IGN);
    check(tcsetpgrp(tty, shell) == 0 && tcgetpgrp(tty) == shell, "the foreground is ours");
    pid = fork();
    if (pid == 0) {
        char c;

        signal(SIGTTOU, SIG_DFL);
        setpgid(0, 0);
        _exit(read(tty, &c, 1) == 1 ? 1 : 2);
    }
    setpgid(pid, pid);
    check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
              WSTOPSIG(status) == SIGTTIN,
          "a background job that reads is stopped by SIGTTIN");
    kill(pid, SIGKILL);
    wait_status(pid);

    pid = fork();
    if (pid == 0) {
        struct termios t;

        signal(SIGTTOU, SIG_DFL);
        setpgid(0, 0);
        tcgetattr(tty, &t);
        tcsetattr(tty, TCSANOW, &t);
        _exit(0);
    }
    setpgid(pid, pid);
    check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
              WSTOPSIG(status) == SIGTTOU,
          "and one that changes the terminal by SIGTTOU");
    check(tcsetpgrp(tty, pid) == 0, "given the foreground");
    kill(pid, SIGCONT);
    check(waitpid(pid, &status, 0) == pid && status == 0, "and continued, it may");
    check(tcsetpgrp(tty, shell) == 0, "and the foreground comes back");
    close(tty);
}

int main(void)
{
    groups();
    sessions();
    after_exec();
    orphaned();
    orphans_do_not_stop();
    terminal();
    return finish();
}
