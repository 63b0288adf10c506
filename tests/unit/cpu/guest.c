/* SPDX-License-Identifier: GPL-2.0-only */
/* The tiny machine: see guest.h. */
#include "guest.h"

#include "random.h"

enum cpu_act guest_inject(struct guest *g, const struct x86_event *ev)
{
    if (cpu_inject(g->c, ev))
        return CPU_DONE;
    g->triple = true;
    return CPU_LEAVE;
}

static enum cpu_act answer(struct guest *g, struct cpu_exit *x)
{
    switch (x->kind) {
    case EXIT_FAULT:
        return guest_inject(g, &(struct x86_event){.kind = X86_EV_FAULT,
                                                   .vector = x->fault.vector,
                                                   .has_error = x->fault.has_error,
                                                   .error = x->fault.error,
                                                   .cr2 = x->fault.cr2});
    case EXIT_SOFTINT:
        return guest_inject(
            g,
            &(struct x86_event){.kind = X86_EV_SOFT, .vector = x->softint.vector, .len = x->len});
    case EXIT_IO:
        if (x->io.in)
            x->io.value = g->data_eax;
        if (!x->io.in && x->io.port == PORT_EXIT) {
            g->exited = true;
            return CPU_LEAVE;
        }
        return CPU_DONE;
    case EXIT_CPUID:
        x->cpuid.eax = 0x11111111 * (x->cpuid.leaf & 7);
        x->cpuid.ebx = x->cpuid.ecx = x->cpuid.edx = x->cpuid.subleaf;
        return CPU_DONE;
    case EXIT_HLT:
        cpu_halt(g->c);
        return CPU_DONE;
    case EXIT_STUCK:
        g->stuck = x->stuck.why;
        return CPU_LEAVE;
    case EXIT_MSR:
        if (x->msr.pmc || (x->msr.index & 0xfff0) != 0x170) {
            cpu_raise(g->c, X86_GP, true, 0);
            return CPU_FAULT;
        }
        return CPU_DONE;
    default:
        return CPU_DONE;
    }
}

static enum cpu_act handle_exit(void *ctx, struct vcpu *c, struct cpu_exit *x)
{
    struct guest *g = ctx;
    enum cpu_act act;
    unsigned i = g->logged;
    g->exits[x->kind]++;
    if (i < GUEST_LOG) {
        g->log[i] = *x;
        g->at[i] = cpu_now(c);
        g->logged++;
    }
    if (!g->on_exit || !g->on_exit(g, x, &act))
        act = answer(g, x);
    return act;
}

static uint64_t descriptor(unsigned dpl, unsigned type)
{
    return 0x00cf90000000ffffull | (uint64_t)dpl << 45 | (uint64_t)type << 40;
}

/* ---- watching ---- */

static void told(void *ctx, const struct cpu_access *a)
{
    struct guest *g = ctx;
    if (a->by == CPU_BY_GUEST) {
        if (a->cycle < g->told_last || !a->size || a->size > 8 || !a->ranges)
            fail_msg("an access of cycle %llu is told after one of cycle %llu",
                     (unsigned long long)a->cycle, (unsigned long long)g->told_last);
        g->told_last = a->cycle;
    }
    g->told++;
}

/* Another set of ranges, or none. */
static void rewatch(struct guest *g)
{
    /* Where the tests' guests work: code, data, stacks, tables, and anywhere. */
    static const struct {
        uint32_t from, bytes;
    } place[] = {{G_CODE, 0x1000},        {0x10000, 0x800}, {G_STACK0 - 0x80, 0x80},
                 {G_STACK3 - 0x80, 0x80}, {G_GDT, 0x900},   {G_PT, 0x100},
                 {G_HANDLERS, 0x200},     {0, 0x20000}};
    struct random *r = &(struct random){g->chance};
    struct cpu_watch_range range[6];
    unsigned n = one_in(r, 4) ? 0 : 1 + (unsigned)random_below(r, 6);
    for (unsigned i = 0; i < n; i++) {
        unsigned k = (unsigned)random_below(r, sizeof place / sizeof place[0]);
        bool all = one_in(r, 2);
        uint64_t lo = place[k].from + (all ? 0 : random_below(r, place[k].bytes));
        uint64_t hi = all ? lo + place[k].bytes : lo + 1 + random_below(r, 64);
        range[i] = (struct cpu_watch_range){.lo = lo,
                                            .hi = hi,
                                            .physical = one_in(r, 2),
                                            .reads = one_in(r, 2),
                                            .cr3 = one_in(r, 4) ? G_PD : 0};
        range[i].writes = !range[i].reads || one_in(r, 2);
    }
    assert_true(cpu_watch_set(g->c, range, n, told, g));
    g->rewatch_at = cpu_now(g->c) + 1 + random_below(r, one_in(r, 2) ? 300 : 20000);
    g->chance = r->state;
}

static void watch_by_chance(struct guest *g)
{
    static uint64_t guests;
    const char *given = getenv("GUEST_WATCH");
    if (!given)
        return;
    g->watched = guests % 3 != 0;
    g->chance = strtoull(given, NULL, 0) + guests++;
}

struct guest *guest_new(uint64_t bytes)
{
    struct err err = {0};
    struct guest *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->m = mem_new(bytes, &err);
    if (!g->m)
        fail_msg("%s", err.text);
    g->c = cpu_new(g->m, &(struct cpu_host){handle_exit, g}, &err);
    if (!g->c)
        fail_msg("%s", err.text);

    uint64_t gdt[8] = {0,
                       descriptor(0, 0xa),
                       descriptor(0, 2),
                       descriptor(1, 0xa),
                       descriptor(1, 2),
                       descriptor(3, 0xa),
                       descriptor(3, 2),
                       0x0000890000000067ull | (uint64_t)G_TSS << 16};
    uint32_t tss[26] = {0};
    tss[1] = G_STACK0;
    tss[2] = SEL_DS0;
    tss[25] = 104u << 16; /* no I/O bitmap */
    assert_true(mem_write(g->m, MADDR(G_GDT), gdt, sizeof gdt));
    assert_true(mem_write(g->m, MADDR(G_TSS), tss, sizeof tss));
    struct x86_regs *r = cpu_regs_rw(g->c);
    r->gdt = (struct x86_table){G_GDT, sizeof gdt - 1};
    r->idt = (struct x86_table){G_IDT, 256 * 8 - 1};
    r->tr = (struct x86_seg){SEL_TSS, G_TSS, 0x67, 0x8b00};
    r->cr0 |= CR0_PE;
    r->cr4 |= 1u << 9; /* OSFXSR: SSE */
    watch_by_chance(g);
    return g;
}

void guest_free(struct guest *g)
{
    cpu_free(g->c);
    mem_free(g->m);
    free(g);
}

void guest_put(struct guest *g, uint32_t at, const uint8_t *code, const uint8_t *end)
{
    assert_true(mem_write(g->m, MADDR(at), code, (size_t)(end - code)));
}

void guest_gate(struct guest *g, uint8_t vector, uint32_t handler, unsigned type, unsigned dpl)
{
    uint32_t gate[2] = {(uint32_t)SEL_CS0 << 16 | (handler & 0xffff),
                        (handler & 0xffff0000) | 0x8000 | dpl << 13 | type << 8};
    assert_true(mem_write(g->m, MADDR(G_IDT + vector * 8u), gate, sizeof gate));
}

static struct x86_seg segment(struct guest *g, uint16_t sel)
{
    struct x86_desc d;
    assert_true(x86_desc_read(cpu_regs(g->c), g->m, sel, &d));
    return x86_seg_load(sel, d);
}

void guest_start(struct guest *g, unsigned ring, uint32_t eip)
{
    uint16_t cs = (uint16_t)(8 + ring * 16 + ring), ds = (uint16_t)(cs + 8);
    if (ring == 3) {
        cs = SEL_CS3;
        ds = SEL_DS3;
    }
    struct x86_regs *r = cpu_regs_rw(g->c);
    r->seg[S_CS] = segment(g, cs);
    for (unsigned i = 0; i < S_COUNT; i++)
        if (i != S_CS)
            r->seg[i] = segment(g, ds);
    r->cpl = ring;
    r->eip = eip;
    r->eflags = 2;
    r->gpr[R_ESP] = ring ? G_STACK3 : G_STACK0;
}

void guest_paging(struct guest *g)
{
    for (uint32_t i = 0; i < 1024; i++)
        guest_set_word(g, G_PT + i * 4, i << 12 | PTE_P | PTE_W | PTE_U);
    guest_set_word(g, G_PD, G_PT | PTE_P | PTE_W | PTE_U);
    struct x86_regs *r = cpu_regs_rw(g->c);
    r->cr3 = G_PD;
    r->cr0 |= CR0_PG | CR0_WP;
}

/* At equal cycles: first the interrupt, then the stop. */
bool guest_run(struct guest *g, uint64_t until)
{
    if (cpu_now(g->c) < g->told_last) /* back to an earlier state */
        g->told_last = 0;
    for (;;) {
        if (g->irq_period && cpu_now(g->c) >= g->irq_next) {
            g->irq_pending = true;
            g->irq_next += g->irq_period;
            continue;
        }
        if (g->irq_pending && cpu_interruptible(g->c)) {
            g->irq_pending = false;
            guest_inject(g, &(struct x86_event){.kind = X86_EV_EXTERNAL, .vector = g->irq_vector});
        }
        if (g->exited || g->stuck || g->triple)
            return true;
        if (cpu_now(g->c) >= until)
            return false;
        uint64_t next = g->irq_period && g->irq_next < until ? g->irq_next : until;
        if (g->watched && cpu_now(g->c) >= g->rewatch_at)
            rewatch(g);
        if (g->watched && g->rewatch_at < next)
            next = g->rewatch_at;
        cpu_want_window(g->c, g->irq_pending);
        if (cpu_run(g->c, next) == CPU_HALTED && !(g->irq_pending && cpu_interruptible(g->c))) {
            if (!g->irq_period)
                return true;
            if (cpu_now(g->c) < next)
                cpu_charge(g->c, next - cpu_now(g->c));
        }
    }
}

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const uint64_t *w = data;
    for (size_t i = 0; i < n / 8; i++) {
        h = (h ^ w[i]) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    return h;
}

uint64_t guest_hash(struct guest *g, uint32_t bytes)
{
    struct cpu_state s;
    cpu_state_get(g->c, &s);
    _Static_assert(sizeof s % 8 == 0, "the state is hashed in words");
    uint64_t h = mix(1, &s, sizeof s);
    return mix(h, mem_span(g->m, MADDR(0), bytes), bytes);
}

uint32_t guest_word(struct guest *g, uint32_t at)
{
    uint32_t v;
    assert_true(mem_read(g->m, MADDR(at), &v, 4));
    return v;
}

void guest_set_word(struct guest *g, uint32_t at, uint32_t v)
{
    assert_true(mem_write(g->m, MADDR(at), &v, 4));
}
