/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 programmable interval timer (Intel data sheet, order 231164) and the system port 61h.
 * Counter 0 drives IRQ 0, counter 1 once refreshed memory, counter 2 the speaker.
 */
#ifndef EMU_DEV_PIT_H
#define EMU_DEV_PIT_H

#include <stdbool.h>
#include <stdint.h>

#include "../clock.h"
#include "../state.h"
#include "irq_line.h"
#include "ports.h"

#define PIT_HZ 1193182u

/*
 * One counter. Nothing of it moves by itself: it is described by what was loaded and when, in ticks
 * since cycle 0, and OUT and the count at a tick are computed. Ticks are signed because a square
 * wave whose count changes in its low half is described by a period that began before it.
 */
struct pit_counter {
    int64_t base;      /* the tick at which the counting element held `start` */
    int64_t switch_at; /* modes 2 and 3: the tick from which `written` counts; INT64_MAX: none */
    uint32_t start;    /* 1 to 65536; the period in modes 2 and 3 */
    uint32_t written;  /* the last count that was written, 0: none since the control word */
    uint8_t mode, rw, bcd;
    uint8_t gate;
    uint8_t counting;    /* the counting element runs (or will from `base` on) */
    uint8_t expired;     /* modes 0 and 4: passed the terminal count before it was stopped */
    uint8_t half;        /* the low byte of a two-byte count is written */
    uint8_t low;         /* and it is this */
    uint8_t read_high;   /* the next read gives the high byte */
    uint8_t latched;     /* bytes of latch_count that are still to be read */
    uint8_t status_held; /* latch_status is to be read first */
    uint8_t latch_status;
    uint16_t latch_count;
    uint8_t pad[2];
};

struct pit {
    struct pit_state {
        struct pit_counter counter[3];
        uint64_t due;    /* the next change of counter 0's output */
        uint8_t speaker; /* port 61h, bits 0-3 */
        uint8_t pad[7];
    } state;
    struct irq_line irq;
    uint64_t (*now)(void *ctx);
    void *ctx;
};

void pit_init(struct pit *p, struct state *state, struct clock *clock, struct ports *ports,
              struct irq_line irq, uint64_t (*now)(void *ctx), void *ctx);

#endif
