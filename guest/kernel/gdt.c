/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The GDT and the TSS, laid out as Linux i386 has them: hypervisors of the time looked for a
 * kernel's code segment in entry 12 and its TLS in 6 to 8.
 */
#include "pv/pv.h"
#include "traps.h"

/* Flat segments of 4 GiB. The 9B and 93 have their accessed bit set already: the processor would
   otherwise write it into a page that a hypervisor keeps read-only. */
#define FLAT(access)                           \
    {                                          \
        0x0000FFFF, 0x00CF0000 | (access) << 8 \
    }

__attribute__((section(".data.page_aligned"), aligned(4096))) struct desc gdt_table[GDT_ENTRIES] = {
    [GDT_KERNEL_CS] = FLAT(0x9B),
    [GDT_KERNEL_DS] = FLAT(0x93),
    [GDT_USER_CS] = FLAT(0xFB),
    [GDT_USER_DS] = FLAT(0xF3),
};

struct tss tss __attribute__((aligned(128)));

/* The kernel's own segments belong to the ring it runs in. */
static void set_kernel_ring(unsigned entry)
{
    struct desc d = gdt_table[entry];

    d.high |= pv_info.kernel_rpl << 13;
    pv_write_gdt_entry(gdt_table, entry, &d, DESC_SEGMENT);
}

void gdt_init(void)
{
    uint32_t base = (uint32_t)&tss, limit = sizeof tss - 1;
    struct desc_ptr p = {sizeof gdt_table - 1, (uint32_t)gdt_table};
    struct desc d = {base << 16 | limit, (base & 0xFF000000) | 0x8900 | (base >> 16 & 0xFF)};

    if (pv_info.kernel_rpl) {
        set_kernel_ring(GDT_KERNEL_CS);
        set_kernel_ring(GDT_KERNEL_DS);
    }
    tss.ss0 = kernel_ds();
    tss.io_bitmap = sizeof tss; /* beyond the limit: no port for user mode */
    pv_write_gdt_entry(gdt_table, GDT_TSS, &d, DESC_TSS);
    pv_load_gdt(&p);
    pv_set_ldt(NULL, 0);
    pv_load_tr_desc();
}
