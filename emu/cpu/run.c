/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu_run: enter the engine, come back, look why, do what cannot be done inside it, again.
 */
#include <assert.h>

#include "internal.h"

static const char *engine_error(uc_err e)
{
    return e ? uc_strerror(e) : "the engine stopped for no reason";
}

/*
 * The engine came to an exit: before an instruction that needs a page it may not fetch (exits.c), or
 * one that was translated into some other block meanwhile. The block's count includes what did
 * not run. False: it stays where it is, this is something else.
 */
static bool at_an_exit(struct vcpu *c)
{
    const struct slot *last = time_last(c);
    uint32_t pc = env_eip(c) + env_cs_base(c);
    if (last && pc - last->pc <= last->size) {
        uint32_t index = time_index(c, last, pc);
        c->now -= last->n - index;
        if (index)
            c->cut_again = 0;
        engine_drop_block(c, last->pc);
    }
    engine_drop_block(c, pc);
    return c->cut_again++ < 4;
}

/* The engine returned by itself. */
static void stopped_by_itself(struct vcpu *c, uc_err e)
{
    if (!e && at_an_exit(c))
        return;
    uint32_t at = env_eip(c) + env_cs_base(c);
    if (e == UC_ERR_FETCH_PROT && exit_cut_page(c, at)) {
        c->cut_fresh = true;
        return;
    }
    if (e == UC_ERR_FETCH_PROT) {
        /* A jump into a hole. What is read there is FF FF, which is no instruction. Like any other
           fetch that faults it is one attempted instruction, if there is time for it. */
        if (c->now < c->until) {
            c->now++;
            exit_fault(c, X86_UD, false, 0, 0);
        }
        return;
    }
    exit_stuck(c, engine_error(e));
}

static void enter(struct vcpu *c)
{
    uint32_t eip = env_eip(c);
    c->why = STOP_NONE;
    regs_forget(c);
    time_forget_last(c);
    time_resume(c);
    const struct guard_engine *before = guard_enter_engine(&c->report);
    uc_err e = uc_emu_start(c->uc, eip, 0, 0, 0);
    guard_enter_engine(before);
    time_settle(c);
    if (time_end_twin(c))
        return;
    if (c->watch) {
        watch_settle(c, WATCH_NO_FAULT);
        watch_poll(c, CPU_BY_MMU, c->why == STOP_NONE ? env_eip(c) : c->resume);
    }
    if (c->why == STOP_NONE) {
        stopped_by_itself(c, e);
        return;
    }
    env_put_reg(c, c->at.eip, c->resume);
    if (c->why == STOP_STUCK)
        exit_stuck(c, c->stuck);
}

/* Blocks that were opened for an exact stop: back to their ordinary translation. */
static void close_blocks(struct vcpu *c)
{
    engine_drop_blocks(c, c->opened, c->opened_count);
    c->opened_count = 0;
}

/* What may not be done in a hook. */
static void service(struct vcpu *c)
{
    bool stepping = c->until - c->now <= STEP_CYCLES;
    if (c->buffer_full || c->flush_blocks || (c->opened_many && !stepping)) {
        engine_flush_blocks(c);
        c->flush_blocks = c->flush_twice;
        c->flush_twice = c->opened_many = false;
        c->opened_count = 0;
    } else if (c->opened_count) {
        sites_clear_range(c);
        if (!stepping)
            close_blocks(c);
    }
    if (c->cut && !c->cut_fresh) {
        c->cut = false;
        engine_set_exit(c, NULL);
        engine_drop_block(c, c->cut_block);
    }
    c->cut_fresh = false;
    c->armed = false;
    if (c->code_written)
        engine_drop_written_code(c);
}

enum cpu_stop cpu_run(struct vcpu *c, uint64_t until)
{
    assert(c->where == OUTSIDE && c->settled && "cpu_run called from inside an exit");
    c->until = until;
    c->leave = false;
    cpu_watch_poll(c);
    for (;;) {
        regs_commit(c);
        if (c->stuck)
            exit_stuck(c, c->stuck);
        if (c->mmio_pending)
            exit_report_mmio(c);
        if (c->leave)
            return CPU_LEFT;
        if (c->halted)
            return CPU_HALTED;
        if (c->now >= until)
            return CPU_UNTIL;
        if (c->want_window && cpu_interruptible(c))
            return CPU_WINDOW;
        if (atomic_exchange_explicit(&c->kicked, false, memory_order_relaxed))
            return CPU_KICKED;
        service(c);
        enter(c);
    }
}
