/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls that look: links read, directories listed, and where one stands in the tree. */
#include "../kernel/syscall.h"
#include "vfs.h"

static long do_readlink(int dirfd, uint32_t path, uint32_t buf, uint32_t size)
{
    struct inode *i;

    if ((int32_t)size <= 0)
        return -EINVAL;
    i = lookup_user(dirfd, (const char __user *)path, 0, dirfd == AT_FDCWD ? 0 : AT_EMPTY_PATH);
    if (IS_ERR(i))
        return PTR_ERR(i);
    char *text = kmalloc(PATH_MAX);
    ssize_t n = -ENOMEM;
    if (text)
        n = i->ops->readlink ? i->ops->readlink(i, text, MIN(size, (uint32_t)PATH_MAX)) : -EINVAL;
    if (n > 0 && copy_to_user((char __user *)buf, text, n))
        n = -EFAULT;
    kfree(text);
    inode_put(i);
    return n;
}

DEFINE_SYSCALL(readlink)
{
    return do_readlink(AT_FDCWD, a, b, c);
}

DEFINE_SYSCALL(readlinkat)
{
    return do_readlink(a, b, c, d);
}

/* ---- listing ---- */

struct listing {
    uint32_t buf; /* where the next record goes, in the process */
    uint32_t left;
    int err;
    bool any;
    bool wide; /* getdents64's records */
};

/* Lay out one record and hand it over: struct linux_dirent64, or the old struct linux_dirent, whose
   type hides in its last byte. */
static int put_dirent(void *ctx, const char *name, size_t len, uint64_t next_pos, uint32_t ino,
                      unsigned type)
{
    struct listing *l = ctx;
    uint32_t head = l->wide ? 19 : 10, align = l->wide ? 8 : 4;
    uint32_t size = (head + len + (l->wide ? 1 : 2) + align - 1) & ~(align - 1);
    uint16_t reclen = size;
    uint8_t record[19 + NAME_MAX + 1 + 8];

    if (len > NAME_MAX || size > l->left) {
        l->err = -EINVAL; /* told only when not even the first one fits */
        return 1;
    }
    memset(record, 0, size);
    if (l->wide) {
        uint64_t ino64 = ino;
        memcpy(record, &ino64, 8);
        memcpy(record + 8, &next_pos, 8);
        memcpy(record + 16, &reclen, 2);
        record[18] = type;
    } else {
        uint32_t pos32 = next_pos;
        memcpy(record, &ino, 4);
        memcpy(record + 4, &pos32, 4);
        memcpy(record + 8, &reclen, 2);
        record[size - 1] = type;
    }
    memcpy(record + head, name, len);
    if (copy_to_user((char __user *)l->buf, record, size)) {
        l->err = -EFAULT;
        return 1;
    }
    l->buf += size;
    l->left -= size;
    l->any = true;
    return 0;
}

static long list_directory(int fd, uint32_t buf, uint32_t size, bool wide)
{
    struct listing l = {.buf = buf, .left = MIN(size, MAX_RW_COUNT), .wide = wide};
    struct file *f = fd_get(fd);
    long r;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        r = -EBADF;
    else if (!S_ISDIR(f->inode->mode) || !f->fops->readdir)
        r = -ENOTDIR;
    else if (!f->inode->nlink)
        r = -ENOENT;
    else
        r = f->fops->readdir(f, &l, put_dirent);
    file_put(f);
    if (r)
        return r;
    return l.any ? (long)(l.buf - buf) : l.err;
}

DEFINE_SYSCALL(getdents)
{
    return list_directory(a, b, c, false);
}

DEFINE_SYSCALL(getdents64)
{
    return list_directory(a, b, c, true);
}

/* ---- where one stands ---- */

static long set_place(struct inode **place, struct inode *to)
{
    long err = S_ISDIR(to->mode) ? inode_permission(to, MAY_EXEC) : -ENOTDIR;

    if (err) {
        inode_put(to);
        return err;
    }
    inode_put(*place);
    *place = to;
    return 0;
}

DEFINE_SYSCALL(chdir)
{
    struct inode *i = lookup_user(AT_FDCWD, (const char __user *)a, WALK_FOLLOW, 0);

    return IS_ERR(i) ? PTR_ERR(i) : set_place(&current->fs->cwd, i);
}

DEFINE_SYSCALL(fchdir)
{
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    struct inode *i = inode_get(file->inode);
    file_put(file);
    return set_place(&current->fs->cwd, i);
}

DEFINE_SYSCALL(chroot)
{
    struct inode *i = lookup_user(AT_FDCWD, (const char __user *)a, WALK_FOLLOW, 0);

    if (IS_ERR(i))
        return PTR_ERR(i);
    if (current->euid != 0) {
        inode_put(i);
        return -EPERM;
    }
    return set_place(&current->fs->root, i);
}

DEFINE_SYSCALL(getcwd)
{
    struct inode *cwd = current->fs->cwd;

    if (!cwd->nlink)
        return -ENOENT;
    char *path = path_of(cwd, NULL);
    if (!path)
        return -ENOMEM;
    long n = strlen(path) + 1;
    if ((uint32_t)n > b)
        n = -ERANGE;
    else if (copy_to_user((char __user *)a, path, n))
        n = -EFAULT;
    kfree(path);
    return n;
}

DEFINE_SYSCALL(umask)
{
    mode_t old = current->fs->umask;

    current->fs->umask = a & 0777;
    return old;
}
