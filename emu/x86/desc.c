/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segment descriptors (SDM volume 3A, 3.4.5): base and limit are scattered over the two words for
 * the sake of the 286, whose descriptors ended after the first six bytes.
 */
#include "x86.h"

#define DESC_FLAGS    0x00F0FF00u
#define DESC_GRANULAR (1u << 23)

uint32_t x86_desc_base(struct x86_desc d)
{
    return (d.hi & 0xFF000000) | (d.hi & 0xFF) << 16 | d.lo >> 16;
}

uint32_t x86_desc_limit(struct x86_desc d)
{
    uint32_t limit = (d.hi & 0x000F0000) | (d.lo & 0xFFFF);

    return d.hi & DESC_GRANULAR ? limit << 12 | 0xFFF : limit;
}

bool x86_desc_read(const struct x86_regs *r, struct mem *m, uint16_t sel, struct x86_desc *out)
{
    uint32_t base = r->gdt.base, limit = r->gdt.limit, cr2, error;
    uint16_t offset = sel & ~7;

    if (sel & 4) {
        if (!(r->ldt.sel & ~3u)) /* no LDT: every selector into it is outside */
            return false;
        base = r->ldt.base;
        limit = r->ldt.limit;
    }
    if (offset + 7u > limit)
        return false;
    return x86_read(r, m, GVA(base + offset), out, sizeof *out, false, &cr2, &error);
}

struct x86_seg x86_seg_load(uint16_t sel, struct x86_desc d)
{
    return (struct x86_seg){
        .sel = sel,
        .base = x86_desc_base(d),
        .limit = x86_desc_limit(d),
        .flags = d.hi & DESC_FLAGS,
    };
}
