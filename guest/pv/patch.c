/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live tables, and the patching of the places that call through them.
 *
 * Every site is compiled as an indirect call. When the tables are full, apply_paravirt() asks the
 * backend's patch hook for something better: natively, "cli" instead of a call to a function that
 * is one cli long. A site's original bytes follow from its record, so the same loop serves again
 * when another table has been installed.
 */
#include "pv.h"
#include "lib/lib.h"
#include "mm/fixmap.h"

struct pv_info pv_info;
struct pv_init_ops pv_init_ops;
struct pv_time_ops pv_time_ops;
struct pv_cpu_ops pv_cpu_ops;
struct pv_irq_ops pv_irq_ops;
struct pv_apic_ops pv_apic_ops;
struct pv_mmu_ops pv_mmu_ops;
struct pv_lock_ops pv_lock_ops;

enum convention { REGPARM, CALLEE_SAVE, JUMP };

static const struct {
    void *slot; /* the word in the live table */
    const char *name;
    enum convention convention;
} hooks[PV_HOOKS] = {
#define HOOK(group, name, ret, conv, args, meaning) \
    {&pv_##group##_ops.name, "pv_" #group "_ops." #name, conv},
#include "abi/pv_hooks.def"
#undef HOOK
};

extern const struct paravirt_patch_site parainstructions_start[], parainstructions_end[];

void paravirt_nop(void) {}

__asm__(".text\n"
        ".globl paravirt_ident_64\n"
        ".type paravirt_ident_64, @function\n"
        "paravirt_ident_64: ret\n"
        ".size paravirt_ident_64, . - paravirt_ident_64\n");

void pv_install(const struct pv_backend *b)
{
    pv_info = b->info;
    pv_init_ops = b->init;
    pv_time_ops = b->time;
    pv_cpu_ops = b->cpu;
    pv_irq_ops = b->irq;
    pv_apic_ops = b->apic;
    pv_mmu_ops = b->mmu;
    pv_lock_ops = b->lock;
}

const char *pv_hook_name(unsigned type)
{
    return type < PV_HOOKS ? hooks[type].name : NULL;
}

static uint32_t target_of(uint32_t type)
{
    uint32_t target;

    memcpy(&target, hooks[type].slot, sizeof target);
    return target;
}

/* opcode rel32, as it must read at addr. */
static uint32_t put_relative(uint8_t *insns, uint8_t opcode, uint32_t target, uint32_t addr)
{
    uint32_t displacement = target - (addr + 5);

    insns[0] = opcode;
    memcpy(insns + 1, &displacement, sizeof displacement);
    return 5;
}

/*
 * What fits any backend: nothing at all for hooks that do nothing, a direct call or jump for the
 * others. EDX:EAX carry argument and result of an identity, so that is nothing as well.
 */
uint32_t paravirt_patch_default(uint32_t type, __attribute__((unused)) uint32_t clobbers,
                                void *insns, uint32_t addr, uint32_t len)
{
    uint32_t target = target_of(type);

    if (target == (uint32_t)paravirt_nop || target == (uint32_t)paravirt_ident_64)
        return 0;
    if (len < 5)
        return len;
    if (hooks[type].convention == JUMP)
        return put_relative(insns, 0xE9, target, addr);
    return put_relative(insns, 0xE8, target, addr);
}

/* One long no-operation is one instruction; six short ones would be six. (Intel SDM, NOP.) */
static void pad(uint8_t *p, uint32_t n)
{
    static const uint8_t nops[8][7] = {
        [1] = {0x90},
        [2] = {0x66, 0x90},
        [3] = {0x0F, 0x1F, 0x00},
        [4] = {0x0F, 0x1F, 0x40, 0x00},
        [5] = {0x0F, 0x1F, 0x44, 0x00, 0x00},
        [6] = {0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00},
        [7] = {0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00},
    };

    while (n) {
        uint32_t step = MIN(n, 7u);
        memcpy(p, nops[step], step);
        p += step;
        n -= step;
    }
}

/* As the assembler wrote it: call *slot, or cs jmp *slot. */
static void put_original(uint8_t *insns, uint32_t type)
{
    static const uint8_t call[] = {0xFF, 0x15}, jump[] = {0x2E, 0xFF, 0x25};
    bool is_jump = hooks[type].convention == JUMP;
    uint32_t n = is_jump ? sizeof jump : sizeof call;

    memcpy(insns, is_jump ? jump : call, n);
    memcpy(insns + n, &hooks[type].slot, 4);
}

/* Interrupts must be masked: a handler could otherwise run into a half-written site. */
void apply_paravirt(void)
{
    const struct paravirt_patch_site *s;
    uint32_t eax = 0, ebx, ecx = 0, edx, patched = 0;
    uint8_t insns[16];

    for (s = parainstructions_start; s < parainstructions_end; s++) {
        put_original(insns, s->type);
        uint32_t used = pv_init_ops.patch(s->type, s->clobbers, insns, (uint32_t)s->instr, s->len);
        pad(insns + used, s->len - used);
        text_poke(s->instr, insns, s->len);
        patched++;
    }
    pv_cpuid(&eax, &ebx, &ecx, &edx); /* serialises: nothing stale stays prefetched */
    printk("pv: %u sites patched for %s\n", patched, pv_info.name);
}
