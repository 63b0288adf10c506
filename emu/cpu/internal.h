/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the engine's room share. Reading order:
 *
 *     layout.c   where the engine keeps what its interface does not show, found by experiment
 *     engine.c   opening it: memory, holes, hooks
 *     time.c     exact cycles: one slot a translation, one comparison a block
 *     sites.c    sensitive instructions and marks inside a block
 *     emulate.c  what a sensitive instruction does
 *     exits.c    asking the owner, faults, delivery
 *     regs.c     the engine's state <-> struct x86_regs
 *     run.c      cpu_run
 *     watch.c    every access to watched memory
 *     state.c    the whole architectural state, for snapshots
 */
#ifndef EMU_CPU_INTERNAL_H
#define EMU_CPU_INTERNAL_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <unicorn/unicorn.h>

#include "cpu.h"
#include "guard.h"

/* ---- the engine's insides (layout.c) ---- */

/* Offsets into the engine's CPU state ("env"), which begins with the eight general registers, and
   into its hook objects. Found and checked at start-up; see layout.c. */
struct layout {
    uint32_t eip, eflags, hflags, seg, cr, efer; /* eflags: without the lazy arithmetic flags */
    uint32_t error_code, is_int, old_exception;
    uint32_t hook_begin, hook_end, hook_data;
};

/* A segment register in env: selector, padding, base, limit, flags. */
enum { SEG_STRIDE = 24, SEG_BASE = 8, SEG_LIMIT = 16, SEG_FLAGS = 20 };
/* hflags, the engine's summary of the mode. */
enum { HF_CPL = 3, HF_SHADOW = 8, HF_CS32 = 0x10, HF_SS32 = 0x20, HF_ADDSEG = 0x40 };

/* Find the CPU state of this engine; NULL and err when it is not where it can be recognised. */
uint8_t *layout_find_env(uc_engine *uc, struct err *err);
/* Fill l by experiments on a scratch engine, and check that what we rely on works. */
bool layout_calibrate(struct layout *l, struct err *err);
extern const char clock_is_constant[]; /* hostclock.c: the engine's view of the host's clock */

/* ---- time (time.c) ---- */

/* One translation of the engine. Its address is baked into the translation's call of our hook. */
struct slot {
    uint32_t cost; /* n, plus ATTENTION while the entry must take the slow path */
    uint32_t pc;
    uint16_t size, n; /* bytes, instructions */
    /* sites: index of the first, 0 for none; tail: length of the last instruction; calls: something
       in it calls us; hooked: all of its sites do; open: every instruction does */
    uint32_t sites : 20, tail : 4, ends : 1, visited : 1, calls : 1, hooked : 1, open : 1;
};
_Static_assert(sizeof(struct slot) == 16, "four million bytes of slots are enough");

#define ATTENTION   (1u << 30)
#define SLOTS       (1u << 18)
#define ARENA_BYTES (8ull << 20) /* aligned to itself: a slot finds its vcpu by masking */
/* Who asks for a stop as near as this is stepping. */
#define STEP_CYCLES 64
/* The longest stretch without a look around: bounds the delay of cpu_kick(). */
#define STRETCH_CYCLES (1 << 24)
#define BUFFER_BYTES   (32u << 20) /* of translations */

/* What the fast path touches: one cache line at the start of the arena. now = target - left. */
struct hot {
    int64_t left;
    struct slot *last; /* the block being executed; NULL: none that counts */
    uint64_t target;
    struct vcpu *c;
};

struct arena {
    struct hot hot;
    struct slot slot[SLOTS];
};
_Static_assert(sizeof(struct arena) <= ARENA_BYTES, "the arena holds its slots");

/* An instruction within a block that gets a call of its own before it runs. */
struct site {
    uint32_t pc;
    uint16_t index; /* within its block */
    uint8_t kind;   /* enum x86_sensitive, SITE_NONE for a mark alone */
    bool marked, last;
    uint32_t mark_id;
    struct x86_insn insn;
};
enum { SITE_TO_CR2 = 200, SITE_INVALID }; /* beside enum x86_sensitive */
#define SITES           (1u << 16)        /* used up, all translations are dropped */
#define OPENED_MAX      256
#define SITES_PER_BLOCK 1024
#define NOWHERE         0xfedcba9800000000ull /* no address of a 32-bit guest */

/* Why a hook stopped the engine. */
enum stop_why {
    STOP_NONE,    /* it stopped by itself: an error of the engine */
    STOP_SERVICE, /* cpu_run has something to look at */
    STOP_STUCK,
};

enum where { OUTSIDE, IN_BLOCK, IN_CODE, IN_INTR };

struct mark {
    uint32_t at, id;
    bool used;
};

struct vcpu {
    uc_engine *uc;
    uint8_t *env; /* the engine's CPU state, see layout.c */
    struct layout at;
    struct mem *mem;
    struct cpu_host host;
    struct guard_engine report;

    /* time */
    struct arena *arena;
    void *stone;         /* engine.c: the block hook's fast path, near the engine's code */
    struct slot *next;   /* the slot that the next translation gets */
    uint32_t slots_used; /* since the last flush */
    uint64_t now, charged, until;
    bool settled; /* now is valid; else it is hot.target - hot.left */

    /* where the engine is, and what it shall do next */
    enum where where;
    enum stop_why why;
    uint32_t resume; /* EIP after a stop; in BLOCK hooks the engine's own is stale */
    bool leave, halted, want_window;
    bool code_written, buffer_full, flush_blocks, mmio_pending;
    atomic_bool kicked;
    const char *stuck;

    /* the one CODE hook: its range, and which translation had it baked in */
    uc_hook code_hook, block_hook;
    uint64_t idle_lo, idle_hi; /* what it covers at other times: NOWHERE, all in a test */
    bool range_set;
    uint32_t range_lo, range_hi;
    struct slot *baked;
    uint32_t baked_lo, baked_hi;
    uint32_t doubted;
    uint32_t opening, opening_again; /* the block being translated anew, and for how often */
    bool twin;                       /* its other translation is being made (time.c) */
    uint32_t hf_ts;                  /* CR0.TS in hflags */

    /* exact stops: blocks that call us before every instruction. They are dropped when the guest runs
       on; not when it is stepped, which would translate a block for every step. */
    bool armed, opened_many; /* many: more than are listed */
    uint32_t armed_pc, opened_count;
    uint64_t opened[OPENED_MAX]; /* machine addresses: they outlive the address space */

    /* a block that may not be translated beyond its page (exits.c) */
    bool cut, cut_fresh; /* fresh: arranged outside the engine, not yet tried */
    uint32_t cut_block, cut_before, cut_again;

    struct site *site;
    uint32_t next_site;
    uintptr_t buffer_lowest;

    /* registers */
    struct x86_regs regs, loaded;
    bool regs_ok, regs_dirty;
    uint32_t cr2; /* the guest's; the engine's own is overwritten by faults nobody has seen yet */
    uint32_t dr[8];
    uint64_t msr_pat, msr_misc;

    /* the exit in progress */
    bool injected, raised, touched;
    struct x86_event raise;

    /* marks */
    struct mark *mark;
    uint32_t marks, mark_slots;
    bool exit_on_cr3;
    uint32_t passed_at;
    uint64_t passed_count; /* instructions when the mark at passed_at was reported */

    /* accesses outside RAM, reported after the fact */
    struct {
        uint64_t addr, value;
        uint32_t eip;
        uint8_t size;
        bool write;
    } mmio[16];
    unsigned mmio_count;
    uint64_t mmio_lost;
    struct hole {
        struct vcpu *c;
        uint64_t start;
    } hole[2];

    uint32_t recent[64];
    unsigned recent_next;

    struct watch *watch; /* watch.c; NULL: nothing is watched */
    bool flush_twice;    /* a hook was removed: the engine forgets it only after one more run */
};

/* env fields */
static inline uint32_t env_get(const struct vcpu *c, uint32_t off)
{
    uint32_t v;
    memcpy(&v, c->env + off, sizeof v);
    return v;
}
static inline void env_put(struct vcpu *c, uint32_t off, uint32_t v)
{
    memcpy(c->env + off, &v, sizeof v);
}
/* Registers are 64 bits wide in env. */
static inline void env_put_reg(struct vcpu *c, uint32_t off, uint32_t v)
{
    uint64_t wide = v;
    memcpy(c->env + off, &wide, sizeof wide);
}
static inline uint32_t env_eip(const struct vcpu *c)
{
    return env_get(c, c->at.eip);
}
/* The engine's blocks and hooks have linear addresses, EIP counts from the base of CS. */
static inline uint32_t env_cs_base(const struct vcpu *c)
{
    return env_get(c, c->at.seg + S_CS * SEG_STRIDE + SEG_BASE);
}
static inline uint32_t env_cpl(const struct vcpu *c)
{
    return env_get(c, c->at.hflags) & HF_CPL;
}

/* engine.c */
void engine_flush_blocks(struct vcpu *c);                 /* outside only */
void engine_drop_written_code(struct vcpu *c);            /* outside only */
void engine_set_exit(struct vcpu *c, const uint64_t *at); /* NULL: none */
/* All translations that begin at this linear address. In a hook: only of the block that is entered. */
void engine_drop_block(struct vcpu *c, uint32_t pc);
/* Outside only: those that begin at these machine addresses (below 4 GiB; NOWHERE is none). */
void engine_drop_blocks(struct vcpu *c, const uint64_t *at, unsigned n);
uint64_t engine_code_at(struct vcpu *c, uint32_t pc); /* NOWHERE: not mapped */

/* time.c */
static inline struct hot *hot_of(const struct vcpu *c)
{
    return &c->arena->hot;
}
static inline void time_settle(struct vcpu *c)
{
    const struct hot *h = hot_of(c);
    c->now = h->target - (uint64_t)h->left;
    c->settled = true;
}
static inline struct slot *time_last(const struct vcpu *c)
{
    return hot_of(c)->last;
}
static inline void time_forget_last(struct vcpu *c)
{
    hot_of(c)->last = NULL;
}
void time_resume(struct vcpu *c);
void time_attention(struct vcpu *c);
void time_on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *slot);
void time_on_edge(uc_engine *uc, uc_tb *block, uc_tb *before, void *c);
void time_restart_slots(struct vcpu *c);
/* Translations with an instruction at `at` look for their sites anew. added: there is one more. */
void time_sites_changed(struct vcpu *c, uint32_t at, bool added);
/* The other translation is not to be had, or is done: back to the guest. False: there was none. */
bool time_end_twin(struct vcpu *c);
/* How many instructions of the block lie before pc. */
uint32_t time_index(struct vcpu *c, const struct slot *s, uint32_t pc);
void time_stop(struct vcpu *c, enum stop_why why, uint32_t eip); /* from a hook */

/* sites.c */
/* Decode it. False: that is not what the engine has translated. */
bool sites_scan(struct vcpu *c, struct slot *s);
/* Address of instruction k of the block. */
uint32_t sites_address(struct vcpu *c, const struct slot *s, uint32_t k);
/* The first instruction from pc on that does not lie wholly in pc's page. */
uint32_t sites_page_end(struct vcpu *c, uint32_t pc);
void sites_on_code(uc_engine *uc, uint64_t pc, uint32_t size, void *slot);
bool sites_range(const struct vcpu *c, const struct slot *s, uint32_t *lo, uint32_t *hi);
void sites_set_range(struct vcpu *c, uint32_t lo, uint32_t hi);
void sites_clear_range(struct vcpu *c);

/* emulate.c: the instruction of a site; the registers are exact, the clock is settled. */
void emulate(struct vcpu *c, const struct site *s);

/* exits.c */
enum cpu_act exit_ask(struct vcpu *c, struct cpu_exit *x);
void exit_fault(struct vcpu *c, uint8_t vector, bool has_error, uint32_t error, uint32_t cr2);
void exit_raised(struct vcpu *c); /* what cpu_raise() asked for */
void exit_advance(struct vcpu *c, uint32_t eip, uint8_t len);
void exit_report_mmio(struct vcpu *c);
void exit_stuck(struct vcpu *c, const char *why);
bool exit_cut_page(struct vcpu *c, uint32_t at);
void exits_on_intr(uc_engine *uc, uint32_t vector, void *c);
bool exits_on_invalid(uc_engine *uc, void *c);
/* Must cpu_run look before the next guest instruction? */
bool exit_pending(struct vcpu *c);

/* watch.c; all of them only when c->watch */
void watch_poll(struct vcpu *c, enum cpu_access_by by, uint32_t eip);
void watch_rebase(struct vcpu *c); /* memory has become another one */
/* The access that was not told yet happened, unless the instruction at eip (linear) has faulted. */
#define WATCH_NO_FAULT (1ull << 32)
void watch_settle(struct vcpu *c, uint64_t faulted);
/* The engine does the instruction at c->now once more, from its start. */
void watch_replay(struct vcpu *c);
/* An access by an instruction that we execute ourselves; before a write is done. */
void watch_emulated(struct vcpu *c, uint64_t cycle, gva_t at, uint32_t size, bool write,
                    uint64_t value);
void watch_free(struct vcpu *c);

/* state.c */
void cpu_state_reset_fpu(struct cpu_state *s); /* as after FNINIT */

/* regs.c */
void regs_store(struct vcpu *c);
/* What the owner changed becomes the engine's. */
static inline void regs_commit(struct vcpu *c)
{
    if (c->regs_dirty)
        regs_store(c);
}
/* The guest runs on: the copy is stale. */
static inline void regs_forget(struct vcpu *c)
{
    assert(!c->regs_dirty && "changed registers were not written back");
    c->regs_ok = false;
}
void regs_for_walk(struct vcpu *c, struct x86_regs *out); /* control registers alone */
void regs_for_io(struct vcpu *c, struct x86_regs *out);   /* and TR */

#endif
