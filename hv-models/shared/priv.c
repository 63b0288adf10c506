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

/* What kernels use, without prefixes, in 32-bit code (SDM volume 2): known without a decoder. */
static const struct common {
    uint8_t kind, len, size; /* size 0: no port; a port in DX when len is 1 */
} common[256] = {
    [0xE4] = {PRIV_IN, 2, 1},  [0xE5] = {PRIV_IN, 2, 4},  [0xE6] = {PRIV_OUT, 2, 1},
    [0xE7] = {PRIV_OUT, 2, 4}, [0xEC] = {PRIV_IN, 1, 1},  [0xED] = {PRIV_IN, 1, 4},
    [0xEE] = {PRIV_OUT, 1, 1}, [0xEF] = {PRIV_OUT, 1, 4}, [0xF4] = {PRIV_HLT, 1, 0},
    [CLI] = {PRIV_CLI, 1, 0},  [STI] = {PRIV_STI, 1, 0},
};

struct priv_insn priv_decode(struct domain *d)
{
    const struct x86_seg cs = cpu_seg(d->cpu, S_CS);
    const bool code32 = cs.flags & (1u << 22);
    gva_t at = GVA(cs.base + cpu_eip(d->cpu));
    uint16_t dx = (uint16_t)cpu_gpr(d->cpu, R_EDX);
    uint8_t bytes[LONGEST];
    struct x86_insn i;
    uint32_t n = cpu_fetch(d->cpu, at, bytes, 2);

    if (n == 2 && code32 && common[bytes[0]].len) {
        const struct common *k = &common[bytes[0]];
        return (struct priv_insn){k->kind, k->len, k->size,
                                  !k->size      ? 0
                                  : k->len == 2 ? bytes[1]
                                                : dx};
    }
    n = cpu_fetch(d->cpu, at, bytes, sizeof bytes);
    if (!n || !x86_decode(bytes, n, code32, &i))
        return (struct priv_insn){0};
    return (struct priv_insn){
        .kind = kind_of(&i, bytes[0]),
        .len = i.length,
        .size = i.size,
        .port = i.imm_port ? i.port : dx,
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
    cpu_skip(d->cpu, i->len);
}
