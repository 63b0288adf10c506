/* SPDX-License-Identifier: GPL-2.0-only */
/* Events through gates, into every ring and mode; and a fault on the way to a fault's handler. */
#include "deliver.h"

static void ring3_to_ring0(void **state)
{
    struct guest *g = *state;

    put_gate(g, 0x80, GATE_INT32, 3, CODE0, 0x12345678);
    g->r.eflags = FL_IF | FL_TF | FL_NT | FL_IOPL | FL_AC | FL_CF | FL_DF | 2;
    uint32_t before = g->r.eflags;
    assert_int_equal(deliver(g, soft(0x80)), X86_DELIVERED);
    assert_int_equal(g->r.eip, 0x12345678);
    assert_int_equal(g->r.cpl, 0);
    assert_int_equal(g->r.seg[S_CS].sel, CODE0);
    assert_int_equal(g->r.seg[S_CS].limit, 0xFFFFFFFF);
    assert_int_equal(g->r.seg[S_CS].flags, 0x00C09B00);
    assert_int_equal(g->r.seg[S_SS].sel, DATA0);
    assert_int_equal(g->r.seg[S_DS].sel, DATA3);
    assert_int_equal(g->r.gpr[R_ESP], STACK0 - 20);
    STACK_IS(g, TEST_EIP + 2, CODE3, before, STACK3, DATA3);
    assert_int_equal(g->r.eflags, FL_IOPL | FL_AC | FL_CF | FL_DF | 2);
    assert_int_equal(g->last.vector, 0x80);
}

static void trap_gate_keeps_if(void **state)
{
    struct guest *g = *state;

    put_gate(g, 0x80, GATE_TRAP32, 3, CODE0, HANDLER);
    assert_int_equal(deliver(g, soft(0x80)), X86_DELIVERED);
    assert_int_equal(g->r.eflags, FL_IF | 2);
}

static void ring3_to_ring1(void **state)
{
    struct guest *g = *state;

    put_gate(g, 0x80, GATE_INT32, 3, CODE1, HANDLER);
    assert_int_equal(deliver(g, soft(0x80)), X86_DELIVERED);
    assert_int_equal(g->r.cpl, 1);
    assert_int_equal(g->r.seg[S_CS].sel, CODE1);
    assert_int_equal(g->r.seg[S_SS].sel, DATA1);
    assert_int_equal(g->r.gpr[R_ESP], STACK1 - 20);
    STACK_IS(g, TEST_EIP + 2, CODE3, FL_IF | 2, STACK3, DATA3);
}

static void ring1_to_ring0(void **state)
{
    struct guest *g = *state;

    set_ring(g, 1);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(g->r.cpl, 0);
    assert_int_equal(g->r.gpr[R_ESP], STACK0 - 20);
    STACK_IS(g, TEST_EIP, CODE1, FL_IF | 2, STACK1, DATA1);
}

/* No stack switch: three words, and a fourth for the error code. */
static void same_ring(void **state)
{
    struct guest *g = *state;
    static const unsigned rings[] = {0, 1, 3};
    static const uint16_t code[] = {CODE0, CODE1, CODE3};

    for (unsigned i = 0; i < 3; i++) {
        g->r.eip = TEST_EIP;
        g->r.eflags = FL_IF | 2;
        set_ring(g, rings[i]);
        uint32_t esp = g->r.gpr[R_ESP];
        put_gate(g, X86_GP, GATE_INT32, 0, code[i], HANDLER);
        assert_int_equal(deliver(g, fault_error(X86_GP, 0x1234)), X86_DELIVERED);
        assert_int_equal(g->r.cpl, rings[i]);
        assert_int_equal(g->r.gpr[R_ESP], esp - 16);
        STACK_IS(g, 0x1234, TEST_EIP, code[i], FL_IF | FL_RF | 2);
    }
}

static void conforming_keeps_ring(void **state)
{
    struct guest *g = *state;

    put_gate(g, 0x80, GATE_INT32, 3, CONFORMING, HANDLER);
    assert_int_equal(deliver(g, soft(0x80)), X86_DELIVERED);
    assert_int_equal(g->r.cpl, 3);
    assert_int_equal(g->r.seg[S_CS].sel, CONFORMING | 3);
    assert_int_equal(g->r.gpr[R_ESP], STACK3 - 12);
    STACK_IS(g, TEST_EIP + 2, CODE3, FL_IF | 2);
}

static void sixteen_bit_gates(void **state)
{
    struct guest *g = *state;

    put_gate(g, 0x80, GATE_INT16, 3, CODE0, 0x5678);
    assert_int_equal(deliver(g, soft(0x80)), X86_DELIVERED);
    assert_int_equal(g->r.eip, 0x5678);
    assert_int_equal(g->r.eflags & FL_IF, 0);
    assert_int_equal(g->r.gpr[R_ESP], STACK0 - 10);
    assert_int_equal(get16(g, STACK0 - 10), (TEST_EIP + 2) & 0xFFFF);
    assert_int_equal(get16(g, STACK0 - 8), CODE3);
    assert_int_equal(get16(g, STACK0 - 6), FL_IF | 2);
    assert_int_equal(get16(g, STACK0 - 4), STACK3);
    assert_int_equal(get16(g, STACK0 - 2), DATA3);

    g->r.eflags |= FL_IF;
    put_gate(g, X86_GP, GATE_TRAP16, 0, CODE0, 0x1111);
    uint32_t esp = g->r.gpr[R_ESP];
    assert_int_equal(deliver(g, fault_error(X86_GP, 0xABCD)), X86_DELIVERED);
    assert_int_equal(g->r.gpr[R_ESP], esp - 8);
    assert_int_equal(get16(g, esp - 8), 0xABCD);
    assert_int_equal(g->r.eflags & FL_IF, FL_IF);
}

static void sixteen_bit_tss(void **state)
{
    struct guest *g = *state;

    put_desc(g, TSS, TSS_AT, 0x2B, 0x83, 0);
    g->r.tr = load(g, TSS);
    put16(g, TSS_AT + 2, 0x8F00);
    put16(g, TSS_AT + 4, DATA0);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(g->r.gpr[R_ESP], 0x8F00 - 20);
    assert_int_equal(g->r.seg[S_SS].sel, DATA0);
}

static void error_codes_only_for_faults(void **state)
{
    struct guest *g = *state;

    put_gate(g, X86_GP, GATE_INT32, 3, CODE0, HANDLER);
    assert_int_equal(deliver(g, soft(X86_GP)), X86_DELIVERED);
    assert_int_equal(g->r.gpr[R_ESP], STACK0 - 20);
}

static void page_fault_sets_cr2(void **state)
{
    struct guest *g = *state;
    struct x86_event ev = fault_error(X86_PF, PF_U | PF_W);

    ev.cr2 = 0xDEAD1000;
    assert_int_equal(deliver(g, ev), X86_DELIVERED);
    assert_int_equal(g->r.cr2, 0xDEAD1000);
    STACK_IS(g, PF_U | PF_W, TEST_EIP, CODE3);
}

static void rf_in_the_image(void **state)
{
    struct guest *g = *state;
    const struct {
        struct x86_event ev;
        bool rf;
    } cases[] = {
        {fault(X86_DE), true},           {fault(X86_UD), true},
        {fault(X86_DB), false},          {fault(X86_NMI), false},
        {external(0x20), false},         {soft(0x80), false},
        {fault(X86_BP), false},          {fault_error(X86_GP, 0), true},
        {fault_error(X86_DF, 0), false}, {fault_error(X86_PF, 4), true},
    };

    put_gate(g, 0x80, GATE_INT32, 3, CODE0, HANDLER);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_ring(g, 3);
        g->r.eflags = FL_RF | FL_IF | 2;
        assert_int_equal(deliver(g, cases[i].ev), X86_DELIVERED);
        uint32_t image = get32(g, g->r.gpr[R_ESP] + (cases[i].ev.has_error ? 12 : 8));
        assert_int_equal(!!(image & FL_RF), cases[i].rf);
        assert_int_equal(g->r.eflags & FL_RF, 0);
    }
}

static void icebp_ignores_dpl(void **state)
{
    struct guest *g = *state;

    struct x86_event ev = {.kind = X86_EV_ICEBP, .vector = X86_DB, .len = 1};
    assert_int_equal(deliver(g, ev), X86_DELIVERED);
    STACK_IS(g, TEST_EIP + 1, CODE3, FL_IF | 2);
}

static void shadow_is_cleared(void **state)
{
    struct guest *g = *state;

    g->r.shadow = 1;
    assert_int_equal(deliver(g, fault(X86_UD)), X86_DELIVERED);
    assert_int_equal(g->r.shadow, 0);
}

/* ---- two faults ---- */

/* SDM 3A, table 6-5: make the delivery of `first` raise `second`, see what comes. The handlers of
   the second, and of #DF, are good. */
static void double_fault_matrix(void **state)
{
    struct guest *g = *state;
    static const uint8_t contributory[] = {X86_DE, X86_TS, X86_NP, X86_SS, X86_GP};
    enum { NP, PF }; /* how to make it fault */

    guest_page(g);
    set_pte(g, 0x300000, 0);
    for (unsigned v = 0; v < 32; v++) {
        bool is_contributory = memchr(contributory, (int)v, sizeof contributory);
        for (unsigned how = NP; how <= PF; how++) {
            bool error = (v >= 10 && v <= 14) || v == 8;
            struct x86_event ev = fault(v);
            ev.has_error = error;
            uint8_t second = how == NP ? X86_NP : X86_PF;

            if (v == second) /* spoiling its gate would spoil the second fault's too */
                continue;
            set_ring(g, 3);
            g->r.eip = TEST_EIP;
            struct x86_seg tr = g->r.tr;
            if (how == NP) {
                put_gate(g, v, GATE_INT32, 0, CODE0_ABSENT, HANDLER);
            } else { /* the inner stack is a hole; ring 1's is not */
                put32(g, TSS_AT + 4, 0x300800);
                put_gate(g, X86_PF, GATE_INT32, 0, CODE1, HANDLER + X86_PF * 16);
                put_gate(g, X86_DF, GATE_INT32, 0, v == X86_DF ? CODE0 : CODE1,
                         HANDLER + X86_DF * 16);
            }
            enum x86_delivered got = deliver(g, ev);
            if (v == X86_DF) {
                assert_int_equal(got, X86_TRIPLE);
            } else {
                bool df = (is_contributory && second != X86_PF) || v == X86_PF;
                assert_int_equal(got, X86_DELIVERED_FAULT);
                assert_int_equal(g->last.vector, df ? X86_DF : second);
                if (df)
                    STACK_IS(g, 0, TEST_EIP);
                if (second == X86_PF)
                    assert_int_equal(g->r.cr2, 0x300800 - 20 - (error ? 4 : 0));
            }
            g->r.tr = tr;
            put32(g, TSS_AT + 4, STACK0);
            put_gate(g, v, GATE_INT32, 0, CODE0, HANDLER + v * 16);
            put_gate(g, X86_PF, GATE_INT32, 0, CODE0, HANDLER + X86_PF * 16);
            put_gate(g, X86_DF, GATE_INT32, 0, CODE0, HANDLER + X86_DF * 16);
        }
    }
}

static void page_fault_twice(void **state)
{
    struct guest *g = *state;
    struct x86_event ev = fault_error(X86_PF, PF_U);

    /* The stack of the #PF handler is a hole; the one of #DF is not. */
    guest_page(g);
    ev.cr2 = 0x777000;
    put32(g, TSS_AT + 4, 0x300800);
    set_pte(g, 0x300000, 0);
    put_gate(g, X86_DF, GATE_INT32, 0, CODE1, HANDLER);
    assert_int_equal(deliver(g, ev), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.vector, X86_DF);
    assert_int_equal(g->r.cr2, 0x300800 - 24); /* of the second #PF */
    STACK_IS(g, 0, TEST_EIP, CODE3);
}

static void contributory_then_page_fault(void **state)
{
    struct guest *g = *state;

    guest_page(g);
    set_pte(g, 0x300000, 0);
    put32(g, TSS_AT + 4, 0x300800);
    put_gate(g, X86_PF, GATE_INT32, 0, CODE1, HANDLER + X86_PF * 16);
    check_replaced(g, fault_error(X86_GP, 0), X86_PF, PF_W); /* one after the other */
}

static void triple_fault(void **state)
{
    struct guest *g = *state;

    g->r.idt.limit = 0;
    struct x86_regs before = g->r;
    assert_int_equal(deliver(g, fault(X86_UD)), X86_TRIPLE);
    assert_int_equal(g->last.vector, X86_DF);
    assert_memory_equal(&g->r, &before, sizeof before);
}

static void interrupt_then_fault_is_benign(void **state)
{
    struct guest *g = *state;

    /* Also when its number is that of a contributory exception. */
    put_gate(g, X86_GP, GATE_INT32, 3, CODE0_ABSENT, HANDLER);
    check_replaced(g, soft(X86_GP), X86_NP, CODE0_ABSENT);
}

/* ---- virtual-8086 mode ---- */

static void enter_vm86(struct guest *g)
{
    for (unsigned s = 0; s < S_COUNT; s++)
        g->r.seg[s] = (struct x86_seg){0x1000 + s, (0x1000 + s) << 4, 0xFFFF, 0xF300};
    g->r.gpr[R_ESP] = 0x100;
    g->r.eip = 0x55;
    g->r.eflags = FL_VM | FL_IF | FL_IOPL | 2;
    g->r.cpl = 3;
}

static void out_of_vm86(void **state)
{
    struct guest *g = *state;

    enter_vm86(g);
    put_gate(g, 0x21, GATE_INT32, 3, CODE0, HANDLER);
    assert_int_equal(deliver(g, soft(0x21)), X86_DELIVERED);
    assert_int_equal(g->r.gpr[R_ESP], STACK0 - 36);
    STACK_IS(g, 0x57, 0x1000 + S_CS, FL_VM | FL_IF | FL_IOPL | 2, 0x100, 0x1000 + S_SS,
             0x1000 + S_ES, 0x1000 + S_DS, 0x1000 + S_FS, 0x1000 + S_GS);
    assert_int_equal(g->r.eflags, FL_IOPL | 2);
    assert_int_equal(g->r.seg[S_DS].sel, 0);
    assert_int_equal(g->r.seg[S_GS].flags, 0);
    assert_int_equal(g->r.cpl, 0);
}

static void vm86_restrictions(void **state)
{
    struct guest *g = *state;

    enter_vm86(g);
    g->r.eflags &= ~(uint32_t)FL_IOPL; /* INT n needs IOPL 3 */
    put_gate(g, 0x21, GATE_INT32, 3, CODE0, HANDLER);
    assert_int_equal(deliver(g, soft(0x21)), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.vector, X86_GP);
    STACK_IS(g, 0, 0x55);

    enter_vm86(g);
    g->r.eflags &= ~(uint32_t)FL_IOPL; /* INT3 does not */
    put_gate(g, X86_BP, GATE_INT32, 3, CODE0, HANDLER);
    struct x86_event int3 = {.kind = X86_EV_SOFT, .vector = X86_BP, .len = 1};
    assert_int_equal(deliver(g, int3), X86_DELIVERED);

    enter_vm86(g); /* only ring 0 may be entered */
    put_gate(g, 0x20, GATE_INT32, 3, CODE1, HANDLER);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.vector, X86_GP);
    assert_int_equal(g->last.error, (CODE1 & ~3u) | 1);
    enter_vm86(g);
    put_gate(g, 0x20, GATE_INT32, 3, CONFORMING, HANDLER);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.error, CONFORMING | 1);
}

static void real_mode(void **state)
{
    struct guest *g = *state;

    g->r.cr0 = 0;
    g->r.idt = (struct x86_table){0, 0x3FF};
    g->r.seg[S_CS] = (struct x86_seg){0x2000, 0x20000, 0xFFFF, 0x9300};
    g->r.seg[S_SS] = (struct x86_seg){0x800, 0x8000, 0xFFFF, 0x9300};
    g->r.gpr[R_ESP] = 0x100;
    g->r.eip = 0x10;
    g->r.cpl = 0;
    put32(g, 0x21 * 4, 0x1234ABCD);
    assert_int_equal(deliver(g, soft(0x21)), X86_DELIVERED);
    assert_int_equal(g->r.eip, 0xABCD);
    assert_int_equal(g->r.seg[S_CS].sel, 0x1234);
    assert_int_equal(g->r.seg[S_CS].base, 0x12340);
    assert_int_equal(g->r.gpr[R_ESP], 0xFA);
    assert_int_equal(get16(g, 0x80FA), 0x12);
    assert_int_equal(get16(g, 0x80FC), 0x2000);
    assert_int_equal(get16(g, 0x80FE), FL_IF | 2);
    assert_int_equal(g->r.eflags, 2);
    g->r.idt.limit = 0x20;
    assert_int_equal(deliver(g, soft(0x21)), X86_TRIPLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ring3_to_ring0),
        TEST(trap_gate_keeps_if),
        TEST(ring3_to_ring1),
        TEST(ring1_to_ring0),
        TEST(same_ring),
        TEST(conforming_keeps_ring),
        TEST(sixteen_bit_gates),
        TEST(sixteen_bit_tss),
        TEST(error_codes_only_for_faults),
        TEST(page_fault_sets_cr2),
        TEST(rf_in_the_image),
        TEST(icebp_ignores_dpl),
        TEST(shadow_is_cleared),
        TEST(double_fault_matrix),
        TEST(page_fault_twice),
        TEST(contributory_then_page_fault),
        TEST(triple_fault),
        TEST(interrupt_then_fault_is_benign),
        TEST(out_of_vm86),
        TEST(vm86_restrictions),
        TEST(real_mode),
    };
    return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
