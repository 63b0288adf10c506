/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks in frames: see disk.h. The frames are a second struct mem, so that all that is known about
 * RAM's frames (who changed them, where they end) is known about these. A struct mem has the PC's
 * hole in its first megabyte, hence the disks begin behind it, each on a page of its own.
 */
#include "disk.h"

#include <stdlib.h>

struct disks {
    struct mem *mem;
    unsigned count;
    struct disk {
        uint64_t start, bytes; /* start: in mem */
        struct disk_listener listener;
    } disk[DISKS_MAX];
};

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

const char *disks_refuse(const uint64_t bytes[DISKS_MAX])
{
    uint64_t all = 0;

    for (unsigned i = 0; i < DISKS_MAX; i++) {
        if (bytes[i] % DISK_SECTOR)
            return "not whole sectors of 512 bytes";
        if (bytes[i] > DISK_MAX_BYTES)
            return "too big for a disk: at most 1024 MiB";
        if (i && bytes[i] && !bytes[i - 1])
            return "a disk of no sectors before one that has some";
        all += whole_pages(bytes[i]);
    }
    return all > DISKS_MAX_BYTES ? "too big together with the disks before it: at most 2048 MiB"
                                 : NULL;
}

struct disks *disks_new(const uint64_t bytes[DISKS_MAX], struct err *err)
{
    struct disks *s = calloc(1, sizeof *s);
    uint64_t end = PC_HOLE_END;

    if (!s) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    for (; s->count < DISKS_MAX && bytes[s->count]; s->count++) {
        s->disk[s->count] = (struct disk){.start = end, .bytes = bytes[s->count]};
        end += whole_pages(bytes[s->count]);
    }
    s->mem = mem_new(end < MEM_MIN_BYTES ? MEM_MIN_BYTES : end, err);
    if (!s->mem) {
        err_wrap(err, "disks");
        disks_free(s);
        return NULL;
    }
    return s;
}

void disks_free(struct disks *s)
{
    if (!s)
        return;
    mem_free(s->mem);
    free(s);
}

struct mem *disks_mem(struct disks *s)
{
    return s ? s->mem : NULL;
}

unsigned disks_count(const struct disks *s)
{
    return s ? s->count : 0;
}

uint64_t disk_bytes(const struct disks *s, unsigned n)
{
    return n < disks_count(s) ? s->disk[n].bytes : 0;
}

/* Is all of [at, at+n) on the disk? */
static bool inside(const struct disks *s, unsigned disk, uint64_t at, size_t n)
{
    uint64_t bytes = disk_bytes(s, disk);
    return disk < disks_count(s) && at <= bytes && n <= bytes - at;
}

bool disk_read(struct disks *s, unsigned disk, uint64_t at, void *to, size_t n)
{
    return inside(s, disk, at, n) && mem_read(s->mem, MADDR(s->disk[disk].start + at), to, n);
}

bool disk_write(struct disks *s, unsigned disk, uint64_t at, const void *from, size_t n)
{
    if (!inside(s, disk, at, n) || !mem_write(s->mem, MADDR(s->disk[disk].start + at), from, n))
        return false;
    const struct disk_listener *l = &s->disk[disk].listener;
    if (n && l->written)
        l->written(l->ctx, at, n);
    return true;
}

void disk_flush(struct disks *s, unsigned disk)
{
    if (disk < disks_count(s) && s->disk[disk].listener.flush)
        s->disk[disk].listener.flush(s->disk[disk].listener.ctx);
}

void disk_listen(struct disks *s, unsigned disk, const struct disk_listener *l)
{
    if (disk < disks_count(s))
        s->disk[disk].listener = *l;
}
