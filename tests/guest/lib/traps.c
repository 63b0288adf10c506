// SPDX-License-Identifier: GPL-2.0-only
/* Segments, IDT; the exception table; ring 3; what becomes of a fault that nobody expected. */
#include "traps.h"

#include "test.h"

/* Made in C, called in traps.S, or the other way round. */
uint32_t user_call_on(uint32_t (*fn)(uint32_t), uint32_t arg, uint32_t eflags);
_Noreturn void user_return(uint32_t value);

struct desc gdt[GDT_ENTRIES] __attribute__((aligned(8)));
struct desc idt[256] __attribute__((aligned(8)));
struct tss_with_bitmap tss PAGE_ALIGNED;
uint8_t user_stack[4 * 4096] PAGE_ALIGNED;
volatile struct fault last_fault;

static trap_handler *handlers[256];

extern const uint8_t trap_entries[], stack_top[];
enum { TRAP_ENTRY_BYTES = 16 };

/* For traps.S. */
uint32_t kernel_ds, kernel_stack;
void (*kernel_leave)(void);

/* ---- descriptors ---- */

struct desc segment(uint32_t base, uint32_t limit, uint32_t flags)
{
    return (struct desc){
        .lo = (base & 0xFFFF) << 16 | (limit & 0xFFFF),
        .hi = (base & 0xFF000000) | (limit & 0xF0000) | flags | (base >> 16 & 0xFF),
    };
}

struct desc gate(uint32_t selector, const void *handler, uint32_t flags)
{
    uint32_t offset = (uint32_t)handler;
    return (struct desc){
        .lo = selector << 16 | (offset & 0xFFFF),
        .hi = (offset & 0xFFFF0000) | flags,
    };
}

struct desc gate_default(uint8_t vector)
{
    uint32_t dpl = vector == VECTOR_SYSCALL ? DESC_DPL(3) : 0;
    return gate(env->cs, trap_entries + vector * TRAP_ENTRY_BYTES, DESC_P | DESC_INT32 | dpl);
}

void gdt_set(uint32_t selector, struct desc d)
{
    gdt[selector / 8] = d;
    if (env->gdt_changed)
        env->gdt_changed(selector / 8);
}

void idt_set(uint8_t vector, struct desc d)
{
    idt[vector] = d;
    if (env->idt_changed)
        env->idt_changed(vector);
}

void kernel_stack_set(uint32_t esp)
{
    kernel_stack = esp;
    env->set_stack(esp);
}

void traps_init(void)
{
    enum { FLAT = DESC_P | DESC_32 | DESC_4K };

    gdt[SEL_CODE0 / 8] = segment(0, 0xFFFFF, FLAT | DESC_CODE);
    gdt[SEL_DATA0 / 8] = segment(0, 0xFFFFF, FLAT | DESC_DATA);
    gdt[SEL_CODE3 / 8] = segment(0, 0xFFFFF, FLAT | DESC_CODE | DESC_DPL(3));
    gdt[SEL_DATA3 / 8] = segment(0, 0xFFFFF, FLAT | DESC_DATA | DESC_DPL(3));
    for (unsigned v = 0; v < 256; v++)
        idt[v] = gate_default((uint8_t)v);
    kernel_ds = env->ds;
    kernel_leave = env->leave;
    env->load_tables();
    kernel_stack_set((uint32_t)stack_top);
}

/* ---- traps ---- */

void trap_handle(uint8_t vector, trap_handler *handler)
{
    handlers[vector] = handler;
}

struct fault fault_take(void)
{
    struct fault f = last_fault;
    last_fault.happened = false;
    return f;
}

static bool fix_up(struct regs *r, uint32_t cr2)
{
    extern const struct {
        uint32_t from, to;
    } ex_table_start[], ex_table_end[];

    for (unsigned i = 0; &ex_table_start[i] < ex_table_end; i++) {
        if (ex_table_start[i].from != r->eip || r->eflags & FL_VM)
            continue;
        last_fault.happened = true;
        last_fault.vector = (uint8_t)r->vector;
        last_fault.error = r->error;
        last_fault.cr2 = cr2;
        last_fault.eip = r->eip;
        last_fault.cs = r->cs;
        last_fault.eflags = r->eflags;
        r->eip = ex_table_start[i].to;
        return true;
    }
    return false;
}

static void system_call(struct regs *r)
{
    if (r->eax == USER_PUT)
        printk("%c", (char)r->ebx);
    else if (r->eax == USER_RETURN)
        user_return(r->ebx);
    else
        test_error("system call %u", r->eax);
}

uint32_t user_call(uint32_t (*fn)(uint32_t), uint32_t arg, uint32_t eflags)
{
    bool enabled = env->irqs_enabled();

    if (env->before_user)
        env->before_user();
    uint32_t value = user_call_on(fn, arg, eflags);

    if (enabled)
        irq_enable();
    return value;
}

/* Called by traps.S. */
void trap(struct regs *r);
void trap(struct regs *r)
{
    uint32_t cr2 = env->fault_address();

    if (env->trap_entered)
        env->trap_entered(r);
    if (handlers[r->vector & 0xFF]) {
        handlers[r->vector & 0xFF](r);
        return;
    }
    if (r->vector == VECTOR_SYSCALL && (r->cs & 3) == 3) {
        system_call(r);
        return;
    }
    if (r->vector < 32 && fix_up(r, cr2))
        return;
    printk("  vector %u error %08x cr2 %08x eip %04x:%08x eflags %08x\n", r->vector, r->error, cr2,
           r->cs & 0xFFFF, r->eip, r->eflags);
    printk("  eax %08x ebx %08x ecx %08x edx %08x\n", r->eax, r->ebx, r->ecx, r->edx);
    printk("  esi %08x edi %08x ebp %08x esp %08x\n", r->esi, r->edi, r->ebp,
           (r->cs & 3) == 3 ? r->esp : (uint32_t)&r->esp);
    test_failure("vector %u, which nobody expected", r->vector);
    test_end();
}

void test_fault_at(const char *file, unsigned line, struct fault f, int vector, uint32_t error)
{
    if (f.happened == (vector >= 0) &&
        (!f.happened || (f.vector == (unsigned)vector && f.error == error)))
        return;
    if (f.happened)
        test_failure_at(file, line, "fault",
                        "vector %u error %x at %08x, should be vector %d error %x", f.vector,
                        f.error, f.eip, vector, error);
    else
        test_failure_at(file, line, "fault", "none, should be vector %d error %x", vector, error);
}

void test_page_fault_at(const char *file, unsigned line, struct fault f, uint32_t error,
                        uint32_t cr2)
{
    test_fault_at(file, line, f, X86_PF, error);
    if (f.happened && f.vector == X86_PF && f.cr2 != cr2)
        test_failure_at(file, line, "cr2", "is %08x, should be %08x", f.cr2, cr2);
}
