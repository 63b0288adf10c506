// SPDX-License-Identifier: GPL-2.0-only
/* Segments, TSS, IDT; the exception table; what becomes of a fault that nobody expected. */
#include "traps.h"

#include "test.h"

struct desc gdt[GDT_ENTRIES] __attribute__((aligned(8)));
struct desc idt[256] __attribute__((aligned(8)));
struct tss_with_bitmap tss PAGE_ALIGNED;
uint8_t user_stack[4 * 4096] PAGE_ALIGNED;
volatile struct fault last_fault;

static trap_handler *handlers[256];

extern const uint8_t trap_entries[], trap_user_return[], stack_top[];
enum { TRAP_ENTRY_BYTES = 16 };

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
    if (vector == VECTOR_USER_RETURN)
        return gate(SEL_CODE0, trap_user_return, DESC_P | DESC_INT32 | DESC_DPL(3));
    if (vector == VECTOR_USER_PUT)
        return gate(SEL_CODE0, trap_entries + vector * TRAP_ENTRY_BYTES,
                    DESC_P | DESC_INT32 | DESC_DPL(3));
    return gate(SEL_CODE0, trap_entries + vector * TRAP_ENTRY_BYTES, DESC_P | DESC_INT32);
}

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
    load_tables();

    tss.t.stack[0].esp = (uint32_t)stack_top;
    tss.t.stack[0].ss = SEL_DATA0;
    tss.t.io_base = sizeof tss.t;
    memset(tss.bitmap, 0xFF, sizeof tss.bitmap);
    tss_load();
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

/* Called by traps.S. */
void trap(struct regs *r);
void trap(struct regs *r)
{
    uint32_t cr2 = read_cr2();

    if (r->vector == VECTOR_USER_PUT) {
        printk("%c", (char)r->eax);
        return;
    }
    if (handlers[r->vector & 0xFF]) {
        handlers[r->vector & 0xFF](r);
        return;
    }
    if (r->vector < 32 && fix_up(r, cr2))
        return;
    printk("  vector %u error %08x cr2 %08x eip %04x:%08x eflags %08x\n", r->vector, r->error, cr2,
           r->cs & 0xFFFF, r->eip, r->eflags);
    printk("  eax %08x ebx %08x ecx %08x edx %08x\n", r->eax, r->ebx, r->ecx, r->edx);
    printk("  esi %08x edi %08x ebp %08x esp %08x\n", r->esi, r->edi, r->ebp,
           r->cs & 3 ? r->esp : (uint32_t)&r->esp);
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
