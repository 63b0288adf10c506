/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The content of tmpfs files. The page cache is the file: there is no disk behind it, so a page
 * that is here is the only copy, and a page that is not here is a hole that reads as zeros. Mapped
 * files and read() see the same frames.
 */
#include "tmpfs.h"

static const uint8_t zero_page[PAGE_SIZE];

static uint32_t cache_pages; /* over all tmpfs */

uint32_t tmpfs_pages(void)
{
    return cache_pages;
}

/* May the file system take another frame? Files that eat the last of memory would have the kernel
   kill a process for a mistake that "No space left on device" describes better. */
static bool room_for_page(const struct super *s)
{
    struct mem_stats m;

    if (s->max_pages && s->pages >= s->max_pages)
        return false;
    mem_stats(&m);
    return m.free > MAX(m.total / 64, 64u);
}

/* Insert a page that the file did not have; the reference moves in. */
static int add_page(struct inode *i, uint32_t index, struct page *p)
{
    int err = page_tree_insert(&tmpfs_i(i)->data, index, p);

    if (err)
        return err == -ENOMEM ? -ENOSPC : err;
    p->flags |= PG_CACHE;
    cache_pages++;
    i->pages++;
    i->super->pages++;
    return 0;
}

static void drop_page(void *ctx, struct page *p)
{
    struct inode *i = ctx;

    p->flags &= ~(uint32_t)PG_CACHE;
    cache_pages--;
    i->pages--;
    i->super->pages--;
    page_put(p);
}

void tmpfs_data_release(struct inode *i)
{
    page_tree_cut(&tmpfs_i(i)->data, 0, drop_page, i);
}

static ssize_t tmpfs_read(struct file *f, struct span to, size_t n, uint64_t *pos)
{
    struct inode *i = f->inode;
    size_t done = 0;

    if (*pos >= i->size)
        return 0;
    n = MIN((uint64_t)n, i->size - *pos);
    while (done < n) {
        uint32_t in_page = *pos & (PAGE_SIZE - 1);
        size_t chunk = MIN(n - done, PAGE_SIZE - in_page);
        struct page *p = page_tree_find(&tmpfs_i(i)->data, *pos >> PAGE_SHIFT);
        const uint8_t *from = p ? page_address(p) : zero_page;

        if (p)
            page_get(p); /* a fault below may take the file apart */
        int err = span_write(to, done, from + in_page, chunk);
        if (p)
            page_put(p);
        if (err)
            return done ? (ssize_t)done : err;
        done += chunk;
        *pos += chunk;
        breathe();
    }
    /* "relatime": one update after each change is all that mail readers ever wanted. */
    if (done && !(f->flags & O_NOATIME) && i->atime_ns <= i->mtime_ns)
        i->atime_ns = clock_realtime_ns();
    return done;
}

/* Copy a piece into a page the file does not have yet, and only then let the file have it: a copy
   that faults half-way must not leave another process's old bytes in a file. */
static int write_new_page(struct inode *i, uint32_t index, uint32_t in_page, struct span from,
                          size_t at, size_t n)
{
    if (!room_for_page(i->super))
        return -ENOSPC;
    struct page *p = page_alloc();
    if (!p)
        return -ENOSPC;
    uint8_t *bytes = page_address(p);
    memset(bytes, 0, in_page);
    int err = span_read(bytes + in_page, from, at, n);
    memset(bytes + in_page + n, 0, PAGE_SIZE - in_page - n);
    if (!err)
        err = add_page(i, index, p);
    if (err)
        page_put(p);
    return err;
}

static ssize_t tmpfs_write(struct file *f, struct span from, size_t n, uint64_t *pos)
{
    struct inode *i = f->inode;
    size_t done = 0;
    int err = 0;

    if (*pos >= FILE_SIZE_MAX)
        return -EFBIG;
    n = MIN((uint64_t)n, FILE_SIZE_MAX - *pos);
    while (done < n) {
        uint32_t in_page = *pos & (PAGE_SIZE - 1), index = *pos >> PAGE_SHIFT;
        size_t chunk = MIN(n - done, PAGE_SIZE - in_page);
        struct page *p = page_tree_find(&tmpfs_i(i)->data, index);

        if (p) {
            page_get(p);
            err = span_read((uint8_t *)page_address(p) + in_page, from, done, chunk);
            page_put(p);
        } else {
            err = write_new_page(i, index, in_page, from, done, chunk);
            if (err == -EEXIST)
                continue; /* the source is a mapping of this very hole: now it is a page */
        }
        if (err)
            break;
        done += chunk;
        *pos += chunk;
        if (*pos > i->size)
            i->size = *pos;
        if (!(f->flags & O_APPEND)) /* what is appended shall not be mixed with another's */
            breathe();
    }
    if (done)
        inode_touch(i);
    return done ? (ssize_t)done : err;
}

long tmpfs_truncate(struct inode *i, uint64_t size)
{
    if (size > FILE_SIZE_MAX)
        return -EFBIG;
    if (size < i->size) {
        uint32_t keep = (size + PAGE_SIZE - 1) >> PAGE_SHIFT, tail = size & (PAGE_SIZE - 1);

        vm_file_shrunk(i, size);
        page_tree_cut(&tmpfs_i(i)->data, keep, drop_page, i);
        struct page *last = tail ? page_tree_find(&tmpfs_i(i)->data, keep - 1) : NULL;
        if (last) /* growing again must show zeros, not what was cut off */
            memset((uint8_t *)page_address(last) + tail, 0, PAGE_SIZE - tail);
    }
    i->size = size;
    inode_touch(i);
    return 0;
}

static struct page *tmpfs_page(struct inode *i, uint32_t index, int *err)
{
    struct page *p = page_tree_find(&tmpfs_i(i)->data, index);

    if ((uint64_t)index << PAGE_SHIFT >= i->size) {
        *err = -EFAULT; /* past the end: SIGBUS */
        return NULL;
    }
    if (!p) {
        *err = -ENOMEM;
        p = room_for_page(i->super) ? page_alloc_zeroed() : NULL;
        if (!p)
            return NULL;
        if (add_page(i, index, p)) {
            page_put(p);
            return NULL;
        }
    }
    page_get(p);
    return p;
}

static void tmpfs_cached(struct inode *i, uint32_t first, unsigned n, struct page **out)
{
    uint64_t pages = (i->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    unsigned have = first < pages ? (unsigned)MIN((uint64_t)n, pages - first) : 0;

    page_tree_find_many(&tmpfs_i(i)->data, first, have, out);
    for (; have < n; have++)
        out[have] = NULL;
}

const struct file_ops tmpfs_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .lseek = generic_lseek,
    .page = tmpfs_page,
    .cached = tmpfs_cached,
};
