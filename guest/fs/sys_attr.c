/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls on what an inode says about itself: mode, owner, times, and who may do what. */
#include "../kernel/syscall.h"
#include "vfs.h"

/* The inode of a path or of a descriptor, for the calls that come in both forms. */
static struct inode *inode_of_fd(int fd)
{
    struct file *f = fd_get(fd);

    if (!f)
        return ERR_PTR(-EBADF);
    struct inode *i = inode_get(f->inode);
    file_put(f);
    return i;
}

static struct inode *inode_of_path(int dirfd, uint32_t path, uint32_t flags)
{
    return lookup_user(dirfd, (const char __user *)path,
                       flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, flags);
}

static int may_change(const struct inode *i)
{
    if (i->super->flags & MS_RDONLY)
        return -EROFS;
    return inode_is_owner(i) ? 0 : -EPERM;
}

/* ---- mode ---- */

/* Consumes the inode, which may be an error. */
static long change_mode(struct inode *i, mode_t mode)
{
    if (IS_ERR(i))
        return PTR_ERR(i);
    long err = S_ISLNK(i->mode) ? -EOPNOTSUPP : may_change(i);
    if (!err) {
        i->mode = (i->mode & S_IFMT) | (mode & 07777);
        i->ctime_ns = clock_realtime_ns();
    }
    inode_put(i);
    return err;
}

DEFINE_SYSCALL(chmod)
{
    return change_mode(inode_of_path(AT_FDCWD, a, 0), b);
}

DEFINE_SYSCALL(fchmod)
{
    return change_mode(inode_of_fd(a), b);
}

DEFINE_SYSCALL(fchmodat)
{
    return change_mode(inode_of_path(a, b, 0), c);
}

/* ---- owner ---- */

/* An id of -1 is "leave it". The 16-bit calls spell that 0xffff. */
static uint32_t widen(uint32_t id)
{
    return (uint16_t)id == 0xffff ? UINT32_MAX : (uint16_t)id;
}

static long change_owner(struct inode *i, uint32_t uid, uint32_t gid)
{
    if (IS_ERR(i))
        return PTR_ERR(i);
    long err = may_change(i);
    bool to_other = uid != UINT32_MAX && uid != i->uid;
    bool to_group = gid != UINT32_MAX && gid != i->gid && gid != current->fsgid;
    if (!err && current->fsuid != 0 && (to_other || to_group))
        err = -EPERM;
    if (!err) {
        if (uid != UINT32_MAX)
            i->uid = uid;
        if (gid != UINT32_MAX)
            i->gid = gid;
        if (!S_ISDIR(i->mode)) /* a new owner must not inherit the power of the old one */
            i->mode &= ~(mode_t)(04000 | (i->mode & 010 ? 02000 : 0));
        i->ctime_ns = clock_realtime_ns();
    }
    inode_put(i);
    return err;
}

DEFINE_SYSCALL(chown)
{
    return change_owner(inode_of_path(AT_FDCWD, a, 0), widen(b), widen(c));
}

DEFINE_SYSCALL(lchown)
{
    return change_owner(inode_of_path(AT_FDCWD, a, AT_SYMLINK_NOFOLLOW), widen(b), widen(c));
}

DEFINE_SYSCALL(fchown)
{
    return change_owner(inode_of_fd(a), widen(b), widen(c));
}

DEFINE_SYSCALL(chown32)
{
    return change_owner(inode_of_path(AT_FDCWD, a, 0), b, c);
}

DEFINE_SYSCALL(lchown32)
{
    return change_owner(inode_of_path(AT_FDCWD, a, AT_SYMLINK_NOFOLLOW), b, c);
}

DEFINE_SYSCALL(fchown32)
{
    return change_owner(inode_of_fd(a), b, c);
}

DEFINE_SYSCALL(fchownat)
{
    if (e & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_owner(inode_of_path(a, b, e), c, d);
}

/* ---- permission, asked without doing ---- */

static long do_access(int dirfd, uint32_t path, uint32_t may, uint32_t flags)
{
    if (may & ~7u || (flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        return -EINVAL;
    struct inode *i = inode_of_path(dirfd, path, flags);
    if (IS_ERR(i))
        return PTR_ERR(i);
    bool effective = flags & AT_EACCESS;
    long r = !may ? 0
                  : inode_permission_as(i, may, effective ? current->fsuid : current->uid,
                                        effective ? current->fsgid : current->gid);
    inode_put(i);
    return r;
}

DEFINE_SYSCALL(access)
{
    return do_access(AT_FDCWD, a, b, 0);
}

DEFINE_SYSCALL(faccessat)
{
    return do_access(a, b, c, 0);
}

DEFINE_SYSCALL(faccessat2)
{
    return do_access(a, b, c, d);
}

/* ---- times ---- */

#define NSEC_PER_SEC 1000000000ull
enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };

struct moment {
    int64_t sec;
    uint32_t nsec; /* or UTIME_NOW, UTIME_OMIT */
};

static int moment_to_ns(const struct moment *m, uint64_t *ns)
{
    if (m->nsec == UTIME_OMIT)
        return 0;
    if (m->nsec == UTIME_NOW) {
        *ns = clock_realtime_ns();
        return 0;
    }
    if (m->nsec >= NSEC_PER_SEC)
        return -EINVAL;
    /* Times are unsigned ns since 1970 here: what is earlier is 1970, what is later is 2554. */
    uint64_t sec = m->sec < 0 ? 0 : MIN((uint64_t)m->sec, UINT64_MAX / NSEC_PER_SEC - 1);
    *ns = sec * NSEC_PER_SEC + m->nsec;
    return 0;
}

/* times: access, modification; NULL is now, and then writers may do it too. Consumes the inode. */
static long change_times(struct inode *i, const struct moment *times)
{
    static const struct moment now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

    if (IS_ERR(i))
        return PTR_ERR(i);
    bool just_now = !times || (times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW);
    uint64_t atime = i->atime_ns, mtime = i->mtime_ns;
    long err = may_change(i);
    if (err == -EPERM)
        err = just_now ? inode_permission(i, MAY_WRITE) : -EPERM;
    if (!times)
        times = now;
    if (!err)
        err = moment_to_ns(&times[0], &atime);
    if (!err)
        err = moment_to_ns(&times[1], &mtime);
    if (!err) {
        i->atime_ns = atime;
        i->mtime_ns = mtime;
        i->ctime_ns = clock_realtime_ns();
    }
    inode_put(i);
    return err;
}

DEFINE_SYSCALL(utime)
{
    struct {
        int32_t access, modification;
    } t;
    struct moment m[2];

    if (!b)
        return change_times(inode_of_path(AT_FDCWD, a, 0), NULL);
    if (get_user(t, (const char __user *)b))
        return -EFAULT;
    m[0] = (struct moment){t.access, 0};
    m[1] = (struct moment){t.modification, 0};
    return change_times(inode_of_path(AT_FDCWD, a, 0), m);
}

/* utimes and futimesat speak microseconds. */
static long do_utimes(int dirfd, uint32_t path, uint32_t times)
{
    struct {
        int32_t sec;
        uint32_t usec;
    } t[2];
    struct moment m[2];

    if (!times)
        return change_times(inode_of_path(dirfd, path, 0), NULL);
    if (get_user(t, (const char __user *)times))
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (t[i].usec >= 1000000)
            return -EINVAL;
        m[i] = (struct moment){t[i].sec, t[i].usec * 1000};
    }
    return change_times(
        path || dirfd == AT_FDCWD ? inode_of_path(dirfd, path, 0) : inode_of_fd(dirfd), m);
}

DEFINE_SYSCALL(utimes)
{
    return do_utimes(AT_FDCWD, a, b);
}

DEFINE_SYSCALL(futimesat)
{
    return do_utimes(a, b, c);
}

/* A NULL path means the descriptor itself: how C libraries make futimens. */
static long do_utimensat(int dirfd, uint32_t path, const struct moment *m, uint32_t flags)
{
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!path && dirfd != AT_FDCWD)
        return change_times(inode_of_fd(dirfd), m);
    return change_times(inode_of_path(dirfd, path, flags), m);
}

DEFINE_SYSCALL(utimensat)
{
    struct {
        int32_t sec;
        uint32_t nsec;
    } t[2];
    struct moment m[2];

    if (!c)
        return do_utimensat(a, b, NULL, d);
    if (get_user(t, (const char __user *)c))
        return -EFAULT;
    for (int i = 0; i < 2; i++)
        m[i] = (struct moment){t[i].sec, t[i].nsec};
    return do_utimensat(a, b, m, d);
}

DEFINE_SYSCALL(utimensat_time64)
{
    struct {
        int64_t sec;
        uint32_t nsec, pad;
    } t[2];
    struct moment m[2];

    if (!c)
        return do_utimensat(a, b, NULL, d);
    if (get_user(t, (const char __user *)c))
        return -EFAULT;
    for (int i = 0; i < 2; i++)
        m[i] = (struct moment){t[i].sec, t[i].nsec};
    return do_utimensat(a, b, m, d);
}
