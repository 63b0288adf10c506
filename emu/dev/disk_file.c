/* SPDX-License-Identifier: GPL-2.0-only */
/* A disk's file, read at the start and written back to when that was asked for: see disk_file.h. */
#include "disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../digest.h"

struct disk_file {
    int fd;
    char *path;
    struct disks *disks;
    unsigned disk;
    uint8_t *written; /* a bit a sector */
    uint64_t sectors;
    struct err err; /* the first write that failed */
};

/* ---- reading ---- */

static bool check(const char *path, const struct stat *st, struct err *err)
{
    if (S_ISDIR(st->st_mode))
        return err_set(err, ERR_FILE, "%s: a directory is no disk", path);
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_FILE, "%s: not a regular file, so it is no disk's image", path);
    if (!st->st_size)
        return err_set(err, ERR_FILE, "%s: an empty file is no disk", path);
    uint64_t bytes[DISKS_MAX] = {(uint64_t)st->st_size};
    const char *why = disks_refuse(bytes);
    return !why ||
           err_set(err, ERR_FILE, "%s: %llu bytes: %s", path, (unsigned long long)st->st_size, why);
}

static bool read_image(int fd, const char *path, size_t size, struct image *img, struct err *err)
{
    uint8_t *data = malloc(size);
    size_t n = 0;

    *img = (struct image){.data = data, .size = size, .name = strdup(path)};
    if (!data || !img->name)
        return err_set(err, ERR_SYSTEM, "%s: no memory for its %zu MiB", path, size >> 20);
    while (n < size) {
        ssize_t got = read(fd, data + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, ERR_FILE, "%s: %s", path,
                           got ? strerror(errno) : "it became shorter while it was read");
        n += (size_t)got;
    }
    return true;
}

static bool keep(int fd, const char *path, size_t size, struct disk_file **out, struct err *err)
{
    struct disk_file *f = calloc(1, sizeof *f);

    if (f) {
        f->fd = fd;
        f->path = strdup(path);
        f->sectors = size / DISK_SECTOR;
        f->written = calloc(f->sectors / 8 + 1, 1);
    }
    if (!f || !f->path || !f->written) {
        if (f)
            f->fd = -1; /* still the caller's to close */
        disk_file_close(f);
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    *out = f;
    return true;
}

/* Whoever only reads takes a lock too, for the moment: an image that is half one thing and half
   another is worth nothing. */
static bool lock(int fd, const char *path, bool writable, struct err *err)
{
    if (!flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB))
        return true;
    if (errno == EWOULDBLOCK)
        return err_set(err, ERR_FILE, "%s: locked: another run %s it (or it is given twice)", path,
                       writable ? "uses" : "writes to");
    return err_set(err, ERR_FILE, "%s: cannot be locked: %s", path, strerror(errno));
}

bool disk_file_read(const char *path, bool writable, struct image *img, struct disk_file **out,
                    struct err *err)
{
    struct stat st;
    /* O_NONBLOCK: a pipe that nobody writes to shall be refused, not waited for. */
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);

    *img = (struct image){0};
    *out = NULL;
    if (fd < 0)
        return err_set(err, ERR_FILE, errno == EISDIR ? "%s: a directory is no disk" : "%s: %s",
                       path, strerror(errno));
    bool ok = (!fstat(fd, &st) || err_set(err, ERR_FILE, "%s: %s", path, strerror(errno))) &&
              check(path, &st, err) && lock(fd, path, writable, err) &&
              read_image(fd, path, (size_t)st.st_size, img, err) &&
              (!writable || keep(fd, path, (size_t)st.st_size, out, err));
    if (!ok || !writable)
        close(fd);
    if (!ok)
        image_free(img);
    return ok;
}

/* Zeros are there already, and writing them would cost the host a page each. */
void disk_fill(struct disks *s, unsigned disk, const struct image *img)
{
    for (size_t at = 0; at < img->size; at += PAGE_SIZE) {
        size_t n = img->size - at < PAGE_SIZE ? img->size - at : PAGE_SIZE;
        if (n < PAGE_SIZE || !digest_page_is_zero(img->data + at))
            disk_write(s, disk, at, img->data + at, n);
    }
}

/* ---- writing back ---- */

static void note(void *ctx, uint64_t at, size_t n)
{
    struct disk_file *f = ctx;

    for (uint64_t s = at / DISK_SECTOR; s <= (at + n - 1) / DISK_SECTOR; s++)
        f->written[s / 8] |= (uint8_t)(1u << s % 8);
}

static bool is_written(const struct disk_file *f, uint64_t sector)
{
    return sector < f->sectors && f->written[sector / 8] >> sector % 8 & 1;
}

static bool put(struct disk_file *f, uint64_t at, const uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t done = pwrite(f->fd, bytes, n, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return true;
}

/* Sectors that follow each other go in one piece, of 64 KiB at most. */
static bool write_back(struct disk_file *f)
{
    enum { MOST = 128 };
    uint8_t bytes[MOST * DISK_SECTOR];

    for (uint64_t s = 0; s < f->sectors;) {
        if (!f->written[s / 8]) {
            s = (s / 8 + 1) * 8;
            continue;
        }
        size_t n = 0;
        while (n < MOST && is_written(f, s + n))
            n++;
        if (!n) {
            s++;
            continue;
        }
        disk_read(f->disks, f->disk, s * DISK_SECTOR, bytes, n * DISK_SECTOR);
        if (!put(f, s * DISK_SECTOR, bytes, n * DISK_SECTOR))
            return false;
        for (; n; n--, s++)
            f->written[s / 8] &= (uint8_t) ~(1u << s % 8);
    }
    return true;
}

/* The guest goes on whatever happens here; the person hears of it at the end. */
static void flush(void *ctx)
{
    struct disk_file *f = ctx;

    errno = 0;
    if ((!write_back(f) || fdatasync(f->fd)) && f->err.class == ERR_NONE)
        err_set(&f->err, ERR_FILE, "%s: not all that the guest wrote is in it: %s", f->path,
                strerror(errno ? errno : EIO));
}

bool disk_file_attach(struct disk_file *f, struct disks *s, unsigned disk, struct err *err)
{
    const struct disk_listener l = {.written = note, .flush = flush, .ctx = f};

    if (disk_bytes(s, disk) != f->sectors * DISK_SECTOR)
        return err_set(err, ERR_USAGE, "%s: not of the size of its disk", f->path);
    f->disks = s;
    f->disk = disk;
    disk_listen(s, disk, &l);
    return true;
}

bool disk_file_sync(struct disk_file *f, struct err *err)
{
    if (f->disks)
        flush(f);
    if (f->err.class == ERR_NONE)
        return true;
    if (err)
        *err = f->err;
    return false;
}

void disk_file_close(struct disk_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f->written);
    free(f);
}
