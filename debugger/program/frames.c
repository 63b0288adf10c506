/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backtraces. Where the file has rules for an address, they are followed; they lead through the
 * kernel's entry code into whatever was interrupted. Code without rules keeps a chain of frames at
 * EBP, as nearly all i386 code did: [EBP] is the caller's EBP, [EBP + 4] where to return to. The
 * code that a signal handler returns to is known by its bytes, as gdb knows it.
 */
#include "internal.h"

#include <string.h>

#define FRAME_SPAN (8u << 20) /* no frame of an EBP chain is larger than a stack */

static bool word(const struct program_memory *m, uint32_t addr, uint32_t *value)
{
    uint8_t b[4];

    if (!m->read(m->ctx, addr, b, sizeof b))
        return false;
    *value = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

void frame_first(struct programs l, const uint32_t reg[FRAME_REGISTERS], struct frame *out)
{
    *out = (struct frame){.known = (1u << FRAME_REGISTERS) - 1, .pc = reg[FRAME_EIP]};
    memcpy(out->reg, reg, sizeof out->reg);
    out->program = programs_at(l, out->pc);
}

uint32_t frame_cfa(struct frame *f, const struct program_memory *m)
{
    if (!f->cfa && f->program && debug_unwind(f->program, m, f, NULL, NULL) != RULE_OK)
        f->cfa = 0;
    return f->cfa;
}

static void set(struct frame *out, unsigned reg, uint32_t value, uint32_t saved)
{
    out->reg[reg] = value;
    out->saved[reg] = saved;
    out->known |= 1u << reg;
}

/* ---- signals of a user program ---- */

/* Offsets of struct sigcontext (Linux, arch/x86/include/uapi/asm/sigcontext.h) for our registers. */
static const uint8_t sigcontext_at[FRAME_REGISTERS] = {
    [FRAME_EAX] = 44, [FRAME_ECX] = 40, [FRAME_EDX] = 36, [FRAME_EBX] = 32, [FRAME_ESP] = 28,
    [FRAME_EBP] = 24, [FRAME_ESI] = 20, [FRAME_EDI] = 16, [FRAME_EIP] = 56, [FRAME_EFLAGS] = 64,
};

static bool signal_frame(const struct program_memory *m, struct frame *f, struct frame *out)
{
    static const uint8_t old_code[] = {0x58, 0xB8, 119, 0, 0, 0, 0xCD, 0x80};
    static const uint8_t new_code[] = {0xB8, 173, 0, 0, 0, 0xCD, 0x80};
    uint32_t esp = f->reg[FRAME_ESP], at, value;
    uint8_t b[sizeof old_code];

    if (!m->read(m->ctx, f->reg[FRAME_EIP], b, sizeof new_code))
        return false;
    if (!memcmp(b, new_code, sizeof new_code)) {
        /* signal number, siginfo *, ucontext *: its struct sigcontext is behind five words */
        if (!word(m, esp + 8, &at))
            return false;
        at += 20;
    } else if (m->read(m->ctx, f->reg[FRAME_EIP], b, sizeof b) && !memcmp(b, old_code, sizeof b)) {
        at = esp + 4; /* behind the signal number */
    } else {
        return false;
    }
    for (unsigned i = 0; i < FRAME_REGISTERS; i++) {
        if (!word(m, at + sigcontext_at[i], &value))
            return false;
        set(out, i, value, at + sigcontext_at[i]);
    }
    out->interrupted = true;
    f->cfa = at;
    return true;
}

/* ---- code without rules ---- */

/* At the first instruction of a function its frame is not there yet, nor after PUSH EBP. */
static bool at_entry(const struct frame *f, uint32_t *esp)
{
    const struct kernel_symbol *s =
        f->program ? kernel_symbol_at(f->program->symbols, f->pc) : NULL;
    uint32_t eip = f->reg[FRAME_EIP];

    if (f->number && !f->interrupted)
        return false;
    if (!f->program || (s && s->function && eip == s->addr)) { /* or: a call into nowhere */
        *esp = f->reg[FRAME_ESP];
        return true;
    }
    const uint8_t *first = s && s->function ? program_bytes(f->program, s->addr, 1) : NULL;
    if (first && first[0] == 0x55 && eip == s->addr + 1) {
        *esp = f->reg[FRAME_ESP] + 4;
        return true;
    }
    return false;
}

static enum frame_next by_ebp(struct programs l, const struct program_memory *m, struct frame *f,
                              struct frame *out, struct err *err)
{
    uint32_t ebp = f->reg[FRAME_EBP], esp = f->reg[FRAME_ESP], at, next, eip;

    out->guessed = true;
    if (f->known & 1u << FRAME_ESP && at_entry(f, &at) && word(m, at, &eip) &&
        programs_at(l, eip)) {
        memcpy(out->reg, f->reg, sizeof out->reg);
        memcpy(out->saved, f->saved, sizeof out->saved);
        out->known = f->known;
        set(out, FRAME_EIP, eip, at);
        if (at != esp && word(m, esp, &next))
            set(out, FRAME_EBP, next, esp);
        f->cfa = at + 4;
        set(out, FRAME_ESP, f->cfa, 0);
        return FRAME_CALLER;
    }
    if (!(f->known & 1u << FRAME_EBP) || ebp == 0)
        return FRAME_END;
    if (f->known & 1u << FRAME_ESP && (ebp < esp || ebp - esp > FRAME_SPAN)) {
        err_set(err, ERR_USAGE, "EBP is 0x%x, which is no frame of the stack at 0x%x", ebp, esp);
        return FRAME_LOST;
    }
    if (!word(m, ebp, &next) || !word(m, ebp + 4, &eip)) {
        err_set(err, ERR_USAGE, "cannot read memory at 0x%x, where EBP points", ebp);
        return FRAME_LOST;
    }
    f->cfa = ebp + 8;
    set(out, FRAME_EBP, next, ebp);
    set(out, FRAME_EIP, eip, ebp + 4);
    set(out, FRAME_ESP, f->cfa, 0);
    return FRAME_CALLER;
}

/* ---- */

enum frame_next frame_unwind(struct programs l, const struct program_memory *m, struct frame *f,
                             struct frame *out, struct err *err)
{
    enum debug_rule rule = RULE_NONE;
    struct err why = {0};

    *out = (struct frame){.number = f->number + 1};
    if (out->number >= FRAME_MAX) {
        err_set(err, ERR_USAGE, "more than %u frames", FRAME_MAX);
        return FRAME_LOST;
    }
    if (f->program)
        rule = debug_unwind(f->program, m, f, out, &why);
    if (rule == RULE_BAD) {
        err_set(err, ERR_USAGE, "%s", why.text);
        return FRAME_LOST;
    }
    if (rule == RULE_END)
        return FRAME_END;
    if (rule == RULE_NONE) {
        *out = (struct frame){.number = f->number + 1};
        if (!signal_frame(m, f, out)) {
            enum frame_next r = by_ebp(l, m, f, out, err);
            if (r != FRAME_CALLER)
                return r;
        }
    }
    if (!out->interrupted && f->known & 1u << FRAME_ESP && out->known & 1u << FRAME_ESP &&
        out->reg[FRAME_ESP] <= f->reg[FRAME_ESP]) {
        err_set(err, ERR_USAGE, "the stack does not go up: from 0x%x to 0x%x", f->reg[FRAME_ESP],
                out->reg[FRAME_ESP]);
        return FRAME_LOST;
    }
    uint32_t eip = out->reg[FRAME_EIP];
    if (eip == 0)
        return FRAME_END;
    out->pc = out->interrupted ? eip : eip - 1;
    out->program = programs_at(l, out->pc);
    /* A new process "returns" to code that nobody called: its rules are those of an interruption. */
    struct program *at = programs_at(l, eip);
    const struct kernel_symbol *s = at ? kernel_symbol_at(at->symbols, eip) : NULL;
    if (!out->interrupted && s && s->addr == eip && debug_rule_signal(at, eip) &&
        !(out->program && debug_rule_signal(out->program, out->pc))) {
        out->pc = eip;
        out->program = at;
    }
    return FRAME_CALLER;
}

unsigned frame_backtrace(struct programs l, const struct program_memory *m,
                         const uint32_t reg[FRAME_REGISTERS], struct frame *out, unsigned max,
                         enum frame_next *end, struct err *err)
{
    enum frame_next r = FRAME_CALLER;
    unsigned n = 0;

    if (max)
        frame_first(l, reg, &out[n++]);
    while (n && n < max && (r = frame_unwind(l, m, &out[n - 1], &out[n], err)) == FRAME_CALLER)
        n++;
    if (end)
        *end = r;
    return n;
}
