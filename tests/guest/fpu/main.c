// SPDX-License-Identifier: GPL-2.0-only
/*
 * fpu: what a kernel needs to share x87 and SSE between processes
 *
 * Background: SDM volume 3A, 2.5 and chapter 13. CR0.TS makes the first use raise #NM, so that a
 *   kernel can switch the registers lazily; FXSAVE and FXRSTOR move all of them; CR4.OSFXSR says that
 *   the kernel knows.
 * What it does: #NM for x87, MMX and SSE under TS and EM, in the kernel's ring and in 3; CLTS, or under a
 *   hypervisor its call, and that CLTS itself is refused there; results and flags of
 *   simple arithmetic; two sets of registers switched by FXSAVE and FXRSTOR; exceptions that are
 *   masked give their numbers; an unmasked x87 exception arrives at the next x87 instruction.
 *   The engine knows no stack faults of the x87 and no #GP for SSE operands that are not aligned;
 *   neither is asked for.
 * How it could be fooled: only values that are exact in every precision are compared.
 */
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "fpu";

static uint8_t image[3][512] __attribute__((aligned(16)));
static uint8_t vector[2][16] __attribute__((aligned(16)));

static uint32_t touch_x87(uint32_t unused)
{
    (void)unused;
    struct fault f = TRY("fldz");
    return f.happened ? f.vector : 0;
}

static uint32_t touch_sse(uint32_t unused)
{
    (void)unused;
    struct fault f = TRY("movaps %0, %%xmm1", "m"(*vector[0]));
    return f.happened ? f.vector : 0;
}

static void device_not_available(void)
{
    env->task_switched(true);
    check_fault(TRY("fld1"), X86_NM, 0);
    check_fault(TRY("fnop"), X86_NM, 0);
    check_fault(TRY("movq %%mm0, %%mm1", "a"(0)), X86_NM, 0);
    check_fault(TRY("xorps %%xmm0, %%xmm0", "a"(0)), X86_NM, 0);
    check_fault(TRY("movdqa %0, %%xmm0", "m"(*vector[0])), X86_NM, 0);
    check_fault(TRY("fxsave %0", "m"(*image[0])), X86_NM, 0);
    check_fault(TRY("fxrstor %0", "m"(*image[0])), X86_NM, 0);
    check_eq(user_call(touch_x87, 0, 0), X86_NM);
    check_eq(user_call(touch_sse, 0, 0), X86_NM);

    check_fault(TRY("fwait"), X86_NM, 0);
    env->task_switched(false);
    check_no_fault(TRY("fwait"));
    check_no_fault(TRY("fnop"));
    check_eq(user_call(touch_x87, 0, 0), 0);
    check_eq(user_call(touch_sse, 0, 0), 0);
}

/* What a kernel that owns CR0 and CR4 can do besides. */
static void control_registers(void)
{
    /* WAIT looks at TS only when MP is set. */
    write_cr0((read_cr0() & ~(uint32_t)CR0_MP) | CR0_TS);
    check_no_fault(TRY("fwait"));
    write_cr0(read_cr0() | CR0_MP);
    check_fault(TRY("fwait"), X86_NM, 0);
    asm volatile("clts");
    check(!(read_cr0() & CR0_TS));

    write_cr0(read_cr0() | CR0_EM);
    check_fault(TRY("fld1"), X86_NM, 0);
    check_fault(TRY("xorps %%xmm0, %%xmm0", "a"(0)), X86_UD, 0);
    write_cr0(read_cr0() & ~(uint32_t)CR0_EM);

    write_cr4(read_cr4() & ~(uint32_t)CR4_OSFXSR);
    check_fault(TRY("xorps %%xmm0, %%xmm0", "a"(0)), X86_UD, 0);
    write_cr4(read_cr4() | CR4_OSFXSR);
    check_no_fault(TRY("xorps %%xmm0, %%xmm0", "a"(0)));
}

/* Who does not: the hypervisor has set them so that everything works. */
static void control_registers_of_others(void)
{
    uint32_t cr0;

    asm volatile("smsw %0" : "=r"(cr0)); /* the one way to look that ring 1 has */
    check_eq(cr0 & (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE), CR0_PE | CR0_MP | CR0_NE);
    env->task_switched(true);
    check_fault(TRY("clts"), X86_GP, 0);
    check_fault(TRY("fnop"), X86_NM, 0); /* and TS is where it was */
    env->task_switched(false);
}

static void arithmetic(void)
{
    uint16_t status;
    int32_t result;
    int64_t big;

    asm volatile("fninit; fld1; fld1; faddp; fistpl %0" : "=m"(result));
    check_eq(result, 2);
    asm volatile("fninit; fldpi; fldpi; fdivrp; fistpll %0" : "=m"(big));
    check(big == 1);
    static const int32_t seven = 7, two = 2, zero = 0;
    asm volatile("fninit; fildl %1; fidivl %2; fadd %%st(0); fistpl %0"
                 : "=m"(result)
                 : "m"(seven), "m"(two));
    check_eq(result, 7);
    /* Masked: the result is infinite and the status word says why. */
    asm volatile("fninit; fld1; fidivl %1; fnstsw %0; fninit" : "=m"(status) : "m"(zero));
    check_eq(status & 0x3F, 0x04);

    static const uint32_t a[4] __attribute__((aligned(16))) = {1, 2, 3, 0xFFFFFFFF};
    static const uint32_t b[4] __attribute__((aligned(16))) = {10, 20, 30, 1};
    static uint32_t sum[4] __attribute__((aligned(16)));
    asm volatile("movdqa %1, %%xmm0; paddd %2, %%xmm0; movdqa %%xmm0, %0"
                 : "=m"(sum)
                 : "m"(a), "m"(b));
    check(sum[0] == 11 && sum[1] == 22 && sum[2] == 33 && sum[3] == 0, "PADDD: %u %u %u %u", sum[0],
          sum[1], sum[2], sum[3]);
    static const uint32_t ones[4]
        __attribute__((aligned(16))) = {0x3F800000, 0x40000000, 0x40400000, 0x40800000};
    asm volatile("movaps %1, %%xmm2; mulps %%xmm2, %%xmm2; movaps %%xmm2, %0"
                 : "=m"(sum)
                 : "m"(ones));
    check(sum[0] == 0x3F800000 && sum[1] == 0x40800000 && sum[2] == 0x41100000 &&
              sum[3] == 0x41800000,
          "MULPS: %x %x %x %x", sum[0], sum[1], sum[2], sum[3]);
}

static void switching(void)
{
    int32_t first = 0, second = 0;

    asm volatile(
        "fninit; fld1; movl $0x1111, %%eax; movd %%eax, %%xmm7; fxsave %0\n"
        "fninit; fldz; fld1; fld1; faddp; movl $0x2222, %%eax; movd %%eax, %%xmm7; fxsave %1"
        : "=m"(image[0]), "=m"(image[1])
        :
        : "eax");
    for (unsigned i = 0; i < 100; i++) {
        uint32_t low;
        asm volatile("fxrstor %2; movd %%xmm7, %0; fistpl %1"
                     : "=r"(low), "=m"(first)
                     : "m"(image[0]));
        check_eq(low, 0x1111);
        check_eq(first, 1);
        asm volatile("fxrstor %2; movd %%xmm7, %0; fistpl %1"
                     : "=r"(low), "=m"(second)
                     : "m"(image[1]));
        check_eq(low, 0x2222);
        check_eq(second, 2);
    }
    /* What was restored is what is saved. */
    asm volatile("fxrstor %1; fxsave %0" : "=m"(image[2]) : "m"(image[1]));
    check(memcmp(image[1] + 160, image[2] + 160, 128) == 0, "XMM registers changed on the way");
    check(memcmp(image[1] + 32, image[2] + 32, 10) == 0, "ST(0) changed on the way");
    check_eq(*(uint16_t *)image[2], *(uint16_t *)image[1]);
    check_eq(*(uint32_t *)(image[2] + 24), *(uint32_t *)(image[1] + 24)); /* MXCSR */
    check_fault(TRY("fxsave %0", "m"(*(image[0] + 8))), X86_GP, 0);
}

static void unmasked(void)
{
    static const int32_t zero = 0;
    uint16_t control = 0x037B; /* divide by zero not masked */

    asm volatile("fninit; fldcw %0; fld1; fidivl %1" : : "m"(control), "m"(zero));
    check_fault(TRY("fwait"), X86_MF, 0);
    asm volatile("fnclex; fninit");
    check_no_fault(TRY("fwait"));
}

void test_main(void)
{
    uint32_t features = cpuid(1).edx;

    if (!(features & 1 << 24) || !(features & 1 << 26)) {
        test_skip("this CPU has no FXSAVE or no SSE2");
        return;
    }
    if (env->ring == 0) {
        write_cr0((read_cr0() & ~(uint32_t)CR0_EM) | CR0_MP | CR0_NE);
        write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    }
    asm volatile("fninit");
    device_not_available();
    if (env->ring == 0)
        control_registers();
    else
        control_registers_of_others();
    arithmetic();
    switching();
    unmasked();
}
