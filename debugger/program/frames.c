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

enum signal_code { SIGNAL_NONE, SIGNAL_OLD, SIGNAL_NEW };

static enum signal_code signal_code(const struct program_memory *m, uint32_t eip)
{
    static const uint8_t old_code[] = {0x58, 0xB8, 119, 0, 0, 0, 0xCD, 0x80};
    static const uint8_t new_code[] = {0xB8, 173, 0, 0, 0, 0xCD, 0x80};
    uint8_t b[sizeof old_code];

    if (m->read(m->ctx, eip, b, sizeof new_code) && !memcmp(b, new_code, sizeof new_code))
        return SIGNAL_NEW;
    if (m->read(m->ctx, eip, b, sizeof b) && !memcmp(b, old_code, sizeof b))
        return SIGNAL_OLD;
    return SIGNAL_NONE;
}

static bool signal_frame(const struct program_memory *m, struct frame *f, struct frame *out)
{
    enum signal_code code = signal_code(m, f->reg[FRAME_EIP]);
    uint32_t esp = f->reg[FRAME_ESP], at, value;

    if (code == SIGNAL_NONE || !(f->known & 1u << FRAME_ESP))
        return false;
    if (code == SIGNAL_NEW) {
        /* signal number, siginfo *, ucontext *: its struct sigcontext is behind five words */
        if (!word(m, esp + 8, &at))
            return false;
        at += 20;
    } else {
        at = esp + 4; /* behind the signal number */
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

static const struct kernel_symbol *function_of(const struct frame *f)
{
    const struct kernel_symbol *s =
        f->program ? kernel_symbol_at(f->program->symbols, f->pc) : NULL;

    return s && s->function ? s : NULL;
}

/* The code at a program's entry point was called by nobody. It is short. */
#define ENTRY_BYTES 64u

static bool at_beginning(const struct frame *f)
{
    return f->program && f->pc - kernel_entry(f->program->symbols) < ENTRY_BYTES;
}

/* At the first instruction of a function its frame is not there yet, nor after PUSH EBP; before RET
   it is gone. */
static bool at_edge(const struct frame *f, uint32_t *esp)
{
    const struct kernel_symbol *s = function_of(f);
    uint32_t eip = f->reg[FRAME_EIP];
    const uint8_t *next = f->program ? program_bytes(f->program, eip, 1) : NULL;

    if (f->number && !f->interrupted)
        return false;
    if ((next && (next[0] == 0xC3 || next[0] == 0xC2)) || !f->program ||
        (s && eip == s->addr)) { /* or: a call into nowhere */
        *esp = f->reg[FRAME_ESP];
        return true;
    }
    const uint8_t *first = s ? program_bytes(f->program, s->addr, 1) : NULL;
    if (first && first[0] == 0x55 && eip == s->addr + 1) {
        *esp = f->reg[FRAME_ESP] + 4;
        return true;
    }
    return false;
}

/* Does this function keep a frame at EBP? Those that do begin with PUSH EBP; MOV EBP, ESP. */
static bool keeps_ebp(const struct frame *f, const struct kernel_symbol *s)
{
    for (uint32_t i = 0; i < 12; i++) {
        const uint8_t *b = program_bytes(f->program, s->addr + i, 3);
        if (b && b[0] == 0x55 && ((b[1] == 0x89 && b[2] == 0xE5) || (b[1] == 0x8B && b[2] == 0xEC)))
            return true;
    }
    return false;
}

/* Is there a CALL before this address? *function: what it calls, 0 if only the CPU knows. */
static bool after_call(struct programs l, uint32_t eip, uint32_t *function)
{
    struct program *p = programs_at(l, eip - 1);
    const uint8_t *b = p ? program_bytes(p, eip - 5, 5) : NULL;
    uint32_t to;

    *function = 0;
    if (b && b[0] == 0xE8) {
        memcpy(&to, b + 1, sizeof to);
        *function = eip + to;
        return true;
    }
    /* FF /2 with one byte of ModRM, with a displacement, with SIB too (SDM volume 2, CALL) */
    for (uint32_t n = 2; n <= 7 && p; n++) {
        b = program_bytes(p, eip - n, n);
        if (b && b[0] == 0xFF && (b[1] >> 3 & 7) == 2)
            return true;
    }
    return false;
}

#define SCAN_WORDS  512u
#define SCAN_NEARBY 16u

/*
 * Code without rules that uses EBP for something else, as C libraries do: the first word up the stack
 * that is a return address, best of all one behind a call of this very function. Of code that has not
 * even a name, only one that is near.
 */
static bool by_scan(struct programs l, const struct program_memory *m, struct frame *f,
                    struct frame *out)
{
    const struct kernel_symbol *s = function_of(f);
    uint32_t esp = f->reg[FRAME_ESP], best = 0, best_eip = 0, eip, function;

    if (!f->program || !(f->known & 1u << FRAME_ESP) || (s && keeps_ebp(f, s)))
        return false;
    for (uint32_t i = 0; i < (s ? SCAN_WORDS : SCAN_NEARBY) && word(m, esp + i * 4, &eip); i++) {
        if (!after_call(l, eip, &function))
            continue;
        bool sure = s && function == s->addr;
        if (!best || sure) {
            best = esp + i * 4;
            best_eip = eip;
        }
        if (sure)
            break;
    }
    if (!best)
        return false;
    set(out, FRAME_EIP, best_eip, best);
    f->cfa = best + 4;
    set(out, FRAME_ESP, f->cfa, 0);
    if (f->known & 1u << FRAME_EBP)
        set(out, FRAME_EBP, f->reg[FRAME_EBP], f->saved[FRAME_EBP]);
    return true;
}

static enum frame_next by_ebp(struct programs l, const struct program_memory *m, struct frame *f,
                              struct frame *out, struct err *err)
{
    uint32_t ebp = f->reg[FRAME_EBP], esp = f->reg[FRAME_ESP], at, next, eip;

    out->guessed = true;
    if (f->known & 1u << FRAME_ESP && at_edge(f, &at) && word(m, at, &eip) && programs_at(l, eip)) {
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
    if (at_beginning(f))
        return FRAME_END;
    if (by_scan(l, m, f, out))
        return FRAME_CALLER;
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
    if (f->program && !out->interrupted && !programs_at(l, eip) &&
        signal_code(m, eip) == SIGNAL_NONE) {
        err_set(err, ERR_USAGE, "the caller would be at 0x%x, where no code is", eip);
        return FRAME_LOST;
    }
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
