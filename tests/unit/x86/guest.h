/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's system tables on paper: registers, GDT, IDT, TSS and stacks in a little memory, for the
 * tests of this folder. Paging is off until guest_page() is called.
 */
#ifndef TESTS_X86_GUEST_H
#define TESTS_X86_GUEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/x86/x86.h"

/* clang-format off */
enum {
    CODE0 = 0x08, DATA0 = 0x10, CODE1 = 0x19, DATA1 = 0x21, CODE3 = 0x2B, DATA3 = 0x33,
    CONFORMING = 0x38, TSS = 0x40, CODE0_ABSENT = 0x48, DATA0_READONLY = 0x50, DATA0_ABSENT = 0x58,
    DATA0_DOWN = 0x60, TSS_OTHER = 0x68, LDT = 0x70, CODE0_SMALL = 0x78, DATA0_16 = 0x80, CODE16 = 0x88,
};
enum {
    GDT_AT = 0x1000, IDT_AT = 0x2000, TSS_AT = 0x3000, OTHER_TSS_AT = 0x4000, LDT_AT = 0x5000,
    PD_AT = 0x6000, PT_AT = 0x7000, STACK0 = 0x9000, STACK1 = 0xA000, STACK3 = 0xB000, HANDLER = 0x10000,
    TEST_EIP = 0x20000, TEST_MEM = 4 << 20,
};
enum { GATE_TASK = 5, GATE_INT16 = 6, GATE_TRAP16 = 7, GATE_INT32 = 14, GATE_TRAP32 = 15 };
/* clang-format on */

struct guest {
    struct mem *m;
    struct x86_regs r;
    struct x86_event last;
};

static inline void put32(struct guest *g, uint32_t at, uint32_t v)
{
    assert_true(mem_write(g->m, MADDR(at), &v, 4));
}

static inline void put16(struct guest *g, uint32_t at, uint16_t v)
{
    assert_true(mem_write(g->m, MADDR(at), &v, 2));
}

static inline uint32_t get32(struct guest *g, uint32_t at)
{
    uint32_t v;
    assert_true(mem_read(g->m, MADDR(at), &v, 4));
    return v;
}

static inline uint32_t get16(struct guest *g, uint32_t at)
{
    uint16_t v;
    assert_true(mem_read(g->m, MADDR(at), &v, 2));
    return v;
}

/* access: the byte with P, DPL, S and type; size: the nibble with G and D. */
static inline void put_desc(struct guest *g, uint16_t sel, uint32_t base, uint32_t limit,
                            uint32_t access, uint32_t size)
{
    uint32_t at = (sel & 4 ? LDT_AT : GDT_AT) + (sel & ~7u);
    put32(g, at, base << 16 | (limit & 0xFFFF));
    put32(g, at + 4,
          (base & 0xFF000000) | size << 20 | (limit & 0xF0000) | access << 8 | (base >> 16 & 0xFF));
}

static inline void put_gate(struct guest *g, uint8_t vector, unsigned type, unsigned dpl,
                            uint16_t sel, uint32_t offset)
{
    put32(g, IDT_AT + vector * 8u, (uint32_t)sel << 16 | (offset & 0xFFFF));
    put32(g, IDT_AT + vector * 8u + 4, (offset & 0xFFFF0000) | 0x8000 | dpl << 13 | type << 8);
}

static inline struct x86_seg load(struct guest *g, uint16_t sel)
{
    struct x86_desc d;
    assert_true(x86_desc_read(&g->r, g->m, sel, &d));
    return x86_seg_load(sel, d);
}

/* Run in this ring: 0, 1 or 3, with its flat segments and its stack. */
static inline void set_ring(struct guest *g, unsigned ring)
{
    static const struct {
        uint16_t code, data;
        uint32_t stack;
    } to[4] = {{CODE0, DATA0, STACK0}, {CODE1, DATA1, STACK1}, {0}, {CODE3, DATA3, STACK3}};

    for (unsigned s = 0; s < S_COUNT; s++)
        g->r.seg[s] = load(g, s == S_CS ? to[ring].code : to[ring].data);
    g->r.gpr[R_ESP] = to[ring].stack;
    g->r.cpl = ring;
}

static inline int guest_setup(void **state)
{
    struct guest *g = calloc(1, sizeof *g);

    assert_non_null(g);
    g->m = mem_new(TEST_MEM, NULL);
    assert_non_null(g->m);
    g->r.gdt = (struct x86_table){GDT_AT, 0xFF};
    g->r.idt = (struct x86_table){IDT_AT, 0x7FF};
    put_desc(g, CODE0, 0, 0xFFFFF, 0x9B, 0xC);
    put_desc(g, DATA0, 0, 0xFFFFF, 0x93, 0xC);
    put_desc(g, CODE1, 0, 0xFFFFF, 0xBB, 0xC);
    put_desc(g, DATA1, 0, 0xFFFFF, 0xB3, 0xC);
    put_desc(g, CODE3, 0, 0xFFFFF, 0xFB, 0xC);
    put_desc(g, DATA3, 0, 0xFFFFF, 0xF3, 0xC);
    put_desc(g, CONFORMING, 0, 0xFFFFF, 0x9F, 0xC);
    put_desc(g, TSS, TSS_AT, 0xFFF, 0x8B, 0);
    put_desc(g, CODE0_ABSENT, 0, 0xFFFFF, 0x1B, 0xC);
    put_desc(g, DATA0_READONLY, 0, 0xFFFFF, 0x91, 0xC);
    put_desc(g, DATA0_ABSENT, 0, 0xFFFFF, 0x13, 0xC);
    put_desc(g, DATA0_DOWN, 0, 8, 0x97, 0xC); /* valid above 8FFF */
    put_desc(g, TSS_OTHER, OTHER_TSS_AT, 0x67, 0x89, 0);
    put_desc(g, LDT, LDT_AT, 0x1F, 0x82, 0);
    put_desc(g, CODE0_SMALL, 0, 0xFFF, 0x9B, 0x4);
    put_desc(g, DATA0_16, 0x8000, 0xFFFF, 0x93, 0);
    put_desc(g, CODE16, 0, 0xFFFF, 0x9B, 0);
    g->r.tr = load(g, TSS);
    put32(g, TSS_AT + 4, STACK0);
    put32(g, TSS_AT + 8, DATA0);
    put32(g, TSS_AT + 12, STACK1);
    put32(g, TSS_AT + 16, DATA1);
    put16(g, TSS_AT + 0x66, 0x68);
    for (unsigned v = 0; v < 256; v++)
        put_gate(g, v, GATE_INT32, 0, CODE0, HANDLER + v * 16);
    g->r.cr0 = CR0_PE;
    g->r.eip = TEST_EIP;
    g->r.eflags = FL_IF | 2;
    set_ring(g, 3);
    *state = g;
    return 0;
}

static inline int guest_teardown(void **state)
{
    struct guest *g = *state;

    mem_free(g->m);
    free(g);
    return 0;
}

/* The first 4 MiB onto themselves, for everybody, and paging on with write protection. */
static inline void guest_page(struct guest *g)
{
    put32(g, PD_AT, PT_AT | PTE_P | PTE_W | PTE_U);
    for (uint32_t i = 0; i < 1024; i++)
        put32(g, PT_AT + i * 4, i << 12 | PTE_P | PTE_W | PTE_U);
    g->r.cr3 = PD_AT;
    g->r.cr0 |= CR0_PG | CR0_WP;
}

static inline void set_pte(struct guest *g, uint32_t address, uint32_t flags)
{
    put32(g, PT_AT + (address >> 12) * 4, (address & ~0xFFFu) | flags);
}

#endif
