// SPDX-License-Identifier: GPL-2.0-only
/*
 * uart: the 16550 at 3F8h
 *
 * Background: National Semiconductor's PC16550D data sheet. In loopback what is sent comes back, so
 *   that receiver, FIFO and interrupts can be tried with nobody at the other end.
 * What it does: registers that read back, the divisor latch, loopback of data and modem lines, FIFO
 *   order and overrun, and which interrupt is reported when several are there. Nothing is printed
 *   until the line is normal again.
 *   lguest knows no serial line; Ringside lends its guests this one, behind the faults of IN and OUT,
 *   with its interrupt on line 4.
 * How it could be fooled: a device that answers each write with an immediate echo passes; how long a
 *   character takes is not looked at.
 */
#include "pic.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "uart";

enum {
    BASE = 0x3F8,
    RBR = BASE,
    THR = BASE,
    IER = BASE + 1,
    IIR = BASE + 2,
    FCR = BASE + 2,
    LCR = BASE + 3,
    MCR = BASE + 4,
    LSR = BASE + 5,
    MSR = BASE + 6,
    SCR = BASE + 7,
};
enum { LSR_DR = 1, LSR_OE = 2, LSR_THRE = 0x20, LSR_TEMT = 0x40, LOOP = 0x10 };

/* What went wrong, kept until it can be printed. */
static struct {
    const char *what;
    uint32_t is, should;
} complaints[16];
static unsigned complained;

static void expect(const char *what, uint32_t is, uint32_t should)
{
    if (is == should)
        return;
    if (complained < ARRAY_SIZE(complaints)) {
        complaints[complained].what = what;
        complaints[complained].is = is;
        complaints[complained].should = should;
    }
    complained++;
}

static void wait_line(uint8_t bits)
{
    for (unsigned i = 0; i < 10000000 && (inb(LSR) & bits) != bits; i++)
        ;
    expect("line status", inb(LSR) & bits, bits);
}

static volatile unsigned interrupts;
static volatile uint8_t last_iir;

static void on_serial(struct regs *r)
{
    interrupts++;
    last_iir = inb(IIR);
    if ((last_iir & 0x0F) == 0x04)
        inb(RBR);
    else if ((last_iir & 0x0F) == 0x06)
        inb(LSR);
    env->line_done(r->vector - IRQ_VECTOR);
}

/* Long enough for a request that waits to be taken. */
static void open_a_moment(void)
{
    irq_enable();
    for (unsigned i = 0; i < 3000; i++)
        asm volatile("nop");
    irq_disable();
}

static void registers(void)
{
    outb(SCR, 0x5A);
    expect("scratch", inb(SCR), 0x5A);
    uint8_t lcr = inb(LCR);
    outb(LCR, 0x83);
    outb(BASE, 0x0C);
    outb(BASE + 1, 0x01);
    expect("divisor, low", inb(BASE), 0x0C);
    expect("divisor, high", inb(BASE + 1), 0x01);
    outb(BASE, 1);
    outb(BASE + 1, 0);
    outb(LCR, 0x03);
    expect("LCR", inb(LCR), 0x03);
    expect("IER behind the latch", inb(IER), 0);
    outb(IER, 0xFF);
    expect("IER has four bits", inb(IER), 0x0F);
    outb(IER, 0);
    outb(LCR, lcr ? lcr & 0x7F : 0x03);
}

static void loopback(void)
{
    outb(FCR, 0x07); /* FIFO on, both cleared */
    expect("IIR shows the FIFO", inb(IIR) & 0xC0, 0xC0);
    outb(MCR, LOOP);
    for (unsigned i = 0; i < 256; i += 15) {
        outb(THR, (uint8_t)i);
        wait_line(LSR_DR);
        expect("echo", inb(RBR), i);
        expect("nothing more", inb(LSR) & LSR_DR, 0);
    }
    /* DTR, RTS, OUT1, OUT2 come back as DSR, CTS, RI, DCD. */
    outb(MCR, LOOP | 0x1);
    expect("DTR to DSR", inb(MSR) & 0xF0, 0x20);
    outb(MCR, LOOP | 0x2);
    expect("RTS to CTS", inb(MSR) & 0xF0, 0x10);
    outb(MCR, LOOP | 0x4);
    expect("OUT1 to RI", inb(MSR) & 0xF0, 0x40);
    outb(MCR, LOOP | 0x8);
    expect("OUT2 to DCD", inb(MSR) & 0xF0, 0x80);
}

static void fifo(void)
{
    outb(FCR, 0x07);
    outb(MCR, LOOP);
    for (unsigned i = 0; i < 16; i++) {
        outb(THR, (uint8_t)(0x30 + i));
        wait_line(LSR_TEMT);
    }
    expect("no overrun at sixteen", inb(LSR) & LSR_OE, 0);
    outb(THR, 0x99);
    uint8_t seen = 0; /* each reading clears the error */
    for (unsigned i = 0; i < 10000000 && (seen & (LSR_OE | LSR_TEMT)) != (LSR_OE | LSR_TEMT); i++)
        seen |= inb(LSR);
    expect("overrun at seventeen", seen & LSR_OE, LSR_OE);
    expect("reading it clears it", inb(LSR) & LSR_OE, 0);
    for (unsigned i = 0; i < 16; i++)
        expect("first in, first out", inb(RBR), 0x30 + i);
    expect("then it is empty", inb(LSR) & LSR_DR, 0);

    outb(THR, 0x77);
    wait_line(LSR_DR);
    outb(FCR, 0x03); /* clear the receiver */
    expect("cleared", inb(LSR) & LSR_DR, 0);
}

static void interrupt_sources(void)
{
    env->lines_init();
    trap_handle(IRQ_VECTOR + IRQ_COM1, on_serial);
    env->lines_open(1 << IRQ_COM1);
    outb(FCR, 0x07);
    outb(MCR, 8); /* OUT2 lets the interrupt out to the 8259; not in loopback */
    expect("no interrupt waits", inb(IIR) & 0x01, 1);

    outb(IER, 2);
    open_a_moment();
    expect("transmitter empty", interrupts, 1);
    expect("its name", last_iir & 0x0F, 0x02);
    open_a_moment();
    expect("once", interrupts, 1);
    outb(IER, 0);

    outb(MCR, LOOP);
    outb(IER, 1);
    interrupts = 0;
    outb(THR, 0x42);
    wait_line(LSR_DR);
    outb(MCR, 8);
    open_a_moment();
    expect("received data", interrupts, 1);
    expect("its name", last_iir & 0x0F, 0x04);
    expect("nothing is left", inb(IIR) & 0x01, 1);

    /* Data is more urgent than an empty transmitter. */
    outb(IER, 0);
    outb(MCR, LOOP);
    outb(THR, 0x43);
    wait_line(LSR_DR | LSR_TEMT);
    outb(IER, 3);
    expect("the more urgent first", inb(IIR) & 0x0F, 0x04);
    inb(RBR);
    expect("then the other", inb(IIR) & 0x0F, 0x02);
    outb(IER, 0);
    env->lines_open(0);
}

void test_main(void)
{
    wait_line(LSR_TEMT);
    registers();
    loopback();
    fifo();
    interrupt_sources();
    outb(FCR, 0x06);
    outb(FCR, 0);
    outb(MCR, 0x03);

    for (unsigned i = 0; i < complained && i < ARRAY_SIZE(complaints); i++)
        test_failure("%s: is %x, should be %x", complaints[i].what, complaints[i].is,
                     complaints[i].should);
}
