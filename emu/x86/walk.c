/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a linear address to a machine address, as the paging hardware goes (SDM volume 3A, 4.3 and
 * 4.4). The two formats of the i386 are two rows of one table:
 *
 *              entry     index bits, from the top        a large page at the second-last level
 *   two-level  4 bytes   10, 10                          4 MiB, when CR4.PSE
 *   PAE        8 bytes   2, 9, 9                         2 MiB, always
 *
 * The walk collects what each level grants; the access is judged at the end, when all is known.
 */
#include <string.h>

#include "x86.h"

#define MAXPHYADDR   40 /* what CPUID tells the guest, and where the engine's physical space ends */
#define BITS(hi, lo) ((~0ull >> (63 - (hi))) & (~0ull << (lo)))
#define PTE_NX       (1ull << 63)

struct format {
    unsigned levels, entry_bytes;
    unsigned shift[3], index_bits[3];
    unsigned large_shift; /* of a large page */
};

static const struct format two_level = {2, 4, {22, 12}, {10, 10}, 22};
static const struct format pae = {3, 8, {30, 21, 12}, {2, 9, 9}, 21};

/* An entry outside RAM reads all ones, as any address does where nothing answers. */
static uint64_t read_entry(struct mem *m, maddr_t at, unsigned bytes)
{
    const void *p = mem_span(m, at, bytes);
    uint64_t wide;
    uint32_t narrow;

    if (!p)
        return bytes == 8 ? UINT64_MAX : UINT32_MAX;
    if (bytes == 8) { /* of constant size, so that they are single loads: this is a hot path */
        memcpy(&wide, p, 8);
        return wide;
    }
    memcpy(&narrow, p, 4);
    return narrow;
}

/* The bits that must be zero in a present entry. */
static uint64_t reserved_bits(const struct x86_regs *r, const struct format *f, unsigned level,
                              bool large)
{
    if (f == &two_level) /* PSE-36: bits 13-20 are address bits 32-39, so bit 21 is left over */
        return large ? BITS(21, 21) : 0;

    uint64_t bits = BITS(62, MAXPHYADDR);
    /* A page-directory pointer has no rights of its own. Its low reserved bits are checked when
       CR3 is loaded, not here. */
    if (level == 0 || !(r->efer & EFER_NXE))
        bits |= PTE_NX;
    if (large)
        bits |= BITS(20, 13);
    return bits;
}

static bool fail(struct x86_walk *w, uint32_t error)
{
    w->ok = false;
    w->error = error;
    return false;
}

static void set_accessed_dirty(struct mem *m, const struct format *f, struct x86_walk *w,
                               bool dirty)
{
    for (unsigned i = f->levels - 2; i < w->levels; i++) { /* not in a page-directory pointer */
        uint32_t low = (uint32_t)w->entry[i] | PTE_A;
        if (dirty && i == w->levels - 1)
            low |= PTE_D;
        if (low == (uint32_t)w->entry[i])
            continue;
        w->entry[i] = (w->entry[i] & ~0xFFFFFFFFull) | low;
        mem_write(m, w->entry_at[i], &low, sizeof low);
    }
}

bool x86_walk(const struct x86_regs *r, struct mem *m, gva_t a, enum x86_access how, bool user,
              bool set_ad, struct x86_walk *w)
{
    *w = (struct x86_walk){.ok = true, .page_size = PAGE_SIZE};
    w->writable = w->user = w->executable = true;
    if (!(r->cr0 & CR0_PG)) {
        w->addr = MADDR(a.v);
        return true;
    }

    const struct format *f = r->cr4 & CR4_PAE ? &pae : &two_level;
    bool nx = f == &pae && r->efer & EFER_NXE;
    uint32_t error = (uint32_t)(how & PF_W) | (user ? PF_U : 0);
    if (how == X86_FETCH && nx) /* without NX the hardware does not tell fetches from reads */
        error |= PF_I;

    uint64_t table = f == &pae ? r->cr3 & ~0x1Fu : r->cr3 & ~0xFFFu, entry = 0;
    unsigned shift = 12;
    for (unsigned level = 0; level < f->levels; level++) {
        shift = f->shift[level];
        uint32_t index = a.v >> shift & ((1u << f->index_bits[level]) - 1);
        maddr_t at = MADDR(table + (uint64_t)index * f->entry_bytes);
        entry = read_entry(m, at, f->entry_bytes);
        w->entry_at[level] = at;
        w->entry[level] = entry;
        w->levels = level + 1;
        if (!(entry & PTE_P))
            return fail(w, error);

        bool large = shift == f->large_shift && entry & PTE_PS && (f == &pae || r->cr4 & CR4_PSE);
        if (entry & reserved_bits(r, f, level, large))
            return fail(w, error | PF_P | PF_RSVD);
        if (shift != 30) {
            w->writable &= !!(entry & PTE_W);
            w->user &= !!(entry & PTE_U);
            w->executable &= !(nx && entry & PTE_NX);
        }
        if (large)
            break;
        table = entry & BITS(MAXPHYADDR - 1, 12);
    }

    if ((user && !w->user) || (how == X86_FETCH && !w->executable) ||
        (how == X86_WRITE && !w->writable && (user || r->cr0 & CR0_WP)))
        return fail(w, error | PF_P);

    uint64_t page = entry & BITS(MAXPHYADDR - 1, shift);
    if (f == &two_level && shift == 22)
        page = (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << (32 - 13);
    w->page_size = 1u << shift;
    w->addr = MADDR(page | (a.v & (w->page_size - 1)));
    if (set_ad)
        set_accessed_dirty(m, f, w, how == X86_WRITE);
    return true;
}
