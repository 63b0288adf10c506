/* SPDX-License-Identifier: GPL-2.0-only */
/* Files and names: what open, read, write, link, rename and their kin do, and what they refuse.
   Everything happens in a directory of its own under /tmp. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static char buf[200000];
static struct stat st;

/* The call failed, and with this error. */
#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static void make(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "a file to work on");
    close(fd);
}

static void opening(void)
{
    char long_name[300];

    memset(long_name, 'n', sizeof long_name);
    long_name[299] = 0;
    check(FAILS(open("none", O_RDONLY), ENOENT), "open: nothing there");
    check(FAILS(open("none/x", O_CREAT | O_RDWR, 0644), ENOENT), "open: no directory there");
    check(FAILS(open("", O_RDONLY), ENOENT), "open: the empty path");
    check(FAILS(open(long_name, O_RDONLY), ENAMETOOLONG), "open: a name of 299 bytes");
    long_name[255] = 0;
    int fd = open(long_name, O_CREAT | O_RDWR, 0644);
    check(fd >= 0 && unlink(long_name) == 0, "open: a name of 255 bytes");
    close(fd);
    check(FAILS(open(".", O_RDWR), EISDIR), "open: directories are not written");
    make("x", "hello world");
    check(FAILS(open("x", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST), "open: O_EXCL");
    check(FAILS(open("x/y", O_RDONLY), ENOTDIR), "open: a file is no directory");
    check(FAILS(open("x/", O_RDONLY), ENOTDIR), "open: nor with a slash behind it");
    check(FAILS(open("x", O_RDONLY | O_DIRECTORY), ENOTDIR), "open: O_DIRECTORY");
    check(FAILS(open((char *)16, O_RDONLY), EFAULT), "open: a path nowhere");
}

static void bytes(void)
{
    int fd = open("x", O_RDWR);

    check(pread(fd, buf, 5, 6) == 5 && memcmp(buf, "world", 5) == 0, "pread");
    check(FAILS(pread(fd, buf, 5, -1), EINVAL), "pread before the beginning");
    check(FAILS(lseek(fd, -1, SEEK_SET), EINVAL), "lseek before the beginning");
    check(lseek(fd, 100, SEEK_END) == 111 && write(fd, "z", 1) == 1, "a write past the end");
    check(fstat(fd, &st) == 0 && st.st_size == 112, "grows the file");
    check(pread(fd, buf, 200, 11) == 101 && buf[0] == 0 && buf[99] == 0 && buf[100] == 'z',
          "and leaves zeros between");
    check(ftruncate(fd, 3) == 0 && ftruncate(fd, 10) == 0 && pread(fd, buf, 20, 0) == 10 &&
              memcmp(buf, "hel\0\0\0\0\0\0", 10) == 0,
          "what was cut off does not come back");
    check(pwrite(fd, "q", 1, 1ll << 33) == 1 && fstat(fd, &st) == 0 &&
              st.st_size == (1ll << 33) + 1 && st.st_blocks <= 16,
          "8 GiB with one page behind them");
    check(ftruncate(fd, 0) == 0, "and nothing again");
    check(FAILS(write(fd, (void *)16, 10), EFAULT) && fstat(fd, &st) == 0 && st.st_size == 0,
          "a write from nowhere changes nothing");
    check(FAILS(write(99, "x", 1), EBADF) && FAILS(read(99, buf, 1), EBADF), "no such descriptor");
    close(fd);

    fd = open("x", O_WRONLY | O_APPEND);
    check(FAILS(read(fd, buf, 1), EBADF), "write-only");
    check(write(fd, "abc", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "def", 3) == 3 &&
              lseek(fd, 0, SEEK_CUR) == 6,
          "O_APPEND");
    close(fd);

    struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    fd = open("x", O_RDWR);
    check(writev(fd, v, 3) == 5 && pread(fd, buf, 10, 0) == 6 && memcmp(buf, "abcdef", 6) == 0,
          "writev");
    check(FAILS(writev(fd, v, 2000), EINVAL), "a vector too long");
    close(fd);
}

static void names(void)
{
    check(link("x", "y") == 0 && stat("y", &st) == 0 && st.st_nlink == 2, "link");
    check(FAILS(link(".", "z"), EPERM), "link: no directories");
    check(symlink("x", "s") == 0 && lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 1,
          "symlink");
    check(readlink("s", buf, sizeof buf) == 1 && buf[0] == 'x', "readlink");
    check(FAILS(open("s", O_RDONLY | O_NOFOLLOW), ELOOP), "O_NOFOLLOW");
    check(FAILS(open("s", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST), "O_EXCL does not follow");
    check(symlink("made", "dangling") == 0, "a dangling link");
    int fd = open("dangling", O_CREAT | O_RDWR, 0644);
    check(fd >= 0 && stat("made", &st) == 0, "is followed by O_CREAT");
    close(fd);
    check(symlink("b", "a") == 0 && symlink("a", "b") == 0 && FAILS(stat("a", &st), ELOOP),
          "a loop of links");

    check(mkdir("m", 0777) == 0 && FAILS(mkdir("m", 0777), EEXIST), "mkdir");
    check(mkdir("n/", 0777) == 0, "mkdir: with a slash");
    check(FAILS(mkdir("x/p", 0777), ENOTDIR) && FAILS(mkdir("o/p", 0777), ENOENT), "mkdir: where");
    check(FAILS(unlink("m"), EISDIR) && FAILS(rmdir("x"), ENOTDIR), "unlink and rmdir differ");
    check(FAILS(rmdir("."), EINVAL) && FAILS(rmdir(".."), ENOTEMPTY), "rmdir: dots");
    check(mkdir("m/a", 0777) == 0 && FAILS(rmdir("m"), ENOTEMPTY), "rmdir: not empty");
    check(stat("m", &st) == 0 && st.st_nlink == 3, "a directory counts those in it");
    check(symlink("m", "sm") == 0 && FAILS(rmdir("sm"), ENOTDIR), "rmdir: not through a link");

    check(FAILS(rename("none", "q"), ENOENT), "rename: nothing");
    check(FAILS(rename("x", "m"), EISDIR) && FAILS(rename("m", "x"), ENOTDIR), "rename: kinds");
    check(FAILS(rename("m", "m/a/z"), EINVAL), "rename: not into itself");
    check(FAILS(rename("n", "m"), ENOTEMPTY), "rename: not over a full directory");
    check(rename("x", "y") == 0 && stat("x", &st) == 0, "rename: two names of one file");
    check(rename("m/a", "n") == 0 && stat("m", &st) == 0 && st.st_nlink == 2, "rename: over");
    check(FAILS(rename("m/.", "k"), EBUSY), "rename: dots");
    make("over", "old");
    make("new", "new");
    fd = open("over", O_RDONLY);
    check(rename("new", "over") == 0 && read(fd, buf, 10) == 3 && memcmp(buf, "old", 3) == 0,
          "rename: who has the old file open keeps it");
    close(fd);
    check(FAILS(link("x", "/dev/x"), EXDEV) && FAILS(rename("x", "/dev/x"), EXDEV),
          "nothing crosses file systems");
}

static void removal_while_listing(void)
{
    struct dirent *e;
    int made = 0, removed = 0;

    for (int i = 0; i < 500; i++) {
        snprintf(buf, sizeof buf, "m/f%d", i);
        int fd = open(buf, O_CREAT | O_WRONLY, 0644);
        made += fd >= 0;
        close(fd);
    }
    DIR *d = opendir("m");
    while ((e = readdir(d))) {
        if (e->d_name[0] != 'f')
            continue;
        snprintf(buf, sizeof buf, "m/%s", e->d_name);
        removed += unlink(buf) == 0;
    }
    closedir(d);
    check(made == 500 && removed == 500, "every entry seen once while they are removed");
    int fd = open("m", O_RDONLY);
    check(FAILS(syscall(SYS_getdents64, fd, buf, 10), EINVAL), "getdents: no room for one");
    check(rmdir("m") == 0 && syscall(SYS_getdents64, fd, buf, 1000) <= 0, "a removed directory");
    close(fd);
}

static void attributes(void)
{
    struct timespec t[2] = {{100, 5}, {200, 7}};

    check(chmod("x", 04751) == 0 && stat("x", &st) == 0 && (st.st_mode & 07777) == 04751, "chmod");
    check(chown("x", 1, 2) == 0 && stat("x", &st) == 0 && st.st_uid == 1 && st.st_gid == 2 &&
              (st.st_mode & 07777) == 0751,
          "chown takes the set-user bit away");
    check(utimensat(AT_FDCWD, "x", t, 0) == 0 && stat("x", &st) == 0 && st.st_atim.tv_sec == 100 &&
              st.st_mtim.tv_sec == 200 && st.st_mtim.tv_nsec == 7,
          "utimensat");
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_nsec = 1000000000;
    check(FAILS(utimensat(AT_FDCWD, "x", t, 0), EINVAL), "utimensat: no such nanosecond");
    mode_t old = umask(077);
    make("private", "");
    umask(old);
    check(stat("private", &st) == 0 && (st.st_mode & 0777) == 0600, "umask");

    pid_t child = fork();
    if (child == 0) { /* an ordinary user, before closed doors */
        if (setgid(5) || setuid(5))
            _exit(9);
        bool refused = FAILS(open("private", O_RDONLY), EACCES) &&
                       FAILS(chmod("private", 0777), EPERM) && FAILS(unlink("private"), EACCES) &&
                       FAILS(chown("x", 5, 5), EPERM) && access("private", R_OK) == -1;
        _exit(refused ? 0 : 1);
    }
    check(wait_status(child) == 0, "an ordinary user is refused");
}

static void descriptors(void)
{
    int fd = open("x", O_RDWR);

    check(dup2(fd, 50) == 50 && dup2(50, 50) == 50 && FAILS(dup2(99, 99), EBADF), "dup2");
    check(FAILS(dup2(fd, -1), EBADF) && FAILS(dup2(fd, 1000000), EBADF), "dup2: numbers");
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 60);
    check(high == 60 && fcntl(60, F_GETFD) == FD_CLOEXEC && fcntl(50, F_GETFD) == 0,
          "close-on-exec belongs to the descriptor");
    check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && (fcntl(50, F_GETFL) & O_NONBLOCK),
          "O_NONBLOCK to the open file");
    check(close(50) == 0 && FAILS(close(50), EBADF), "close");
    close(60);
    close(fd);
    fd = open("x", O_PATH);
    check(fd >= 0 && FAILS(read(fd, buf, 1), EBADF) && fstat(fd, &st) == 0, "O_PATH");
    close(fd);
}

static void copies(void)
{
    int in = open("src", O_CREAT | O_RDWR | O_TRUNC, 0644);
    int out = open("dst", O_CREAT | O_RDWR | O_TRUNC, 0644);
    off_t at = 10;

    for (int i = 0; i < 100000; i++)
        buf[i] = i * 7 % 251;
    check(write(in, buf, 100000) == 100000, "a large write");
    check(sendfile(out, in, &at, 50000) == 50000 && at == 50010, "sendfile from an offset");
    check(pread(out, buf + 100000, 50000, 0) == 50000 && memcmp(buf + 100000, buf + 10, 50000) == 0,
          "copies what is there");
    check(lseek(in, 0, SEEK_SET) == 0 && sendfile(out, in, NULL, 1 << 20) == 100000 &&
              lseek(in, 0, SEEK_CUR) == 100000,
          "sendfile to the end");

    char *map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
    map[5000] = 'M';
    check(pread(out, buf, 1, 5000) == 1 && buf[0] == 'M', "a shared mapping is the file");
    check(pwrite(out, "W", 1, 6000) == 1 && map[6000] == 'W', "both ways");
    char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, out, 0);
    own[0] = map[0] + 1;
    check(own[0] != map[0], "a private mapping is not");
    munmap(map, 12288);
    munmap(own, 4096);
    close(in);
    close(out);
}

static void locks(void)
{
    int a = open("x", O_RDWR), b = open("x", O_RDWR);

    check(flock(a, LOCK_EX) == 0 && FAILS(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK), "flock");
    check(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0, "flock: shared");
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
    check(fcntl(a, F_SETLK, &l) == 0, "a record lock");
    pid_t child = fork();
    if (child == 0) {
        struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        bool seen = FAILS(fcntl(b, F_SETLK, &mine), EAGAIN) && fcntl(b, F_GETLK, &mine) == 0 &&
                    mine.l_type == F_WRLCK && mine.l_start == 10 && mine.l_len == 20 &&
                    mine.l_pid == getppid();
        mine = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 10};
        seen = seen && fcntl(b, F_SETLK, &mine) == 0;
        mine = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
        seen = seen && fcntl(b, F_SETLKW, &mine) == 0; /* until the parent closes the file */
        _exit(seen ? 0 : 1);
    }
    sleep_ms(50);
    close(open("x", O_RDONLY)); /* any close of the file gives the process's locks up */
    check(wait_status(child) == 0, "another process sees it and waits for it");
    close(a);
    close(b);
}

static void places(void)
{
    check(mkdir("deep", 0755) == 0 && chdir("deep") == 0 && getcwd(buf, sizeof buf) &&
              strcmp(strrchr(buf, '/'), "/deep") == 0,
          "getcwd");
    check(FAILS(syscall(SYS_getcwd, buf, 2), ERANGE), "getcwd: no room");
    check(rename("../deep", "../moved") == 0 && getcwd(buf, sizeof buf) &&
              strcmp(strrchr(buf, '/'), "/moved") == 0,
          "a directory that moves takes us along");
    check(rmdir("../moved") == 0 && !getcwd(buf, sizeof buf) && errno == ENOENT, "one that goes");
    check(FAILS(open("new", O_CREAT | O_RDWR, 0644), ENOENT), "takes no more files");
    check(chdir("..") == 0 && stat("x", &st) == 0, "but still leads out");
}

int main(void)
{
    char dir[] = "/tmp/t-files-XXXXXX";

    umask(022);
    if (!mkdtemp(dir) || chdir(dir)) {
        perror(dir);
        return 2;
    }
    chmod(dir, 0755);
    opening();
    bytes();
    names();
    removal_while_listing();
    attributes();
    descriptors();
    copies();
    locks();
    places();
    return finish();
}
