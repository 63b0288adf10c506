/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwinding by what the compiler wrote down: .debug_frame, which the kernel has, and .eh_frame,
 * which stripped programs keep. Assembler has rules too where its author gave them (.cfi_*); the
 * kernel's entry code gives whole trap frames. (DWARF 4, chapter 6.4.)
 */
#include "dwarf_ops.h"

#include <stdlib.h>

static Dwarf_Frame *rule_at(struct program *p, uint32_t addr)
{
    struct debug *d = p->debug;

    if (!d)
        return NULL;
    if (!d->has_cfi) {
        d->has_cfi = true;
        d->cfi[0] = d->dwarf ? dwarf_getcfi(d->dwarf) : NULL;
        d->cfi[1] = d->elf ? dwarf_getcfi_elf(d->elf) : NULL;
    }
    for (unsigned i = 0; i < 2; i++) {
        Dwarf_Frame *frame = NULL;
        if (d->cfi[i] && dwarf_cfi_addrframe(d->cfi[i], addr, &frame) == 0 && frame)
            return frame;
    }
    return NULL;
}

bool debug_rule_range(struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi)
{
    Dwarf_Addr start, end;
    bool signal;
    Dwarf_Frame *frame = rule_at(p, addr);

    if (!frame)
        return false;
    int ra = dwarf_frame_info(frame, &start, &end, &signal);
    free(frame);
    /* This is the range of one row of rules: the function's beginning and end are not told. */
    if (ra < 0 || start > addr || end <= addr || end > UINT32_MAX)
        return false;
    *lo = (uint32_t)start;
    *hi = (uint32_t)end;
    return true;
}

/* .eh_frame has a mark for code that an interruption leads to, .debug_frame has not (clang leaves it
   out). But nobody else saves EFLAGS. */
static bool is_signal(Dwarf_Frame *frame)
{
    Dwarf_Op memory[3], *op;
    bool signal = false;
    size_t n = 0;

    if (dwarf_frame_info(frame, NULL, NULL, &signal) >= 0 && signal)
        return true;
    return dwarf_frame_register(frame, FRAME_EFLAGS, memory, &op, &n) == 0 && n > 0;
}

bool debug_rule_signal(struct program *p, uint32_t addr)
{
    Dwarf_Frame *frame = rule_at(p, addr);
    bool signal = frame && is_signal(frame);

    free(frame);
    return signal;
}

static enum debug_rule find_cfa(const struct ops_context *c, Dwarf_Frame *frame, uint32_t *cfa,
                                struct err *err)
{
    Dwarf_Op *op;
    size_t n;
    struct piece what;

    if (dwarf_frame_cfa(frame, &op, &n) != 0 || n == 0)
        return RULE_NONE;
    switch (ops_number(c, op, n, cfa, &what, err)) {
    case OPS_OK:
        return RULE_OK;
    case OPS_LOST:
        return RULE_NONE;
    default:
        return RULE_BAD;
    }
}

/* One register of the caller, as the rules have it. False: err. */
static bool restore(const struct ops_context *c, Dwarf_Frame *frame, unsigned reg,
                    struct frame *out, struct err *err)
{
    Dwarf_Op memory[3], *op;
    struct piece what;
    uint32_t value;
    uint8_t b[4];
    size_t n;

    if (dwarf_frame_register(frame, (int)reg, memory, &op, &n) != 0)
        return true;
    if (n == 0) {
        if (op == NULL && c->f->known & 1u << reg) { /* the same value still */
            out->reg[reg] = c->f->reg[reg];
            out->saved[reg] = c->f->saved[reg];
            out->known |= 1u << reg;
        }
        return true;
    }
    switch (ops_number(c, op, n, &value, &what, err)) {
    case OPS_LOST:
        return true;
    case OPS_BAD:
        return false;
    default:
        break;
    }
    if (what.kind == PIECE_MEMORY) {
        if (!c->m->read(c->m->ctx, value, b, sizeof b))
            return err_set(err, ERR_USAGE, "cannot read memory at 0x%x", value);
        out->saved[reg] = value;
        value = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    } else if (what.kind == PIECE_REGISTER) {
        out->saved[reg] = c->f->saved[what.reg];
    }
    out->reg[reg] = value;
    out->known |= 1u << reg;
    return true;
}

enum debug_rule debug_unwind(struct program *p, const struct program_memory *m, struct frame *f,
                             struct frame *out, struct err *err)
{
    Dwarf_Frame *frame = rule_at(p, f->pc);

    if (!frame)
        return RULE_NONE;
    bool signal = is_signal(frame);
    struct ops_context c = {.p = p, .f = f, .m = m, .depth = 1};
    int ra = dwarf_frame_info(frame, NULL, NULL, NULL);
    enum debug_rule r = ra < 0 ? RULE_NONE : find_cfa(&c, frame, &f->cfa, err);
    if (r != RULE_OK || !out) {
        free(frame);
        return r;
    }
    for (unsigned i = 0; i < FRAME_REGISTERS; i++)
        if (!restore(&c, frame, i, out, err)) {
            free(frame);
            return RULE_BAD;
        }
    if ((unsigned)ra != FRAME_EIP && (unsigned)ra < FRAME_REGISTERS && out->known & 1u << ra) {
        out->reg[FRAME_EIP] = out->reg[ra];
        out->known |= 1u << FRAME_EIP;
    }
    free(frame);
    out->interrupted = signal;
    return out->known & 1u << FRAME_EIP ? RULE_OK : RULE_END;
}
