/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio disks on the device page. A request is three buffers in a chain: a header that says what is
 * wanted, the data, and a byte in which the device says how it went. One request at a time: the disk
 * may take as long as it likes, and whoever waits for it sleeps until the interrupt.
 */
#include "device.h"
#include "drivers/block.h"
#include "fs/vfs.h"
#include "kernel/traps.h"

enum { DISKS = 4, MAJOR = 254, MINORS = 16 }; /* numbers as Linux gives them out: 16 to a disk */

static struct disk {
    struct block_device block;
    struct virtqueue queue;
    uint32_t features;
    bool line_ready;
    struct lguest_blk_header header;
    uint8_t status;
} disks[DISKS];

static struct wait_queue done = WAIT_QUEUE_INIT(done);

static struct disk *disk_of(struct block_device *d)
{
    return container_of(d, struct disk, block);
}

static void completed(__attribute__((unused)) struct trap_frame *f)
{
    wake_up(&done);
}

/* The disks are found before there are interrupts. */
static void prepare_line(struct disk *d)
{
    if (!d->line_ready)
        irq_register(d->queue.irq, d->block.name, completed);
    d->line_ready = true;
}

static int request(struct disk *d, uint32_t type, uint64_t sector, void *data, uint32_t bytes)
{
    const bool write = type & LGUEST_BLK_T_OUT;
    struct virtqueue_part part[3];
    unsigned n = 0;
    uint32_t len;

    d->header = (struct lguest_blk_header){.type = type, .sector = sector};
    d->status = 0xFF;
    part[n++] = (struct virtqueue_part){&d->header, sizeof d->header, false};
    if (bytes)
        part[n++] = (struct virtqueue_part){data, bytes, !write};
    part[n++] = (struct virtqueue_part){&d->status, sizeof d->status, true};
    prepare_line(d);
    virtqueue_add_chain(&d->queue, part, n);
    virtqueue_kick(&d->queue);
    wait_event_always(&done, virtqueue_take(&d->queue, &len));
    return *(volatile uint8_t *)&d->status == LGUEST_BLK_S_OK ? 0 : -EIO;
}

static int transfer(struct block_device *b, bool write, uint64_t sector, void *buffer,
                    uint32_t count)
{
    return request(disk_of(b), write ? LGUEST_BLK_T_OUT : 0, sector, buffer, count * SECTOR_SIZE);
}

/* Before there were flushes there were barriers, and a barrier needs a request to be part of: reading
   a sector does no harm. */
static int flush(struct block_device *b)
{
    struct disk *d = disk_of(b);

    if (d->features & 1u << LGUEST_BLK_F_FLUSH)
        return request(d, LGUEST_BLK_T_FLUSH, 0, NULL, 0);
    if (d->features & 1u << LGUEST_BLK_F_BARRIER)
        return request(d, LGUEST_BLK_T_BARRIER, 0, b->edge, SECTOR_SIZE);
    return 0;
}

static bool open_disk(struct disk *d, unsigned index)
{
    struct lguest_blk_config config;
    struct device_info info = {
        .features = 1u << LGUEST_BLK_F_FLUSH | 1u << LGUEST_BLK_F_BARRIER,
        .config = &config,
        .config_size = sizeof config,
    };

    if (!device_open(LGUEST_DEV_BLOCK, index, &d->queue, 1, &info) || d->queue.irq >= IRQS)
        return false;
    d->features = info.features;
    d->block = (struct block_device){
        .name = {'v', 'd', (char)('a' + index)},
        .rdev = MKDEV(MAJOR, index * MINORS),
        .sectors = config.capacity,
        .transfer = transfer,
        .flush = flush,
    };
    return true;
}

void block_open(void)
{
    for (unsigned i = 0; i < DISKS && open_disk(&disks[i], i); i++)
        block_register(&disks[i].block);
}
