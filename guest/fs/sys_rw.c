/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls that move bytes, positions and sizes: read, write, their kin, and ioctl. */
#include "../drivers/block.h"
#include "../kernel/syscall.h"
#include "vfs.h"

#define IOV_MAX 1024

struct iovec {
    uint32_t base, len;
};

static uint64_t make64(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

/* One piece of a read. pos NULL: the file's own, which moves. */
static ssize_t read_file(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    int err = file_readable(f);

    if (err)
        return err;
    if (!f->fops->read)
        return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
    n = MIN(n, MAX_RW_COUNT);
    return f->fops->read(f, to, n, pos ? pos : &f->pos);
}

/* "ulimit -f": how much of a write at pos the process may do; a signal when that is nothing. */
static ssize_t fit_size_limit(size_t n, uint64_t pos)
{
    uint32_t limit = rlimit(current, RLIMIT_FSIZE);

    if (limit == RLIM_INFINITY || n == 0)
        return n;
    if (pos >= limit) {
        signal_send_task(current, SIGXFSZ, NULL);
        return -EFBIG;
    }
    return MIN((uint64_t)n, limit - pos);
}

static ssize_t write_file(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    int err = file_writable(f);

    if (err)
        return err;
    if (!f->fops->write)
        return -EINVAL;
    if (!pos)
        pos = &f->pos;
    if ((f->flags & O_APPEND) && S_ISREG(f->inode->mode))
        *pos = f->inode->size;
    n = MIN(n, MAX_RW_COUNT);
    if (S_ISREG(f->inode->mode)) {
        n = fit_size_limit(n, *pos);
        if (n == 0)
            return 0;
        if ((ssize_t)n < 0)
            return n;
    }
    return f->fops->write(f, from, n, pos);
}

DEFINE_SYSCALL(read)
{
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    ssize_t n = read_file(file, USER_SPAN(b), c, NULL);
    file_put(file);
    return n;
}

DEFINE_SYSCALL(write)
{
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    ssize_t n = write_file(file, USER_SPAN(b), c, NULL);
    file_put(file);
    return n;
}

/* A file that can be read at any position: it has a seek, and is not a directory. */
static int seekable(const struct file *f)
{
    return f->fops->lseek ? 0 : -ESPIPE;
}

DEFINE_SYSCALL(pread64)
{
    uint64_t pos = make64(d, e);
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    ssize_t n = (int64_t)pos < 0 ? -EINVAL : seekable(file);
    if (!n)
        n = read_file(file, USER_SPAN(b), c, &pos);
    file_put(file);
    return n;
}

DEFINE_SYSCALL(pwrite64)
{
    uint64_t pos = make64(d, e);
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    ssize_t n = (int64_t)pos < 0 ? -EINVAL : seekable(file);
    if (!n)
        n = write_file(file, USER_SPAN(b), c, &pos);
    file_put(file);
    return n;
}

typedef ssize_t (*mover_t)(struct file *f, struct span s, size_t n, uint64_t *pos);

/* Move the pieces of a vector one after the other, until one comes short. */
static ssize_t move_vector(struct file *f, uint32_t vec, uint32_t count, uint64_t *pos,
                           mover_t move)
{
    struct iovec v[8];
    size_t done = 0, total = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    if (count == 0) /* still asks whether the file may be moved */
        return move == read_file ? file_readable(f) : file_writable(f);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i % ARRAY_LEN(v);
        if (at == 0) {
            size_t bytes = MIN(count - i, (uint32_t)ARRAY_LEN(v)) * sizeof v[0];
            if (copy_from_user(v, (const char __user *)vec + i * sizeof v[0], bytes))
                return done ? (ssize_t)done : -EFAULT;
        }
        if (v[at].len > MAX_RW_COUNT || total + v[at].len > MAX_RW_COUNT)
            return done ? (ssize_t)done : -EINVAL;
        total += v[at].len;
        if (v[at].len == 0)
            continue;
        ssize_t n = move(f, USER_SPAN(v[at].base), v[at].len, pos);
        if (n < 0)
            return done ? (ssize_t)done : n;
        done += n;
        if ((size_t)n < v[at].len)
            break;
    }
    return done;
}

static long vector_call(int fd, uint32_t vec, uint32_t count, uint64_t *pos, mover_t move)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    long n = 0;
    if (pos)
        n = (int64_t)*pos < 0 ? -EINVAL : seekable(f);
    if (!n)
        n = move_vector(f, vec, count, pos, move);
    file_put(f);
    return n;
}

DEFINE_SYSCALL(readv)
{
    return vector_call(a, b, c, NULL, read_file);
}

DEFINE_SYSCALL(writev)
{
    return vector_call(a, b, c, NULL, write_file);
}

DEFINE_SYSCALL(preadv)
{
    uint64_t pos = make64(d, e);

    return vector_call(a, b, c, &pos, read_file);
}

DEFINE_SYSCALL(pwritev)
{
    uint64_t pos = make64(d, e);

    return vector_call(a, b, c, &pos, write_file);
}

/* ---- positions ---- */

static loff_t do_lseek(int fd, loff_t off, int whence)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    loff_t r = -ESPIPE;
    if (f->flags & O_PATH)
        r = -EBADF;
    else if (f->fops->lseek)
        r = f->fops->lseek(f, off, whence);
    file_put(f);
    return r;
}

DEFINE_SYSCALL(lseek)
{
    loff_t r = do_lseek(a, (int32_t)b, c);

    return r > INT32_MAX ? -EOVERFLOW : (long)r;
}

DEFINE_SYSCALL(_llseek)
{
    loff_t r = do_lseek(a, (loff_t)make64(c, b), e);

    if (r < 0)
        return r;
    return put_user(r, (loff_t __user *)d);
}

/* ---- from file to file ---- */

/*
 * Move n bytes through one kernel page at a time. A page of the cache would spare a copy, but a
 * bounce page works between any two files, and lets a short write leave the source's position at
 * the first byte that was not written.
 */
static ssize_t splice_files(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos,
                            uint64_t n)
{
    struct page *bounce = page_alloc();
    uint64_t at = in_pos ? *in_pos : in->pos;
    size_t done = 0;
    ssize_t r = 0;

    if (!bounce)
        return -ENOMEM;
    n = MIN(n, MAX_RW_COUNT);
    while (done < n) {
        uint64_t from = at;
        r = read_file(in, KERNEL_SPAN(page_address(bounce)), MIN(n - done, PAGE_SIZE), &from);
        if (r <= 0)
            break;
        size_t got = r;
        r = write_file(out, KERNEL_SPAN(page_address(bounce)), got, out_pos);
        if (r <= 0)
            break;
        at += r;
        done += r;
        if ((size_t)r < got || signal_pending(current))
            break;
        breathe();
    }
    page_put(bounce);
    if (in_pos)
        *in_pos = at;
    else
        in->pos = at;
    return done ? (ssize_t)done : r;
}

static long do_sendfile(int out_fd, int in_fd, uint64_t *pos, uint32_t count)
{
    struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
    long r = -EBADF;

    if (in && out)
        r = in->fops->lseek && in->fops->page ? 0 : -EINVAL; /* callers fall back to read */
    if (!r && pos && (int64_t)*pos < 0)
        r = -EINVAL;
    if (!r && (out->flags & O_APPEND))
        r = -EINVAL;
    if (!r)
        r = splice_files(in, pos, out, NULL, count);
    file_put(in);
    file_put(out);
    return r;
}

DEFINE_SYSCALL(sendfile64)
{
    uint64_t pos;

    if (!c)
        return do_sendfile(a, b, NULL, d);
    if (get_user(pos, (uint64_t __user *)c))
        return -EFAULT;
    long r = do_sendfile(a, b, &pos, d);
    return r >= 0 && put_user(pos, (uint64_t __user *)c) ? -EFAULT : r;
}

DEFINE_SYSCALL(sendfile)
{
    int32_t narrow;

    if (!c)
        return do_sendfile(a, b, NULL, d);
    if (get_user(narrow, (int32_t __user *)c))
        return -EFAULT;
    uint64_t pos = (int64_t)narrow;
    long r = do_sendfile(a, b, &pos, d);
    return r >= 0 && put_user((int32_t)pos, (int32_t __user *)c) ? -EFAULT : r;
}

DEFINE_SYSCALL(copy_file_range)
{
    struct file *in = fd_get(a), *out = fd_get(c);
    uint64_t in_pos = 0, out_pos = 0;
    long r = -EBADF;

    if (in && out) {
        r = S_ISREG(in->inode->mode) && S_ISREG(out->inode->mode) && !f ? 0 : -EINVAL;
        if (!r && (out->flags & O_APPEND))
            r = -EBADF;
    }
    if (!r && ((b && get_user(in_pos, (uint64_t __user *)b)) ||
               (d && get_user(out_pos, (uint64_t __user *)d))))
        r = -EFAULT;
    if (!r && ((int64_t)in_pos < 0 || (int64_t)out_pos < 0))
        r = -EINVAL;
    if (!r) {
        uint64_t from = b ? in_pos : in->pos, to = d ? out_pos : out->pos;
        if (in->inode == out->inode && from < to + e && to < from + e)
            r = -EINVAL; /* a file over itself */
    }
    if (!r)
        r = splice_files(in, b ? &in_pos : NULL, out, d ? &out_pos : NULL, e);
    file_put(in);
    file_put(out);
    if (r >= 0 && ((b && put_user(in_pos, (uint64_t __user *)b)) ||
                   (d && put_user(out_pos, (uint64_t __user *)d))))
        r = -EFAULT;
    return r;
}

/* ---- sizes ---- */

static long truncate_inode(struct inode *i, int64_t size)
{
    if (size < 0)
        return -EINVAL;
    if (S_ISDIR(i->mode))
        return -EISDIR;
    if (!S_ISREG(i->mode) || !i->ops->truncate)
        return -EINVAL;
    return i->ops->truncate(i, size);
}

static long truncate_path(uint32_t path, int64_t size)
{
    struct inode *i = lookup_user(AT_FDCWD, (const char __user *)path, WALK_FOLLOW, 0);

    if (IS_ERR(i))
        return PTR_ERR(i);
    long r = S_ISDIR(i->mode) ? -EISDIR : inode_may_write(i);
    if (!r)
        r = truncate_inode(i, size);
    inode_put(i);
    return r;
}

static long truncate_fd(int fd, int64_t size)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    long r = file_writable(f) ? -EINVAL : truncate_inode(f->inode, size);
    file_put(f);
    return r;
}

DEFINE_SYSCALL(truncate)
{
    return truncate_path(a, (int32_t)b);
}

DEFINE_SYSCALL(truncate64)
{
    return truncate_path(a, (int64_t)make64(b, c));
}

DEFINE_SYSCALL(ftruncate)
{
    return truncate_fd(a, (int32_t)b);
}

DEFINE_SYSCALL(ftruncate64)
{
    return truncate_fd(a, (int64_t)make64(b, c));
}

/* Reserve space: here that is to make the pages, because a page that exists cannot fail later. */
static long allocate_range(struct inode *i, uint32_t mode, int64_t start, int64_t len)
{
    enum { FALLOC_FL_KEEP_SIZE = 1 };
    uint64_t old_size = i->size, end = (uint64_t)start + (uint64_t)len;

    if (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP; /* punching holes */
    if (!i->fops || !i->fops->page)
        return S_ISFIFO(i->mode) ? -ESPIPE : -ENODEV;
    if (end > FILE_SIZE_MAX)
        return -EFBIG;
    if (end > i->size)
        i->size = end;
    int err = 0;
    for (uint64_t at = (uint64_t)start & ~(uint64_t)(PAGE_SIZE - 1); at < end; at += PAGE_SIZE) {
        struct page *p = i->fops->page(i, at >> PAGE_SHIFT, &err);
        if (!p) {
            i->size = old_size;
            return -ENOSPC;
        }
        page_put(p);
    }
    if (mode & FALLOC_FL_KEEP_SIZE)
        i->size = old_size;
    inode_touch(i);
    return 0;
}

DEFINE_SYSCALL(fallocate)
{
    int64_t start = (int64_t)make64(c, d), len = (int64_t)make64(e, f);
    struct file *file = fd_get(a);

    if (!file)
        return -EBADF;
    long r = file_writable(file);
    if (!r && (start < 0 || len <= 0 || start + len < 0))
        r = -EINVAL;
    if (!r)
        r = allocate_range(file->inode, b, start, len);
    file_put(file);
    return r;
}

/* ---- getting it to the disk; most files are on none, but the descriptor must be good ---- */

static long check_fd(int fd)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    long r = f->flags & O_PATH ? -EBADF : 0;
    file_put(f);
    return r;
}

DEFINE_SYSCALL(sync)
{
    block_sync_all(); /* nobody is told whether it worked */
    return 0;
}

DEFINE_SYSCALL(syncfs)
{
    return check_fd(a);
}

static long sync_file(int fd)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    long r = f->flags & O_PATH ? -EBADF : 0;
    if (!r && f->fops->sync)
        r = f->fops->sync(f);
    else if (!r && !S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
        r = -EINVAL; /* terminals and pipes cannot be synchronised */
    file_put(f);
    return r;
}

DEFINE_SYSCALL(fsync)
{
    return sync_file(a);
}

DEFINE_SYSCALL(fdatasync)
{
    return sync_file(a);
}

static long advise(int fd, uint32_t advice)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    long r = S_ISFIFO(f->inode->mode) ? -ESPIPE : advice > 5 ? -EINVAL : 0;
    file_put(f);
    return r;
}

DEFINE_SYSCALL(fadvise64)
{
    return advise(a, e);
}

DEFINE_SYSCALL(fadvise64_64)
{
    return advise(a, f);
}

/* ---- ioctl ---- */

DEFINE_SYSCALL(ioctl)
{
    enum { FIONBIO = 0x5421, FIONCLEX = 0x5450, FIOCLEX = 0x5451, FIONREAD = 0x541B };
    struct file *file = fd_get(a);
    long r;
    int on;

    if (!file)
        return -EBADF;
    if (file->flags & O_PATH) {
        r = -EBADF;
    } else if (b == FIOCLEX || b == FIONCLEX) {
        current->files->cloexec[a] = b == FIOCLEX;
        r = 0;
    } else if (b == FIONBIO) {
        r = get_user(on, (int __user *)c);
        if (!r)
            file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~(uint32_t)O_NONBLOCK;
    } else if (b == FIONREAD && S_ISREG(file->inode->mode)) {
        uint64_t left = file->inode->size > file->pos ? file->inode->size - file->pos : 0;
        r = put_user((int)MIN(left, (uint64_t)INT32_MAX), (int __user *)c);
    } else {
        r = file->fops->ioctl ? file->fops->ioctl(file, b, c) : -ENOTTY;
    }
    file_put(file);
    return r;
}
