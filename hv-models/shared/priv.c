/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel in ring 1 that uses an instruction of ring 0 gets a general-protection fault with error
 * code 0, and the hypervisor gets to see it first. Here the instruction is recognised; what it shall
 * do is the model's word.
 */
#include "shared.h"

enum { CLI = 0xFA, STI = 0xFB, LONGEST = 15 };

static enum priv_kind kind_of(const struct x86_insn *i, uint8_t first)
{
    switch (i->sensitive) {
    case INSN_IN:
        return PRIV_IN;
    case INSN_OUT:
        return PRIV_OUT;
    case INSN_HLT:
        return PRIV_HLT;
    default:
        return i->length != 1 ? PRIV_OTHER
               : first == CLI ? PRIV_CLI
               : first == STI ? PRIV_STI
                              : PRIV_OTHER;
    }
}

struct priv_insn priv_decode(struct domain *d)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    uint8_t bytes[LONGEST];
    struct x86_insn i;
    uint32_t n = cpu_fetch(d->cpu, GVA(r->seg[S_CS].base + r->eip), bytes, sizeof bytes);

    if (!n || !x86_decode(bytes, n, r->seg[S_CS].flags & (1u << 22), &i))
        return (struct priv_insn){0};
    return (struct priv_insn){
        .kind = kind_of(&i, bytes[0]),
        .len = i.length,
        .size = i.size,
        .port = i.imm_port ? i.port : (uint16_t)r->gpr[R_EDX],
    };
}

void priv_set_in(struct domain *d, const struct priv_insn *i, uint32_t value)
{
    uint32_t mask = i->size == 4 ? ~0u : (1u << i->size * 8) - 1;
    uint32_t eax = cpu_gpr(d->cpu, R_EAX);

    cpu_set_gpr(d->cpu, R_EAX, (eax & ~mask) | (value & mask));
}

void priv_skip(struct domain *d, const struct priv_insn *i)
{
    struct x86_regs *r = cpu_regs_rw(d->cpu);
    r->eip += i->len;
    r->shadow = 0;
}
