/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hardware gave the hypervisor an event that is the guest's. We do for the guest what the
 * hardware would have done on a machine of its own: a frame on the stack, and off to the handler.
 */
#include <string.h>

#include "shared.h"

bool reflect(struct domain *d, const struct reflect *r, reflect_write write)
{
    const struct x86_regs *now = cpu_regs(d->cpu);
    uint32_t esp = r->switch_stack ? r->esp : now->gpr[R_ESP];
    uint32_t base = r->switch_stack ? r->ss.base : now->seg[S_SS].base;
    uint32_t frame[6], n = 0; /* lowest address first */

    if (r->has_error)
        frame[n++] = r->error;
    frame[n++] = r->return_eip;
    frame[n++] = now->seg[S_CS].sel;
    frame[n++] = (now->eflags & ~r->clear) | r->set;
    if (r->switch_stack) {
        frame[n++] = now->gpr[R_ESP];
        frame[n++] = now->seg[S_SS].sel;
    }
    esp -= n * sizeof *frame;
    if (!write(d, base + esp, frame, n * sizeof *frame))
        return false;

    struct x86_regs *rw = cpu_regs_rw(d->cpu);
    rw->gpr[R_ESP] = esp;
    if (r->switch_stack)
        rw->seg[S_SS] = r->ss;
    rw->seg[S_CS] = r->cs;
    rw->cpl = r->cs.sel & 3;
    rw->eip = r->eip;
    rw->eflags &= ~(uint32_t)(FL_TF | FL_NT | FL_RF | FL_VM);
    rw->shadow = 0;
    return true;
}
