// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid: what the CPU says it has, it has; and it says it has nothing else
 *
 * Background: a kernel believes CPUID. A feature that is announced and missing is a crash in somebody
 *   else's kernel; the engine, left alone, would announce an APIC, machine checks and MTRRs.
 * What it does: uses every announced feature, and looks at the model-specific registers: known ones
 *   keep what they are given, unknown ones raise #GP.
 *   Under lguest CPUID is the machine's own, unfiltered, and there are no such registers at all.
 * How it could be fooled: "announces nothing" would pass; so the ones that a PAE kernel and busybox
 *   need must be there.
 */
#include "test.h"
#include "traps.h"

const char test_title[] = "cpuid";

enum {
    FPU = 1 << 0,
    VME = 1 << 1,
    PSE = 1 << 3,
    TSC = 1 << 4,
    MSR = 1 << 5,
    PAE = 1 << 6,
    MCE = 1 << 7,
    CX8 = 1 << 8,
    APIC = 1 << 9,
    SEP = 1 << 11,
    MTRR = 1 << 12,
    PGE = 1 << 13,
    MCA = 1 << 14,
    CMOV = 1 << 15,
    PAT = 1 << 16,
    CLFLUSH = 1 << 19,
    MMX = 1 << 23,
    FXSR = 1 << 24,
    SSE = 1 << 25,
    SSE2 = 1 << 26,
    NX = 1 << 20,
    LM = 1 << 29,
};

static void identity(void)
{
    struct cpuid zero = cpuid(0), one = cpuid(1);
    char text[49] = "";

    check(zero.eax >= 1 && zero.eax < 0x20, "the highest leaf is %x", zero.eax);
    check_eq(one.eax >> 8 & 15, 6);
    /* EFLAGS.ID can be flipped: this is how old kernels find out that there is a CPUID. */
    uint32_t flags = read_eflags();
    write_eflags(flags ^ FL_ID);
    check((read_eflags() ^ flags) & FL_ID, "EFLAGS.ID cannot be changed");
    write_eflags(flags);
    for (uint32_t i = 0; i < 3; i++) {
        struct cpuid c = cpuid(0x80000002 + i);
        memcpy(text + i * 16, &c, 16);
    }
    printk("%s\n", text);
    check(!on_ringside() || memcmp(text, "Ringside", 8) == 0);
    struct cpuid beyond = cpuid(0x12345678);
    (void)beyond; /* any answer, but no fault */
}

static uint32_t cpuid_at_3(uint32_t leaf)
{
    return cpuid(leaf).edx;
}

static uint32_t needed(void)
{
    uint32_t have = cpuid(1).edx, extended = cpuid(0x80000001).edx;
    const uint32_t want = FPU | PSE | TSC | MSR | PAE | CX8 | CMOV | MMX | FXSR | SSE | SSE2;

    check((have & want) == want, "missing: %08x", want & ~have);
    check(extended & NX, "no no-execute");
    check_eq(user_call(cpuid_at_3, 1, 0), have);
    if (on_ringside()) {
        check(!(have & (APIC | MCE | MCA | MTRR | VME)), "announced, but nobody emulates: %08x",
              have & (APIC | MCE | MCA | MTRR | VME));
        check(!(extended & LM), "long mode on an i386");
    }
    return have;
}

static void features(uint32_t have)
{
    uint32_t a = 1, low = 5, high = 6;

    if (have & CMOV)
        check_no_fault(TRY_CLOBBER(COMMA "ecx", "cmovz %%eax, %%ecx", "a"(a)));
    if (have & CX8) {
        uint64_t cell = 0x0000000600000005ull;
        asm volatile("lock; cmpxchg8b %0" : "+m"(cell), "+a"(low), "+d"(high) : "b"(7), "c"(8));
        check(cell == 0x0000000800000007ull, "CMPXCHG8B leaves %llx", cell);
    }
    if (have & CLFLUSH)
        check_no_fault(TRY("clflush %0", "m"(a)));
    if (have & PGE && env->ring == 0) {
        write_cr4(read_cr4() | CR4_PGE);
        check(read_cr4() & CR4_PGE);
        write_cr4(read_cr4() & ~(uint32_t)CR4_PGE);
    }
    if (have & FXSR && env->ring == 0)
        write_cr4(read_cr4() | CR4_OSFXSR);
    if (have & MMX)
        check_no_fault(TRY("emms"));
    if (have & SSE) {
        check_no_fault(TRY("sfence"));
        check_no_fault(TRY("prefetcht0 %0", "m"(a)));
    }
    if (have & SSE2) {
        check_no_fault(TRY("mfence"));
        check_no_fault(TRY("lfence"));
        check_no_fault(TRY("pause"));
    }
    check_no_fault(TRY("nopl (%0)", "r"(&a)));
    check_no_fault(TRY_CLOBBER(COMMA "ecx", "bswap %%ecx"));
    check_no_fault(TRY_CLOBBER(COMMA "ecx", "xaddl %%ecx, %0", "m"(a)));
}

static void model_specific(uint32_t have)
{
    static const uint32_t unknown[] = {0x12345678, 0xC0000FFF, 0x4B564D00};

    if (have & SEP)
        for (uint32_t i = MSR_SYSENTER_CS; i <= MSR_SYSENTER_EIP; i++) {
            wrmsr(i, 0x1238 + i);
            check_eq(rdmsr(i), 0x1238 + i);
            wrmsr(i, 0);
        }
    uint64_t efer = rdmsr(MSR_EFER);
    wrmsr(MSR_EFER, efer | EFER_NXE);
    check(rdmsr(MSR_EFER) & EFER_NXE);
    wrmsr(MSR_EFER, efer);
    check_no_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdmsr", "c"(MSR_TSC)));
    /* What Linux asks an Intel CPU without trying first whether it may: which microcode is loaded
       (write 0, CPUID, read), on which platform, and whether firmware left string moves fast. */
    check_no_fault(TRY("wrmsr", "c"(MSR_BIOS_SIGN_ID), "a"(0), "d"(0)));
    cpuid(1);
    check_no_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdmsr", "c"(MSR_BIOS_SIGN_ID)));
    check_no_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdmsr", "c"(MSR_PLATFORM_ID)));
    check(rdmsr(MSR_MISC_ENABLE) & 1, "fast string operations are off");
    if (!on_ringside()) /* QEMU lets unknown ones read as zero */
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
        check_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdmsr", "c"(unknown[i])), X86_GP, 0);
        check_fault(TRY("wrmsr", "c"(unknown[i]), "a"(0), "d"(0)), X86_GP, 0);
    }
    check_eq(rdmsr(MSR_BIOS_SIGN_ID), 0);
    check_fault(TRY("wrmsr", "c"(MSR_BIOS_SIGN_ID), "a"(0), "d"(1)), X86_GP, 0);
    check_fault(TRY("wrmsr", "c"(MSR_PLATFORM_ID), "a"(0), "d"(0)), X86_GP, 0);
    check_fault(TRY("wrmsr", "c"(MSR_EFER), "a"(1 << 8), "d"(0)), X86_GP, 0); /* long mode */
    check_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdpmc", "c"(0)), X86_GP, 0);
    check_fault(TRY("syscall"), X86_UD, 0); /* not announced */
}

/* Whoever sits above us keeps them: a kernel that asks without trying is one that the hypervisor's
   CPUID hook should have talked out of it. */
static void nothing_model_specific(void)
{
    static const uint32_t some[] = {MSR_TSC,         MSR_PLATFORM_ID, MSR_BIOS_SIGN_ID,
                                    MSR_MISC_ENABLE, MSR_SYSENTER_CS, MSR_EFER,
                                    0x12345678};

    for (unsigned i = 0; i < ARRAY_SIZE(some); i++) {
        check_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdmsr", "c"(some[i])), X86_GP, 0);
        check_fault(TRY("wrmsr", "c"(some[i]), "a"(0), "d"(0)), X86_GP, 0);
    }
    check_fault(TRY_CLOBBER(COMMA "eax" COMMA "edx", "rdpmc", "c"(0)), X86_GP, 0);
    check_fault(TRY("mov %%eax, %%dr7", "a"(0)), X86_GP, 0);
    check_fault(TRY("mov %%dr0, %%eax", "a"(0)), X86_GP, 0);
    uint64_t a = rdtsc(), b = rdtsc();
    check(b > a, "the TSC stands still"); /* the one register that everybody may read */
}

static void debug_registers(void)
{
    uint32_t value;

    asm volatile("mov %1, %%dr0; mov %%dr0, %0" : "=r"(value) : "r"(0x123456));
    check_eq(value, 0x123456);
    asm volatile("mov %%dr7, %0" : "=r"(value));
    check_eq(value & ~0x400u, 0);
}

void test_main(void)
{
    identity();
    uint32_t have = needed();
    features(have);
    if (env->ring) {
        nothing_model_specific();
        return;
    }
    model_specific(have);
    debug_registers();
}
