/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One instruction at a time: how long it is, and whether it is one of the few that the engine must
 * not run by itself. This is asked for every instruction of every block that is translated, so the
 * decoder runs in its minimal mode (lengths and raw bytes, no operands) and the answer comes from
 * two small tables indexed by opcode: the one-byte map and the 0F map. Listings, which a person
 * waits for, use the full decoder.
 *
 * The only file that includes Zydis.
 */
#include <stdio.h>

#include <Zydis/Zydis.h>

#include "x86.h"

enum {
    ENDS = 1,      /* the engine ends its block after it */
    ENDS32 = 2,    /* ... in 32-bit code only */
    STRING = 4,    /* may be repeated, and then ends the block */
    WIDE = 8,      /* of the port instructions, and of IRET: not the byte form */
    IMM_PORT = 16, /* the port is the instruction's last byte */
    GROUP = 32,    /* depends on ModRM: see classify_group() */
};

struct trait {
    uint8_t sensitive; /* enum x86_sensitive */
    uint8_t traits;
};

/* What is not here is plain and runs on. Reloading ES, SS or DS ends a block because the engine
   bakes into a translation whether their bases are zero; FS and GS it always adds. */
static const struct trait one_byte[256] = {
    [0x07] = {INSN_PLAIN, ENDS32}, /* pop es */
    [0x17] = {INSN_PLAIN, ENDS},   /* pop ss */
    [0x1F] = {INSN_PLAIN, ENDS32}, /* pop ds */
    [0x6C] = {INSN_INS, STRING},
    [0x6D] = {INSN_INS, STRING | WIDE},
    [0x6E] = {INSN_OUTS, STRING},
    [0x6F] = {INSN_OUTS, STRING | WIDE},
    [0x70 ... 0x7F] = {INSN_PLAIN, ENDS}, /* jcc */
    [0x8E] = {INSN_PLAIN, GROUP},         /* mov sreg */
    [0x90] = {INSN_PLAIN, GROUP},         /* nop; pause */
    [0x9A] = {INSN_PLAIN, ENDS},          /* call far */
    [0x9D] = {INSN_PLAIN, ENDS},          /* popf */
    [0xA4 ... 0xA7] = {INSN_PLAIN, STRING},
    [0xAA ... 0xAF] = {INSN_PLAIN, STRING},
    [0xC2 ... 0xC3] = {INSN_PLAIN, ENDS},   /* ret */
    [0xC4 ... 0xC5] = {INSN_PLAIN, ENDS32}, /* les, lds */
    [0xCA ... 0xCD] = {INSN_PLAIN, ENDS},   /* retf, int3, int; into does not */
    [0xCF] = {INSN_IRET, ENDS | WIDE},
    [0xD4] = {INSN_PLAIN, GROUP},         /* aam */
    [0xE0 ... 0xE3] = {INSN_PLAIN, ENDS}, /* loop, jcxz */
    [0xE4] = {INSN_IN, IMM_PORT},
    [0xE5] = {INSN_IN, IMM_PORT | WIDE},
    [0xE6] = {INSN_OUT, IMM_PORT},
    [0xE7] = {INSN_OUT, IMM_PORT | WIDE},
    [0xE8 ... 0xEB] = {INSN_PLAIN, ENDS}, /* call, jmp, jmp far, jmp short */
    [0xEC] = {INSN_IN, 0},
    [0xED] = {INSN_IN, WIDE},
    [0xEE] = {INSN_OUT, 0},
    [0xEF] = {INSN_OUT, WIDE},
    [0xF1] = {INSN_ICEBP, ENDS},
    [0xF4] = {INSN_HLT, ENDS},
    [0xFB] = {INSN_PLAIN, ENDS},  /* sti */
    [0xFF] = {INSN_PLAIN, GROUP}, /* inc, dec, push; call, jmp */
};

static const struct trait two_byte[256] = {
    [0x01] = {INSN_PLAIN, GROUP}, /* sgdt ... invlpg, and the instructions in its holes */
    [0x05] = {INSN_SYSCALL, ENDS},
    [0x06] = {INSN_PLAIN, ENDS},  /* clts */
    [0x07] = {INSN_PLAIN, ENDS},  /* sysret */
    [0x0B] = {INSN_PLAIN, ENDS},  /* ud2 */
    [0x0D] = {INSN_PLAIN, GROUP}, /* prefetchw */
    [0x0E] = {INSN_PLAIN, ENDS},  /* femms */
    [0x18] = {INSN_PLAIN, GROUP}, /* prefetch */
    [0x22] = {INSN_PLAIN, GROUP}, /* mov cr */
    [0x21] = {INSN_MOV_FROM_DR, 0},
    [0x23] = {INSN_MOV_TO_DR, ENDS},
    [0x30] = {INSN_WRMSR, 0},
    [0x31] = {INSN_RDTSC, 0},
    [0x32] = {INSN_RDMSR, 0},
    [0x33] = {INSN_RDPMC, 0},
    [0x34] = {INSN_SYSENTER, ENDS},
    [0x35] = {INSN_SYSEXIT, ENDS},
    [0x37] = {INSN_PLAIN, ENDS},          /* getsec */
    [0x80 ... 0x8F] = {INSN_PLAIN, ENDS}, /* jcc */
    [0xA2] = {INSN_CPUID, 0},
    [0xAA] = {INSN_PLAIN, ENDS},  /* rsm */
    [0xAE] = {INSN_PLAIN, GROUP}, /* fxsave, ldmxcsr, fences; xsave */
    [0xB2] = {INSN_PLAIN, ENDS},  /* lss */
    [0xB9] = {INSN_PLAIN, ENDS},  /* ud1 */
    [0xC7] = {INSN_PLAIN, GROUP}, /* cmpxchg8b */
    [0xFF] = {INSN_PLAIN, ENDS},  /* ud0 */
};

/* What the prefixes before the opcode say. */
struct prefixes {
    bool rep, operand, address, lock;
    uint8_t seg;  /* S_*, or S_COUNT */
    uint8_t last; /* not a prefix: the instruction's last byte */
};

static struct prefixes read_prefixes(const uint8_t *bytes, unsigned n)
{
    struct prefixes p = {.seg = S_COUNT};

    for (unsigned i = 0; i < n; i++) {
        switch (bytes[i]) {
        case 0x26:
            p.seg = S_ES;
            break;
        case 0x2E:
            p.seg = S_CS;
            break;
        case 0x36:
            p.seg = S_SS;
            break;
        case 0x3E:
            p.seg = S_DS;
            break;
        case 0x64:
            p.seg = S_FS;
            break;
        case 0x65:
            p.seg = S_GS;
            break;
        case 0x66:
            p.operand = true;
            break;
        case 0x67:
            p.address = true;
            break;
        case 0xF0:
            p.lock = true;
            break;
        case 0xF2:
        case 0xF3:
            p.rep = true;
            break;
        }
    }
    return p;
}

/*
 * Opcodes that are shared by several instructions. One that this CPU model does not have raises #UD,
 * and that ends a block too.
 */
static bool group_ends(bool two, uint8_t opcode, uint8_t modrm, const struct prefixes *p)
{
    unsigned reg = modrm >> 3 & 7;
    bool memory = modrm < 0xC0;

    if (!two) {
        switch (opcode) {
        case 0x90: /* nop; with F3 pause, at which the engine leaves the block */
            return p->rep;
        case 0xD4: /* aam: of base 0 is a division error, known at translation */
            return p->last == 0;
        default: /* FF: inc, dec; call and jmp, near and far; push */
            return reg >= 2 && reg <= 5;
        }
    }
    switch (opcode) {
    case 0x01: /* sgdt, sidt, lgdt, lidt, smsw, -, lmsw, invlpg */
        if (memory)
            return reg >= 5;
        return reg != 4 && modrm != 0xC8; /* all but smsw and monitor */
    case 0x18:                            /* forms 4 to 7 are hints to come: no-operations */
        return !memory && reg < 4;
    case 0x0D:
        return !memory;
    case 0xAE: /* fxsave, fxrstor, ldmxcsr, stmxcsr; the fences; clflush */
        return memory && reg >= 4 && reg <= 6;
    case 0xC7:
        return reg != 1 || !memory;
    default: /* 22: mov to a control register */
        return true;
    }
}

static struct trait classify_group(bool two, uint8_t opcode, uint8_t modrm,
                                   const struct prefixes *p)
{
    unsigned reg = modrm >> 3 & 7;

    if (two && opcode == 0x01 && modrm == 0xF9)
        return (struct trait){INSN_RDTSCP, ENDS};
    if (two && opcode == 0x22 && reg == 3)
        return (struct trait){INSN_MOV_TO_CR3, ENDS};
    if (!two && opcode == 0x8E) /* mov to a segment register */
        return (struct trait){INSN_PLAIN, reg == S_SS ? ENDS : reg < S_FS ? ENDS32 : 0};
    return (struct trait){INSN_PLAIN, group_ends(two, opcode, modrm, p) ? ENDS : 0};
}

/*
 * Does the engine do this instruction's accesses to memory in a function of its own, or in a way that
 * leaves EIP at an earlier instruction? Who watches memory needs to know (emu/cpu/watch.c). What is
 * named here is known to be otherwise, for the rest yes is the safe answer: loading a segment register
 * reads a descriptor, x87 and SSE have ways of their own, and so has whatever is locked.
 */
static bool is_helped(const ZydisDecodedInstruction *i, const struct prefixes *p)
{
    bool memory = i->attributes & ZYDIS_ATTRIB_HAS_MODRM && i->raw.modrm.mod != 3;
    uint8_t op = i->opcode;

    if (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT) {
        switch (op) {
        case 0x07: /* pop to a segment register */
        case 0x17:
        case 0x1F:
        case 0x8E:          /* mov to one */
        case 0x9A:          /* call, jmp far; retf, iret */
        case 0xCA ... 0xCB:
        case 0xCF:
        case 0xEA:
            return true;
        case 0xFF:
            return p->lock || i->raw.modrm.reg == 3 || i->raw.modrm.reg == 5;
        case 0x62:          /* bound */
        case 0x86 ... 0x87: /* xchg */
        case 0xC4 ... 0xC5: /* les, lds */
        case 0xD8 ... 0xDF: /* x87 */
            return memory;
        default:
            return p->lock && memory;
        }
    }
    if (i->opcode_map != ZYDIS_OPCODE_MAP_0F)
        return memory;
    switch (op) {
    case 0x00:          /* lldt, ltr, verr, verw */
    case 0x02 ... 0x03: /* lar, lsl */
    case 0xA1:          /* pop to a segment register */
    case 0xA9:
        return true;
    case 0x40 ... 0x4F: /* cmov */
    case 0x90 ... 0x9F: /* set */
    case 0xA3 ... 0xA5: /* bt, shld */
    case 0xAB ... 0xAD: /* bts, shrd */
    case 0xAF ... 0xB1: /* imul, cmpxchg */
    case 0xB3:          /* btr */
    case 0xB6 ... 0xB7: /* movzx */
    case 0xBA ... 0xC1: /* bit tests and scans, movsx, xadd */
        return p->lock && memory;
    default:
        return memory;
    }
}

static void decoder_init(ZydisDecoder *d, bool code32)
{
    ZydisDecoderInit(d, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
}

bool x86_decode(const uint8_t *bytes, uint32_t available, bool code32, struct x86_insn *out)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction i;

    *out = (struct x86_insn){.seg = S_DS};
    decoder_init(&decoder, code32);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, available, &i)))
        return false;
    /* VEX and its kin: this processor has no AVX (and CR4 no OSXSAVE), so they are undefined. The
       engine would take them for the SSE instructions that they extend. */
    if (i.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return false;

    struct prefixes p = read_prefixes(bytes, i.raw.prefix_count);
    p.last = bytes[i.length - 1];
    out->length = i.length;
    out->addr16 = p.address == code32;
    out->helped = is_helped(&i, &p);
    if (i.opcode_map > ZYDIS_OPCODE_MAP_0F)
        return true;

    bool two = i.opcode_map == ZYDIS_OPCODE_MAP_0F;
    uint8_t modrm = (uint8_t)(i.raw.modrm.mod << 6 | i.raw.modrm.reg << 3 | i.raw.modrm.rm);
    struct trait t = two ? two_byte[i.opcode] : one_byte[i.opcode];
    if (t.traits & GROUP)
        t = classify_group(two, i.opcode, modrm, &p);

    out->sensitive = t.sensitive;
    out->rep = p.rep && t.traits & STRING;
    out->ends_block = t.traits & ENDS || (t.traits & ENDS32 && code32) || out->rep;
    if ((t.sensitive >= INSN_IN && t.sensitive <= INSN_OUTS) || t.sensitive == INSN_IRET)
        out->size = !(t.traits & WIDE) ? 1 : p.operand == code32 ? 2 : 4;
    if (t.traits & IMM_PORT) {
        out->imm_port = true;
        out->port = p.last;
    }
    if (p.seg != S_COUNT)
        out->seg = p.seg;
    /* MOV to and from control and debug registers ignores mod: it is always a register. */
    out->reg = modrm & 7;
    out->special = modrm >> 3 & 7;
    return true;
}

/* The decoder's general registers to ours. */
static bool register_value(ZydisRegister id, const struct x86_regs *r, uint32_t *value)
{
    if (id >= ZYDIS_REGISTER_EAX && id <= ZYDIS_REGISTER_EDI)
        *value = r->gpr[id - ZYDIS_REGISTER_EAX];
    else if (id >= ZYDIS_REGISTER_AX && id <= ZYDIS_REGISTER_DI)
        *value = r->gpr[id - ZYDIS_REGISTER_AX] & 0xffff;
    else if (id == ZYDIS_REGISTER_AL)
        *value = r->gpr[R_EAX] & 0xff;
    else
        return false;
    return true;
}

unsigned x86_operands(const uint8_t *bytes, uint32_t available, bool code32,
                      const struct x86_regs *r, gva_t *at, unsigned max)
{
    static const ZydisRegister segment[S_COUNT] = {
        [S_ES] = ZYDIS_REGISTER_ES, [S_CS] = ZYDIS_REGISTER_CS, [S_SS] = ZYDIS_REGISTER_SS,
        [S_DS] = ZYDIS_REGISTER_DS, [S_FS] = ZYDIS_REGISTER_FS, [S_GS] = ZYDIS_REGISTER_GS};
    ZydisDecoder decoder;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    unsigned n = 0;

    decoder_init(&decoder, code32);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, available, &i, op)))
        return 0;
    for (unsigned k = 0; k < i.operand_count && n < max; k++) {
        if (op[k].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        const ZydisDecodedOperandMem *m = &op[k].mem;
        uint32_t base = 0, index = 0, address;
        register_value(m->base, r, &base);
        register_value(m->index, r, &index);
        address = base + index * (m->scale ? m->scale : 1) + (uint32_t)m->disp.value;
        if (i.address_width == 16)
            address &= 0xffff;
        for (unsigned s = 0; s < S_COUNT; s++)
            if (segment[s] == m->segment)
                address += r->seg[s].base;
        at[n++] = GVA(address);
    }
    return n;
}

uint32_t x86_format(const uint8_t *bytes, uint32_t available, uint32_t eip, bool code32, char *text,
                    uint32_t size)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

    if (size)
        text[0] = '\0';
    if (size < 2)
        return 0;
    decoder_init(&decoder, code32);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, available, &i, op)))
        return 0;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &i, op, i.operand_count_visible,
                                                      text, size, eip, ZYAN_NULL)))
        return 0;
    return i.length;
}

const char *x86_decoder_version(void)
{
    /* The library's own answer, not the header's: they may differ on a person's machine. */
    static char text[24];
    uint64_t v = ZydisGetVersion();

    /* The macros' types changed between Zydis 4.0 and 4.1. */
    snprintf(text, sizeof text, "%u.%u.%u", (unsigned)ZYDIS_VERSION_MAJOR(v),
             (unsigned)ZYDIS_VERSION_MINOR(v), (unsigned)ZYDIS_VERSION_PATCH(v));
    return text;
}
