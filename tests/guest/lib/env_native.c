// SPDX-License-Identifier: GPL-2.0-only
/* The bare machine: ring 0, a PC's devices, and each service is an instruction or two. */
#include "env.h"

#include "abi/ringside_ports.h"
#include "paging.h"
#include "pic.h"
#include "test.h"
#include "traps.h"

#define COM1            0x3F8
#define LSR_THR_EMPTY   0x20
#define MULTIBOOT_MAGIC 0x2BADB002u

struct multiboot_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

static const char *enter(uint32_t magic, const void *info)
{
    enum { INFO_CMDLINE = 1 << 2 };
    const struct multiboot_info *m = info;

    if (magic != MULTIBOOT_MAGIC)
        return NULL;
    pic_mask(0xFFFF); /* firmware may have left the timer running */
    return m->flags & INFO_CMDLINE ? (const char *)m->cmdline : "";
}

static void put(char c)
{
    while (!(inb(COM1 + 5) & LSR_THR_EMPTY))
        ;
    outb(COM1, (uint8_t)c);
}

static void off(uint8_t status)
{
    cli();
    /* Ringside latches the status; QEMU's isa-debug-exit leaves at once, with status * 2 + 1. */
    if (inl(RINGSIDE_STATUS_PORT) != 0xFFFFFFFF)
        outb(RINGSIDE_STATUS_PORT, status);
    outw(RINGSIDE_POWER_PORT, RINGSIDE_POWER_OFF);
    for (;;)
        asm volatile("hlt");
}

/* ---- tables ---- */

void tss_load(void)
{
    gdt[SEL_TSS / 8] = segment((uint32_t)&tss, sizeof tss - 1, DESC_P | DESC_TSS32);
    asm volatile("ltr %0" : : "r"((uint16_t)SEL_TSS) : "memory");
}

static void load_tables(void)
{
    struct {
        uint16_t pad, limit;
        uint32_t base;
    } gdtr = {0, sizeof gdt - 1, (uint32_t)gdt}, idtr = {0, sizeof idt - 1, (uint32_t)idt};

    asm volatile("lgdt %0\n"
                 "lidt %1\n"
                 "ljmp %2, $1f\n"
                 "1: mov %3, %%ds\n"
                 "mov %3, %%es\n"
                 "mov %3, %%fs\n"
                 "mov %3, %%gs\n"
                 "mov %3, %%ss\n"
                 :
                 : "m"(gdtr.limit), "m"(idtr.limit), "i"(SEL_CODE0), "r"(SEL_DATA0)
                 : "memory");
    tss.t.stack[0].ss = SEL_DATA0;
    tss.t.io_base = sizeof tss.t;
    memset(tss.bitmap, 0xFF, sizeof tss.bitmap);
    tss_load();
}

static void set_stack(uint32_t esp)
{
    tss.t.stack[0].esp = esp;
}

void native_leave(void);
asm("native_leave: iretl\n");

/* ---- interrupts ---- */

static bool irqs_enabled(void)
{
    return read_eflags() & FL_IF;
}

static void lines_open(uint32_t mask)
{
    pic_mask((uint16_t) ~(mask | (mask >> 8 ? 1 << IRQ_CASCADE : 0)));
}

static void timer_once(uint32_t us)
{
    enum { ONE_SHOT = 0 };
    pit_set(0, ONE_SHOT, us ? (uint16_t)(us * 1193u / 1000 + 1) : 0xFFFF);
}

/* ---- paging ---- */

static void use_tables(const uint64_t *root)
{
    if (!(read_cr4() & CR4_PAE))
        write_cr4(read_cr4() | CR4_PAE);
    write_cr3((uint32_t)root);
    write_cr0(read_cr0() | CR0_PG);
}

static void use_flat_tables(uint32_t *root)
{
    write_cr4(read_cr4() & ~(uint32_t)CR4_PAE);
    write_cr3((uint32_t)root);
    write_cr0(read_cr0() | CR0_PG);
}

static void no_tables(void)
{
    write_cr0(read_cr0() & ~(CR0_PG | (uint32_t)CR0_WP));
    write_cr4(read_cr4() & ~(uint32_t)(CR4_PAE | CR4_PSE | CR4_PGE));
}

static void page_changed(void *root, uint32_t va, uint64_t entry)
{
    (void)root, (void)entry;
    invlpg((void *)va);
}

static void forget_all(void)
{
    write_cr3(read_cr3());
}

static void task_switched(bool on)
{
    if (on)
        write_cr0(read_cr0() | CR0_TS);
    else
        asm volatile("clts");
}

const struct env env_native = {
    .name = "native",
    .ring = 0,
    .cs = SEL_CODE0,
    .ds = SEL_DATA0,
    .system = SEL_TSS,
    .nx = true,
    .enter = enter,
    .put = put,
    .power_off = off,
    .load_tables = load_tables,
    .set_stack = set_stack,
    .leave = native_leave,
    .fault_address = read_cr2,
    .irq_enable = sti,
    .irq_disable = cli,
    .irqs_enabled = irqs_enabled,
    .irq_wait = sti_hlt_cli,
    .lines_init = pic_init,
    .lines_open = lines_open,
    .line_done = pic_eoi,
    .timer_once = timer_once,
    .use_tables = use_tables,
    .use_flat_tables = use_flat_tables,
    .no_tables = no_tables,
    .page_changed = page_changed,
    .tables_changed = forget_all,
    .task_switched = task_switched,
};
