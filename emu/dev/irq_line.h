/* SPDX-License-Identifier: GPL-2.0-only */
/* The wire from a device to whatever takes its interrupts. The device never knows what that is. */
#ifndef EMU_DEV_IRQ_LINE_H
#define EMU_DEV_IRQ_LINE_H

#include <stdbool.h>

struct irq_line {
    void (*set)(void *ctx, bool level); /* NULL: not connected */
    void *ctx;
};

static inline void irq_line_set(const struct irq_line *l, bool level)
{
    if (l->set)
        l->set(l->ctx, level);
}

#endif
