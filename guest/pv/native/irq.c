/* SPDX-License-Identifier: GPL-2.0-only */
/* pv_irq_ops.init_IRQ on the bare machine; its companions are in irq.S. */
#include "native.h"
#include "drivers/drivers.h"
#include "kernel/traps.h"

void native_init_IRQ(void)
{
    pic_init();
    irq_set_chip(&pic_chip);
    irq_register(PIC_CASCADE, "cascade", NULL);
    trap_set_irq_gates();
}
