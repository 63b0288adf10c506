/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bench for one device: ports, clock, state blocks, time that the test turns by hand, and a wire
 * that counts its edges.
 */
#ifndef TESTS_DEV_RIG_H
#define TESTS_DEV_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/clock.h"
#include "emu/dev/irq_line.h"
#include "emu/dev/ports.h"
#include "emu/state.h"

struct rig {
    struct ports ports;
    struct clock clock;
    struct state state;
    uint64_t now;
    bool level;
    unsigned rises;
};

static inline uint64_t rig_now(void *ctx)
{
    return ((struct rig *)ctx)->now;
}

static inline void rig_wire(void *ctx, bool level)
{
    struct rig *r = ctx;

    r->rises += level && !r->level;
    r->level = level;
}

static inline struct irq_line rig_line(struct rig *r)
{
    return (struct irq_line){rig_wire, r};
}

/* Let time pass up to this cycle, as the run loop does: timers fire at their cycles. */
static inline void run_to(struct rig *r, uint64_t cycle)
{
    while (clock_next(&r->clock) <= cycle) {
        r->now = clock_next(&r->clock);
        assert_true(clock_run_due(&r->clock, r->now) > 0);
    }
    r->now = cycle;
}

static inline uint8_t in(struct rig *r, uint16_t port)
{
    return (uint8_t)ports_read(&r->ports, port, 1);
}

static inline void out(struct rig *r, uint16_t port, uint8_t v)
{
    ports_write(&r->ports, port, 1, v);
}

#endif
