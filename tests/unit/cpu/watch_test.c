/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching memory. The judge of what is told is memory itself: the guest is stepped unwatched, and at
 * every cycle the first 128 KiB must be what the accesses told so far make of their beginning. And
 * what is told must not depend on where the guest was stopped.
 */
#include "guest.h"

#include <time.h>
#include <unistd.h>

#include "random.h"
#include "cpu/internal.h"

enum { REGION = 0x20000, DATA = 0x10000, FAR_FRAME = 0x1b, TOLD_MAX = 1 << 16 };

struct told {
    struct cpu_access a[TOLD_MAX];
    unsigned n;
};

static void note(void *ctx, const struct cpu_access *a)
{
    struct told *t = ctx;
    assert_true(t->n < TOLD_MAX);
    t->a[t->n++] = *a;
}

static const struct cpu_watch_range everything = {
    .lo = 0, .hi = REGION, .physical = true, .reads = true, .writes = true};

struct program {
    const char *name;
    const uint8_t *code, *end;
    unsigned ring;
};

/* Linear pages 0x12 and 0x13 are neighbours whose frames are not. Accessed and dirty bits are set, so
   that the MMU writes nothing. */
static struct guest *start(const struct program *p)
{
    struct guest *g = guest_new(4u << 20);
    guest_paging(g);
    for (uint32_t i = 0; i < 1024; i++)
        guest_set_word(g, G_PT + i * 4, guest_word(g, G_PT + i * 4) | PTE_A | PTE_D);
    guest_set_word(g, G_PD, guest_word(g, G_PD) | PTE_A);
    guest_set_word(g, G_PT + 0x13 * 4, (uint32_t)FAR_FRAME << 12 | 0x67);
    guest_set_word(g, G_PT + 0x1c * 4, 0); /* not there */
    for (uint32_t i = 0; i < 0x1000; i += 4)
        guest_set_word(g, DATA + i, 0x01010101 * (i & 255));
    g->data_eax = 0x8badf00d;
    guest_put(g, G_CODE, p->code, p->end);
    guest_start(g, p->ring, G_CODE);
    cpu_regs_rw(g->c)->eflags |= FL_IOPL;
    return g;
}

/* ---- the programs ---- */

#define END "out %al,$0xf4\n"

GUEST_CODE(plain, "mov $0x10000,%ebx\n mov $3,%ecx\n"
                  "1: mov %ecx,(%ebx)\n mov (%ebx),%eax\n add %eax,4(%ebx)\n inc %eax\n"
                  "movb $5,9(%ebx)\n movw $6,10(%ebx)\n xchg %eax,12(%ebx)\n lock incl 16(%ebx)\n"
                  "push %eax\n pushl 4(%ebx)\n popl 20(%ebx)\n pop %edx\n call 2f\n jmp 3f\n"
                  "2: pusha\n popa\n pushf\n popf\n mov %esp,%ebp\n enter $16,$3\n leave\n ret $0\n"
                  "3: cmpxchg %edx,24(%ebx)\n lock cmpxchg %edx,28(%ebx)\n cmpxchg8b 32(%ebx)\n"
                  "xadd %eax,40(%ebx)\n btsl $3,44(%ebx)\n notl 48(%ebx)\n shll $2,52(%ebx)\n"
                  "setz 56(%ebx)\n cmp %eax,60(%ebx)\n cmovz 64(%ebx),%eax\n movzbl 68(%ebx),%esi\n"
                  "xor %esi,%esi\n lea 0x100(%ebx),%edi\n xlat\n imul 72(%ebx),%eax\n"
                  "mov 0x10080,%al\n mov %eax,0x10084\n"
                  "dec %ecx\n jnz 1b\n" END);
GUEST_CODE(strings,
           "mov $0x10000,%esi\n mov $0x10200,%edi\n mov $5,%ecx\n rep movsl\n"
           "mov $7,%ecx\n rep stosb\n mov $3,%ecx\n rep lodsw\n"
           "mov $0x10000,%esi\n mov $0x10200,%edi\n mov $9,%ecx\n repe cmpsl\n"
           "mov $0x77,%al\n mov $8,%ecx\n repne scasb\n std\n mov $4,%ecx\n rep movsw\n cld\n"
           "movsb\n stosl\n lodsb\n scasw\n cmpsb\n"
           "mov $0x60,%edx\n mov $0x10400,%edi\n insb\n insl\n mov $3,%ecx\n rep insw\n"
           "mov $0x10000,%esi\n mov $3,%ecx\n outsl\n rep outsb\n" END);
GUEST_CODE(floating,
           "mov $0x10000,%ebx\n fninit\n fld1\n fldpi\n inc %eax\n"
           "fstps (%ebx)\n inc %eax\n fstl 8(%ebx)\n fstpt 16(%ebx)\n flds (%ebx)\n"
           "fldl 8(%ebx)\n fldt 16(%ebx)\n nop\n fistpll 32(%ebx)\n fildl 32(%ebx)\n"
           "fadds (%ebx)\n fnstcw 40(%ebx)\n fldcw 40(%ebx)\n fbstp 48(%ebx)\n"
           "fnstenv 0x100(%ebx)\n inc %eax\n fldenv 0x100(%ebx)\n fnsave 0x200(%ebx)\n"
           "frstor 0x200(%ebx)\n inc %eax\n fxsave 0x400(%ebx)\n nop\n fxrstor 0x400(%ebx)\n"
           "movd %eax,%xmm0\n movd %xmm0,64(%ebx)\n movq %xmm0,72(%ebx)\n"
           "movups %xmm0,84(%ebx)\n movaps (%ebx),%xmm1\n addps (%ebx),%xmm1\n"
           "inc %ecx\n movups 84(%ebx),%xmm2\n movlps %xmm1,0x80(%ebx)\n"
           "movhps %xmm1,0x88(%ebx)\n movnti %eax,0x90(%ebx)\n movq (%ebx),%mm0\n"
           "paddd 8(%ebx),%mm0\n movq %mm0,0x98(%ebx)\n emms\n"
           "cvtsi2sd (%ebx),%xmm3\n addsd 8(%ebx),%xmm3\n movsd %xmm3,0xa0(%ebx)\n"
           "ldmxcsr 0x418(%ebx)\n stmxcsr 0xa8(%ebx)\n" END);
GUEST_CODE(systems,
           "mov $0x10000,%ebx\n sgdt (%ebx)\n sidt 8(%ebx)\n inc %eax\n lgdt (%ebx)\n"
           "str 16(%ebx)\n sldt 20(%ebx)\n smsw 24(%ebx)\n inc %eax\n"
           "mov $0x10,%eax\n inc %ecx\n mov %eax,%fs\n inc %ecx\n push %fs\n pop %gs\n"
           "mov %fs,28(%ebx)\n movl $0x10,36(%ebx)\n inc %ecx\n mov 36(%ebx),%fs\n"
           "movl $0x1234,40(%ebx)\n movw $0x10,44(%ebx)\n lfs 40(%ebx),%edx\n lar %eax,%edx\n"
           "lsl %eax,%edx\n verr %ax\n inc %ecx\n verw 36(%ebx)\n inc %ecx\n"
           "push %ds\n inc %ecx\n pop %ds\n lcall $8,$(1f-systems+0xb000)\n jmp 2f\n"
           "1: nop\n lret\n 2: pushf\n push %cs\n push $(3f-systems+0xb000)\n nop\n iret\n"
           "3: movl $(4f-systems+0xb000),48(%ebx)\n movw $8,52(%ebx)\n ljmp *48(%ebx)\n"
           "4: xor %ecx,%ecx\n lldt %cx\n nop\n mov %ss,%eax\n mov %eax,%ss\n nop\n"
           "boundl %ecx,0x100(%ebx)\n" END);
/* Split over two pages whose frames are apart, aligned in every way. */
GUEST_CODE(
    split,
    "mov $0x12ff0,%ebx\n mov $0x13000,%esi\n mov $0x01020304,%eax\n"
    "mov %eax,13(%ebx)\n mov %eax,14(%ebx)\n mov %eax,15(%ebx)\n mov %ax,15(%ebx)\n"
    "mov 13(%ebx),%ecx\n mov 14(%ebx),%ecx\n mov 15(%ebx),%ecx\n mov 15(%ebx),%cx\n"
    "add %eax,14(%ebx)\n inc %ecx\n fld1\n fstl 9(%ebx)\n fldl 10(%ebx)\n fstpt 8(%ebx)\n"
    "movd %eax,%xmm0\n movups %xmm0,5(%ebx)\n movups 7(%ebx),%xmm1\n"
    "lock xadd %eax,13(%ebx)\n xchg %eax,-1(%esi)\n cmpxchg8b -3(%esi)\n"
    "mov %esp,%edi\n lea -2(%esi),%esp\n add $4,%esp\n push %eax\n pushl 4(%ebx)\n pop %edx\n"
    "lea 6(%esi),%esp\n pusha\n popa\n add $2,%esp\n call 1f\n"
    "1: add $4,%esp\n lea 3(%esi),%esp\n push %ecx\n pop -1(%esi)\n mov %edi,%esp\n"
    "lea -7(%esi),%edi\n mov $4,%ecx\n rep stosl\n"
    "push %esi\n lea -6(%esi),%esi\n mov $0x10001,%edi\n mov $3,%ecx\n rep movsl\n pop %esi\n"
    "mov %esp,%edx\n lea 5(%esi),%esp\n pushf\n push %cs\n push $(2f-split+0xb000)\n iret\n"
    "2: mov %edx,%esp\n mov $0x60,%edx\n lea -1(%esi),%edi\n insl\n"
    "lea -3(%esi),%esi\n outsl\n"
    /* only the second page is watched in one of the tests; a neighbour that is not ours */
    "mov %eax,0x14fff\n mov 0x14fff,%eax\n" END);
/* Faults: what has not happened is not told. The handler skips, or lets the page appear. */
GUEST_CODE(skip_pf,
           "push %eax\n mov %cr2,%eax\n orl $0x67,0x4070\n orl $0x1c000,0x4070\n invlpg (%eax)\n"
           "pop %eax\n add $4,%esp\n iret");
GUEST_CODE(faults,
           "mov $0x1c000,%esi\n mov $0x10000,%ebx\n"
           "movl $0,0x4070\n invlpg (%esi)\n mov %eax,-2(%esi)\n"       /* a split store */
           "movl $0,0x4070\n invlpg (%esi)\n mov -3(%esi),%eax\n"       /* a split load */
           "movl $0,0x4070\n invlpg (%esi)\n pushl (%esi)\n pop %eax\n" /* before the store */
           "movl $0,0x4070\n invlpg (%esi)\n incl (%esi)\n"
           "movl $0,0x4070\n invlpg (%esi)\n lea -8(%esi),%edi\n mov $4,%ecx\n rep stosl\n"
           "movl $0,0x4070\n invlpg (%esi)\n lea -5(%esi),%edi\n mov $4,%ecx\n rep stosl\n"
           "movl $0,0x4070\n invlpg (%esi)\n fldpi\n fstpt -4(%esi)\n"
           "movl $0,0x4070\n invlpg (%esi)\n lock xadd %eax,-1(%esi)\n"
           "int $0x30\n"
           "mov $0x1c000,%edi\n movl $0,0x4070\n invlpg (%esi)\n mov (%ebx),%eax\n movsl\n" END);
/* Stores into the running block, of every kind that the engine does again. */
GUEST_CODE(own,
           "mov $3,%edx\n"
           "1: inc %eax\n mov %al,(2f-own+0xb000+1)\n inc %ecx\n 2: mov $0,%bl\n add %bl,%bh\n"
           "incb (3f-own+0xb000+1)\n 3: mov $0,%bl\n"
           "pushl 0x10000\n popl (4f-own+0xb000+1)\n 4: mov $0,%esi\n"
           "mov $0x10004,%esi\n mov $(5f-own+0xb000+1),%edi\n movsb\n inc %ecx\n 5: mov $0,%bl\n"
           "mov %ebx,0x10010\n dec %edx\n jnz 1b\n" END);

#define PROGRAM(name, ring)           \
    {                                 \
#name, name, name##_end, ring \
    }
static const struct program program[] = {
    PROGRAM(plain, 0),   PROGRAM(plain, 3),    PROGRAM(strings, 0),
    PROGRAM(strings, 3), PROGRAM(floating, 3), PROGRAM(systems, 0),
    PROGRAM(split, 0),   PROGRAM(faults, 0),   PROGRAM(own, 3),
};
#define PROGRAMS (sizeof program / sizeof program[0])

static struct guest *ready(const struct program *p)
{
    struct guest *g = start(p);
    guest_code(g, G_HANDLERS, skip_pf);
    guest_gate(g, X86_PF, G_HANDLERS, 0xe, 0);
    guest_put(g, G_HANDLERS + 0x80, (const uint8_t *)"\xcf", (const uint8_t *)"\xcf" + 1);
    guest_gate(g, 0x30, G_HANDLERS + 0x80, 0xe, 3);
    return g;
}

static void ended(struct guest *g, const char *name)
{
    if (!g->exited || g->stuck || g->triple)
        fail_msg("%s: %s at %#x", name,
                 g->stuck    ? g->stuck
                 : g->triple ? "triple fault"
                             : "no end",
                 cpu_regs(g->c)->eip);
}

/* ---- what is told, against memory at every cycle ---- */

static bool before(const struct cpu_access *a, uint64_t cycle)
{
    return a->by == CPU_BY_GUEST ? a->cycle < cycle : a->cycle <= cycle;
}

/* The bytes of an access that lie in another frame than its first: the programs know one such pair. */
static uint32_t byte_at(const struct cpu_access *a, unsigned i)
{
    uint64_t at = a->addr.v + i;
    if (at >> 12 != a->addr.v >> 12 && a->addr.v >> 12 == 0x12)
        at = (uint64_t)FAR_FRAME << 12 | (at & 0xfff);
    if (at >> 12 != a->addr.v >> 12 && a->addr.v >> 12 == FAR_FRAME && at >> 12 != 0x1c)
        fail_msg("an access across the wrong pages");
    return (uint32_t)at;
}

static void judge(const struct program *p, const struct told *t)
{
    static uint8_t model[REGION];
    struct guest *g = ready(p);
    unsigned next = 0, writes = 0;
    assert_true(mem_read(g->m, MADDR(0), model, REGION));
    for (uint64_t at = 1;; at++) {
        bool end = guest_run(g, at);
        for (; next < t->n && before(&t->a[next], at); next++) {
            const struct cpu_access *a = &t->a[next];
            for (unsigned i = 0; a->by == CPU_BY_GUEST && i < a->size; i++) {
                uint32_t byte = byte_at(a, i);
                uint8_t said = (uint8_t)((a->write ? a->old : a->value) >> i * 8);
                if (byte < REGION && model[byte] != said)
                    fail_msg("%s: cycle %llu, eip %#x: %s %#x was said to hold %#x, not %#x",
                             p->name, (unsigned long long)a->cycle, a->eip,
                             a->write ? "old" : "value", byte, said, model[byte]);
            }
            for (unsigned i = 0; a->write && i < a->size; i++)
                if (byte_at(a, i) < REGION)
                    model[byte_at(a, i)] = (uint8_t)(a->value >> i * 8);
            writes += a->write;
        }
        const uint8_t *now = mem_span(g->m, MADDR(0), REGION);
        for (uint32_t i = 0; i < REGION; i++)
            if (now[i] != model[i])
                fail_msg("%s: at cycle %llu (eip %#x) %#x holds %#x; told was %#x", p->name,
                         (unsigned long long)at, cpu_regs(g->c)->eip, i, now[i], model[i]);
        if (end)
            break;
    }
    assert_int_equal(next, t->n);
    assert_true(writes > 5);
    guest_free(g);
}

static void same_told(const struct program *p, const char *how, const struct told *a,
                      const struct told *b)
{
    for (unsigned i = 0; i < a->n && i < b->n; i++) {
        const struct cpu_access *x = &a->a[i], *y = &b->a[i];
        if (x->by != y->by || x->write != y->write || x->size != y->size || x->eip != y->eip ||
            x->cycle != y->cycle || x->addr.v != y->addr.v || x->value != y->value ||
            x->old != y->old || x->ranges != y->ranges)
            fail_msg("%s, %s, access %u: %u/%s%u at %#llx by eip %#x in cycle %llu, %#llx (%#llx); "
                     "free: %u/%s%u at %#llx by eip %#x in cycle %llu, %#llx (%#llx)",
                     p->name, how, i, y->by, y->write ? "W" : "R", y->size,
                     (unsigned long long)y->addr.v, y->eip, (unsigned long long)y->cycle,
                     (unsigned long long)y->value, (unsigned long long)y->old, x->by,
                     x->write ? "W" : "R", x->size, (unsigned long long)x->addr.v, x->eip,
                     (unsigned long long)x->cycle, (unsigned long long)x->value,
                     (unsigned long long)x->old);
    }
    if (a->n != b->n)
        fail_msg("%s, %s: %u accesses, free: %u", p->name, how, b->n, a->n);
}

/* For a person who looks for a difference: WATCH_DUMP=name. */
static void dump(const struct program *p, const struct told *t)
{
    const char *wanted = getenv("WATCH_DUMP");
    if (!wanted || strcmp(wanted, p->name))
        return;
    for (unsigned i = 0; i < t->n; i++)
        print_message("%4u cycle %llu eip %#x %s%u %#llx: %#llx (%#llx) by %u\n", i,
                      (unsigned long long)t->a[i].cycle, t->a[i].eip, t->a[i].write ? "W" : "R",
                      t->a[i].size, (unsigned long long)t->a[i].addr.v,
                      (unsigned long long)t->a[i].value, (unsigned long long)t->a[i].old,
                      t->a[i].by);
}

static uint64_t seed;

static void what_is_told_is_what_happens(void **state)
{
    (void)state;
    static struct told free_run, stepped, stopped;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        const struct program *p = &program[i];
        struct guest *unwatched = ready(p), *g = ready(p);
        guest_run(unwatched, 100000);
        ended(unwatched, p->name);
        uint64_t now = cpu_now(unwatched->c), hash = guest_hash(unwatched, REGION);
        guest_free(unwatched);

        free_run.n = stepped.n = stopped.n = 0;
        assert_true(cpu_watch_set(g->c, &everything, 1, note, &free_run));
        guest_run(g, 100000);
        ended(g, p->name);
        cpu_watch_poll(g->c);
        assert_int_equal(cpu_now(g->c), now);
        assert_true(guest_hash(g, REGION) == hash);
        guest_free(g);
        dump(p, &free_run);
        judge(p, &free_run);

        g = ready(p);
        assert_true(cpu_watch_set(g->c, &everything, 1, note, &stepped));
        for (uint64_t at = 1; !guest_run(g, at); at++)
            ;
        assert_true(guest_hash(g, REGION) == hash);
        guest_free(g);
        same_told(p, "stepped", &free_run, &stepped);

        struct random r = {seed + i};
        g = ready(p);
        assert_true(cpu_watch_set(g->c, &everything, 1, note, &stopped));
        for (uint64_t at = 1; !guest_run(g, at); at += 1 + random_below(&r, 20))
            ;
        guest_free(g);
        same_told(p, "stopped", &free_run, &stopped);
    }
}

/* ---- what is watched ---- */

/* A linear address stays watched when its page moves; the frame that it left is nobody's. */
GUEST_CODE(moved, "movl $1,0x12010\n movl $2,0x12010\n mov 0x12010,%eax\n"
                  "movl $0x16067,0x4048\n invlpg 0x12000\n" /* page 0x12 to frame 0x16 */
                  "movl $3,0x12010\n movl $4,0x16010\n"     /* through an alias */
                  "movl $0x12067,0x4050\n invlpg 0x14000\n" /* page 0x14 to frame 0x12 */
                  "movl $5,0x14010\n movb $6,0x12013\n movl $7,0x12014\n movl $8,0x1200c\n" END);
static void linear_ranges_follow_their_page(void **state)
{
    (void)state;
    static const uint64_t value[] = {1, 2, 3, 4, 6};
    static const uint32_t frame[] = {0x12, 0x12, 0x16, 0x16, 0x16};
    static const struct program p = PROGRAM(moved, 0);
    static struct told t;
    const struct cpu_watch_range r[] = {
        {.lo = 0x18000, .hi = 0x18001, .reads = true},
        {.lo = 0x12010, .hi = 0x12014, .writes = true},
        {.lo = 0x12012, .hi = 0x12013, .writes = true, .cr3 = G_PD}};
    struct guest *g = ready(&p);
    t.n = 0;
    assert_true(cpu_watch_set(g->c, r, 3, note, &t));
    guest_run(g, 1000);
    ended(g, p.name);
    assert_int_equal(t.n, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(t.a[i].by, CPU_BY_GUEST);
        assert_int_equal(t.a[i].value, value[i]);
        assert_int_equal(t.a[i].addr.v, frame[i] << 12 | (i == 4 ? 0x13 : 0x10));
        assert_int_equal(t.a[i].ranges, i == 4 ? 2 : 6); /* the last one touches one byte */
    }
    guest_free(g);
}

/* The frame of an interrupt, and what somebody writes between two runs. */
GUEST_CODE(quiet, "int $0x30\n nop\n nop\n" END);
static void the_host_is_told_apart(void **state)
{
    (void)state;
    static const struct program p = PROGRAM(quiet, 0);
    static struct told t;
    struct cpu_watch_range r = {.lo = G_STACK0 - 16, .hi = G_STACK0, .writes = true};
    struct guest *g = ready(&p);
    t.n = 0;
    assert_true(cpu_watch_set(g->c, &r, 1, note, &t));
    assert_false(guest_run(g, 2));
    assert_true(t.n >= 2);
    for (unsigned i = 0; i < t.n; i++) {
        assert_int_equal(t.a[i].by, CPU_BY_HOST);
        assert_int_equal(t.a[i].cycle, 1);
        assert_int_equal(t.a[i].eip, G_CODE);
    }
    t.n = 0;
    guest_set_word(g, G_STACK0 - 16, 0x1234);
    cpu_watch_poll(g->c);
    cpu_watch_poll(g->c); /* once is enough */
    assert_int_equal(t.n, 1);
    assert_int_equal(t.a[0].by, CPU_BY_HOST);
    assert_int_equal(t.a[0].value & 0xffffffff, 0x1234);
    assert_int_equal(t.a[0].cycle, 2);
    /* A restored state is no write. */
    struct cpu_state s;
    cpu_state_get(g->c, &s);
    guest_set_word(g, G_STACK0 - 16, 0x4321);
    cpu_state_set(g->c, &s);
    guest_run(g, 1000);
    ended(g, p.name);
    assert_int_equal(t.n, 1);
    guest_free(g);
}

/* A block that runs on into a page that is not there: it is fetched in parts, watched or not, and
   from whichever cycle on it is watched. The handler lets the page appear. */
GUEST_CODE(appear, "orl $0xc067,0x4030\n add $4,%esp\n iret");
GUEST_CODE(onward, "mov %eax,0x10000\n inc %ecx\n mov %ecx,0x10004\n"
                   "movl $0x12345678,0x10008\n" END);
static void code_that_is_not_there_yet_makes_progress(void **state)
{
    (void)state;
    enum { START = 0xbff0, WRITES = 3, LAST = 10 };
    /* The third is attempted at 3; then comes the handler. */
    static const uint64_t cycle[WRITES] = {0, 2, 7}, value[WRITES] = {0, 1, 0x12345678};
    static const struct program p = PROGRAM(onward, 0);
    const struct cpu_watch_range r = {.lo = 0x10000, .hi = 0x10010, .writes = true};
    static struct told t;
    alarm(60); /* rather than for ever */
    for (uint64_t from = 0; from <= LAST; from++) {
        struct guest *g = start(&p);
        guest_code(g, START, onward);
        guest_code(g, G_HANDLERS, appear);
        guest_gate(g, X86_PF, G_HANDLERS, 0xe, 0);
        guest_set_word(g, G_PT + 0xc * 4, 0);
        cpu_regs_rw(g->c)->eip = START;
        guest_run(g, from);
        t.n = 0;
        assert_true(cpu_watch_set(g->c, &r, 1, note, &t));
        guest_run(g, 1000);
        ended(g, p.name);
        unsigned first = 0;
        while (first < WRITES && cycle[first] < from)
            first++;
        assert_int_equal(t.n, WRITES - first);
        for (unsigned i = first; i < WRITES; i++) {
            assert_int_equal(t.a[i - first].cycle, cycle[i]);
            assert_int_equal(t.a[i - first].value, value[i]);
        }
        guest_free(g);
    }
    alarm(0);
}

static void bad_ranges_are_refused(void **state)
{
    (void)state;
    static const struct program p = PROGRAM(plain, 0);
    static const struct cpu_watch_range bad[] = {
        {.lo = 8, .hi = 8, .writes = true},
        {.lo = 9, .hi = 8, .writes = true},
        {.lo = 8, .hi = 9},
        {.lo = 0xffffffff, .hi = 0x100000001, .reads = true},
        {.lo = 0, .hi = CPU_WATCH_BYTES + 1, .physical = true, .reads = true},
        {.lo = 1, .hi = UINT64_MAX, .physical = true, .reads = true},
    };
    static struct cpu_watch_range many[CPU_WATCH_RANGES + 1];
    static struct told t;
    struct guest *g = ready(&p);
    t.n = 0;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(cpu_watch_set(g->c, &everything, 1, note, &t));
        assert_false(cpu_watch_set(g->c, &bad[i], 1, note, &t));
    }
    for (unsigned i = 0; i <= CPU_WATCH_RANGES; i++)
        many[i] = everything;
    assert_false(cpu_watch_set(g->c, many, CPU_WATCH_RANGES + 1, note, &t));
    guest_run(g, 20);
    assert_int_equal(t.n, 0); /* refused is: nothing is watched */
    assert_true(cpu_watch_set(g->c, many, CPU_WATCH_RANGES, note, &t));
    guest_run(g, 40);
    assert_true(t.n > 3);
    assert_true(t.a[0].ranges == UINT64_MAX);
    /* Taken away: nothing is told, and the engine has its fast path again. */
    assert_true(cpu_watch_set(g->c, NULL, 0, NULL, NULL));
    assert_null(g->c->watch);
    t.n = 0;
    guest_run(g, 60);
    assert_int_equal(t.n, 0);
    guest_run(g, 100000);
    ended(g, p.name);
    guest_free(g);
}

int main(void)
{
    unsetenv("GUEST_WATCH"); /* this test sets watches of its own */
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("seed %llu (SEED= repeats this)\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_what_happens),
        cmocka_unit_test(linear_ranges_follow_their_page),
        cmocka_unit_test(the_host_is_told_apart),
        cmocka_unit_test(code_that_is_not_there_yet_makes_progress),
        cmocka_unit_test(bad_ranges_are_refused),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
