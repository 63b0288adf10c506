/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching memory: every access of the guest's to a few addresses, with its exact cycle.
 *
 * The engine has hooks for loads and stores. Adding one takes all its translations off the fast path
 * for that kind of access, in all of memory, so they exist only while somebody watches; what is not
 * watched is turned away here by one look into a map of page offsets. The hook tells the machine
 * address and the value before the access is done. What it does not tell, we find out:
 *
 *   - EIP. The engine stores it before plain loads and stores only. Instructions that go to memory in
 *     another way (x86_insn.helped) become sites: our CODE hook before them makes EIP exact.
 *   - The second page of an access that spans two. The hook names the first one only, and is called
 *     before the second is known to be there. So such an access waits, until the next thing that
 *     happens says that it did happen; the second page is found from the instruction's operands.
 *   - Repetition. A store that hits its own block is told, abandoned, and done again (time.c): the
 *     second time as many accesses are passed over as were told the first time.
 *   - EIP again. Before a load the engine with its hook stores EIP; a far return in real or virtual-8086
 *     mode has loaded the new one by then, and loses it. Known, and left: no kernel that runs here
 *     does this, and only while reads are watched would it matter.
 *   - What others write. We keep a copy of the watched bytes: what differs from it after the owner
 *     had the word was written by the host, and what differs before that, by the MMU.
 */
#include <assert.h>
#include <stdlib.h>

#include "internal.h"

#define NO_FRAME UINT64_MAX
/* The widest piece in which the engine accesses memory. */
#define WIDEST 8u

/* The part of a range that lies in one page. */
struct spot {
    uint64_t page;   /* frame, or linear page */
    uint64_t frame;  /* that the copy was made of; NO_FRAME: not mapped */
    uint16_t lo, hi; /* [lo, hi) in the page */
    uint8_t range;
    uint8_t *copy; /* writes only */
};

/* The pieces of an access: one, or two when it spans two pages. */
struct piece {
    uint64_t at; /* machine address */
    uint32_t n;
};

struct watch {
    void (*fn)(void *ctx, const struct cpu_access *a);
    void *ctx;
    uc_hook hook[2]; /* reads, writes */
    bool hooked[2];
    struct cpu_watch_range range[CPU_WATCH_RANGES];
    struct spot *spot;
    unsigned spots;
    uint8_t *copies;
    uint64_t
        map[2][PAGE_SIZE / 8 / 64]; /* watched offsets in pages, eight bytes a bit: reads, writes */

    bool waiting; /* an access across two pages that may still fault */
    struct cpu_access waits;
    struct piece waits_for[2];
    uint32_t waits_eip; /* linear */

    /* the instruction that accessed something last, how often, and what of it was told before */
    uint64_t cycle;
    unsigned accesses, passed_over;

    /* a read across two pages is told again in aligned parts */
    uint64_t part[2];
    unsigned parts, part_size;
};

/* ---- the map of offsets ---- */

static void map_put(uint64_t *map, unsigned lo, unsigned hi)
{
    for (unsigned i = lo / 8; i <= (hi - 1) / 8; i++)
        map[i / 64] |= 1ull << i % 64;
}

static bool map_get(const uint64_t *map, unsigned off)
{
    return map[off / 512] >> (off / 8 % 64) & 1;
}

/* Could an access at this offset concern us? It is never longer than one bit of the map stands for. */
static bool may_concern(const uint64_t *map, unsigned off, unsigned size)
{
    unsigned last = off + size - 1;
    return map_get(map, off) || map_get(map, last & (PAGE_SIZE - 1));
}

/* ---- where a watched page is ---- */

static uint64_t frame_of(struct vcpu *c, const struct spot *s)
{
    const struct cpu_watch_range *range = &c->watch->range[s->range];
    struct x86_regs r;
    struct x86_walk w;
    if (range->physical)
        return s->page;
    regs_for_walk(c, &r);
    if (range->cr3)
        r.cr3 = range->cr3;
    if (!x86_walk(&r, c->mem, GVA(s->page << PAGE_SHIFT), X86_READ, false, false, &w))
        return NO_FRAME;
    return w.addr.v >> PAGE_SHIFT;
}

static void read_piece(struct vcpu *c, struct piece p, void *to)
{
    if (!mem_read(c->mem, MADDR(p.at), to, p.n))
        memset(to, 0xff, p.n);
}

static uint64_t contents(struct vcpu *c, const struct piece *piece)
{
    uint8_t bytes[16] = {0};
    uint64_t v;
    read_piece(c, piece[0], bytes);
    if (piece[1].n)
        read_piece(c, piece[1], bytes + piece[0].n);
    memcpy(&v, bytes, sizeof v);
    return v;
}

static bool touches(const struct spot *s, uint64_t frame, struct piece p)
{
    unsigned off = p.at % PAGE_SIZE;
    return p.at >> PAGE_SHIFT == frame && off < s->hi && off + p.n > s->lo;
}

static bool wants(const struct cpu_watch_range *r, bool write)
{
    return write ? r->writes : r->reads;
}

/* The ranges that these bytes belong to. */
static uint64_t ranges_at(struct vcpu *c, const struct piece *piece, bool write)
{
    const struct watch *w = c->watch;
    uint64_t ranges = 0;
    for (unsigned i = 0; i < w->spots; i++) {
        const struct spot *s = &w->spot[i];
        unsigned offset[2] = {piece[0].at % PAGE_SIZE, piece[1].at % PAGE_SIZE};
        bool near = (offset[0] < s->hi && offset[0] + piece[0].n > s->lo) ||
                    (piece[1].n && offset[1] < s->hi && offset[1] + piece[1].n > s->lo);
        if (!near || !wants(&w->range[s->range], write) || ranges >> s->range & 1)
            continue;
        uint64_t frame = frame_of(c, s);
        if (touches(s, frame, piece[0]) || (piece[1].n && touches(s, frame, piece[1])))
            ranges |= 1ull << s->range;
    }
    return ranges;
}

/* ---- the copy ---- */

/* These bytes are written now, and it has been told: all copies know it. */
static void copy_write(struct vcpu *c, struct piece p, const uint8_t *from)
{
    struct watch *w = c->watch;
    for (unsigned i = 0; i < w->spots; i++) {
        struct spot *s = &w->spot[i];
        unsigned off = p.at % PAGE_SIZE;
        if (!s->copy || !touches(s, s->frame, p))
            continue;
        for (unsigned k = 0; k < p.n; k++)
            if (off + k >= s->lo && off + k < s->hi)
                s->copy[off + k - s->lo] = from[k];
    }
}

static void copy_fresh(struct vcpu *c, struct spot *s)
{
    s->frame = frame_of(c, s);
    if (s->frame != NO_FRAME)
        read_piece(c, (struct piece){(s->frame << PAGE_SHIFT) + s->lo, (uint32_t)(s->hi - s->lo)},
                   s->copy);
}

static void tell(struct vcpu *c, const struct cpu_access *a)
{
    struct watch *w = c->watch;
    w->fn(w->ctx, a);
    /* A request to stop would else be noticed some milliseconds later. */
    if (atomic_load_explicit(&c->kicked, memory_order_relaxed))
        time_attention(c);
}

void watch_poll(struct vcpu *c, enum cpu_access_by by, uint32_t eip)
{
    struct watch *w = c->watch;
    for (unsigned i = 0; i < w->spots; i++) {
        struct spot *s = &w->spot[i];
        if (!s->copy)
            continue;
        if (frame_of(c, s) !=
            s->frame) { /* remapped: another place, of which we know nothing yet */
            copy_fresh(c, s);
            continue;
        }
        const uint8_t *now =
            mem_span(c->mem, MADDR((s->frame << PAGE_SHIFT) + s->lo), (size_t)(s->hi - s->lo));
        if (!now || !memcmp(now, s->copy, (size_t)(s->hi - s->lo)))
            continue;
        for (unsigned at = s->lo; at < s->hi;) {
            unsigned n = WIDEST - at % WIDEST;
            if (n > (unsigned)(s->hi - at))
                n = s->hi - at;
            struct piece p[2] = {{(s->frame << PAGE_SHIFT) + at, n}};
            if (memcmp(now + (at - s->lo), s->copy + (at - s->lo), n)) {
                struct cpu_access a = {.by = by,
                                       .write = true,
                                       .size = (uint8_t)n,
                                       .eip = eip,
                                       .cycle = cpu_now(c),
                                       .addr = MADDR(p->at),
                                       .ranges = ranges_at(c, p, true)};
                memcpy(&a.old, s->copy + (at - s->lo), n);
                memcpy(&a.value, now + (at - s->lo), n);
                copy_write(c, *p, now + (at - s->lo));
                tell(c, &a);
            }
            at += n;
        }
    }
}

void cpu_watch_poll(struct vcpu *c)
{
    if (c->watch)
        watch_poll(c, CPU_BY_HOST, cpu_eip(c));
}

void watch_rebase(struct vcpu *c)
{
    struct watch *w = c->watch;
    w->waiting = false;
    w->cycle = NOWHERE;
    w->accesses = w->passed_over = w->parts = 0;
    for (unsigned i = 0; i < w->spots; i++)
        if (w->spot[i].copy)
            copy_fresh(c, &w->spot[i]);
}

/* ---- an instruction's accesses ---- */

void watch_settle(struct vcpu *c, uint64_t faulted)
{
    struct watch *w = c->watch;
    w->parts = 0;
    if (!w->waiting)
        return;
    w->waiting = false;
    if (w->waits_eip == faulted)
        return;
    if (w->waits.write)
        for (unsigned i = 0, done = 0; i < 2; done += w->waits_for[i++].n)
            copy_write(c, w->waits_for[i], (const uint8_t *)&w->waits.value + done);
    tell(c, &w->waits);
}

/* Have we told this access already? Then it is the replay's. */
static bool told_before(struct watch *w, uint64_t cycle)
{
    if (w->cycle != cycle) {
        w->cycle = cycle;
        w->accesses = w->passed_over = 0;
    }
    if (w->passed_over) {
        w->passed_over--;
        return true;
    }
    w->accesses++;
    return false;
}

void watch_replay(struct vcpu *c)
{
    struct watch *w = c->watch;
    if (w->cycle == c->now)
        w->passed_over = w->accesses;
}

/* Both pieces are known. */
static void access_pieces(struct vcpu *c, struct cpu_access *a, const struct piece *piece)
{
    struct watch *w = c->watch;
    a->ranges = ranges_at(c, piece, a->write);
    if (!a->ranges || told_before(w, a->cycle))
        return;
    if (a->size < 8)
        a->value &= (1ull << a->size * 8) - 1;
    if (a->write)
        a->old = contents(c, piece);
    else
        a->value = contents(c, piece);
    if (piece[1].n) {
        w->waiting = true;
        w->waits = *a;
        w->waits_for[0] = piece[0];
        w->waits_for[1] = piece[1];
        w->waits_eip = a->eip + env_cs_base(c);
        time_attention(
            c); /* to be told at the next block's entry, if nothing else happens before */
        return;
    }
    if (a->write)
        copy_write(c, piece[0], (const uint8_t *)&a->value);
    tell(c, a);
}

/* The machine address of the page behind this one, in linear space, for the instruction at eip. */
static uint64_t next_page(struct vcpu *c, uint64_t frame, uint32_t eip)
{
    enum { OPERANDS = 8 };
    /* From an operand's address as far as one instruction reaches: below it PUSHA, above it FXSAVE,
       a gate's or a descriptor's other half. */
    static const int32_t reach[] = {0, -(int32_t)PAGE_SIZE, PAGE_SIZE};
    const struct x86_regs *r = cpu_regs(c);
    uint8_t code[15];
    gva_t at[OPERANDS + 4];
    uint32_t got = cpu_fetch(c, GVA(eip + env_cs_base(c)), code, sizeof code);
    unsigned n = x86_operands(code, got, env_get(c, c->at.hflags) & HF_CS32, r, at, OPERANDS);
    uint64_t next = NO_FRAME;
    at[n++] = GVA(r->gpr[R_ESP] + r->seg[S_SS].base);
    at[n++] = GVA(r->gdt.base);
    at[n++] = GVA(r->ldt.base);
    at[n++] = GVA(r->tr.base);
    for (unsigned k = 0; k < sizeof reach / sizeof reach[0] && next == NO_FRAME; k++)
        for (unsigned i = 0; i < n && next == NO_FRAME; i++) {
            struct x86_walk w;
            uint32_t page = (at[i].v & ~(uint32_t)(PAGE_SIZE - 1)) + (uint32_t)reach[k];
            if (x86_walk(r, c->mem, GVA(page), X86_READ, false, false, &w) &&
                w.addr.v >> PAGE_SHIFT == frame &&
                x86_walk(r, c->mem, GVA(page + PAGE_SIZE), X86_READ, false, false, &w))
                next = w.addr.v >> PAGE_SHIFT;
        }
    regs_forget(c);
    return next;
}

/* One of the aligned parts in which the engine repeats a read across two pages? */
static bool is_part(struct watch *w, uint64_t addr, unsigned size)
{
    if (!w->parts || size != w->part_size)
        return false;
    bool part = w->parts == 2 ? addr == w->part[0] : w->part[1] == NO_FRAME || addr == w->part[1];
    w->parts = part ? w->parts - 1 : 0;
    return part;
}

/* The cycle of an instruction in the running block. */
static uint64_t cycle_at(struct vcpu *c, uint32_t eip)
{
    const struct slot *last = time_last(c);
    uint32_t pc = eip + env_cs_base(c);
    assert(last && pc - last->pc < last->size && "an access by an instruction that does not run");
    return cpu_now(c) - last->n + time_index(c, last, pc);
}

static void on_access(uc_engine *uc, uc_mem_type type, uint64_t addr, int width, int64_t value,
                      void *ctx)
{
    (void)uc;
    struct vcpu *c = ctx;
    struct watch *w = c->watch;
    bool write = type == UC_MEM_WRITE;
    unsigned size = (unsigned)width, off = addr % PAGE_SIZE;
    if (w->parts && !write && is_part(w, addr, size))
        return;
    if (__builtin_expect(!may_concern(w->map[write], off, size), 1))
        return;
    watch_settle(c, WATCH_NO_FAULT);
    struct piece piece[2] = {{addr, size}};
    uint32_t eip = env_eip(c);
    if (off + size > PAGE_SIZE) {
        uint64_t next = next_page(c, addr >> PAGE_SHIFT, eip);
        piece[0].n = PAGE_SIZE - off;
        piece[1].n = size - piece[0].n;
        piece[1].at = next == NO_FRAME ? NOWHERE : next << PAGE_SHIFT;
        w->parts = write ? 0 : 2;
        w->part_size = size;
        w->part[0] = addr & ~(uint64_t)(size - 1);
        w->part[1] = next == NO_FRAME ? NO_FRAME : next << PAGE_SHIFT;
    }
    if (!ranges_at(c, piece, write))
        return;
    struct cpu_access a = {.by = CPU_BY_GUEST,
                           .write = write,
                           .size = (uint8_t)size,
                           .eip = eip,
                           .cycle = cycle_at(c, eip),
                           .addr = MADDR(addr),
                           .value = (uint64_t)value};
    access_pieces(c, &a, piece);
}

/* Before a write is done; it is known not to fault. */
void watch_emulated(struct vcpu *c, uint64_t cycle, gva_t at, uint32_t size, bool write,
                    uint64_t value)
{
    struct x86_regs r;
    struct x86_walk w;
    struct piece piece[2] = {{NOWHERE, size}, {NOWHERE, 0}};
    unsigned off = at.v % PAGE_SIZE;
    regs_for_walk(c, &r);
    if (off + size > PAGE_SIZE) {
        piece[0].n = PAGE_SIZE - off;
        piece[1].n = size - piece[0].n;
        if (x86_walk(&r, c->mem, GVA(at.v + piece[0].n), X86_READ, false, false, &w))
            piece[1].at = w.addr.v;
    }
    if (x86_walk(&r, c->mem, at, X86_READ, false, false, &w))
        piece[0].at = w.addr.v;
    struct cpu_access a = {.by = CPU_BY_GUEST,
                           .write = write,
                           .size = (uint8_t)size,
                           .eip = env_eip(c),
                           .cycle = cycle,
                           .addr = MADDR(piece[0].at),
                           .value = value};
    access_pieces(c, &a, piece);
    watch_settle(c, WATCH_NO_FAULT);
}

/* ---- setting it up ---- */

void watch_free(struct vcpu *c)
{
    struct watch *w = c->watch;
    if (!w)
        return;
    for (unsigned i = 0; i < 2; i++)
        if (w->hooked[i])
            uc_hook_del(c->uc, w->hook[i]);
    c->watch = NULL;
    free(w->spot);
    free(w->copies);
    free(w);
}

/* Cut the ranges at page ends. */
static bool add_spots(struct watch *w, unsigned n)
{
    size_t spots = 0, bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct cpu_watch_range *r = &w->range[i];
        uint64_t end = r->physical ? NOWHERE : 1ull << 32;
        if (r->lo >= r->hi || r->hi > end || r->hi - r->lo > CPU_WATCH_BYTES - bytes ||
            !(r->reads || r->writes))
            return false;
        bytes += r->hi - r->lo;
        spots += ((r->hi - 1) >> PAGE_SHIFT) - (r->lo >> PAGE_SHIFT) + 1;
    }
    w->spot = calloc(spots, sizeof *w->spot);
    w->copies = malloc(bytes);
    if (!w->spot || !w->copies)
        return false;
    uint8_t *copy = w->copies;
    for (unsigned i = 0; i < n; i++) {
        const struct cpu_watch_range *r = &w->range[i];
        for (uint64_t lo = r->lo, hi; lo < r->hi; lo = hi) {
            hi = (lo | (PAGE_SIZE - 1)) + 1;
            if (hi > r->hi)
                hi = r->hi;
            struct spot *s = &w->spot[w->spots++];
            *s = (struct spot){.page = lo >> PAGE_SHIFT,
                               .frame = NO_FRAME,
                               .lo = lo % PAGE_SIZE,
                               .hi = (uint16_t)(lo % PAGE_SIZE + (hi - lo)),
                               .range = (uint8_t)i,
                               .copy = r->writes ? copy : NULL};
            copy += hi - lo;
            if (r->reads)
                map_put(w->map[0], s->lo, s->hi);
            if (r->writes)
                map_put(w->map[1], s->lo, s->hi);
        }
    }
    return true;
}

/* Machine addresses alone have bounds that the engine itself can check; but not where an access may
   come from another page. */
static bool bounds(const struct watch *w, bool write, uint64_t *lo, uint64_t *hi)
{
    *lo = UINT64_MAX;
    *hi = 0;
    for (unsigned i = 0; i < w->spots; i++) {
        const struct spot *s = &w->spot[i];
        if (!wants(&w->range[s->range], write))
            continue;
        if (!w->range[s->range].physical || s->lo < WIDEST)
            return false;
        uint64_t first = (s->page << PAGE_SHIFT) + s->lo - (WIDEST - 1);
        uint64_t last = (s->page << PAGE_SHIFT) + s->hi - 1;
        *lo = first < *lo ? first : *lo;
        *hi = last > *hi ? last : *hi;
    }
    return true;
}

static bool add_hooks(struct vcpu *c, struct watch *w)
{
    static const int type[2] = {UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE};
    for (unsigned write = 0; write < 2; write++) {
        uint64_t lo, hi;
        bool any = false;
        for (size_t i = 0; i < sizeof w->map[0] / sizeof w->map[0][0]; i++)
            any |= w->map[write][i] != 0;
        if (!any)
            continue;
        if (!bounds(w, write, &lo, &hi)) {
            lo = 1; /* the wrong way round: everything */
            hi = 0;
        }
        if (uc_hook_add(c->uc, &w->hook[write], type[write], (void *)on_access, c, lo, hi))
            return false;
        w->hooked[write] = true;
    }
    return true;
}

bool cpu_watch_set(struct vcpu *c, const struct cpu_watch_range *ranges, unsigned n,
                   void (*fn)(void *ctx, const struct cpu_access *a), void *ctx)
{
    assert(c->where == OUTSIDE && c->settled && "watches are set between two runs only");
    if (c->watch)
        c->flush_twice = true;
    else if (!n)
        return true;
    watch_free(c);
    c->flush_blocks = true;
    if (!n)
        return true;
    struct watch *w = n <= CPU_WATCH_RANGES ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return false;
    c->watch = w;
    w->fn = fn;
    w->ctx = ctx;
    memcpy(w->range, ranges, n * sizeof *ranges);
    if (!add_spots(w, n) || !add_hooks(c, w)) {
        watch_free(c);
        return false;
    }
    watch_rebase(c);
    return true;
}
