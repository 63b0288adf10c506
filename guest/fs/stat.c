/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stat in its four generations. All fill struct kstat first; then each lays it out as its time
 * thought right: 1992's 32-bit sizes, stat64's wide ones, statx's everything. statfs likewise.
 */
#include "../kernel/syscall.h"
#include "vfs.h"

#define NSEC_PER_SEC 1000000000u

struct kstat {
    uint32_t dev, ino, mode, nlink, uid, gid, rdev;
    uint64_t size, blocks; /* of 512 bytes */
    struct moment {
        uint32_t sec, nsec;
    } atime, mtime, ctime;
};

static struct moment moment(uint64_t ns)
{
    return (struct moment){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

/* Consumes the inode, which may be an error. */
static long fill_kstat(struct inode *i, struct kstat *k)
{
    if (IS_ERR(i))
        return PTR_ERR(i);
    if (i->ops->getattr)
        i->ops->getattr(i);
    *k = (struct kstat){
        .dev = i->super->dev,
        .ino = i->ino,
        .mode = i->mode,
        .nlink = i->nlink,
        .uid = i->uid,
        .gid = i->gid,
        .rdev = i->rdev,
        .size = i->size,
        .blocks = (uint64_t)i->pages * (PAGE_SIZE / 512),
        .atime = moment(i->atime_ns),
        .mtime = moment(i->mtime_ns),
        .ctime = moment(i->ctime_ns),
    };
    inode_put(i);
    return 0;
}

static long kstat_path(int dirfd, uint32_t path, uint32_t flags, struct kstat *k)
{
    return fill_kstat(lookup_user(dirfd, (const char __user *)path,
                                  flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, flags),
                      k);
}

static long kstat_fd(int fd, struct kstat *k)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    struct inode *i = inode_get(f->inode);
    file_put(f);
    return fill_kstat(i, k);
}

/* ---- struct stat, 106..108 ---- */

struct stat32 {
    uint32_t dev, ino;
    uint16_t mode, nlink, uid, gid;
    uint32_t rdev, size, blksize, blocks;
    struct moment atime, mtime, ctime;
    uint32_t unused[2];
};
_Static_assert(sizeof(struct stat32) == 64, "struct stat of i386");

static uint16_t narrow_id(uint32_t id)
{
    return id > 0xffff ? 0xfffe : id; /* the overflow id */
}

static long put_stat32(long err, const struct kstat *k, uint32_t to)
{
    if (err)
        return err;
    if (k->size > INT32_MAX)
        return -EOVERFLOW;
    struct stat32 s = {
        .dev = k->dev,
        .ino = k->ino,
        .mode = k->mode,
        .nlink = k->nlink,
        .uid = narrow_id(k->uid),
        .gid = narrow_id(k->gid),
        .rdev = k->rdev,
        .size = k->size,
        .blksize = PAGE_SIZE,
        .blocks = k->blocks,
        .atime = k->atime,
        .mtime = k->mtime,
        .ctime = k->ctime,
    };
    return put_user(s, (struct stat32 __user *)to);
}

DEFINE_SYSCALL(stat)
{
    struct kstat k;

    return put_stat32(kstat_path(AT_FDCWD, a, 0, &k), &k, b);
}

DEFINE_SYSCALL(lstat)
{
    struct kstat k;

    return put_stat32(kstat_path(AT_FDCWD, a, AT_SYMLINK_NOFOLLOW, &k), &k, b);
}

DEFINE_SYSCALL(fstat)
{
    struct kstat k;

    return put_stat32(kstat_fd(a, &k), &k, b);
}

/* ---- struct stat64, 195..197 and 300 ---- */

struct stat64 {
    uint64_t dev;
    uint32_t pad0, short_ino, mode, nlink, uid, gid;
    uint64_t rdev;
    uint32_t pad1;
    uint64_t size;
    uint32_t blksize;
    uint64_t blocks;
    struct moment atime, mtime, ctime;
    uint64_t ino;
} __packed;
_Static_assert(sizeof(struct stat64) == 96, "struct stat64 of i386");

static long put_stat64(long err, const struct kstat *k, uint32_t to)
{
    if (err)
        return err;
    struct stat64 s = {
        .dev = k->dev,
        .short_ino = k->ino,
        .mode = k->mode,
        .nlink = k->nlink,
        .uid = k->uid,
        .gid = k->gid,
        .rdev = k->rdev,
        .size = k->size,
        .blksize = PAGE_SIZE,
        .blocks = k->blocks,
        .atime = k->atime,
        .mtime = k->mtime,
        .ctime = k->ctime,
        .ino = k->ino,
    };
    return put_user(s, (struct stat64 __user *)to);
}

DEFINE_SYSCALL(stat64)
{
    struct kstat k;

    return put_stat64(kstat_path(AT_FDCWD, a, 0, &k), &k, b);
}

DEFINE_SYSCALL(lstat64)
{
    struct kstat k;

    return put_stat64(kstat_path(AT_FDCWD, a, AT_SYMLINK_NOFOLLOW, &k), &k, b);
}

DEFINE_SYSCALL(fstat64)
{
    struct kstat k;

    return put_stat64(kstat_fd(a, &k), &k, b);
}

DEFINE_SYSCALL(fstatat64)
{
    struct kstat k;

    if (d & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
        return -EINVAL;
    return put_stat64(kstat_path(a, b, d, &k), &k, c);
}

/* ---- struct statx, 383 ---- */

struct statx_time {
    int64_t sec;
    uint32_t nsec;
    int32_t pad;
};

struct statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad0;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id, spare[13];
};
_Static_assert(sizeof(struct statx) == 256, "struct statx");

static struct statx_time wide_moment(struct moment m)
{
    return (struct statx_time){m.sec, m.nsec, 0};
}

DEFINE_SYSCALL(statx)
{
    enum { STATX_BASIC_STATS = 0x7ff, AT_STATX_SYNC_TYPE = 0x6000 };
    struct kstat k;

    if (c & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
                        AT_STATX_SYNC_TYPE) ||
        (int32_t)d < 0)
        return -EINVAL;
    long err = kstat_path(a, b, c, &k);
    if (err)
        return err;
    struct statx s = {
        .mask = STATX_BASIC_STATS,
        .blksize = PAGE_SIZE,
        .nlink = k.nlink,
        .uid = k.uid,
        .gid = k.gid,
        .mode = k.mode,
        .ino = k.ino,
        .size = k.size,
        .blocks = k.blocks,
        .atime = wide_moment(k.atime),
        .ctime = wide_moment(k.ctime),
        .mtime = wide_moment(k.mtime),
        .rdev_major = DEV_MAJOR(k.rdev),
        .rdev_minor = DEV_MINOR(k.rdev),
        .dev_major = DEV_MAJOR(k.dev),
        .dev_minor = DEV_MINOR(k.dev),
    };
    return put_user(s, (struct statx __user *)e);
}

/* ---- statfs ---- */

struct kstatfs {
    uint32_t type, flags;
    uint64_t blocks, free, files;
};

static void fill_kstatfs(const struct super *s, struct kstatfs *k)
{
    enum { ST_VALID = 0x20 };
    struct mem_stats m;

    mem_stats(&m);
    *k = (struct kstatfs){.type = s->magic,
                          .flags = (s->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)) |
                                   ST_VALID};
    if (!s->max_pages)
        return;
    k->blocks = s->max_pages;
    k->free = s->max_pages > s->pages ? s->max_pages - s->pages : 0;
    k->free = MIN(k->free, m.free);
    k->files = s->inodes;
}

struct statfs32 {
    uint32_t type, bsize, blocks, bfree, bavail, files, ffree, fsid[2], namelen, frsize, flags,
        spare[4];
};

struct statfs64 {
    uint32_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    uint32_t fsid[2], namelen, frsize, flags, spare[4];
} __packed;
_Static_assert(sizeof(struct statfs32) == 64 && sizeof(struct statfs64) == 84, "statfs of i386");

static long put_statfs(const struct super *s, uint32_t to, bool wide)
{
    struct kstatfs k;

    fill_kstatfs(s, &k);
    if (wide) {
        struct statfs64 b = {.type = k.type,
                             .bsize = PAGE_SIZE,
                             .blocks = k.blocks,
                             .bfree = k.free,
                             .bavail = k.free,
                             .files = k.files,
                             .fsid = {s->dev, 0},
                             .namelen = NAME_MAX,
                             .frsize = PAGE_SIZE,
                             .flags = k.flags};
        return put_user(b, (struct statfs64 __user *)to);
    }
    struct statfs32 b = {.type = k.type,
                         .bsize = PAGE_SIZE,
                         .blocks = k.blocks,
                         .bfree = k.free,
                         .bavail = k.free,
                         .files = k.files,
                         .fsid = {s->dev, 0},
                         .namelen = NAME_MAX,
                         .frsize = PAGE_SIZE,
                         .flags = k.flags};
    return put_user(b, (struct statfs32 __user *)to);
}

static long statfs_path(uint32_t path, uint32_t to, bool wide)
{
    struct inode *i = lookup_user(AT_FDCWD, (const char __user *)path, WALK_FOLLOW, 0);

    if (IS_ERR(i))
        return PTR_ERR(i);
    long r = put_statfs(i->super, to, wide);
    inode_put(i);
    return r;
}

static long statfs_fd(int fd, uint32_t to, bool wide)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    long r = put_statfs(f->inode->super, to, wide);
    file_put(f);
    return r;
}

/* The 64-bit calls carry the size of the caller's struct; glibc's counts its tail padding. */
static bool statfs64_size_ok(uint32_t size)
{
    return size == sizeof(struct statfs64) || size == sizeof(struct statfs64) + 4;
}

DEFINE_SYSCALL(statfs)
{
    return statfs_path(a, b, false);
}

DEFINE_SYSCALL(fstatfs)
{
    return statfs_fd(a, b, false);
}

DEFINE_SYSCALL(statfs64)
{
    return statfs64_size_ok(b) ? statfs_path(a, c, true) : -EINVAL;
}

DEFINE_SYSCALL(fstatfs64)
{
    return statfs64_size_ok(b) ? statfs_fd(a, c, true) : -EINVAL;
}
