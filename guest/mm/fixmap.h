/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses fixed when the kernel is compiled, for frames chosen when it runs. They end at
 * fixmap_top, a variable because a hypervisor may want the top of the address space for itself:
 * it must be lowered, if at all, before the first slot is used.
 */
#ifndef MM_FIXMAP_H
#define MM_FIXMAP_H

#include "pv/types.h"

enum fixed_slot {
    FIX_TEXT_POKE_NEXT, /* a writable view of two pages of read-only text, while it is patched: */
    FIX_TEXT_POKE,      /* a later slot lies lower, so this is the first of the two */
    FIX_INITRD,          /* an initrd that lies too high, a page at a time */
    FIX_DEVICES,         /* a hypervisor's pages of devices, which lie outside of RAM */
    FIX_SLOTS = FIX_DEVICES + 256,
};

extern uint32_t fixmap_top; /* exclusive */

static inline uint32_t fixmap_address(uint32_t index)
{
    return fixmap_top - (index + 1) * PAGE_SIZE;
}

/* Write into the kernel's text, which mm_init() has made read-only. Interrupts must be masked. */
void text_poke(void *to, const void *from, size_t n);

/* The entry behind a slot: for pv_mmu_ops.set_fixmap. Everybody else calls pv_set_fixmap. */
void fixmap_set_pte(uint32_t index, pte_t pte);

#endif
