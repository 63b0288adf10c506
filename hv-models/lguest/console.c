/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtio console, hvc0 to a Linux guest: a queue of text to print, and a queue of empty buffers
 * for what is typed. Before its driver is there a kernel may NOTIFY the address of a string.
 */
#include <stddef.h>
#include <string.h>

#include "lguest.h"

static void print(struct domain *d, const uint8_t *bytes, size_t n)
{
    const struct machine_host *h = &d->machine->host;
    uint32_t text[3];

    hv_cost_times(d, LGUEST_COST_PRINT, (uint32_t)n);
    if (n && h->console)
        h->console(h->ctx, bytes, n);
    for (size_t len; n; bytes += len, n -= len) { /* what was said is a part of what happened */
        len = n < sizeof text ? n : sizeof text;
        memset(text, 0, sizeof text);
        memcpy(text, bytes, len);
        domain_emit(d, EVENT_output, (uint32_t)len, text[0], text[1], text[2]);
    }
}

static void print_part(struct domain *d, uint32_t at, uint32_t len)
{
    uint8_t bytes[256];

    for (uint32_t n; len && !d->end.kind; at += n, len -= n) {
        n = len < sizeof bytes ? len : (uint32_t)sizeof bytes;
        if (lguest_read(d, at, bytes, n))
            print(d, bytes, n);
    }
}

/* Every byte is charged, so the guest's clock sees a kick of many buffers. But 256 buffers of 256 pieces
   of all of memory each would keep us busy for hours before anybody looks at that clock. Linux's
   driver never gives more than 32 KiB at once. */
enum { PRINT_MOST = 1 << 20 };

static bool is_printable(struct domain *d, const struct lguest_chain *c)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < c->count; i++)
        bytes += c->part[i].in ? 0 : c->part[i].len;
    if (bytes > PRINT_MOST)
        kill_guest(d, "a buffer of %llu bytes for the console", (unsigned long long)bytes);
    return bytes <= PRINT_MOST;
}

void lguest_console_kick(struct domain *d)
{
    struct lguest_queue *q = &lguest_of(d)->queue[QUEUE_OUT];
    struct lguest_chain c;

    /* Not more than the ring holds: the guest cannot add any meanwhile. */
    while (lguest_queue_take(d, q, &c)) {
        if (!is_printable(d, &c))
            return;
        hv_stage2(d, "print a buffer", c.head, c.count);
        for (uint32_t i = 0; i < c.count; i++)
            if (!c.part[i].in)
                print_part(d, c.part[i].at, c.part[i].len);
        lguest_queue_give(d, q, c.head, 0);
    }
}

void lguest_console_wanted(struct domain *d)
{
    hv_stage(d, "a buffer for what is typed", 0);
    lguest_of(d)->input_wanted = 1;
}

/* The original's launcher gives it to printf: so up to the NUL, or the end of memory. */
void lguest_console_text(struct domain *d, uint32_t at)
{
    uint8_t byte;

    hv_stage(d, "the early console's string", at);
    for (uint32_t i = 0; i < PAGE_SIZE && at + i < lguest_of(d)->ram; i++) {
        if (!lguest_read(d, at + i, &byte, 1) || !byte)
            return;
        print(d, &byte, 1);
    }
}

/*
 * Is there a driver? Before, a serial line must do. We look where the driver writes its status: the
 * guests of 2.6.31 make NOTIFY at each change of it, those of 3.2 only when they have agreed on the
 * features, which is before the last bit is set.
 */
static bool has_driver(struct domain *d)
{
    const uint32_t at =
        lguest_of(d)->console + (uint32_t)offsetof(struct lguest_device_desc, status);
    uint8_t status;

    return lguest_read(d, at, &status, 1) && status & LGUEST_STATUS_DRIVER_OK &&
           !(status & LGUEST_STATUS_FAILED);
}

/*
 * A person types when he likes, so a buffer is enough. A pipe waits until somebody wants its bytes:
 * the kick that announces a new buffer says so.
 */
bool lguest_console_ready(struct domain *d, bool patient)
{
    struct lguest *lg = lguest_of(d);

    if (!has_driver(d))
        return hv_serial_ready(d, patient);
    return (!patient || lg->input_wanted) && lguest_queue_ready(d, &lg->queue[QUEUE_IN]);
}

void lguest_console_receive(struct domain *d, uint8_t byte)
{
    struct lguest *lg = lguest_of(d);
    struct lguest_queue *q = &lg->queue[QUEUE_IN];
    struct lguest_chain c;

    if (!has_driver(d)) {
        hv_serial_receive(d, byte);
        return;
    }
    lg->input_wanted = 0;
    if (!lguest_queue_take(d, q, &c))
        return;
    for (uint32_t i = 0; i < c.count; i++)
        if (c.part[i].in && c.part[i].len) {
            hv_stage(d, "a typed byte into the guest's buffer", byte);
            lguest_write(d, c.part[i].at, &byte, 1);
            lguest_queue_give(d, q, c.head, 1);
            return;
        }
    kill_guest(d, "a console input buffer with no room in it");
}
