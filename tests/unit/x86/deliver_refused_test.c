/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything that can be wrong with a gate, its code segment and its stack. */
#include "deliver.h"

/* ---- the gate ---- */

static void beyond_the_idt(void **state)
{
    struct guest *g = *state;

    g->r.idt.limit = 0x80 * 8 + 6; /* one byte short */
    check_replaced(g, soft(0x80), X86_GP, 0x80 * 8 + 2);
    set_ring(g, 3);
    g->r.eip = TEST_EIP;
    check_replaced(g, external(0x80), X86_GP, 0x80 * 8 + 3);
}

static void software_needs_dpl(void **state)
{
    struct guest *g = *state;

    check_replaced(g, soft(0x80), X86_GP, 0x80 * 8 + 2); /* and the pushed EIP is that of the INT */
    set_ring(g, 1);
    g->r.eip = TEST_EIP;
    put_gate(g, 0x82, GATE_INT32, 1, CODE0, HANDLER);
    assert_int_equal(deliver(g, soft(0x82)), X86_DELIVERED);
    set_ring(g, 3);
    assert_int_equal(deliver(g, external(0x21)), X86_DELIVERED); /* devices need none */
}

static void absent_gate(void **state)
{
    struct guest *g = *state;

    put32(g, IDT_AT + 0x80 * 8 + 4, HANDLER | 3u << 13 | GATE_INT32 << 8);
    check_replaced(g, soft(0x80), X86_NP, 0x80 * 8 + 2);
}

static void wrong_gate_types(void **state)
{
    struct guest *g = *state;
    static const uint8_t good[] = {GATE_TASK, GATE_INT16, GATE_TRAP16, GATE_INT32, GATE_TRAP32};

    for (unsigned type = 0; type < 32; type++) {
        if (memchr(good, (int)type, sizeof good))
            continue;
        set_ring(g, 3);
        g->r.eip = TEST_EIP;
        put_gate(g, 0x80, type, 3, CODE0, HANDLER);
        check_replaced(g, soft(0x80), X86_GP, 0x80 * 8 + 2);
    }
}

/* ---- its code segment ---- */

static void bad_code_segments(void **state)
{
    struct guest *g = *state;
    static const struct {
        uint16_t sel;
        unsigned ring;
        uint8_t vector;
        uint32_t error;
    } cases[] = {
        {0, 3, X86_GP, 0},
        {3, 3, X86_GP, 0},
        {DATA0, 3, X86_GP, DATA0},
        {TSS, 3, X86_GP, TSS},
        {0x108, 3, X86_GP, 0x108}, /* beyond the GDT */
        {0x0C, 3, X86_GP, 0x0C},   /* in the LDT that there is not */
        {CODE0_ABSENT, 3, X86_NP, CODE0_ABSENT},
        {CODE3, 0, X86_GP, CODE3 & ~3u}, /* a handler may not be less privileged */
        {CODE3, 1, X86_GP, CODE3 & ~3u},
        {CODE0_SMALL, 3, X86_GP, 0}, /* the handler's address is beyond the limit */
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_ring(g, cases[i].ring);
        g->r.eip = TEST_EIP;
        put_gate(g, 0x80, GATE_INT32, 3, cases[i].sel, HANDLER);
        check_replaced(g, soft(0x80), cases[i].vector, cases[i].error);
        set_ring(g, cases[i].ring);
        g->r.eip = TEST_EIP;
        check_replaced(g, external(0x80), cases[i].vector, cases[i].error | 1);
    }
}

static void code_segment_in_the_ldt(void **state)
{
    struct guest *g = *state;

    g->r.ldt = load(g, LDT);
    put_desc(g, 0x0C, 0, 0xFFFFF, 0x9A, 0xC);
    put_gate(g, 0x80, GATE_INT32, 3, 0x0C, HANDLER);
    assert_int_equal(deliver(g, soft(0x80)), X86_DELIVERED);
    assert_int_equal(g->r.seg[S_CS].sel, 0x0C);
    assert_int_equal(get32(g, LDT_AT + 12) & 0x100, 0x100); /* marked as accessed */
    assert_int_equal(g->r.seg[S_CS].flags & 0x100, 0x100);
}

/* ---- the stack ---- */

static void bad_stack_segments(void **state)
{
    struct guest *g = *state;
    static const struct {
        uint16_t sel;
        uint8_t vector;
        uint32_t error;
    } cases[] = {
        {0, X86_TS, 0},
        {DATA0 | 1, X86_TS, DATA0},   /* RPL */
        {DATA1, X86_TS, DATA1 & ~3u}, /* DPL, RPL */
        {DATA1 & ~3u, X86_TS, DATA1 & ~3u},
        {CODE0, X86_TS, CODE0},
        {DATA0_READONLY, X86_TS, DATA0_READONLY},
        {0x108, X86_TS, 0x108},
        {DATA0_ABSENT, X86_SS, DATA0_ABSENT},
    };

    /* The handlers of these faults run in ring 3 themselves: the TSS is of no use. */
    put_gate(g, X86_TS, GATE_INT32, 0, CODE3, HANDLER + X86_TS * 16);
    put_gate(g, X86_SS, GATE_INT32, 0, CODE3, HANDLER + X86_SS * 16);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_ring(g, 3);
        g->r.eip = TEST_EIP;
        put32(g, TSS_AT + 8, cases[i].sel);
        put_gate(g, 0x80, GATE_INT32, 3, CODE0, HANDLER);
        check_replaced(g, soft(0x80), cases[i].vector, cases[i].error);
        assert_int_equal(g->r.cpl, 3);
    }
}

static void tss_too_short(void **state)
{
    struct guest *g = *state;

    put_gate(g, X86_TS, GATE_INT32, 0, CODE3, HANDLER + X86_TS * 16);
    g->r.tr.limit = 8;
    check_replaced(g, external(0x20), X86_TS, TSS | 1);
    set_ring(g, 3);
    g->r.tr.limit = 9;
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
}

static void no_room_on_the_stack(void **state)
{
    struct guest *g = *state;

    /* An inner stack that has no room: #SS names it. The segment grows down, valid above 8FFF. */
    put_gate(g, X86_SS, GATE_INT32, 0, CODE3, HANDLER + X86_SS * 16);
    put32(g, TSS_AT + 4, 0x9010);
    put32(g, TSS_AT + 8, DATA0_DOWN);
    check_replaced(g, external(0x20), X86_SS, DATA0_DOWN | 1);
    assert_int_equal(g->r.cpl, 3);
    set_ring(g, 3);
    put32(g, TSS_AT + 4, 0x9014);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(g->r.gpr[R_ESP], 0x9000);

    /* The same on the present stack names nothing; and #SS has no room either: a double fault. */
    g->r.gpr[R_ESP] = 0x9004;
    g->r.seg[S_SS] = load(g, DATA0_DOWN);
    uint32_t eip = g->r.eip;
    put_gate(g, X86_SS, GATE_INT32, 0, CODE0, HANDLER + X86_SS * 16);
    assert_int_equal(deliver(g, external(0x20)), X86_TRIPLE);
    assert_int_equal(g->last.vector, X86_DF);
    assert_int_equal(g->r.eip, eip); /* untouched */
    assert_int_equal(g->r.gpr[R_ESP], 0x9004);
}

static void small_stack_wraps(void **state)
{
    struct guest *g = *state;

    set_ring(g, 0);
    g->r.seg[S_SS] = load(g, DATA0_16);
    g->r.gpr[R_ESP] = 0x12340008; /* 16-bit stack: the upper half stays */
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(g->r.gpr[R_ESP], 0x1234FFFC);
    assert_int_equal(get32(g, 0x8000 + 4), FL_IF | 2);
    assert_int_equal(get32(g, 0x8000), CODE0);
    assert_int_equal(get32(g, 0x8000 + 0xFFFC), TEST_EIP);
}

static void page_fault_on_the_push(void **state)
{
    struct guest *g = *state;

    guest_page(g);
    set_pte(g, STACK0 - 4, 0);
    put_gate(g, X86_PF, GATE_INT32, 0, CODE3, HANDLER + X86_PF * 16);
    set_pte(g, STACK3 - 4, PTE_P | PTE_W | PTE_U);
    check_replaced(g, external(0x20), X86_PF, PF_W); /* a supervisor's write; no EXT */
    assert_int_equal(g->r.cr2, STACK0 - 20);

    /* A read-only page refuses a supervisor only while CR0.WP is set. */
    set_ring(g, 3);
    g->r.eip = TEST_EIP;
    set_pte(g, STACK0 - 4, PTE_P | PTE_U);
    check_replaced(g, external(0x20), X86_PF, PF_W | PF_P);
    set_ring(g, 3);
    g->r.cr0 &= ~(uint32_t)CR0_WP;
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(get32(g, PT_AT + ((STACK0 - 4) >> 12) * 4) & (PTE_A | PTE_D), PTE_A | PTE_D);
}

static void frame_across_pages_is_pushed_whole_or_not(void **state)
{
    struct guest *g = *state;

    guest_page(g);
    put_gate(g, X86_PF, GATE_INT32, 0, CODE3, HANDLER + X86_PF * 16);
    put32(g, TSS_AT + 4, STACK0 + 8);
    set_pte(g, STACK0 - 4, 0);
    put32(g, STACK0, 0x5555AAAA);
    put32(g, STACK0 + 4, 0x5555AAAA);
    check_replaced(g, external(0x20), X86_PF, PF_W);
    assert_int_equal(g->r.cr2, STACK0 - 12);
    assert_int_equal(get32(g, STACK0), 0x5555AAAA);
    assert_int_equal(get32(g, STACK0 + 4), 0x5555AAAA);
}

static void user_stack_is_pushed_with_user_rights(void **state)
{
    struct guest *g = *state;

    guest_page(g);
    put_gate(g, 0x20, GATE_INT32, 0, CODE3, HANDLER);
    set_pte(g, STACK3 - 4, PTE_P | PTE_W);
    check_replaced(g, external(0x20), X86_PF, PF_P | PF_W | PF_U);
    assert_int_equal(g->r.cpl, 0);
}

static void unmapped_tables(void **state)
{
    struct guest *g = *state;

    /* The gate of vector 20h lies in another page than those of the exceptions. */
    guest_page(g);
    g->r.idt.base = IDT_AT + 0x1000 - 0x20 * 8;
    for (unsigned v = 0; v < 0x20; v++) {
        put32(g, g->r.idt.base + v * 8, CODE0 << 16 | ((HANDLER + v * 16) & 0xFFFF));
        put32(g, g->r.idt.base + v * 8 + 4, (HANDLER & 0xFFFF0000) | 0x8E00);
    }
    put32(g, OTHER_TSS_AT + 4, STACK0);
    put32(g, OTHER_TSS_AT + 8, DATA0);
    g->r.tr.base = OTHER_TSS_AT;
    set_pte(g, IDT_AT + 0x1000, 0);
    check_replaced(g, external(0x20), X86_PF, 0);
    assert_int_equal(g->r.cr2, IDT_AT + 0x1000);
}

/* A frame that wraps around a 16-bit segment lies in two pages; both must take it. */
static void wrapped_frame_faults_whole(void **state)
{
    struct guest *g = *state;

    for (unsigned half = 0; half < 2; half++) {
        guest_page(g);
        set_pte(g, half ? 0x17FFC : 0x8000, 0);
        put_gate(g, X86_PF, GATE_TASK, 0, TSS_OTHER, 0); /* a stack of its own */
        put_desc(g, TSS_OTHER, OTHER_TSS_AT, 0x67, 0x89, 0);
        prepare_task(g);
        set_ring(g, 0);
        g->r.tr = load(g, TSS);
        g->r.eip = TEST_EIP;
        g->r.seg[S_SS] = load(g, DATA0_16);
        g->r.gpr[R_ESP] = 8;
        uint32_t words[2] = {0, 0};
        assert_true(mem_write(g->m, MADDR(0x8000), words, 8));
        assert_true(mem_write(g->m, MADDR(0x17FFC), words, 4));
        assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED_FAULT);
        assert_int_equal(g->last.vector, X86_PF);
        assert_int_equal(g->last.error, PF_W);
        assert_int_equal(g->r.cr2, half ? 0x17FFC : 0x8004);
        assert_int_equal(get32(g, 0x8000), 0);
        assert_int_equal(get32(g, 0x8004), 0);
        assert_int_equal(get32(g, 0x17FFC), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(beyond_the_idt),
        TEST(software_needs_dpl),
        TEST(absent_gate),
        TEST(wrong_gate_types),
        TEST(bad_code_segments),
        TEST(code_segment_in_the_ldt),
        TEST(bad_stack_segments),
        TEST(tss_too_short),
        TEST(no_room_on_the_stack),
        TEST(small_stack_wraps),
        TEST(page_fault_on_the_push),
        TEST(frame_across_pages_is_pushed_whole_or_not),
        TEST(user_stack_is_pushed_with_user_rights),
        TEST(unmapped_tables),
        TEST(wrapped_frame_faults_whole),
    };
    return cmocka_run_group_tests_name("deliver_refused", tests, NULL, NULL);
}
