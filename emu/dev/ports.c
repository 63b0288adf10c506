/* SPDX-License-Identifier: GPL-2.0-only */
/* The port bus. */
#include "ports.h"

#include <assert.h>

void ports_add(struct ports *p, struct port_range r)
{
    assert(p->ranges < PORTS_MAX_RANGES && "raise PORTS_MAX_RANGES");
    assert(r.count && r.first + r.count <= 65536);
    p->range[p->ranges++] = r;
    for (uint32_t port = r.first; port < r.first + r.count; port++) {
        assert(!p->owner[port] && "two devices at one port");
        p->owner[port] = (uint8_t)p->ranges;
    }
}

/* The one device that takes this access whole, or NULL. */
static const struct port_range *taker(const struct ports *p, uint32_t port, unsigned size)
{
    if (port > 65535 || !p->owner[port])
        return 0;
    const struct port_range *r = &p->range[p->owner[port] - 1];
    return size <= r->width && port + size <= r->first + r->count ? r : 0;
}

static bool anybody(const struct ports *p, uint32_t port, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        if (port + i <= 65535 && p->owner[port + i])
            return true;
    return false;
}

static void name_once(struct ports *p, uint32_t port, bool write)
{
    if (port > 65535 || p->named[port / 8] & 1u << port % 8)
        return;
    p->named[port / 8] |= (uint8_t)(1u << port % 8);
    if (p->unknown)
        p->unknown(p->ctx, (uint16_t)port, write);
}

static uint32_t ones(unsigned size)
{
    return 0xFFFFFFFFu >> (32 - 8 * size);
}

static uint32_t read_at(struct ports *p, uint32_t port, unsigned size)
{
    const struct port_range *r = taker(p, port, size);

    if (r)
        return (r->read ? r->read(r->ctx, (uint16_t)port, size) : 0xFFFFFFFFu) & ones(size);
    if (size == 1 || !anybody(p, port, size)) {
        name_once(p, port, false);
        return ones(size);
    }
    unsigned half = size / 2;
    uint32_t low = read_at(p, port, half); /* in this order: reading may have effects */
    return low | read_at(p, port + half, half) << (8 * half);
}

static void write_at(struct ports *p, uint32_t port, unsigned size, uint32_t value)
{
    const struct port_range *r = taker(p, port, size);

    if (r) {
        if (r->write)
            r->write(r->ctx, (uint16_t)port, size, value & ones(size));
        return;
    }
    if (size == 1 || !anybody(p, port, size)) {
        name_once(p, port, true);
        return;
    }
    unsigned half = size / 2;
    write_at(p, port, half, value);
    write_at(p, port + half, half, value >> (8 * half));
}

uint32_t ports_read(struct ports *p, uint16_t port, unsigned size)
{
    assert(size == 1 || size == 2 || size == 4);
    return read_at(p, port, size);
}

void ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t value)
{
    assert(size == 1 || size == 2 || size == 4);
    write_at(p, port, size, value);
}
