// SPDX-License-Identifier: GPL-2.0-only
/*
 * gates: the way from a vector to its handler
 *
 * Background: SDM volume 3A, 6.12. An interrupt gate clears IF, a trap gate does not; both clear TF
 *   and NT; INT n needs a gate that its ring may use, a fault or an interrupt does not. From ring 3
 *   the stack comes from the TSS, and what was there is pushed. A bad gate is a fault of its own
 *   whose error code names the gate.
 * What it does: goes through gates of all these kinds from the kernel's ring and ring 3, looks at the frame on
 *   the handler's stack, nests handlers, and breaks the gates one by one.
 *   Under lguest the IDT is a list of wishes: a bad gate ends the guest when it is asked for, and so
 *   does a fault with none (see dying); looked at instead is which wishes are passed over in silence,
 *   and which vectors never arrive.
 * How it could be fooled: the frame is looked at through the common entry; a push too many would
 *   unbalance it and crash, which is a failure too.
 */
#include "abi/lguest.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "gates";

/* Vectors of faults that nothing here raises: those a hypervisor hands on, too, which need not be so
   for the ones from 32 up. */
enum { V = 5, INNER = 9 };

static struct regs seen;
static uint32_t flags_inside, esp_inside;
static bool enabled_inside;
static unsigned count;
extern const uint8_t stack_top[];

static void look(struct regs *r)
{
    seen = *r;
    flags_inside = read_eflags();
    enabled_inside = env->irqs_enabled();
    esp_inside = (uint32_t)r;
    count++;
}

static struct desc changed(uint32_t flags)
{
    struct desc d = gate_default(V);
    d.hi = (d.hi & 0xFFFF0000) | flags;
    return d;
}

static void interrupt_and_trap_gates(void)
{
    trap_handle(V, look);
    idt_set(V, changed(DESC_P | DESC_INT32));
    irq_enable();
    asm volatile("stc; int %0" : : "i"(V) : "memory", "cc");
    check(env->irqs_enabled(), "IRET did not bring IF back");
    irq_disable();
    check(!enabled_inside, "an interrupt gate leaves IF alone");
    check(seen.eflags & FL_IF && seen.eflags & FL_CF, "the pushed flags are not those before");

    idt_set(V, changed(DESC_P | DESC_TRAP32));
    irq_enable();
    asm volatile("clc; int %0" : : "i"(V) : "memory", "cc");
    irq_disable();
    check(enabled_inside, "a trap gate clears IF");
    check(!(seen.eflags & FL_CF));
    asm volatile("int %0" : : "i"(V) : "memory", "cc");
    check(!enabled_inside && !(seen.eflags & FL_IF), "a trap gate sets IF");

    /* NT is cleared inside and comes back with the frame; here IRET must not see it. */
    uint32_t after;
    asm volatile("pushf; orl $0x4000, (%%esp); popf; int %1; pushf; popl %0; pushf;"
                 "andl $~0x4000, (%%esp); popf"
                 : "=r"(after)
                 : "i"(V)
                 : "memory", "cc");
    check(!(flags_inside & FL_NT), "NT is set in the handler");
    check(after & FL_NT, "NT did not come back");
    check_eq(count, 4);
}

static void nested(struct regs *r)
{
    if (++count < 5)
        asm volatile("int %0" : : "i"(INNER) : "memory");
    seen = *r;
}

/* ---- from ring 3 ---- */

uint32_t user_esp;

static uint32_t in_ring_3(uint32_t unused)
{
    (void)unused;
    asm volatile("movl %%esp, user_esp; int %0" : : "i"(V), "m"(user_esp) : "memory", "cc");
    return count;
}

static uint32_t forbidden_gates(uint32_t unused)
{
    (void)unused;
    check_fault(TRY("int %0", "i"(INNER)), X86_GP, INNER * 8 + 2);
    check_fault(TRY("int $0x21"), X86_GP, 0x21 * 8 + 2);
    return 0;
}

static void from_ring_3(void)
{
    count = 0;
    idt_set(V, changed(DESC_P | DESC_INT32 | DESC_DPL(3)));
    idt_set(INNER, gate_default(INNER));
    check_eq(user_call(in_ring_3, 0, FL_IF), 1);
    check_eq(seen.cs, SEL_CODE3);
    check_eq(seen.ss, SEL_DATA3);
    check_eq(seen.esp, user_esp);
    check_eq(seen.ds, SEL_DATA3);
    check(seen.eflags & FL_IF && !enabled_inside);
    check_eq(esp_inside, kernel_stack - offsetof(struct regs, vm_es));
    user_call(forbidden_gates, 0, 0);

    /* And with IF clear, which ring 3 cannot help. */
    check_eq(user_call(in_ring_3, 0, 0), 2);
    check(!(seen.eflags & FL_IF), "ring 3 has IF although it was not given any");
}

/* ---- gates that are none ---- */

static void broken_gates(void)
{
    /* Not present. On bare hardware that is told; a hypervisor that has a gate of its own there, for
       itself alone, lets it look as if it were forbidden. */
    idt_set(V, changed(DESC_INT32));
    if (on_lguest()) {
        check_fault(TRY("int %0", "i"(V)), X86_GP, V * 8 + 2);
        idt_set(V, gate_default(V));
        check_no_fault(TRY("int %0", "i"(V)));
        return;
    }
    check_fault(TRY("int %0", "i"(V)), X86_NP, V * 8 + 2);
    idt[V] = changed(DESC_P | DESC_CALL32); /* not a kind that an IDT may hold */
    check_fault(TRY("int %0", "i"(V)), X86_GP, V * 8 + 2);
    idt[V] = (struct desc){0, 0};
    check_fault(TRY("int %0", "i"(V)), X86_GP, V * 8 + 2);
    idt[V] = gate(0, look, DESC_P | DESC_INT32);
    check_fault(TRY("int %0", "i"(V)), X86_GP, 0);
    idt[V] = gate(SEL_DATA0, look, DESC_P | DESC_INT32);
    check_fault(TRY("int %0", "i"(V)), X86_GP, SEL_DATA0);
    idt[V] = gate(SEL_CODE3, look, DESC_P | DESC_INT32); /* outwards: never */
    check_fault(TRY("int %0", "i"(V)), X86_GP, SEL_CODE3 & ~3);
    idt[V] = gate(0x7770, look, DESC_P | DESC_INT32);
    check_fault(TRY("int %0", "i"(V)), X86_GP, 0x7770);
    gdt[SEL_FREE / 8] = segment(0, 0xFFFFF, DESC_CODE | DESC_32 | DESC_4K);
    idt[V] = gate(SEL_FREE, look, DESC_P | DESC_INT32);
    check_fault(TRY("int %0", "i"(V)), X86_NP, SEL_FREE);

    /* Beyond the IDT's limit. */
    enum { LAST = 0x50 };
    struct {
        uint16_t pad, limit;
        uint32_t base;
    } idtr = {0, LAST * 8 + 6, (uint32_t)idt};
    idt[V] = gate_default(V);
    asm volatile("lidt %0" : : "m"(idtr.limit));
    check_fault(TRY("int %0", "i"(LAST)), X86_GP, LAST * 8 + 2);
    idtr.limit = sizeof idt - 1;
    asm volatile("lidt %0" : : "m"(idtr.limit));
}

/* A fault of the gate of a *fault* has EXT set: the program did not ask for it. Both faults are
   contributory only for some pairs: #UD is not, so its broken gate makes a plain #NP. */
static void broken_gate_of_a_fault(void)
{
    idt[X86_UD].hi &= ~(uint32_t)DESC_P;
    check_fault(TRY("ud2"), X86_NP, X86_UD * 8 + 2 + on_ringside()); /* QEMU leaves EXT out */
    idt[X86_UD] = gate_default(X86_UD);
}

/* ---- gates that a hypervisor keeps for itself ---- */

/* The NMI, the double fault, the one that Intel never explained, and the hypercall: a guest may ask
   for them, and nothing happens. */
static void gates_of_the_host(void)
{
    static const uint8_t hosts[] = {X86_NMI, X86_DF, 15};

    for (unsigned i = 0; i < ARRAY_SIZE(hosts); i++) {
        struct desc d = gate_default(hosts[i]);
        d.hi |= DESC_DPL(3);
        idt_set(hosts[i], d);
    }
    check_fault(TRY("int $2"), X86_GP, 2 * 8 + 2);
    check_fault(TRY("int $8"), X86_GP, 8 * 8 + 2);
    check_fault(TRY("int $15"), X86_GP, 15 * 8 + 2);
    idt_set(LGUEST_TRAP_ENTRY, gate_default(LGUEST_TRAP_ENTRY));
    check_no_fault(TRY_CLOBBER(, "int $0x1f", "a"(LHCALL_FLUSH_ASYNC))); /* still a call */
}

static uint32_t hypercall_at_3(uint32_t unused)
{
    (void)unused;
    check_fault(TRY("int $0x1f", "a"(LHCALL_HALT)), X86_GP, LGUEST_TRAP_ENTRY * 8 + 2);
    return 0;
}

/* Vectors from 32 up are for the host's own interrupts, and nobody may INT them, whatever DPL he would
   like. The system call's is the exception, in the kernel's ring too. */
static void vectors_of_the_host(void)
{
    count = 0;
    trap_handle(0x50, look);
    struct desc d = gate_default(0x50);
    d.hi |= DESC_DPL(3);
    idt_set(0x50, d);
    check_fault(TRY("int $0x50"), X86_GP, 0x50 * 8 + 2);
    check_eq(count, 0);
    trap_handle(0x50, NULL);

    trap_handle(VECTOR_SYSCALL, look);
    asm volatile("int %0" : : "i"(VECTOR_SYSCALL) : "memory", "cc");
    trap_handle(VECTOR_SYSCALL, NULL);
    check_eq(count, 1);
    check_eq(seen.cs, env->cs);
}

/* ---- stacks that are none: the entry from ring 3 takes SS from the TSS ---- */

static uint32_t just_int(uint32_t unused)
{
    (void)unused;
    return TRY("int %0", "i"(V)).vector;
}

/* #TS itself must come in on a stack that exists. A conforming handler stays at ring 3 and on its
   stack; it repairs the TSS and steps over the INT, which was not taken. */
extern const uint8_t on_ts[];
uint32_t ts_error; /* what asm texts name is not static: the compiler sees no use there */
asm(".globl on_ts\n"
    "on_ts: popl ts_error\n"
    "movl $0x10, tss + 8\n" /* SS0 = SEL_DATA0 */
    "addl $2, (%esp)\n"
    "iretl\n");

static void broken_stacks(void)
{
    static const struct {
        uint16_t ss;
        const char *what;
    } bad[] = {{0x7778, "outside the GDT"}, {SEL_CODE0, "code"}, {SEL_DATA3, "of ring 3"}};

    gdt[SEL_FREE / 8] =
        segment(0, 0xFFFFF, DESC_P | DESC_CODE | DESC_CONFORMING | DESC_32 | DESC_4K);
    idt[V] = changed(DESC_P | DESC_INT32 | DESC_DPL(3));
    idt[X86_TS] = gate(SEL_FREE, on_ts, DESC_P | DESC_INT32);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        ts_error = 0;
        tss.t.stack[0].ss = bad[i].ss;
        user_call(just_int, 0, 0);
        check(ts_error == (bad[i].ss & ~3u), "SS0 %s: error %x", bad[i].what, ts_error);
    }
    idt[X86_TS] = gate_default(X86_TS);
}

void test_main(void)
{
    interrupt_and_trap_gates();

    count = 0;
    trap_handle(INNER, nested);
    asm volatile("int %0" : : "i"(INNER) : "memory");
    check_eq(count, 5);

    from_ring_3();
    broken_gates();
    if (on_lguest()) {
        gates_of_the_host();
        vectors_of_the_host();
        user_call(hypercall_at_3, 0, 0);
        return;
    }
    broken_gate_of_a_fault();
    broken_stacks();
}
