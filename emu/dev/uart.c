/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 16550A. Two facts make drivers work or hang:
 *
 * "Transmitter empty" is an event, not a state: it is reported once when the transmitter runs dry,
 * and again whenever its interrupt is switched on while it is dry. Reading it from IIR, or sending,
 * takes it back. Linux tests both at start-up.
 *
 * The interrupt output is a level, but a PC's controller looks for edges. So each change goes to the
 * wire at once: sending a byte that leaves immediately lowers the wire and raises it again.
 */
#include "uart.h"

enum { IER_RX = 1, IER_THRE = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_NONE = 1, IIR_MODEM = 0, IIR_THRE = 2, IIR_RX = 4, IIR_LINE = 6, IIR_TIMEOUT = 12 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2 };
enum { LCR_STOP2 = 4, LCR_PARITY = 8, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16 };
enum { LSR_DR = 1, LSR_OE = 2, LSR_ERRORS = 0x1E, LSR_THRE = 0x20, LSR_TEMT = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };
enum { MSR_DCTS = 1, MSR_DDSR = 2, MSR_TERI = 4, MSR_DDCD = 8, MSR_DELTAS = 15 };

#define UART_HZ 1843200u

static const uint8_t trigger[4] = {1, 4, 8, 14};

static bool fifo_mode(const struct uart_state *s)
{
    return s->fcr & FCR_ENABLE;
}

static unsigned room(const struct uart_state *s)
{
    return fifo_mode(s) ? UART_FIFO : 1;
}

/* What IIR shows, the most urgent first. */
static uint8_t cause(const struct uart_state *s)
{
    if (s->ier & IER_LINE && s->lsr & LSR_ERRORS)
        return IIR_LINE;
    if (s->ier & IER_RX && s->count >= (fifo_mode(s) ? trigger[s->fcr >> 6] : 1))
        return IIR_RX;
    if (s->ier & IER_RX && s->timeout)
        return IIR_TIMEOUT;
    if (s->ier & IER_THRE && s->thre)
        return IIR_THRE;
    if (s->ier & IER_MODEM && s->msr & MSR_DELTAS)
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart *u)
{
    const struct uart_state *s = &u->state;
    /* In loopback the OUT2 pin is off, whatever the register says. */
    bool gate = (s->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

    irq_line_set(&u->irq, gate && cause(s) != IIR_NONE);
}

/* Four characters' time in cycles. */
static uint64_t timeout_cycles(const struct uart_state *s)
{
    unsigned divisor = s->dlm << 8 | s->dll;
    unsigned bits = 1 + 5 + (s->lcr & 3) + !!(s->lcr & LCR_PARITY) + 1 + !!(s->lcr & LCR_STOP2);

    return clock_cycle_of_tick(4ull * bits * 16 * (divisor ? divisor : 65536), UART_HZ);
}

/* The receive FIFO was touched: the time starts again. */
static void restart_timeout(struct uart *u)
{
    struct uart_state *s = &u->state;

    s->timeout = 0;
    s->timeout_due = fifo_mode(s) && s->count ? u->now(u->ctx) + timeout_cycles(s) : CLOCK_NEVER;
}

static void fire_timeout(void *ctx, uint64_t now)
{
    struct uart *u = ctx;

    (void)now;
    u->state.timeout = 1;
    u->state.timeout_due = CLOCK_NEVER;
    update_irq(u);
}

static void take(struct uart *u, uint8_t byte)
{
    struct uart_state *s = &u->state;

    if (s->count == room(s)) {
        s->lsr |= LSR_OE;
        if (!fifo_mode(s)) /* the holding register is overwritten, a FIFO is not */
            s->fifo[s->head] = byte;
    } else {
        s->fifo[(s->head + s->count++) % UART_FIFO] = byte;
    }
    restart_timeout(u);
    update_irq(u);
}

void uart_receive(struct uart *u, uint8_t byte)
{
    if (!(u->state.mcr & MCR_LOOP)) /* in loopback the line is cut off */
        take(u, byte);
}

bool uart_can_receive(const struct uart *u)
{
    return !(u->state.mcr & MCR_LOOP) && u->state.count < room(&u->state);
}

bool uart_wants(const struct uart *u)
{
    return (u->state.mcr & (MCR_RTS | MCR_LOOP)) == MCR_RTS;
}

static void clear_fifo(struct uart *u)
{
    u->state.head = u->state.count = 0;
    restart_timeout(u);
}

static void send(struct uart *u, uint8_t byte)
{
    struct uart_state *s = &u->state;

    s->thre = 0;
    update_irq(u);
    if (s->mcr & MCR_LOOP)
        take(u, byte);
    else
        u->out(u->ctx, &byte, 1);
    s->thre = 1; /* gone already */
}

/* The modem's lines: a terminal that is there and ready, or in loopback our own outputs. */
static void update_modem(struct uart_state *s)
{
    uint8_t old = s->msr & ~MSR_DELTAS, new = MSR_CTS | MSR_DSR | MSR_DCD, changed;

    if (s->mcr & MCR_LOOP)
        new = (s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
              (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
    changed = old ^ new;
    s->msr = new | (s->msr & MSR_DELTAS) | (changed & MSR_CTS ? MSR_DCTS : 0) |
             (changed & MSR_DSR ? MSR_DDSR : 0) | (changed & old & MSR_RI ? MSR_TERI : 0) |
             (changed & MSR_DCD ? MSR_DDCD : 0);
}

static void write_ier(struct uart_state *s, uint8_t v)
{
    uint8_t on = v & ~s->ier;

    s->ier = v & 15;
    if (on & IER_THRE) /* the transmitter is empty: say so again */
        s->thre = 1;
}

static void write_fcr(struct uart *u, uint8_t v)
{
    struct uart_state *s = &u->state;
    uint8_t changed = s->fcr ^ v;

    /* The other bits can be written only together with the enabling one. */
    s->fcr = v & FCR_ENABLE ? v & 0xC9 : 0;
    if (changed & FCR_ENABLE || v & FCR_CLEAR_RX)
        clear_fifo(u);
}

static void uart_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct uart *u = ctx;
    struct uart_state *s = &u->state;
    uint8_t v = (uint8_t)value;
    bool dlab = s->lcr & LCR_DLAB;

    (void)size;
    switch (port & 7) {
    case 0:
        if (dlab)
            s->dll = v;
        else
            send(u, v);
        break;
    case 1:
        if (dlab)
            s->dlm = v;
        else
            write_ier(s, v);
        break;
    case 2:
        write_fcr(u, v);
        break;
    case 3:
        s->lcr = v;
        break;
    case 4:
        s->mcr = v & 0x1F;
        update_modem(s);
        break;
    case 7:
        s->scr = v;
        break;
    default: /* LSR and MSR: for the factory's tests */
        break;
    }
    update_irq(u);
}

static uint8_t read_rbr(struct uart *u)
{
    struct uart_state *s = &u->state;
    uint8_t byte = s->fifo[s->head];

    if (!s->count)
        return 0;
    s->head = (s->head + 1) % UART_FIFO;
    s->count--;
    restart_timeout(u);
    return byte;
}

static uint8_t read_iir(struct uart_state *s)
{
    uint8_t c = cause(s);

    if (c == IIR_THRE) /* reported */
        s->thre = 0;
    return c | (fifo_mode(s) ? 0xC0 : 0);
}

static uint32_t uart_read(void *ctx, uint16_t port, unsigned size)
{
    struct uart *u = ctx;
    struct uart_state *s = &u->state;
    bool dlab = s->lcr & LCR_DLAB;
    uint8_t v = 0xFF;

    (void)size;
    switch (port & 7) {
    case 0:
        v = dlab ? s->dll : read_rbr(u);
        break;
    case 1:
        v = dlab ? s->dlm : s->ier;
        break;
    case 2:
        v = read_iir(s);
        break;
    case 3:
        v = s->lcr;
        break;
    case 4:
        v = s->mcr;
        break;
    case 5:
        v = s->lsr | (s->count ? LSR_DR : 0);
        s->lsr &= ~LSR_ERRORS;
        break;
    case 6:
        v = s->msr;
        s->msr &= ~MSR_DELTAS;
        break;
    case 7:
        v = s->scr;
        break;
    }
    update_irq(u);
    return v;
}

void uart_init(struct uart *u, struct state *state, const char *name, struct clock *clock,
               struct ports *ports, uint16_t port, struct irq_line irq)
{
    u->irq = irq;
    u->state.timeout_due = CLOCK_NEVER;
    u->state.lsr = LSR_THRE | LSR_TEMT;
    u->state.msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->state.dll = 12; /* 9600 baud, as firmware leaves it */
    u->state.lcr = 3;  /* 8 bits, no parity, 1 stop bit */
    state_block(state, &u->state, sizeof u->state, name);
    clock_add_timer(clock, "UART: receive time-out", &u->state.timeout_due, fire_timeout, u);
    ports_add(ports, (struct port_range){port, 8, 1, uart_read, uart_write, u});
}
