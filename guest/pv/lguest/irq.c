/* SPDX-License-Identifier: GPL-2.0-only */
/* pv_irq_ops under lguest: 32 lines, a mask in shared memory, nothing to acknowledge. Masking and
   unmasking by line enters nobody, as with the flag (irq.S). */
#include "lguest.h"
#include "drivers/drivers.h"
#include "kernel/traps.h"

static void mask(unsigned line)
{
    lguest_data.blocked_interrupts |= 1u << line;
}

static void unmask(unsigned line)
{
    lguest_data.blocked_interrupts &= ~(1u << line);
}

static bool acknowledge(__attribute__((unused)) unsigned line)
{
    return true;
}

static const struct irq_chip chip = {
    .name = "lguest",
    .mask = mask,
    .unmask = unmask,
    .acknowledge = acknowledge,
};

void lguest_init_IRQ(void)
{
    irq_set_chip(&chip);
    trap_set_irq_gates();
}

/* The call unmasks by itself when it ends the sleep. */
void lguest_safe_halt(void)
{
    lguest_hcall(LHCALL_HALT, 0, 0, 0, 0);
}
PV_HYPERCALL(lguest_safe_halt, LHCALL_HALT);

/* The call would unmask. Who sleeps with interrupts masked sleeps for ever: block every line. */
void lguest_halt(void)
{
    if (!lguest_data.irq_enabled)
        lguest_data.blocked_interrupts = ~0u;
    lguest_hcall(LHCALL_HALT, 0, 0, 0, 0);
}
PV_HYPERCALL(lguest_halt, LHCALL_HALT);
