/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest can ask for. A call is a number in EAX and up to four arguments; a table leads from
 * the number to the function. There are few results: lguest's calls tell rather than ask.
 *
 * Calls need not be made at once. A guest that knows it will make many, in its lazy modes, writes
 * them into a ring in lguest_data and goes on; the next call of any kind has us empty the ring
 * first, in order, and the price of one switch has paid for all of them.
 */
#include <string.h>

#include "lguest.h"

/* ---- one function a call ---- */

static void nothing(struct domain *d, const uint32_t *a)
{
    (void)a;
    /* Coming here was the point: the ring has been emptied, and interrupts are looked at on the
       way back. */
    hv_stage(d, "nothing to do but to have come", 0);
}

static void initialise(struct domain *d, const uint32_t *a)
{
    const struct lguest_variant *v = lguest_variant(d);
    struct lguest *lg = lguest_of(d);
    uint8_t whole[LGUEST_DATA_size];

    if (lg->data) {
        kill_guest(d, "already have lguest_data");
        return;
    }
    hv_stage2(d, "check that lguest_data is in memory", a[1], v->data_size);
    if (lguest_other_release(d, a))
        return;
    if (!a[1]) {
        kill_guest(d, "lguest_data at address 0, where boot_params is");
        return;
    }
    if (!lguest_read(d, a[1], whole, v->data_size))
        return;
    lg->data = a[1];
    lg->syscall_vec = lguest_data_get(d, v->syscall_vec);
    lg->kernel_address = lguest_data_get(d, v->kernel_address);
    lg->noirq_start = lguest_data_get(d, v->noirq_start);
    lg->noirq_end = lguest_data_get(d, v->noirq_end);
    if (lg->syscall_vec != 0x80) {
        kill_guest(d, "bad syscall vector %#x", lg->syscall_vec);
        return;
    }
    if (lg->kernel_address >= SWITCHER_TWO_LEVEL) {
        kill_guest(d, "bad kernel address %#x: the switcher is there", lg->kernel_address);
        return;
    }
    hv_stage(d, "tell it the clock's rate and what it may not have", 0u - lguest_switcher(lg));
    lguest_data_put(d, LGUEST_DATA_tsc_khz, CYCLES_PER_SECOND / 1000);
    lguest_data_put(d, LGUEST_DATA_reserve_mem, 0u - lguest_switcher(lg));
    if (v->pgdir) {
        lguest_data_put(d, v->pgdir, lg->boot_pgdir);
        lguest_boot_tables_high(d, lg->kernel_address);
    }
    lguest_write_time(d);
    if (!lg->shadow.linear) {
        shadow_drop_all(&lg->shadow, d->mem);
        lguest_paging_changed(d);
        lguest_pin_stack(d);
    }
}

static void shut_down(struct domain *d, const uint32_t *a)
{
    char message[128];

    if (!lguest_read(d, a[1], message, sizeof message))
        return;
    message[sizeof message - 1] = 0;
    if (a[2] == LGUEST_SHUTDOWN_RESTART) {
        hv_stage(d, "the guest wants to begin again", a[2]);
        domain_reset(d);
        return;
    }
    hv_stage(d, "the guest turns itself off", a[2]);
    /* One call for two ends: a kernel that panics says why in the place of these words. */
    if (strcmp(message, "Power down") && message[0])
        kill_guest(d, "kernel panic: %s", message);
    else
        domain_power_off(d, d->state.status);
}

static void new_pgtable(struct domain *d, const uint32_t *a)
{
    lguest_new_pgtable(d, a[1]);
}

static void flush_tlb(struct domain *d, const uint32_t *a)
{
    struct lguest *lg = lguest_of(d);

    if (a[1]) {
        hv_stage(d, "empty all shadows", a[1]);
        shadow_drop_all(&lg->shadow, d->mem);
    } else {
        hv_stage(d, "empty the user half of this shadow", lg->kernel_address);
        shadow_drop_below(&lg->shadow, d->mem, lg->kernel_address);
    }
    lguest_paging_changed(d);
    if (a[1])
        lguest_pin_stack(d);
}

static void load_idt_entry(struct domain *d, const uint32_t *a)
{
    lguest_load_idt_entry(d, a[1], a[2], a[3]);
}

static void set_stack(struct domain *d, const uint32_t *a)
{
    struct lguest *lg = lguest_of(d);

    if ((a[1] & 3) != 1) {
        kill_guest(d, "bad stack segment %#x: not of ring 1", a[1]);
        return;
    }
    if (a[3] > 2) {
        kill_guest(d, "bad stack pages %u: at most 2", a[3]);
        return;
    }
    if (a[2] > SWITCHER_ADDR) {
        kill_guest(d, "bad stack %#x: the switcher is there", a[2]);
        return;
    }
    hv_stage2(d, "from now on ring 3 enters ring 1 on this stack", a[2], a[3]);
    lg->ss1 = a[1] & 0xFFFF;
    lg->esp1 = a[2];
    lg->stack_pages = a[3];
    lguest_pin_stack(d);
}

/* The next use of the FPU shall fault (CR0.TS), or not. */
static void set_ts(struct domain *d, const uint32_t *a)
{
    struct x86_regs *r = cpu_regs_rw(d->cpu);
    r->cr0 = a[1] ? r->cr0 | CR0_TS : r->cr0 & ~(uint32_t)CR0_TS;
}

static void set_clockevent(struct domain *d, const uint32_t *a)
{
    lguest_set_clockevent(d, a[1]);
}

static void halt(struct domain *d, const uint32_t *a)
{
    (void)a;
    lguest_halt(d);
}

/* We do not know which address spaces use this directory, so everything goes. Crude, and the
   original's way: kernels seldom do it. */
static void set_pmd(struct domain *d, const uint32_t *a)
{
    lguest_format_is(d, SHADOW_PAE); /* two levels have no middle */
    hv_stage2(d, "a page table came or went: empty all shadows", a[1], a[2]);
    shadow_drop_all(&lguest_of(d)->shadow, d->mem);
    lguest_paging_changed(d);
}

static void set_pte(struct domain *d, const uint32_t *a)
{
    lguest_set_pte(d, a[1], a[2], a[3], a[4]);
}

static void set_pgd(struct domain *d, const uint32_t *a)
{
    struct shadow *s = &lguest_of(d)->shadow;

    lguest_format_is(d, a[2] < 4 ? SHADOW_PAE : SHADOW_TWO_LEVEL);
    hv_stage2(d, "a directory came or went: forget what hung on it", a[1], a[2]);
    shadow_drop_slot(s, d->mem, shadow_root_at(s, a[1]), a[2]);
    lguest_paging_changed(d);
}

static void load_tls(struct domain *d, const uint32_t *a)
{
    lguest_load_tls(d, a[1]);
}

static void notify(struct domain *d, const uint32_t *a)
{
    lguest_notify(d, a[1]);
}

static void load_gdt_entry(struct domain *d, const uint32_t *a)
{
    lguest_load_gdt_entry(d, a[1], a[2], a[3]);
}

static void (*const call[])(struct domain *d, const uint32_t *a) = {
    [LHCALL_FLUSH_ASYNC] = nothing,
    [LHCALL_LGUEST_INIT] = initialise,
    [LHCALL_SHUTDOWN] = shut_down,
    [LHCALL_NEW_PGTABLE] = new_pgtable,
    [LHCALL_FLUSH_TLB] = flush_tlb,
    [LHCALL_LOAD_IDT_ENTRY] = load_idt_entry,
    [LHCALL_SET_STACK] = set_stack,
    [LHCALL_TS] = set_ts,
    [LHCALL_SET_CLOCKEVENT] = set_clockevent,
    [LHCALL_HALT] = halt,
    [LHCALL_SET_PMD] = set_pmd,
    [LHCALL_SET_PTE] = set_pte,
    [LHCALL_SET_PGD] = set_pgd,
    [LHCALL_LOAD_TLS] = load_tls,
    [LHCALL_NOTIFY] = notify,
    [LHCALL_LOAD_GDT_ENTRY] = load_gdt_entry,
    [LHCALL_SEND_INTERRUPTS] = nothing,
};
enum { CALLS = sizeof call / sizeof call[0] };

/* ---- one after the other ---- */

/* a[0] is the number; cost is that of coming here for it. */
static void do_call(struct domain *d, const uint32_t *a, enum lguest_cost cost)
{
    hv_hypercall_begin(d, a[0], a + 1, 4);
    hv_cost(d, cost);
    if (a[0] >= CALLS || !call[a[0]])
        kill_guest(d, "bad hypercall %u", a[0]);
    else if (!lguest_of(d)->data && a[0] != LHCALL_LGUEST_INIT)
        kill_guest(d, "hypercall %u before LGUEST_INIT", a[0]);
    else
        call[a[0]](d, a);
    hv_hypercall_end(d, a[0], NULL);
}

static void set_status(struct domain *d, uint32_t slot, uint8_t status)
{
    lguest_write(d, lguest_of(d)->data + LGUEST_DATA_hcall_status + slot, &status, 1);
}

/* Empty the ring: one round at most, or a guest could keep us here by putting its calls back. */
static void do_async_calls(struct domain *d)
{
    struct lguest *lg = lguest_of(d);
    uint32_t at = lg->data + LGUEST_DATA_hcall_status;
    uint8_t status[LHCALL_RING_SIZE];

    /* Mostly there is none: one byte tells. */
    if (!lg->data || !lguest_read(d, at + lg->next_hcall % LHCALL_RING_SIZE, status, 1) ||
        status[0] == LHCALL_RING_FREE || !lguest_read(d, at, status, sizeof status))
        return;
    for (unsigned i = 0; i < LHCALL_RING_SIZE && !d->end.kind; i++) {
        uint32_t slot = lg->next_hcall % LHCALL_RING_SIZE;
        struct lguest_hcall c;
        if (status[slot] == LHCALL_RING_FREE)
            return;
        lg->next_hcall = (slot + 1) % LHCALL_RING_SIZE;
        if (!lguest_read(d, lg->data + LGUEST_DATA_hcalls + slot * sizeof c, &c, sizeof c))
            return;
        hv_stage2(d, "a call that has waited in the ring", slot, c.arg[0]);
        do_call(d, c.arg, LGUEST_COST_ASYNC);
        set_status(d, slot, LHCALL_RING_FREE);
    }
}

void lguest_hypercall(struct domain *d)
{
    uint32_t r[8];
    cpu_gprs(d->cpu, r);
    const uint32_t a[5] = {r[R_EAX], r[R_EBX], r[R_ECX], r[R_EDX], r[R_ESI]};

    do_async_calls(d);
    if (!d->end.kind)
        do_call(d, a, LGUEST_COST_HCALL); /* so a trace shows who paid for the switch */
}
