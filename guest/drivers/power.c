/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a run: off, again, or never again. */
#include "abi/ringside_ports.h"
#include "drivers.h"
#include "pv/pv.h"

void power_halt(void)
{
    pv_irq_disable();
    for (;;)
        pv_halt();
}

static void pc_power_off(__attribute__((unused)) const char *why)
{
    outw(RINGSIDE_POWER_OFF, RINGSIDE_POWER_PORT);
}

static void pc_restart(void)
{
    outb(RINGSIDE_KBC_RESET, RINGSIDE_RESET_PORT);
}

struct machine_ops machine_ops = {pc_power_off, pc_restart};

/* The status first, where there is somebody to take it; then off. */
static void __noreturn end(uint32_t status, const char *why)
{
    if (inl(RINGSIDE_STATUS_PORT) != 0xFFFFFFFF)
        outl(status, RINGSIDE_STATUS_PORT);
    machine_ops.power_off(why);
    power_halt();
}

void power_off(uint32_t status)
{
    end(status, "Power down");
}

/* A panic is more than an end: whoever runs us keeps what it knows of our last moments. */
void power_off_panicked(const char *why)
{
    if (inb(RINGSIDE_PANIC_PORT) == RINGSIDE_PANICKED)
        outb(RINGSIDE_PANICKED, RINGSIDE_PANIC_PORT);
    end(RINGSIDE_STATUS_PANIC, why);
}

void power_reset(void)
{
    machine_ops.restart();
    power_halt();
}
