/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of x86_deliver() share: events, and a look at the frame that they leave. */
#ifndef TESTS_X86_DELIVER_H
#define TESTS_X86_DELIVER_H

#include "guest.h"

static inline enum x86_delivered deliver(struct guest *g, struct x86_event ev)
{
    return x86_deliver(&g->r, g->m, &ev, &g->last);
}

static inline struct x86_event soft(uint8_t vector)
{
    return (struct x86_event){.kind = X86_EV_SOFT, .vector = vector, .len = 2};
}

static inline struct x86_event external(uint8_t vector)
{
    return (struct x86_event){.kind = X86_EV_EXTERNAL, .vector = vector};
}

static inline struct x86_event fault(uint8_t vector)
{
    return (struct x86_event){.kind = X86_EV_FAULT, .vector = vector};
}

static inline struct x86_event fault_error(uint8_t vector, uint32_t error)
{
    return (struct x86_event){
        .kind = X86_EV_FAULT, .vector = vector, .has_error = true, .error = error};
}

/* The words on the present stack, from the top. */
static inline void check_stack(struct guest *g, unsigned n, const uint32_t *want)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(get32(g, g->r.seg[S_SS].base + g->r.gpr[R_ESP] + i * 4), want[i]);
}
#define STACK_IS(g, ...) \
    check_stack(g, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

/* The event was replaced by this fault, and the handler of that runs at ring 0. */
static inline void check_replaced(struct guest *g, struct x86_event ev, uint8_t vector,
                                  uint32_t error)
{
    assert_int_equal(deliver(g, ev), X86_DELIVERED_FAULT);
    assert_int_equal(g->last.kind, X86_EV_FAULT);
    assert_int_equal(g->last.vector, vector);
    assert_true(g->last.has_error);
    assert_int_equal(g->last.error, error);
    assert_int_equal(g->r.eip, HANDLER + vector * 16u);
    STACK_IS(g, error, TEST_EIP);
}

/* A task in OTHER_TSS_AT that can be switched to. */
static inline void prepare_task(struct guest *g)
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, guest_setup, guest_teardown)

#endif
