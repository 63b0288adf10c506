/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The board of a PC: which devices there are, at which ports, on which interrupt lines.
 */
#ifndef EMU_DEV_PC_H
#define EMU_DEV_PC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../clock.h"
#include "../err.h"
#include "../state.h"

struct pc;

enum pc_power { PC_POWER_OFF, PC_RESET, PC_PANICKED };

struct pc_config {
    struct clock *clock;        /* timers are registered here */
    struct state *state;        /* and flat state here */
    uint64_t mem_bytes;         /* what the CMOS says */
    int64_t rtc_epoch;          /* date at cycle 0, seconds since 1970 UTC */
    bool extension;             /* the status and panic ports of abi/ringside_ports.h */
    uint64_t (*now)(void *ctx); /* the present cycle */
    void (*console)(void *ctx, const uint8_t *bytes, size_t n); /* the UART sent these */
    void (*status)(void *ctx, uint32_t status);
    void (*power)(void *ctx, enum pc_power what);
    void (*unknown_port)(void *ctx, uint16_t port, bool write); /* nobody answers there */
    void *ctx;
};

struct pc *pc_new(const struct pc_config *cfg, struct err *err);
void pc_free(struct pc *pc);

/* One access of 1, 2 or 4 bytes; a port that nobody answers reads all ones. */
uint32_t pc_port_read(struct pc *pc, uint16_t port, unsigned size);
void pc_port_write(struct pc *pc, uint16_t port, unsigned size, uint32_t value);

bool pc_irq_pending(const struct pc *pc); /* the 8259 raises INTR */
uint8_t pc_irq_ack(struct pc *pc);        /* the acknowledge cycle: the vector */

/* The console is the first UART. */
bool pc_console_can_receive(const struct pc *pc);
void pc_console_receive(struct pc *pc, uint8_t byte);
/* Is this one of its ports? (Who lists what a guest did last may leave its printing out.) */
bool pc_is_console_port(uint16_t port);
/* Does the guest assert RTS, that is, ask for bytes? A patient sender waits for it. */
bool pc_console_wants(const struct pc *pc);

#endif
