/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole architectural state, in the architecture's own terms: what a saved file and a digest
 * contain has nothing of the engine's in it. The FPU is laid out as FXSAVE does (SDM volume 1,
 * 10.5.1), with the reserved bytes zero.
 */
#include <assert.h>

#include "internal.h"

enum {
    FX_FCW = 0,
    FX_FSW = 2,
    FX_FTW = 4,
    FX_FOP = 6,
    FX_FIP = 8,
    FX_FCS = 12,
    FX_FDP = 16,
    FX_FDS = 20,
    FX_MXCSR = 24,
    FX_MXCSR_MASK = 28,
    FX_ST = 32,
    FX_XMM = 160
};
enum { MXCSR_MASK = 0xffff, FPU_WORDS = 6 };

/* Plain words of the image and the engine's names for them. */
static const struct {
    int id;
    uint8_t at, size;
} fpu_word[FPU_WORDS] = {
    {UC_X86_REG_FOP, FX_FOP, 2}, {UC_X86_REG_FIP, FX_FIP, 4}, {UC_X86_REG_FCS, FX_FCS, 2},
    {UC_X86_REG_FDP, FX_FDP, 4}, {UC_X86_REG_FDS, FX_FDS, 2}, {UC_X86_REG_MXCSR, FX_MXCSR, 4},
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void fpu_get(uc_engine *uc, uint8_t *fx)
{
    uint16_t cw = 0, sw = 0, tags = 0;
    uint32_t mask = MXCSR_MASK;
    uc_reg_read(uc, UC_X86_REG_FPCW, &cw);
    uc_reg_read(uc, UC_X86_REG_FPSW, &sw);
    uc_reg_read(uc, UC_X86_REG_FPTAG, &tags);
    memcpy(fx + FX_FCW, &cw, 2);
    memcpy(fx + FX_FSW, &sw, 2);
    for (unsigned i = 0; i < 8; i++) {
        if ((tags >> i * 2 & 3) != 3) /* abridged tags: one bit, set when not empty */
            fx[FX_FTW] |= (uint8_t)(1u << i);
        /* The engine numbers the physical registers, the image counts from the top of the stack. */
        uint8_t value[16] = {0};
        unsigned top = sw >> 11 & 7;
        uc_reg_read(uc, UC_X86_REG_FP0 + (int)((i + top) & 7), value);
        memcpy(fx + FX_ST + i * 16, value, 10);
        uc_reg_read(uc, UC_X86_REG_XMM0 + (int)i, value);
        memcpy(fx + FX_XMM + i * 16, value, 16);
    }
    for (unsigned i = 0; i < FPU_WORDS; i++) {
        uint64_t v = 0;
        uc_reg_read(uc, fpu_word[i].id, &v);
        memcpy(fx + fpu_word[i].at, &v, fpu_word[i].size);
    }
    memcpy(fx + FX_MXCSR_MASK, &mask, 4);
}

static void fpu_set(uc_engine *uc, const uint8_t *fx)
{
    uint16_t cw = get16(fx + FX_FCW), sw = get16(fx + FX_FSW), tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (!(fx[FX_FTW] >> i & 1))
            tags |= (uint16_t)(3u << i * 2);
        uint8_t value[16] = {0};
        unsigned top = sw >> 11 & 7;
        memcpy(value, fx + FX_ST + i * 16, 10);
        uc_reg_write(uc, UC_X86_REG_FP0 + (int)((i + top) & 7), value);
        uc_reg_write(uc, UC_X86_REG_XMM0 + (int)i, fx + FX_XMM + i * 16);
    }
    for (unsigned i = 0; i < FPU_WORDS; i++) {
        uint64_t v = 0;
        memcpy(&v, fx + fpu_word[i].at, fpu_word[i].size);
        uc_reg_write(uc, fpu_word[i].id, &v);
    }
    uc_reg_write(uc, UC_X86_REG_FPCW, &cw);
    uc_reg_write(uc, UC_X86_REG_FPSW, &sw);
    uc_reg_write(uc, UC_X86_REG_FPTAG, &tags);
}

void cpu_state_reset_fpu(struct cpu_state *s)
{
    static const uint8_t cw[2] = {0x7f, 0x03}, mxcsr[8] = {0x80, 0x1f, 0, 0, 0xff, 0xff};
    memset(s->fxsave, 0, sizeof s->fxsave);
    memcpy(s->fxsave + FX_FCW, cw, 2);
    memcpy(s->fxsave + FX_MXCSR, mxcsr, sizeof mxcsr);
}

static uint64_t msr_get(uc_engine *uc, uint32_t index)
{
    uc_x86_msr m = {.rid = index};
    uc_reg_read(uc, UC_X86_REG_MSR, &m);
    return m.value;
}

static void msr_set(uc_engine *uc, uint32_t index, uint64_t v)
{
    uc_x86_msr m = {.rid = index, .value = v};
    uc_reg_write(uc, UC_X86_REG_MSR, &m);
}

void cpu_state_get(struct vcpu *c, struct cpu_state *out)
{
    regs_commit(c);
    memset(out, 0, sizeof *out);
    out->regs = *cpu_regs(c);
    out->now = cpu_now(c);
    out->instructions = cpu_instructions(c);
    memcpy(out->dr, c->dr, sizeof out->dr);
    out->msr_sysenter_cs = msr_get(c->uc, 0x174);
    out->msr_sysenter_esp = msr_get(c->uc, 0x175);
    out->msr_sysenter_eip = msr_get(c->uc, 0x176);
    out->msr_pat = c->msr_pat;
    out->msr_misc = c->msr_misc;
    fpu_get(c->uc, out->fxsave);
    out->halted = c->halted;
}

void cpu_state_set(struct vcpu *c, const struct cpu_state *in)
{
    assert(c->where == OUTSIDE && c->settled && "a state is set between two runs only");
    *cpu_regs_rw(c) = in->regs;
    regs_commit(c);
    c->now = in->now;
    c->charged = in->now - in->instructions;
    memcpy(c->dr, in->dr, sizeof c->dr);
    msr_set(c->uc, 0x174, in->msr_sysenter_cs);
    msr_set(c->uc, 0x175, in->msr_sysenter_esp);
    msr_set(c->uc, 0x176, in->msr_sysenter_eip);
    c->msr_pat = in->msr_pat;
    c->msr_misc = in->msr_misc;
    fpu_set(c->uc, in->fxsave);
    c->halted = in->halted;
    c->passed_count = UINT64_MAX;
    c->mmio_count = 0;
    c->mmio_pending = false;
    env_put(c, c->at.old_exception, ~0u);
    uc_ctl_flush_tlb(c->uc);
    if (c->watch)
        watch_rebase(c);
}
