/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact virtual time.
 *
 * The engine translates guest code block by block and calls our hook at every block entry. A block
 * is a straight run of instructions, so one subtraction a block counts them all:
 *
 *     now = target - left            left -= cost of the block
 *
 * and one comparison, left < 0, serves everything else: a deadline, a look around that somebody
 * asked for, the first visit to a new translation. Whoever wants the next block entry sets left to
 * -1 and moves target along, so that now stays what it is.
 *
 * How does the hook know the cost? The engine compiles the hook's user_data into each translation
 * as a constant. So every translation gets a slot of its own: the EDGE hook runs right after a
 * translation, fills in the slot that was just baked, and puts the address of the next one into
 * the hook object. No table, no hash, nothing to go stale.
 *
 * Three things make a block's count wrong, and each is put right where it shows:
 *   - a fault in the middle: the rest of the block did not run (exits.c);
 *   - a sensitive instruction or a mark: we step in before it (sites.c);
 *   - a store into the running block: the engine abandons the block and replays the store alone.
 * "Attempted" instructions count: one that faults is one cycle. So is each round of a REP.
 *
 * What is left, for programs that no compiler makes: when a block stores twice into its own page, and
 * the second store hits the block itself, the old bytes run until the block's end; and a REP or a
 * call that overwrites its own block from the block's end counts one cycle too many. Both depend on
 * where the block began, so a stop can move them. The limit holds all the same.
 */
#include "internal.h"

static bool wants_attention(struct vcpu *c)
{
    return c->code_written || c->buffer_full || c->flush_blocks || c->mmio_pending ||
           c->want_window || c->leave || c->halted || c->twin ||
           atomic_load_explicit(&c->kicked, memory_order_relaxed);
}

void time_resume(struct vcpu *c)
{
    struct hot *h = hot_of(c);
    uint64_t room = c->until > c->now ? c->until - c->now : 0;
    h->left = room > STRETCH_CYCLES ? STRETCH_CYCLES : (int64_t)room;
    if (wants_attention(c))
        h->left = -1;
    h->target = c->now + (uint64_t)h->left;
    c->settled = false;
}

/* Look around at the next block entry. Also called in the signal handler of a guarded store, which
   interrupts a store and never the arithmetic of the fast path. */
void time_attention(struct vcpu *c)
{
    struct hot *h = hot_of(c);
    if (c->settled)
        return; /* time_resume() will see the reason */
    h->target -= (uint64_t)(h->left + 1);
    h->left = -1;
}

void time_stop(struct vcpu *c, enum stop_why why, uint32_t eip)
{
    c->why = why;
    c->resume = eip;
    time_forget_last(c);
    uc_emu_stop(c->uc);
}

uint64_t cpu_now(const struct vcpu *c)
{
    const struct hot *h = hot_of(c);
    return c->settled ? c->now : h->target - (uint64_t)h->left;
}

uint64_t cpu_instructions(const struct vcpu *c)
{
    return cpu_now(c) - c->charged;
}

void cpu_charge(struct vcpu *c, uint64_t cycles)
{
    c->charged += cycles;
    if (c->settled)
        c->now += cycles;
    else
        hot_of(c)->target += cycles;
}

/* ---- the end of a translation ---- */

static struct slot *after(struct vcpu *c, struct slot *s)
{
    return ++s == c->arena->slot + SLOTS ? c->arena->slot : s;
}

static void give_slot(struct vcpu *c, struct slot *s)
{
    c->next = s;
    /* A slot nobody has filled in must not look like a block. */
    *s = (struct slot){.cost = ATTENTION};
    memcpy((char *)c->block_hook + c->at.hook_data, &s, sizeof s);
    memcpy((char *)c->code_hook + c->at.hook_data, &s, sizeof s);
}

void time_restart_slots(struct vcpu *c)
{
    give_slot(c, c->arena->slot);
    c->slots_used = 0;
    c->baked = NULL;
}

/* Every translation that the engine may still run has its slot, and every entry passes by it: this
   finds them in all address spaces and all variants, where an address alone would not. */
void time_sites_changed(struct vcpu *c, uint32_t at, bool added)
{
    for (struct slot *s = c->arena->slot, *end = s + c->slots_used; s < end; s++) {
        if (at - s->pc >= s->size)
            continue;
        s->visited = 0;
        s->cost = s->n | ATTENTION;
        if (added)
            s->hooked = 0;
    }
}

/* Stores to this frame must be seen: the engine itself tracks them only in part. */
static void guard(struct vcpu *c, const struct x86_regs *r, uint32_t at)
{
    struct x86_walk w;
    if (x86_walk(r, c->mem, GVA(at), X86_FETCH, false, false, &w))
        mem_guard_code(c->mem, w.addr.v >> PAGE_SHIFT);
}

void time_on_edge(uc_engine *uc, uc_tb *block, uc_tb *before, void *ctx)
{
    (void)uc, (void)before;
    struct vcpu *c = ctx;
    struct slot *s = c->next;
    *s = (struct slot){.cost = block->icount | ATTENTION,
                       .pc = (uint32_t)block->pc,
                       .size = block->size,
                       .n = block->icount};
    if (c->slots_used < (uint32_t)(s - c->arena->slot) + 1)
        c->slots_used = (uint32_t)(s - c->arena->slot) + 1;
    if (c->range_set) {
        c->baked = s;
        s->calls = 1;
        c->baked_lo = c->range_lo;
        c->baked_hi = c->range_hi;
        s->open = c->range_lo <= s->pc && c->range_hi >= s->pc + s->size - 1;
        sites_clear_range(c);
    } else if (c->baked == s) {
        c->baked = NULL;
    }
    give_slot(c, after(c, s));

    struct x86_regs r;
    uint32_t last = s->pc + s->size - 1;
    regs_for_walk(c, &r);
    guard(c, &r, s->pc);
    if ((last ^ s->pc) >> PAGE_SHIFT)
        guard(c, &r, last);
}

/* ---- a block's entry ---- */

static bool inside(const struct slot *s, uint32_t pc)
{
    return pc - s->pc < s->size;
}

/* Have the block translated anew with calls before the instructions from lo to hi, and start over
   at its first one. */
static void open_block(struct vcpu *c, uint32_t pc, uint32_t lo, uint32_t hi)
{
    uint32_t eip = pc - env_cs_base(c);
    c->opening_again = c->opening == pc ? c->opening_again + 1 : 0;
    c->opening = pc;
    if (c->opening_again > 4) {
        c->stuck = "the engine does not translate a block anew";
        time_stop(c, STOP_STUCK, eip);
        return;
    }
    sites_set_range(c, lo, hi);
    if (c->opening_again > 1) { /* dropping by address did not do: drop everything */
        c->flush_blocks = true;
        time_stop(c, STOP_SERVICE, eip);
        return;
    }
    engine_drop_block(c, pc);
    time_forget_last(c);
    uc_reg_write(c->uc, UC_X86_REG_EIP, &eip);
}

/*
 * CR0.TS is part of what the engine looks translations up by, and a kernel that switches FPUs lazily
 * turns it at every switch of tasks. Opening a block drops both of its translations, with TS and
 * without. So both are made again at once: else each turn of TS would open, that is drop, what was
 * opened for the other. We turn the engine's copy of TS, let it look the block up once more, and turn
 * it back when that is entered; nothing of it runs.
 */
static void make_twin(struct vcpu *c, uint32_t pc)
{
    uint32_t eip = pc - env_cs_base(c);
    c->twin = true;
    env_put(c, c->at.hflags, env_get(c, c->at.hflags) ^ c->hf_ts);
    sites_set_range(c, c->baked_lo, c->baked_hi);
    time_forget_last(c);
    uc_reg_write(c->uc, UC_X86_REG_EIP, &eip);
}

bool time_end_twin(struct vcpu *c)
{
    if (!c->twin)
        return false;
    uint32_t eip = c->opening - env_cs_base(c);
    c->twin = false;
    env_put(c, c->at.hflags, env_get(c, c->at.hflags) ^ c->hf_ts);
    sites_clear_range(c);
    time_forget_last(c);
    uc_reg_write(c->uc, UC_X86_REG_EIP, &eip);
    return true;
}

/* For an exact stop the block is opened as a whole: a guest that faults its way towards the stop
   enters it many times, each time for another instruction. */
static void open_for_stop(struct vcpu *c, const struct slot *s)
{
    uint64_t at = engine_code_at(c, s->pc);
    if (c->opened_count == OPENED_MAX ||
        at == NOWHERE) /* or an old translation of the engine's TLB */
        c->opened_many = true;
    else
        c->opened[c->opened_count++] = at;
    open_block(c, s->pc, s->pc, s->pc + s->size - 1);
}

/* Does this translation call us before all of its sites? */
static bool sites_call(const struct vcpu *c, const struct slot *s, uint32_t *lo, uint32_t *hi)
{
    if (!sites_range(c, s, lo, hi) || s->hooked || s->open)
        return true;
    return c->baked == s && c->baked_lo <= *lo && c->baked_hi >= *hi;
}

static void note_fill(struct vcpu *c, uintptr_t code)
{
    if (code < c->buffer_lowest)
        c->buffer_lowest = code;
    if (code - c->buffer_lowest > BUFFER_BYTES / 4 * 3)
        c->buffer_full = true;
}

static __attribute__((noinline)) void enter_slowly(struct vcpu *c, struct slot *s, uint32_t pc,
                                                   uintptr_t code)
{
    struct slot *last = time_last(c);
    time_settle(c);
    c->where = IN_BLOCK;
    if (s->pc != pc || !s->n) {
        c->stuck = "the engine runs a block that it has not announced";
        time_stop(c, STOP_STUCK, pc - env_cs_base(c));
        goto out;
    }
    if (time_end_twin(c)) {
        s->hooked = 1;
        goto out;
    }
    if (!s->visited) {
        bool same = sites_scan(c, s);
        note_fill(c, code);
        /* The engine has translated other bytes than we see: its TLB holds a translation that the
           guest's tables no longer have. Flush, and look once more. */
        if (!same && c->doubted != pc) {
            uint32_t eip = pc - env_cs_base(c);
            c->doubted = pc;
            uc_ctl_flush_tlb(c->uc);
            engine_drop_block(c, pc);
            time_forget_last(c);
            uc_reg_write(c->uc, UC_X86_REG_EIP, &eip);
            goto out;
        }
        if (same)
            c->doubted = 0;
        if (s->calls && !s->sites && !s->open && !c->armed) { /* nobody wants its calls any more */
            uint32_t eip = pc - env_cs_base(c);
            s->calls = 0;
            engine_drop_block(c, pc);
            time_forget_last(c);
            uc_reg_write(c->uc, UC_X86_REG_EIP, &eip);
            goto out;
        }
    }

    /* The engine replays a store that hit its own block as a block of one instruction. The store was
       counted with the abandoned block, and so was everything behind it. No stop other than the
       limit here: the replay would be lost. */
    bool replay = last && s->n == 1 && !s->ends && inside(last, pc);
    if (replay)
        c->now -= last->n - time_index(c, last, pc);
    if (c->watch) {
        watch_settle(c, WATCH_NO_FAULT);
        if (replay)
            watch_replay(c);
    }

    if (replay ? c->now >= c->until : exit_pending(c)) {
        time_stop(c, STOP_SERVICE, pc - env_cs_base(c));
        goto out;
    }
    uint32_t lo, hi;
    uint64_t room = c->until - c->now;
    if (!replay && room < s->n) {
        c->armed = true;
        c->armed_pc = sites_address(c, s, (uint32_t)room);
        if (!s->open) {
            open_for_stop(c, s);
            goto out;
        }
    } else if (!replay && !sites_call(c, s, &lo, &hi)) {
        open_block(c, pc, lo, hi);
        goto out;
    } else if (!replay && c->baked == s && !s->hooked && !s->open && c->opening == pc) {
        s->hooked = 1;
        make_twin(c, pc);
        goto out;
    }
    s->hooked |= !replay;
    /* From now on the fast path will do. Not for a single instruction that does not end a block: it
       may be a replay, and those are told apart at every entry. */
    if (s->n > 1 || s->ends)
        s->cost = s->n;
    c->opening_again = 0;
    c->now += s->n;
    hot_of(c)->last = s;
    c->recent[c->recent_next++ % 64] = pc;
out:
    time_resume(c);
    c->where = OUTSIDE;
}

void time_on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    (void)uc, (void)size;
    struct slot *s = data;
    struct hot *h = (struct hot *)((uintptr_t)s & ~(uintptr_t)(ARENA_BYTES - 1));
    int64_t left = h->left - s->cost;
    if (__builtin_expect(left < 0, 0)) {
        enter_slowly(h->c, s, (uint32_t)pc, (uintptr_t)__builtin_return_address(0));
        return;
    }
    h->left = left;
    h->last = s;
}

unsigned cpu_recent_blocks(const struct vcpu *c, uint32_t *pcs, unsigned max)
{
    unsigned n = 0;
    if (max && time_last(c))
        pcs[n++] = time_last(c)->pc;
    for (unsigned i = 0; i < 64 && i < c->recent_next && n < max; i++)
        pcs[n++] = c->recent[(c->recent_next - 1 - i) % 64];
    return n;
}
