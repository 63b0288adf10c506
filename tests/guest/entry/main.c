// SPDX-License-Identifier: GPL-2.0-only
/*
 * entry: what a kernel finds when it begins
 *
 * Background: the first lines of a kernel rely on what its loader promised and on nothing else. The
 *   multiboot specification, 3.2 "Machine state"; for lguest the launcher and host of Linux 2.6.31 and
 *   3.2 (initial registers, boot_params at physical 0, first page tables).
 * What it does: compares the registers that start.S saved, the ring, the selectors and what they lead
 *   to; under lguest boot_params word by word, memory up to its very end and what LGUEST_INIT answered.
 * How it could be fooled: start.S itself needs flat segments; were they not, it would not get here,
 *   which is a crash and no success.
 */
#include "abi/lguest.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "entry";

/* ---- multiboot ---- */

static void from_multiboot(void)
{
    enum { INFO_MEMORY = 1 << 0 };
    const uint32_t *info = (const uint32_t *)entry_regs.ebx;

    check_eq(entry_regs.eax, 0x2BADB002);
    check_eq(entry_regs.eflags & (FL_IF | FL_VM), 0);
    check_eq(read_cr0() & (CR0_PG | (uint32_t)CR0_PE), CR0_PE);
    check(info[0] & INFO_MEMORY, "flags %08x: how much memory there is remains a secret", info[0]);
    check(info[2] >= 4 * 1024, "%u KiB above 1 MiB", info[2]);
    /* A20: one megabyte further is not the same memory. */
    volatile uint32_t *low = (uint32_t *)0x2000, *high = (uint32_t *)0x102000;
    uint32_t old = *low, code = *high;
    *low = ~code;
    check_eq(*high, code);
    *low = old;
}

/* ---- lguest ---- */

enum {
    BP_E820_ENTRIES = 0x1E8,
    BP_VERSION = 0x206,
    BP_LOADFLAGS = 0x211,
    BP_RAMDISK_SIZE = 0x21C,
    BP_CMD_LINE_PTR = 0x228,
    BP_KERNEL_ALIGNMENT = 0x230,
    BP_HARDWARE_SUBARCH = 0x23C,
    BP_E820 = 0x2D0,
    KEEP_SEGMENTS = 0x40
};

static uint32_t param32(uint32_t offset)
{
    uint32_t value;
    memcpy(&value, (const uint8_t *)entry_regs.esi + offset, sizeof value);
    return value;
}

static void registers(void)
{
    const struct entry_regs *r = &entry_regs;
    uint32_t cs, ds, ss, es;

    asm("mov %%cs, %0; mov %%ds, %1; mov %%ss, %2; mov %%es, %3"
        : "=r"(cs), "=r"(ds), "=r"(ss), "=r"(es));
    check_eq(cs, LGUEST_KERNEL_CS);
    check_eq(ds, LGUEST_KERNEL_DS);
    check_eq(ss, LGUEST_KERNEL_DS);
    check_eq(es, LGUEST_KERNEL_DS);
    check_eq(r->eax | r->ebx | r->ecx | r->edx | r->esi | r->edi | r->ebp | r->esp, 0);
    check_eq(r->eflags & (FL_IF | FL_DF | FL_TF | FL_NT | FL_IOPL | 2), FL_IF | 2);
}

static uint32_t memory;

static void boot_params(void)
{
    const uint8_t *p = (const uint8_t *)entry_regs.esi;

    check_eq(p[BP_E820_ENTRIES], 1);
    check_eq(param32(BP_E820) | param32(BP_E820 + 4), 0);
    memory = param32(BP_E820 + 8);
    check(memory >= 8 << 20 && memory % PAGE_SIZE == 0, "memory is %08x", memory);
    check_eq(param32(BP_E820 + 12), 0);
    check_eq(param32(BP_E820 + 16), 1);
    check_eq(param32(BP_VERSION) & 0xFFFF, 0x0207);
    check(p[BP_LOADFLAGS] & KEEP_SEGMENTS, "the decompressor would load segments");
    check_eq(param32(BP_RAMDISK_SIZE) % PAGE_SIZE, 0);
    check_eq(param32(BP_CMD_LINE_PTR), 0x1000);
    check_eq(param32(BP_HARDWARE_SUBARCH), LGUEST_SUBARCH);
    if (on_lguest_3_2())
        check_eq(param32(BP_KERNEL_ALIGNMENT), 0x1000000);
}

/* Virtual is physical for all of memory, where a PC has its hole, too. */
static void all_of_memory(void)
{
    static const uint32_t hole[] = {0xA0000, 0xB8000, 0xFF000};

    for (unsigned i = 0; i < ARRAY_SIZE(hole); i++) {
        volatile uint32_t *at = (uint32_t *)hole[i];
        *at = 0x12340000 + i;
        check_eq(*at, 0x12340000 + i);
    }
    if (!param32(BP_RAMDISK_SIZE))
        *(volatile uint32_t *)(memory - 4) = 1;
    (void)*(volatile uint32_t *)(memory - 4);
    if (on_lguest_3_2())
        return;
    /* Up to 3.0 it is there a second time. */
    check_eq(*(volatile uint32_t *)(0xC0000000 + (uint32_t)&memory), memory);
    check_no_fault(TRY("movl (%0), %%ecx", "r"(0xC0000000 + memory - 4), "c"(0)));
    check_page_fault(TRY("movl (%0), %%ecx", "r"(0xC0000000 + memory), "c"(0)), 0,
                     0xC0000000 + memory);
}

static void after_init(void)
{
    check(lguest_data.reserve_mem >= 2 << 20 && lguest_data.reserve_mem <= 4 << 20,
          "%08x are reserved", lguest_data.reserve_mem);
    check_eq(lguest_data.irq_enabled, 0);
    check(lguest_data.tv_sec != 0, "it is 1970");
    if (on_lguest_3_2())
        return;
    check(lguest_data.pgdir % PAGE_SIZE == 0 && lguest_data.pgdir < memory,
          "the first page tables are at %08x", lguest_data.pgdir);
    check(*(uint32_t *)lguest_data.pgdir & 1, "and are empty");
}

void test_main(void)
{
    if (on_lguest()) {
        registers();
        boot_params();
        all_of_memory();
        after_init();
    } else {
        from_multiboot();
    }
}
