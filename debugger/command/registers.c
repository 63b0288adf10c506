/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's registers by name, for expressions and conditions. */
#include <string.h>

#include "internal.h"

static const char *const gpr_name[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const seg_name[] = {"es", "cs", "ss", "ds", "fs", "gs"};

bool shell_register(struct shell *sh, const char *name, uint64_t *value, unsigned *bits)
{
    struct domain *d = shell_machine(sh)->domain;
    const struct x86_regs *r = cpu_regs(d->cpu);

    *bits = 32;
    for (unsigned i = 0; i < 8; i++)
        if (!strcmp(name, gpr_name[i])) {
            *value = r->gpr[i];
            return true;
        }
    for (unsigned i = 0; i < S_COUNT; i++)
        if (!strcmp(name, seg_name[i])) {
            *value = r->seg[i].sel & 0xFFFF;
            *bits = 16;
            return true;
        }
    const struct {
        const char *name;
        uint64_t value;
        unsigned bits;
    } others[] = {
        {"eip", r->eip, 32},
        {"pc", r->eip, 32},
        {"sp", r->gpr[R_ESP], 32},
        {"eflags", r->eflags, 32},
        {"cr0", r->cr0, 32},
        {"cr2", r->cr2, 32},
        {"cr3", r->cr3, 32},
        {"cr4", r->cr4, 32},
        {"cpl", r->cpl, 32},
        {"ring", r->cpl, 32},
        {"gdtr", r->gdt.base, 32},
        {"idtr", r->idt.base, 32},
        {"tr", r->tr.sel, 16},
        {"ldtr", r->ldt.sel, 16},
        {"efer", r->efer, 32},
        {"cycle", cpu_now(d->cpu), 64},
        {"instructions", cpu_instructions(d->cpu), 64},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!strcmp(name, others[i].name)) {
            *value = others[i].value;
            *bits = others[i].bits;
            return true;
        }
    return false;
}

bool registers_get(void *ctx, const char *name, uint64_t *value, unsigned *bits)
{
    return shell_register(ctx, name, value, bits);
}

bool registers_set(void *ctx, const char *name, uint64_t value)
{
    struct shell *sh = ctx;
    struct err err = {0};
    unsigned reg = DEBUG_REGS;

    for (unsigned i = 0; i < 8; i++)
        if (!strcmp(name, gpr_name[i]))
            reg = i;
    if (!strcmp(name, "eip") || !strcmp(name, "pc"))
        reg = REG_EIP;
    if (!strcmp(name, "sp"))
        reg = R_ESP;
    if (!strcmp(name, "eflags"))
        reg = REG_EFLAGS;
    sh->frame_known = false;
    return reg < DEBUG_REGS && debug_set_register(sh->debug, reg, (uint32_t)value, &err);
}
