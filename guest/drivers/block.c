/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From bytes to sectors. There is no cache between a process and its disk: a read fetches the sectors
 * that its bytes lie in, a write sends them, and where it begins or ends inside a sector that sector
 * is read first. So all who have the disk open see the same, and there is nothing to be lost but what
 * the disk itself has not put away yet; fsync() tells it to.
 */
#include "block.h"
#include "../fs/vfs.h"

enum { DEVICES = 4, BUFFER_ORDER = 4 }; /* 64 KiB a piece, when memory is not short */

static struct block_device *devices[DEVICES];

void block_register(struct block_device *d)
{
    for (unsigned i = 0; i < DEVICES; i++)
        if (!devices[i]) {
            wait_queue_init(&d->idle);
            devices[i] = d;
            printk("%s: %llu sectors of %u bytes\n", d->name, d->sectors, SECTOR_SIZE);
            return;
        }
}

struct block_device *block_device(unsigned index)
{
    return index < DEVICES ? devices[index] : NULL;
}

static struct block_device *find(uint32_t rdev)
{
    for (unsigned i = 0; i < DEVICES && devices[i]; i++)
        if (devices[i]->rdev == rdev)
            return devices[i];
    return NULL;
}

static struct block_device *device_of(const struct file *f)
{
    return f->priv;
}

static uint64_t size_of(const struct block_device *d)
{
    return d->sectors * SECTOR_SIZE;
}

/* ---- one at a time ---- */

static void acquire(struct block_device *d)
{
    wait_event_always(&d->idle, !d->busy);
    d->busy = true;
}

static void release(struct block_device *d)
{
    d->busy = false;
    wake_up(&d->idle);
}

static int flush(struct block_device *d)
{
    acquire(d);
    int err = d->flush(d);
    release(d);
    return err;
}

int block_sync_all(void)
{
    int err = 0;

    for (unsigned i = 0; i < DEVICES && devices[i]; i++) {
        int one = flush(devices[i]);
        err = err ? err : one;
    }
    return err;
}

/* ---- pieces ---- */

/* The part of a read or write that fits the buffer at once: its bytes begin `skip` bytes into the
   first of its sectors. */
struct piece {
    uint64_t sector;
    uint32_t skip, bytes, sectors;
};

static struct piece next_piece(uint64_t pos, size_t n, uint32_t room)
{
    struct piece p = {.sector = pos / SECTOR_SIZE, .skip = pos % SECTOR_SIZE};

    p.bytes = MIN(n, room - p.skip);
    p.sectors = (p.skip + p.bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    return p;
}

static int read_piece(struct block_device *d, const struct piece *p, void *buffer)
{
    acquire(d);
    int err = d->transfer(d, false, p->sector, buffer, p->sectors);
    release(d);
    return err;
}

/* Complete one sector of the buffer with what the disk has outside [from, to). */
static int complete(struct block_device *d, uint64_t sector, uint8_t *bytes, uint32_t from,
                    uint32_t to)
{
    int err = d->transfer(d, false, sector, d->edge, 1);

    if (!err) {
        memcpy(bytes, d->edge, from);
        memcpy(bytes + to, d->edge + to, SECTOR_SIZE - to);
    }
    return err;
}

/* Nobody else writes meanwhile, or the bytes beside ours could be older than the disk's. */
static int write_piece(struct block_device *d, const struct piece *p, uint8_t *buffer)
{
    uint32_t end = p->skip + p->bytes, last = p->sectors - 1;
    uint32_t first_end = last ? SECTOR_SIZE : end, tail = end - last * SECTOR_SIZE;
    int err = 0;

    acquire(d);
    if (p->skip || first_end < SECTOR_SIZE)
        err = complete(d, p->sector, buffer, p->skip, first_end);
    if (!err && last && tail < SECTOR_SIZE)
        err = complete(d, p->sector + last, buffer + last * SECTOR_SIZE, 0, tail);
    if (!err)
        err = d->transfer(d, true, p->sector, buffer, p->sectors);
    release(d);
    return err;
}

/* ---- read() and write() ---- */

static struct page *buffer_alloc(size_t n, unsigned *order)
{
    struct page *p = NULL;

    *order = BUFFER_ORDER;
    while (*order && (PAGE_SIZE << (*order - 1)) >= n + SECTOR_SIZE)
        --*order; /* a smaller one will do */
    while (!(p = *order ? page_alloc_order(*order) : page_alloc()) && *order)
        --*order;
    return p;
}

static void buffer_free(struct page *p, unsigned order)
{
    if (order)
        page_free_order(p, order);
    else
        page_put(p);
}

static ssize_t move(struct file *f, struct span s, size_t n, uint64_t *pos, bool write)
{
    struct block_device *d = device_of(f);
    size_t done = 0;
    unsigned order;
    int err = 0;

    n = MIN((uint64_t)n, size_of(d) - *pos);
    struct page *page = buffer_alloc(n, &order);
    if (!page)
        return -ENOMEM;
    uint8_t *buffer = page_address(page);
    while (done < n && !err && !(done && signal_pending(current))) {
        struct piece p = next_piece(*pos, n - done, PAGE_SIZE << order);
        /* The process's memory is touched before or after the disk, never while we hold it. */
        if (write)
            err = span_read(buffer + p.skip, s, done, p.bytes);
        if (!err)
            err = write ? write_piece(d, &p, buffer) : read_piece(d, &p, buffer);
        if (!err && !write)
            err = span_write(s, done, buffer + p.skip, p.bytes);
        if (err)
            break;
        done += p.bytes;
        *pos += p.bytes;
        breathe();
    }
    buffer_free(page, order);
    return done ? (ssize_t)done : err;
}

static ssize_t block_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    if (*pos >= size_of(device_of(f)) || !n)
        return 0;
    return move(f, to, n, pos, false);
}

static ssize_t block_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    if (!n)
        return 0;
    if (*pos >= size_of(device_of(f)))
        return -ENOSPC;
    ssize_t done = move(f, from, n, pos, true);
    if (done > 0 && f->flags & (O_SYNC & ~O_CREAT)) {
        int err = flush(device_of(f));
        return err ? err : done;
    }
    return done;
}

/* ---- the rest of a file ---- */

static int block_open(struct inode *i, struct file *f)
{
    f->priv = find(i->rdev);
    return f->priv ? 0 : -ENXIO;
}

static loff_t block_lseek(struct file *f, loff_t off, int whence)
{
    enum { SEEK_SET, SEEK_CUR, SEEK_END };

    if (whence == SEEK_END) { /* the inode knows no size: it is the device's */
        off += (loff_t)size_of(device_of(f));
        whence = SEEK_SET;
    }
    return whence == SEEK_SET || whence == SEEK_CUR ? generic_lseek(f, off, whence) : -EINVAL;
}

static long block_sync(struct file *f)
{
    return flush(device_of(f));
}

/* Numbers from Linux's linux/fs.h. */
static long block_ioctl(struct file *f, uint32_t cmd, uint32_t arg)
{
    enum {
        BLKROGET = 0x125E,
        BLKGETSIZE = 0x1260,
        BLKFLSBUF = 0x1261,
        BLKSSZGET = 0x1268,
        BLKBSZGET = 0x80041270,
        BLKGETSIZE64 = 0x80041272,
    };
    struct block_device *d = device_of(f);

    switch (cmd) {
    case BLKROGET:
        return put_user(0, (int __user *)arg);
    case BLKGETSIZE:
        return put_user((uint32_t)d->sectors, (uint32_t __user *)arg);
    case BLKGETSIZE64:
        return put_user(size_of(d), (uint64_t __user *)arg);
    case BLKSSZGET:
        return put_user(SECTOR_SIZE, (uint32_t __user *)arg);
    case BLKBSZGET:
        return put_user(PAGE_SIZE, (uint32_t __user *)arg);
    case BLKFLSBUF:
        return flush(d);
    }
    return -ENOTTY;
}

static const struct file_ops ops = {
    .open = block_open,
    .read = block_read,
    .write = block_write,
    .lseek = block_lseek,
    .ioctl = block_ioctl,
    .sync = block_sync,
};

const struct file_ops *block_file_ops(uint32_t rdev)
{
    return find(rdev) ? &ops : NULL;
}
