/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel log. Each line is stamped with the time since boot, kept in a ring, and written to the
 * console unless "quiet" was asked for. The lock is for the day of a second processor; under a
 * hypervisor its hooks are worth watching.
 */
#include "klog.h"
#include "drivers/drivers.h"
#include "pv/pv.h"
#include "time.h"

#define RING (32u << 10)

static char ring[RING];
static uint32_t end; /* bytes ever written */
static bool console = true, at_line_start = true;
static struct spinlock lock;

static void put(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ring[end++ % RING] = s[i];
    if (!console)
        return;
    while (n) { /* a terminal wants the carriage return too */
        const char *nl = memchr(s, '\n', n);
        size_t part = nl ? (size_t)(nl - s) : n;
        console_ops.write(s, part);
        if (!nl)
            break;
        console_ops.write("\r\n", 2);
        s += part + 1;
        n -= part + 1;
    }
}

static void put_stamp(void)
{
    char stamp[24];
    uint64_t us = clock_monotonic_ns() / 1000;

    put(stamp, snprintf(stamp, sizeof stamp, "[%5u.%06u] ", (uint32_t)(us / 1000000),
                        (uint32_t)(us % 1000000)));
}

static void vprintk(const char *fmt, va_list ap)
{
    char text[512], *line = text, *stop;
    int n = vsnprintf(text, sizeof text, fmt, ap);
    uint32_t flags = irq_save();

    stop = text + MIN((size_t)n, sizeof text - 1);
    pv_spin_lock_flags(&lock, flags);
    while (line < stop) {
        char *nl = memchr(line, '\n', stop - line);
        char *next = nl ? nl + 1 : stop;
        if (at_line_start)
            put_stamp();
        put(line, next - line);
        at_line_start = nl != NULL;
        line = next;
    }
    pv_spin_unlock(&lock);
    irq_restore(flags);
}

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
}

uint32_t klog_end(void)
{
    return end;
}

uint32_t klog_size(void)
{
    return MIN(end, RING);
}

size_t klog_read(uint32_t *pos, char *buf, size_t n)
{
    size_t done = 0;

    if (end - *pos > RING)
        *pos = end - RING;
    while (done < n && *pos != end)
        buf[done++] = ring[(*pos)++ % RING];
    return done;
}

void klog_set_console(bool on)
{
    console = on;
}

void klog_panic(void)
{
    console = true;
    if (pv_spin_is_locked(&lock))
        pv_spin_unlock(&lock);
}
