/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device page, from the days when virtio was young: the first page behind the guest's memory
 * holds a list of descriptors, and behind it lie the rings. There is no bus, no register and no
 * probing; whatever the guest wants us to notice it says by NOTIFY with an address.
 *
 *     ram ─► [ disk: 1 queue | ... | console: 2 queues | 0 ... ]    the descriptors
 *            [ ring of the first queue: 3 pages  ]
 *            [ ring of the second: 3 pages ] ...
 *
 * The launcher made its devices in the order of its command line, and the console last; rings and
 * interrupt lines follow each other in the same order, lines from 1.
 *
 * All of it is the guest's to write, so a descriptor's address, its length, and where its chain leads
 * are believed only after looking.
 */
#include <stddef.h>
#include <string.h>

#include "lguest.h"

enum { RING_PAGES = (LGUEST_VRING_SIZE(LGUEST_VRING_NUM) + PAGE_SIZE - 1) / PAGE_SIZE };

/* ---- laying out the page ---- */

/* Where the next descriptor, the next ring and the next line are. */
struct layout {
    uint32_t at, pfn, irq;
};

static void append(struct domain *d, struct layout *l, const void *bytes, uint32_t n)
{
    lguest_write(d, l->at, bytes, n);
    l->at += n;
}

static void append_queue(struct domain *d, struct layout *l, struct lguest_queue *q)
{
    const struct lguest_vqconfig config = {
        .num = LGUEST_VRING_NUM, .irq = (uint16_t)l->irq, .pfn = l->pfn};

    *q = (struct lguest_queue){.at = l->pfn * PAGE_SIZE, .irq = l->irq};
    append(d, l, &config, sizeof config);
    l->pfn += RING_PAGES;
    l->irq++;
}

static uint8_t feature_bytes(uint32_t features)
{
    uint8_t n = 0;
    for (; features; features >>= 8)
        n++;
    return n;
}

static void append_disk(struct domain *d, struct layout *l, unsigned i)
{
    struct lguest_disk *disk = &lguest_of(d)->disk[i];
    const uint32_t offered = lguest_disk_features(d), accepted = 0;
    const struct lguest_blk_config config = {
        .capacity = disk_bytes(d->disks, i) / LGUEST_BLK_SECTOR,
        .seg_max = LGUEST_VRING_NUM - 2, /* two more are header and status */
    };
    const struct lguest_device_desc desc = {
        .type = LGUEST_DEV_BLOCK,
        .num_vq = 1,
        .feature_len = feature_bytes(offered),
        .config_len = sizeof config,
    };

    disk->desc = l->at;
    append(d, l, &desc, sizeof desc);
    append_queue(d, l, &disk->queue);
    append(d, l, &offered, desc.feature_len);
    append(d, l, &accepted, desc.feature_len);
    append(d, l, &config, sizeof config);
}

static void append_console(struct domain *d, struct layout *l)
{
    const struct lguest_device_desc desc = {.type = LGUEST_DEV_CONSOLE, .num_vq = QUEUES};
    struct lguest *lg = lguest_of(d);

    lg->console = l->at;
    append(d, l, &desc, sizeof desc);
    for (unsigned i = 0; i < QUEUES; i++)
        append_queue(d, l, &lg->queue[i]);
}

void lguest_devices_init(struct domain *d)
{
    uint32_t ram = lguest_of(d)->ram;
    struct layout l = {.at = ram, .pfn = ram / PAGE_SIZE + 1, .irq = 1};

    for (unsigned i = 0; i < disks_count(d->disks); i++)
        append_disk(d, &l, i);
    append_console(d, &l);
}

/* ---- a ring ---- */

static uint16_t read16(struct domain *d, uint32_t at)
{
    uint16_t v;
    lguest_read(d, at, &v, sizeof v);
    return v;
}

static uint32_t avail_at(const struct lguest_queue *q)
{
    return q->at + LGUEST_VRING_AVAIL_AT(LGUEST_VRING_NUM);
}

static uint32_t used_at(const struct lguest_queue *q)
{
    return q->at + LGUEST_VRING_USED_AT(LGUEST_VRING_NUM);
}

bool lguest_queue_ready(struct domain *d, const struct lguest_queue *q)
{
    uint16_t idx = read16(d, avail_at(q) + offsetof(struct lguest_vring_avail, idx));
    return idx != (uint16_t)q->last_avail;
}

void lguest_queue_reset(struct domain *d, struct lguest_queue *q)
{
    static const uint8_t zero[PAGE_SIZE];
    for (uint32_t i = 0; i < RING_PAGES; i++)
        lguest_write(d, q->at + i * PAGE_SIZE, zero, sizeof zero);
    q->last_avail = 0;
}

/* Where descriptors are: in the ring, or in a table of the guest's own to which one of them leads. */
struct table {
    uint32_t at, n;
};

static bool in_memory(struct domain *d, const struct lguest_vring_desc *e, uint32_t number)
{
    if (e->addr + e->len >= e->addr && e->addr + e->len <= lguest_of(d)->ram)
        return true;
    kill_guest(d, "descriptor %u leads to %#llx, outside of memory", number,
               (unsigned long long)e->addr);
    return false;
}

static bool read_desc(struct domain *d, const struct table *t, uint32_t number,
                      struct lguest_vring_desc *e)
{
    if (number < t->n)
        return lguest_read(d, t->at + number * (uint32_t)sizeof *e, e, sizeof *e);
    kill_guest(d, "descriptor %u of the table at %#x: there are %u", number, t->at, t->n);
    return false;
}

/* A chain may be a single descriptor of the ring that leads to a table with the real ones. The
   original's launcher follows such from 2.6.31 on, whatever its devices have offered. */
static bool open_indirect(struct domain *d, const struct lguest_vring_desc *e, uint32_t number,
                          struct table *t)
{
    if (!e->len || e->len % sizeof *e) {
        kill_guest(d, "an indirect table of %u bytes", e->len);
        return false;
    }
    *t = (struct table){(uint32_t)e->addr, e->len / (uint32_t)sizeof *e};
    return in_memory(d, e, number);
}

static bool add_part(struct domain *d, struct lguest_chain *c, const struct lguest_vring_desc *e,
                     uint32_t number)
{
    bool in = e->flags & LGUEST_VRING_DESC_WRITE;

    if (c->count && c->part[c->count - 1].in && !in) {
        kill_guest(d, "descriptor %u: out after in", number);
        return false;
    }
    c->part[c->count].at = (uint32_t)e->addr;
    c->part[c->count].len = e->len;
    c->part[c->count++].in = in;
    return in_memory(d, e, number);
}

/* Follow a chain. Its length is bounded by the ring's, so one that bites its own tail is found. */
static bool gather(struct domain *d, const struct lguest_queue *q, struct lguest_chain *c)
{
    struct table t = {q->at, LGUEST_VRING_NUM};
    struct lguest_vring_desc e;
    uint32_t next = c->head;

    c->count = 0;
    if (!read_desc(d, &t, next, &e))
        return false;
    if (e.flags & LGUEST_VRING_DESC_INDIRECT) {
        if (!open_indirect(d, &e, next, &t) || !read_desc(d, &t, 0, &e))
            return false;
        next = 0;
    }
    while (c->count < LGUEST_VRING_NUM && c->count < t.n) {
        if (e.flags & LGUEST_VRING_DESC_INDIRECT) {
            kill_guest(d, "descriptor %u is indirect in the middle of a chain", next);
            return false;
        }
        if (!add_part(d, c, &e, next))
            return false;
        if (!(e.flags & LGUEST_VRING_DESC_NEXT))
            return true;
        next = e.next;
        if (!read_desc(d, &t, next, &e))
            return false;
    }
    kill_guest(d, "looped descriptors in the queue at %#x", q->at);
    return false;
}

bool lguest_queue_take(struct domain *d, struct lguest_queue *q, struct lguest_chain *c)
{
    uint16_t idx = read16(d, avail_at(q) + offsetof(struct lguest_vring_avail, idx));

    if (idx == (uint16_t)q->last_avail || d->end.kind)
        return false;
    if ((uint16_t)(idx - q->last_avail) > LGUEST_VRING_NUM) {
        kill_guest(d, "the guest offers %u buffers in a ring of %u",
                   (uint16_t)(idx - q->last_avail), LGUEST_VRING_NUM);
        return false;
    }
    uint32_t slot = q->last_avail % LGUEST_VRING_NUM;
    q->last_avail = (uint16_t)(q->last_avail + 1);
    c->head =
        read16(d, avail_at(q) + (uint32_t)offsetof(struct lguest_vring_avail, ring) + slot * 2);
    return gather(d, q, c);
}

void lguest_queue_give(struct domain *d, struct lguest_queue *q, uint32_t head, uint32_t written)
{
    uint32_t at = used_at(q);
    uint16_t idx = read16(d, at + offsetof(struct lguest_vring_used, idx));
    struct lguest_vring_used_elem e = {head, written};

    lguest_write(d,
                 at + (uint32_t)offsetof(struct lguest_vring_used, ring) +
                     idx % LGUEST_VRING_NUM * (uint32_t)sizeof e,
                 &e, sizeof e);
    idx++;
    lguest_write(d, at + offsetof(struct lguest_vring_used, idx), &idx, sizeof idx);
    if (!(read16(d, avail_at(q)) & LGUEST_VRING_AVAIL_NO_IRQ))
        lguest_raise(d, q->irq);
}

/* ---- NOTIFY: a queue, a device, or a string ---- */

/* True: the driver wants it as it was when new, or has given up. Its rings are zeros again. */
static bool status_written(struct domain *d, uint32_t desc, struct lguest_queue *queue, unsigned n)
{
    uint8_t status;

    lguest_read(d, desc + (uint32_t)offsetof(struct lguest_device_desc, status), &status, 1);
    hv_stage2(d, "the driver wrote the device's status", desc, status);
    if (status && !(status & LGUEST_STATUS_FAILED))
        return false;
    for (unsigned i = 0; i < n; i++)
        lguest_queue_reset(d, &queue[i]);
    return true;
}

static void disk_status(struct domain *d, struct lguest_disk *disk)
{
    const uint32_t none = 0, offered = feature_bytes(lguest_disk_features(d));

    if (status_written(d, disk->desc, &disk->queue, 1)) /* the features that it accepted */
        lguest_write(d,
                     disk->desc + (uint32_t)sizeof(struct lguest_device_desc) +
                         (uint32_t)sizeof(struct lguest_vqconfig) + offered,
                     &none, offered);
}

/* Is it a disk's? A queue may be kicked before its driver says that all is ready: Linux reads the
   partition table while it is setting up. */
static bool notify_disk(struct domain *d, uint32_t at)
{
    struct lguest *lg = lguest_of(d);

    for (unsigned i = 0; i < disks_count(d->disks); i++) {
        if (at == lg->disk[i].desc)
            disk_status(d, &lg->disk[i]);
        else if (at == lg->disk[i].queue.at)
            lguest_disk_kick(d, i);
        else
            continue;
        return true;
    }
    return false;
}

void lguest_notify(struct domain *d, uint32_t at)
{
    struct lguest *lg = lguest_of(d);

    if (notify_disk(d, at))
        return;
    if (at == lg->console)
        status_written(d, lg->console, lg->queue, QUEUES);
    else if (at == lg->queue[QUEUE_OUT].at)
        lguest_console_kick(d);
    else if (at == lg->queue[QUEUE_IN].at)
        lguest_console_wanted(d);
    else if (at < lg->ram)
        lguest_console_text(d, at);
    else
        kill_guest(d, "bad NOTIFY %#x", at);
}
