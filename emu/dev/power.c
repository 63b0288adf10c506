/* SPDX-License-Identifier: GPL-2.0-only */
/* Ways to end a run. */
#include "power.h"

#include "abi/ringside_ports.h"

static uint32_t status_read(void *ctx, uint16_t port, unsigned size)
{
    (void)ctx;
    (void)port;
    (void)size;
    return RINGSIDE_STATUS_MAGIC;
}

static void status_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct power *p = ctx;

    (void)size;
    if (port == RINGSIDE_STATUS_PORT)
        p->status(p->ctx, value);
}

static uint32_t panic_read(void *ctx, uint16_t port, unsigned size)
{
    (void)ctx;
    (void)port;
    (void)size;
    return RINGSIDE_PANICKED;
}

static void panic_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct power *p = ctx;

    (void)port;
    (void)size;
    if (value & RINGSIDE_PANICKED)
        p->panicked(p->ctx);
}

enum { PM1_SLP_EN = 0x2000, PM1_SLP_TYP = 0x1C00, PM1_SCI_EN = 1 };
_Static_assert(RINGSIDE_POWER_OFF == PM1_SLP_EN, "soft-off is sleep type 0");

static uint32_t pm1_read(void *ctx, uint16_t port, unsigned size)
{
    const struct power *p = ctx;

    (void)size;
    return p->state.control >> (port & 1 ? 8 : 0);
}

static void pm1_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct power *p = ctx;
    uint16_t v = (uint16_t)value;

    if (size == 1)
        v = port & 1 ? (uint16_t)((p->state.control & 0xFF) | value << 8)
                     : (uint16_t)((p->state.control & 0xFF00) | (value & 0xFF));
    p->state.control = v & ~PM1_SLP_EN; /* that one is a button: it reads as 0 */
    if (v & PM1_SLP_EN && !(v & PM1_SLP_TYP))
        p->off(p->ctx);
}

/*
 * The keyboard controller without a keyboard. Its status says for ever that a byte waits to be read:
 * Linux reads sixteen of them and concludes that there is no controller, at once instead of after
 * half a second of waiting for answers; and whoever wants to reset the machine waits only for the
 * other flag, "ready for a command", and that one is good.
 */
enum { KBC_STATUS = 0x1D, KBC_WRITE_OUTPUT = 0xD1, KBC_OUTPUT_RESET = 1 };

static uint32_t kbc_read(void *ctx, uint16_t port, unsigned size)
{
    (void)ctx;
    (void)size;
    return port == RINGSIDE_RESET_PORT ? KBC_STATUS : 0xFF;
}

static void kbc_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct power *p = ctx;
    uint8_t v = (uint8_t)value, command = p->state.kbc_command;

    (void)size;
    if (port == RINGSIDE_RESET_PORT) {
        p->state.kbc_command = v;
        /* F0-FF pulse the output lines whose bits are 0; line 0 is the CPU's reset. */
        if (v >= 0xF0 && !(v & KBC_OUTPUT_RESET))
            p->reset(p->ctx);
    } else {
        p->state.kbc_command = 0;
        if (command == KBC_WRITE_OUTPUT && !(v & KBC_OUTPUT_RESET))
            p->reset(p->ctx);
    }
}

/* Port 92h: address line 20 is always on; bit 0 resets. */
static uint32_t fast_read(void *ctx, uint16_t port, unsigned size)
{
    (void)ctx;
    (void)port;
    (void)size;
    return 2;
}

static void fast_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct power *p = ctx;

    (void)port;
    (void)size;
    if (value & 1)
        p->reset(p->ctx);
}

void power_init(struct power *p, struct state *state, struct ports *ports, bool extension)
{
    p->state.control = PM1_SCI_EN;
    state_block(state, &p->state, sizeof p->state, "power");
    if (extension) {
        ports_add(ports,
                  (struct port_range){RINGSIDE_STATUS_PORT, 4, 4, status_read, status_write, p});
        ports_add(ports,
                  (struct port_range){RINGSIDE_PANIC_PORT, 1, 1, panic_read, panic_write, p});
    }
    ports_add(ports, (struct port_range){RINGSIDE_POWER_PORT, 2, 2, pm1_read, pm1_write, p});
    ports_add(ports, (struct port_range){0x60, 1, 1, kbc_read, kbc_write, p});
    ports_add(ports, (struct port_range){RINGSIDE_RESET_PORT, 1, 1, kbc_read, kbc_write, p});
    ports_add(ports, (struct port_range){0x92, 1, 1, fast_read, fast_write, p});
}
