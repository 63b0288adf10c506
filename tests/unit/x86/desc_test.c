/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors: fields, tables, hidden parts. */
#include "guest.h"

static void fields(void **state)
{
    struct x86_desc d = {.lo = 0x56789ABC, .hi = 0x12CF9234};

    (void)state;
    assert_int_equal(x86_desc_base(d), 0x12345678);
    assert_int_equal(x86_desc_limit(d), 0xF9ABCFFF);
    d.hi &= ~(1u << 23);
    assert_int_equal(x86_desc_limit(d), 0xF9ABC);
    struct x86_seg s = x86_seg_load(0x33, d);
    assert_int_equal(s.sel, 0x33);
    assert_int_equal(s.base, 0x12345678);
    assert_int_equal(s.limit, 0xF9ABC);
    assert_int_equal(s.flags, 0x00409200);
    d = (struct x86_desc){0, 1u << 23};
    assert_int_equal(x86_desc_limit(d), 0xFFF); /* a limit of 0 pages is one page */
}

static void gdt_limit(void **state)
{
    struct guest *g = *state;
    struct x86_desc d;

    assert_true(x86_desc_read(&g->r, g->m, DATA3, &d));
    assert_int_equal(d.hi, get32(g, GDT_AT + (DATA3 & ~3) + 4));
    g->r.gdt.limit = DATA3 | 7; /* the last byte it needs */
    assert_true(x86_desc_read(&g->r, g->m, DATA3, &d));
    g->r.gdt.limit--;
    assert_false(x86_desc_read(&g->r, g->m, DATA3, &d));
    g->r.gdt.limit = 0xFFFF;
    assert_true(x86_desc_read(&g->r, g->m, 0xFFFB, &d));
}

static void ldt(void **state)
{
    struct guest *g = *state;
    struct x86_desc d;

    put_desc(g, 0x0C, 0x1000, 0xFF, 0xF3, 4);
    assert_false(x86_desc_read(&g->r, g->m, 0x0F, &d)); /* there is no LDT yet */
    g->r.ldt = load(g, LDT);
    assert_true(x86_desc_read(&g->r, g->m, 0x0F, &d));
    assert_int_equal(x86_desc_base(d), 0x1000);
    assert_true(x86_desc_read(&g->r, g->m, 0x1C, &d));
    assert_false(x86_desc_read(&g->r, g->m, 0x24, &d)); /* beyond its limit */
}

static void unreadable(void **state)
{
    struct guest *g = *state;
    struct x86_desc d;

    guest_page(g);
    set_pte(g, GDT_AT, 0);
    assert_false(x86_desc_read(&g->r, g->m, CODE0, &d));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, guest_setup, guest_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields),
        TEST(gdt_limit),
        TEST(ldt),
        TEST(unreadable),
    };
    return cmocka_run_group_tests_name("desc", tests, NULL, NULL);
}
