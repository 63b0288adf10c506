/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The port bus: who answers at which of the 65,536 ports. A device takes a range and says how wide
 * an access it can take at once; wider ones are split into halves, lowest port first, as the bus
 * controller of a PC does for 8-bit devices. Where nobody answers, reads give all ones.
 */
#ifndef EMU_DEV_PORTS_H
#define EMU_DEV_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#define PORTS_MAX_RANGES 48

struct ports {
    struct port_range {
        uint32_t first, count;
        unsigned width; /* the widest access in bytes: 1, 2, 4 */
        uint32_t (*read)(void *ctx, uint16_t port, unsigned size);
        void (*write)(void *ctx, uint16_t port, unsigned size, uint32_t value);
        void *ctx;
    } range[PORTS_MAX_RANGES];
    unsigned ranges;
    void (*unknown)(void *ctx, uint16_t port,
                    bool write); /* told once for each port; may be NULL */
    void *ctx;
    uint8_t owner[65536]; /* 1 + index into range[]; 0: nobody */
    uint8_t named[65536 / 8];
};

/* Take [first, first+count). Ranges must not overlap. read or write may be NULL: ones, ignored. */
void ports_add(struct ports *p, struct port_range r);

uint32_t ports_read(struct ports *p, uint16_t port, unsigned size);
void ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t value);

#endif
