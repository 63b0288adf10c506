/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two 8259 interrupt controllers (Intel 8259A data sheet). The second one hangs on line 2 of
 * the first.
 */
#include "drivers.h"
#include "kernel/traps.h"
#include "pv/pv.h"

enum {
    PIC1 = 0x20,
    PIC2 = 0xA0,
    DATA = 1,
    ICW1_INIT = 0x11,
    ICW4_8086 = 0x01,
    OCW2_EOI = 0x20,
    OCW3_READ_ISR = 0x0B,
};

static uint16_t masked = 0xFFFF;

static void write_masks(void)
{
    outb(masked & 0xFF, PIC1 + DATA);
    outb(masked >> 8, PIC2 + DATA);
}

/* The controllers are slower than the processor: each byte of the sequence is given its time. */
static void command(uint8_t v, uint16_t port)
{
    outb(v, port);
    pv_io_delay();
}

void pic_init(void)
{
    command(ICW1_INIT, PIC1);
    command(ICW1_INIT, PIC2);
    command(TRAP_IRQ0, PIC1 + DATA);
    command(TRAP_IRQ0 + 8, PIC2 + DATA);
    command(1 << PIC_CASCADE, PIC1 + DATA);
    command(PIC_CASCADE, PIC2 + DATA);
    command(ICW4_8086, PIC1 + DATA);
    command(ICW4_8086, PIC2 + DATA);
    masked = 0xFFFF & ~(1 << PIC_CASCADE);
    write_masks();
}

static void pic_unmask(unsigned line)
{
    masked &= ~(1u << line);
    write_masks();
}

static void pic_mask(unsigned line)
{
    masked |= 1u << line;
    write_masks();
}

/* The last line of each controller also reports requests that went away; those are not in service. */
static bool spurious(unsigned line)
{
    uint16_t port = line < 8 ? PIC1 : PIC2;

    if (line % 8 != 7)
        return false;
    outb(OCW3_READ_ISR, port);
    return !(inb(port) & 0x80);
}

static bool pic_acknowledge(unsigned line)
{
    bool real = !spurious(line);

    if (line >= 8) {
        if (real)
            outb(OCW2_EOI, PIC2);
        outb(OCW2_EOI, PIC1); /* a spurious one of the second was a real one to the first */
    } else if (real) {
        outb(OCW2_EOI, PIC1);
    }
    return real;
}

const struct irq_chip pic_chip = {
    .name = "XT-PIC",
    .mask = pic_mask,
    .unmask = pic_unmask,
    .acknowledge = pic_acknowledge,
};
