/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a kernel's backends fill the hooks, read from the kernel's file itself: its constant tables
 * (the symbols NAME_backend), its templates (NAME_insn_HOOK), and the notes beside its functions
 * (guest/pv/fills.h). What is told here is therefore what will happen, and cannot be out of date.
 */
#ifndef DEBUGGER_BACKEND_H
#define DEBUGGER_BACKEND_H

#include "hooks.h"
#include "kernel.h"

#define BACKENDS_MAX   8
#define FILL_CALLS_MAX 4

enum fill_kind {
    FILL_INLINE,   /* instructions take the place of the call */
    FILL_CALL,     /* a direct call, or a jump, to a function */
    FILL_NOTHING,  /* the hook does nothing: its sites become no-operations */
    FILL_IDENTITY, /* the result is the argument, in the same registers: no-operations as well */
};

struct fill {
    enum fill_kind kind;
    const char *function; /* the function in the table; NULL when the file does not name it */
    char insns[96];       /* FILL_INLINE: the instructions, with "; " between */
    char shared[64];      /* "writes irq_enabled": words shared with the hypervisor; may be empty */
    struct {
        uint32_t number;
        const char *name; /* NULL: no model of the backend's name has such a call */
    } call[FILL_CALLS_MAX];
    unsigned calls; /* hypercalls that it makes, at once or in a batch */
};

struct backend {
    char name[32];
    const struct kernel_symbol *table;
};

/* The backends that the kernel has, in the order of their tables; 0 for a kernel that is not ours. */
unsigned backends_find(const struct kernel *k, struct backend out[BACKENDS_MAX]);
/* How b fills hook number `hook`. False: the table is not in the file, or too short. */
bool backend_fill(const struct kernel *k, const struct backend *b, unsigned hook, struct fill *out);
/* "inlined: cli", "call lguest_clts: hypercall 8 (TS)", "nothing", "identity" */
void fill_format(const struct fill *f, enum hook_convention c, char *text, size_t size);
const char *fill_kind_name(enum fill_kind kind); /* "inline", "call", "nop", "identity" */

#endif
