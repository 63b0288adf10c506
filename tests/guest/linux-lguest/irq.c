/* SPDX-License-Identifier: GPL-2.0-only */
/* GDT and IDT by hypercalls, traps with an exception table of one entry, the clock. */
#include "linux.h"

struct desc {
    uint32_t a, b;
};

static uint32_t percpu[8] = {0xC0FFEE};
static uint32_t canary[8];
static struct desc gdt[LGUEST_GDT_ENTRIES], idt[256];
struct fault fault;
uint32_t fixup;
volatile uint32_t jiffies;
void (*irq_handler[LGUEST_IRQS])(void);

static struct desc data_segment(const void *base, uint32_t limit)
{
    uint32_t at = (uint32_t)base;
    return (struct desc){at << 16 | (limit & 0xFFFF),
                         (at & 0xFF000000) | (at >> 16 & 0xFF) | 0x00409200 | (limit & 0xF0000)};
}

/* With DPL 0 where Linux has it, and with a TSS that only the host's table will ever have. */
void gdt_init(void)
{
    uint32_t value;

    gdt[KERNEL_CS / 8] = (struct desc){0x0000FFFF, 0x00CF9A00};
    gdt[KERNEL_DS / 8] = (struct desc){0x0000FFFF, 0x00CF9200};
    gdt[USER_CS / 8] = (struct desc){0x0000FFFF, 0x00CFFA00};
    gdt[USER_DS / 8] = (struct desc){0x0000FFFF, 0x00CFF200};
    gdt[16] = (struct desc){0x00000068, 0x00008900};
    gdt[31] = (struct desc){0x00000068, 0x00008900};
    gdt[GDT_PERCPU] = data_segment(percpu, 0xFFFFF);
    gdt[GDT_CANARY] = data_segment(canary, 0x18);
    canary[5] = 0x5EED;
    for (uint32_t i = 0; i < LGUEST_GDT_ENTRIES; i++)
        hcall(LHCALL_LOAD_GDT_ENTRY, i, gdt[i].a, gdt[i].b);
    asm volatile("mov %0, %%fs; mov %1, %%gs" : : "r"(PERCPU_SEL), "r"(CANARY_SEL));
    asm volatile("movl %%fs:0, %0" : "=r"(value));
    check(value == 0xC0FFEE);
    asm volatile("movl %%gs:20, %0" : "=r"(value));
    check(value == 0x5EED);
}

uint32_t local_irq_save(void)
{
    uint32_t flags = lguest_data.irq_enabled;
    lguest_data.irq_enabled = 0;
    asm volatile("" : : : "memory");
    return flags;
}

void safe_halt(void)
{
    hcall(LHCALL_HALT, 0, 0, 0);
}

void set_ts(bool on)
{
    lazy_hcall(LHCALL_TS, on ? 8 : 0, 0, 0, 0);
}

/* ---- traps ---- */

static void timer_interrupt(void)
{
    jiffies++;
    hcall(LHCALL_SET_CLOCKEVENT, 1000000, 0, 0); /* HZ = 1000 */
}

void trap(struct regs *r)
{
    if (r->vector >= LGUEST_IRQ_VECTOR && r->vector < LGUEST_IRQ_VECTOR + LGUEST_IRQS) {
        check(!lguest_data.irq_enabled); /* an interrupt gate */
        check(irq_handler[r->vector - LGUEST_IRQ_VECTOR]);
        irq_handler[r->vector - LGUEST_IRQ_VECTOR]();
        return;
    }
    if (r->vector == 7) { /* somebody wants the FPU; it is free */
        set_ts(false);
        return;
    }
    if ((r->cs & 3) == 3 && user_trap(r))
        return;
    if (!fixup) {
        printk("trap %u (%x) at %x, cr2 %x\n", r->vector, r->error, r->eip, lguest_data.cr2);
        panic("a trap that nobody expected", __FILE_NAME__, __LINE__);
    }
    fault = (struct fault){r->vector, r->error, r->eip, lguest_data.cr2};
    r->eip = fixup;
}

static void set_gate(uint32_t vector, uint32_t flags)
{
    extern char trap_stubs[];
    uint32_t at = (uint32_t)trap_stubs + vector * 16;

    idt[vector] = (struct desc){KERNEL_CS << 16 | (at & 0xFFFF), (at & 0xFFFF0000) | flags};
    hcall(LHCALL_LOAD_IDT_ENTRY, vector, idt[vector].a, idt[vector].b);
}

void trap_init(void)
{
    enum { INTERRUPT = 0x8E00, TRAP = 0x8F00, USER = 0x6000 };

    for (uint32_t i = 0; i < 32; i++)
        set_gate(i, i == 3 || i == 4 ? INTERRUPT | USER : INTERRUPT);
    idt[8] =
        (struct desc){31 * 8 << 16, 0x8500}; /* the double fault's task gate: not our business */
    set_gate(0x80, TRAP | USER);
    for (uint32_t i = 32; i < 256; i++)
        if (i != 0x80)
            set_gate(i, INTERRUPT);
    /* load_idt: all of it again */
    for (uint32_t i = 0; i < 256; i++)
        hcall(LHCALL_LOAD_IDT_ENTRY, i, idt[i].a, idt[i].b);
    irq_handler[0] = timer_interrupt;
}

/* ---- time ---- */

void time_init(void)
{
    uint32_t flags, seconds = (uint32_t)lguest_data.tv_sec;

    check(lguest_data.tsc_khz);
    lguest_data.blocked_interrupts &= ~1u;
    hcall(LHCALL_SET_CLOCKEVENT, 1000000, 0, 0);
    while (jiffies < 3)
        safe_halt();                            /* which lets interrupts in */
    check(lguest_data.irq_enabled & LGUEST_IF); /* the whole of EFLAGS, as IRET left it */
    check((uint32_t)lguest_data.tv_sec - seconds <= 1);
    /* Masked: it waits, and says so. */
    local_irq_enable();
    flags = local_irq_save();
    check(flags & LGUEST_IF);
    uint32_t before = jiffies;
    while (!lguest_data.irq_pending)
        asm volatile("pause" : : : "memory");
    check(jiffies == before);
    local_irq_restore(flags);
    check(jiffies == before + 1); /* by SEND_INTERRUPTS, before we came back */
    /* The enabling that forgets to look: the host must find out by itself. */
    local_irq_save();
    before = jiffies;
    while (!lguest_data.irq_pending)
        asm volatile("pause" : : : "memory");
    local_irq_enable();
    for (uint32_t i = 0; i < 100000 && jiffies == before; i++)
        asm volatile("" : : : "memory");
    check(jiffies > before);
}
