/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls on names: make, remove, link, rename. Each call and its ...at form share a body. */
#include "../kernel/syscall.h"
#include "vfs.h"

/* May a name be added to this directory? */
static int may_create(struct inode *dir)
{
    if (!dir->nlink)
        return -ENOENT; /* removed, though somebody still stands in it */
    if (!dir->ops->create)
        return -ENOENT; /* /proc: a name that is not there cannot be made to be */
    return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

/* May this name be taken away? In a sticky directory (/tmp) only by its owner. */
static int may_delete(struct inode *dir, struct inode *victim)
{
    int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

    if (!err && (dir->mode & 01000) && !inode_is_owner(victim) && !inode_is_owner(dir))
        err = -EPERM;
    return err;
}

/* The walk that every creation begins with: there must be no such name, but a place for it. */
static int walk_new(struct walk *w, int dirfd, uint32_t path, bool directory)
{
    int err = walk_user(w, dirfd, (const char __user *)path, WALK_ENTRY);

    if (err)
        return err;
    if (w->inode)
        err = -EEXIST;
    else if (w->slash && !directory)
        err = -ENOENT;
    else
        err = may_create(w->dir);
    if (err)
        walk_end(w);
    return err;
}

static long make_node(int dirfd, uint32_t path, mode_t mode, uint32_t rdev)
{
    struct walk w;
    int err = walk_new(&w, dirfd, path, S_ISDIR(mode));

    if (err)
        return err;
    long r = w.dir->ops->create(w.dir, w.name, mode & ~current->fs->umask, rdev, NULL);
    walk_end(&w);
    return r;
}

static long do_mknod(int dirfd, uint32_t path, mode_t mode, uint32_t dev)
{
    mode_t type = mode & S_IFMT;

    if (!type)
        type = S_IFREG;
    if (S_ISDIR(type))
        return -EPERM;
    if (type != S_IFREG && type != S_IFIFO && type != S_IFCHR && type != S_IFBLK &&
        type != S_IFSOCK)
        return -EINVAL;
    if ((type == S_IFCHR || type == S_IFBLK) && current->euid != 0)
        return -EPERM;
    return make_node(dirfd, path, type | (mode & 07777), dev);
}

DEFINE_SYSCALL(mknod)
{
    return do_mknod(AT_FDCWD, a, b, c);
}

DEFINE_SYSCALL(mknodat)
{
    return do_mknod(a, b, c, d);
}

DEFINE_SYSCALL(mkdir)
{
    return make_node(AT_FDCWD, a, S_IFDIR | (b & 01777), 0);
}

DEFINE_SYSCALL(mkdirat)
{
    return make_node(a, b, S_IFDIR | (c & 01777), 0);
}

static long do_symlink(uint32_t target, int dirfd, uint32_t path)
{
    char *text = path_from_user((const char __user *)target);
    struct walk w;

    if (IS_ERR(text))
        return PTR_ERR(text);
    long r = *text ? walk_new(&w, dirfd, path, false) : -ENOENT;
    if (!r) {
        r = w.dir->ops->symlink ? w.dir->ops->symlink(w.dir, w.name, text) : -EPERM;
        walk_end(&w);
    }
    kfree(text);
    return r;
}

DEFINE_SYSCALL(symlink)
{
    return do_symlink(a, AT_FDCWD, b);
}

DEFINE_SYSCALL(symlinkat)
{
    return do_symlink(a, b, c);
}

static long do_link(int old_fd, uint32_t old, int new_fd, uint32_t new, uint32_t flags)
{
    struct walk w;

    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    struct inode *i = lookup_user(old_fd, (const char __user *)old,
                                  flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0, flags);
    if (IS_ERR(i))
        return PTR_ERR(i);
    long r = walk_new(&w, new_fd, new, false);
    if (!r) {
        if (w.dir->super != i->super)
            r = -EXDEV;
        else if (S_ISDIR(i->mode) || !w.dir->ops->link)
            r = -EPERM;
        else if (!i->nlink)
            r = -ENOENT;
        else
            r = w.dir->ops->link(w.dir, w.name, i);
        walk_end(&w);
    }
    inode_put(i);
    return r;
}

DEFINE_SYSCALL(link)
{
    return do_link(AT_FDCWD, a, AT_FDCWD, b, 0);
}

DEFINE_SYSCALL(linkat)
{
    return do_link(a, b, c, d, e);
}

/* ---- taking names away ---- */

static long do_unlink(int dirfd, uint32_t path)
{
    struct walk w;
    long r = walk_user(&w, dirfd, (const char __user *)path, WALK_ENTRY);

    if (r)
        return r;
    if (!w.inode)
        r = -ENOENT;
    else if (S_ISDIR(w.inode->mode))
        r = -EISDIR;
    else if (w.last != LAST_NAME)
        r = -EBUSY;
    else
        r = may_delete(w.dir, w.inode);
    if (!r)
        r = w.dir->ops->unlink ? w.dir->ops->unlink(w.dir, w.name) : -EPERM;
    walk_end(&w);
    return r;
}

static long do_rmdir(int dirfd, uint32_t path)
{
    static const int not_a_name[] = {0, -EINVAL, -ENOTEMPTY, -EBUSY}; /* by enum walk_last */
    struct walk w;
    long r = walk_user(&w, dirfd, (const char __user *)path, WALK_ENTRY);

    if (r)
        return r;
    if (!w.inode)
        r = -ENOENT;
    else if (w.last != LAST_NAME)
        r = not_a_name[w.last];
    else if (!S_ISDIR(w.inode->mode))
        r = -ENOTDIR;
    else if (w.inode->mounted)
        r = -EBUSY;
    else
        r = may_delete(w.dir, w.inode);
    if (!r)
        r = w.dir->ops->rmdir ? w.dir->ops->rmdir(w.dir, w.name) : -EPERM;
    walk_end(&w);
    return r;
}

DEFINE_SYSCALL(unlink)
{
    return do_unlink(AT_FDCWD, a);
}

DEFINE_SYSCALL(rmdir)
{
    return do_rmdir(AT_FDCWD, a);
}

DEFINE_SYSCALL(unlinkat)
{
    if (c & ~(uint32_t)AT_REMOVEDIR)
        return -EINVAL;
    return c & AT_REMOVEDIR ? do_rmdir(a, b) : do_unlink(a, b);
}

/* ---- rename ---- */

enum { RENAME_NOREPLACE = 1 };

/* May old take the place of new? 1: yes, but they are one and the same, nothing is to be done. */
static long may_rename(const struct walk *old, const struct walk *new, uint32_t flags)
{
    if (!old->inode)
        return -ENOENT;
    if (old->last != LAST_NAME || new->last != LAST_NAME)
        return -EBUSY;
    if (old->dir->super != new->dir->super)
        return -EXDEV;
    if (!old->dir->ops->rename)
        return -EPERM;
    long err = may_delete(old->dir, old->inode);
    if (err)
        return err;
    if (new->inode && (flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (new->inode == old->inode)
        return 1;
    bool dir = S_ISDIR(old->inode->mode);
    if (dir && inode_is_below(new->dir, old->inode))
        return -EINVAL;
    if (!dir && (old->slash || new->slash))
        return -ENOTDIR;
    if (old->inode->mounted || (new->inode &&new->inode->mounted))
        return -EBUSY;
    if (!new->inode)
        return may_create(new->dir);
    if (dir && !S_ISDIR(new->inode->mode))
        return -ENOTDIR;
    if (!dir && S_ISDIR(new->inode->mode))
        return -EISDIR;
    return may_delete(new->dir, new->inode);
}

static long do_rename(int old_fd, uint32_t old, int new_fd, uint32_t new, uint32_t flags)
{
    struct walk *w = kmalloc(2 * sizeof *w); /* two names of 256 bytes: not on the stack */
    long r = w ? 0 : -ENOMEM;

    if (!r && (flags & ~(uint32_t)RENAME_NOREPLACE))
        r = -EINVAL;
    if (!r)
        r = walk_user(&w[0], old_fd, (const char __user *)old, WALK_ENTRY);
    if (!r) {
        r = walk_user(&w[1], new_fd, (const char __user *)new, WALK_ENTRY);
        if (!r) {
            r = may_rename(&w[0], &w[1], flags);
            if (!r)
                r = w[0].dir->ops->rename(w[0].dir, w[0].name, w[1].dir, w[1].name);
            walk_end(&w[1]);
        }
        walk_end(&w[0]);
    }
    kfree(w);
    return r > 0 ? 0 : r;
}

DEFINE_SYSCALL(rename)
{
    return do_rename(AT_FDCWD, a, AT_FDCWD, b, 0);
}

DEFINE_SYSCALL(renameat)
{
    return do_rename(a, b, c, d, 0);
}

DEFINE_SYSCALL(renameat2)
{
    return do_rename(a, b, c, d, e);
}
