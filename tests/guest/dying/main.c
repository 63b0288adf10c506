// SPDX-License-Identifier: GPL-2.0-only
/*
 * dying: one kernel, many ways to end badly
 *
 * Background: a hostile guest is normal. Whatever it does, the host says what happened and lives.
 *   What kills depends on who is above: a CPU shuts down when it cannot even deliver a double fault, a
 *   hypervisor ends its guest when it asks for something absurd (lguest.c).
 * What it does: the last word of the command line names a way; the kernel goes it. Those that end in
 *   a shutdown of the CPU must be reported as a dead domain (status 70) with the reason in words;
 *   those that never end are stopped by --max-cycles (status 75); the ways that real hardware
 *   survives must be survived, and end with the status 42. The runner knows which is which.
 * How it could be fooled: a kernel that does not know the word ends with "error", which is none of
 *   these.
 */
#include "dying.h"
#include "paging.h"
#include "pic.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "dying";

static const struct {
    uint16_t pad, limit;
    uint32_t base;
} no_table = {0, 0, 0};

static void no_idt(void)
{
    if (env->ring) {
        for (unsigned v = 0; v < 256; v++)
            idt_set((uint8_t)v, (struct desc){0, 0});
        return;
    }
    asm volatile("lidt %0" : : "m"(no_table.limit));
}

/* ---- shutdowns ---- */

static void triple_fault(void)
{
    no_idt();
    asm volatile("ud2");
}

static void triple_by_int(void)
{
    no_idt();
    asm volatile("int $0x80");
}

static void sleep(void)
{
    if (on_lguest())
        lguest_halt();
    else
        asm volatile("hlt");
}

static void halt_without_interrupts(void)
{
    irq_disable();
    for (;;)
        sleep();
}

static void halt_all_masked(void)
{
    env->lines_init();
    irq_enable();
    for (;;)
        sleep();
}

static void garbage(void)
{
    static uint8_t bytes[4096];
    uint32_t seed = 4711;

    no_idt();
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    asm volatile("jmp *%0" : : "r"(bytes));
}

static void execute_hole(void)
{
    no_idt();
    asm volatile("jmp *%0" : : "r"(HOLE));
}

static void execute_unmapped(void)
{
    pae_on(pae_new());
    no_idt();
    asm volatile("jmp *%0" : : "r"(0x40000000));
}

static void stack_in_hole(void)
{
    asm volatile("movl %0, %%esp; pushl %%eax; popl %%eax; call 1f; 1: int $0x33"
                 :
                 : "r"(HOLE + 0x1000)
                 : "memory");
}

static void stack_unmapped(void)
{
    pae_on(pae_new());
    asm volatile("movl %0, %%esp; pushl %%eax" : : "r"(0x40000000) : "memory");
}

static void gdt_in_hole(void)
{
    struct {
        uint16_t pad, limit;
        uint32_t base;
    } gdtr = {0, 0xFFFF, HOLE};

    asm volatile("lgdt %0; mov %1, %%ds" : : "m"(gdtr.limit), "r"(SEL_DATA0) : "memory");
    asm volatile("int $0x33");
}

static void idt_in_hole(void)
{
    struct {
        uint16_t pad, limit;
        uint32_t base;
    } idtr = {0, 0x7FF, HOLE};

    asm volatile("lidt %0; int $0x33" : : "m"(idtr.limit) : "memory");
}

static void cr3_in_hole(void)
{
    no_idt();
    write_cr4(read_cr4() | CR4_PAE);
    write_cr3(HOLE);
    write_cr0(read_cr0() | CR0_PG);
    asm volatile("nop; nop");
    *(volatile uint32_t *)0x1000 = 1;
    for (;;)
        asm volatile("ud2");
}

static void cr3_flat_in_hole(void)
{
    no_idt();
    write_cr3(HOLE);
    write_cr0(read_cr0() | CR0_PG);
    asm volatile("ud2");
}

static void reset(void)
{
    if (on_lguest())
        lguest_restart();
    outb(0x64, 0xFE);
    for (;;)
        ;
}

/* ---- no end ---- */

static void loop(void)
{
    asm volatile("1: jmp 1b");
}

static void loop_with_interrupts(void)
{
    env->lines_init();
    irq_enable();
    asm volatile("1: incl %%eax; jmp 1b" : : : "eax");
}

static void storm_entry(struct regs *r)
{
    (void)r; /* back to the instruction that faulted, for ever */
}

static void fault_storm(void)
{
    trap_handle(X86_UD, storm_entry);
    asm volatile("ud2");
}

static void again(struct regs *r)
{
    env->line_done(r->vector - IRQ_VECTOR);
    env->timer_once(1);
}

static void interrupt_storm(void)
{
    env->lines_init();
    trap_handle(IRQ_VECTOR, again);
    env->lines_open(1);
    env->timer_once(1);
    for (;;)
        env->irq_wait();
}

static void page_fault_storm(void)
{
    pae_on(pae_new());
    trap_handle(X86_PF, storm_entry);
    *(volatile uint32_t *)0x40000000 = 1;
}

static void port_storm(void)
{
    for (uint32_t port = 0;; port++)
        if ((port & 0xFFFF) != 0x604 && (port & 0xFFFF) != 0x64 && (port & 0xFFFF) != 0xF4)
            outb((uint16_t)port, (uint8_t)(port >> 3));
}

static void own_block_storm(void)
{
    /* Each turn patches the instruction behind the store. */
    asm volatile("1: incl %%eax; movl %%eax, 2f + 1; 2: movl $0, %%ecx; jmp 1b" : : : "eax", "ecx");
}

/* ---- what hardware survives ---- */

static void execute_breakpoint(void)
{
    /* DR7 enabling an execute breakpoint on the next instructions: the engine, left to itself, crashes
       the host here. The machine keeps the registers and never breaks. */
    trap_handle(X86_DB, storm_entry);
    asm volatile("movl $1f, %%eax; mov %%eax, %%dr0; movl $0x403, %%eax; mov %%eax, %%dr7\n"
                 "nop\n"
                 "1: nop; nop; nop\n"
                 "xorl %%eax, %%eax; mov %%eax, %%dr7"
                 :
                 :
                 : "eax");
    power_off(SURVIVED);
}

static void tables_into_holes(void)
{
    uint64_t *root = pae_new();

    *pae_middle(root, 0x40000000) = HOLE | PTE_P | PTE_W | PTE_U;
    *pae_entry(root, 0x80000000) = 0xFFF000000ull | PTE_P | PTE_W;
    pae_on(root);
    /* A table of ones: reserved bits. */
    check(TRY("movl (%0), %%eax", "r"(0x40000000), "a"(0)).vector == X86_PF);
    *(volatile uint32_t *)0x80000000 = 1;
    if (*(volatile uint32_t *)0x80000000 != 0xFFFFFFFF)
        test_failure("a hole remembers");
    power_off(SURVIVED);
}

static void long_prefixes(void)
{
    check_fault(TRY(".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,"
                    "0x66,0x66,0x90"),
                X86_GP, 0);
    power_off(SURVIVED);
}

static void touch_everything(void)
{
    /* Every 64 KiB of the whole address space, reading. */
    for (uint32_t at = 0x10000; at; at += 0x10000)
        (void)*(volatile uint8_t *)at;
    *(volatile uint32_t *)(HOLE + 0xFFE) = 1; /* and some writes */
    *(volatile uint32_t *)0xFFFFFFFC = 1;
    *(volatile uint32_t *)0xA0000 = 1;
    power_off(SURVIVED);
}

static void unknown_ports(void)
{
    if (inb(0x1234) != 0xFF || inw(0x1234) != 0xFFFF || inl(0x1234) != 0xFFFFFFFF)
        test_failure("an unknown port does not read all ones");
    outl(0xCF8, 0x80000000);
    outb(0x1234, 1);
    power_off(SURVIVED);
}

/* Where each way leads to its end; the others have no such way. */
enum { BARE = 1, LGUEST = 2, ANYWHERE = BARE | LGUEST };

static const struct {
    const char *name;
    void (*go)(void);
    unsigned where;
} ways[] = {{"triple-fault", triple_fault, ANYWHERE},
            {"triple-by-int", triple_by_int, ANYWHERE},
            {"halt", halt_without_interrupts, ANYWHERE},
            {"halt-masked", halt_all_masked, ANYWHERE},
            {"garbage", garbage, ANYWHERE},
            {"execute-hole", execute_hole, ANYWHERE},
            {"execute-unmapped", execute_unmapped, ANYWHERE},
            {"stack-in-hole", stack_in_hole, ANYWHERE},
            {"stack-unmapped", stack_unmapped, ANYWHERE},
            {"gdt-in-hole", gdt_in_hole, BARE},
            {"idt-in-hole", idt_in_hole, BARE},
            {"cr3-in-hole", cr3_in_hole, BARE},
            {"cr3-flat-in-hole", cr3_flat_in_hole, BARE},
            {"reset", reset, ANYWHERE},
            {"loop", loop, ANYWHERE},
            {"loop-with-interrupts", loop_with_interrupts, ANYWHERE},
            {"fault-storm", fault_storm, ANYWHERE},
            {"interrupt-storm", interrupt_storm, ANYWHERE},
            {"page-fault-storm", page_fault_storm, ANYWHERE},
            {"port-storm", port_storm, ANYWHERE},
            {"own-block-storm", own_block_storm, ANYWHERE},
            {"execute-breakpoint", execute_breakpoint, BARE},
            {"tables-into-holes", tables_into_holes, BARE},
            {"long-prefixes", long_prefixes, ANYWHERE},
            {"touch-everything", touch_everything, BARE},
            {"unknown-ports", unknown_ports, ANYWHERE},
#define WAY(name, function) {name, function, LGUEST},
            LGUEST_WAYS(WAY)};

void test_main(void)
{
    const unsigned here = on_lguest() ? LGUEST : BARE;

    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
        if (ways[i].where & here && strcmp(test_command_word(), ways[i].name) == 0) {
            printk("%s\n", ways[i].name);
            ways[i].go();
            test_error("it came back");
            return;
        }
    test_error("no way to die is called '%s'; there are:", test_command_word());
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
        if (ways[i].where & here)
            printk("  %s\n", ways[i].name);
}
