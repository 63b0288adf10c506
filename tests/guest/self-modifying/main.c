// SPDX-License-Identifier: GPL-2.0-only
/*
 * self-modifying: code that is changed after it has run
 *
 * Background: an x86 CPU notices every store into code, whoever makes it and through whatever address,
 *   at the latest at the next branch. A translating engine keeps copies of what it translated, and
 *   ours forgets to drop them in just those cases that a paravirtual kernel lives on: call sites that
 *   are patched at boot, pages that hold one program after another. A page guard makes up for it.
 * What it does: seven cases, each of which ran old code on the bare engine: a warm function that is
 *   patched; two functions on one page; data written on a code page, then a patch; a new program
 *   copied over an old one by REP MOVS; a patch through another virtual address; a store into the
 *   very block that is running; an instruction across two pages. Then the same in every order that a
 *   generator of pseudo-random numbers thinks of.
 * How it could be fooled: code that has not run before is always translated afresh, so everything is
 *   warmed first, and each patch must change what is returned.
 */
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "self-modifying";

enum { WARM = 200, ROUNDS = 50 };

typedef uint32_t function(void);

static uint8_t page[8][PAGE_SIZE] PAGE_ALIGNED;

/* movl $value, %eax; ret */
static void put_function(volatile uint8_t *at, uint32_t value)
{
    at[0] = 0xB8;
    *(volatile uint32_t *)(at + 1) = value;
    at[5] = 0xC3;
}

static void patch(volatile uint8_t *at, uint32_t value)
{
    *(volatile uint32_t *)(at + 1) = value;
}

static __attribute__((noinline)) uint32_t call(volatile uint8_t *at)
{
    return ((function *)at)();
}

static void expect(const char *what, volatile uint8_t *at, uint32_t value)
{
    uint32_t is = call(at);
    check(is == value, "%s: the code says %08x, its bytes say %08x", what, is, value);
}

static void warm(volatile uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < WARM; i++)
        if (call(at) != value) {
            test_failure("warming: %08x instead of %08x", call(at), value);
            return;
        }
}

static void warm_function(void)
{
    put_function(page[0], 1);
    for (uint32_t i = 2; i < ROUNDS; i++) {
        warm(page[0], i - 1);
        patch(page[0], i);
        expect("a warm function", page[0], i);
    }
}

static void two_functions(void)
{
    volatile uint8_t *a = page[1], *b = page[1] + 64;

    put_function(a, 1);
    put_function(b, 1001);
    for (uint32_t i = 2; i < ROUNDS; i++) {
        warm(a, i - 1);
        warm(b, 999 + i);
        patch(a, i);        /* the first store to the page tells the engine ... */
        patch(b, 1000 + i); /* ... and the second goes unseen */
        expect("the first of two functions", a, i);
        expect("the second of two functions", b, 1000 + i);
    }
}

static void data_beside_code(void)
{
    volatile uint8_t *f = page[2];
    volatile uint32_t *data = (uint32_t *)(page[2] + 2048);

    put_function(f, 1);
    for (uint32_t i = 2; i < ROUNDS; i++) {
        warm(f, i - 1);
        for (unsigned k = 0; k < 16; k++)
            data[k] = i * k;
        patch(f, i);
        expect("code beside data", f, i);
        check_eq(data[15], i * 15);
    }
}

static void new_program(void)
{
    enum { FUNCTIONS = PAGE_SIZE / 16 };
    static uint8_t images[2][PAGE_SIZE];

    for (unsigned k = 0; k < FUNCTIONS; k++) {
        put_function(images[0] + k * 16, k);
        put_function(images[1] + k * 16, k + 0x10000);
    }
    for (uint32_t i = 0; i < 10; i++) {
        uint8_t *to = page[3], *from = images[i & 1];
        uint32_t words = PAGE_SIZE / 4;
        asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        for (unsigned k = 0; k < FUNCTIONS; k++)
            expect("a new program", page[3] + k * 16, k + (i & 1) * 0x10000);
    }
}

static void alias(uint64_t *root)
{
    volatile uint8_t *f = page[4], *other = (uint8_t *)0x80000000;

    *pae_entry(root, 0x80000000) = (uint32_t)page[4] | PTE_P | PTE_W;
    put_function(f, 1);
    for (uint32_t i = 2; i < ROUNDS; i++) {
        warm(f, i - 1);
        patch(other, i);
        expect("patched through an alias", f, i);
        warm(other, i);
        patch(f, i + 5000);
        expect("run through an alias", other, i + 5000);
        patch(other, i);
    }
}

/* The store patches an instruction of its own block: that one comes after it and must be new. */
static void own_block(void)
{
    for (uint32_t i = 1; i < ROUNDS; i++) {
        uint32_t ahead, behind;
        asm volatile("xorl %1, %1\n"
                     "movl %2, own_block_ahead + 1\n"
                     "nop; nop; nop\n"
                     "own_block_ahead: movl $0, %%eax\n"
                     "movl %2, own_block_self\n"
                     "jmp 1f\n"
                     "own_block_self: .long 0\n"
                     "1: movl own_block_self, %1\n"
                     : "=&a"(ahead), "=&r"(behind)
                     : "r"(i)
                     : "memory", "cc");
        check(ahead == i, "a store into its own block: %08x instead of %08x", ahead, i);
        check_eq(behind, i);
    }
}

/* movl $imm32 with the immediate on the next page; patched on either side of the boundary. */
static void across_pages(void)
{
    volatile uint8_t *f = page[6] - 2;

    put_function(f, 0x11111111);
    for (uint32_t i = 2; i < ROUNDS; i++) {
        warm(f, call(f));
        *(volatile uint32_t *)(f + 1) = i * 0x01010101; /* three bytes lie on the second page */
        expect("across two pages", f, i * 0x01010101);
        warm(f, i * 0x01010101);
        f[1] = (uint8_t)(i + 1); /* the first page alone */
        expect("its first page", f, (i * 0x01010101 & 0xFFFFFF00) | ((i + 1) & 0xFF));
        warm(f, (i * 0x01010101 & 0xFFFFFF00) | ((i + 1) & 0xFF));
        f[4] = (uint8_t)(i + 2); /* the second page alone */
        expect("its second page", f,
               (i * 0x00010101 & 0x00FFFF00) | ((i + 1) & 0xFF) | ((i + 2) & 0xFF) << 24);
    }
}

/* The frame behind a page changes: what ran there before must not run again. */
static void other_frame(uint64_t *root)
{
    enum { VA = 0x80200000 };

    put_function(page[0], 0xAAAA);
    put_function(page[1], 0xBBBB);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint8_t *now = page[i & 1];
        pae_set(root, VA, (uint32_t)now | PTE_P | PTE_W);
        expect("another frame", (uint8_t *)VA, i & 1 ? 0xBBBB : 0xAAAA);
    }
}

static void any_order(void)
{
    enum { FUNCTIONS = 64, STEPS = 4000 };
    static uint32_t value[FUNCTIONS];
    uint32_t seed = 12345;

    for (unsigned k = 0; k < FUNCTIONS; k++)
        put_function(page[k % 8] + k / 8 * 128 + 8, value[k] = k);
    for (unsigned i = 0; i < STEPS; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned k = seed >> 16 & (FUNCTIONS - 1), what = seed >> 28;
        volatile uint8_t *at = page[k % 8] + k / 8 * 128 + 8;
        if (what < 4)
            patch(at, value[k] = seed);
        else if (what < 6)
            at[40] = (uint8_t)seed; /* data */
        else if (call(at) != value[k]) {
            test_failure("step %u: function %u says %08x, should say %08x", i, k, call(at),
                         value[k]);
            return;
        }
    }
}

void test_main(void)
{
    uint64_t *root = pae_new();

    pae_on(root);
    warm_function();
    two_functions();
    data_beside_code();
    new_program();
    alias(root);
    own_block();
    across_pages();
    other_frame(root);
    any_order();
}
