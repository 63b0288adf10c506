// SPDX-License-Identifier: GPL-2.0-only
/*
 * paging-flat: the i386's own two levels of 32-bit entries, and what changes between the formats
 *
 * Background: SDM volume 3A, 4.3. 4 KiB pages, and 4 MiB pages where CR4.PSE is set; without it the PS
 *   bit means nothing. There is no no-execute bit, so a fetch's error code looks like a read's.
 * What it does: rights, bits, both sizes; changes to PAE and back in one run; a stack and a GDT that
 *   are in use while their pages move.
 *   Under lguest the hardware walks shadows of these tables, which have another format than they; large
 *   pages and a change of format are not a guest's there, nor is the GDT's address.
 * How it could be fooled: identity mappings hide a walk that translates nothing; the pages looked at
 *   lie elsewhere than their frames.
 */
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "paging-flat";

#define VA 0x80000000u

static uint32_t *root;

static void set(uint32_t entry)
{
    flat_set(root, VA, entry);
}

static uint32_t touch(uint32_t write)
{
    struct fault f =
        write ? TRY("movl %%ecx, (%0)", "r"(VA), "c"(7)) : TRY("movl (%0), %%ecx", "r"(VA), "c"(0));
    if (f.happened && f.cr2 != VA)
        test_failure("cr2 is %08x", f.cr2);
    return f.happened ? f.error : (uint32_t)-1;
}

static void small_pages(uint32_t frame)
{
    set(frame);
    check_eq(touch(0), 0);
    check_eq(touch(1), PF_W);
    check_eq(user_call(touch, 0, 0), PF_U);
    set(frame | PTE_P);
    check_eq(touch(0), (uint32_t)-1);
    check_eq(user_call(touch, 0, 0), PF_P | PF_U);
    if (env->ring == 0) {
        check_eq(touch(1), (uint32_t)-1); /* CR0.WP is clear */
        write_cr0(read_cr0() | CR0_WP);
    }
    set(frame | PTE_P);
    check_eq(touch(1), PF_P | PF_W);
    if (env->ring == 0)
        write_cr0(read_cr0() & ~(uint32_t)CR0_WP);
    set(frame | PTE_P | PTE_U);
    check_eq(user_call(touch, 0, 0), (uint32_t)-1);
    check_eq(user_call(touch, 1, 0), PF_P | PF_W | PF_U);
    set(frame | PTE_P | PTE_U | PTE_W);
    check_eq(*flat_entry(root, VA) & (PTE_A | PTE_D), 0);
    check_eq(user_call(touch, 1, 0), (uint32_t)-1);
    check_eq(*flat_entry(root, VA) & (PTE_A | PTE_D), PTE_A | PTE_D);
    check_eq(*(uint32_t *)frame, 7);
}

static void large_pages(void)
{
    uint32_t *top = &root[VA >> 22], old = *top;
    volatile uint32_t *at = (uint32_t *)(VA + 0x312344);

    *(volatile uint32_t *)0xB12344 = 0xBEEF;
    *top = 0x800000 | PTE_P | PTE_W | PTE_U | PTE_PS;
    write_cr4(read_cr4() | CR4_PSE);
    check_eq(*at, 0xBEEF);
    *at = 0xCAFE;
    check_eq(*(volatile uint32_t *)0xB12344, 0xCAFE);
    check_eq(*top & (PTE_A | PTE_D), PTE_A | PTE_D);
    /* Without PSE it is the address of a table of zeros. */
    *top = ((uint32_t)frame_new() & ~0xFFFu) | PTE_P | PTE_W | PTE_U | PTE_PS;
    write_cr4(read_cr4() & ~(uint32_t)CR4_PSE);
    check_eq(touch(0), 0);
    *top = old;
    write_cr3(read_cr3());
}

static void change_of_format(uint32_t frame)
{
    uint64_t *pae = pae_new();
    volatile uint32_t *at = (uint32_t *)VA;
    uint32_t other = (uint32_t)frame_new();

    *(uint32_t *)frame = 0xF1A7;
    *(uint32_t *)other = 0x9AE;
    set(frame | PTE_P | PTE_W);
    *pae_entry(pae, VA) = other | PTE_P | PTE_W;
    for (unsigned i = 0; i < 10; i++) {
        check_eq(*at, 0xF1A7);
        paging_off();
        pae_on(pae);
        check_eq(*at, 0x9AE);
        paging_off();
        flat_on(root);
    }
    paging_off();
    check_eq(read_cr0() & CR0_PG, 0);
    check_eq(*(volatile uint32_t *)frame, 0xF1A7);
    flat_on(root);
}

/* The GDT moves under the CPU's feet: descriptors are read through the tables of the moment. */
static void moving_tables(void)
{
    static uint8_t copy[2][PAGE_SIZE] PAGE_ALIGNED;
    struct {
        uint16_t pad, limit;
        uint32_t base;
    } gdtr = {0, sizeof gdt - 1, VA};

    memcpy(copy[0], gdt, sizeof gdt);
    memcpy(copy[1], gdt, sizeof gdt);
    ((struct desc *)copy[1])[SEL_FREE / 8] = segment(0x1000, 0xFFFFF, DESC_P | DESC_DATA | DESC_32);
    set((uint32_t)copy[0] | PTE_P | PTE_W);
    asm volatile("lgdt %0" : : "m"(gdtr.limit) : "memory");
    check_fault(TRY("mov %0, %%fs", "r"(SEL_FREE)), X86_GP,
                SEL_FREE); /* null type: not a segment */
    set((uint32_t)copy[1] | PTE_P | PTE_W);
    check_no_fault(TRY("mov %0, %%fs", "r"(SEL_FREE)));
    uint32_t through, direct = *(volatile uint32_t *)0x101000;
    asm volatile("movl %%fs:0x100000, %0" : "=r"(through));
    check_eq(through, direct);
    set((uint32_t)copy[0] | PTE_P | PTE_W);
    asm volatile("movl %%fs:0x100000, %0" : "=r"(through)); /* the hidden part stays */
    check_eq(through, direct);
    asm volatile("mov %0, %%fs" : : "r"(SEL_DATA0));
    gdtr.base = (uint32_t)gdt;
    asm volatile("lgdt %0" : : "m"(gdtr.limit) : "memory");
}

static void two_spaces(uint32_t frame)
{
    uint32_t *other = flat_new(), second = (uint32_t)frame_new();
    volatile uint32_t *at = (uint32_t *)VA;

    *(uint32_t *)frame = 1;
    *(uint32_t *)second = 2;
    set(frame | PTE_P | PTE_W);
    *flat_entry(other, VA) = second | PTE_P | PTE_W;
    for (unsigned i = 0; i < 100; i++) {
        flat_on(i & 1 ? other : root);
        check_eq(*at, 1 + (i & 1));
    }
    flat_on(root);
    /* A directory entry that goes, and comes back. */
    uint32_t *top = &root[VA >> 22], old = *top;
    *top = 0;
    tables_changed();
    check_eq(touch(0), 0);
    *top = old;
    check_eq(*at, 1);
}

void test_main(void)
{
    uint32_t frame;

    root = flat_new();
    frame = (uint32_t)frame_new();
    flat_on(root);
    small_pages(frame);
    two_spaces(frame);
    if (env->ring)
        return;
    large_pages();
    change_of_format(frame);
    moving_tables();
    paging_off();
}
