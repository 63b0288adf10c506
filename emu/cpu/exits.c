/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits: asking the owner what shall happen, and making it so before the next guest instruction.
 *
 * All of this may run inside the engine's hooks. That is safe because we only touch what the engine
 * reads afresh when the hook returns; whatever may not be done there (dropping translations) is
 * noted, stops the engine, and is done in cpu_run().
 */
#include <assert.h>

#include "internal.h"

#define DR6_BS (1u << 14)
/* A fault raised in answer to a fault, and so on: no owner means more than a few of these. */
#define RAISES_MAX 8

const char *const exit_kind_name[EXIT_KINDS] = {
#define X(name, title) [EXIT_##name] = title,
    EXIT_KINDS_LIST(X)
#undef X
};

bool exit_pending(struct vcpu *c)
{
    return c->now >= c->until || c->leave || c->halted || c->code_written || c->buffer_full ||
           c->flush_blocks || c->mmio_pending || c->stuck ||
           (c->want_window && cpu_interruptible(c)) ||
           atomic_load_explicit(&c->kicked, memory_order_relaxed);
}

enum cpu_act exit_ask(struct vcpu *c, struct cpu_exit *x)
{
    if (c->mmio_pending) /* what the guest did before comes before */
        exit_report_mmio(c);
    c->injected = c->raised = false;
    if (c->watch)
        watch_poll(c, CPU_BY_MMU, x->eip);
    enum cpu_act act = c->host.exit(c->host.ctx, c, x);
    regs_commit(c);
    if (c->watch)
        watch_poll(c, CPU_BY_HOST, x->eip);
    if (act == CPU_LEAVE)
        c->leave = true;
    return act;
}

void exit_stuck(struct vcpu *c, const char *why)
{
    struct cpu_exit x = {.kind = EXIT_STUCK, .eip = env_eip(c), .stuck.why = why};
    exit_ask(c, &x);
    c->stuck = NULL;
    c->leave = true;
}

void exit_fault(struct vcpu *c, uint8_t vector, bool has_error, uint32_t error, uint32_t cr2)
{
    for (unsigned i = 0; i < RAISES_MAX; i++) {
        struct cpu_exit x = {
            .kind = EXIT_FAULT, .eip = env_eip(c), .fault = {vector, has_error, error, cr2}};
        if (exit_ask(c, &x) != CPU_FAULT || !c->raised)
            return;
        vector = c->raise.vector;
        has_error = c->raise.has_error;
        error = c->raise.error;
        cr2 = c->cr2;
    }
    c->stuck = "a fault raises another one for ever";
}

void exit_raised(struct vcpu *c)
{
    exit_fault(c, c->raise.vector, c->raise.has_error, c->raise.error, c->cr2);
}

/* The instruction at eip is done without the engine: what its end would have done, we do. */
void exit_advance(struct vcpu *c, uint32_t eip, uint8_t len)
{
    uint32_t next = eip + len, flags = env_get(c, c->at.eflags);
    uint32_t hflags = env_get(c, c->at.hflags);
    regs_forget(c);
    if (!(hflags & HF_CS32))
        next &= 0xffff;
    env_put_reg(c, c->at.eip, next);
    env_put(c, c->at.hflags, hflags & ~(uint32_t)HF_SHADOW);
    env_put(c, c->at.eflags, flags & ~(uint32_t)FL_RF);
    if (flags & FL_TF) {
        c->dr[6] |= DR6_BS;
        exit_fault(c, X86_DB, false, 0, 0);
    }
}

/* ---- the engine's INTR hook: every exception and software interrupt ---- */

static bool has_error_code(uint32_t vector)
{
    return vector == X86_DF || (vector >= X86_TS && vector <= X86_PF) || vector == X86_AC;
}

/* A fault while fetching: no block was entered, so nothing has counted the instruction yet. A data
   access to the instruction's own bytes cannot fault in the same way: they have been fetched. */
static bool is_fetch_fault(uint32_t vector, uint32_t error, uint32_t cr2, uint32_t at)
{
    if (vector != X86_PF || (error & PF_W))
        return false;
    return cr2 == at || (cr2 - at < 15 && cr2 % PAGE_SIZE == 0);
}

/* As above, or somewhere in a block that starts at `at` and runs over its page's end. */
static bool is_next_page(uint32_t vector, uint32_t error, uint32_t cr2, uint32_t at)
{
    return vector == X86_PF && !(error & PF_W) && cr2 == (at | (PAGE_SIZE - 1)) + 1;
}

/*
 * The engine translates ahead. When its block runs into a page that cannot be fetched it reports that
 * fault at the block's start, before the instructions that come first: at a time and an address
 * that depend on where the block began. So we have it translate only up to the instruction that
 * needs the missing page, by an exit before that, and let it fault there. True: that is arranged,
 * forget this fault. False: the fault belongs to the instruction at `at`.
 */
bool exit_cut_page(struct vcpu *c, uint32_t at)
{
    uint64_t before = sites_page_end(c, at);
    if (before == at || (c->cut && c->cut_block == at && c->cut_before == before))
        return false;
    c->cut = true;
    c->cut_block = at;
    c->cut_before = (uint32_t)before;
    engine_set_exit(c, &before);
    /* A translation from a time when the page was there would be looked up, and its second page with
       it, before any exit: the fault would come at the block's start again. */
    engine_drop_block(c, at);
    return true;
}

static void software_interrupt(struct vcpu *c, uint8_t vector, uint32_t next)
{
    /* The engine stands behind the instruction; the owner wants to see it at the instruction. It
       ended its block, so the scan knows its length. Only INTO does not: it is one byte long. */
    const struct slot *last = time_last(c);
    uint32_t at = next + env_cs_base(c), len = 1;
    if (last && at == last->pc + last->size)
        len = last->tail;
    else if (last && at - last->pc < last->size)
        c->now -= last->n - time_index(c, last, at - len) - 1;
    uint32_t eip = next - len;
    env_put_reg(c, c->at.eip, eip);
    struct cpu_exit x = {
        .kind = EXIT_SOFTINT, .eip = eip, .len = (uint8_t)len, .softint.vector = vector};
    if (exit_ask(c, &x) == CPU_FAULT && c->raised)
        exit_raised(c);
    else if (!c->injected && env_eip(c) == eip)
        exit_advance(c, eip, (uint8_t)len);
}

void exits_on_intr(uc_engine *uc, uint32_t vector, void *ctx)
{
    (void)uc;
    struct vcpu *c = ctx;
    const struct slot *last = time_last(c);
    uint32_t eip = env_eip(c), at = eip + env_cs_base(c);
    uint32_t error = env_get(c, c->at.error_code), cr2 = env_get(c, c->at.cr + 16);
    bool soft = env_get(c, c->at.is_int) == 1, cut = false;
    time_settle(c);
    c->where = IN_INTR;
    env_put(c, c->at.old_exception, ~0u);  /* else the next fault arrives as a double fault */
    env_put_reg(c, c->at.cr + 16, c->cr2); /* CR2 is loaded when the fault is delivered */
    env_put(c, c->at.is_int, 0);
    if (time_end_twin(
            c)) { /* what it would have run cannot be fetched any more: that is for later */
        time_resume(c);
        c->where = OUTSIDE;
        return;
    }
    if (c->watch)
        watch_settle(c, soft || vector == X86_DB ? WATCH_NO_FAULT : at);
    if (soft) {
        software_interrupt(c, (uint8_t)vector, eip);
    } else if (vector == X86_DB) { /* single step: a trap, everything before it ran */
        c->dr[6] |= DR6_BS;
        exit_fault(c, X86_DB, false, 0, 0);
    } else if (last && at - last->pc < last->size && !is_fetch_fault(vector, error, cr2, at)) {
        c->now -= last->n - time_index(c, last, at) - 1;
        exit_fault(c, (uint8_t)vector, has_error_code(vector), error, cr2);
    } else if (is_next_page(vector, error, cr2, at) && exit_cut_page(c, at)) {
        cut = true; /* it will fault again, at the right place */
    } else if (c->now >= c->until) {
        /* The fetch belongs to the time after the stop; it will fault again. */
    } else {
        c->now++;
        exit_fault(c, (uint8_t)vector, has_error_code(vector), error, cr2);
    }
    time_forget_last(c);
    /* A fault in the second half of an access that spans two pages leaves the engine in the belief
       that it is still in there, and tells its memory hooks no more. Entering it anew puts that right. */
    if (exit_pending(c)) {
        time_stop(c, STOP_SERVICE, env_eip(c));
    } else if (c->watch && vector == X86_PF) {
        c->cut_fresh = cut; /* it has to outlive this stop, or the same fault would come for ever */
        time_stop(c, STOP_SERVICE, env_eip(c));
    }
    regs_forget(c);
    time_resume(c);
    c->where = OUTSIDE;
}

/* Bytes that are no instruction: "handled" makes the engine raise #UD through the hook above. */
bool exits_on_invalid(uc_engine *uc, void *ctx)
{
    (void)uc, (void)ctx;
    return true;
}

/* ---- accesses outside RAM ---- */

void exit_report_mmio(struct vcpu *c)
{
    c->mmio_pending = false;
    unsigned n = c->mmio_count;
    c->mmio_count = 0;
    for (unsigned i = 0; i < n; i++) {
        struct cpu_exit x = {
            .kind = EXIT_MMIO,
            .eip = c->mmio[i].eip,
            .mmio = {c->mmio[i].addr, c->mmio[i].size, c->mmio[i].write, c->mmio[i].value}};
        exit_ask(c, &x);
    }
}

/* ---- intents ---- */

void cpu_flush_tlb(struct vcpu *c)
{
    uc_ctl_flush_tlb(c->uc);
}

bool cpu_inject(struct vcpu *c, const struct x86_event *ev)
{
    if (x86_deliver(cpu_regs_rw(c), c->mem, ev, NULL) == X86_TRIPLE)
        return false;
    c->injected = true;
    c->halted = false;
    return true;
}

void cpu_raise(struct vcpu *c, uint8_t vector, bool has_error, uint32_t error)
{
    c->raised = true;
    c->raise = (struct x86_event){
        .kind = X86_EV_FAULT, .vector = vector, .has_error = has_error, .error = error};
}

void cpu_halt(struct vcpu *c)
{
    c->halted = true;
}

void cpu_wake(struct vcpu *c)
{
    c->halted = false;
}

void cpu_want_window(struct vcpu *c, bool want)
{
    c->want_window = want;
}

void cpu_kick(struct vcpu *c)
{
    atomic_store_explicit(&c->kicked, true, memory_order_relaxed);
}
