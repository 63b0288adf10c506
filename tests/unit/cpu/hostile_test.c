/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs made of chance: rubbish, system instructions, stores into code, broken tables, in every
 * ring. Nothing may crash or hang the host, the limit must hold, and a run that is stopped all the
 * time must end in the very state of one that never was.
 *
 *     unit-cpu-hostile [FIRST-SEED COUNT]    more of it, by hand
 *
 * The seeds below hold. Of about 1,700 tried by hand one (1642) is known whose stopped run differs;
 * the likely cause, not proven, is what emu/cpu/time.c names as left: a second store into the block
 * that is running.
 */
#include "guest.h"

#include "cpu/internal.h"

enum { CYCLES = 4000, HASHED = 0x40000, HIDDEN_PD = 0x300000, HIDDEN_PT = 0x301000 };

static uint64_t rng;
static uint32_t chance(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 11) % n);
}

/* Snippets that random bytes would rarely make; %c is a random byte. */
static const struct {
    uint8_t len;
    const char *bytes;
} snippet[] = {
#define S(text)                \
    {                          \
        sizeof(text) - 1, text \
    }
    S("\x0f\x22\xc0"),                     /* mov %eax,%cr0 */
    S("\xb8\x00\x00\x30\x00\x0f\x22\xd8"), /* mov $HIDDEN_PD,%eax; mov %eax,%cr3 */
    S("\x0f\x22\xd0"),                     /* mov %eax,%cr2 */
    S("\x0f\x22\xe0"),                     /* mov %eax,%cr4 */
    S("\x0f\x20\xc0"),                     /* mov %cr0,%eax */
    S("\x0f\x20\xd0"),                     /* mov %cr2,%eax */
    S("\x0f\x23\xf8"),                     /* mov %eax,%db7 */
    S("\x0f\x21\xf0"),                     /* mov %db6,%eax */
    S("\x0f\x30"),
    S("\x0f\x32"), /* wrmsr, rdmsr */
    S("\x0f\x31"),
    S("\x0f\xa2"), /* rdtsc, cpuid */
    S("\x0f\x34"),
    S("\x0f\x35"), /* sysenter, sysexit */
    S("\x0f\x05"),
    S("\xf1"), /* syscall, icebp */
    S("\xf4"),
    S("\xfb"),
    S("\xfa"),
    S("\xfb\xf4"),
    S("\x9c"),
    S("\x9d"),
    S("\xcf"),
    S("\xcb"),
    S("\xc3"),
    S("\xcd\x30"),
    S("\xcc"),
    S("\xce"),
    S("\xe4\x60"),
    S("\xee"),
    S("\xf3\x6c"),
    S("\xf3\x6f"),
    S("\xf3\xaa"),
    S("\xf3\xa5"),
    S("\xf3\xa6"),
    S("\xfd"),
    S("\xfc"),
    S("\x8e\xd0"),
    S("\x8e\xd8"),
    S("\x17"),
    S("\x07"),
    S("\x0f\x01\x15\x00\x08\x00\x00"), /* lgdt */
    S("\x0f\x01\x1d\x00\x09\x00\x00"), /* lidt */
    S("\x0f\x00\xd8"),
    S("\x0f\x00\xd0"),         /* ltr, lldt */
    S("\x0f\x01\x38"),         /* invlpg */
    S("\xa2\x20\xb0\x00\x00"), /* store into the code */
    S("\xa3\x40\xb0\x00\x00"),
    S("\xa3\x80\xb1\x00\x00"),
    S("\xbf\x00\xb0\x00\x00"), /* mov $code,%edi */
    S("\xbe\x00\xb1\x00\x00"),
    S("\xb9\x05\x00\x00\x00"),
    S("\xb8\x00\x30\x00\x00"),
    S("\xba\x00\xb0\x00\x00"),
    S("\xb9\x74\x01\x00\x00"),
    S("\xd9\xeb"),
    S("\xdd\x1d\x00\x00\x01\x00"),
    S("\x0f\xae\x05\x00\x02\x01\x00"),
    S("\x66\x90"),
    S("\x67\xe3\x02"),
    S("\xe2\xf0"),
    S("\xeb\xe0"),
    S("\x75\xd0"),
    S("\xe8\x10\x00\x00\x00"),
    S("\x68\x02\x32\x00\x00\x9d"), /* push $0x3202; popf */
    S("\x68\x02\x01\x00\x00\x9d"), /* TF */
    S("\xff\x05\x00\x60\x01\x00"),
    S("\x80\x35\x60\xb0\x00\x00\x11"),
    S("\xa1\x00\x00\x0a\x00"),
    S("\xa3\x00\x00\x00\x90"),
#undef S
};

static void random_code(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned kind = chance(10);
        if (kind < 5) {
            unsigned s = chance(sizeof snippet / sizeof snippet[0]);
            for (unsigned k = 0; k < snippet[s].len && i < n; k++)
                p[i++] = (uint8_t)snippet[s].bytes[k];
        } else if (kind < 9) { /* short plain instructions: registers among themselves */
            static const uint8_t op[] = {0x01, 0x29, 0x31, 0x85, 0x89, 0x8b, 0x21, 0x39};
            p[i++] = op[chance(sizeof op)];
            if (i < n)
                p[i++] = (uint8_t)(chance(4) ? 0xc0 | chance(64) : chance(256));
        } else {
            p[i++] = (uint8_t)chance(256);
        }
    }
}

/* Random page tables, out of the program's reach: what a guest sees that changes its tables and
   forgets to flush depends on the TLB, and no processor promises anything about that. */
static void hidden_paging(struct guest *g)
{
    guest_paging(g);
    for (uint32_t i = 0; i < 1024; i++)
        guest_set_word(g, HIDDEN_PT + i * 4, guest_word(g, G_PT + i * 4));
    guest_set_word(g, HIDDEN_PD, HIDDEN_PT | 7);
    for (unsigned i = 0; i < 20; i++)
        guest_set_word(g, HIDDEN_PT + chance(64) * 4, chance(0x40) << 12 | chance(8) | chance(8));
    guest_set_word(g, HIDDEN_PT + 0xb * 4, G_CODE | 7);
    guest_set_word(g, HIDDEN_PT + (HIDDEN_PD >> 12) * 4, 0);
    guest_set_word(g, HIDDEN_PT + (HIDDEN_PT >> 12) * 4, 0);
    cpu_regs_rw(g->c)->cr3 = HIDDEN_PD;
}

static struct guest *random_guest(uint64_t seed)
{
    rng = seed * 0x9e3779b97f4a7c15ull + 1;
    chance(2);
    struct guest *g = guest_new(4u << 20);
    static uint8_t code[0x1400];
    random_code(code, sizeof code);
    assert_true(mem_write(g->m, MADDR(G_CODE), code, sizeof code));
    random_code(code, 0x600);
    assert_true(mem_write(g->m, MADDR(G_HANDLERS), code, 0x600));
    for (unsigned v = 0; v < 256; v++)
        if (v < 20 || chance(8))
            guest_gate(g, (uint8_t)v,
                       chance(3) ? G_HANDLERS + chance(0x600) : G_CODE + chance(0x1000),
                       chance(6) ? 0xe : 0xf, chance(2) ? 3 : 0);
    guest_start(g, chance(4), G_CODE + chance(64));
    if (chance(4)) {
        hidden_paging(g);
    }
    struct x86_regs *r = cpu_regs_rw(g->c);
    for (unsigned i = 0; i < 8; i++)
        if (i != R_ESP || !chance(8))
            r->gpr[i] = chance(3) ? chance(0x20000) : (uint32_t)rng;
    r->eflags |= (chance(2) ? FL_IF : 0) | (chance(3) ? 0 : FL_IOPL) | (chance(12) ? 0 : FL_TF);
    g->irq_vector = 0x20;
    g->irq_period = g->irq_next = 50 + chance(500);
    g->data_eax = (uint32_t)rng;
    return g;
}

struct end {
    uint64_t now, hash;
    bool ended, triple;
    const char *stuck;
};

static struct end run(uint64_t seed, unsigned step)
{
    struct guest *g = random_guest(seed);
    bool ended = false;
    for (uint64_t at = step; !ended && at < CYCLES; at += 1 + (at * 7 + step) % (2 * step))
        ended = guest_run(g, at);
    if (!ended)
        ended = guest_run(g, CYCLES);
    struct end e = {cpu_now(g->c), guest_hash(g, HASHED), ended, g->triple, g->stuck};
    guest_free(g);
    return e;
}

static uint64_t first_seed = 1, seeds = 150;

static void chance_is_survived_and_repeatable(void **state)
{
    (void)state;
    unsigned ended = 0, triple = 0, stuck = 0;
    for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
        struct end a = run(seed, CYCLES), b = run(seed, CYCLES), c = run(seed, 13);
        ended += a.ended;
        triple += a.triple;
        stuck += !!a.stuck;
        if (a.stuck)
            print_message("seed %llu: %s\n", (unsigned long long)seed, a.stuck);
        if (a.now != b.now || a.hash != b.hash)
            fail_msg("seed %llu: two runs differ", (unsigned long long)seed);
        if (a.now != c.now || a.hash != c.hash)
            fail_msg("seed %llu: a run with stops differs (%llu, %llu cycles)",
                     (unsigned long long)seed, (unsigned long long)a.now,
                     (unsigned long long)c.now);
    }
    print_message("%llu programs: %u ended early, %u by a triple fault, %u stuck\n",
                  (unsigned long long)seeds, ended, triple, stuck);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance_is_survived_and_repeatable),
    };
    if (argc == 3) {
        first_seed = strtoull(argv[1], NULL, 0);
        seeds = strtoull(argv[2], NULL, 0);
    }
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
