/* SPDX-License-Identifier: GPL-2.0-only */
/* Events through gates, into every ring, and everything that can go wrong on the way. */
#include "guest.h"

static enum x86_delivered deliver(struct guest *g, struct x86_event ev)
{
    return x86_deliver(&g->r, g->m, &ev, &g->last);
}

static struct x86_event soft(uint8_t vector)
{
    return (struct x86_event){.kind = X86_EV_SOFT, .vector = vector, .len = 2};
}

static struct x86_event external(uint8_t vector)
{
    return (struct x86_event){.kind = X86_EV_EXTERNAL, .vector = vector};
}

static struct x86_event fault(uint8_t vector)
{
    return (struct x86_event){.kind = X86_EV_FAULT, .vector = vector};
}

static struct x86_event fault_error(uint8_t vector, uint32_t error)
{
    return (struct x86_event){
        .kind = X86_EV_FAULT, .vector = vector, .has_error = true, .error = error};
}

/* The words on the present stack, from the top. */
static void check_stack(struct guest *g, unsigned n, const uint32_t *want)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(get32(g, g->r.seg[S_SS].base + g->r.gpr[R_ESP] + i * 4), want[i]);
}
#define STACK_IS(g, ...) \
    check_stack(g, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

/* The event was replaced by this fault, and the handler of that runs at ring 0. */
static void check_replaced(struct guest *g, struct x86_event ev, uint8_t vector, uint32_t error)
{
    assert_int_equal(deliver(g, ev), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.kind, X86_EV_FAULT);
    assert_int_equal(g->last.vector, vector);
    assert_true(g->last.has_error);
    assert_int_equal(g->last.error, error);
    assert_int_equal(g->r.eip, HANDLER + vector * 16u);
    STACK_IS(g, error, TEST_EIP);
}

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

/* ---- task gates ---- */

static void prepare_task(struct guest *g)
{
    uint32_t t = OTHER_TSS_AT;

    put_gate(g, X86_DF, GATE_TASK, 0, TSS_OTHER, 0);
    put32(g, t + 0x1C, PD_AT);
    put32(g, t + 0x20, 0x30000); /* EIP */
    put32(g, t + 0x24, 2);
    for (unsigned i = 0; i < 8; i++)
        put32(g, t + 0x28 + i * 4, 0x1000 + i);
    put32(g, t + 0x28 + R_ESP * 4, STACK1);
    for (unsigned s = 0; s < S_COUNT; s++)
        put32(g, t + 0x48 + s * 4, s == S_CS ? CODE0 : DATA0);
    put32(g, t + 0x48 + S_FS * 4, 0);
    put32(g, t + 0x60, 0);
}

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, guest_setup, guest_teardown)

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
        TEST(double_fault_matrix),
        TEST(page_fault_twice),
        TEST(contributory_then_page_fault),
        TEST(triple_fault),
        TEST(interrupt_then_fault_is_benign),
        TEST(out_of_vm86),
        TEST(vm86_restrictions),
        TEST(real_mode),
        TEST(task_gate),
        TEST(bad_task_gates),
        TEST(fault_in_the_new_task),
        TEST(bad_segments_in_the_new_task),
        TEST(good_segments_in_the_new_task),
        TEST(task_of_vm86),
        TEST(wrapped_frame_faults_whole),
    };
    return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
