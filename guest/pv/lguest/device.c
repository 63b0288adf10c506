/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices under lguest (drivers/lguest/lguest_device.c of Linux 2.6.31). The page behind the last one
 * of RAM holds descriptors back to back, the rings lie in the pages after it. Nothing here is
 * trapped: both sides write the same memory, and NOTIFY says that there is something to see.
 */
#include "device.h"
#include "boot/bootinfo.h"
#include "mm/fixmap.h"
#include "mm/pagetable.h"

_Static_assert(LGUEST_DEVICE_PAGES == FIX_SLOTS - FIX_DEVICES, "every device page has its slot");

static uint32_t device_base(void)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < boot_info.ranges; i++)
        if (boot_info.range[i].type == 1)
            end = MAX(end, boot_info.range[i].start + boot_info.range[i].size);
    return (uint32_t)end;
}

/* Pages of the device area, at addresses that rise as theirs do. NULL: not all of them are in it. */
static void *map_pages(uint32_t phys, uint32_t pages)
{
    uint32_t first = (phys - device_base()) >> PAGE_SHIFT;

    if (phys % PAGE_SIZE || first >= LGUEST_DEVICE_PAGES || pages > LGUEST_DEVICE_PAGES - first)
        return NULL;
    for (uint32_t i = first; i < first + pages; i++)
        pv_set_fixmap(FIX_SLOTS - 1 - i, device_base() + (i << PAGE_SHIFT),
                      PROT_KERNEL & supported_pte_mask);
    return (void *)fixmap_address(FIX_SLOTS - 1 - first);
}

static volatile struct lguest_device_desc *find(uint8_t type, unsigned index)
{
    uint8_t *page = map_pages(device_base(), 1);

    for (uint32_t at = 0; page && at + sizeof(struct lguest_device_desc) <= PAGE_SIZE;) {
        volatile struct lguest_device_desc *d = (void *)(page + at);
        at += sizeof *d + d->num_vq * sizeof(struct lguest_vqconfig) + 2u * d->feature_len +
              d->config_len;
        if (!d->type || at > PAGE_SIZE)
            break;
        if (d->type == type && !index--)
            return d;
    }
    return NULL;
}

static bool open_queue(struct virtqueue *q, const struct lguest_vqconfig *config)
{
    uint32_t num = config->num;
    char *ring;

    if (!num || num & (num - 1) || config->pfn > 0xFFFFFFFF >> PAGE_SHIFT)
        return false;
    ring = map_pages(config->pfn << PAGE_SHIFT, PAGE_ALIGN(LGUEST_VRING_SIZE(num)) >> PAGE_SHIFT);
    if (!ring)
        return false;
    *q = (struct virtqueue){
        .num = num,
        .irq = config->irq,
        .phys = config->pfn << PAGE_SHIFT,
        .desc = (void *)ring,
        .avail = (void *)(ring + LGUEST_VRING_AVAIL_AT(num)),
        .used = (void *)(ring + LGUEST_VRING_USED_AT(num)),
    };
    return true;
}

/* The launcher hears of every step of the way up. */
static void add_status(volatile struct lguest_device_desc *d, uint8_t bits)
{
    d->status |= bits;
    uint32_t offset = (uint32_t)d & ~PAGE_MASK;
    lguest_hcall(LHCALL_NOTIFY, device_base() + offset, 0, 0, 0);
}

/* The lowest features of a device; it may have none, or more bytes of them than we look at. */
static uint32_t load_features(const volatile uint8_t *bytes, uint32_t n)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < MIN(n, sizeof bits); i++)
        bits |= (uint32_t)bytes[i] << (8 * i);
    return bits;
}

static bool negotiate(volatile struct lguest_device_desc *d, struct device_info *info)
{
    volatile uint8_t *offered =
        (volatile uint8_t *)(d + 1) + d->num_vq * sizeof(struct lguest_vqconfig);
    volatile uint8_t *accepted = offered + d->feature_len, *config = accepted + d->feature_len;

    if (d->config_len < info->config_size)
        return false;
    info->features &= load_features(offered, d->feature_len);
    for (uint32_t i = 0; i < d->feature_len; i++)
        accepted[i] = i < sizeof info->features ? (uint8_t)(info->features >> (8 * i)) : 0;
    for (uint32_t i = 0; i < info->config_size; i++)
        ((uint8_t *)info->config)[i] = config[i];
    return true;
}

static bool open_queues(volatile struct lguest_device_desc *d, struct virtqueue *queues, unsigned n)
{
    struct lguest_vqconfig config;

    for (unsigned i = 0; i < n; i++) {
        memcpy(&config, (char *)(d + 1) + i * sizeof config, sizeof config);
        if (i >= d->num_vq || !open_queue(&queues[i], &config))
            return false;
    }
    return true;
}

bool device_open(uint8_t type, unsigned index, struct virtqueue *queues, unsigned n,
                 struct device_info *info)
{
    volatile struct lguest_device_desc *d = find(type, index);

    if (!d)
        return false;
    add_status(d, LGUEST_STATUS_ACKNOWLEDGE | LGUEST_STATUS_DRIVER);
    bool ok = (!info || negotiate(d, info)) && open_queues(d, queues, n);
    add_status(d, ok ? LGUEST_STATUS_DRIVER_OK : LGUEST_STATUS_FAILED);
    return ok;
}

/* ---- queues ---- */

void virtqueue_add_chain(struct virtqueue *q, const struct virtqueue_part *part, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        volatile struct lguest_vring_desc *d = &q->desc[i];
        d->addr = lguest_phys(part[i].at);
        d->len = part[i].size;
        d->flags = (part[i].write ? LGUEST_VRING_DESC_WRITE : 0) |
                   (i + 1 < n ? LGUEST_VRING_DESC_NEXT : 0);
        d->next = (uint16_t)(i + 1);
    }
    q->avail->ring[q->avail->idx % q->num] = 0;
    __asm__ volatile("" : : : "memory"); /* the entry before the count that includes it */
    q->avail->idx++;
}

void virtqueue_add(struct virtqueue *q, const void *buffer, uint32_t size, bool write)
{
    virtqueue_add_chain(q, &(struct virtqueue_part){buffer, size, write}, 1);
}

void virtqueue_kick(const struct virtqueue *q)
{
    if (!(q->used->flags & LGUEST_VRING_USED_NO_NOTIFY))
        lguest_hcall(LHCALL_NOTIFY, q->phys, 0, 0, 0);
}

bool virtqueue_take(struct virtqueue *q, uint32_t *len)
{
    if (q->seen == q->used->idx)
        return false;
    __asm__ volatile("" : : : "memory"); /* the count before what it includes */
    *len = q->used->ring[q->seen % q->num].len;
    q->seen++;
    return true;
}
