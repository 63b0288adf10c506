/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel that behaves towards lguest as Linux 2.6.31 and 3.2 did, with and without PAE
 *
 * Background: real kernels of these releases cannot be had here, and our own kernel, though it uses
 *   the same calls, was written together with the model. So this one was written from the guest's
 *   sources: their order, their flags, their errors.
 * What it does: goes the way of a boot: decompressor (in boot/), startup_32, LGUEST_INIT, GDT and
 *   segments, early console, fixmap, looking for BIOS and devices that are not there, traps, page
 *   tables, FPU, clock, the virtio console, a process, and the end: power-off, or with the word
 *   `restart` or `panic` on its command line one of the other two.
 * How it could be fooled: what it forgets to imitate. It ends by SHUTDOWN with the text of the check
 *   that failed, and the words it prints before are compared by tests/run/linux.bats.
 */
#include "linux.h"

static uint8_t inb(uint16_t port)
{
    uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static uint16_t inw(uint16_t port)
{
    uint16_t v;
    asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static uint32_t inl(uint16_t port)
{
    uint32_t v;
    asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void outb(uint8_t v, uint16_t port)
{
    asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static void outl(uint32_t v, uint16_t port)
{
    asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

/* The processor's features, by the instruction itself: what is shown must be what works in ring 1. */
static void cpu_detect(void)
{
    enum { FPU = 1, TSC = 1 << 4, PAE_BIT = 1 << 6, CX8 = 1 << 8, FXSR = 1 << 24, SSE2 = 1 << 26 };
    uint32_t a = 1, b, c = 0, d, one, two;

    /* have_cpuid_p(): EFLAGS.ID can be changed in any ring */
    asm volatile(
        "pushfl; popl %0; movl %0, %1; xorl $0x200000, %1; pushl %1; popfl; pushfl; popl %1"
        : "=&r"(one), "=&r"(two)
        :
        : "cc");
    check((one ^ two) & 0x200000);
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    check((d & (FPU | TSC | PAE_BIT | CX8 | FXSR | SSE2)) ==
          (FPU | TSC | PAE_BIT | CX8 | FXSR | SSE2));
}

/* A PC's places, all of them empty memory. */
static void look_for_bios(void)
{
    const volatile uint32_t *f000 = early_ioremap(0xF0000);

    for (uint32_t i = 0; i < 0x10000 / 4; i++)
        check(!f000[i]);
    early_iounmap();
    for (uint32_t at = 0xC0000; at < 0xF0000; at += 2048)
        check(!*(volatile uint32_t *)va(at));
    check(!*(volatile uint16_t *)va(0x40E));
    volatile uint16_t *vga = va(0xB8000); /* and it can be written, like all memory */
    *vga = 0xAA55;
    check(*vga == 0xAA55);
}

/* Ports that no one answers. */
static void probe_ports(void)
{
    check(inb(0x64) == 0xFF && inb(0x61) == 0xFF && inb(0x71) == 0xFF && inb(0x3DA) == 0xFF);
    check(inw(0x1F0) == 0xFFFF);
    outb(0xFE, 0x21);
    outb(0, 0x80);
    outl(0x80000000, 0xCF8); /* PCI, mechanism 1 */
    check(inl(0xCF8) == ~0u && inl(0xCFC) == ~0u);
}

/* Instructions of ring 0 that have no hook: a fault at their very address, and the table of fixups. */
static void privileged(void)
{
    uint32_t value = 0;

    check(TRY("rdmsr", 0, 0, "c"(0x1A0)) == 13 && !fault.error);
    check(TRY("wrmsr", 0, 0, "c"(0x8B)) == 13 && !fault.error);
    check(TRY("hlt", 0, 0) == 13);
    check(TRY("movl %%cr0, %1", 0, 0) == 13);
    check(TRY("lldt %w1", 0, 0) == 13);
    check(TRY("ud2", 0, 0) == 6);
    check(TRY("insb", 0, 0x60, "D"(&value)) == 13); /* no string I/O */
    if (RELEASE_3_2)
        asm volatile("cli"); /* passed over since 2.6.33 */
    else
        check(TRY("cli", 0, 0) == 13);
    char table[6];
    asm volatile("sgdt %0; sidt %0" : "=m"(table)); /* these tell, and do not fault */
    asm volatile("str %w0; sldt %w0; smsw %w0" : "+r"(value));
    asm volatile("pushl $0; popfl" : : : "cc", "memory"); /* IF and IOPL stay as they are */
    asm volatile("pushfl; popl %0" : "=r"(value));
    check(value & 0x200 && !(value & 0x3000));
}

/* The host has switched on what the FPU needs; TS is ours to ask for. */
static void fpu_init(void)
{
    uint16_t control = 0;
    static uint32_t four[4] __attribute__((aligned(16))) = {1, 2, 3, 4},
                            sum[4] __attribute__((aligned(16)));
    static uint8_t area[512] __attribute__((aligned(16)));

    set_ts(false);
    asm volatile("fninit; fnstcw %0" : "=m"(control));
    check(control == 0x37F);
    asm volatile("fxsave %0" : "=m"(area));
    asm volatile("movaps %1, %%xmm0; paddd %%xmm0, %%xmm0; movaps %%xmm0, %0"
                 : "=m"(sum)
                 : "m"(four));
    check(sum[0] == 2 && sum[3] == 8);
    set_ts(true);
    asm volatile("fnstcw %0" : "=m"(control)); /* #NM, which takes TS away */
    set_ts(false);
}

/* More changes than the ring has slots, in lazy mode, to pages that are in use. */
static void lazy_mmu(void)
{
    enum { PAGES = 200 };
    static uint32_t frame[2][1024] __attribute__((aligned(PAGE_SIZE)));
    volatile uint32_t *at = ioremap(pa(frame[0]), PAGES);
    uint32_t first = (uint32_t)at;

    frame[0][0] = 0xAAAA;
    frame[1][0] = 0xBBBB;
    for (uint32_t i = 0; i < PAGES; i++)
        set_pte_at(&init_mm, first + i * PAGE_SIZE, pa(frame[0]) | PAGE_KERNEL);
    for (uint32_t i = 0; i < PAGES; i++)
        check(at[i * 1024] == 0xAAAA);
    lazy = true;
    for (uint32_t i = 0; i < PAGES; i++)
        set_pte_at(&init_mm, first + i * PAGE_SIZE, pa(frame[1]) | PAGE_KERNEL);
    leave_lazy();
    for (uint32_t i = 0; i < PAGES; i++)
        check(at[i * 1024] == 0xBBBB);
}

static void end(void)
{
    static const char off[128] = "Power down", again[128] = "Restarting";

    if (has_word("panic"))
        panic("as asked", __FILE_NAME__, __LINE__);
    if (has_word("restart"))
        hcall(LHCALL_SHUTDOWN, pa(again), LGUEST_SHUTDOWN_RESTART, 0);
    hcall(LHCALL_SHUTDOWN, pa(off), LGUEST_SHUTDOWN_POWEROFF, 0);
}

void lguest_init(void) __attribute__((noreturn));
void lguest_init(void)
{
    char line[80];

    gdt_init();
    cpu_detect();
    printk("like Linux " RELEASE "%s, on lguest: %s\n", PAE ? " with PAE" : "", command_line);
    early_ioremap_init();
    look_for_bios();
    trap_init();
    probe_ports();
    privileged();
    paging_init();
    fpu_init();
    printk("traps, page tables, FPU\n");
    time_init();
    printk("clock: %u ticks\n", jiffies > 3);
    lazy_mmu();
    devices_init();
    for (unsigned i = 0; i < 6; i++) /* more than the hypervisor has shadows for */
        run_process();
    printk("the processes ended\n");
    printk("say something: ");
    console_read_line(line, sizeof line);
    printk("[%s]\n", line);
    end();
    panic("SHUTDOWN came back", __FILE_NAME__, __LINE__);
}
