/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Native, the model that is not there. The kernel runs in ring 0, its page tables are the ones the
 * hardware walks, its interrupts come from an 8259 and are masked by EFLAGS.IF. Every crossing here
 * is one that a real PC has too: an exception, a port, HLT.
 *
 * It earns its place by being the measure of the others: what a hypervisor adds to a page fault is
 * seen against the two stages below.
 *
 * Reading order: this table, exits.c, interrupts.c, build.c, paging.c.
 */
#include "native.h"

/*
 * On bare hardware a crossing costs what the silicon takes. The figures are the native columns of
 * published measurements, beyond the one cycle that every instruction counts; zero keeps cycles
 * equal to instructions, which is the clearest clock for a first course, so it is the default and
 * the sources say what a measured machine would charge.
 */
const struct hv_cost native_costs[] = {
    [NATIVE_COST_FAULT] = {"fault", 0,
                           "by choice; measured: page fault 1093, divide error 889 (Adams, Agesen, "
                           "ASPLOS 2006, 6.3)"},
    [NATIVE_COST_INT] = {"int", 0, "by choice; measured: system call and back 242 (same)"},
    [NATIVE_COST_IRQ] = {"irq", 0, "by choice; not published: of the order of a fault"},
    [NATIVE_COST_PORT] = {"port", 0, "by choice; measured: IN from port 0x80 3209 (same)"},
    {0},
};

static const char *const variants[] = {"pc", NULL};

const struct hv_model native_model = {
    .abi = HV_MODEL_ABI,
    .name = "native",
    .title = "bare hardware: a PC without a hypervisor",
    .entry = "hardware exceptions only",
    .paging = "the kernel's own tables",
    .kernel_ring = 0,
    .variants = variants,
    .devices = HV_DEV_PC | HV_DEV_STATUS,
    .build = native_build,
    .exit =
        {
            [EXIT_FAULT] = native_fault,
            [EXIT_SOFTINT] = native_softint,
            [EXIT_IO] = native_io,
            [EXIT_HLT] = native_hlt,
        },
    .irq_pending = native_irq_pending,
    .interruptible = native_interruptible,
    .interrupt = native_interrupt,
    .wakeable = native_wakeable,
    .walk = native_walk,
    .audit = native_audit,
    .costs = native_costs,
};
