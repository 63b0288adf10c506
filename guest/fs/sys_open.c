/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls on descriptors: open, close, dup and fcntl. */
#include "../kernel/syscall.h"
#include "locks.h"
#include "vfs.h"

static long do_open(int dirfd, uint32_t path, uint32_t flags, mode_t mode)
{
    char *p = path_from_user((const char __user *)path);

    if (IS_ERR(p))
        return PTR_ERR(p);
    struct file *f = file_open_at(dirfd, p, flags, mode);
    kfree(p);
    if (IS_ERR(f))
        return PTR_ERR(f);
    return fd_install(f, 0, flags & O_CLOEXEC);
}

DEFINE_SYSCALL(open)
{
    return do_open(AT_FDCWD, a, b, c);
}

DEFINE_SYSCALL(openat)
{
    return do_open(a, b, c, d);
}

DEFINE_SYSCALL(creat)
{
    return do_open(AT_FDCWD, a, O_CREAT | O_WRONLY | O_TRUNC, b);
}

DEFINE_SYSCALL(close)
{
    return fd_close(a);
}

DEFINE_SYSCALL(close_range)
{
    enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };

    if (a > b || (c & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
        return -EINVAL;
    if ((c & CLOSE_RANGE_UNSHARE) && current->files->refs > 1) {
        struct files *own = files_fork(current->files);
        if (!own)
            return -ENOMEM;
        files_put(current->files);
        current->files = own;
    }
    for (uint32_t fd = a; fd <= b && fd < current->files->size; fd++) {
        if (c & CLOSE_RANGE_CLOEXEC)
            current->files->cloexec[fd] = current->files->fd[fd] != NULL;
        else
            fd_close(fd);
    }
    return 0;
}

DEFINE_SYSCALL(dup)
{
    struct file *file = fd_get(a);

    return file ? fd_install(file, 0, false) : -EBADF;
}

static long dup_to(int from, int to, bool cloexec)
{
    struct file *f = fd_get(from);

    return f ? fd_replace(to, f, cloexec) : -EBADF;
}

DEFINE_SYSCALL(dup2)
{
    if (a == b) {
        struct file *file = fd_get(a);
        if (!file)
            return -EBADF;
        file_put(file);
        return a;
    }
    return dup_to(a, b, false);
}

DEFINE_SYSCALL(dup3)
{
    if (a == b || (c & ~(uint32_t)O_CLOEXEC))
        return -EINVAL;
    return dup_to(a, b, c & O_CLOEXEC);
}

enum {
    F_DUPFD = 0,
    F_GETFD = 1,
    F_SETFD = 2,
    F_GETFL = 3,
    F_SETFL = 4,
    F_GETLK = 5,
    F_SETLK = 6,
    F_SETLKW = 7,
    F_SETOWN = 8,
    F_GETOWN = 9,
    F_GETLK64 = 12,
    F_SETLK64 = 13,
    F_SETLKW64 = 14,
    F_DUPFD_CLOEXEC = 1030,
    F_SETPIPE_SZ = 1031,
    F_GETPIPE_SZ = 1032,
};
#define FD_CLOEXEC 1

/* The flags that fcntl may change on an open file. */
#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT | O_ASYNC)

struct flock32 {
    int16_t type, whence;
    int32_t start, len;
    pid_t pid;
};

struct flock64 {
    int16_t type, whence;
    int64_t start, len;
    pid_t pid;
} __packed;

static long lock_call(struct file *f, uint32_t cmd, uint32_t arg)
{
    bool wide = cmd >= F_GETLK64;
    uint32_t op = wide ? cmd - F_GETLK64 + F_GETLK : cmd;
    struct flock32 narrow = {0};
    struct flock64 l = {0};

    if (wide ? get_user(l, (struct flock64 __user *)arg)
             : get_user(narrow, (struct flock32 __user *)arg))
        return -EFAULT;
    if (!wide)
        l = (struct flock64){narrow.type, narrow.whence, narrow.start, narrow.len, 0};

    struct lock_request r = {.type = l.type, .whence = l.whence, .start = l.start, .len = l.len};
    if (op != F_GETLK)
        return locks_posix_set(f, &r, op == F_SETLKW);
    long err = locks_posix_test(f, &r);
    if (err)
        return err;
    l = (struct flock64){r.type, r.whence, r.start, r.len, r.pid};
    narrow = (struct flock32){l.type, l.whence, l.start, l.len, l.pid};
    if (!wide && (narrow.start != l.start || narrow.len != l.len))
        return -EOVERFLOW;
    return wide ? put_user(l, (struct flock64 __user *)arg)
                : put_user(narrow, (struct flock32 __user *)arg);
}

static long do_fcntl(struct file *f, int fd, uint32_t cmd, uint32_t arg)
{
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (arg >= MIN(rlimit(current, RLIMIT_NOFILE), FD_MAX))
            return -EINVAL;
        file_get(f);
        return fd_install(f, arg, cmd == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return current->files->cloexec[fd] ? FD_CLOEXEC : 0;
    case F_SETFD:
        current->files->cloexec[fd] = arg & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        f->flags = (f->flags & ~(uint32_t)SETFL_MASK) | (arg & SETFL_MASK);
        return 0;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK64:
    case F_SETLK64:
    case F_SETLKW64:
        return lock_call(f, cmd, arg);
    case F_GETPIPE_SZ:
        return S_ISFIFO(f->inode->mode) ? (long)pipe_capacity() : -EBADF;
    }
    return -EINVAL; /* owners and signals of asynchronous I/O, leases, seals: not here */
}

DEFINE_SYSCALL(fcntl64)
{
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    bool place_only = file->flags & O_PATH;
    long r = -EBADF;
    if (!place_only || b == F_DUPFD || b == F_DUPFD_CLOEXEC || b == F_GETFD || b == F_SETFD ||
        b == F_GETFL)
        r = do_fcntl(file, a, b, c);
    file_put(file);
    return r;
}

DEFINE_SYSCALL(fcntl)
{
    return b >= F_GETLK64 && b <= F_SETLKW64 ? -EINVAL : sys_fcntl64(a, b, c, d, e, f);
}

DEFINE_SYSCALL(flock)
{
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    long r = locks_flock(file, b);
    file_put(file);
    return r;
}
