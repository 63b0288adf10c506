/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways to die that need a hypervisor, and what the others need of it. */
#ifndef TESTS_GUEST_DYING_H
#define TESTS_GUEST_DYING_H

#define HOLE 0xF0000000u
enum { SURVIVED = 42 };

/* clang-format off */
#define LGUEST_WAYS(X)                        \
    X("bad-hypercall", bad_hypercall)         \
    X("init-twice", init_twice)               \
    X("ring-garbage", ring_garbage)           \
    X("notify-outside", notify_outside)       \
    X("message-outside", message_outside)     \
    X("gate-type", gate_type)                 \
    X("gate-number", gate_number)             \
    X("call-gate", call_gate)                 \
    X("segment-number", segment_number)       \
    X("stack-segment", stack_segment)         \
    X("stack-pages", stack_pages)             \
    X("stack-outside", stack_outside)         \
    X("tables-outside", tables_outside)       \
    X("tables-of-garbage", tables_of_garbage) \
    X("page-outside", page_outside)           \
    X("large-page", large_page)               \
    X("entry-outside", entry_outside)         \
    X("switcher", switcher)                   \
    X("tables-of-themselves", tables_of_themselves)
/* clang-format on */

#define WAY(name, function) void function(void);
LGUEST_WAYS(WAY)
#undef WAY

void lguest_halt(void);
void lguest_restart(void);

#endif
