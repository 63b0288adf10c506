/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loaders share; see internal.h. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)v);
    put16(p + 2, (uint16_t)(v >> 16));
}

void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

bool image_has(const struct image *img, uint64_t offset, uint64_t n)
{
    return offset <= img->size && n <= img->size - offset;
}

bool image_bad(const struct image *img, uint64_t offset, struct err *err, const char *fmt, ...)
{
    char what[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_FILE, "%s: at offset 0x%llx: %s", img->name, (unsigned long long)offset,
                   what);
}

const struct place_range *place_overlap(const struct place *p, uint64_t start, uint64_t n)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (start < p->range[i].end && p->range[i].start < start + n)
            return &p->range[i];
    }
    return NULL;
}

const char *place_not_ram(const struct place *p, uint64_t start, uint64_t n)
{
    if (start + n < start || start + n > mem_bytes(p->mem))
        return "past the end of RAM";
    if (start < PC_HOLE_END && start + n > PC_HOLE_START)
        return "in the hole between 640 KiB and 1 MiB";
    return NULL;
}

bool place_take(struct place *p, uint64_t start, uint64_t n)
{
    if (!n)
        return true;
    if (p->n == PLACE_MAX || place_not_ram(p, start, n) || place_overlap(p, start, n))
        return false;
    p->range[p->n++] = (struct place_range){start, start + n};
    return true;
}

/* Move a candidate past what is in its way; false when it fits where it is. */
static bool step_over(const struct place *p, uint64_t n, enum place_how how, uint64_t *at)
{
    const struct place_range hole = {PC_HOLE_START, PC_HOLE_END};
    const struct place_range *r = place_overlap(p, *at, n);

    if (!r && *at<hole.end && * at + n> hole.start)
        r = &hole;
    if (!r)
        return false;
    if (how == PLACE_LOWEST)
        *at = r->end;
    else
        *at = r->start >= n ? r->start - n : 0;
    return true;
}

uint64_t place_find(struct place *p, uint64_t n, uint64_t align, uint64_t lo, uint64_t hi,
                    enum place_how how)
{
    if (hi > mem_bytes(p->mem))
        hi = mem_bytes(p->mem);
    if (hi < lo || n > hi - lo)
        return 0;

    uint64_t at = how == PLACE_LOWEST ? lo : hi - n;
    for (;;) {
        at = (how == PLACE_LOWEST ? at + align - 1 : at) / align * align;
        if (at < lo || at > hi - n)
            return 0;
        if (!step_over(p, n, how, &at))
            return place_take(p, at, n) ? at : 0;
    }
}

/* Bits 8-23 of a descriptor's high dword: present, ring 0, 32 bits, in pages. */
#define FLAT_CODE 0x00C09B00u
#define FLAT_DATA 0x00C09300u
#define SEL_CODE  0x10
#define SEL_DATA  0x18

bool boot_flat_registers(struct mem *m, uint32_t gdt, struct x86_regs *r)
{
    const struct x86_seg data = {SEL_DATA, 0, 0xFFFFFFFFu, FLAT_DATA};
    uint8_t table[BOOT_GDT_BYTES] = {0};

    put32(table + SEL_CODE, 0x0000FFFFu);
    put32(table + SEL_CODE + 4, FLAT_CODE | 0x000F0000u);
    put32(table + SEL_DATA, 0x0000FFFFu);
    put32(table + SEL_DATA + 4, FLAT_DATA | 0x000F0000u);
    if (!mem_write(m, MADDR(gdt), table, sizeof table))
        return false;

    memset(r, 0, sizeof *r);
    r->eflags = 2;          /* the bit that is always set */
    r->cr0 = CR0_PE | 0x10; /* ET: there is an 80387 or better */
    for (unsigned s = 0; s < S_COUNT; s++)
        r->seg[s] = data;
    r->seg[S_CS] = (struct x86_seg){SEL_CODE, 0, 0xFFFFFFFFu, FLAT_CODE};
    /* LDTR, TR and IDTR as a reset leaves them (SDM 3A, table 9-1). */
    r->ldt = (struct x86_seg){0, 0, 0xFFFF, 0x8200};
    r->tr = (struct x86_seg){0, 0, 0xFFFF, 0x8B00};
    r->gdt = (struct x86_table){gdt, BOOT_GDT_BYTES - 1};
    r->idt = (struct x86_table){0, 0}; /* no handlers yet: any exception is the end */
    return true;
}
