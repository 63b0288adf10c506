/* SPDX-License-Identifier: GPL-2.0-only */
/* On bare hardware what the kernel believes about its page tables is what the hardware does. */
#include "native.h"

bool native_walk(struct domain *d, gva_t a, struct x86_walk *out)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    return x86_walk(r, d->mem, a, X86_READ, r->cpl == 3, false, out);
}

/* There is no bookkeeping that could be wrong; what can be checked is the CPU's own state. */
bool native_audit(struct domain *d, struct err *err)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    if ((r->seg[S_CS].sel & 3) != r->cpl && (r->cr0 & CR0_PE) && !(r->eflags & FL_VM))
        return err_set(err, ERR_ENGINE, "CS.RPL is %u at CPL %u", r->seg[S_CS].sel & 3, r->cpl);
    if (r->cr0 & CR0_PG && !(r->cr0 & CR0_PE))
        return err_set(err, ERR_ENGINE, "paging is on without protection");
    return true;
}
