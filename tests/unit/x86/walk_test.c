/* SPDX-License-Identifier: GPL-2.0-only */
/* Page walks in both formats: rights, reserved bits, large pages, accessed and dirty bits. */
#include "guest.h"

enum { PDPT_AT = 0x6800, PAE_PD_AT = 0x20000, PAE_PT_AT = 0x21000 };

static bool walk(struct guest *g, uint32_t a, enum x86_access how, bool user, struct x86_walk *w)
{
    return x86_walk(&g->r, g->m, GVA(a), how, user, true, w);
}

static void put64(struct guest *g, uint32_t at, uint64_t v)
{
    assert_true(mem_write(g->m, MADDR(at), &v, 8));
}

static uint64_t get64(struct guest *g, uint32_t at)
{
    uint64_t v;
    assert_true(mem_read(g->m, MADDR(at), &v, 8));
    return v;
}

/* The first 2 MiB onto themselves at linear C0000000. */
static void guest_page_pae(struct guest *g)
{
    put64(g, PDPT_AT + 3 * 8, PAE_PD_AT | PTE_P);
    put64(g, PAE_PD_AT, PAE_PT_AT | PTE_P | PTE_W | PTE_U);
    for (uint32_t i = 0; i < 512; i++)
        put64(g, PAE_PT_AT + i * 8, i << 12 | PTE_P | PTE_W | PTE_U);
    g->r.cr3 = PDPT_AT;
    g->r.cr4 = CR4_PAE;
    g->r.efer = EFER_NXE;
    g->r.cr0 |= CR0_PG | CR0_WP;
}

static void paging_off(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    assert_true(walk(g, 0xFEDCBA98, X86_WRITE, true, &w));
    assert_int_equal(w.addr.v, 0xFEDCBA98);
    assert_int_equal(w.levels, 0);
    assert_true(w.writable && w.user && w.executable);
}

static void two_level(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    guest_page(g);
    put32(g, PT_AT + 5 * 4, 0x123000 | PTE_P | PTE_W | PTE_U);
    assert_true(walk(g, 0x5678, X86_READ, true, &w));
    assert_int_equal(w.addr.v, 0x123678);
    assert_int_equal(w.page_size, 4096);
    assert_int_equal(w.levels, 2);
    assert_int_equal(w.entry_at[0].v, PD_AT);
    assert_int_equal(w.entry_at[1].v, PT_AT + 5 * 4);
    assert_int_equal(w.entry[1], 0x123000 | PTE_P | PTE_W | PTE_U | PTE_A);
    assert_false(walk(g, 0x400000, X86_READ, false, &w)); /* no directory entry */
    assert_int_equal(w.error, 0);
    assert_int_equal(w.levels, 1);
    assert_false(walk(g, 0x400000, X86_WRITE, true, &w));
    assert_int_equal(w.error, PF_W | PF_U);
}

static void accessed_and_dirty(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;
    uint32_t pte = PT_AT + 5 * 4;

    guest_page(g);
    assert_true(x86_walk(&g->r, g->m, GVA(0x5000), X86_WRITE, false, false, &w));
    assert_int_equal(get32(g, pte) & (PTE_A | PTE_D), 0);
    assert_true(walk(g, 0x5000, X86_READ, false, &w));
    assert_int_equal(get32(g, pte) & (PTE_A | PTE_D), PTE_A);
    assert_true(walk(g, 0x5000, X86_WRITE, false, &w));
    assert_int_equal(get32(g, pte) & (PTE_A | PTE_D), PTE_A | PTE_D);
    assert_int_equal(get32(g, PD_AT) & (PTE_A | PTE_D), PTE_A);
    assert_int_equal(w.entry[1], get32(g, pte));
    put32(g, pte, 0x5000 | PTE_P); /* a refused write leaves no trace */
    assert_false(walk(g, 0x5000, X86_WRITE, false, &w));
    assert_int_equal(get32(g, pte), 0x5000 | PTE_P);
}

/* Every combination of rights at two levels, ring, access and CR0.WP, against the rule itself. */
static void rights(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    guest_page(g);
    for (unsigned bits = 0; bits < 128; bits++) {
        bool w0 = bits & 1, u0 = bits & 2, w1 = bits & 4, u1 = bits & 8;
        bool user = bits & 16, write = bits & 32, wp = bits & 64;
        put32(g, PD_AT, PT_AT | PTE_P | (w0 ? PTE_W : 0) | (u0 ? PTE_U : 0));
        put32(g, PT_AT + 4, 0x1000 | PTE_P | (w1 ? PTE_W : 0) | (u1 ? PTE_U : 0));
        g->r.cr0 = CR0_PE | CR0_PG | (wp ? CR0_WP : 0);
        bool refused = (user && !(u0 && u1)) || (write && !(w0 && w1) && (user || wp));
        assert_int_equal(walk(g, 0x1000, write ? X86_WRITE : X86_READ, user, &w), !refused);
        assert_int_equal(w.ok, !refused);
        assert_int_equal(w.writable, w0 && w1);
        assert_int_equal(w.user, u0 && u1);
        if (refused)
            assert_int_equal(w.error, PF_P | (write ? PF_W : 0) | (user ? PF_U : 0));
    }
}

static void large_pages(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    guest_page(g);
    put32(g, PD_AT + 4, 0x00400000 | PTE_P | PTE_W | PTE_U | PTE_PS | 1 << 12); /* bit 12: PAT */
    g->r.cr4 = CR4_PSE;
    assert_true(walk(g, 0x00412345, X86_WRITE, true, &w));
    assert_int_equal(w.addr.v, 0x00412345);
    assert_int_equal(w.page_size, 4 << 20);
    assert_int_equal(w.levels, 1);
    assert_int_equal(get32(g, PD_AT + 4) & (PTE_A | PTE_D), PTE_A | PTE_D);

    /* Bits 13-20 are 32-39 of the address, 21 must be zero. */
    put32(g, PD_AT + 4, 0x00400000 | 0xABu << 13 | PTE_P | PTE_PS);
    assert_true(walk(g, 0x00400000, X86_READ, false, &w));
    assert_int_equal(w.addr.v, 0xAB00400000);
    put32(g, PD_AT + 4, 0x00400000 | 1u << 21 | PTE_P | PTE_PS);
    assert_false(walk(g, 0x00400000, X86_READ, true, &w));
    assert_int_equal(w.error, PF_P | PF_RSVD | PF_U);

    /* Without CR4.PSE the bit means nothing: it is a table. */
    put32(g, PD_AT + 4, PT_AT | PTE_P | PTE_W | PTE_PS);
    g->r.cr4 = 0;
    assert_true(walk(g, 0x00403000, X86_READ, false, &w));
    assert_int_equal(w.addr.v, 0x3000);
    assert_int_equal(w.page_size, 4096);
}

static void pae(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    guest_page_pae(g);
    assert_true(walk(g, 0xC0005678, X86_WRITE, true, &w));
    assert_int_equal(w.addr.v, 0x5678);
    assert_int_equal(w.levels, 3);
    assert_int_equal(w.entry_at[0].v, PDPT_AT + 24);
    assert_int_equal(get64(g, PDPT_AT + 24), PAE_PD_AT | PTE_P); /* never touched */
    assert_int_equal(get64(g, PAE_PD_AT) & (PTE_A | PTE_D), PTE_A);
    assert_int_equal(get64(g, PAE_PT_AT + 5 * 8) & (PTE_A | PTE_D), PTE_A | PTE_D);
    put64(g, PAE_PT_AT + 5 * 8, 0xFF12345000 | PTE_P);
    assert_true(walk(g, 0xC0005678, X86_READ, false, &w));
    assert_int_equal(w.addr.v, 0xFF12345678);
    assert_false(walk(g, 0x00005678, X86_READ, false, &w)); /* no pointer */
    assert_int_equal(w.levels, 1);

    put64(g, PAE_PD_AT + 8, 0x00600000 | PTE_P | PTE_W | PTE_PS);
    assert_true(walk(g, 0xC03FFFFF, X86_WRITE, false, &w));
    assert_int_equal(w.addr.v, 0x007FFFFF);
    assert_int_equal(w.page_size, 2 << 20);
}

static void no_execute(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;
    const uint64_t nx = 1ull << 63;

    guest_page_pae(g);
    assert_true(walk(g, 0xC0005000, X86_FETCH, true, &w));
    put64(g, PAE_PT_AT + 5 * 8, 0x5000 | PTE_P | PTE_U | nx);
    assert_false(walk(g, 0xC0005000, X86_FETCH, true, &w));
    assert_int_equal(w.error, PF_P | PF_U | PF_I);
    assert_true(walk(g, 0xC0005000, X86_READ, true, &w));
    assert_false(w.executable);
    put64(g, PAE_PT_AT + 5 * 8, 0x5000 | PTE_P | PTE_U);
    put64(g, PAE_PD_AT, PAE_PT_AT | PTE_P | PTE_U | nx); /* counts at either level */
    assert_false(walk(g, 0xC0005000, X86_FETCH, false, &w));
    assert_int_equal(w.error, PF_P | PF_I);

    g->r.efer = 0; /* the bit is reserved then, and fetches are not told from reads */
    assert_false(walk(g, 0xC0005000, X86_FETCH, false, &w));
    assert_int_equal(w.error, PF_P | PF_RSVD);
    put64(g, PAE_PD_AT, 0);
    assert_false(walk(g, 0xC0005000, X86_FETCH, true, &w));
    assert_int_equal(w.error, PF_U);
}

static void pae_reserved_bits(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    guest_page_pae(g);
    for (unsigned bit = 40; bit < 63; bit++) {
        put64(g, PAE_PT_AT + 5 * 8, 0x5000 | PTE_P | 1ull << bit);
        assert_false(walk(g, 0xC0005000, X86_WRITE, false, &w));
        assert_int_equal(w.error, PF_P | PF_RSVD | PF_W);
        put64(g, PDPT_AT + 16, PAE_PD_AT | PTE_P | 1ull << bit);
        assert_false(walk(g, 0x80000000, X86_READ, false, &w));
        assert_int_equal(w.error, PF_P | PF_RSVD);
    }
    put64(g, PDPT_AT + 16, PAE_PD_AT | PTE_P | 1ull << 63); /* a pointer has no NX */
    assert_false(walk(g, 0x80000000, X86_READ, false, &w));
    assert_int_equal(w.error, PF_P | PF_RSVD);
    for (unsigned bit = 13; bit < 21; bit++) {
        put64(g, PAE_PD_AT + 8, 0x00600000 | PTE_P | PTE_PS | 1ull << bit);
        assert_false(walk(g, 0xC0200000, X86_READ, true, &w));
        assert_int_equal(w.error, PF_P | PF_RSVD | PF_U);
    }
    put64(g, PAE_PD_AT + 8, 0x00600000 | PTE_P | PTE_PS | 1ull << 12);
    assert_true(walk(g, 0xC0200000, X86_READ, false, &w));
}

/* Tables that point into nothing: all ones, which is a page in one format and reserved in the other. */
static void tables_outside_ram(void **state)
{
    struct guest *g = *state;
    struct x86_walk w;

    guest_page(g);
    g->r.cr3 = 0xFFFFF000;
    g->r.cr4 = 0;
    assert_true(walk(g, 0x1234, X86_WRITE, true, &w));
    assert_int_equal(w.addr.v, 0xFFFFF234);
    g->r.cr4 = CR4_PAE;
    assert_false(walk(g, 0x1234, X86_READ, false, &w));
    assert_int_equal(w.error, PF_P | PF_RSVD);
}

/* ---- ranges (linear.c) ---- */

static void ranges_cross_pages(void **state)
{
    struct guest *g = *state;
    uint8_t out[0x2100], in[0x2100];
    uint32_t cr2 = 0, error = 0;

    guest_page(g);
    for (unsigned i = 0; i < 4; i++) /* pages in reverse order */
        put32(g, PT_AT + (0x40 + i) * 4, (0x103 - i) << 12 | PTE_P | PTE_W | PTE_U);
    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7 + (i >> 8));
    assert_true(x86_write(&g->r, g->m, GVA(0x40F80), in, sizeof in, true, &cr2, &error));
    assert_true(x86_read(&g->r, g->m, GVA(0x40F80), out, sizeof out, true, &cr2, &error));
    assert_memory_equal(in, out, sizeof in);
    uint8_t *frame = mem_span(g->m, MADDR(0x102000), 4096);
    assert_memory_equal(frame, in + 0x80, 4096);
    assert_true(x86_peek(&g->r, g->m, GVA(0x40F80), out, 0));
}

static void nothing_is_written_on_a_fault(void **state)
{
    struct guest *g = *state;
    uint8_t in[0x1010];
    uint32_t cr2 = 0, error = 0;

    guest_page(g);
    memset(in, 0x55, sizeof in);
    set_pte(g, 0x42000, PTE_P | PTE_U);
    assert_false(x86_write(&g->r, g->m, GVA(0x41FF8), in, sizeof in, true, &cr2, &error));
    assert_int_equal(cr2, 0x42000);
    assert_int_equal(error, PF_P | PF_W | PF_U);
    assert_int_equal(get32(g, 0x41FF8), 0);
    assert_int_equal(get32(g, PT_AT + 0x41 * 4) & PTE_D, 0);
    set_pte(g, 0x42000, 0);
    assert_false(x86_read(&g->r, g->m, GVA(0x41FF8), in, sizeof in, false, &cr2, &error));
    assert_int_equal(cr2, 0x42000);
    assert_int_equal(error, 0);
}

static void peek_leaves_no_trace(void **state)
{
    struct guest *g = *state;
    uint32_t v;

    guest_page(g);
    put32(g, 0x42000, 0x1234);
    set_pte(g, 0x42000, PTE_P); /* for the supervisor: a debugger may look */
    assert_true(x86_peek(&g->r, g->m, GVA(0x42000), &v, 4));
    assert_int_equal(v, 0x1234);
    assert_int_equal(get32(g, PT_AT + 0x42 * 4), 0x42000 | PTE_P);
    set_pte(g, 0x42000, 0);
    assert_false(x86_peek(&g->r, g->m, GVA(0x42000), &v, 4));
}

static void outside_ram(void **state)
{
    struct guest *g = *state;
    uint32_t v[2] = {0}, cr2, error;

    assert_true(x86_write(&g->r, g->m, GVA(TEST_MEM - 4), "abcdefgh", 8, false, &cr2, &error));
    assert_true(x86_read(&g->r, g->m, GVA(TEST_MEM - 4), v, 8, false, &cr2, &error));
    assert_int_equal(v[0], 0x64636261);
    assert_int_equal(v[1], 0xFFFFFFFF);
    assert_true(x86_read(&g->r, g->m, GVA(0xB8000), v, 4, false, &cr2, &error));
    assert_int_equal(v[0], 0xFFFFFFFF);
    assert_true(x86_read(&g->r, g->m, GVA(0xFFFFFFFC), v, 8, false, &cr2, &error)); /* wraps */
    assert_int_equal(v[0], 0xFFFFFFFF);
    assert_int_equal(v[1], get32(g, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, guest_setup, guest_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paging_off),
        TEST(two_level),
        TEST(accessed_and_dirty),
        TEST(rights),
        TEST(large_pages),
        TEST(pae),
        TEST(no_execute),
        TEST(pae_reserved_bits),
        TEST(tables_outside_ram),
        TEST(ranges_cross_pages),
        TEST(nothing_is_written_on_a_fault),
        TEST(peek_leaves_no_trace),
        TEST(outside_ram),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
