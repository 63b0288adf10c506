/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair of 8259A interrupt controllers of a PC/AT (Intel 8259A data sheet, order 231468; the
 * ELCR from the 82371 PIIX data sheet). The second one's output is the first one's line 2.
 */
#ifndef EMU_DEV_PIC_H
#define EMU_DEV_PIC_H

#include <stdbool.h>
#include <stdint.h>

#include "../state.h"
#include "irq_line.h"
#include "ports.h"

struct pic_chip {
    uint8_t lines; /* levels of the inputs */
    uint8_t latch; /* rising edges seen since the last acknowledge, while the line stays high */
    uint8_t imr, isr;
    uint8_t elcr;     /* lines that are level-triggered */
    uint8_t vector;   /* ICW2: bits 3-7 */
    uint8_t top;      /* the line of the highest priority; rotation moves it */
    uint8_t icw;      /* the next initialisation word that is expected, 0 when done */
    uint8_t icw1;     /* as written: says whether ICW3 and ICW4 follow */
    uint8_t auto_eoi; /* ICW4 */
    uint8_t nested;   /* ICW4: special fully nested mode */
    uint8_t rotate;   /* OCW2: rotate in automatic EOI mode */
    uint8_t special;  /* OCW3: special mask mode */
    uint8_t read_isr; /* OCW3: port 0 reads ISR, not IRR */
    uint8_t poll;     /* OCW3: the next read is an acknowledge */
    uint8_t pad;
};

struct pic {
    struct pic_state {
        struct pic_chip chip[2]; /* master, slave */
    } state;
    struct pic_input {
        struct pic *pic;
        unsigned irq;
    } input[16];
};

void pic_init(struct pic *p, struct state *state, struct ports *ports);
/* The wire for IRQ 0 to 15. */
struct irq_line pic_line(struct pic *p, unsigned irq);

/* Is INTR up? */
bool pic_pending(const struct pic *p);
/* The processor's acknowledge cycle: the vector. With nothing pending, the spurious one: that of
   line 7 of the controller that was asked. */
uint8_t pic_ack(struct pic *p);

#endif
