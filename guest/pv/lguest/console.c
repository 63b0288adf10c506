/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console under lguest. In the beginning there are no page tables for a device page, so a string
 * is printed by telling the launcher its address. Later the virtio console takes over: queue 0 is
 * input, queue 1 output. A hypervisor that has no such device may have a 16550 behind trapped ports.
 */
#include "device.h"
#include "drivers/drivers.h"
#include "fs/fs.h"
#include "kernel/traps.h"

enum { INPUT, OUTPUT };

static struct virtqueue queues[2];
static char received[64];
static bool asked;

/* NOTIFY takes a string with a NUL at its end, so pieces are copied, as Linux does. */
static void early_write(const char *bytes, size_t n)
{
    char piece[17];

    while (n) {
        size_t part = MIN(n, sizeof piece - 1);
        memcpy(piece, bytes, part);
        piece[part] = 0;
        lguest_hcall(LHCALL_NOTIFY, lguest_phys(piece), 0, 0, 0);
        bytes += part;
        n -= part;
    }
}

static void virtio_write(const char *bytes, size_t n)
{
    uint32_t flags = irq_save(), len;

    virtqueue_add(&queues[OUTPUT], bytes, n, false);
    virtqueue_kick(&queues[OUTPUT]);
    while (!virtqueue_take(&queues[OUTPUT], &len))
        __asm__ volatile("pause");
    irq_restore(flags);
}

static void post(void)
{
    virtqueue_add(&queues[INPUT], received, sizeof received, true);
    if (asked)
        virtqueue_kick(&queues[INPUT]);
}

/* A kick of the input queue is what "request to send" is on a serial line: somebody waits. Who types
   needs no invitation: one buffer is always there. */
static void virtio_ask(bool wanted)
{
    if (asked == wanted)
        return;
    asked = wanted;
    if (wanted)
        virtqueue_kick(&queues[INPUT]);
}

static void receive(__attribute__((unused)) struct trap_frame *f)
{
    uint32_t len;

    while (virtqueue_take(&queues[INPUT], &len)) {
        if (tty_receives(tty_console()))
            tty_input(tty_console(), received, MIN(len, sizeof received));
        post();
    }
}

static void virtio_start_input(void)
{
    irq_register(queues[INPUT].irq, "virtio0", receive);
    post();
}

static void nothing(void) {}
static void no_ask(__attribute__((unused)) bool wanted) {}

void console_early(void)
{
    console_ops = (struct console_ops){
        .init = nothing,
        .start_input = nothing,
        .ask = no_ask,
        .write = early_write,
    };
}

void console_open(void)
{
    if (device_open(LGUEST_DEV_CONSOLE, 0, queues, ARRAY_LEN(queues), NULL) &&
        queues[INPUT].irq < IRQS) {
        queues[OUTPUT].avail->flags = LGUEST_VRING_AVAIL_NO_IRQ; /* it is done when we ask */
        console_ops = (struct console_ops){
            .init = nothing,
            .start_input = virtio_start_input,
            .ask = virtio_ask,
            .write = virtio_write,
        };
    } else {
        console_ops = uart_console;
        console_ops.init();
    }
}
