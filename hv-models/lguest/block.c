/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtio disk, as the original's launcher served it (blk_request() in its lguest.c): every buffer
 * of the queue is one request.
 *
 *     out  header: read or write, and from which sector on
 *     out  what to write, in any number of pieces         or   in  room for what is read
 *     in   one byte: how it went
 *
 * A request is complete when NOTIFY returns, on every run at the same cycle: the sectors are in
 * memory (emu/dev/disk.h), so there is nothing to wait for. What a real disk would have taken is not
 * charged; that the bytes were copied is.
 *
 * An honest driver never asks for what cannot be done, so most mistakes end the guest, as the
 * launcher's errx() did. Reading beyond the end is the exception: it reads less.
 */
#include "lguest.h"

uint32_t lguest_disk_features(struct domain *d)
{
    return 1u << LGUEST_BLK_F_SEG_MAX |
           1u << (lguest_variant(d)->barriers ? LGUEST_BLK_F_BARRIER : LGUEST_BLK_F_FLUSH);
}

/* A request on its way: which disk, which pieces, and where on the disk the next byte is. */
struct request {
    unsigned disk;
    const struct lguest_chain *c;
    uint32_t out, in; /* pieces of each kind, header and status included */
    uint64_t at;
};

static void charge(struct domain *d, uint64_t bytes)
{
    hv_cost_times(d, LGUEST_COST_SECTOR, (uint32_t)((bytes + DISK_SECTOR - 1) / DISK_SECTOR));
}

/* One piece of it, by way of a page of ours. */
static void copy_part(struct domain *d, struct request *r, uint32_t part, uint32_t n, bool write)
{
    uint8_t bytes[PAGE_SIZE];
    uint32_t at = r->c->part[part].at;

    for (uint32_t len; n && !d->end.kind; n -= len, at += len, r->at += len) {
        len = n < sizeof bytes ? n : (uint32_t)sizeof bytes;
        if (write) {
            lguest_read(d, at, bytes, len);
            disk_write(d->disks, r->disk, r->at, bytes, len);
        } else if (disk_read(d->disks, r->disk, r->at, bytes, len)) {
            lguest_write(d, at, bytes, len);
        }
    }
}

static uint64_t length(const struct lguest_chain *c, uint32_t first, uint32_t last)
{
    uint64_t n = 0;
    for (uint32_t i = first; i < last; i++)
        n += c->part[i].len;
    return n;
}

static void write_sectors(struct domain *d, struct request *r)
{
    uint64_t bytes = length(r->c, 1, r->out), end = disk_bytes(d->disks, r->disk);

    hv_stage2(d, "write to the disk: from sector, bytes", (uint32_t)(r->at / DISK_SECTOR),
              (uint32_t)bytes);
    if (r->in > 1)
        kill_guest(d, "a write to the disk with room for what is read");
    else if (bytes && (r->at > end || bytes > end - r->at))
        kill_guest(d, "write past the disk's end: %llu+%llu", (unsigned long long)r->at,
                   (unsigned long long)bytes);
    if (d->end.kind)
        return;
    charge(d, bytes);
    for (uint32_t i = 1; i < r->out; i++)
        copy_part(d, r, i, r->c->part[i].len, true);
}

/* How many bytes were read: less than there is room for at the disk's end. */
static uint32_t read_sectors(struct domain *d, struct request *r)
{
    uint32_t last = r->out + r->in - 1;
    uint64_t room = length(r->c, r->out, last), end = disk_bytes(d->disks, r->disk);
    uint64_t left = r->at < end ? end - r->at : 0, bytes = room < left ? room : left;

    hv_stage2(d, "read from the disk: from sector, bytes", (uint32_t)(r->at / DISK_SECTOR),
              (uint32_t)bytes);
    if (r->out > 1) {
        kill_guest(d, "a read from the disk with something to be written");
        return 0;
    }
    charge(d, bytes);
    for (uint32_t i = r->out; i < last && bytes; i++) {
        uint32_t len = r->c->part[i].len < bytes ? r->c->part[i].len : (uint32_t)bytes;
        copy_part(d, r, i, len, false);
        bytes -= len;
    }
    return (uint32_t)(room < left ? room : left);
}

/* The outermost pieces are header and status, and exactly as long as these are. */
static bool well_formed(struct domain *d, struct request *r)
{
    const struct lguest_chain *c = r->c;

    while (r->out < c->count && !c->part[r->out].in)
        r->out++;
    r->in = c->count - r->out;
    if (!r->out || !r->in)
        kill_guest(d, "bad virtblk cmd %u out=%u in=%u", c->head, r->out, r->in);
    else if (c->part[0].len != sizeof(struct lguest_blk_header))
        kill_guest(d, "a disk's request with a header of %u bytes", c->part[0].len);
    else if (c->part[c->count - 1].len != 1)
        kill_guest(d, "a disk's request with a status of %u bytes", c->part[c->count - 1].len);
    return !d->end.kind;
}

static void flush(struct domain *d, unsigned disk)
{
    hv_stage(d, "what was written shall survive: flush", disk);
    disk_flush(d->disks, disk);
}

/* The launcher tests bits, one after the other. */
static void serve(struct domain *d, struct request *r)
{
    const struct lguest_chain *c = r->c;
    const bool barriers = lguest_variant(d)->barriers;
    struct lguest_blk_header h;
    uint8_t status = LGUEST_BLK_S_OK;
    uint32_t written = 1;

    if (!well_formed(d, r) || !lguest_read(d, c->part[0].at, &h, sizeof h))
        return;
    if (h.sector >= 1ull << 54) { /* no file reaches as far */
        kill_guest(d, "bad seek to the disk's sector %llu", (unsigned long long)h.sector);
        return;
    }
    r->at = h.sector * DISK_SECTOR;
    if (barriers && h.type & LGUEST_BLK_T_BARRIER)
        flush(d, r->disk);
    if (h.type & LGUEST_BLK_T_SCSI_CMD) {
        hv_stage(d, "a SCSI command: not supported", h.type);
        status = LGUEST_BLK_S_UNSUPP;
    } else if (h.type & LGUEST_BLK_T_OUT) {
        write_sectors(d, r);
    } else if (!barriers && h.type & LGUEST_BLK_T_FLUSH) {
        flush(d, r->disk);
    } else {
        written += read_sectors(d, r);
    }
    if (barriers && h.type & LGUEST_BLK_T_BARRIER) /* no reordering to the front or the back */
        flush(d, r->disk);
    if (d->end.kind || !lguest_write(d, c->part[c->count - 1].at, &status, 1))
        return;
    lguest_queue_give(d, &lguest_of(d)->disk[r->disk].queue, c->head, written);
}

void lguest_disk_kick(struct domain *d, unsigned disk)
{
    struct lguest_chain c;

    /* Not more than the ring holds: the guest cannot add any meanwhile. */
    while (lguest_queue_take(d, &lguest_of(d)->disk[disk].queue, &c)) {
        struct request r = {.disk = disk, .c = &c};
        hv_stage2(d, "a request for a disk", disk, c.head);
        serve(d, &r);
    }
}
