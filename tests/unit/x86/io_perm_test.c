/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may use a port: IOPL, then the bitmap in the TSS. */
#include "guest.h"

static bool allowed(struct guest *g, uint16_t port, unsigned size)
{
    return x86_io_allowed(&g->r, g->m, port, size);
}

static void iopl(void **state)
{
    struct guest *g = *state;

    g->r.tr.limit = 0x67; /* no bitmap */
    for (unsigned cpl = 0; cpl < 4; cpl++) {
        for (unsigned level = 0; level < 4; level++) {
            g->r.cpl = cpl;
            g->r.eflags = level << 12 | 2;
            assert_int_equal(allowed(g, 0x80, 1), cpl <= level);
        }
    }
    g->r.cpl = 3;
    g->r.eflags = FL_VM | FL_IOPL; /* virtual-8086 mode always asks the bitmap */
    assert_false(allowed(g, 0x80, 1));
    g->r.cr0 = 0; /* real mode: everybody */
    assert_true(allowed(g, 0x80, 1));
}

static void bitmap(void **state)
{
    struct guest *g = *state;
    uint8_t map[0x2001];

    memset(map, 0xFF, sizeof map);
    map[0x3F8 / 8] = 0x00;        /* 3F8-3FF */
    map[0x60 / 8] = 0xFF & ~0x12; /* 61, 64 */
    assert_true(mem_write(g->m, MADDR(TSS_AT + 0x68), map, 0x400));
    g->r.tr.limit = 0x68 + 0x400 - 1;
    assert_true(allowed(g, 0x3F8, 1));
    assert_true(allowed(g, 0x3FF, 1));
    assert_true(allowed(g, 0x3FC, 4));
    assert_false(allowed(g, 0x3FD, 4)); /* its last byte is 400 */
    assert_false(allowed(g, 0x3F7, 2));
    assert_true(allowed(g, 0x61, 1));
    assert_false(allowed(g, 0x60, 1));
    assert_false(allowed(g, 0x61, 2));
    assert_true(allowed(g, 0x64, 1));
}

static void bitmap_ends_with_the_tss(void **state)
{
    struct guest *g = *state;

    /* All bits clear. Both bytes that are read must be inside the limit. */
    g->r.tr.limit = 0x68 + 2;
    assert_true(allowed(g, 0x08, 1));
    assert_true(allowed(g, 0x0F, 1));
    assert_false(allowed(g, 0x10, 1));
    g->r.tr.limit = 0x68 + 1;
    assert_false(allowed(g, 0x08, 1));
    put16(g, TSS_AT + 0x66, 0xFFFF); /* far outside: no bitmap */
    g->r.tr.limit = 0xFFF;
    assert_false(allowed(g, 0x08, 1));
    assert_false(allowed(g, 0xFFFF, 4));
}

static void needs_a_32_bit_tss(void **state)
{
    struct guest *g = *state;

    put_desc(g, TSS, TSS_AT, 0xFFF, 0x83, 0);
    g->r.tr = load(g, TSS);
    assert_false(allowed(g, 0x08, 1));
    put_desc(g, TSS, TSS_AT, 0x66, 0x8B, 0);
    g->r.tr = load(g, TSS);
    assert_false(allowed(g, 0x08, 1));
    g->r.tr = (struct x86_seg){0};
    assert_false(allowed(g, 0x08, 1));
}

static void unreadable_bitmap(void **state)
{
    struct guest *g = *state;

    assert_true(allowed(g, 0x08, 1));
    guest_page(g);
    set_pte(g, TSS_AT, 0);
    assert_false(allowed(g, 0x08, 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, guest_setup, guest_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(iopl),
        TEST(bitmap),
        TEST(bitmap_ends_with_the_tss),
        TEST(needs_a_32_bit_tss),
        TEST(unreadable_bitmap),
    };
    return cmocka_run_group_tests_name("io_perm", tests, NULL, NULL);
}
