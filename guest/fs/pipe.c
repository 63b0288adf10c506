/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pipes and FIFOs: a ring of sixteen pages between writers and readers. The pages come when bytes
 * do, and go when they are read, so that an idle pipe costs next to nothing. A pipe of pipe(2) is an inode
 * without a name; a FIFO is the same behind a name in some tree, where open waits for the other side.
 */
#include "../kernel/syscall.h"
#include "poll.h"
#include "vfs.h"

#define PIPE_PAGES 16u /* 64 KiB, Linux's default capacity */
#define PIPE_SIZE  (PIPE_PAGES * PAGE_SIZE)
#define PIPE_BUF   4096u /* writes of up to this size arrive in one piece */

struct pipe {
    struct page *page[PIPE_PAGES];
    uint32_t head, tail; /* bytes ever written and read; their difference is what is in it */
    uint32_t readers, writers;
    uint32_t reader_opens, writer_opens; /* ever: a FIFO's open waits for these to move */
    struct wait_queue wait;              /* one for all: either side looks again when woken */
};

static struct pipe *pipe_of(struct file *f)
{
    return f->inode->priv;
}

uint32_t pipe_capacity(void)
{
    return PIPE_SIZE;
}

static struct pipe *pipe_new(void)
{
    struct pipe *p = kzalloc(sizeof *p);

    if (p)
        wait_queue_init(&p->wait);
    return p;
}

static void pipe_free(struct pipe *p)
{
    for (unsigned i = 0; i < PIPE_PAGES; i++)
        if (p->page[i])
            page_put(p->page[i]);
    kfree(p);
}

static uint32_t used(const struct pipe *p)
{
    return p->head - p->tail;
}

/* The piece of the ring at a position: its page, offset in it, and how far it runs. */
static struct page **piece(struct pipe *p, uint32_t at, uint32_t *offset, size_t *len)
{
    *offset = at & (PAGE_SIZE - 1);
    *len = MIN(*len, PAGE_SIZE - *offset);
    return &p->page[(at / PAGE_SIZE) % PIPE_PAGES];
}

/* Take up to n bytes out. */
static ssize_t drain(struct pipe *p, struct span to, size_t at, size_t n)
{
    size_t done = 0;

    n = MIN(n, used(p));
    while (done < n) {
        uint32_t offset;
        size_t len = n - done;
        struct page **page = piece(p, p->tail, &offset, &len);
        int err = span_write(to, at + done, (char *)page_address(*page) + offset, len);
        if (err)
            return done ? (ssize_t)done : err;
        done += len;
        p->tail += len;
        /* Read to its end, and the writer has not come round to it yet: the page may go. */
        if (offset + len == PAGE_SIZE && used(p) <= PIPE_SIZE - PAGE_SIZE) {
            page_put(*page);
            *page = NULL;
        }
    }
    if (used(p) == 0) /* empty: begin again in the page at hand, if there is one */
        p->head = p->tail = p->tail & ~(PAGE_SIZE - 1);
    return done;
}

/* Put up to n bytes in; less when the ring is full. */
static ssize_t fill(struct pipe *p, struct span from, size_t at, size_t n)
{
    size_t done = 0;
    int err = 0;

    n = MIN(n, PIPE_SIZE - used(p));
    while (done < n && !err) {
        uint32_t offset;
        size_t len = n - done;
        struct page **page = piece(p, p->head, &offset, &len);
        if (!*page)
            *page = page_alloc();
        err =
            *page ? span_read((char *)page_address(*page) + offset, from, at + done, len) : -ENOMEM;
        if (err)
            break;
        done += len;
        p->head += len;
    }
    return done ? (ssize_t)done : err;
}

static ssize_t pipe_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    struct pipe *p = pipe_of(f);

    (void)pos;
    if (n == 0)
        return 0;
    while (used(p) == 0) {
        if (!p->writers)
            return 0;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event(&p->wait, used(p) || !p->writers))
            return -ERESTARTSYS;
    }
    ssize_t got = drain(p, to, 0, n);
    wake_up(&p->wait);
    return got;
}

static ssize_t pipe_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    struct pipe *p = pipe_of(f);
    size_t done = 0;

    (void)pos;
    while (done < n) {
        /* Up to PIPE_BUF all or nothing; more goes in as room comes. */
        size_t need = n <= PIPE_BUF ? n : 1;
        if (!p->readers) {
            signal_send_task(current, SIGPIPE, NULL);
            return done ? (ssize_t)done : -EPIPE;
        }
        if (PIPE_SIZE - used(p) >= need) {
            ssize_t put = fill(p, from, done, n - done);
            if (put < 0)
                return done ? (ssize_t)done : put;
            done += put;
            wake_up(&p->wait);
            continue;
        }
        if (f->flags & O_NONBLOCK)
            return done ? (ssize_t)done : -EAGAIN;
        if (wait_event(&p->wait, PIPE_SIZE - used(p) >= need || !p->readers))
            return done ? (ssize_t)done : -ERESTARTSYS;
    }
    return done;
}

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = pipe_of(f);
    uint32_t ready = 0;

    poll_wait(pt, &p->wait);
    if ((f->flags & O_ACCMODE) != O_WRONLY) {
        if (used(p))
            ready |= POLLIN | POLLRDNORM;
        /* A FIFO that no writer has opened since is not at its end: it has not begun. */
        if (!p->writers && p->writer_opens != (uintptr_t)f->priv)
            ready |= POLLHUP;
    }
    if ((f->flags & O_ACCMODE) != O_RDONLY) {
        if (PIPE_SIZE - used(p) >= PIPE_BUF)
            ready |= POLLOUT | POLLWRNORM;
        if (!p->readers)
            ready |= POLLERR;
    }
    return ready;
}

static long pipe_ioctl(struct file *f, uint32_t cmd, uint32_t arg)
{
    enum { FIONREAD = 0x541B };

    return cmd == FIONREAD ? put_user((int)used(pipe_of(f)), (int __user *)arg) : -ENOTTY;
}

static void pipe_release(struct file *f)
{
    struct pipe *p = pipe_of(f);

    if ((f->flags & O_ACCMODE) != O_WRONLY)
        p->readers--;
    if ((f->flags & O_ACCMODE) != O_RDONLY)
        p->writers--;
    wake_up(&p->wait);
    if (p->readers || p->writers)
        return;
    f->inode->priv = NULL;
    pipe_free(p);
}

/* Opening a FIFO waits until the other side is there too; with O_NONBLOCK a reader need not wait,
   and a writer without a reader is refused. Both at once (O_RDWR) is its own other side. */
static int fifo_open(struct inode *i, struct file *f)
{
    uint32_t acc = f->flags & O_ACCMODE;
    struct pipe *p = i->priv;

    if (!p) {
        p = i->priv = pipe_new();
        if (!p)
            return -ENOMEM;
    }
    if (acc == O_WRONLY && (f->flags & O_NONBLOCK) && !p->readers) {
        if (!p->writers) {
            i->priv = NULL;
            pipe_free(p);
        }
        return -ENXIO;
    }
    f->priv = (void *)(uintptr_t)(p->writers ? UINT32_MAX : p->writer_opens); /* see pipe_poll */
    if (acc != O_WRONLY) {
        p->readers++;
        p->reader_opens++;
    }
    if (acc != O_RDONLY) {
        p->writers++;
        p->writer_opens++;
    }
    wake_up(&p->wait);
    uint32_t seen_readers = p->reader_opens, seen_writers = p->writer_opens;
    int err = 0;
    if (acc == O_RDONLY && !(f->flags & O_NONBLOCK))
        err = wait_event(&p->wait, p->writers || p->writer_opens != seen_writers);
    else if (acc == O_WRONLY)
        err = wait_event(&p->wait, p->readers || p->reader_opens != seen_readers);
    if (err) {
        pipe_release(f);
        return -ERESTARTSYS;
    }
    return 0;
}

/* What a FIFO is once open; pipe(2) makes its two files directly. */
const struct file_ops fifo_file_ops = {
    .open = fifo_open,
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
};

/* ---- pipe(2) ---- */

static void pipe_inode_release(struct inode *i)
{
    inode_fini(i);
    kfree(i);
}

static const struct inode_ops pipe_inode_ops = {
    .release = pipe_inode_release,
};

/* One end over the pipe's inode. */
static struct file *pipe_end(struct inode *i, uint32_t flags)
{
    struct file *f = file_new(i, &fifo_file_ops, flags);
    char path[24];

    if (IS_ERR(f))
        return f;
    inode_get(i);
    snprintf(path, sizeof path, "pipe:[%u]", i->ino);
    f->path = kstrdup(path);
    f->priv = (void *)(uintptr_t)UINT32_MAX;
    return f;
}

static int pipe_pair(struct file *end[2], uint32_t flags)
{
    struct super *s = anon_super();
    struct inode *i = s ? kmalloc(sizeof *i) : NULL;
    struct pipe *p = i ? pipe_new() : NULL;

    if (!p) {
        kfree(i);
        return -ENOMEM;
    }
    inode_init(i, s, s->next_ino++, S_IFIFO | 0600);
    i->ops = &pipe_inode_ops;
    i->fops = &fifo_file_ops;
    i->priv = p;
    p->readers = p->writers = 1;
    end[0] = pipe_end(i, O_RDONLY | flags);
    end[1] = IS_ERR(end[0]) ? end[0] : pipe_end(i, O_WRONLY | flags);
    int err = IS_ERR(end[1]) ? PTR_ERR(end[1]) : 0;
    if (err) {
        if (!IS_ERR(end[0])) {
            p->writers = 0; /* the end that never was */
            file_put(end[0]);
        } else {
            i->priv = NULL;
            pipe_free(p);
        }
    }
    inode_put(i);
    return err;
}

static long do_pipe(uint32_t fds, uint32_t flags)
{
    struct file *end[2];
    int fd[2];

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    if (flags & O_DIRECT)
        return -EINVAL; /* packet pipes are another thing */
    int err = pipe_pair(end, flags & O_NONBLOCK);
    if (err)
        return err;
    fd[0] = fd_install(end[0], 0, flags & O_CLOEXEC);
    if (fd[0] < 0) {
        file_put(end[1]);
        return fd[0];
    }
    fd[1] = fd_install(end[1], 0, flags & O_CLOEXEC);
    err = fd[1] < 0 ? fd[1] : copy_to_user((int __user *)fds, fd, sizeof fd);
    if (err) {
        fd_close(fd[0]);
        if (fd[1] >= 0)
            fd_close(fd[1]);
    }
    return err;
}

DEFINE_SYSCALL(pipe)
{
    return do_pipe(a, 0);
}

DEFINE_SYSCALL(pipe2)
{
    return do_pipe(a, b);
}
