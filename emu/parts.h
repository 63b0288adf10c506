/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of a machine that make up its state. Snapshots, digests, saved files and recordings
 * work on these; how the machine is put together is no concern of theirs.
 */
#ifndef EMU_PARTS_H
#define EMU_PARTS_H

#include "cpu/cpu.h"
#include "events.h"
#include "input.h"
#include "mem.h"
#include "state.h"

struct machine_parts {
    struct state *state;
    struct mem *mem;
    struct mem *disks; /* what is on them; NULL: there are none */
    struct vcpu *cpu;
    struct events *events;
    struct input *input;
};

#endif
