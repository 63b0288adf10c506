/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that must not simply run: those that the engine gets wrong or reports without an
 * exact address, and those at which somebody asked for a mark.
 *
 * At the first visit of a translation its instructions are decoded, once. If one of them matters,
 * the block is translated again with a call before that instruction. The engine has one CODE hook
 * for this, whose address range we set just for that one translation: a call costs nothing
 * anywhere else, and a thousand marks cost no more than one.
 */
#include <assert.h>
#include <stdlib.h>

#include "internal.h"

/* ---- the table: instruction x ring ---- */

enum { RING0 = 1, RINGS123 = 14, ALL_RINGS = 15 };

/* In which rings we take the instruction; in the others what the engine does is right (#GP). */
static const uint8_t taken_in[] = {
    [INSN_IN] = ALL_RINGS, /* it checks neither IOPL nor the TSS bitmap */
    [INSN_OUT] = ALL_RINGS,      [INSN_INS] = ALL_RINGS,     [INSN_OUTS] = ALL_RINGS,
    [INSN_CPUID] = ALL_RINGS, /* it names features that the machine does not have */
    [INSN_RDTSC] = ALL_RINGS, /* it reads the host's clock */
    [INSN_RDTSCP] = ALL_RINGS,   [INSN_RDMSR] = RING0, /* it never faults for an unknown index */
    [INSN_WRMSR] = RING0,        [INSN_RDPMC] = ALL_RINGS, /* it has none, and tests CR4.PCE the wrong way round */
    [INSN_MOV_FROM_DR] = RING0,  [INSN_MOV_TO_DR] = RING0, /* an execute breakpoint in DR7 kills the process */
    [INSN_MOV_TO_CR3] = 0,                                 /* ring 0, when asked for */
    [INSN_SYSENTER] = ALL_RINGS,                           /* it does nothing */
    [INSN_SYSEXIT] = 0,          [INSN_SYSCALL] = ALL_RINGS, /* it does nothing; ought to be #UD */
    [INSN_ICEBP] = ALL_RINGS,                                /* it raises #UD; ought to be #DB */
    [INSN_HLT] = RING0,          [INSN_IRET] = RINGS123, /* it enters virtual-8086 mode from any ring */
};

static bool taken(const struct vcpu *c, uint8_t kind, uint32_t cpl)
{
    if (kind == INSN_MOV_TO_CR3)
        return c->exit_on_cr3 && cpl == 0;
    return kind < sizeof taken_in && (taken_in[kind] >> cpl & 1);
}

/* ---- marks: a hash table with open addressing ---- */

static uint32_t mark_home(const struct vcpu *c, uint32_t at)
{
    return (at * 2654435761u >> 7) & (c->mark_slots - 1);
}

static struct mark *mark_find(const struct vcpu *c, uint32_t at)
{
    if (!c->marks)
        return NULL;
    for (uint32_t i = mark_home(c, at);; i = (i + 1) & (c->mark_slots - 1)) {
        if (!c->mark[i].used)
            return NULL;
        if (c->mark[i].at == at)
            return &c->mark[i];
    }
}

static void mark_put(struct vcpu *c, uint32_t at, uint32_t id)
{
    uint32_t i = mark_home(c, at);
    while (c->mark[i].used)
        i = (i + 1) & (c->mark_slots - 1);
    c->mark[i] = (struct mark){.at = at, .id = id, .used = true};
    c->marks++;
}

static bool mark_resize(struct vcpu *c, uint32_t slots)
{
    struct mark *old = c->mark;
    uint32_t old_slots = c->mark_slots;
    struct mark *new = calloc(slots, sizeof *new);
    if (!new)
        return false;
    c->mark = new;
    c->mark_slots = slots;
    c->marks = 0;
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i].used)
            mark_put(c, old[i].at, old[i].id);
    free(old);
    return true;
}

/* In the middle of a block that is concerned the guest goes on by entering it anew. */
static void marks_changed(struct vcpu *c, uint32_t at, bool added)
{
    time_sites_changed(c, at, added);
    c->touched = true;
}

bool cpu_mark_set(struct vcpu *c, gva_t at, uint32_t id)
{
    struct mark *m = mark_find(c, at.v);
    if (m) {
        m->id = id;
    } else {
        if ((c->marks + 1) * 2 > c->mark_slots &&
            !mark_resize(c, c->mark_slots ? c->mark_slots * 2 : 64))
            return false;
        mark_put(c, at.v, id);
    }
    marks_changed(c, at.v, !m);
    return true;
}

void cpu_mark_clear(struct vcpu *c, gva_t at)
{
    struct mark *m = mark_find(c, at.v);
    if (!m)
        return;
    m->used = false;
    c->marks--;
    /* Close the gap, so that searches do not end in it. */
    uint32_t i = (uint32_t)(m - c->mark);
    for (;;) {
        i = (i + 1) & (c->mark_slots - 1);
        if (!c->mark[i].used)
            break;
        struct mark again = c->mark[i];
        c->mark[i].used = false;
        c->marks--;
        mark_put(c, again.at, again.id);
    }
    marks_changed(c, at.v, false);
}

void cpu_exit_on_cr3(struct vcpu *c, bool want)
{
    if (c->exit_on_cr3 == want)
        return;
    c->exit_on_cr3 = want;
    c->flush_blocks = true; /* where there is a MOV to CR3 the translations know */
    time_attention(c);
}

/* ---- decoding a block ---- */

uint32_t cpu_fetch(struct vcpu *c, gva_t at, uint8_t *to, uint32_t n)
{
    struct x86_regs light;
    const struct x86_regs *r = &light;
    if (c->regs_ok)
        r = &c->regs;
    else
        regs_for_walk(c, &light);
    uint32_t done = 0;
    while (done < n) {
        struct x86_walk w;
        uint32_t a = at.v + done, part = PAGE_SIZE - a % PAGE_SIZE;
        if (part > n - done)
            part = n - done;
        if (!x86_walk(r, c->mem, GVA(a), X86_FETCH, r->cpl == 3, false, &w) ||
            !mem_read(c->mem, w.addr, to + done, part))
            break;
        done += part;
    }
    return done;
}

/* A block is at most a page and one instruction long. Its last instruction may be longer than the
   engine thinks: where it is going to fault in any case the engine does not read on. */
struct bytes {
    uint8_t b[PAGE_SIZE + 32];
    uint32_t n, readable;
    bool code32;
};

static void read_block(struct vcpu *c, const struct slot *s, uint32_t upto, struct bytes *b)
{
    b->n = upto < s->size ? upto : s->size;
    if (b->n > sizeof b->b - 15)
        b->n = sizeof b->b - 15;
    b->readable = cpu_fetch(c, GVA(s->pc), b->b, b->n + 15);
    if (b->n > b->readable)
        b->n = b->readable;
    b->code32 = env_get(c, c->at.hflags) & HF_CS32;
}

/* Too many prefixes make an instruction too long: #GP, and the engine knows it. */
static bool is_too_long(const uint8_t *p, uint32_t n)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                       0x66, 0x67, 0xf0, 0xf2, 0xf3};
    uint32_t i = 0;
    while (i < n && memchr(prefixes, p[i], sizeof prefixes))
        i++;
    return i >= 12;
}

/* The next instruction of the block; false at its end. Bytes that are no instruction take the rest
   of it: the guest gets #UD there, and from us, because the engine runs some of them (LOCK before
   an instruction that cannot be locked, for one). */
static bool next_insn(const struct bytes *b, uint32_t *at, struct x86_insn *insn)
{
    if (*at >= b->n)
        return false;
    if (!x86_decode(b->b + *at, b->readable - *at, b->code32, insn) || !insn->length) {
        *insn = (struct x86_insn){.length = (uint8_t)(b->n - *at > 15 ? 15 : b->n - *at),
                                  .ends_block = true};
        if (!is_too_long(b->b + *at, b->readable - *at))
            insn->sensitive = SITE_INVALID;
        *at = b->n;
        return true;
    }
    *at += insn->length;
    if (*at > b->n)
        *at = b->n;
    return true;
}

uint32_t time_index(struct vcpu *c, const struct slot *s, uint32_t pc)
{
    struct bytes b;
    struct x86_insn insn;
    uint32_t at = 0, index = 0, want = pc - s->pc;
    if (!want)
        return 0;
    read_block(c, s, want, &b);
    while (at < want && index + 1 < s->n && next_insn(&b, &at, &insn))
        index++;
    return index;
}

uint32_t sites_address(struct vcpu *c, const struct slot *s, uint32_t k)
{
    struct bytes b;
    struct x86_insn insn;
    uint32_t at = 0;
    read_block(c, s, s->size, &b);
    while (k-- && next_insn(&b, &at, &insn))
        ;
    return s->pc + at;
}

uint32_t sites_page_end(struct vcpu *c, uint32_t pc)
{
    struct bytes b = {.code32 = env_get(c, c->at.hflags) & HF_CS32};
    struct x86_insn insn;
    uint32_t at = 0;
    b.n = cpu_fetch(c, GVA(pc), b.b, PAGE_SIZE - pc % PAGE_SIZE);
    while (at < b.n && x86_decode(b.b + at, b.n - at, b.code32, &insn) && insn.length)
        at += insn.length;
    return pc + at;
}

/* `mov cr2` has no row in the decoder's table: only we must see it, because the engine's CR2 is
   not the guest's (exits.c). 0F 22 /2. */
static bool is_mov_to_cr2(const uint8_t *p, uint32_t length)
{
    return length == 3 && p[0] == 0x0f && p[1] == 0x22 && (p[2] >> 3 & 7) == 2;
}

bool sites_scan(struct vcpu *c, struct slot *s)
{
    struct bytes b;
    struct x86_insn insn = {0};
    uint32_t at = 0, index = 0, first = 0, count = 0, cpl = env_cpl(c);
    bool same = false; /* of an invalid one the engine may have its own view */
    read_block(c, s, s->size, &b);
    for (uint32_t start = 0; next_insn(&b, &at, &insn); start = at, index++) {
        bool invalid = insn.sensitive == SITE_INVALID;
        uint8_t kind = invalid || taken(c, insn.sensitive, cpl) ? insn.sensitive : INSN_PLAIN;
        same = same || invalid;
        if (cpl == 0 && is_mov_to_cr2(b.b + start, insn.length)) {
            kind = SITE_TO_CR2;
            insn.reg = b.b[start + 2] & 7;
        }
        struct mark *m = mark_find(c, s->pc + start);
        if (kind == INSN_PLAIN && !m && !(c->watch && insn.helped))
            continue;
        /* A block's sites are consecutive: start again at the front when they might not fit. Those of
           others are overwritten: the others go, too. */
        if (!count) {
            if (c->next_site + SITES_PER_BLOCK >= SITES) {
                c->next_site = 1;
                c->flush_blocks = true;
            }
            first = c->next_site;
        }
        c->site[first + count++] = (struct site){
            .pc = s->pc + start,
            .index = (uint16_t)index,
            .kind = kind,
            .marked = m,
            .mark_id = m ? m->id : 0,
            .insn = insn,
        };
    }
    if (count) {
        c->site[first + count - 1].last = true;
        c->next_site = first + count;
    }
    s->sites = first;
    s->tail = insn.length & 15;
    s->ends = insn.ends_block || (insn.rep && insn.length);
    s->visited = 1;
    /* A block that was cut before a page's end counts its exit, too. */
    return same || (at == s->size && (index == s->n || (c->cut && index + 1 == s->n)));
}

bool sites_range(const struct vcpu *c, const struct slot *s, uint32_t *lo, uint32_t *hi)
{
    if (!s->sites)
        return false;
    const struct site *i = &c->site[s->sites];
    *lo = i->pc;
    while (!i->last)
        i++;
    *hi = i->pc;
    return true;
}

/* ---- the one CODE hook ---- */

static void put_range(struct vcpu *c, uint64_t lo, uint64_t hi)
{
    memcpy((char *)c->code_hook + c->at.hook_begin, &lo, sizeof lo);
    memcpy((char *)c->code_hook + c->at.hook_end, &hi, sizeof hi);
}

void sites_set_range(struct vcpu *c, uint32_t lo, uint32_t hi)
{
    if (c->idle_lo == NOWHERE)
        put_range(c, lo, hi);
    c->range_lo = lo;
    c->range_hi = hi;
    c->range_set = true;
}

void sites_clear_range(struct vcpu *c)
{
    put_range(c, c->idle_lo, c->idle_hi);
    c->range_set = false;
}

static const struct site *site_at(const struct vcpu *c, const struct slot *s, uint32_t pc)
{
    if (!s->sites)
        return NULL;
    for (const struct site *i = &c->site[s->sites];; i++) {
        if (i->pc == pc)
            return i;
        if (i->last)
            return NULL;
    }
}

/* Report a mark. True: the owner has changed nothing, go on with the instruction itself. */
static bool report_mark(struct vcpu *c, const struct site *site)
{
    uint64_t count = c->now - c->charged, charged = c->charged;
    if (c->passed_at == site->pc && c->passed_count == count)
        return true; /* the owner has seen it: we come back from a stop right here */
    c->passed_at = site->pc;
    c->passed_count = count;
    uint32_t eip = env_eip(c);
    struct cpu_exit x = {.kind = EXIT_MARK, .eip = eip, .mark.id = site->mark_id};
    c->touched = false;
    if (exit_ask(c, &x) == CPU_FAULT && c->raised) {
        c->now++;
        exit_raised(c);
        return false;
    }
    return !c->touched && c->charged == charged && env_eip(c) == eip && !exit_pending(c);
}

/*
 * Does this IRET's image have VM set, outside ring 0? The manual ignores the bit there; the engine
 * does not, and would let any program leave protected mode. Everything else about an IRET it does
 * right, so all others are its own.
 */
static bool is_smuggling_vm(struct vcpu *c, const struct site *site)
{
    const struct x86_regs *r = cpu_regs(c);
    uint32_t esp = r->gpr[R_ESP] + 8, eflags;

    if (site->kind != INSN_IRET || site->insn.size != 4 || !(r->cr0 & CR0_PE) || r->eflags & FL_VM)
        return false;
    if (!(env_get(c, c->at.hflags) & HF_SS32))
        esp &= 0xffff;
    return x86_peek(r, c->mem, GVA(r->seg[S_SS].base + esp), &eflags, sizeof eflags) &&
           eflags & FL_VM;
}

static bool is_emulated(struct vcpu *c, const struct site *site)
{
    return site->kind != INSN_PLAIN && (site->kind != INSN_IRET || is_smuggling_vm(c, site));
}

/* Called before every instruction in the range that was baked into this translation. */
void sites_on_code(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    (void)size;
    struct slot *s = data;
    struct vcpu *c = ((struct arena *)((uintptr_t)s & ~(uintptr_t)(ARENA_BYTES - 1)))->hot.c;
    const struct site *site = site_at(c, s, (uint32_t)pc);
    bool armed = c->armed && c->armed_pc == (uint32_t)pc;
    if (!site && !armed)
        return;
    assert(time_last(c) == s && "a block runs that was not entered");
    time_settle(c);
    c->where = IN_CODE;
    uint32_t rest = s->n - (site ? site->index : time_index(c, s, (uint32_t)pc));
    bool leave_block = true;
    c->now -= rest; /* the instructions from here on have not run */
    if (c->now >= c->until) {
        /* the exact stop */
    } else if (site && site->marked && !report_mark(c, site)) {
        /* the owner changed something */
    } else if (site && is_emulated(c, site)) {
        c->now++;
        emulate(c, site);
    } else {
        c->now += rest;
        leave_block = false;
    }
    if (leave_block) {
        uint32_t eip = env_eip(c);
        time_forget_last(c);
        uc_reg_write(uc, UC_X86_REG_EIP, &eip); /* also makes the engine leave the translation */
        if (exit_pending(c))
            time_stop(c, STOP_SERVICE, eip);
    }
    regs_forget(c);
    time_resume(c);
    c->where = OUTSIDE;
}
