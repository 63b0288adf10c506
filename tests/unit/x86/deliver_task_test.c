/* SPDX-License-Identifier: GPL-2.0-only */
/* Task gates: the switch, and what can be wrong with the new task. */
#include "deliver.h"

/* ---- task gates ---- */

static void task_gate(void **state)
{
    struct guest *g = *state;

    prepare_task(g);
    guest_page(g);
    g->r.gpr[R_EBX] = 0xB0B0;
    assert_int_equal(deliver(g, fault_error(X86_DF, 0)), X86_DELIVERED);
    assert_int_equal(g->r.tr.sel, TSS_OTHER);
    assert_int_equal(g->r.tr.base, OTHER_TSS_AT);
    assert_int_equal(get32(g, GDT_AT + TSS_OTHER + 4) >> 8 & 15, 11); /* busy */
    assert_int_equal(get32(g, GDT_AT + TSS + 4) >> 8 & 15, 11);       /* both: nested */
    assert_int_equal(get16(g, OTHER_TSS_AT), TSS);
    assert_int_equal(get32(g, TSS_AT + 0x20), TEST_EIP);
    assert_int_equal(get32(g, TSS_AT + 0x24), FL_IF | 2);
    assert_int_equal(get32(g, TSS_AT + 0x28 + R_EBX * 4), 0xB0B0);
    assert_int_equal(get32(g, TSS_AT + 0x28 + R_ESP * 4), STACK3);
    assert_int_equal(get32(g, TSS_AT + 0x48 + S_CS * 4), CODE3);
    assert_int_equal(g->r.eip, 0x30000);
    assert_int_equal(g->r.eflags, FL_NT | 2);
    assert_int_equal(g->r.cpl, 0);
    assert_int_equal(g->r.cr0 & CR0_TS, CR0_TS);
    assert_int_equal(g->r.gpr[R_EBX], 0x1000 + R_EBX);
    assert_int_equal(g->r.seg[S_DS].flags, 0x00C09300);
    assert_int_equal(g->r.seg[S_FS].sel, 0);
    assert_int_equal(g->r.gpr[R_ESP], STACK1 - 4); /* the error code */
    STACK_IS(g, 0);

    /* It is busy now: it cannot be entered again, and that is a triple fault. */
    assert_int_equal(deliver(g, fault_error(X86_DF, 0)), X86_TRIPLE);
}

static void bad_task_gates(void **state)
{
    struct guest *g = *state;
    static const uint16_t sels[] = {0, TSS_OTHER | 4, CODE0, LDT, 0x108};

    for (unsigned i = 0; i < sizeof sels / sizeof sels[0]; i++) {
        set_ring(g, 3);
        g->r.eip = TEST_EIP;
        put_gate(g, 0x20, GATE_TASK, 0, sels[i], 0);
        check_replaced(g, external(0x20), X86_GP, (sels[i] & ~3u) | 1);
    }
    set_ring(g, 3);
    g->r.eip = TEST_EIP;
    put_gate(g, 0x20, GATE_TASK, 0, TSS_OTHER, 0);
    put_desc(g, TSS_OTHER, OTHER_TSS_AT, 0x66, 0x89, 0);
    check_replaced(g, external(0x20), X86_TS, TSS_OTHER | 1);
    set_ring(g, 3);
    g->r.eip = TEST_EIP;
    put_desc(g, TSS_OTHER, OTHER_TSS_AT, 0x67, 0x09, 0);
    check_replaced(g, external(0x20), X86_NP, TSS_OTHER | 1);
}

/* What is wrong with the new task's segments is found in the new task. */
static void fault_in_the_new_task(void **state)
{
    struct guest *g = *state;

    prepare_task(g);
    put_gate(g, 0x20, GATE_TASK, 0, TSS_OTHER, 0);
    put32(g, OTHER_TSS_AT + 0x48 + S_DS * 4, 0x108);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.vector, X86_TS);
    assert_int_equal(g->last.error, 0x108 | 1);
    assert_int_equal(g->r.tr.sel, TSS_OTHER);
    STACK_IS(g, 0x109, 0x30000, CODE0);
    assert_int_equal(get32(g, TSS_AT + 0x20), TEST_EIP);
}

/* Every check of the segments that a new task brings; the faults are its own. */
static void bad_segments_in_the_new_task(void **state)
{
    struct guest *g = *state;
    enum { LDTR = 6 };
    static const struct {
        unsigned which; /* a segment register, or LDTR */
        uint16_t sel;
        uint8_t vector;
        uint32_t error;
    } cases[] = {
        {S_CS, 0, X86_TS, 0},
        {S_CS, DATA0, X86_TS, DATA0},
        {S_CS, CODE3 & ~3, X86_TS, CODE3 & ~3}, /* RPL is not DPL */
        {S_CS, CODE0_ABSENT, X86_NP, CODE0_ABSENT},
        {S_CS, TSS, X86_TS, TSS},
        {S_SS, 0, X86_TS, 0},
        {S_SS, CODE0, X86_TS, CODE0},
        {S_SS, DATA0_READONLY, X86_TS, DATA0_READONLY},
        {S_SS, DATA3, X86_TS, DATA3 & ~3},
        {S_SS, DATA0 | 3, X86_TS, DATA0},
        {S_SS, DATA3 & ~3, X86_TS, DATA3 & ~3},
        {S_SS, DATA0_ABSENT, X86_SS, DATA0_ABSENT},
        {S_DS, DATA0 | 3, X86_TS, DATA0}, /* RPL is weaker than DPL */
        {S_ES, DATA0_ABSENT, X86_NP, DATA0_ABSENT},
        {S_GS, 0x90, X86_TS, 0x90}, /* code that cannot be read */
        {S_FS, 0x0C, X86_TS, 0x0C}, /* in an LDT that there is not */
        {LDTR, TSS, X86_TS, TSS},
        {LDTR, LDT | 4, X86_TS, LDT | 4},
        {LDTR, 0x108, X86_TS, 0x108},
        {LDTR, 0x98, X86_TS, 0x98}, /* an absent LDT */
    };

    put_desc(g, 0x90, 0, 0xFFFFF, 0x98, 0xC);
    put_desc(g, 0x98, LDT_AT, 0x1F, 0x02, 0);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_desc(g, TSS_OTHER, OTHER_TSS_AT, 0x67, 0x89, 0);
        prepare_task(g);
        put_gate(g, 0x20, GATE_TASK, 0, TSS_OTHER, 0);
        put32(g, OTHER_TSS_AT + (cases[i].which == LDTR ? 0x60 : 0x48 + cases[i].which * 4),
              cases[i].sel);
        set_ring(g, 0);
        g->r.tr = load(g, TSS);
        g->r.eip = TEST_EIP;
        /* With a broken CS or SS the fault cannot be pushed everywhere: what it was is what counts.
           A handler of ring 0 in a task whose SS is bad has no stack, and that is shutdown. */
        enum x86_delivered got = deliver(g, external(0x20));
        if (got == X86_DELIVERED_FAULT && g->last.vector != X86_DF) {
            assert_int_equal(g->last.vector, cases[i].vector);
            assert_int_equal(g->last.error, cases[i].error | 1);
            assert_int_equal(g->r.tr.sel, TSS_OTHER);
            assert_int_equal(get32(g, g->r.gpr[R_ESP] + 4), 0x30000);
        } else { /* only without a stack */
            assert_true(cases[i].which <= S_SS || cases[i].which == LDTR);
            assert_int_equal(g->last.vector, X86_DF);
        }
    }
}

static void good_segments_in_the_new_task(void **state)
{
    struct guest *g = *state;

    /* A task of ring 3 with an LDT, conforming code in a data register, and a null one. */
    prepare_task(g);
    put_gate(g, 0x20, GATE_TASK, 0, TSS_OTHER, 0);
    put_desc(g, 0x0C, 0x7000, 0xFF, 0xF3, 4);
    const uint16_t sel[S_COUNT] = {0x0F, CODE3, DATA3, CONFORMING | 3, CODE3, 3};
    for (unsigned i = 0; i < S_COUNT; i++)
        put32(g, OTHER_TSS_AT + 0x48 + i * 4, sel[i]);
    put32(g, OTHER_TSS_AT + 0x60, LDT);
    put32(g, OTHER_TSS_AT + 0x28 + R_ESP * 4, STACK3);
    set_ring(g, 0);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(g->r.cpl, 3);
    for (unsigned i = 0; i < S_COUNT; i++)
        assert_int_equal(g->r.seg[i].sel, sel[i]);
    assert_int_equal(g->r.seg[S_ES].base, 0x7000);
    assert_int_equal(g->r.ldt.base, LDT_AT);
    assert_int_equal(g->r.seg[S_GS].flags, 0);
    assert_int_equal(g->r.gpr[R_ESP], STACK3); /* an interrupt has no error code */
}

/* A task in virtual-8086 mode: its selectors are paragraphs. */
static void task_of_vm86(void **state)
{
    struct guest *g = *state;

    prepare_task(g);
    put_gate(g, 0x20, GATE_TASK, 0, TSS_OTHER, 0);
    put32(g, OTHER_TSS_AT + 0x20, 0x100);
    put32(g, OTHER_TSS_AT + 0x24, FL_VM | 2);
    for (unsigned i = 0; i < S_COUNT; i++)
        put32(g, OTHER_TSS_AT + 0x48 + i * 4, 0x1230 + i);
    assert_int_equal(deliver(g, external(0x20)), X86_DELIVERED);
    assert_int_equal(g->r.cpl, 3);
    for (unsigned i = 0; i < S_COUNT; i++) {
        assert_int_equal(g->r.seg[i].sel, 0x1230 + i);
        assert_int_equal(g->r.seg[i].base, (0x1230 + i) << 4);
        assert_int_equal(g->r.seg[i].limit, 0xFFFF);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(task_gate),
        TEST(bad_task_gates),
        TEST(fault_in_the_new_task),
        TEST(bad_segments_in_the_new_task),
        TEST(good_segments_in_the_new_task),
        TEST(task_of_vm86),
    };
    return cmocka_run_group_tests_name("deliver_task", tests, NULL, NULL);
}
