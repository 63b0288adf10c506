/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device page of lguest: virtio devices, each with its rings, in pages behind the end of RAM
 * that the hypervisor's launcher reads and writes as we do (device.c). The console that is found
 * there is in console.c.
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

/* Find the first device of a type (LGUEST_DEV_*) and open its first n queues. false: there is no such
   device, or it makes no sense. */
bool device_open(uint8_t type, struct virtqueue *queues, unsigned n);

/* One buffer at a time: give it to the device, which reads (or with `write` writes) it. */
void virtqueue_add(struct virtqueue *q, const void *buffer, uint32_t size, bool write);
void virtqueue_kick(const struct virtqueue *q);
/* Take a used buffer back; false: none is there. *len: bytes that the device has written. */
bool virtqueue_take(struct virtqueue *q, uint32_t *len);

/* ---- console.c ---- */

void console_early(void); /* output by NOTIFY, from the first line of the kernel's life */
void console_open(void);  /* the device page's console, or a 16550 that somebody emulates */

#endif
