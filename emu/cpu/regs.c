/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's state and struct x86_regs. The owner works on a copy that is made when somebody asks
 * for it, at most once an exit; what was changed in it is written back before the guest goes on.
 * Most fields are plain words in env (layout.c). The few that the engine derives other things from
 * (control registers, EFER, the arithmetic flags) go through its own interface.
 */
#include <assert.h>

#include "internal.h"

/* Bits of a descriptor's high dword that are flags; the rest is base and limit. */
#define SEG_FLAGS_MASK 0x00f0ff00u

static uint32_t seg_offset(const struct vcpu *c, unsigned i)
{
    return c->at.seg + i * SEG_STRIDE;
}

enum { TABLE_LDT = S_COUNT, TABLE_TR, TABLE_GDT, TABLE_IDT };

static void load_seg(const struct vcpu *c, unsigned i, struct x86_seg *s)
{
    uint32_t o = seg_offset(c, i);
    s->sel = env_get(c, o) & 0xffff;
    s->base = env_get(c, o + SEG_BASE);
    s->limit = env_get(c, o + SEG_LIMIT);
    s->flags = env_get(c, o + SEG_FLAGS) & SEG_FLAGS_MASK;
}

static void store_seg(struct vcpu *c, unsigned i, const struct x86_seg *s)
{
    uint32_t o = seg_offset(c, i);
    env_put(c, o, s->sel);
    env_put_reg(c, o + SEG_BASE, s->base);
    env_put(c, o + SEG_LIMIT, s->limit);
    env_put(c, o + SEG_FLAGS, s->flags);
}

static void load_table(const struct vcpu *c, unsigned i, struct x86_table *t)
{
    t->base = env_get(c, seg_offset(c, i) + SEG_BASE);
    t->limit = env_get(c, seg_offset(c, i) + SEG_LIMIT);
}

static void store_table(struct vcpu *c, unsigned i, const struct x86_table *t)
{
    env_put_reg(c, seg_offset(c, i) + SEG_BASE, t->base);
    env_put(c, seg_offset(c, i) + SEG_LIMIT, t->limit);
}

void regs_for_walk(struct vcpu *c, struct x86_regs *out)
{
    out->cr0 = env_get(c, c->at.cr);
    out->cr3 = env_get(c, c->at.cr + 24);
    out->cr4 = env_get(c, c->at.cr + 32);
    out->efer = env_get(c, c->at.efer);
    out->eflags = env_get(c, c->at.eflags);
    out->cpl = env_cpl(c);
}

void regs_for_io(struct vcpu *c, struct x86_regs *out)
{
    regs_for_walk(c, out);
    load_seg(c, TABLE_TR, &out->tr);
}

static void load(struct vcpu *c)
{
    struct x86_regs *r = &c->regs;
    uint32_t hflags = env_get(c, c->at.hflags);
    for (unsigned i = 0; i < 8; i++)
        r->gpr[i] = env_get(c, i * 8);
    r->eip = env_eip(c);
    uc_reg_read(c->uc, UC_X86_REG_EFLAGS, &r->eflags);
    /* A handler's IRET sets RF, and the engine clears it when some block ends, sooner or later; there
       is no instruction breakpoint that could tell. Nor shall a digest. */
    r->eflags &= ~(uint32_t)FL_RF;
    r->cr0 = env_get(c, c->at.cr);
    r->cr2 = c->cr2;
    r->cr3 = env_get(c, c->at.cr + 24);
    r->cr4 = env_get(c, c->at.cr + 32);
    for (unsigned i = 0; i < S_COUNT; i++)
        load_seg(c, i, &r->seg[i]);
    load_seg(c, TABLE_LDT, &r->ldt);
    load_seg(c, TABLE_TR, &r->tr);
    load_table(c, TABLE_GDT, &r->gdt);
    load_table(c, TABLE_IDT, &r->idt);
    r->cpl = hflags & HF_CPL;
    r->shadow = !!(hflags & HF_SHADOW);
    r->efer = env_get(c, c->at.efer);
    c->loaded = *r;
    c->regs_ok = true;
    c->regs_dirty = false;
}

/* The engine's summary of segments and mode, as its own segment loads would leave it. */
static uint32_t summary(const struct x86_regs *r, uint32_t hflags)
{
    hflags &= ~(uint32_t)(HF_CPL | HF_SHADOW | HF_CS32 | HF_SS32 | HF_ADDSEG);
    hflags |= r->cpl & HF_CPL;
    if (r->shadow)
        hflags |= HF_SHADOW;
    if (r->seg[S_CS].flags & (1u << 22))
        hflags |= HF_CS32;
    if (r->seg[S_SS].flags & (1u << 22))
        hflags |= HF_SS32;
    if (!(r->cr0 & CR0_PE) || (r->eflags & FL_VM) || !(hflags & HF_CS32) || r->seg[S_DS].base ||
        r->seg[S_ES].base || r->seg[S_SS].base)
        hflags |= HF_ADDSEG;
    return hflags;
}

static void commit_control(struct vcpu *c, const struct x86_regs *r, const struct x86_regs *was)
{
    if (r->efer != was->efer) {
        uc_x86_msr m = {.rid = 0xc0000080, .value = r->efer};
        uc_reg_write(c->uc, UC_X86_REG_MSR, &m);
    }
    if (r->cr4 != was->cr4)
        uc_reg_write(c->uc, UC_X86_REG_CR4, &r->cr4);
    if (r->cr3 != was->cr3)
        uc_reg_write(c->uc, UC_X86_REG_CR3, &r->cr3);
    if (r->cr0 != was->cr0)
        uc_reg_write(c->uc, UC_X86_REG_CR0, &r->cr0);
    if (r->efer != was->efer || r->cr4 != was->cr4 || r->cr3 != was->cr3 || r->cr0 != was->cr0)
        uc_ctl_flush_tlb(c->uc);
}

void regs_store(struct vcpu *c)
{
    struct x86_regs *r = &c->regs, *was = &c->loaded;
    for (unsigned i = 0; i < 8; i++)
        env_put_reg(c, i * 8, r->gpr[i]);
    env_put_reg(c, c->at.eip, r->eip);
    if (r->eflags != was->eflags)
        uc_reg_write(c->uc, UC_X86_REG_EFLAGS, &r->eflags);
    commit_control(c, r, was);
    if (r->cr2 != was->cr2) {
        c->cr2 = r->cr2;
        env_put_reg(c, c->at.cr + 16, r->cr2);
    }
    for (unsigned i = 0; i < S_COUNT; i++)
        if (memcmp(&r->seg[i], &was->seg[i], sizeof r->seg[i]))
            store_seg(c, i, &r->seg[i]);
    if (memcmp(&r->ldt, &was->ldt, sizeof r->ldt))
        store_seg(c, TABLE_LDT, &r->ldt);
    if (memcmp(&r->tr, &was->tr, sizeof r->tr))
        store_seg(c, TABLE_TR, &r->tr);
    store_table(c, TABLE_GDT, &r->gdt);
    store_table(c, TABLE_IDT, &r->idt);
    env_put(c, c->at.hflags, summary(r, env_get(c, c->at.hflags)));
    c->loaded = *r;
    c->regs_dirty = false;
}

const struct x86_regs *cpu_regs(struct vcpu *c)
{
    if (!c->regs_ok)
        load(c);
    return &c->regs;
}

struct x86_regs *cpu_regs_rw(struct vcpu *c)
{
    if (!c->regs_ok)
        load(c);
    c->regs_dirty = true;
    c->touched = true;
    return &c->regs;
}

uint32_t cpu_gpr(struct vcpu *c, unsigned r)
{
    assert(r < 8);
    return c->regs_ok ? c->regs.gpr[r] : env_get(c, r * 8);
}

void cpu_gprs(struct vcpu *c, uint32_t out[8])
{
    if (c->regs_ok) {
        memcpy(out, c->regs.gpr, 8 * sizeof *out);
        return;
    }
    for (unsigned r = 0; r < 8; r++)
        out[r] = env_get(c, r * 8);
}

void cpu_set_gpr(struct vcpu *c, unsigned r, uint32_t v)
{
    assert(r < 8);
    env_put_reg(c, r * 8, v);
    if (c->regs_ok)
        c->regs.gpr[r] = v;
}

uint32_t cpu_eip(struct vcpu *c)
{
    return c->regs_ok ? c->regs.eip : env_eip(c);
}

unsigned cpu_cpl(struct vcpu *c)
{
    return c->regs_ok ? c->regs.cpl : env_cpl(c);
}

struct cpu_here cpu_here(struct vcpu *c)
{
    uint64_t now = c->settled ? c->now : cpu_now(c);
    if (c->regs_ok)
        return (struct cpu_here){now, c->regs.eip, c->regs.cpl};
    return (struct cpu_here){now, env_eip(c), env_cpl(c)};
}

struct x86_seg cpu_seg(struct vcpu *c, unsigned s)
{
    assert(s < S_COUNT);
    struct x86_seg seg;
    if (c->regs_ok)
        return c->regs.seg[s];
    load_seg(c, s, &seg);
    return seg;
}

void cpu_skip(struct vcpu *c, unsigned length)
{
    if (c->regs_ok) {
        struct x86_regs *r = cpu_regs_rw(c);
        r->eip += length;
        r->shadow = 0;
        return;
    }
    c->touched = true;
    env_put_reg(c, c->at.eip, env_eip(c) + length);
    env_put(c, c->at.hflags, env_get(c, c->at.hflags) & ~(uint32_t)HF_SHADOW);
}

bool cpu_interruptible(struct vcpu *c)
{
    if (c->regs_dirty)
        return (c->regs.eflags & FL_IF) && !c->regs.shadow;
    return (env_get(c, c->at.eflags) & FL_IF) && !(env_get(c, c->at.hflags) & HF_SHADOW);
}
