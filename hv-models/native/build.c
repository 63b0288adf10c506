/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PC's boot loader has just jumped to the kernel: the image, the initrd and the command line are
 * in memory, the CPU is in flat 32-bit protected mode without paging. Which boot protocol that was
 * is the image's choice (emu/load/).
 */
#include "native.h"

bool native_build(struct domain *d, const struct boot_request *rq, struct err *err)
{
    struct boot_info info;

    hv_stage(d, "load the kernel as a boot loader would", 0);
    if (!boot_load(d->mem, rq, &info, err))
        return false;
    hv_stage2(d, "jump to its entry", info.regs.eip, info.info);
    *cpu_regs_rw(d->cpu) = info.regs;
    return true;
}
