/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that need not happen at once. Entering the hypervisor is dear, and a loop over a page table
 * would do it for every entry; so in a lazy mode calls are left in the ring of lguest_data, and the
 * next entry, whatever its reason, executes all that is there, in order. (Linux calls the two modes
 * MMU and CPU: between lazy_mode_enter and _leave, and while one task is exchanged for another.)
 */
#include "lguest.h"
#include "lib/lib.h"

enum lazy_mode { LAZY_NONE, LAZY_MMU, LAZY_CPU };

static enum lazy_mode mode;
static bool queued; /* something was left in the ring since it was last known to be empty */

struct lguest_data lguest_data __attribute__((aligned(64))) = {
    .irq_enabled = 0,
    .blocked_interrupts = ~0u,
    .hcall_status = {[0 ... LHCALL_RING_SIZE - 1] = LHCALL_RING_FREE},
    .noirq_start = (uint32_t)lguest_noirq_start,
    .noirq_end = (uint32_t)lguest_noirq_end,
    .kernel_address = PAGE_OFFSET,
    .syscall_vec = 0x80,
};

/* An interrupt between the choice of a slot and its release could take the same one. */
static void async_hcall(const struct lguest_hcall *call)
{
    static uint32_t next;
    uint32_t flags = irq_save();
    volatile uint8_t *status = &lguest_data.hcall_status[next];

    if (*status != LHCALL_RING_FREE) { /* full: this call's own entry empties it first */
        lguest_hcall(call->arg[0], call->arg[1], call->arg[2], call->arg[3], call->arg[4]);
    } else {
        lguest_data.hcalls[next] = *call;
        __asm__ volatile("" : : : "memory"); /* the call before the word that it is there */
        *status = 0;
        next = (next + 1) % LHCALL_RING_SIZE;
        queued = true;
    }
    irq_restore(flags);
}

void lguest_lazy_hcall(uint32_t call, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    if (mode == LAZY_NONE)
        lguest_hcall(call, a1, a2, a3, a4);
    else
        async_hcall(&(struct lguest_hcall){{call, a1, a2, a3, a4}});
}

static void leave_lazy_mode(void)
{
    mode = LAZY_NONE;
    if (queued) {
        queued = false;
        lguest_hcall(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
    }
}

void lguest_lazy_mode_enter(void)
{
    ASSERT(mode == LAZY_NONE);
    mode = LAZY_MMU;
}

void lguest_lazy_mode_leave(void)
{
    ASSERT(mode == LAZY_MMU);
    leave_lazy_mode();
}
PV_HYPERCALL(lguest_lazy_mode_leave, LHCALL_FLUSH_ASYNC);

/* schedule() is a safe point (pv.h): no batch of page-table writes is open when it comes here. */
void lguest_start_context_switch(__attribute__((unused)) struct task *prev)
{
    ASSERT(mode == LAZY_NONE);
    mode = LAZY_CPU;
}

void lguest_end_context_switch(__attribute__((unused)) struct task *next)
{
    ASSERT(mode == LAZY_CPU);
    leave_lazy_mode();
}
PV_HYPERCALL(lguest_end_context_switch, LHCALL_FLUSH_ASYNC);
