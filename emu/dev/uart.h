/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 16550A serial port (National Semiconductor PC16550D data sheet) as a PC wires it: OUT2 lets
 * its interrupt through. A sent byte leaves at once; bytes arrive when uart_receive() says so.
 */
#ifndef EMU_DEV_UART_H
#define EMU_DEV_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../clock.h"
#include "../state.h"
#include "irq_line.h"
#include "ports.h"

#define UART_FIFO 16

struct uart {
    struct uart_state {
        uint64_t timeout_due; /* the receive FIFO has not been touched for four characters' time */
        uint8_t fifo[UART_FIFO];
        uint8_t head, count; /* the oldest byte, how many; without FIFO mode at most one */
        uint8_t ier, fcr, lcr, mcr, lsr, msr, scr; /* LSR without DR: that is `count` */
        uint8_t dll, dlm;
        uint8_t thre;    /* "transmitter empty" has not been reported yet */
        uint8_t timeout; /* the time is up and nobody has read since */
        uint8_t pad[3];
    } state;
    struct irq_line irq;
    void (*out)(void *ctx, const uint8_t *bytes, size_t n);
    uint64_t (*now)(void *ctx);
    void *ctx;
};

void uart_init(struct uart *u, struct state *state, const char *name, struct clock *clock,
               struct ports *ports, uint16_t port, struct irq_line irq);

/* A byte comes in from the line. One for which there is no room is lost and counts as an overrun:
   ask uart_can_receive() first. */
void uart_receive(struct uart *u, uint8_t byte);
bool uart_can_receive(const struct uart *u);
/* Does the guest hold RTS, asking for data? */
bool uart_wants(const struct uart *u);

#endif
