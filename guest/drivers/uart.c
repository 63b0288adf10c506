/* SPDX-License-Identifier: GPL-2.0-only */
/* The 16550 serial port COM1 (National PC16550D data sheet): the console. */
#include "drivers.h"
#include "fs/fs.h"
#include "kernel/traps.h"
#include "pv/pv.h"

enum {
    COM1 = 0x3F8,
    COM1_LINE = 4,
    DATA = 0,
    IER = 1,
    FCR = 2,
    IIR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    IER_RECEIVED = 1,
    FCR_ENABLE_CLEAR = 7,
    LCR_8N1 = 3,
    LCR_DIVISOR = 0x80,
    MCR_DTR = 1,
    MCR_RTS = 2,
    MCR_OUT2 = 8, /* OUT2 lets the interrupt through on a PC */
    LSR_DATA = 1,
    LSR_EMPTY = 0x20,
    IIR_NONE = 1,
    FIFO = 16,
};

static void uart_init(void)
{
    outb(0, COM1 + IER);
    outb(LCR_DIVISOR | LCR_8N1, COM1 + LCR);
    outb(1, COM1 + DATA); /* 115200 baud */
    outb(0, COM1 + IER);
    outb(LCR_8N1, COM1 + LCR);
    outb(FCR_ENABLE_CLEAR, COM1 + FCR);
    outb(MCR_DTR | MCR_OUT2, COM1 + MCR);
}

/* When the transmitter is empty, its FIFO takes sixteen bytes without being asked again. A port
   that is not there reads all ones, and takes them as well. */
static void uart_write(const char *bytes, size_t n)
{
    while (n) {
        size_t burst = MIN(n, (size_t)FIFO);
        while (!(inb(COM1 + LSR) & LSR_EMPTY))
            ;
        for (size_t i = 0; i < burst; i++)
            outb(bytes[i], COM1 + DATA);
        bytes += burst;
        n -= burst;
    }
}

/* Everything that is there, in one call; a line that never falls silent must not hold us here. */
static void receive(__attribute__((unused)) struct trap_frame *f)
{
    char bytes[64];
    size_t n = 0;

    while (n < sizeof bytes && (inb(COM1 + LSR) & LSR_DATA))
        bytes[n++] = inb(COM1 + DATA);
    inb(COM1 + IIR);
    if (n && tty_receives(tty_console()))
        tty_input(tty_console(), bytes, n);
    if (n == sizeof bytes) {
        /* More may be there, and the 8259 sees edges only: lower the line, so that it can rise. */
        outb(0, COM1 + IER);
        outb(IER_RECEIVED, COM1 + IER);
    }
}

/* Request to send: a patient sender waits for it, and so bytes that nobody asks for stay where they
   are. Who types at a terminal is not that patient, and is heard all the same. */
static void uart_ask(bool wanted)
{
    static bool asked;

    if (asked == wanted)
        return;
    asked = wanted;
    outb(MCR_DTR | MCR_OUT2 | (wanted ? MCR_RTS : 0), COM1 + MCR);
}

static void uart_start_input(void)
{
    irq_register(COM1_LINE, "ttyS0", receive);
    outb(IER_RECEIVED, COM1 + IER);
}

#define UART_CONSOLE                                                                              \
    {                                                                                             \
        .init = uart_init, .start_input = uart_start_input, .ask = uart_ask, .write = uart_write, \
    }
const struct console_ops uart_console = UART_CONSOLE;
struct console_ops console_ops = UART_CONSOLE;
