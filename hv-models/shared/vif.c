/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual interrupts. A guest that keeps its interrupt flag in memory changes it without telling
 * anybody, so a line that cannot be delivered now is looked at again a little later: at a cycle that
 * is fixed when the need arises, never "whenever we happen to be here", or a run would depend on
 * who else stopped it.
 */
#include "shared.h"

void vif_init(struct vif *v)
{
    *v = (struct vif){.look_due = CLOCK_NEVER};
}

void vif_raise(struct vif *v, unsigned line)
{
    v->pending |= 1u << line;
}

int vif_lowest(uint32_t lines)
{
    return lines ? __builtin_ctz(lines) : -1;
}

void vif_look_in(struct vif *v, struct domain *d, uint64_t cycles)
{
    uint64_t at = cpu_now(d->cpu) + cycles;
    if (at < v->look_due)
        v->look_due = at;
}
