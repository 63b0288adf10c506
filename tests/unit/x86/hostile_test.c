/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delivery, walks and descriptors on tables full of nonsense, with some sense mixed in so that each
 * step is reached. The sanitizers watch; and whatever came, the answer must keep its promises.
 */
#include "guest.h"
#include "random.h"

/* Half of the words of the tables are descriptors and gates that could be good. */
static void fill_tables(struct guest *g, struct random *r)
{
    static const uint8_t access[] = {0x8E, 0x8F, 0xEE, 0xEF, 0x85, 0x86, 0x87, 0x9B, 0x93,
                                     0xFB, 0xF3, 0xBB, 0xB3, 0x9F, 0x89, 0x8B, 0x82, 0x97};

    for (uint32_t at = 0; at < 0x8000; at += 8) {
        uint64_t v = random_next(r);
        if (one_in(r, 2)) {
            v &= 0xFFFF00FF0000FFFF;
            v |= (uint64_t)access[random_below(r, sizeof access)] << 40;
            v |= random_below(r, 0x100) << 16;
        }
        assert_true(mem_write(g->m, MADDR(at), &v, 8));
    }
}

static uint32_t some_address(struct random *r)
{
    return (uint32_t)(one_in(r, 4) ? random_next(r) : random_below(r, 0x8000));
}

static void fill_registers(struct guest *g, struct random *r)
{
    uint32_t *word = (uint32_t *)&g->r;

    for (unsigned i = 0; i < sizeof g->r / 4; i++)
        word[i] = some_address(r);
    g->r.cpl &= 3;
    g->r.shadow &= 1;
    if (!one_in(r, 16)) {
        g->r.gdt = (struct x86_table){0, (uint32_t)random_below(r, 0x10000)};
        g->r.idt = (struct x86_table){0x1000, (uint32_t)random_below(r, 0x1000)};
    }
    g->r.cr0 = (one_in(r, 4) ? 0 : CR0_PE) | (one_in(r, 2) ? 0 : CR0_WP);
    if (g->r.cr0 & CR0_PE && one_in(r, 2))
        g->r.cr0 |= CR0_PG;
    if (!one_in(r, 4))
        g->r.tr.flags = 0x8B00;
    if (!one_in(r, 8))
        g->r.eflags &= ~(uint32_t)FL_VM;
    if (g->r.eflags & FL_VM)
        g->r.cpl = 3;
}

static void nonsense(void **state)
{
    struct guest *g = *state;
    struct random r = {1};
    unsigned outcome[3] = {0};

    for (unsigned i = 0; i < 100000; i++) {
        if (i % 1000 == 0)
            fill_tables(g, &r);
        fill_registers(g, &r);
        struct x86_event ev = {
            .kind = random_below(&r, 4),
            .vector = (uint8_t)random_next(&r),
            .has_error = one_in(&r, 2),
            .error = (uint32_t)random_next(&r),
            .cr2 = (uint32_t)random_next(&r),
            .len = (uint8_t)random_below(&r, 16),
        };
        struct x86_regs before = g->r;
        enum x86_delivered got = x86_deliver(&g->r, g->m, &ev, &g->last);
        outcome[got]++;
        switch (got) {
        case X86_TRIPLE:
            assert_memory_equal(&g->r, &before, sizeof before);
            break;
        case X86_DELIVERED:
            assert_int_equal(g->last.kind, ev.kind);
            assert_int_equal(g->last.vector, ev.vector);
            assert_int_equal(g->last.error, ev.error);
            /* fall through */
        case X86_DELIVERED_FAULT:
            assert_int_equal(g->r.shadow, 0);
            assert_in_range(g->r.cpl, 0, 3);
            if (before.cr0 & CR0_PE && !(g->r.eflags & FL_VM)) {
                assert_int_equal(g->r.seg[S_CS].sel & 3, g->r.cpl);
                assert_true(g->r.eip <= g->r.seg[S_CS].limit);
                if (g->r.tr.sel == before.tr.sel) /* never outwards, but by a task */
                    assert_true(g->r.cpl <= before.cpl);
            }
            break;
        }
        struct x86_desc d;
        x86_io_allowed(&g->r, g->m, (uint16_t)random_next(&r), 1u << random_below(&r, 3));
        x86_desc_read(&g->r, g->m, (uint16_t)random_next(&r), &d);
    }
    for (unsigned i = 0; i < 3; i++) /* or the nonsense was of one kind only */
        assert_true(outcome[i] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nonsense, guest_setup, guest_teardown),
    };
    return cmocka_run_group_tests_name("x86-hostile", tests, NULL, NULL);
}
