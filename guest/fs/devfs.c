/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev: a tmpfs that is born with its nodes. What a device does hangs on its number alone, so a
 * node made with mknod anywhere works as well.
 */
#include "../drivers/block.h"
#include "../drivers/tty.h"
#include "../kernel/random.h"
#include "vfs.h"

/* ---- /dev/null, zero and full ---- */

static ssize_t null_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    (void)f, (void)to, (void)n, (void)pos;
    return 0;
}

static ssize_t null_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    (void)f, (void)from;
    *pos += n;
    return n;
}

static loff_t null_lseek(struct file *f, loff_t off, int whence)
{
    (void)off, (void)whence;
    f->pos = 0;
    return 0;
}

static ssize_t zero_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    size_t done = 0;

    (void)f, (void)pos;
    while (done < n && !(done && signal_pending(current))) {
        size_t chunk = MIN(n - done, 16 * PAGE_SIZE);
        int err = 0;
        if (to.kernel)
            memset(to.base + done, 0, chunk);
        else
            err = clear_user(to.base + done, chunk);
        if (err)
            return done ? (ssize_t)done : err;
        done += chunk;
        breathe();
    }
    return done;
}

static struct page *zero_device_page(struct inode *i, uint32_t index, int *err)
{
    (void)i, (void)index;
    *err = -ENOMEM;
    return page_alloc_zeroed();
}

static struct file *zero_map_shared(struct file *f, uint64_t size)
{
    (void)f;
    return file_new_memory("/dev/zero", size);
}

static ssize_t full_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    (void)f, (void)from, (void)pos;
    return n ? -ENOSPC : 0;
}

/* ---- /dev/random and urandom: the same seeded generator, so that runs repeat ---- */

static ssize_t random_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    uint8_t bytes[256];
    size_t done = 0;

    (void)f, (void)pos;
    while (done < n && !(done >= PAGE_SIZE && signal_pending(current))) {
        size_t chunk = MIN(n - done, sizeof bytes);
        random_bytes(bytes, chunk);
        int err = span_write(to, done, bytes, chunk);
        if (err)
            return done ? (ssize_t)done : err;
        done += chunk;
    }
    return done;
}

/* ---- /dev/kmsg: what is written becomes a line of the kernel's log ---- */

static ssize_t kmsg_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    char line[256];
    size_t len = MIN(n, sizeof line - 1);

    (void)f, (void)pos;
    int err = span_read(line, from, 0, len);
    if (err)
        return err;
    while (len && (line[len - 1] == '\n' || !line[len - 1]))
        len--;
    line[len] = 0;
    const char *text = line;
    if (*text == '<') { /* "<6>text": a priority, which this log does not keep */
        const char *end = strchr(text, '>');
        if (end && end - text <= 4)
            text = end + 1;
    }
    printk("%s\n", text);
    return n;
}

static const struct file_ops null_ops = {
    .read = null_read,
    .write = null_write,
    .lseek = null_lseek,
};
static const struct file_ops zero_ops = {
    .read = zero_read,
    .write = null_write,
    .lseek = null_lseek,
    .page = zero_device_page,
    .map_shared = zero_map_shared,
};
static const struct file_ops full_ops = {
    .read = zero_read,
    .write = full_write,
    .lseek = null_lseek,
};
static const struct file_ops random_ops = {
    .read = random_read,
    .write = null_write,
    .lseek = null_lseek,
};
static const struct file_ops kmsg_ops = {
    .write = kmsg_write,
};

/* ---- the tables ---- */

struct device {
    const char *name;
    uint32_t rdev;
    mode_t mode;
    const struct file_ops *fops;
};

static const struct device devices[] = {
    {"null", MKDEV(1u, 3u), 0666, &null_ops},
    {"zero", MKDEV(1u, 5u), 0666, &zero_ops},
    {"full", MKDEV(1u, 7u), 0666, &full_ops},
    {"random", MKDEV(1u, 8u), 0666, &random_ops},
    {"urandom", MKDEV(1u, 9u), 0666, &random_ops},
    {"kmsg", MKDEV(1u, 11u), 0644, &kmsg_ops},
    {"tty", MKDEV(5u, 0u), 0666, &tty_current_file_ops},
    {"console", MKDEV(5u, 1u), 0600, &tty_file_ops},
    {"ttyS0", MKDEV(4u, 64u), 0600, &tty_file_ops},
};

static const struct {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

const struct file_ops *special_file_ops(const struct inode *i)
{
    if (S_ISFIFO(i->mode))
        return &fifo_file_ops;
    if (S_ISBLK(i->mode))
        return block_file_ops(i->rdev);
    if (!S_ISCHR(i->mode))
        return NULL; /* there is no socket */
    for (size_t k = 0; k < ARRAY_LEN(devices); k++)
        if (devices[k].rdev == i->rdev)
            return devices[k].fops;
    return NULL;
}

/* /proc/devices: majors and their drivers, from the same table. */
const char *device_name(size_t index, uint32_t *rdev)
{
    if (index >= ARRAY_LEN(devices))
        return NULL;
    *rdev = devices[index].rdev;
    return devices[index].name;
}

struct super *devfs_mount(void)
{
    struct super *s = tmpfs_mount("devtmpfs", "devtmpfs");
    long err = s ? 0 : -ENOMEM;

    for (size_t k = 0; k < ARRAY_LEN(devices) && !err; k++)
        err = s->root->ops->create(s->root, devices[k].name, S_IFCHR | devices[k].mode,
                                   devices[k].rdev, NULL);
    for (unsigned k = 0; block_device(k) && !err; k++)
        err = s->root->ops->create(s->root, block_device(k)->name, S_IFBLK | 0660,
                                   block_device(k)->rdev, NULL);
    for (size_t k = 0; k < ARRAY_LEN(links) && !err; k++)
        err = s->root->ops->symlink(s->root, links[k].name, links[k].target);
    return err ? NULL : s;
}
