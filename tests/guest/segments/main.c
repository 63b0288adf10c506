// SPDX-License-Identifier: GPL-2.0-only
/*
 * segments: descriptors, ring changes and the doors between rings
 *
 * Background: SDM volume 3A, chapters 3 and 5. A kernel lives on these: IRET to ring 3, call gates,
 *   conforming code, segment registers that IRET nulls, an LDT, GS-based thread data.
 * What it does: loads good and bad descriptors, goes to rings 1, 2 and 3 and back, calls a call gate
 *   with a parameter, reads through segments with a base, and lets IRET fail in each way it can.
 *   Under lguest the table is the hypervisor's, and a call changes an entry: ring 0 becomes ring 1,
 *   some entries are not ours, and system descriptors (gates, an LDT) end the guest, so that they are
 *   not looked at here (dying does), nor is SYSENTER (faults does).
 * How it could be fooled: limits of data segments are not checked by the engine (nor by QEMU), so
 *   that a test of them would say nothing about us; LSL and LAR are looked at instead.
 */
#include "abi/lguest.h"
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "segments";

enum {
    SEL_A = SEL_FREE, /* scratch */
    SEL_LDT = SEL_FREE + 8,
    SEL_GATE = SEL_FREE + 16,
    SEL_CODE1 = SEL_FREE + 24,
    SEL_DATA1 = SEL_FREE + 32,
    FLAT = DESC_P | DESC_32 | DESC_4K
};

static uint32_t words[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};

static void bases_and_ldt(void)
{
    uint32_t value;

    gdt_set(SEL_A, segment((uint32_t)&words[1], 7, DESC_P | DESC_32 | DESC_DATA));
    asm volatile("mov %1, %%gs; movl %%gs:4, %0" : "=r"(value) : "r"(SEL_A));
    check_eq(value, 0x33333333);
    if (env->ring) { /* no LDT, and nobody to give us one */
        asm volatile("mov %0, %%gs" : : "r"(env->ds));
        check_fault(TRY("mov %0, %%gs", "r"(2 * 8 + 4)), X86_GP, 2 * 8 + 4);
        return;
    }
    check(gdt[SEL_A / 8].hi & DESC_ACCESSED, "loading a segment did not mark it accessed");

    static struct desc ldt[4] __attribute__((aligned(8)));
    ldt[2] = segment((uint32_t)&words[2], 7, DESC_P | DESC_32 | DESC_DATA);
    gdt[SEL_LDT / 8] = segment((uint32_t)ldt, sizeof ldt - 1, DESC_P | DESC_LDT);
    asm volatile("lldt %w0" : : "r"(SEL_LDT));
    asm volatile("mov %1, %%gs; movl %%gs:0, %0" : "=r"(value) : "r"(2 * 8 + 4));
    check_eq(value, 0x33333333);
    check_fault(TRY("mov %0, %%gs", "r"(5 * 8 + 4)), X86_GP, 5 * 8 + 4);
    asm volatile("mov %0, %%gs; lldt %w1" : : "r"(SEL_DATA0), "r"(0));
    check_fault(TRY("mov %0, %%gs", "r"(2 * 8 + 4)), X86_GP, 2 * 8 + 4);
}

static void questions(void)
{
    uint32_t value = 0, flags;
    /* A hypervisor's table is not to be written to, so every descriptor has been accessed already. */
    uint32_t moved = env->ring ? DESC_DPL(env->ring) | DESC_ACCESSED : 0;

    gdt_set(SEL_A, segment(0, 0x12345, DESC_P | DESC_32 | DESC_DATA));
    asm volatile("lsl %2, %0; pushf; pop %1" : "+r"(value), "=r"(flags) : "r"(SEL_A) : "cc");
    check(flags & FL_ZF);
    check_eq(value, 0x12345);
    asm volatile("lar %2, %0; pushf; pop %1" : "+r"(value), "=r"(flags) : "r"(SEL_A) : "cc");
    check(flags & FL_ZF);
    check_eq(value & 0x00F0FF00, DESC_P | DESC_32 | DESC_DATA | moved);
    asm volatile("lsl %2, %0; pushf; pop %1" : "+r"(value), "=r"(flags) : "r"(0x7778) : "cc");
    check(!(flags & FL_ZF), "LSL finds a descriptor outside the table");
    asm volatile("verw %w1; pushf; pop %0" : "=r"(flags) : "r"(env->cs) : "cc");
    check(!(flags & FL_ZF), "VERW calls code writable");
    asm volatile("verr %w1; pushf; pop %0" : "=r"(flags) : "r"(env->cs) : "cc");
    check(flags & FL_ZF, "VERR calls readable code unreadable");
}

/* ---- IRET ---- */

static struct regs seen;
static unsigned came_back;

static void back_door(struct regs *r)
{
    seen = *r;
    came_back++;
}

/* IRET to cs:eip with ss:esp; the code there does INT 80h at once. Returns to the caller through the
   handler's frame, which is thrown away. */
extern const uint8_t knock[];
uint32_t saved_esp;        /* what asm texts name is not static: the compiler sees no use there */
asm("knock: int $0x80\n"); /* VECTOR_SYSCALL */
extern void iret_to(uint32_t cs, uint32_t eflags, uint32_t ss);
asm(".globl iret_to\n"
    "iret_to:\n"
    "pushal\n"
    "movl %esp, saved_esp\n"
    "leal -64(%esp), %eax\n"
    "pushl %eax\n"
    "call kernel_stack_set\n"
    "addl $4, %esp\n"
    "movl 36(%esp), %eax\n"
    "movl 40(%esp), %ecx\n"
    "movl 44(%esp), %edx\n"
    "pushl %edx\n"
    "pushl $user_stack + 4096\n"
    "pushl %ecx\n"
    "pushl %eax\n"
    "pushl $knock\n"
    "iret_insn: iretl\n"
    "iret_back:\n"
    "movl saved_esp, %esp\n"
    "movl kernel_ds, %eax\n"
    "movl %eax, %ds\n"
    "movl %eax, %es\n"
    "popal\n"
    "ret\n"
    ".pushsection ex_table, \"a\"\n.long iret_insn, iret_back\n.popsection\n");

static void leave_ring(struct regs *r)
{
    extern const uint8_t iret_back[];
    back_door(r);
    /* Go on in the kernel's ring: the frame becomes one without a ring change, and iret_back mends ESP. */
    r->cs = env->cs;
    r->eip = (uint32_t)iret_back;
    r->eflags &= ~(uint32_t)(FL_IF | FL_IOPL | FL_NT);
    r->ds = r->es = env->ds;
    r->fs = r->gs = SEL_NULL;
}

static struct fault iret_fault(uint32_t cs, uint32_t ss)
{
    fault_take();
    iret_to(cs, 2, ss);
    return fault_take();
}

/* Outwards to ring 1: selectors that ring 1 may not hold are nulled, others stay. */
static void to_ring_1(void)
{
    asm volatile("mov %0, %%fs; mov %1, %%gs" : : "r"(SEL_DATA0), "r"(SEL_DATA3));
    iret_to(SEL_CODE1 | 1, 0x202, SEL_DATA1 | 1);
    check_eq(came_back, 1);
    check_eq(seen.cs, SEL_CODE1 | 1);
    check_eq(seen.ss, SEL_DATA1 | 1);
    check_eq(seen.fs, 0);
    check_eq(seen.gs, SEL_DATA3);
    check_eq(seen.eip, (uint32_t)knock + 2);
    check_eq(seen.eflags & (FL_IF | FL_IOPL), FL_IF);
}

static void returns(void)
{
    gdt_set(SEL_CODE1, segment(0, 0xFFFFF, FLAT | DESC_CODE | DESC_DPL(1)));
    gdt_set(SEL_DATA1, segment(0, 0xFFFFF, FLAT | DESC_DATA | DESC_DPL(1)));
    trap_handle(VECTOR_SYSCALL, leave_ring);
    if (env->before_user)
        env->before_user();
    if (env->ring == 0)
        to_ring_1();

    asm volatile("mov %0, %%fs; mov %1, %%gs" : : "r"(SEL_DATA1 | 1), "r"(SEL_DATA3));
    came_back = 1;
    iret_to(SEL_CODE3, 0x3002, SEL_DATA3);
    check_eq(came_back, 2);
    check_eq(seen.cs, SEL_CODE3);
    check_eq(seen.ss, SEL_DATA3);
    check_eq(seen.fs, 0);
    check_eq(seen.gs, SEL_DATA3);
    check_eq(seen.eflags & (FL_IF | FL_IOPL),
             env->ring ? 0 : FL_IOPL); /* IOPL is ring 0's to give */
    asm volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(env->ds));

    check_fault(iret_fault(0x7778, SEL_DATA3), X86_GP, 0x7778);
    check_fault(iret_fault(SEL_DATA3, SEL_DATA3), X86_GP, SEL_DATA3 & ~3);
    check_fault(iret_fault(SEL_NULL, SEL_DATA3), X86_GP, 0);
    check_fault(iret_fault(SEL_CODE3, env->ds), X86_GP, env->ds & ~3);
    check_fault(iret_fault(SEL_CODE3, SEL_NULL), X86_GP, 0);
    check_fault(iret_fault(SEL_CODE3, SEL_DATA1 | 3), X86_GP, SEL_DATA1);
    check_fault(iret_fault(SEL_CODE1 | 3, SEL_DATA3), X86_GP, SEL_CODE1); /* DPL 1, RPL 3 */
    gdt_set(SEL_A, segment(0, 0xFFFFF, (FLAT & ~DESC_P) | DESC_CODE | DESC_DPL(3)));
    check_fault(iret_fault(SEL_A | 3, SEL_DATA3), X86_NP, SEL_A);
    gdt_set(SEL_A, segment(0, 0xFFFFF, (FLAT & ~DESC_P) | DESC_DATA | DESC_DPL(3)));
    /* #SS, says the manual; the engine's IRET, like QEMU's, makes an #NP of it. */
    struct fault f = iret_fault(SEL_CODE3, SEL_A | 3);
    check_fault(f, f.vector == X86_NP ? X86_NP : X86_SS, SEL_A);
    check_eq(came_back, 2);
    trap_handle(VECTOR_SYSCALL, NULL);
}

/* ---- call gates ---- */

volatile uint32_t gate_ran, gate_cs, gate_parameter;

extern const uint8_t through_the_gate[], conforming_code[];
asm("through_the_gate:\n" /* return address, CS, one parameter, the caller's ESP and SS */
    "pushl %eax\n"
    "movl %cs, %eax\n"
    "movl %eax, gate_cs\n"
    "movl 12(%esp), %eax\n"
    "movl %eax, gate_parameter\n"
    "incl gate_ran\n"
    "popl %eax\n"
    "lret $4\n"
    "conforming_code:\n"
    "movl %cs, %eax\n"
    "lret\n");

static uint32_t call_the_gate(uint32_t parameter)
{
    asm volatile("pushl %0; lcall %1, $0" : : "r"(parameter), "i"(SEL_GATE | 3) : "memory", "cc");
    return read_cs();
}

static uint32_t call_too_deep(uint32_t unused)
{
    (void)unused;
    check_fault(TRY("lcall %0, $0", "i"(SEL_GATE)), X86_GP, SEL_GATE);
    return 1;
}

static uint32_t call_conforming(uint32_t unused)
{
    uint32_t cs;
    (void)unused;
    asm volatile("lcall %1, $conforming_code" : "=a"(cs) : "i"(SEL_A) : "memory", "cc");
    return cs;
}

static void doors(void)
{
    gdt[SEL_GATE / 8] = gate(SEL_CODE0, through_the_gate, DESC_P | DESC_CALL32 | DESC_DPL(3) | 1);
    check_eq(user_call(call_the_gate, 0xCAFE, 0), SEL_CODE3);
    check_eq(gate_ran, 1);
    check_eq(gate_cs, SEL_CODE0);
    check_eq(gate_parameter, 0xCAFE);

    gdt[SEL_GATE / 8].hi &= ~DESC_DPL(3);
    check_eq(user_call(call_too_deep, 0, 0), 1);
    gdt[SEL_GATE / 8].hi = (gdt[SEL_GATE / 8].hi | DESC_DPL(3)) & ~(uint32_t)DESC_P;
    check_fault(TRY("lcall %0, $0", "i"(SEL_GATE)), X86_NP, SEL_GATE);
    check_eq(gate_ran, 1);
}

/* Code that runs in the ring of whoever calls it. */
static void conforming(void)
{
    gdt_set(SEL_A, segment(0, 0xFFFFF, FLAT | DESC_CODE | DESC_CONFORMING));
    check_eq(user_call(call_conforming, 0, 0), SEL_A | 3);
}

/* ---- SYSENTER and SYSEXIT: what a fast system call is made of ---- */

volatile uint32_t fast_cs, fast_ss;
extern const uint8_t fast_entry[];
asm("fast_entry:\n"
    "movl %cs, %eax\n"
    "movl %eax, fast_cs\n"
    "movl %ss, %eax\n"
    "movl %eax, fast_ss\n"
    "movl %esi, %edx\n"
    "movl %edi, %ecx\n"
    "sysexit\n");

static uint32_t fast_call(uint32_t unused)
{
    uint32_t cs;
    (void)unused;
    asm volatile("movl $1f, %%esi; movl %%esp, %%edi; sysenter; 1: movl %%cs, %0"
                 : "=a"(cs)
                 :
                 : "ecx", "edx", "esi", "edi", "memory", "cc");
    return cs;
}

static void fast_calls(void)
{
    static uint8_t stack[256];

    wrmsr(MSR_SYSENTER_CS, SEL_CODE0);
    wrmsr(MSR_SYSENTER_ESP, (uint32_t)stack + sizeof stack);
    wrmsr(MSR_SYSENTER_EIP, (uint32_t)fast_entry);
    check_eq(user_call(fast_call, 0, FL_IF), SEL_CODE3);
    check_eq(fast_cs, SEL_CODE0);
    check_eq(fast_ss, SEL_DATA0);
    wrmsr(MSR_SYSENTER_CS, 0);
}

/* A hypervisor's guest has a copy of its GDT, and entries in the true one that are not its own: it may
   ask for them, and nothing happens. */
static void entries_of_the_host(void)
{
    static const uint16_t hosts[] = {10, 11, 16, 31};
    uint32_t before, after, found;

    for (unsigned i = 0; i < ARRAY_SIZE(hosts); i++) {
        uint32_t selector = hosts[i] * 8u;
        before = after = 0;
        asm volatile("lar %1, %0" : "+r"(before) : "r"(selector) : "cc");
        gdt_set(selector, segment(0, 0xFFFFF, FLAT | DESC_DATA | DESC_DPL(3)));
        asm volatile("lar %2, %0; pushf; pop %1" : "+r"(after), "=r"(found) : "r"(selector) : "cc");
        check(before == after, "entry %u was %08x and is %08x", hosts[i], before, after);
    }
}

static uint32_t tls(uint32_t selector)
{
    uint32_t value;
    asm volatile("mov %1, %%gs; movl %%gs:0, %0" : "=r"(value) : "r"(selector));
    return value;
}

/* The three that a thread has for itself are changed together. */
static void thread_segments(void)
{
    static struct desc three[3];

    for (unsigned i = 0; i < 3; i++)
        three[i] = segment((uint32_t)&words[i], 3, DESC_P | DESC_32 | DESC_DATA | DESC_DPL(3));
    asm volatile("mov %0, %%gs" : : "r"(0)); /* nothing that changes may be in use */
    lguest_hcall(LHCALL_LOAD_TLS, (uint32_t)three, 0, 0, 0);
    for (uint32_t i = 0; i < 3; i++)
        check_eq(user_call(tls, (LGUEST_GDT_ENTRY_TLS + i) * 8 + 3, 0), words[i]);
    three[1].hi = 0;
    lguest_hcall(LHCALL_LOAD_TLS, (uint32_t)three, 0, 0, 0);
    check_fault(TRY("mov %0, %%gs", "r"((LGUEST_GDT_ENTRY_TLS + 1) * 8 + 3)), X86_GP,
                (LGUEST_GDT_ENTRY_TLS + 1) * 8);
}

void test_main(void)
{
    bases_and_ldt();
    questions();
    returns();
    conforming();
    if (on_lguest()) {
        entries_of_the_host();
        thread_segments();
    }
    if (env->ring)
        return;
    doors();
    if (cpuid(1).edx & 1 << 11)
        fast_calls();
}
