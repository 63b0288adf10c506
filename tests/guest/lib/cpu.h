/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that C has no words for, and the numbers that go with them (Intel SDM volume 3A).
 */
#ifndef TESTS_GUEST_CPU_H
#define TESTS_GUEST_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    X86_DE = 0, X86_DB = 1, X86_NMI = 2, X86_BP = 3, X86_OF = 4, X86_BR = 5, X86_UD = 6, X86_NM = 7,
    X86_DF = 8, X86_TS = 10, X86_NP = 11, X86_SS = 12, X86_GP = 13, X86_PF = 14, X86_MF = 16,
    X86_AC = 17, X86_XM = 19,
};
enum {
    FL_CF = 1 << 0, FL_PF = 1 << 2, FL_ZF = 1 << 6, FL_SF = 1 << 7, FL_TF = 1 << 8, FL_IF = 1 << 9,
    FL_DF = 1 << 10, FL_OF = 1 << 11, FL_IOPL = 3 << 12, FL_NT = 1 << 14, FL_RF = 1 << 16,
    FL_VM = 1 << 17, FL_AC = 1 << 18, FL_ID = 1 << 21,
};
enum {
    CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_NE = 1 << 5,
    CR0_WP = 1 << 16,
};
#define CR0_PG (1u << 31)
enum {
    CR4_TSD = 1 << 2, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, CR4_PGE = 1 << 7, CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
};
enum {
    MSR_TSC = 0x10, MSR_PLATFORM_ID = 0x17, MSR_BIOS_SIGN_ID = 0x8B, MSR_MISC_ENABLE = 0x1A0,
    MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176,
};
#define MSR_EFER 0xC0000080u
enum { EFER_NXE = 1 << 11 };
/* Error code of a page fault. */
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };

#define PORT_IO(letter, type)                                                                      \
    static inline void out##letter(uint16_t port, type value)                                      \
    {                                                                                              \
        asm volatile("out" #letter " %0, %1" : : "a"(value), "Nd"(port));                          \
    }                                                                                              \
    static inline type in##letter(uint16_t port)                                                   \
    {                                                                                              \
        type value;                                                                                \
        asm volatile("in" #letter " %1, %0" : "=a"(value) : "Nd"(port));                           \
        return value;                                                                              \
    }
PORT_IO(b, uint8_t)
PORT_IO(w, uint16_t)
PORT_IO(l, uint32_t)
#undef PORT_IO

#define CONTROL_REGISTER(name)                                                                     \
    static inline uint32_t read_##name(void)                                                       \
    {                                                                                              \
        uint32_t value;                                                                            \
        asm volatile("mov %%" #name ", %0" : "=r"(value));                                         \
        return value;                                                                              \
    }                                                                                              \
    static inline void write_##name(uint32_t value)                                                \
    {                                                                                              \
        asm volatile("mov %0, %%" #name : : "r"(value) : "memory");                                \
    }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
#undef CONTROL_REGISTER

static inline uint32_t read_eflags(void)
{
    uint32_t value;
    asm volatile("pushf; pop %0" : "=r"(value));
    return value;
}
static inline void write_eflags(uint32_t value)
{
    asm volatile("push %0; popf" : : "r"(value) : "memory", "cc");
}
static inline uint16_t read_cs(void)
{
    uint16_t value;
    asm volatile("mov %%cs, %0" : "=r"(value));
    return value;
}
static inline void cli(void)
{
    asm volatile("cli" : : : "memory");
}
static inline void sti(void)
{
    asm volatile("sti" : : : "memory");
}
/* Wait for an interrupt without a gap in which it could be missed: STI holds until after HLT. */
static inline void sti_hlt_cli(void)
{
    asm volatile("sti; hlt; cli" : : : "memory");
}
static inline void invlpg(const volatile void *at)
{
    asm volatile("invlpg (%0)" : : "r"(at) : "memory");
}
static inline uint64_t rdtsc(void)
{
    uint64_t value;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
static inline uint64_t rdmsr(uint32_t index)
{
    uint64_t value;
    asm volatile("rdmsr" : "=A"(value) : "c"(index));
    return value;
}
static inline void wrmsr(uint32_t index, uint64_t value)
{
    asm volatile("wrmsr" : : "c"(index), "A"(value));
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid c;
    asm volatile("cpuid" : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx) : "a"(leaf), "c"(0));
    return c;
}

#endif
