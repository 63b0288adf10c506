/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device page, from the days when virtio was young: the first page behind the guest's memory
 * holds a list of descriptors, and behind it lie the rings. There is no bus, no register and no
 * probing; whatever the guest wants us to notice it says by NOTIFY with an address.
 *
 *     ram ─► [ console: 2 queues | 0 ... ]      the descriptors
 *            [ ring of queue 0: 3 pages  ]
 *            [ ring of queue 1: 3 pages  ]
 *
 * All of it is the guest's to write, so a descriptor's address, its length, and where its chain leads
 * are believed only after looking.
 */
#include <stddef.h>
#include <string.h>

#include "lguest.h"

/* The console is all there is on the page. */
struct device_page {
    struct lguest_device_desc desc;
    struct lguest_vqconfig vq[QUEUES];
} __attribute__((packed));

enum { RING_PAGES = (LGUEST_VRING_SIZE(LGUEST_VRING_NUM) + PAGE_SIZE - 1) / PAGE_SIZE };

void lguest_devices_init(struct domain *d)
{
    struct lguest *lg = lguest_of(d);
    struct device_page page = {.desc = {.type = LGUEST_DEV_CONSOLE, .num_vq = QUEUES}};

    for (uint32_t i = 0; i < QUEUES; i++) {
        uint32_t pfn = lg->ram / PAGE_SIZE + 1 + i * RING_PAGES;
        lg->queue[i] = (struct lguest_queue){.at = pfn * PAGE_SIZE, .irq = i + 1};
        page.vq[i] =
            (struct lguest_vqconfig){.num = LGUEST_VRING_NUM, .irq = (uint16_t)(i + 1), .pfn = pfn};
    }
    lguest_write(d, lg->ram, &page, sizeof page);
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

/* Follow a chain. Its length is bounded by the ring's, so one that bites its own tail is found. */
static bool gather(struct domain *d, const struct lguest_queue *q, struct lguest_chain *c)
{
    uint32_t next = c->head;

    for (c->count = 0; c->count < LGUEST_VRING_NUM; c->count++) {
        struct lguest_vring_desc e;
        if (next >= LGUEST_VRING_NUM) {
            kill_guest(d, "descriptor %u of the queue at %#x: there are %u", next, q->at,
                       LGUEST_VRING_NUM);
            return false;
        }
        lguest_read(d, q->at + next * (uint32_t)sizeof e, &e, sizeof e);
        if (e.flags & LGUEST_VRING_DESC_INDIRECT) {
            kill_guest(d, "an indirect descriptor, which this device did not offer");
            return false;
        }
        if (e.addr + e.len < e.addr || e.addr + e.len > lguest_of(d)->ram) {
            kill_guest(d, "descriptor %u leads to %#llx, outside of memory", next,
                       (unsigned long long)e.addr);
            return false;
        }
        c->part[c->count].at = (uint32_t)e.addr;
        c->part[c->count].len = e.len;
        c->part[c->count].in = e.flags & LGUEST_VRING_DESC_WRITE;
        if (!(e.flags & LGUEST_VRING_DESC_NEXT)) {
            c->count++;
            return true;
        }
        next = e.next;
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

static void status_written(struct domain *d)
{
    struct lguest *lg = lguest_of(d);
    uint8_t status;

    lguest_read(d, lg->ram + (uint32_t)offsetof(struct device_page, desc.status), &status, 1);
    hv_stage(d, "the driver wrote the device's status", status);
    lg->driver_ok = !!(status & LGUEST_STATUS_DRIVER_OK);
    if (status && !(status & LGUEST_STATUS_FAILED))
        return;
    for (uint32_t i = 0; i < QUEUES; i++)
        lguest_queue_reset(d, &lg->queue[i]);
}

void lguest_notify(struct domain *d, uint32_t at)
{
    struct lguest *lg = lguest_of(d);

    if (at == lg->ram)
        status_written(d);
    else if (at == lg->queue[QUEUE_OUT].at)
        lguest_console_kick(d);
    else if (at == lg->queue[QUEUE_IN].at)
        lguest_console_wanted(d);
    else if (at < lg->ram)
        lguest_console_text(d, at);
    else
        kill_guest(d, "bad NOTIFY %#x", at);
}
