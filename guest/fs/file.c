/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Open files, and the tables that give them numbers. A struct file is made by open, shared by dup
 * and fork, and released when the last descriptor (or mapping, or sleeping reader) lets go of it.
 */
#include "vfs.h"

#define FD_FIRST 32 /* slots of a new table; it doubles from there */

struct file *file_new(struct inode *i, const struct file_ops *fops, uint32_t flags)
{
    struct file *f = kzalloc(sizeof *f);

    if (!f)
        return ERR_PTR(-ENOMEM);
    f->refs = 1;
    f->flags = flags;
    f->inode = i;
    f->fops = fops;
    return f;
}

void file_get(struct file *f)
{
    f->refs++;
}

void file_put(struct file *f)
{
    if (!f || --f->refs)
        return;
    if (f->fops->release)
        f->fops->release(f);
    locks_drop_owner(f->inode, f);
    inode_put(f->inode);
    kfree(f->path);
    kfree(f);
}

int file_readable(const struct file *f)
{
    return (f->flags & O_PATH) || (f->flags & O_ACCMODE) == O_WRONLY ? -EBADF : 0;
}

int file_writable(const struct file *f)
{
    return (f->flags & O_PATH) || (f->flags & O_ACCMODE) == O_RDONLY ? -EBADF : 0;
}

static const struct file_ops path_file_ops; /* O_PATH: nothing but a place */

/* Open what an inode is; the inode is borrowed. Permissions have been looked at. */
struct file *file_open_inode(struct inode *i, uint32_t flags)
{
    const struct file_ops *fops = i->fops;

    if (flags & O_PATH)
        fops = &path_file_ops;
    else if (!fops)
        fops = special_file_ops(i);
    if (!fops)
        return ERR_PTR(-ENXIO);
    struct file *f =
        file_new(i, fops, flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC));
    if (IS_ERR(f))
        return f;
    inode_get(i);
    if (fops->open) {
        f->flags |= flags & O_NOCTTY; /* the terminal wants to know */
        int err = fops->open(i, f);
        f->flags &= ~(uint32_t)O_NOCTTY;
        if (err) {
            inode_put(i);
            kfree(f);
            return ERR_PTR(err);
        }
    }
    return f;
}

/* Somebody is running this very file: its pages are his code. */
static bool executing(const struct inode *i)
{
    const struct task *t;

    list_for_each(t, &all_tasks, all)
    {
        if (t->mm && t->mm->exe && t->mm->exe->inode == i)
            return true;
    }
    return false;
}

int inode_may_write(struct inode *i)
{
    int err = inode_permission(i, MAY_WRITE);

    return !err && S_ISREG(i->mode) && executing(i) ? -ETXTBSY : err;
}

/* What open() asks of an inode that exists, before it is opened. */
static int may_open(struct inode *i, uint32_t flags)
{
    static const int may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, 0};
    int acc = may[flags & O_ACCMODE];

    if (flags & O_PATH)
        return 0;
    if (S_ISLNK(i->mode))
        return -ELOOP;
    if (S_ISDIR(i->mode) && ((acc & MAY_WRITE) || (flags & (O_CREAT | O_TRUNC))))
        return -EISDIR;
    if (flags & O_TRUNC)
        acc |= MAY_WRITE;
    int err = inode_permission(i, acc);
    return !err && (acc & MAY_WRITE) ? inode_may_write(i) : err;
}

static int create_file(struct walk *w, mode_t mode)
{
    if (w->slash)
        return -EISDIR;
    int err = w->dir->nlink ? inode_permission(w->dir, MAY_WRITE | MAY_EXEC) : -ENOENT;
    if (!err && !w->dir->ops->create)
        err = -ENOENT;
    if (err)
        return err;
    if (current && current->fs)
        mode &= ~current->fs->umask;
    return w->dir->ops->create(w->dir, w->name, S_IFREG | (mode & 07777), 0, &w->inode);
}

static struct file *open_walked(struct walk *w, uint32_t flags, mode_t mode)
{
    bool created = false;
    int err = 0;

    if (!w->inode) {
        err = create_file(w, mode);
        created = !err;
    } else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        err = -EEXIST;
    } else if ((flags & O_DIRECTORY) && !S_ISDIR(w->inode->mode)) {
        err = -ENOTDIR;
    }
    if (!err && !created) /* who creates a read-only file may still write what he creates */
        err = may_open(w->inode, flags);
    if (!err && (flags & O_TRUNC) && !created && S_ISREG(w->inode->mode)) {
        if (w->inode->ops->truncate)
            err = w->inode->ops->truncate(w->inode, 0);
    }
    if (err)
        return ERR_PTR(err);
    struct file *f = file_open_inode(w->inode, flags);
    if (!IS_ERR(f) && !f->path) {
        if (S_ISDIR(w->inode->mode))
            f->path = path_of(w->inode, NULL);
        else if (w->dir)
            f->path = path_of(w->dir, w->name);
        else if (w->jumped)
            f->path = kstrdup(w->jumped);
    }
    return f;
}

struct file *file_open_at(int dirfd, const char *path, uint32_t flags, mode_t mode)
{
    struct walk w;
    unsigned walk = 0;

    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
        walk |= WALK_FOLLOW;
    if (flags & O_CREAT)
        walk |= WALK_CREATE;
    int err = walk_path(&w, dirfd, path, walk);
    if (err)
        return ERR_PTR(err);
    struct file *f = open_walked(&w, flags, mode);
    walk_end(&w);
    return f;
}

struct file *file_open(const char *path, uint32_t flags, mode_t mode)
{
    return file_open_at(AT_FDCWD, path, flags, mode);
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos)
{
    size_t done = 0;

    if (!f->fops->read)
        return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
    while (done < n) {
        ssize_t got = f->fops->read(f, KERNEL_SPAN((char *)buf + done), n - done, &pos);
        if (got < 0)
            return done ? (ssize_t)done : got;
        if (got == 0)
            break;
        done += got;
    }
    return done;
}

void breathe(void)
{
    if (current->need_resched && current->mm)
        schedule();
}

ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, uint64_t *pos)
{
    if (!f->fops->write)
        return -EINVAL;
    return f->fops->write(f, KERNEL_SPAN(buf), n, pos);
}

loff_t generic_lseek(struct file *f, loff_t off, int whence)
{
    enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };
    loff_t size = f->inode->size;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        off += (loff_t)f->pos;
        break;
    case SEEK_END:
        off += size;
        break;
    case SEEK_DATA: /* POSIX lets a file system call all of a file data, with one hole at its end */
    case SEEK_HOLE:
        if (off < 0 || off >= size)
            return -ENXIO;
        if (whence == SEEK_HOLE)
            off = size;
        break;
    default:
        return -EINVAL;
    }
    if (off < 0)
        return -EINVAL;
    f->pos = off;
    return off;
}

/* ---- tables of open files ---- */

struct files *files_new(void)
{
    struct files *t = kzalloc(sizeof *t);

    if (!t)
        return NULL;
    t->refs = 1;
    t->size = FD_FIRST;
    t->fd = kzalloc(FD_FIRST * sizeof(*t->fd));
    t->cloexec = kzalloc(FD_FIRST);
    if (t->fd && t->cloexec)
        return t;
    kfree(t->fd);
    kfree(t->cloexec);
    kfree(t);
    return NULL;
}

static int files_grow(struct files *t, uint32_t want)
{
    uint32_t size = t->size;

    while (size < want)
        size *= 2;
    if (size == t->size)
        return 0;
    struct file **fd = kzalloc(size * sizeof(*fd));
    uint8_t *cloexec = kzalloc(size);
    if (!fd || !cloexec) {
        kfree(fd);
        kfree(cloexec);
        return -ENOMEM;
    }
    memcpy(fd, t->fd, t->size * sizeof(*fd));
    memcpy(cloexec, t->cloexec, t->size);
    kfree(t->fd);
    kfree(t->cloexec);
    t->fd = fd;
    t->cloexec = cloexec;
    t->size = size;
    return 0;
}

struct files *files_fork(struct files *from)
{
    struct files *t = files_new();

    if (!t || files_grow(t, from->size)) {
        files_put(t);
        return NULL;
    }
    memcpy(t->cloexec, from->cloexec, from->size);
    t->low = from->low;
    for (uint32_t i = 0; i < from->size; i++) {
        t->fd[i] = from->fd[i];
        if (t->fd[i])
            file_get(t->fd[i]);
    }
    return t;
}

void files_get(struct files *t)
{
    t->refs++;
}

/* Take the file out of a slot; its reference is the caller's. Closing any descriptor of an inode
   gives up this process's record locks on it: POSIX's oddest rule. */
static struct file *slot_clear(struct files *t, uint32_t fd)
{
    struct file *f = t->fd[fd];

    t->fd[fd] = NULL;
    t->cloexec[fd] = 0;
    t->low = MIN(t->low, fd);
    if (f)
        locks_drop_owner(f->inode, t);
    return f;
}

void files_put(struct files *t)
{
    if (!t || --t->refs)
        return;
    for (uint32_t i = 0; i < t->size; i++)
        file_put(slot_clear(t, i));
    kfree(t->fd);
    kfree(t->cloexec);
    kfree(t);
}

void files_close_on_exec(struct files *t)
{
    for (uint32_t i = 0; i < t->size; i++)
        if (t->cloexec[i])
            file_put(slot_clear(t, i));
}

struct file *fd_get(int fd)
{
    struct files *t = current->files;

    if (!t || (uint32_t)fd >= t->size || !t->fd[fd])
        return NULL;
    file_get(t->fd[fd]);
    return t->fd[fd];
}

static uint32_t fd_limit(void)
{
    return MIN(rlimit(current, RLIMIT_NOFILE), FD_MAX);
}

int fd_install(struct file *f, int lowest, bool cloexec)
{
    struct files *t = current->files;
    uint32_t fd = MAX((uint32_t)lowest, t->low);
    int err = -EMFILE;

    while (fd < t->size && t->fd[fd])
        fd++;
    if (fd < fd_limit())
        err = files_grow(t, fd + 1);
    if (err) {
        file_put(f);
        return err;
    }
    if ((uint32_t)lowest <= t->low)
        t->low = fd + 1;
    t->fd[fd] = f;
    t->cloexec[fd] = cloexec;
    return fd;
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
    struct files *t = current->files;
    int err = (uint32_t)fd < fd_limit() ? files_grow(t, fd + 1) : -EBADF;

    if (err) {
        file_put(f);
        return err;
    }
    struct file *old = slot_clear(t, fd);
    t->fd[fd] = f;
    t->cloexec[fd] = cloexec;
    file_put(old);
    return fd;
}

int fd_close(int fd)
{
    struct files *t = current->files;

    if ((uint32_t)fd >= t->size || !t->fd[fd])
        return -EBADF;
    file_put(slot_clear(t, fd));
    return 0;
}

/* ---- root, working directory and umask ---- */

struct fs *fs_fork(struct fs *from, bool share)
{
    if (from && share) {
        from->refs++;
        return from;
    }
    struct fs *fs = kzalloc(sizeof *fs);
    if (!fs)
        return NULL;
    fs->refs = 1;
    fs->root = inode_get(from ? from->root : root_inode);
    fs->cwd = inode_get(from ? from->cwd : root_inode);
    fs->umask = from ? from->umask : 022;
    return fs;
}

void fs_put(struct fs *fs)
{
    if (!fs || --fs->refs)
        return;
    inode_put(fs->root);
    inode_put(fs->cwd);
    kfree(fs);
}
