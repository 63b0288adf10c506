/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The proof of exact time and exact stops.
 *
 * One nasty program: faults of every kind, software interrupts, REP, FPU, stores into its own block
 * and into others, two address spaces with different code at one address, a block across a page
 * end, timer interrupts that log where they struck. It is run
 *   1. without a stop;
 *   2. as a reference, with a call before every single instruction, counted by this test itself;
 *   3. stopped at thousands of points and continued.
 * At every stop, registers, memory and count must be those of the reference.
 */
#include "guest.h"

#include "cpu/internal.h"

enum {
    P_PD_B = 0x5000,
    P_PT_B = 0x6000,
    P_DATA = 0x10000,
    P_TWIN = 0x14000,
    P_TWIN_B = 0x15000,
    P_DEMAND = 0x16000,
    P_COUNTERS = 0x17000,
    P_IRQ_LOG = 0x18000,
    P_HASHED = 0x20000
};

/* ---- ring 0 ---- */
GUEST_CODE(proof_skip, "add %ebp,(%esp)\n incl 0x17000\n iret");
GUEST_CODE(proof_gp, "add $4,%esp\n add %ebp,(%esp)\n incl 0x17004\n iret");
GUEST_CODE(proof_pf, "push %eax\n"
                     "mov %cr2,%eax\n"
                     "and $0xfffff000,%eax\n"
                     "cmp $0x16000,%eax\n"
                     "jne 1f\n"
                     "orl $1,0x4058\n" /* the page table entries of P_DEMAND */
                     "orl $1,0x6058\n"
                     "invlpg 0x16000\n"
                     "incl 0x17008\n"
                     "pop %eax\n"
                     "add $4,%esp\n"
                     "iret\n"
                     "1: mov 20(%esp),%eax\n" /* a call into nothing: return to the caller */
                     "mov (%eax),%eax\n"
                     "mov %eax,8(%esp)\n"
                     "addl $4,20(%esp)\n"
                     "incl 0x1700c\n"
                     "pop %eax\n"
                     "add $4,%esp\n"
                     "iret");
GUEST_CODE(proof_service, "cmp $1,%eax\n"
                          "je 1f\n"
                          "cmp $2,%eax\n"
                          "je 2f\n"
                          "cmp $3,%eax\n"
                          "je 3f\n"
                          "mov %cr3,%ecx\n"
                          "xor $0x6000,%ecx\n" /* G_PD <-> P_PD_B */
                          "mov %ecx,%cr3\n"
                          "iret\n"
                          "1: andl $-2,0x4058\n"
                          "andl $-2,0x6058\n"
                          "invlpg 0x16000\n"
                          "iret\n"
                          "2: sti\n"
                          "inc %edx\n"
                          "mov $3,%ecx\n"
                          "4: loop 4b\n"
                          "cli\n"
                          "sti\n"
                          "iret\n"
                          "3: out %al,$0xf4\n"
                          "jmp .");
GUEST_CODE(proof_irq, "push %eax\n"
                      "push %ecx\n"
                      "mov 0x17010,%eax\n"
                      "mov 8(%esp),%ecx\n"
                      "mov %ecx,0x18000(,%eax,4)\n"
                      "inc %eax\n"
                      "and $0xfff,%eax\n"
                      "mov %eax,0x17010\n"
                      "pop %ecx\n"
                      "pop %eax\n"
                      "iret");
/* ---- the same address in two address spaces ---- */
GUEST_CODE(proof_twin_a, "inc %edx\n ret");
GUEST_CODE(proof_twin_b, "nop\n xor %edx,%ebx\n inc %ebx\n ret");

/* ---- ring 3 ---- */
#define AT(label) "(" label "-proof+0xb000)"
GUEST_CODE(
    proof,
    "again: imul $1103515245,%ebx,%ebx\n"
    "add $12345,%ebx\n"
    "mov %ebx,%eax\n"
    "shr $16,%eax\n"
    /* a store into the running block, behind itself */
    "mov %al," AT(
        "own+1") "\n"
                 "inc %edx\n"
                 "own: mov $0,%cl\n"
                 "add %cl,%dl\n"
                 /* another block: same place and size, another number of instructions */
                 "test $1,%al\n"
                 "jz 1f\n"
                 "movw $0x9090," AT(
                     "other") "\n"
                              "jmp 2f\n"
                              "1: movw $0x9066," AT(
                                  "other") "\n"
                                           "2: call other\n"
                                           /* data on a page with code, then a patch on it */
                                           "mov %eax," AT(
                                               "data") "\n"
                                                       "mov %al," AT(
                                                           "third+2") "\n"
                                                                      "call third\n"
                                                                      /* strings */
                                                                      "mov $0x10100,%edi\n"
                                                                      "mov %eax,%ecx\n"
                                                                      "and $15,%ecx\n"
                                                                      "rep stosb\n"
                                                                      "mov $0x10100,%esi\n"
                                                                      "mov $0x10140,%edi\n"
                                                                      "mov $9,%ecx\n"
                                                                      "rep movsl\n"
                                                                      "mov $0x10100,%esi\n"
                                                                      "mov $0x10141,%edi\n"
                                                                      "mov $30,%ecx\n"
                                                                      "repe cmpsb\n"
                                                                      "setz %dh\n"
                                                                      "lahf\n"
                                                                      "add %ah,%bh\n"
                                                                      /* numbers */
                                                                      "mov %ebx,0x10004\n"
                                                                      "fildl 0x10004\n"
                                                                      "fadd %st(0),%st\n"
                                                                      "fistpll 0x10010\n"
                                                                      "cvtsi2sd %edx,%xmm0\n"
                                                                      "addsd %xmm0,%xmm1\n"
                                                                      /* faults in the middle of a block; EBP: how far the handler skips */
                                                                      "mov $2,%ebp\n"
                                                                      "xor %ecx,%ecx\n"
                                                                      "inc %edx\n"
                                                                      "div %ecx\n"
                                                                      "adc %edx,%ebx\n"
                                                                      "mov $1,%ebp\n"
                                                                      "hlt\n"
                                                                      "mov $2,%ebp\n"
                                                                      "ud2\n"
                                                                      "in $0x60,%al\n" /* IOPL 0, no bitmap: #GP */
                                                                      "mov $2,%ebp\n"
                                                                      "add %edx,0x16010\n" /* demand page */
                                                                      "incl 0x16014\n"
                                                                      "mov $1,%eax\n"
                                                                      "int $0x30\n" /* unmapped again */
                                                                      "mov $2,%ecx\n"
                                                                      "mov $0x10100,%esi\n"
                                                                      "mov $0x15ffc,%edi\n"
                                                                      "rep movsl\n" /* faults at its second item; P_TWIN_B's last word is only data */
                                                                      "xor %eax,%eax\n"
                                                                      "int $0x30\n" /* the other address space */
                                                                      "mov $0x14000,%eax\n"
                                                                      "call *%eax\n"
                                                                      "mov $0x1f000,%eax\n"
                                                                      "call *%eax\n" /* nothing there */
                                                                      "mov $2,%eax\n"
                                                                      "int $0x30\n" /* STI and its shadow in ring 0 */
                                                                      "rdtsc\n"
                                                                      "xor %eax,%ebx\n"
                                                                      "xor %eax,%eax\n"
                                                                      "cpuid\n"
                                                                      "jmp far_end\n"
                                                                      "other: .byte 0x90,0x90\n"
                                                                      "inc %edx\n"
                                                                      "ret\n"
                                                                      "third: add $0,%dl\n"
                                                                      "ret\n"
                                                                      "data: .long 0\n"
                                                                      ".org proof+0xff6\n" /* a block across the page's end */
                                                                      "far_end: inc %edx\n"
                                                                      "add %edx,%ebx\n"
                                                                      "rol $3,%ebx\n"
                                                                      "inc %edx\n"
                                                                      "mov $0x12345678,%eax\n"
                                                                      "xor %eax,%edx\n"
                                                                      "decl 0x10000\n"
                                                                      "jnz again\n"
                                                                      "mov $3,%eax\n"
                                                                      "int $0x30");

static struct guest *proof_new(uint32_t rounds)
{
    struct guest *g = guest_new(4u << 20);
    guest_paging(g);
    for (uint32_t i = 0; i < 1024; i++)
        guest_set_word(g, P_PT_B + i * 4, guest_word(g, G_PT + i * 4));
    guest_set_word(g, P_PD_B, P_PT_B | PTE_P | PTE_W | PTE_U);
    guest_set_word(g, P_PT_B + 0x14 * 4, P_TWIN_B | PTE_P | PTE_W | PTE_U);
    guest_set_word(g, G_PT + 0x1f * 4, 0);
    guest_set_word(g, P_PT_B + 0x1f * 4, 0);
    guest_set_word(g, G_PT + 0x16 * 4, P_DEMAND | PTE_W | PTE_U);
    guest_set_word(g, P_PT_B + 0x16 * 4, P_DEMAND | PTE_W | PTE_U);
    guest_set_word(g, P_DATA, rounds);
    guest_code(g, G_HANDLERS, proof_skip);
    guest_code(g, G_HANDLERS + 0x100, proof_gp);
    guest_code(g, G_HANDLERS + 0x200, proof_pf);
    guest_code(g, G_HANDLERS + 0x300, proof_service);
    guest_code(g, G_HANDLERS + 0x400, proof_irq);
    guest_code(g, P_TWIN, proof_twin_a);
    guest_code(g, P_TWIN_B, proof_twin_b);
    guest_code(g, G_CODE, proof);
    guest_gate(g, X86_DE, G_HANDLERS, 0xe, 0);
    guest_gate(g, X86_UD, G_HANDLERS, 0xe, 0);
    guest_gate(g, X86_GP, G_HANDLERS + 0x100, 0xe, 0);
    guest_gate(g, X86_PF, G_HANDLERS + 0x200, 0xe, 0);
    guest_gate(g, 0x30, G_HANDLERS + 0x300, 0xe, 3);
    guest_gate(g, 0x20, G_HANDLERS + 0x400, 0xe, 0);
    guest_start(g, 3, G_CODE);
    cpu_regs_rw(g->c)->eflags |= FL_IF;
    g->irq_period = g->irq_next = 211;
    g->irq_vector = 0x20;
    return g;
}

/* ---- the reference: a call before every instruction ---- */

struct sample {
    uint64_t at, hash;
};
struct reference {
    struct guest *g;
    uint64_t count;  /* by this test, not by the slots */
    uint32_t before; /* address of the instruction called for last; 0 after an exit */
    struct sample *sample;
    size_t samples, next;
    void (*code_hook)(uc_engine *uc, uint64_t pc, uint32_t size, void *slot);
};
static struct reference *ref;

static bool restarts(struct reference *r, uint32_t pc)
{
    uint8_t bytes[15];
    struct x86_insn insn;
    uint32_t n = cpu_fetch(r->g->c, GVA(pc), bytes, sizeof bytes);
    assert_true(x86_decode(bytes, n, true, &insn));
    return !insn.ends_block && !insn.rep;
}

/* In a hook: record the state as cpu_run() would show it had it stopped here. */
static void sample_here(struct reference *r)
{
    struct vcpu *c = r->g->c;
    bool settled = c->settled;
    uint64_t now = c->now;
    for (; r->next < r->samples && r->sample[r->next].at <= r->count; r->next++) {
        assert_int_equal(r->sample[r->next].at, r->count);
        c->now = r->count;
        c->settled = true;
        r->sample[r->next].hash = guest_hash(r->g, P_HASHED);
        regs_forget(c);
    }
    c->settled = settled;
    c->now = now;
}

static void every_instruction(uc_engine *uc, uint64_t pc, uint32_t size, void *slot)
{
    struct reference *r = ref;
    struct vcpu *c = r->g->c;
    /* The same plain instruction twice in a row: the engine replays a store. */
    bool replayed = r->before == pc && restarts(r, (uint32_t)pc), stop = false;
    if (!replayed) {
        const struct slot *s = slot;
        uint64_t now = c->arena->hot.target - (uint64_t)c->arena->hot.left - s->n +
                       time_index(c, s, (uint32_t)pc);
        assert_int_equal(now, r->count);
        stop = now >= c->until; /* it will be called for again, after the interrupt */
        if (!stop) {
            sample_here(r);
            r->count++;
        }
    }
    r->before = stop ? 0 : (uint32_t)pc;
    r->code_hook(uc, pc, size, slot);
}

static bool reference_exit(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)act;
    /* A fault at an instruction that we were not called for: it could not be fetched. */
    if (x->kind == EXIT_FAULT && x->eip != ref->before) {
        sample_here(ref);
        ref->count++;
    }
    ref->before = 0;
    assert_int_equal(cpu_now(g->c), ref->count);
    return false;
}

static struct guest *reference_new(struct reference *r, uint32_t rounds)
{
    struct guest *g = proof_new(rounds);
    struct vcpu *c = g->c;
    void *callback = (void *)every_instruction;
    char *word = (char *)c->code_hook + c->at.hook_data - sizeof callback;
    memcpy(&r->code_hook, word, sizeof callback);
    assert_ptr_equal((void *)r->code_hook, (void *)sites_on_code);
    memcpy(word, &callback, sizeof callback);
    c->idle_lo = 0;
    c->idle_hi = UINT32_MAX;
    sites_clear_range(c);
    g->on_exit = reference_exit;
    r->g = g;
    ref = r;
    return g;
}

/* ---- the comparison ---- */

enum { ROUNDS = 1200, MAX_SAMPLES = 40000 };

static int by_cycle(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* Stop points: every 997, every 101, random ones, a long row of consecutive ones. */
static size_t choose_points(struct sample *s, uint64_t end, uint32_t seed)
{
    size_t n = 0;
    for (uint64_t at = 997; at < end; at += 997)
        s[n++].at = at;
    for (uint64_t at = 101; at < end && n < 12000; at += 101)
        s[n++].at = at;
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 1664525 + 1013904223;
        s[n++].at = 1 + (uint64_t)seed * (end - 1) / UINT32_MAX;
    }
    for (uint64_t at = end / 2; at < end / 2 + 5000 && at < end; at++)
        s[n++].at = at;
    assert_true(n <= MAX_SAMPLES);
    qsort(s, n, sizeof *s, by_cycle);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || s[kept - 1].at != s[i].at)
            s[kept++] = s[i];
    return kept;
}

struct ending {
    uint64_t now, hash;
};

static struct ending ending_of(struct guest *g)
{
    assert_true(g->exited);
    assert_null(g->stuck);
    assert_false(g->triple);
    return (struct ending){cpu_now(g->c), guest_hash(g, P_HASHED)};
}

static void stops_are_exact(void **state)
{
    (void)state;
    struct guest *g = proof_new(ROUNDS);
    assert_true(guest_run(g, UINT64_MAX));
    struct ending fast = ending_of(g);
    print_message("%llu instructions, %u faults, %u software interrupts, %u timer interrupts\n",
                  (unsigned long long)fast.now, g->exits[EXIT_FAULT], g->exits[EXIT_SOFTINT],
                  guest_word(g, P_COUNTERS + 0x10));
    assert_int_equal(guest_word(g, P_COUNTERS), 2 * ROUNDS);
    assert_int_equal(guest_word(g, P_COUNTERS + 4), 2 * ROUNDS);
    assert_int_equal(guest_word(g, P_COUNTERS + 12), ROUNDS);
    guest_free(g);

    struct sample *sample = calloc(MAX_SAMPLES, sizeof *sample);
    struct reference r = {.sample = sample};
    uint32_t seed = 20240611;
    r.samples = choose_points(sample, fast.now, seed);
    g = reference_new(&r, ROUNDS);
    assert_true(guest_run(g, UINT64_MAX));
    struct ending slow = ending_of(g);
    assert_int_equal(r.next, r.samples);
    assert_int_equal(r.count, fast.now);
    assert_int_equal(slow.now, fast.now);
    assert_int_equal(slow.hash, fast.hash);
    guest_free(g);

    g = proof_new(ROUNDS);
    size_t different = 0;
    for (size_t i = 0; i < r.samples; i++) {
        /* Now and then throw all translations away: setting a mark does that. */
        if (i % 307 == 0)
            assert_true(cpu_mark_set(g->c, GVA(0x2800), 1));
        assert_false(guest_run(g, sample[i].at));
        assert_int_equal(cpu_now(g->c), sample[i].at);
        if (guest_hash(g, P_HASHED) != sample[i].hash && !different++)
            print_message("first difference at cycle %llu, eip %#x\n",
                          (unsigned long long)sample[i].at, cpu_regs(g->c)->eip);
    }
    print_message("%zu stops (seed %u), %zu different\n", r.samples, seed, different);
    assert_int_equal(different, 0);
    assert_true(guest_run(g, UINT64_MAX));
    struct ending stopped = ending_of(g);
    assert_int_equal(stopped.now, fast.now);
    assert_int_equal(stopped.hash, fast.hash);
    guest_free(g);
    free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_are_exact),
    };
    return cmocka_run_group_tests_name("exact", tests, NULL, NULL);
}
