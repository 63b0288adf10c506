/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_init_ops on the bare machine, the patcher first: which hooks shrink to an instruction.
 * The list is Linux's (arch/x86/kernel/paravirt_patch_32.c).
 */
#include "native.h"
#include "boot/bootinfo.h"

#define TEMPLATES(X)                                                                             \
    X(irq_disable)                                                                               \
    X(irq_enable) X(save_fl) X(restore_fl) X(iret) X(irq_enable_sysexit) X(read_cr2) X(read_cr3) \
        X(write_cr3) X(clts) X(read_tsc)

#define DECLARE(name) extern const uint8_t native_insn_##name[], native_insn_##name##_end[];
TEMPLATES(DECLARE)

static const struct {
    const uint8_t *start, *end;
} templates[PV_HOOKS] = {
#define ROW(name) [PV_TYPE_##name] = {native_insn_##name, native_insn_##name##_end},
    TEMPLATES(ROW)};

uint32_t native_patch(uint32_t type, uint32_t clobbers, void *insns, uint32_t addr, uint32_t len)
{
    const uint8_t *start = templates[type].start;
    uint32_t size = templates[type].end - start;

    if (start && size <= len) {
        memcpy(insns, start, size);
        return size;
    }
    return paravirt_patch_default(type, clobbers, insns, addr, len);
}

cstr_t native_memory_setup(void)
{
    return bootinfo_memory_map();
}

void native_banner(void)
{
    printk("Booting paravirtualized kernel on %s\n", pv_info.name);
}
