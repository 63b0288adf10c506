// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest: ring 1 under a hypervisor that is asked by "int $0x1f", or "vmcall" up to 3.0 (abi/lguest.h).
 * The kernel's own backend is in guest/pv/lguest; here is the least that serves a test.
 */
#include "env.h"

#include "abi/lguest.h"
#include "abi/ringside_ports.h"
#include "paging.h"
#include "test.h"
#include "traps.h"

/* boot_params */
enum { BP_CMD_LINE_PTR = 0x228 };
/* Above everything that a test maps: no page is one that all address spaces share. */
#define KERNEL_ADDRESS 0xC0000000u

struct lguest_data lguest_data __attribute__((aligned(64)));
static bool is_3_2;

bool on_lguest_3_2(void)
{
    return on_lguest() && is_3_2;
}

/* ---- calls ---- */

extern const char lguest_int[], lguest_vmcall[], lguest_noirq_start[], lguest_noirq_end[];
asm("lguest_int: int $0x1f\n"
    "ret\n"
    "lguest_vmcall: .byte 0x0f, 0x01, 0xc1\n" /* rewritten by the host when it is met first */
    "ret\n");

void lguest_hcall(uint32_t call, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    asm volatile("call *%5"
                 : "+a"(call)
                 : "b"(a1), "c"(a2), "d"(a3), "S"(a4), "D"(is_3_2 ? lguest_int : lguest_vmcall)
                 : "memory", "cc");
}

/* Nobody says which release this is, and the first call must be right. A bug tells, which was mended
   when the rest changed: IN of a byte used to set sixteen bits. */
static bool in_is_too_wide(void)
{
    uint32_t eax = 0;

    asm volatile("inb $0x80, %%al" : "+a"(eax));
    return eax == 0xFFFF;
}

static const char *enter(uint32_t magic, const void *info)
{
    const uint8_t *params = info;

    (void)magic;
    is_3_2 = !in_is_too_wide();
    memset(lguest_data.hcall_status, LHCALL_RING_FREE, sizeof lguest_data.hcall_status);
    lguest_data.blocked_interrupts = ~0u;
    if (is_3_2) {
        struct lguest_data_3_2 *d = (void *)&lguest_data;
        d->noirq_start = (uint32_t)lguest_noirq_start;
        d->noirq_end = (uint32_t)lguest_noirq_end;
        d->kernel_address = KERNEL_ADDRESS;
        d->syscall_vec = VECTOR_SYSCALL;
    } else {
        lguest_data.noirq_start = (uint32_t)lguest_noirq_start;
        lguest_data.noirq_end = (uint32_t)lguest_noirq_end;
        lguest_data.kernel_address = KERNEL_ADDRESS;
        lguest_data.syscall_vec = VECTOR_SYSCALL;
    }
    lguest_hcall(LHCALL_LGUEST_INIT, (uint32_t)&lguest_data, 0, 0, 0);
    return *(const char *const *)(params + BP_CMD_LINE_PTR);
}

/* The early console takes strings, so a line is collected first. */
static void put(char c)
{
    static char line[128];
    static unsigned n;

    line[n++] = c;
    if (c != '\n' && n < sizeof line - 1)
        return;
    line[n] = 0;
    n = 0;
    lguest_hcall(LHCALL_NOTIFY, (uint32_t)line, 0, 0, 0);
}

/* The status port is Ringside's, not lguest's; where it is not, it reads as all ports do. */
static void off(uint8_t status)
{
    static char message[128] = "Power down";

    if (inl(RINGSIDE_STATUS_PORT) == RINGSIDE_STATUS_MAGIC)
        outb(RINGSIDE_STATUS_PORT, status);
    lguest_hcall(LHCALL_SHUTDOWN, (uint32_t)message, LGUEST_SHUTDOWN_POWEROFF, 0, 0);
    for (;;)
        lguest_hcall(LHCALL_HALT, 0, 0, 0, 0);
}

/* ---- paging ---- */

static bool have_tables;

static void new_pgtable(const void *root)
{
    have_tables = true;
    lguest_hcall(LHCALL_NEW_PGTABLE, (uint32_t)root, 0, 0, 0);
}

static void use_tables(const uint64_t *root)
{
    new_pgtable(root);
}

/* A kernel's tables show memory at its address, too; by that a host for both formats knows them. */
static void use_flat_tables(uint32_t *root)
{
    root[KERNEL_ADDRESS >> 22] = root[0];
    new_pgtable(root);
}

/* What was there at the start cannot be had again; tables that say the same can. */
static void no_tables(void)
{
    static uint64_t *identity;

    if (!identity)
        identity = pae_new();
    new_pgtable(identity);
}

/* Up to 3.0 there are tables at the start. Later a guest has to bring some, and has no ring 3 without:
   what is made up for it until then is the kernel's alone. */
static void before_user(void)
{
    if (is_3_2 && !have_tables)
        no_tables();
}

static void page_changed(void *root, uint32_t va, uint64_t entry)
{
    lguest_hcall(LHCALL_SET_PTE, (uint32_t)root, va, (uint32_t)entry, (uint32_t)(entry >> 32));
}

static void forget_all(void)
{
    lguest_hcall(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
}

/* ---- tables: the host has them, and is told entry by entry ---- */

static void gdt_changed(unsigned index)
{
    lguest_hcall(LHCALL_LOAD_GDT_ENTRY, index, gdt[index].lo, gdt[index].hi, 0);
}

/* "For the kernel alone" means ring 1 here; the host itself would let nobody use DPL 0. */
static void idt_changed(unsigned vector)
{
    uint32_t hi = idt[vector].hi;

    if (hi & DESC_P && !(hi & DESC_DPL(3)))
        hi |= DESC_DPL(1);
    lguest_hcall(LHCALL_LOAD_IDT_ENTRY, vector, idt[vector].lo, hi, 0);
}

static void load_tables(void)
{
    gdt_changed(SEL_CODE3 / 8);
    gdt_changed(SEL_DATA3 / 8);
    /* A software interrupt above 31 reaches the guest through one gate alone, and past the host. */
    idt[VECTOR_SYSCALL] = (struct desc){
        idt[VECTOR_SYSCALL].lo, (idt[VECTOR_SYSCALL].hi & ~(uint32_t)DESC_INT32) | DESC_TRAP32};
    for (unsigned v = 0; v < 256; v++)
        idt_changed(v);
    asm volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(LGUEST_KERNEL_DS));
}

static void set_stack(uint32_t esp)
{
    lguest_hcall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, esp, 2, 0);
}

/* A trap gate leaves the flag alone, and a direct trap's frame shows the CPU's, which is always set:
   ours is in memory. The system call's stands for an interrupt gate (load_tables). */
static void trap_entered(struct regs *r)
{
    if ((idt[r->vector & 0xFF].hi & DESC_TRAP32) != DESC_TRAP32)
        return;
    r->eflags = (r->eflags & ~(uint32_t)FL_IF) | lguest_data.irq_enabled;
    if (r->vector == VECTOR_SYSCALL)
        lguest_data.irq_enabled = 0;
}

static uint32_t fault_address(void)
{
    return lguest_data.cr2;
}

/* ---- interrupts: the flag is a word in memory ---- */

/* IRET ignores IF in ring 1, so it is stored before; between the two nothing may come in. */
void lguest_leave(void);
asm(".globl lguest_noirq_start, lguest_noirq_end\n"
    "lguest_leave:\n"
    "pushl %eax\n"
    "movl 12(%esp), %eax\n"
    "andl $0x200, %eax\n"
    "lguest_noirq_start:\n"
    "movl %eax, %ss:lguest_data + 0\n"   /* irq_enabled */
    "testl %eax, %ss:lguest_data + 20\n" /* irq_pending */
    "jz 1f\n"
    "movl $19, %eax\n" /* SEND_INTERRUPTS; delivered when the window is left */
    "int $0x1f\n"
    "1: popl %eax\n"
    "iretl\n"
    "lguest_noirq_end:\n");
_Static_assert(LGUEST_DATA_irq_enabled == 0 && LGUEST_DATA_irq_pending == 20 &&
                   LHCALL_SEND_INTERRUPTS == 19,
               "as written above");

static volatile struct lguest_data *data(void)
{
    return &lguest_data;
}

static void enable(void)
{
    data()->irq_enabled = LGUEST_IF;
    if (data()->irq_pending)
        lguest_hcall(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
}

static void disable(void)
{
    data()->irq_enabled = 0;
}

static bool irqs_enabled(void)
{
    return data()->irq_enabled & LGUEST_IF;
}

static void irq_wait(void)
{
    lguest_hcall(LHCALL_HALT, 0, 0, 0, 0);
    disable();
}

static void lines_open(uint32_t mask)
{
    data()->blocked_interrupts = ~mask;
}

static void lines_init(void)
{
    lines_open(0);
}

static void line_done(unsigned line)
{
    (void)line; /* there is no chip to tell */
}

static void timer_once(uint32_t us)
{
    lguest_hcall(LHCALL_SET_CLOCKEVENT, us * 1000, 0, 0, 0);
}

/* ---- FPU ---- */

static void task_switched(bool on)
{
    lguest_hcall(LHCALL_TS, on ? CR0_TS : 0, 0, 0, 0);
}

const struct env env_lguest = {
    .name = "lguest",
    .ring = 1,
    .cs = LGUEST_KERNEL_CS,
    .ds = LGUEST_KERNEL_DS,
    .system = 16 * 8, /* the host's TSS */
    .enter = enter,
    .put = put,
    .power_off = off,
    .load_tables = load_tables,
    .gdt_changed = gdt_changed,
    .idt_changed = idt_changed,
    .set_stack = set_stack,
    .trap_entered = trap_entered,
    .leave = lguest_leave,
    .fault_address = fault_address,
    .irq_enable = enable,
    .irq_disable = disable,
    .irqs_enabled = irqs_enabled,
    .irq_wait = irq_wait,
    .lines_init = lines_init,
    .lines_open = lines_open,
    .line_done = line_done,
    .timer_once = timer_once,
    .use_tables = use_tables,
    .use_flat_tables = use_flat_tables,
    .no_tables = no_tables,
    .page_changed = page_changed,
    .tables_changed = forget_all,
    .before_user = before_user,
    .task_switched = task_switched,
};
