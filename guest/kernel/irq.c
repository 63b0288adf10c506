/* SPDX-License-Identifier: GPL-2.0-only */
/* Device interrupts: sixteen lines, one handler each. */
#include "drivers/drivers.h"
#include "pv/pv.h"
#include "traps.h"

static struct {
    const char *name;
    void (*handler)(struct trap_frame *f);
    uint32_t count;
} lines[IRQS];

static const struct irq_chip *chip;

void irq_set_chip(const struct irq_chip *c)
{
    chip = c;
}

void irq_register(unsigned line, const char *name, void (*handler)(struct trap_frame *f))
{
    ASSERT(line < IRQS);
    lines[line].name = name;
    lines[line].handler = handler;
    chip->unmask(line);
}

const char *irq_chip_name(void)
{
    return chip->name;
}

const char *irq_name(unsigned line)
{
    return line < IRQS ? lines[line].name : NULL;
}

uint32_t irq_count(unsigned line)
{
    return line < IRQS ? lines[line].count : 0;
}

void irq_dispatch(struct trap_frame *f)
{
    unsigned line = f->vector - TRAP_IRQ0;

    if (!chip->acknowledge(line))
        return; /* spurious: the line fell before we looked */
    lines[line].count++;
    if (lines[line].handler)
        lines[line].handler(f);
}
