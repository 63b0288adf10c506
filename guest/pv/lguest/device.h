/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device page of lguest: virtio devices, each with its rings, in pages behind the end of RAM
 * that the hypervisor's launcher reads and writes as we do (device.c). The console that is found
 * there is in console.c, the disks are in block.c.
 */
#ifndef PV_LGUEST_DEVICE_H
#define PV_LGUEST_DEVICE_H

#include "lguest.h"

struct virtqueue {
    uint32_t num, irq, phys; /* phys names the queue in NOTIFY */
    volatile struct lguest_vring_desc *desc;
    volatile struct lguest_vring_avail *avail;
    volatile struct lguest_vring_used *used;
    uint16_t seen; /* used entries that were taken */
};

/* What driver and device tell each other; a driver without wishes gives NULL. */
struct device_info {
    uint32_t features;    /* in: the bits that the driver knows; out: those that the device has too */
    void *config;         /* filled with this many bytes of the device's configuration, */
    uint32_t config_size; /* or it is no such device */
};

/* Find a device of a type (LGUEST_DEV_*), the index-th from 0, and open its first n queues. false:
   there is no such device, or it makes no sense. */
bool device_open(uint8_t type, unsigned index, struct virtqueue *queues, unsigned n,
                 struct device_info *info);

/* One buffer at a time, in one or more parts: those that the device reads, then those it writes. */
struct virtqueue_part {
    const void *at;
    uint32_t size;
    bool write;
};
void virtqueue_add_chain(struct virtqueue *q, const struct virtqueue_part *part, unsigned n);
void virtqueue_add(struct virtqueue *q, const void *buffer, uint32_t size, bool write);
void virtqueue_kick(const struct virtqueue *q);
/* Take a used buffer back; false: none is there. *len: bytes that the device has written. */
bool virtqueue_take(struct virtqueue *q, uint32_t *len);

/* ---- block.c ---- */

void block_open(void); /* all the disks there are */

/* ---- console.c ---- */

void console_early(void); /* output by NOTIFY, from the first line of the kernel's life */
void console_open(void);  /* the device page's console, or a 16550 that somebody emulates */

#endif
