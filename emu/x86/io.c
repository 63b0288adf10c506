/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may touch a port (SDM volume 1, 18.5). The kernel always may; less privileged code may when
 * IOPL says so, and otherwise for the ports whose bits are clear in the bitmap at the end of the
 * running task's TSS. The engine checks none of this.
 */
#include "x86.h"

enum { TSS32_AVAILABLE = 9, TSS32_BUSY = 11, TSS32_BYTES = 0x68, TSS_IOMAP_BASE = 0x66 };

bool x86_io_allowed(const struct x86_regs *r, struct mem *m, uint16_t port, unsigned size)
{
    uint32_t cr2, error, type = r->tr.flags >> 8 & 15;
    uint16_t at, bits;

    if (!(r->cr0 & CR0_PE))
        return true;
    if (!(r->eflags & FL_VM) && r->cpl <= (r->eflags & FL_IOPL) >> 12)
        return true;
    /* Only a 32-bit TSS has a bitmap. */
    if ((type != TSS32_AVAILABLE && type != TSS32_BUSY) || r->tr.limit < TSS32_BYTES - 1)
        return false;
    if (!x86_read(r, m, GVA(r->tr.base + TSS_IOMAP_BASE), &at, sizeof at, false, &cr2, &error))
        return false;
    /* Two bytes are always read, since a port's bits may straddle one byte's end; both must lie
       inside the limit. That is why a bitmap ends with a byte of ones. A bitmap that cannot be
       read refuses; hardware would raise #PF there, which no system wants to see. */
    uint32_t first = (uint32_t)at + port / 8;
    if (first + 1 > r->tr.limit)
        return false;
    if (!x86_read(r, m, GVA(r->tr.base + first), &bits, sizeof bits, false, &cr2, &error))
        return false;
    return !(bits >> (port & 7) & ((1u << size) - 1));
}
