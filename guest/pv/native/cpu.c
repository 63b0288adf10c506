/* SPDX-License-Identifier: GPL-2.0-only */
/* pv_cpu_ops on the bare machine: mostly one instruction a hook. */
#include "native.h"
#include "kernel/task.h"
#include "kernel/traps.h"

#define DEBUG_REGISTERS(X) X(0) X(1) X(2) X(3) X(6) X(7)

uint32_t native_get_debugreg(int number)
{
    uint32_t v = 0;

    switch (number) {
#define GET(n)                                             \
    case n:                                                \
        __asm__ volatile("movl %%db" #n ", %0" : "=r"(v)); \
        break;
        DEBUG_REGISTERS(GET)
    }
    return v;
}

void native_set_debugreg(int number, uint32_t value)
{
    switch (number) {
#define SET(n)                                               \
    case n:                                                  \
        __asm__ volatile("movl %0, %%db" #n : : "r"(value)); \
        break;
        DEBUG_REGISTERS(SET)
    }
}

void native_clts(void)
{
    __asm__ volatile("clts");
}

uint32_t native_read_cr0(void)
{
    uint32_t v;
    __asm__ volatile("movl %%cr0, %0" : "=r"(v));
    return v;
}

void native_write_cr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}

uint32_t native_read_cr4(void)
{
    uint32_t v;
    __asm__ volatile("movl %%cr4, %0" : "=r"(v));
    return v;
}

/* A 486 without CR4 answers with #UD. */
uint32_t native_read_cr4_safe(void)
{
    uint32_t v = 0;
    __asm__ volatile("1: movl %%cr4, %0\n"
                     "2:\n" EX_TABLE("1b", "2b", "2b")
                     : "+r"(v));
    return v;
}

void native_write_cr4(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

void native_load_tr_desc(void)
{
    __asm__ volatile("ltr %w0" : : "q"(GDT_TSS * 8));
}

void native_load_gdt(const struct desc_ptr *gdt)
{
    __asm__ volatile("lgdt %0" : : "m"(*gdt));
}

void native_load_idt(const struct desc_ptr *idt)
{
    __asm__ volatile("lidt %0" : : "m"(*idt));
}

void native_store_gdt(struct desc_ptr *gdt)
{
    __asm__ volatile("sgdt %0" : "=m"(*gdt));
}

void native_store_idt(struct desc_ptr *idt)
{
    __asm__ volatile("sidt %0" : "=m"(*idt));
}

void native_set_ldt(const void *ldt, uint32_t entries)
{
    uint32_t base = (uint32_t)ldt, limit = entries * 8 - 1;
    struct desc d = {base << 16 | (limit & 0xFFFF),
                     (base & 0xFF000000) | 0x8200 | (limit & 0xF0000) | (base >> 16 & 0xFF)};
    uint16_t selector = 0;

    if (entries) {
        native_write_gdt_entry(gdt_table, GDT_LDT, &d, DESC_LDT);
        selector = GDT_LDT * 8;
    }
    __asm__ volatile("lldt %0" : : "r"(selector));
}

uint32_t native_store_tr(void)
{
    uint32_t tr = 0;
    __asm__ volatile("str %w0" : "=r"(tr));
    return tr;
}

void native_load_tls(struct task *task, __attribute__((unused)) uint32_t cpu)
{
    memcpy(&gdt_table[GDT_TLS], task->tls, sizeof task->tls);
}

void native_write_ldt_entry(struct desc *ldt, int entry, const void *desc)
{
    memcpy(&ldt[entry], desc, sizeof *ldt);
}

void native_write_gdt_entry(struct desc *gdt, int entry, const void *desc,
                            __attribute__((unused)) int type)
{
    memcpy(&gdt[entry], desc, sizeof *gdt);
}

void native_write_idt_entry(struct desc *idt, int vector, const struct desc *gate)
{
    idt[vector] = *gate;
}

void native_load_sp0(struct tss *tss, uint32_t sp0)
{
    tss->sp0 = sp0;
}

void native_set_iopl_mask(uint32_t mask)
{
    uint32_t flags;
    __asm__ volatile("pushfl\n"
                     "popl %0\n"
                     "andl $~0x3000, %0\n"
                     "orl %1, %0\n"
                     "pushl %0\n"
                     "popfl"
                     : "=&r"(flags)
                     : "ri"(mask)
                     : "cc");
}

void native_wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

/* Port 0x80 is nobody's but the BIOS's, and as slow as any on the ISA bus. */
void native_io_delay(void)
{
    outb(0, 0x80);
}

void native_cpuid(uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    __asm__ volatile("cpuid" : "+a"(*eax), "=b"(*ebx), "+c"(*ecx), "=d"(*edx));
}

uint64_t native_read_msr(uint32_t msr, int *err)
{
    uint32_t low = 0, high = 0;
    int error = -EFAULT;

    __asm__ volatile("1: rdmsr\n"
                     "xorl %2, %2\n"
                     "2:\n" EX_TABLE("1b", "2b", "2b")
                     : "+a"(low), "+d"(high), "+r"(error)
                     : "c"(msr)
                     : "cc");
    *err = error;
    return (uint64_t)high << 32 | low;
}

uint64_t native_read_msr_amd(uint32_t msr, int *err)
{
    uint32_t low = 0, high = 0;
    int error = -EFAULT;

    __asm__ volatile("1: rdmsr\n"
                     "xorl %2, %2\n"
                     "2:\n" EX_TABLE("1b", "2b", "2b")
                     : "+a"(low), "+d"(high), "+r"(error)
                     : "c"(msr), "D"(0x9C5A203A)
                     : "cc");
    *err = error;
    return (uint64_t)high << 32 | low;
}

int native_write_msr(uint32_t msr, uint32_t low, uint32_t high)
{
    int error = -EFAULT;

    __asm__ volatile("1: wrmsr\n"
                     "xorl %0, %0\n"
                     "2:\n" EX_TABLE("1b", "2b", "2b")
                     : "+r"(error)
                     : "c"(msr), "a"(low), "d"(high)
                     : "cc", "memory");
    return error;
}

uint64_t native_read_tsc(void)
{
    uint64_t v;
    __asm__ volatile("rdtsc" : "=A"(v));
    return v;
}

uint64_t native_read_pmc(int counter)
{
    uint64_t v;
    __asm__ volatile("rdpmc" : "=A"(v) : "c"(counter));
    return v;
}

uint64_t native_read_tscp(uint32_t *aux)
{
    uint64_t v;
    __asm__ volatile("rdtscp" : "=A"(v), "=c"(*aux));
    return v;
}
