/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's last words: what happened, the registers, and the way that led there. Names come
 * from the symbol table that the build puts into .symbols, the plain text of "nm -n": one line a
 * symbol, "c0101230 T schedule", sorted by address. It is only ever read here, and slowly.
 */
#include "abi/ringside_ports.h"
#include "drivers/drivers.h"
#include "klog.h"
#include "pv/pv.h"
#include "task.h"
#include "traps.h"

extern const char text_start[], text_end[], symbols_start[], symbols_end[];
extern char boot_stack[], boot_stack_top[];

static uint32_t parse_hex(const char *p)
{
    uint32_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 4 | (p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
    return v;
}

/* "schedule+0x1c" into buf. */
static void symbolise(uint32_t addr, char *buf, size_t size)
{
    const char *best = NULL, *line = symbols_start;
    uint32_t value, best_value = 0;

    while (symbols_end - line > 11) {
        const char *nl = memchr(line, '\n', symbols_end - line);
        if (!nl)
            break;
        value = parse_hex(line);
        if (value > addr)
            break;
        if ((line[9] | 0x20) == 't' && value >= (uint32_t)text_start) {
            best = line;
            best_value = value;
        }
        line = nl + 1;
    }
    if (!best) {
        snprintf(buf, size, "?");
        return;
    }
    const char *name = best + 11;
    int n = (const char *)memchr(name, '\n', symbols_end - name) - name;
    snprintf(buf, size, "%.*s+0x%x", n, name, addr - best_value);
}

static void print_address(const char *what, uint32_t addr)
{
    char name[80];

    symbolise(addr, name, sizeof name);
    printk("%s%08x %s\n", what, addr, name);
}

static bool on_stack(uint32_t p)
{
    uint32_t stack = current ? (uint32_t)current->kstack : (uint32_t)boot_stack;

    return p >= stack && p + 8 <= stack + (PAGE_SIZE << KSTACK_ORDER) && p % 4 == 0;
}

/* Frame pointers: each frame begins with the caller's EBP, and above it lies the return address. */
static void backtrace(uint32_t ebp)
{
    printk("Call trace:\n");
    for (int depth = 0; depth < 32 && on_stack(ebp); depth++) {
        uint32_t caller = ((uint32_t *)ebp)[0], back = ((uint32_t *)ebp)[1];
        if (back < (uint32_t)text_start || back >= (uint32_t)text_end)
            break;
        print_address("  ", back);
        if (caller <= ebp)
            break;
        ebp = caller;
    }
}

static void begin(void)
{
    static bool again;

    pv_irq_disable();
    if (again)
        power_off_panicked("panic in panic"); /* panic() itself is broken: no more words */
    again = true;
    klog_panic();
}

static void finish(const char *why, uint32_t ebp)
{
    if (current)
        printk("Task: %s (%d)\n", current->comm, current->pid);
    backtrace(ebp);
    printk("---[ end of kernel panic ]---\n");
    power_off_panicked(why);
}

static void print_system_registers(void)
{
    struct desc_ptr gdt, idt;

    pv_store_gdt(&gdt);
    pv_store_idt(&idt);
    printk("CR0 %08x  CR3 %08x  CR4 %08x  TR %04x\n", pv_read_cr0(), pv_read_cr3(),
           pv_read_cr4_safe(), pv_store_tr());
    printk("GDT %08x+%x  IDT %08x+%x\n", gdt.base, gdt.limit, idt.base, idt.limit);
}

void panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    begin();
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    printk("Kernel panic: %s\n", text);
    finish(text, (uint32_t)__builtin_frame_address(0));
    __builtin_unreachable();
}

void panic_trap(const struct trap_frame *f, uint32_t cr2, const char *what)
{
    bool user = from_user(f);
    uint32_t esp = user ? f->esp : (uint32_t)&f->esp; /* no stack switch: it lies above the frame */

    begin();
    printk("Kernel panic: %s, vector %u, error code %x\n", what, f->vector, f->error);
    if (f->vector == TRAP_PF)
        printk("CR2 %08x\n", cr2);
    print_address("EIP ", f->eip);
    printk("EAX %08x  EBX %08x  ECX %08x  EDX %08x\n", f->eax, f->ebx, f->ecx, f->edx);
    printk("ESI %08x  EDI %08x  EBP %08x  ESP %08x\n", f->esi, f->edi, f->ebp, esp);
    printk("CS %04x  DS %04x  ES %04x  FS %04x  GS %04x  EFLAGS %08x\n", f->cs & 0xFFFF,
           f->ds & 0xFFFF, f->es & 0xFFFF, f->fs & 0xFFFF, f->gs & 0xFFFF, f->eflags);
    print_system_registers();
    finish(what, user ? 0 : f->ebp);
    __builtin_unreachable();
}
