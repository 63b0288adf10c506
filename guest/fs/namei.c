/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a path to an inode. One walk serves every call: it takes the path component by component,
 * asks each directory for the next inode, steps over mount points, and splices the text of a
 * symbolic link in front of what is still to walk. The walk also remembers the last directory and
 * the last name, because create, unlink and rename act on those and not on the inode.
 */
#include "vfs.h"

#define LINKS_MAX 40 /* symbolic links in one walk, before we believe in a loop (Linux's number) */

struct inode *root_inode;

static struct inode *current_root(void)
{
    return current && current->fs ? current->fs->root : root_inode;
}

/* Where a walk of path begins, as a reference. */
static struct inode *walk_start(int dirfd, const char *path)
{
    if (path[0] == '/')
        return inode_get(current_root());
    if (dirfd == AT_FDCWD)
        return inode_get(current && current->fs ? current->fs->cwd : root_inode);
    struct file *f = fd_get(dirfd);
    if (!f)
        return ERR_PTR(-EBADF);
    struct inode *i = inode_get(f->inode);
    file_put(f);
    return i;
}

/* The directory above; the consumed reference moves to the result. ".." of a mounted root is that
   of the mount point, and nobody climbs above his own root. */
static struct inode *walk_up(struct inode *cur)
{
    struct inode *root = current_root(), *i = cur;

    while (i != root && i == i->super->root && i->super->covered)
        i = i->super->covered;
    if (i != root && i->parent)
        i = i->parent;
    while (i->mounted && i != root)
        i = i->mounted;
    inode_get(i);
    inode_put(cur);
    return i;
}

/* Put the text of a link before the rest of the path, in a buffer of its own that replaces *buf. */
static int splice_link(struct inode *link, char **buf, const char **rest)
{
    size_t rest_len = strlen(*rest);
    char *text = kmalloc(PATH_MAX);

    if (!text)
        return -ENOMEM;
    ssize_t n = link->ops->readlink ? link->ops->readlink(link, text, PATH_MAX) : -EINVAL;
    if (n == 0)
        n = -ENOENT;
    if (n > 0 && (size_t)n + 1 + rest_len + 1 > PATH_MAX)
        n = -ENAMETOOLONG;
    if (n < 0) {
        kfree(text);
        return n;
    }
    text[n] = '/';
    memcpy(text + n + (rest_len ? 1 : 0), *rest, rest_len + 1);
    kfree(*buf);
    *buf = text;
    *rest = text;
    return 0;
}

static const char *skip_slashes(const char *p)
{
    while (*p == '/')
        p++;
    return p;
}

/* Take the next component of *rest into w->name. */
static int next_name(struct walk *w, const char **rest)
{
    const char *p = *rest, *end = p;

    while (*end && *end != '/')
        end++;
    if (end - p > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(w->name, p, end - p);
    w->name[end - p] = 0;
    *rest = skip_slashes(end);
    w->slash = *end == '/' && !**rest;
    w->last = LAST_NAME;
    if (!strcmp(w->name, "."))
        w->last = LAST_DOT;
    else if (!strcmp(w->name, ".."))
        w->last = LAST_DOTDOT;
    return 0;
}

/* The text of a link, kmalloc'ed; NULL when it cannot be had. */
static char *read_link(struct inode *link)
{
    char *buf = kmalloc(PATH_MAX), *text = NULL;
    ssize_t n = buf ? link->ops->readlink(link, buf, PATH_MAX - 1) : -ENOMEM;

    if (n >= 0) {
        buf[n] = 0;
        text = kstrdup(buf);
    }
    kfree(buf);
    return text;
}

int walk_path(struct walk *w, int dirfd, const char *path, unsigned flags)
{
    char *buf = NULL;
    unsigned links = 0;
    struct inode *cur, *next = NULL;
    int err = 0;

    w->inode = w->dir = NULL;
    w->last = LAST_ROOT;
    w->slash = false;
    w->jumped = NULL;
    w->name[0] = 0;
    if (!*path)
        return -ENOENT;
    cur = walk_start(dirfd, path);
    if (IS_ERR(cur))
        return PTR_ERR(cur);
    path = skip_slashes(path);
    while (*path) {
        if (!S_ISDIR(cur->mode))
            err = -ENOTDIR;
        if (!err)
            err = inode_permission(cur, MAY_EXEC);
        if (!err)
            err = next_name(w, &path);
        if (err)
            goto out;
        if (w->last == LAST_DOT)
            continue;
        if (w->last == LAST_DOTDOT) {
            cur = walk_up(cur);
            continue;
        }

        next = cur->ops->lookup(cur, w->name);
        if (IS_ERR(next)) {
            err = PTR_ERR(next);
            next = NULL;
            if (err == -ENOENT && !*path && (flags & WALK_CREATE)) {
                w->dir = cur;
                cur = NULL;
                err = 0;
            }
            goto out;
        }
        while (next->mounted && (*path || !(flags & WALK_COVERED))) {
            struct inode *top = inode_get(next->mounted);
            inode_put(next);
            next = top;
        }
        bool follow = *path || (flags & WALK_FOLLOW) || (w->slash && !(flags & WALK_CREATE));
        if (S_ISLNK(next->mode) && follow) {
            if (++links > LINKS_MAX) {
                err = -ELOOP;
                goto out;
            }
            if (next->ops->follow) {
                struct inode *target = next->ops->follow(next);
                if (!*path && !IS_ERR(target))
                    w->jumped = read_link(next);
                inode_put(next);
                next = NULL;
                if (IS_ERR(target)) {
                    err = PTR_ERR(target);
                    goto out;
                }
                inode_put(cur);
                cur = target;
                w->last = LAST_ROOT; /* whatever it is, it has no name here */
                continue;
            }
            if (w->slash)
                path = "/"; /* "link/" asks for a directory behind the link, too */
            err = splice_link(next, &buf, &path);
            inode_put(next);
            next = NULL;
            if (err)
                goto out;
            if (*path == '/') {
                inode_put(cur);
                cur = inode_get(current_root());
                w->last = LAST_ROOT;
                path = skip_slashes(path);
            }
            continue;
        }
        if (*path) {
            inode_put(cur);
            cur = next;
            next = NULL;
            continue;
        }
        w->dir = cur;
        w->inode = next;
        cur = next = NULL;
    }
    if (cur) { /* ended in ".", ".." or "/", or a link that jumped: there is no directory to name */
        w->inode = cur;
        cur = NULL;
    }
    if (w->slash && w->inode && !S_ISDIR(w->inode->mode))
        err = -ENOTDIR;
out:
    inode_put(next);
    inode_put(cur);
    kfree(buf);
    if (err)
        walk_end(w);
    return err;
}

void walk_end(struct walk *w)
{
    inode_put(w->inode);
    inode_put(w->dir);
    kfree(w->jumped);
    w->inode = w->dir = NULL;
    w->jumped = NULL;
}

char *path_from_user(const char __user *path)
{
    char *buf = kmalloc(PATH_MAX);

    if (!buf)
        return ERR_PTR(-ENOMEM);
    ssize_t n = strncpy_from_user(buf, path, PATH_MAX);
    if (n < 0) {
        kfree(buf);
        return ERR_PTR(n);
    }
    return buf;
}

int walk_user(struct walk *w, int dirfd, const char __user *path, unsigned flags)
{
    char *p = path_from_user(path);

    if (IS_ERR(p))
        return PTR_ERR(p);
    int err = walk_path(w, dirfd, p, flags);
    kfree(p);
    return err;
}

struct inode *lookup_user(int dirfd, const char __user *path, unsigned walk_flags,
                          uint32_t at_flags)
{
    struct walk w;
    int err;

    if (at_flags & AT_EMPTY_PATH) {
        char first;
        if (get_user(first, path))
            return ERR_PTR(-EFAULT);
        if (!first)
            return walk_start(dirfd, "");
    }
    err = walk_user(&w, dirfd, path, walk_flags);
    if (err)
        return ERR_PTR(err);
    struct inode *i = inode_get(w.inode);
    walk_end(&w);
    return i;
}

/* One step towards the root for path_of: the name of *i, and *i becomes its parent. NULL at root. */
static const char *name_and_up(struct inode **i, const struct inode *root)
{
    struct inode *d = *i;

    while (d != root && d == d->super->root && d->super->covered)
        d = d->super->covered;
    if (d == root || !d->parent || !d->name)
        return NULL;
    *i = d->parent;
    return d->name;
}

char *path_of(struct inode *dir, const char *name)
{
    const struct inode *root = current_root();
    size_t len = name ? strlen(name) + 1 : 0;
    const char *part;

    for (struct inode *i = dir; (part = name_and_up(&i, root)) != NULL;)
        len += strlen(part) + 1;
    if (len == 0)
        return kstrdup("/");
    char *buf = kmalloc(len + 1), *p = buf + len;
    if (!buf)
        return NULL;
    *p = 0;
    if (name) {
        p -= strlen(name);
        memcpy(p, name, strlen(name));
        *--p = '/';
    }
    for (struct inode *i = dir; (part = name_and_up(&i, root)) != NULL;) {
        p -= strlen(part);
        memcpy(p, part, strlen(part));
        *--p = '/';
    }
    return buf;
}

bool inode_is_below(struct inode *i, const struct inode *top)
{
    for (; i; i = i->parent)
        if (i == top)
            return true;
    return false;
}
