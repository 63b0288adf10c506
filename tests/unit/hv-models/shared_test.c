/* SPDX-License-Identifier: GPL-2.0-only */
/* The mechanisms under the models: guest memory with its hole elsewhere, and shadow page tables. */
#include "unit.h"

#include <string.h>

#include "hv-models/shared/shared.h"

/* 16 MiB: 12 for the guest, then the hole's stand-ins, then the pool. */
enum { PAGES = 12 << 8, HOLE_AT = PAGES, POOL_AT = PAGES + GMEM_HOLE_PAGES, POOL = 80 };
enum { ROOT = 0x200000, DIRECTORY = 0x201000, TABLE = 0x202000, PAGE = 0x300000 };
enum { KERNEL = 0xC0000000u };

struct world {
    struct mem *m;
    struct shadow s;
    struct x86_regs regs; /* what the hardware would walk with */
};

static struct world w;

static void put(uint32_t at, uint64_t entry)
{
    assert_true(gmem_write(&w.s.guest, w.m, at, &entry, sizeof entry));
}

static uint64_t get(uint32_t at)
{
    uint64_t entry;
    assert_true(gmem_read(&w.s.guest, w.m, at, &entry, sizeof entry));
    return entry;
}

/* One page, at virtual 0 and at KERNEL. */
static int set_up(void **st)
{
    struct gmem guest = {.pages = PAGES, .hole = HOLE_AT};
    (void)st;
    memset(&w, 0, sizeof w);
    w.m = mem_new(16u << 20, NULL);
    shadow_init(&w.s, w.m, &guest, POOL_AT, POOL);
    for (unsigned slot = 0; slot < 4; slot += 3)
        put(ROOT + slot * 8, DIRECTORY | PTE_P);
    put(DIRECTORY, TABLE | PTE_P | PTE_W | PTE_U);
    put(TABLE, PAGE | PTE_P | PTE_W | PTE_U);
    assert_true(shadow_switch(&w.s, w.m, ROOT, KERNEL));
    w.regs = (struct x86_regs){.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr4 = CR4_PAE};
    return 0;
}

static int tear_down(void **st)
{
    struct err err = {0};
    (void)st;
    if (!shadow_audit(&w.s, w.m, &err))
        fail_msg("%s", err.text);
    mem_free(w.m);
    return 0;
}

static bool hardware(uint32_t va, enum x86_access how, bool user)
{
    struct x86_walk walk;
    w.regs.cr3 = shadow_cr3(&w.s);
    return x86_walk(&w.regs, w.m, GVA(va), how, user, false, &walk);
}

static void memory_ends_and_moves(void **st)
{
    const struct gmem *g = &w.s.guest;
    uint8_t bytes[PAGE_SIZE * 2], back[PAGE_SIZE * 2];
    uint32_t frame;
    (void)st;
    assert_true(gmem_frame(g, PC_HOLE_START / PAGE_SIZE, &frame));
    assert_int_equal(frame, HOLE_AT);
    assert_true(gmem_frame(g, PC_HOLE_END / PAGE_SIZE, &frame));
    assert_int_equal(frame, PC_HOLE_END / PAGE_SIZE);
    assert_false(gmem_frame(g, PAGES, &frame));
    assert_false(gmem_frame(g, UINT64_MAX / PAGE_SIZE, &frame));
    /* Across the border of the hole, both ways. */
    memset(bytes, 0x5A, sizeof bytes);
    assert_true(gmem_write(g, w.m, PC_HOLE_START - 100, bytes, sizeof bytes));
    assert_true(gmem_read(g, w.m, PC_HOLE_START - 100, back, sizeof back));
    assert_memory_equal(bytes, back, sizeof bytes);
    assert_int_equal(*(uint8_t *)mem_span(w.m, MADDR(HOLE_AT * 4096ull), 1), 0x5A);
    /* Nothing at all is written when the end is outside. */
    assert_false(gmem_write(g, w.m, PAGES * 4096ull - 4, bytes, 8));
    assert_int_equal(*(uint8_t *)gmem_span(g, w.m, PAGES * 4096ull - 4, 1), 0);
    assert_false(gmem_read(g, w.m, UINT64_MAX - 3, back, 8));
    assert_null(gmem_span(g, w.m, PAGE_SIZE - 4, 8));
}

static void a_page_comes_when_it_is_touched(void **st)
{
    struct shadow_bad bad;
    (void)st;
    assert_false(hardware(0, X86_READ, true));
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_U, &bad), SHADOW_FILLED);
    assert_true(hardware(0, X86_READ, true));
    assert_int_equal(get(TABLE) & (PTE_A | PTE_D), PTE_A);
    /* Not dirty, so not writable yet, though the guest's entry is. */
    assert_false(hardware(0, X86_WRITE, true));
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_U | PF_W, &bad), SHADOW_FILLED);
    assert_true(hardware(0, X86_WRITE, true));
    assert_int_equal(get(TABLE) & (PTE_A | PTE_D), PTE_A | PTE_D);
    /* The next page is not the guest's to touch. */
    assert_int_equal(shadow_fill(&w.s, w.m, PAGE_SIZE, PF_U, &bad), SHADOW_GUEST);
    assert_int_equal(shadow_fill(&w.s, w.m, 0x40000000, PF_U, &bad), SHADOW_GUEST);
}

static void rights_are_the_guests(void **st)
{
    struct shadow_bad bad;
    (void)st;
    put(TABLE, PAGE | PTE_P);
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_U, &bad), SHADOW_GUEST);
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_W, &bad), SHADOW_GUEST);
    assert_int_equal(shadow_fill(&w.s, w.m, 0, 0, &bad), SHADOW_FILLED);
    assert_false(hardware(0, X86_READ, true));
    /* The directory's rights count as well. */
    put(DIRECTORY, TABLE | PTE_P | PTE_U);
    put(TABLE, PAGE | PTE_P | PTE_W | PTE_U);
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_W, &bad), SHADOW_GUEST);
}

static void what_the_guest_tells(void **st)
{
    struct shadow_bad bad;
    (void)st;
    /* Nothing there yet: nothing to change. */
    assert_true(shadow_set_pte(&w.s, w.m, ROOT, 0, PAGE | PTE_P | PTE_A, KERNEL, &bad));
    assert_false(hardware(0, X86_READ, false));
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_W, &bad), SHADOW_FILLED);
    w.s.stale = 0;
    assert_true(shadow_set_pte(&w.s, w.m, ROOT, 0, 0, KERNEL, &bad));
    assert_true(w.s.stale);
    assert_false(hardware(0, X86_READ, false));
    /* Of another address space's tables: not our business. */
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_W, &bad), SHADOW_FILLED);
    assert_true(shadow_set_pte(&w.s, w.m, 0x210000, 0, 0, KERNEL, &bad));
    assert_true(hardware(0, X86_READ, false));
    /* The kernel's half is everybody's. */
    assert_int_equal(shadow_fill(&w.s, w.m, KERNEL, PF_W, &bad), SHADOW_FILLED);
    assert_true(shadow_set_pte(&w.s, w.m, 0x210000, KERNEL, 0, KERNEL, &bad));
    assert_false(hardware(KERNEL, X86_READ, false));
    assert_false(shadow_set_pte(&w.s, w.m, ROOT, 0, PAGES * 4096ull | PTE_P | PTE_A, KERNEL, &bad));
    assert_string_equal(bad.what, "bad page table entry");
}

static void dropping(void **st)
{
    struct shadow_bad bad;
    uint32_t left = w.s.pool_left;
    (void)st;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(shadow_fill(&w.s, w.m, 0, 0, &bad), SHADOW_FILLED);
        assert_int_equal(shadow_fill(&w.s, w.m, KERNEL, 0, &bad), SHADOW_FILLED);
        assert_int_equal(w.s.pool_left, left - 2);
        if (i == 0) {
            shadow_drop_below(&w.s, w.m, KERNEL);
            assert_false(hardware(0, X86_READ, false));
            assert_true(hardware(KERNEL, X86_READ, false));
        } else if (i == 1) {
            shadow_drop_slot(&w.s, w.m, ROOT, 0);
            shadow_drop_slot(&w.s, w.m, ROOT, 77); /* there is none */
            assert_false(hardware(0, X86_READ, false));
        }
        shadow_drop_all(&w.s, w.m);
        assert_int_equal(w.s.pool_left, left);
    }
}

static void roots_are_remembered(void **st)
{
    struct shadow_bad bad;
    (void)st;
    assert_int_equal(shadow_fill(&w.s, w.m, 0, 0, &bad), SHADOW_FILLED);
    for (uint32_t i = 1; i < SHADOW_ROOTS; i++)
        assert_true(shadow_switch(&w.s, w.m, ROOT + i * 0x20, KERNEL));
    assert_false(shadow_switch(&w.s, w.m, ROOT, KERNEL)); /* still warm */
    assert_true(hardware(0, X86_READ, false));
    assert_true(shadow_switch(&w.s, w.m, ROOT + SHADOW_ROOTS * 0x20, KERNEL));
    assert_true(shadow_switch(&w.s, w.m, ROOT, KERNEL)); /* it had to make room */
    assert_false(hardware(0, X86_READ, false));
}

/* Tables that are each other's tables, tables that lead out, a full pool: never a stray access. */
static void no_table_leads_out(void **st)
{
    static const uint64_t entry[] = {PAGES * 4096ull | 1, 0xFFFFFF000 | 1,       0x000FFFFFFFFFF001,
                                     0xFFFFFFFFFFFFFFFF,  ROOT | PTE_P | PTE_PS, ROOT | PTE_P};
    struct shadow_bad bad;
    (void)st;
    for (unsigned level = 0; level < 3; level++)
        for (unsigned i = 0; i < sizeof entry / sizeof entry[0]; i++) {
            put(ROOT, level == 0 ? entry[i] : DIRECTORY | PTE_P);
            put(DIRECTORY, level == 1 ? entry[i] : TABLE | PTE_P | PTE_W | PTE_U);
            put(TABLE, level == 2 ? entry[i] : PAGE | PTE_P | PTE_W | PTE_U);
            enum shadow_result r = shadow_fill(&w.s, w.m, 0, 0, &bad);
            if (i < 5 && r != SHADOW_BAD)
                fail_msg("level %u, entry %u: %d", level, i, r);
        }
    put(ROOT, ROOT | PTE_P); /* root, directory and table in one */
    put(ROOT + 8, ROOT | PTE_P | PTE_W);
    for (uint32_t va = 0; va < 0x40000000; va += 0x100000)
        shadow_fill(&w.s, w.m, va, PF_W, &bad);
}

static void a_full_pool_begins_again(void **st)
{
    struct shadow_bad bad;
    (void)st;
    for (unsigned i = 0; i < 512; i++) /* one table for each 2 MiB, all showing one page */
        put(DIRECTORY + i * 8, TABLE | PTE_P | PTE_W | PTE_U);
    for (uint32_t va = 0; va < 0x40000000; va += 0x200000)
        assert_int_equal(shadow_fill(&w.s, w.m, va, 0, &bad), SHADOW_FILLED);
    assert_true(w.s.recycled > 0);
    assert_true(hardware(0x3FE00000, X86_READ, false));
    assert_false(hardware(0, X86_READ, false));
}

static void linear_until_told(void **st)
{
    struct shadow_bad bad;
    (void)st;
    w.s.linear = 1;
    assert_int_equal(shadow_fill(&w.s, w.m, PAGE, PF_W, &bad), SHADOW_FILLED);
    assert_true(hardware(PAGE, X86_WRITE, false));
    assert_false(hardware(PAGE, X86_READ, true));
    assert_int_equal(shadow_fill(&w.s, w.m, KERNEL, 0, &bad), SHADOW_BAD);
    shadow_switch(&w.s, w.m, ROOT, KERNEL);
    assert_false(hardware(PAGE, X86_READ, false));
}

/* ---- a guest without PAE ---- */

static void put_short(uint32_t at, uint32_t entry)
{
    assert_true(gmem_write(&w.s.guest, w.m, at, &entry, sizeof entry));
}

static uint32_t get_short(uint32_t at)
{
    uint32_t entry;
    assert_true(gmem_read(&w.s.guest, w.m, at, &entry, sizeof entry));
    return entry;
}

/* The same two pages, in two levels; and the last page that one table of the guest's maps. */
static void two_levels(void)
{
    put(ROOT, 0);
    put_short(ROOT, TABLE | PTE_P | PTE_W | PTE_U);
    put_short(ROOT + (KERNEL >> 22) * 4, TABLE | PTE_P | PTE_W | PTE_U);
    put_short(TABLE, PAGE | PTE_P | PTE_W | PTE_U);
    put_short(TABLE + 4, 0xDEADB000); /* beside it: not present, and never to be touched */
    put_short(TABLE + 1023 * 4, (PAGE + PAGE_SIZE) | PTE_P | PTE_W);
    shadow_set_format(&w.s, w.m, SHADOW_TWO_LEVEL);
}

static void short_entries(void **st)
{
    enum { LAST = 0x3FF000 };
    struct shadow_bad bad;
    uint64_t at, entry;
    (void)st;
    two_levels();
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_U, &bad), SHADOW_FILLED);
    assert_true(hardware(0, X86_READ, true));
    assert_false(hardware(0, X86_WRITE, true));
    assert_int_equal(get_short(TABLE), PAGE | PTE_P | PTE_W | PTE_U | PTE_A);
    assert_int_equal(shadow_fill(&w.s, w.m, 0, PF_U | PF_W, &bad), SHADOW_FILLED);
    assert_true(hardware(0, X86_WRITE, true));
    assert_int_equal(get_short(TABLE), PAGE | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D);
    assert_int_equal(get_short(TABLE + 4), 0xDEADB000);
    assert_int_equal(shadow_fill(&w.s, w.m, PAGE_SIZE, 0, &bad), SHADOW_GUEST);
    /* The other end of the guest's table is in another table of ours. */
    assert_int_equal(shadow_fill(&w.s, w.m, LAST, PF_W, &bad), SHADOW_FILLED);
    assert_true(hardware(LAST, X86_WRITE, false));
    assert_int_equal(shadow_fill(&w.s, w.m, LAST, PF_U, &bad), SHADOW_GUEST);
    assert_true(shadow_guest_walk(&w.s, w.m, KERNEL + LAST + 5, &at, &entry));
    assert_int_equal(at, PAGE + PAGE_SIZE + 5);
    struct x86_walk levels;
    shadow_guest_levels(&w.s, w.m, LAST, &levels);
    assert_int_equal(levels.levels, 2);
    assert_int_equal(levels.entry_at[0].v, ROOT);
    assert_int_equal(levels.entry_at[1].v, TABLE + 1023 * 4);
    assert_int_equal(levels.entry[1] & ~0xFFFull, PAGE + PAGE_SIZE);
    shadow_guest_levels(&w.s, w.m, 0x400000, &levels);
    assert_int_equal(levels.levels, 1); /* ends where it is not present */
    assert_int_equal(levels.entry_at[0].v, ROOT + 4);
    assert_int_equal(shadow_fill(&w.s, w.m, 0x400000, 0, &bad), SHADOW_GUEST);
    /* A large page, and a table that is nowhere. */
    put_short(ROOT + 4, PTE_P | PTE_W | PTE_PS);
    assert_int_equal(shadow_fill(&w.s, w.m, 0x400000, 0, &bad), SHADOW_BAD);
    put_short(ROOT + 4, 0xFFFFF000 | PTE_P | PTE_W);
    assert_int_equal(shadow_fill(&w.s, w.m, 0x400000, 0, &bad), SHADOW_BAD);
    assert_string_equal(bad.what, "bad page directory entry");
    /* What a call's upper half says is of the other format, and means nothing. */
    assert_true(shadow_set_pte(&w.s, w.m, ROOT, 0, 0xFFFFFFFF00000000 | PAGE | PTE_P | PTE_A,
                               KERNEL, &bad));
    assert_true(hardware(0, X86_READ, false));
}

static void a_slot_is_four_megabytes(void **st)
{
    struct shadow_bad bad;
    (void)st;
    two_levels();
    assert_int_equal(shadow_root_at(&w.s, ROOT | 0xFFF), ROOT);
    assert_int_equal(shadow_fill(&w.s, w.m, 0, 0, &bad), SHADOW_FILLED);
    assert_int_equal(shadow_fill(&w.s, w.m, 0x3FF000, 0, &bad), SHADOW_FILLED);
    assert_int_equal(shadow_fill(&w.s, w.m, KERNEL, 0, &bad), SHADOW_FILLED);
    shadow_drop_slot(&w.s, w.m, ROOT, 1);
    shadow_drop_slot(&w.s, w.m, ROOT, 1024);
    shadow_drop_slot(&w.s, w.m, ROOT, 1023); /* the hypervisor's own stays */
    assert_true(hardware(0, X86_READ, false));
    shadow_drop_slot(&w.s, w.m, ROOT, 0);
    assert_false(hardware(0, X86_READ, false));
    assert_false(hardware(0x3FF000, X86_READ, false));
    assert_true(hardware(KERNEL, X86_READ, false));
    shadow_set_format(&w.s, w.m, SHADOW_PAE);
    assert_false(hardware(KERNEL, X86_READ, false));
    assert_int_equal(shadow_root_at(&w.s, ROOT | 0xFFF), ROOT | 0xFE0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(memory_ends_and_moves),
        TEST(a_page_comes_when_it_is_touched),
        TEST(rights_are_the_guests),
        TEST(what_the_guest_tells),
        TEST(dropping),
        TEST(roots_are_remembered),
        TEST(no_table_leads_out),
        TEST(a_full_pool_begins_again),
        TEST(linear_until_told),
        TEST(short_entries),
        TEST(a_slot_is_four_megabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
