/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways to end a run: the status and panic ports of abi/ringside_ports.h, ACPI's soft-off, the reset line of the
 * keyboard controller and that of port 92h.
 */
#ifndef EMU_DEV_POWER_H
#define EMU_DEV_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "../state.h"
#include "ports.h"

struct power {
    struct power_state {
        uint16_t control;    /* PM1a: what reads back */
        uint8_t kbc_command; /* the command that waits for its byte at port 60h */
        uint8_t pad[5];
    } state;
    void (*status)(void *ctx, uint32_t status);
    void (*panicked)(void *ctx);
    void (*off)(void *ctx);
    void (*reset)(void *ctx);
    void *ctx;
};

/* extension: whether there are ports for status and panic. */
void power_init(struct power *p, struct state *state, struct ports *ports, bool extension);

#endif
