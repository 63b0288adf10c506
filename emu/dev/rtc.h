/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MC146818A clock and its 128 bytes of CMOS memory (Motorola data sheet ADI856), at ports 70h
 * and 71h, IRQ 8. The date is a number given when the machine is made, plus virtual time.
 */
#ifndef EMU_DEV_RTC_H
#define EMU_DEV_RTC_H

#include <stdbool.h>
#include <stdint.h>

#include "../clock.h"
#include "../state.h"
#include "irq_line.h"
#include "ports.h"

struct rtc {
    struct rtc_state {
        uint8_t cmos[128]; /* registers 0-9 and 32h are the date only while it is stopped */
        int64_t base;      /* seconds since 1970 shown at base_cycle */
        uint64_t base_cycle;
        int64_t seen;         /* updates up to this second have set their flags */
        uint64_t seen_period; /* and periods up to this one */
        uint64_t periodic_due, update_due;
        uint8_t index;   /* as written to port 70h, with the NMI mask in bit 7 */
        uint8_t weekday; /* what was written is so many days ahead of what the date says */
        uint8_t pad[6];
    } state;
    struct irq_line irq;
    uint64_t (*now)(void *ctx);
    void *ctx;
};

void rtc_init(struct rtc *r, struct state *state, struct clock *clock, struct ports *ports,
              struct irq_line irq, int64_t epoch, uint64_t mem_bytes, uint64_t (*now)(void *ctx),
              void *ctx);

/* The non-maskable interrupt is masked (bit 7 of port 70h). */
bool rtc_nmi_masked(const struct rtc *r);

#endif
