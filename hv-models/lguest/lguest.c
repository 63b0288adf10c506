/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tour of lguest, the smallest hypervisor that Linux ever ran under. Rusty Russell wrote the
 * original in some 5,000 lines, and wrote them to be read; this model keeps to its guest interface,
 * and tries to keep to its spirit.
 *
 * The whole trick fits on a postcard. The guest's kernel runs in ring 1. There it may do almost
 * everything; what it may not do makes the CPU fault, and a fault brings us in. To save it the
 * faults, the kernel asks instead: "int $0x1f" with a number in EAX. For the one thing that it does
 * all the time, switching interrupts off and on, it does not even ask: the flag is a word in a
 * structure that both of us can see. And its page tables are fiction: the CPU walks ours.
 *
 *      ring 3   processes ───────── int $0x80 ──────────┐ (no stop here: a direct trap)
 *      ring 1   the guest's kernel ◄────────────────────┘
 *                   │ int $0x1f       │ page fault, privileged instruction
 *      ring 0   the hypervisor: hypercalls.c   exits.c -> paging.c, segments.c, interrupts.c
 *
 * Where to go from here:
 *
 *   build.c       what the launcher does before the first instruction
 *   exits.c       how the guest comes out, and why
 *   hypercalls.c  what it can ask for
 *   paging.c      the page tables that the CPU really walks
 *   segments.c    GDT and IDT, and the frame that a handler finds on its stack
 *   interrupts.c  the flag in memory, the clock, sleep
 *   devices.c     virtio, when it was young and lived on one page: console.c, block.c
 *   memory.c      the only door to the guest's memory
 *   audit.c       what must be true at all times
 *
 * In the original a switcher page, mapped at the top of both worlds, saves the registers on the way
 * in and out. Here the emulated CPU stops for us, so the switcher is only what the CPU must be able
 * to read from inside the guest: one page with the real GDT and TSS, at the switcher's address.
 */
#include <string.h>

#include "lguest.h"

static const struct lguest_variant variant[] = {
    {
        .name = "2.6.31",
        .vmcall = true,
        .boot_tables = true,
        .barriers = true,
        .wide_in = true,
        .data_size = LGUEST_DATA_size,
        .pgdir = LGUEST_DATA_pgdir,
        .noirq_start = LGUEST_DATA_noirq_start,
        .noirq_end = LGUEST_DATA_noirq_end,
        .kernel_address = LGUEST_DATA_kernel_address,
        .syscall_vec = LGUEST_DATA_syscall_vec,
    },
    {
        .name = "3.2",
        .skips_cli = true,
        .data_size = LGUEST_DATA_3_2_size,
        .noirq_start = LGUEST_DATA_3_2_noirq_start,
        .noirq_end = LGUEST_DATA_3_2_noirq_end,
        .kernel_address = LGUEST_DATA_3_2_kernel_address,
        .syscall_vec = LGUEST_DATA_3_2_syscall_vec,
    },
};
static const char *const variants[] = {"2.6.31", "3.2", NULL};

const struct lguest_variant *lguest_variant(struct domain *d)
{
    const char *name = hv_variant(d);
    return !strcmp(name, variant[1].name) ? &variant[1] : &variant[0];
}

/*
 * Cycles beyond the guest's own instructions. The originals' authors published a few figures; what
 * they did not measure is set beside the nearest thing that they did.
 */
const struct hv_cost lguest_costs[] = {
    [LGUEST_COST_HCALL] = {"hypercall", 2817,
                           "x86/core.c of 2.6.30 (M. Zabaljauregui): mean of five, int $0x1f"},
    [LGUEST_COST_VMCALL] = {"vmcall", 3546, "same: vmcall emulated at every #UD"},
    [LGUEST_COST_ASYNC] = {"async", 0, "rides on another call's switch"},
    [LGUEST_COST_FAULT] = {"fault", 2817, "a switch out and in again, as a hypercall's"},
    [LGUEST_COST_FILL] = {"fill", 0, "not published; the fault is charged"},
    [LGUEST_COST_REFLECT] = {"reflect", 1480,
                             "interrupts_and_traps.c: system call 1750 ns reflected, 270 direct"},
    [LGUEST_COST_DIRECT] = {"direct", 0, "the hardware's own 270 ns, as on native"},
    [LGUEST_COST_EMULATE] = {"emulate", 0, "not published; the fault is charged"},
    [LGUEST_COST_IRQ] = {"irq", 2817, "a switch out and in again, as a hypercall's"},
    [LGUEST_COST_SECTOR] = {"sector", 128,
                            "not published; the copy alone: 512 bytes, four a cycle"},
    [LGUEST_COST_PRINT] = {"print", 1, "not published; a byte of text a cycle"},
    {0},
};

const struct hv_hypercall lguest_hypercalls[] = {
    {LHCALL_FLUSH_ASYNC, "FLUSH_ASYNC", {{0}}},
    {LHCALL_LGUEST_INIT, "LGUEST_INIT", {{"data", "gpa"}}},
    {LHCALL_SHUTDOWN, "SHUTDOWN", {{"message", "gpa"}, {"reason", "u32"}}},
    {LHCALL_NEW_PGTABLE, "NEW_PGTABLE", {{"root", "gpa"}}},
    {LHCALL_FLUSH_TLB, "FLUSH_TLB", {{"all", "u32"}}},
    {LHCALL_LOAD_IDT_ENTRY, "LOAD_IDT_ENTRY", {{"vector", "u32"}, {"low", "hex"}, {"high", "hex"}}},
    {LHCALL_SET_STACK, "SET_STACK", {{"ss", "hex"}, {"esp", "gva"}, {"pages", "u32"}}},
    {LHCALL_TS, "TS", {{"ts", "u32"}}},
    {LHCALL_SET_CLOCKEVENT, "SET_CLOCKEVENT", {{"ns", "u32"}}},
    {LHCALL_HALT, "HALT", {{0}}},
    {LHCALL_SET_PMD, "SET_PMD", {{"directory", "gpa"}, {"index", "u32"}}},
    {LHCALL_SET_PTE, "SET_PTE", {{"root", "gpa"}, {"va", "gva"}, {"pte", "pte"}}},
    {LHCALL_SET_PGD, "SET_PGD", {{"root", "gpa"}, {"index", "u32"}}},
    {LHCALL_LOAD_TLS, "LOAD_TLS", {{"descriptors", "gpa"}, {"cpu", "u32"}}},
    {LHCALL_NOTIFY, "NOTIFY", {{"what", "gpa"}}},
    {LHCALL_LOAD_GDT_ENTRY, "LOAD_GDT_ENTRY", {{"index", "u32"}, {"low", "hex"}, {"high", "hex"}}},
    {LHCALL_SEND_INTERRUPTS, "SEND_INTERRUPTS", {{0}}},
    {0, NULL, {{0}}},
};

#define SHOW(field, how)                                              \
    {                                                                 \
#field, offsetof(struct lguest, field), sizeof(uint32_t), how \
    }
static const struct hv_show shows[] = {
    SHOW(data, "hex"),
    SHOW(kernel_address, "hex"),
    SHOW(noirq_start, "hex"),
    SHOW(noirq_end, "hex"),
    SHOW(ss1, "hex"),
    SHOW(esp1, "hex"),
    SHOW(halted, "bool"),
    SHOW(next_hcall, "dec"),
    SHOW(vif.pending, "hex"),
    SHOW(shadow.fills, "dec"),
    SHOW(shadow.pool_left, "dec"),
    {0},
};

/* Before LGUEST_INIT there is no such word, and nothing is delivered. */
static bool virtual_if(struct domain *d)
{
    return lguest_of(d)->data && lguest_data_get(d, LGUEST_DATA_irq_enabled) & LGUEST_IF;
}

const struct hv_model lguest_model = {
    .abi = HV_MODEL_ABI,
    .name = "lguest",
    .title = "a hypervisor in a few thousand lines: the kernel in ring 1, under shadow page tables",
    .entry = "int $0x1f (vmcall until 3.0), and a ring of calls that can wait",
    .paging = "shadow tables, filled on faults and by hypercalls",
    .kernel_ring = 1,
    .variants = variants,
    .devices = HV_DEV_CONSOLE | HV_DEV_DISK | HV_DEV_CLOCK | HV_DEV_SERIAL | HV_DEV_STATUS,
    .state_size = sizeof(struct lguest),
    .attach = lguest_attach,
    .build = lguest_build,
    .exit =
        {
            [EXIT_FAULT] = lguest_fault,
            [EXIT_SOFTINT] = lguest_softint,
        },
    .irq_pending = lguest_irq_pending,
    .interruptible = lguest_interruptible,
    .interrupt = lguest_interrupt,
    .wakeable = lguest_wakeable,
    .console_ready = lguest_console_ready,
    .console_receive = lguest_console_receive,
    .virtual_if = virtual_if,
    .walk = lguest_walk,
    .guest_walk = lguest_guest_walk,
    .lines = lguest_lines,
    .gate = lguest_gate,
    .audit = lguest_audit,
    .hypercalls = lguest_hypercalls,
    .costs = lguest_costs,
    .shows = shows,
};
