// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults: every exception that an instruction can raise, in the kernel's ring and at ring 3
 *
 * Background: SDM volume 3A, chapter 6. Faults point at the instruction itself, traps behind it; six
 *   of them push an error code; a page fault also sets CR2. The engine under us reports all of this
 *   to the emulator, which delivers it by hand.
 * What it does: executes one bad instruction after another and compares vector, error code, CR2 and
 *   EIP (the exception table knows only exact addresses); the same at ring 3; what is privileged in
 *   every ring that is not 0, the kernel's under a hypervisor included; then the traps INT3,
 *   INTO, INT n and single steps. Registers must be as they were, and a thousand faults in a row
 *   must all be delivered as what they are (an engine that forgets to forget the last exception
 *   makes a double fault of the second).
 *   The engine checks no segment limits and lets data be read through a null selector, as QEMU does;
 *   nothing here depends on those.
 * How it could be fooled: a wrong CR2 beside a right error code is caught; flags that a fault
 *   changed on its way are not looked at here (see gates).
 */
#include "abi/lguest.h"
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "faults";

#define HOLE 0x40000000u /* linear, not mapped once paging is on */

static uint32_t zero;

/* What both rings can do wrong. */
static uint32_t bad_instructions(uint32_t ring)
{
    check_fault(TRY("ud2"), X86_UD, 0);
    check_fault(TRY(".byte 0xff, 0xff"), X86_UD, 0); /* group 5 /7 */
    check_fault(TRY(".byte 0xf0, 0x90"), X86_UD, 0); /* lock nop */
    check_fault(TRY("lock; incl %%eax", "a"(0)), X86_UD, 0);
    check_fault(TRY("divl %0", "m"(zero), "a"(1), "d"(0)), X86_DE, 0);
    check_fault(TRY("idivl %0", "r"(-1), "a"(0x80000000), "d"(-1)), X86_DE, 0); /* overflows */
    check_fault(TRY("divb %0", "q"((uint8_t)1), "a"(0x1000)), X86_DE, 0);
    check_fault(TRY("aam $0", "a"(1)), X86_DE, 0);
    static const int32_t bounds[2] = {3, 5};
    check_fault(TRY("bound %0, %1", "r"(6), "m"(bounds)), X86_BR, 0);
    check_no_fault(TRY("bound %0, %1", "r"(5), "m"(bounds)));

    /* Selectors: outside the table, not present, of the wrong kind. */
    check_fault(TRY("mov %0, %%ds", "r"(0x7778)), X86_GP, 0x7778);
    check_fault(TRY("mov %0, %%fs", "r"(env->system)), X86_GP, env->system);
    check_fault(TRY("mov %0, %%es", "r"(SEL_FREE | ring)), X86_NP, SEL_FREE);
    check_fault(TRY("mov %0, %%ss", "r"(SEL_NULL)), X86_GP, 0);
    uint32_t absent = ring == 3 ? SEL_FREE : SEL_FREE + 8;
    check_fault(TRY("mov %0, %%ss", "r"(absent | ring)), X86_SS, absent);
    check_no_fault(TRY("mov %0, %%gs", "r"(SEL_NULL)));
    check_no_fault(TRY("mov %0, %%gs", "r"(ring == 3 ? SEL_DATA3 : env->ds)));
    check_fault(TRY("ljmp $0x7770, $0"), X86_GP, 0x7770);

    uint32_t user = ring == 3 ? PF_U : 0;
    uint32_t *hole = (uint32_t *)HOLE;
    check_page_fault(TRY("movl (%0), %%ecx", "r"(hole), "c"(0)), user, HOLE);
    check_page_fault(TRY("movl %%ecx, (%0)", "r"(hole), "c"(0)), user | PF_W, HOLE);
    check_page_fault(TRY("pushl (%0)", "r"(hole)), user, HOLE);
    check_page_fault(TRY("movl %%ecx, (%0)", "r"(HOLE - 2), "c"(0)), user | PF_W, HOLE);

    /* Hardware asks for the right to write at once; an engine may read first and be told "read". */
    struct fault f = TRY("incl 5(%0)", "r"(hole));
    check_page_fault(f, user | (f.error & PF_W), HOLE + 5);
    f = TRY("cmpxchgl %%ecx, (%0)", "r"(hole), "a"(0), "c"(0));
    check_page_fault(f, user | (f.error & PF_W), HOLE);
    f = TRY("lock; cmpxchg8b (%0)", "r"(hole), "a"(0), "b"(0), "c"(0), "d"(0));
    check_page_fault(f, user | (f.error & PF_W), HOLE);
    return 0;
}

/* What ring 0 alone may do. */
static void privileged_instructions(void)
{
    if (!(on_lguest_3_2() && (read_cs() & 3) == 1)) /* see first_instructions_of_linux() */
        check_fault(TRY("cli"), X86_GP, 0);
    check_fault(TRY("sti"), X86_GP, 0);
    check_fault(TRY("hlt"), X86_GP, 0);
    check_fault(TRY("clts"), X86_GP, 0);
    check_fault(TRY("invd"), X86_GP, 0);
    check_fault(TRY("wbinvd"), X86_GP, 0);
    check_fault(TRY("invlpg (%0)", "r"(&zero)), X86_GP, 0);
    check_fault(TRY("lgdt (%0)", "r"(&zero)), X86_GP, 0);
    check_fault(TRY("lidt (%0)", "r"(&zero)), X86_GP, 0);
    check_fault(TRY("lldt %0", "r"((uint16_t)0)), X86_GP, 0);
    check_fault(TRY("ltr %0", "r"((uint16_t)SEL_TSS)), X86_GP, 0);
    check_fault(TRY("lmsw %0", "r"((uint16_t)1)), X86_GP, 0);
    check_fault(TRY("mov %%cr0, %%eax", "a"(0)), X86_GP, 0);
    check_fault(TRY("mov %%eax, %%cr3", "a"(0)), X86_GP, 0);
    check_fault(TRY("mov %%eax, %%cr4", "a"(0)), X86_GP, 0);
    check_fault(TRY("mov %%dr7, %%eax", "a"(0)), X86_GP, 0);
    check_fault(TRY("mov %%eax, %%dr0", "a"(0)), X86_GP, 0);
    check_fault(TRY("rdmsr", "c"(MSR_TSC), "a"(0), "d"(0)), X86_GP, 0);
    check_fault(TRY("wrmsr", "c"(MSR_TSC), "a"(0), "d"(0)), X86_GP, 0);
    check_fault(TRY("sysexit", "c"(0), "d"(0)), X86_GP, 0);

    /* What looks privileged and is not. */
    check_no_fault(TRY("smsw %%ax", "a"(0)));
    check_no_fault(TRY("pushf; popf"));
    check_no_fault(TRY("str %%ax", "a"(0)));
    check_no_fault(TRY("verr %%ax", "a"(0)));
    uint32_t flags = read_eflags();
    write_eflags(flags ^ FL_IF);
    check((read_eflags() & FL_IF) == (flags & FL_IF), "popf changed IF outside of ring 0");
}

/* What is forbidden at ring 3 alone. */
static uint32_t forbidden_to_users(uint32_t unused)
{
    (void)unused;
    bad_instructions(3);
    privileged_instructions();
    check_fault(TRY("inb $0x80, %%al", "a"(0)), X86_GP, 0);
    check_fault(TRY("outl %%eax, %%dx", "a"(0), "d"(0x80)), X86_GP, 0);
    check_fault(TRY("sysenter"), X86_GP, 0);             /* its MSR is 0 */
    check_fault(TRY("int $0x81"), X86_GP, 0x81 * 8 + 2); /* a gate with DPL 0 */
    check_fault(TRY("int $13"), X86_GP, 13 * 8 + 2);
    check_fault(TRY("mov %0, %%ds", "r"(env->ds)), X86_GP, env->ds & ~3);
    check_fault(TRY("mov %0, %%ss", "r"(env->ds)), X86_GP, env->ds & ~3);
    if (on_native())
        check_fault(TRY("ljmp %0, $0", "i"(SEL_CODE0)), X86_GP, SEL_CODE0);
    else
        check_fault(TRY("ljmp %0, $0", "i"(LGUEST_KERNEL_CS)), X86_GP, LGUEST_KERNEL_CS & ~3);
    check_page_fault(TRY("movl (%0), %%ecx", "r"(0xFFFFFFF0), "c"(0)), PF_U, 0xFFFFFFF0);
    return 0x600D;
}

/* Hosts of 3.2 step over a CLI, since some processor's Linux of that time has one in its first lines;
   the real flag stays, and what counts is the one in memory. Older hosts refuse it as any other. */
static void first_instructions_of_linux(void)
{
    check_no_fault(TRY("cli"));
    check(read_eflags() & FL_IF, "CLI in ring 1 closed the host's interrupts");
}

/* ---- fetches ---- */

static void jump_into_holes(void)
{
    /* The fault is the fetch's: EIP and CR2 are the target. Both ways back are on the stack. */
    asm goto("pushl $%l[back]\n"
             "movl %%esp, fetch_esp\n"
             "jmp *%0\n"
             :
             : "r"(HOLE)
             : "memory"
             : back);
    test_failure("the jump into a hole came back by itself");
back:
    asm volatile("addl $4, %%esp" : : : "memory");
}
uint32_t fetch_esp;
static struct fault fetch_fault;

static void on_fetch(struct regs *r)
{
    fetch_fault =
        (struct fault){true, (uint8_t)r->vector, r->error, env->fault_address(), r->eip, r->cs, 0};
    r->eip = *(uint32_t *)fetch_esp;
}

/* ---- traps ---- */

static struct regs seen;
static unsigned traps;

static void on_trap(struct regs *r)
{
    seen = *r;
    traps++;
}

#define CHECK_TRAP(vector_, insn, length)                                     \
    do {                                                                      \
        extern const char before_##vector_[];                                 \
        unsigned old = traps;                                                 \
        trap_handle(vector_, on_trap);                                        \
        asm volatile(".globl before_" #vector_ "\nbefore_" #vector_ ": " insn \
                     :                                                        \
                     :                                                        \
                     : "memory", "cc");                                       \
        trap_handle(vector_, NULL);                                           \
        check_eq(traps, old + 1);                                             \
        check_eq(seen.vector, vector_);                                       \
        check_eq(seen.eip, (uint32_t)before_##vector_ + (length));            \
    } while (0)

static unsigned steps;
static uint32_t step_eip[8];

static void on_step(struct regs *r)
{
    if (steps < ARRAY_SIZE(step_eip))
        step_eip[steps] = r->eip;
    if (++steps == 4)
        r->eflags &= ~(uint32_t)FL_TF;
}

static void single_steps(void)
{
    extern const char step_0[], step_1[], step_2[], step_3[];

    trap_handle(X86_DB, on_step);
    asm volatile("pushf\n"
                 "orl $0x100, (%%esp)\n"
                 "popf\n"
                 "nop\n" /* the flag set by popf works from the next instruction on */
                 ".globl step_0, step_1, step_2, step_3\n"
                 "step_0: movl $1, %%ecx\n"
                 "step_1: jecxz step_0\n"
                 "step_2: pushl %%ecx\n"
                 "step_3: popl %%ecx\n"
                 :
                 :
                 : "ecx", "memory", "cc");
    trap_handle(X86_DB, NULL);
    check_eq(steps, 4);
    const char *const expected[] = {step_0, step_1, step_2, step_3};
    for (unsigned i = 0; i < 4; i++)
        check_eq(step_eip[i], (uint32_t)expected[i]);
}

/* Ten thousand faults, each with its own error code, and nothing else changes. */
static void many_faults(void)
{
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t selector = 0x1000 + (i % 4096) * 8, b, s, d;
        fault_take();
        asm volatile("661: mov %3, %%fs\n662:\n" MAY_FAULT("661b", "662b")
                     : "=b"(b), "=S"(s), "=D"(d)
                     : "a"(selector), "b"(i), "S"(~i), "D"(i * 3)
                     : "memory");
        struct fault f = fault_take();
        if (f.vector != X86_GP || f.error != selector || b != i || s != ~i || d != i * 3) {
            test_failure("fault %u: vector %u error %x ebx %x esi %x edi %x", i, f.vector, f.error,
                         b, s, d);
            return;
        }
    }
}

/* A fault in the middle of a repeated move: what was moved is moved, the registers say how far. */
static void fault_in_rep(uint64_t *root)
{
    uint32_t page = (uint32_t)frame_new();
    uint32_t va = HOLE + 0x100000;
    uint32_t count = 64, to = va + PAGE_SIZE - 100, from = (uint32_t)&gdt;

    *pae_entry(root, va) = page | PTE_P | PTE_W | PTE_U; /* from nothing to something: no flush */
    fault_take();
    asm volatile("661: rep movsl\n662:\n" MAY_FAULT("661b", "662b")
                 : "+c"(count), "+D"(to), "+S"(from)
                 :
                 : "memory");
    check_page_fault(fault_take(), PF_W, va + PAGE_SIZE);
    check_eq(count, 64 - 25);
    check_eq(to, va + PAGE_SIZE);
    check_eq(from, (uint32_t)&gdt + 100);
    check(memcmp((void *)(page + PAGE_SIZE - 100), &gdt, 100) == 0,
          "the moved bytes are not there");
}

void test_main(void)
{
    unsigned ring = env->ring;

    gdt_set(SEL_FREE, segment(0, 0xFFFFF, DESC_DATA | DESC_32 | DESC_4K | DESC_DPL(3)));
    gdt_set(SEL_FREE + 8, segment(0, 0xFFFFF, DESC_DATA | DESC_32 | DESC_4K | DESC_DPL(ring)));
    uint64_t *root = pae_new();
    pae_on(root);
    /* A word whose second half is beyond the end of what is mapped. */
    *pae_entry(root, HOLE - PAGE_SIZE) = (uint32_t)frame_new() | PTE_P | PTE_W | PTE_U;
    *pae_entry(root, HOLE) = 0;

    printk("ring %u\n", ring);
    bad_instructions(ring);
    if (ring == 0) {
        check_fault(TRY("ltr %0", "r"((uint16_t)SEL_DATA0)), X86_GP, SEL_DATA0);
        check_fault(TRY("ltr %0", "r"((uint16_t)SEL_TSS)), X86_GP, SEL_TSS); /* busy */
        check_fault(TRY("lldt %0", "r"((uint16_t)SEL_TSS)), X86_GP, SEL_TSS);
    } else {
        privileged_instructions();
        check_fault(TRY("sysenter"), X86_GP, 0);
    }
    if (on_lguest_3_2())
        first_instructions_of_linux();

    trap_handle(X86_PF, on_fetch);
    jump_into_holes();
    trap_handle(X86_PF, NULL);
    check_page_fault(fetch_fault, 0, HOLE);
    check_eq(fetch_fault.eip, HOLE);

    CHECK_TRAP(3, "int3", 1);
    CHECK_TRAP(4, "movb $0x7f, %%al; incb %%al; into", 5);
    CHECK_TRAP(5, "int $5", 2);
    check_eq(seen.error, 0);
    single_steps();
    many_faults();
    fault_in_rep(root);

    printk("ring 3\n");
    check_eq(user_call(forbidden_to_users, 0, 0), 0x600D);
}
