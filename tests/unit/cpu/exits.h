/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of exits share: a machine with a few instructions, and the log of its exits. */
#ifndef TESTS_CPU_EXITS_H
#define TESTS_CPU_EXITS_H

#include "guest.h"

static inline struct guest *machine(const uint8_t *code, const uint8_t *end, unsigned ring)
{
    struct guest *g = guest_new(4u << 20);
    guest_put(g, G_CODE, code, end);
    guest_start(g, ring, G_CODE);
    return g;
}
#define MACHINE(name, ring) machine(name, name##_end, ring)

static inline const struct cpu_exit *only(struct guest *g, enum exit_kind kind, uint32_t eip,
                                          uint8_t len)
{
    assert_true(g->logged >= 1);
    assert_int_equal(g->log[0].kind, kind);
    assert_int_equal(g->log[0].eip, eip);
    assert_int_equal(g->log[0].len, len);
    return &g->log[0];
}

static inline bool leave_at_first(struct guest *g, struct cpu_exit *x, enum cpu_act *act)
{
    (void)g, (void)x;
    *act = CPU_LEAVE;
    return true;
}

/* A guest that sleeps, and one that is long about its work. */
GUEST_CODE(sti_hlt, "sti\n hlt\n inc %esi\n cli\n jmp .");
GUEST_CODE(marked, "1: inc %esi\n inc %edi\n in $0x60,%al\n inc %ebx\n dec %ecx\n jnz 1b\n jmp .");

#endif
