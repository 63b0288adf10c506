// SPDX-License-Identifier: GPL-2.0-only
#include "pic.h"

/* ---- 8259 ---- */

void pic_init(void)
{
    outb(PIC1, 0x11); /* ICW1: edge, cascade, ICW4 follows */
    outb(PIC2, 0x11);
    outb(PIC1 + 1, IRQ_VECTOR);
    outb(PIC2 + 1, IRQ_VECTOR + 8);
    outb(PIC1 + 1, 1 << IRQ_CASCADE);
    outb(PIC2 + 1, IRQ_CASCADE);
    outb(PIC1 + 1, 0x01); /* ICW4: 8086 mode */
    outb(PIC2 + 1, 0x01);
    pic_mask(0xFFFF);
}

void pic_mask(uint16_t mask)
{
    outb(PIC1 + 1, (uint8_t)mask);
    outb(PIC2 + 1, (uint8_t)(mask >> 8));
}

void pic_eoi(unsigned irq)
{
    if (irq >= 8)
        outb(PIC2, PIC_EOI);
    outb(PIC1, PIC_EOI);
}

uint16_t pic_read(uint8_t which)
{
    outb(PIC1, which);
    outb(PIC2, which);
    return (uint16_t)(inb(PIC1) | inb(PIC2) << 8);
}

/* ---- 8254 ---- */

void pit_set(unsigned channel, unsigned mode, uint16_t count)
{
    outb(PIT_CONTROL, (uint8_t)(channel << 6 | 0x30 | mode << 1));
    outb((uint16_t)(PIT_CH0 + channel), (uint8_t)count);
    outb((uint16_t)(PIT_CH0 + channel), (uint8_t)(count >> 8));
}

uint16_t pit_read(unsigned channel)
{
    outb(PIT_CONTROL, (uint8_t)(channel << 6));
    uint8_t low = inb((uint16_t)(PIT_CH0 + channel));
    return (uint16_t)(low | inb((uint16_t)(PIT_CH0 + channel)) << 8);
}

uint8_t pit_status(unsigned channel)
{
    outb(PIT_CONTROL, (uint8_t)(0xE0 | 2 << channel)); /* read-back, status alone */
    return inb((uint16_t)(PIT_CH0 + channel));
}

void pit_gate2(bool on)
{
    outb(PORT_B, (uint8_t)((inb(PORT_B) & ~3u) | on)); /* the speaker stays off */
}

bool pit_out2(void)
{
    return inb(PORT_B) & 0x20;
}

/* ---- CMOS ---- */

uint8_t cmos_read(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

void cmos_write(uint8_t reg, uint8_t value)
{
    outb(0x70, reg);
    outb(0x71, value);
}
