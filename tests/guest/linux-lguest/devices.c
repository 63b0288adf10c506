/* SPDX-License-Identifier: GPL-2.0-only */
/* The device page and the virtio console on it, in the steps of lguest_device.c and virtio_console.c. */
#include "linux.h"

static uint8_t *page;
static uint32_t page_at;
static struct lguest_device_desc *console;

struct queue {
    struct lguest_vqconfig config;
    struct lguest_vring_desc *desc;
    struct lguest_vring_avail *avail;
    struct lguest_vring_used *used;
    uint16_t seen;
};
static struct queue in_vq, out_vq;
static volatile bool input_came;

static void status_notify(void)
{
    hcall(LHCALL_NOTIFY, page_at + (uint32_t)((uint8_t *)console - page), 0, 0);
}

static void set_status(uint8_t status)
{
    *(volatile uint8_t *)&console->status = status;
    if (!RELEASE_3_2 || !status)
        status_notify();
}

/* Features: none are offered, but that there are none must be told (3.2). */
static void finalize_features(void)
{
    if (RELEASE_3_2)
        status_notify();
}

static void find_vq(struct queue *q, unsigned index, void (*callback)(void))
{
    const uint8_t *configs = (uint8_t *)(console + 1);
    uint8_t *ring;

    check(index < console->num_vq);
    memcpy(&q->config, configs + index * sizeof q->config, sizeof q->config);
    ring = ioremap(q->config.pfn * PAGE_SIZE,
                   (LGUEST_VRING_SIZE(q->config.num) + PAGE_SIZE - 1) / PAGE_SIZE);
    q->desc = (void *)ring;
    q->avail = (void *)(ring + LGUEST_VRING_AVAIL_AT(q->config.num));
    q->used = (void *)(ring + LGUEST_VRING_USED_AT(q->config.num));
    check(!q->avail->idx && !q->used->idx); /* after a reset all is zero */
    if (callback)
        irq_handler[q->config.irq] = callback;
    else
        q->avail->flags |= LGUEST_VRING_AVAIL_NO_IRQ;
}

static void add_buf(struct queue *q, uint16_t slot, uint32_t at, uint32_t len, bool in)
{
    q->desc[slot] = (struct lguest_vring_desc){at, len, in ? LGUEST_VRING_DESC_WRITE : 0, 0};
    q->avail->ring[q->avail->idx % q->config.num] = slot;
    asm volatile("" : : : "memory");
    q->avail->idx++;
}

static void kick(const struct queue *q)
{
    if (!(*(volatile uint16_t *)&q->used->flags & LGUEST_VRING_USED_NO_NOTIFY))
        hcall(LHCALL_NOTIFY, q->config.pfn * PAGE_SIZE, 0, 0);
}

static bool get_buf(struct queue *q, struct lguest_vring_used_elem *e)
{
    if (q->seen == *(volatile uint16_t *)&q->used->idx)
        return false;
    *e = q->used->ring[q->seen++ % q->config.num];
    return true;
}

/* From wherever the text is: it must be where memory is one piece. */
static void put_chars(const char *text, uint32_t n)
{
    static char buffer[PAGE_SIZE];
    struct lguest_vring_used_elem e;

    check(n <= sizeof buffer);
    memcpy(buffer, text, n);
    add_buf(&out_vq, 0, pa(buffer), n, false);
    kick(&out_vq);
    while (!get_buf(&out_vq, &e))
        asm volatile("pause");
}

static void input_interrupt(void)
{
    input_came = true;
}

/* 2.6.31 has one buffer at a time; 3.2 as many as the ring takes. */
static char *buffer[LGUEST_VRING_NUM];

static void offer(uint16_t slot)
{
    if (!buffer[slot])
        buffer[slot] = alloc_page();
    add_buf(&in_vq, slot, pa(buffer[slot]), PAGE_SIZE, true);
}

uint32_t console_read_line(char *line, uint32_t room)
{
    struct lguest_vring_used_elem e;
    uint32_t n = 0;

    for (;;) {
        uint32_t flags = local_irq_save();
        if (!input_came)
            safe_halt();
        local_irq_restore(flags);
        input_came = false;
        while (get_buf(&in_vq, &e)) {
            check(e.id < in_vq.config.num && e.len);
            for (uint32_t i = 0; i < e.len; i++) {
                char c = buffer[e.id][i];
                if (c == '\n' || c == '\r' || n == room - 1) {
                    line[n] = 0;
                    return n;
                }
                line[n++] = c;
            }
            offer((uint16_t)e.id);
            kick(&in_vq);
        }
    }
}

void devices_init(void)
{
    uint32_t ram;

    memcpy(&ram, boot_params + 0x2D0 + 8, sizeof ram);
    page_at = ram;
    page = ioremap(page_at, 1);
    for (uint32_t at = 0; at < PAGE_SIZE - sizeof *console;) {
        struct lguest_device_desc *d = (void *)(page + at);
        if (!d->type)
            break;
        printk("device at %u: type %u, %u queues\n", at, d->type, d->num_vq);
        if (d->type == LGUEST_DEV_CONSOLE)
            console = d;
        at += sizeof *d + d->num_vq * sizeof(struct lguest_vqconfig) + d->feature_len * 2u +
              d->config_len;
    }
    check(console && console->num_vq == 2 && !console->feature_len);
    set_status(0);
    set_status(LGUEST_STATUS_ACKNOWLEDGE);
    set_status(LGUEST_STATUS_ACKNOWLEDGE | LGUEST_STATUS_DRIVER);
    finalize_features();
    find_vq(&in_vq, 0, input_interrupt);
    find_vq(&out_vq, 1, NULL);
    console_write = put_chars;
    for (uint16_t i = 0; i < (RELEASE_3_2 ? in_vq.config.num : 1); i++)
        offer(i);
    kick(&in_vq);
    set_status(LGUEST_STATUS_ACKNOWLEDGE | LGUEST_STATUS_DRIVER | LGUEST_STATUS_DRIVER_OK);
    printk("hvc0: console enabled\n");
}
