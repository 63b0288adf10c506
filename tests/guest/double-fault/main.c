// SPDX-License-Identifier: GPL-2.0-only
/*
 * double-fault: what becomes of a fault on the way to a fault's handler
 *
 * Background: SDM volume 3A, table 6-5. Contributory faults (#DE #TS #NP #SS #GP) on the way to the
 *   handler of a contributory fault, and those and #PF on the way to that of #PF, are a double fault;
 *   in all other pairs the second is simply delivered. The handler of #DF often sits behind a task
 *   gate, because the stack may be what is broken: this is how Linux for i386 does it.
 * What it does: breaks gates and stacks so that each pair happens, with #DF behind an interrupt gate
 *   and then, with an unmapped ring-0 stack, behind a task gate.
 *   Under a hypervisor there is no double fault: it delivers, and a guest that it cannot deliver to is
 *   dead (dying looks at that). What is left is that it must not see one where there is none.
 * How it could be fooled: the error code of #DF is 0 and its EIP is said to be undefined; hardware
 *   and we give that of the first fault, and this is looked at.
 */
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "double-fault";

static void break_gate(uint8_t vector)
{
    idt[vector].hi &= ~(uint32_t)DESC_P;
}

static void mend_gate(uint8_t vector)
{
    idt[vector] = gate_default(vector);
}

static void pairs(void)
{
    uint32_t zero = 0;
    volatile uint32_t *hole = (uint32_t *)0x40000000;

    break_gate(X86_GP);
    check_fault(TRY("mov %0, %%ds", "r"(0x7778)), X86_DF, 0);
    check_fault(TRY("ud2"), X86_UD, 0); /* and the next is a fault like any other */
    check_fault(TRY("mov %0, %%ds", "r"(0x7778)), X86_DF, 0);
    mend_gate(X86_GP);
    check_fault(TRY("mov %0, %%ds", "r"(0x7778)), X86_GP, 0x7778);

    break_gate(X86_DE); /* contributory, then #NP */
    check_fault(TRY("divl %0", "m"(zero), "a"(1), "d"(0)), X86_DF, 0);
    mend_gate(X86_DE);

    break_gate(X86_BR); /* benign, then #NP: the second alone */
    static const int32_t bounds[2] = {3, 5};
    check_fault(TRY("bound %0, %1", "r"(6), "m"(bounds)), X86_NP,
                X86_BR * 8 + 2 + on_ringside()); /* QEMU leaves EXT out */
    mend_gate(X86_BR);

    uint64_t *root = pae_new();
    pae_on(root);
    break_gate(X86_PF); /* #PF, then #NP */
    check_fault(TRY("movl (%0), %%ecx", "r"(hole), "c"(0)), X86_DF, 0);
    mend_gate(X86_PF);
    check_page_fault(TRY("movl (%0), %%ecx", "r"(hole), "c"(0)), 0, hole);

    /* Contributory, then #PF: the IDT's second page is not there. The #PF alone; and as #PF's own gate
       lies on the first page, it is delivered. */
    static uint8_t tables[2 * PAGE_SIZE] PAGE_ALIGNED;
    uint32_t at = (uint32_t)tables + PAGE_SIZE - (X86_PF + 1) * 8;
    struct {
        uint16_t pad, limit;
        uint32_t base;
    } idtr = {0, 0x1FF, at};
    memcpy((void *)at, idt, 0x200);
    asm volatile("lidt %0" : : "m"(idtr.limit));
    *pae_entry(root, (uint32_t)tables + PAGE_SIZE) = 0;
    invlpg(tables + PAGE_SIZE);
    check_page_fault(TRY("int $0x30"), 0, at + 0x30 * 8);
    idtr.limit = sizeof idt - 1;
    idtr.base = (uint32_t)idt;
    asm volatile("lidt %0" : : "m"(idtr.limit));
    paging_off();
}

/* ---- a stack that is not there, and a task that has one ---- */

static struct tss double_fault_task;
static uint8_t task_stack[PAGE_SIZE] PAGE_ALIGNED;
static uint8_t guarded[2 * PAGE_SIZE] PAGE_ALIGNED;
volatile uint32_t task_error;
static volatile uint32_t task_runs, saved_eip, saved_esp, task_cr2;
static uint32_t esp_before;

extern const uint8_t task_entry[], broken_push[], after_push[];
asm("task_entry:\n"
    "popl task_error\n"
    "call double_fault_task_main\n"
    "iretl\n" /* NT is set: back to the task that was interrupted */
    "jmp task_entry\n");

void double_fault_task_main(void);
void double_fault_task_main(void)
{
    task_runs++;
    saved_eip = tss.t.eip;
    saved_esp = tss.t.esp;
    task_cr2 = read_cr2();
    check_eq(double_fault_task.link, SEL_TSS);
    check(read_eflags() & FL_NT, "NT is clear in the nested task");
    tss.t.eip = (uint32_t)after_push;
    tss.t.esp = esp_before;
}

static void broken_stack(void)
{
    enum { SEL_TASK = SEL_FREE + 8 };

    uint64_t *root = pae_new();
    pae_on(root);
    double_fault_task = (struct tss){
        .cr3 = (uint32_t)root,
        .eip = (uint32_t)task_entry,
        .eflags = 2,
        .esp = (uint32_t)task_stack + sizeof task_stack,
        .cs = SEL_CODE0,
        .ss = SEL_DATA0,
        .ds = SEL_DATA0,
        .es = SEL_DATA0,
        .fs = SEL_DATA0,
        .gs = SEL_DATA0,
        .io_base = sizeof double_fault_task,
    };
    gdt[SEL_TASK / 8] =
        segment((uint32_t)&double_fault_task, sizeof double_fault_task - 1, DESC_P | DESC_TSS32);
    idt[X86_DF] = gate(SEL_TASK, NULL, DESC_P | DESC_TASK);
    tss.t.cr3 = (uint32_t)root;

    *pae_entry(root, (uint32_t)guarded) = 0;
    invlpg(guarded);
    uint32_t bottom = (uint32_t)guarded + PAGE_SIZE;
    for (unsigned i = 0; i < 2; i++) {
        asm volatile("pushal\n"
                     "movl %%esp, %0\n"
                     "movl %1, %%esp\n"
                     "broken_push: pushl %%eax\n" /* #PF; its frame cannot be pushed either */
                     "after_push: popal\n"
                     : "=m"(esp_before)
                     : "r"(bottom)
                     : "memory", "cc");
        check_eq(task_runs, i + 1);
        check_eq(task_error, 0);
        check_eq(saved_eip, (uint32_t)broken_push);
        check_eq(saved_esp, bottom);
        check(task_cr2 - bottom + 16 < 16, "CR2 is %08x, not just below %08x", task_cr2, bottom);
    }
    idt[X86_DF] = gate_default(X86_DF);
    paging_off();
}

/* ---- none ---- */

/* A handler may fault, whatever it handles: that is one fault after another and no double one. */
static unsigned depth, handled;

static void faulting_handler(struct regs *r)
{
    (void)r;
    handled++;
    if (++depth < 4)
        asm volatile(".byte 0x89, 0x0d, 0, 0, 0, 0x40" : : : "memory"); /* movl %ecx, 0x40000000 */
    depth--;
    r->eip += 6; /* both instructions are that long */
}

static void faults_inside_faults(void)
{
    enum { PAIRS = 200 };

    pae_on(pae_new());
    trap_handle(X86_GP, faulting_handler);
    trap_handle(X86_PF, faulting_handler);
    for (unsigned i = 0; i < PAIRS; i++)
        asm volatile("movl %0, %%ecx; .byte 0x8e, 0xa1, 0, 0, 0, 0" /* mov 0(%ecx), %fs */
                     :
                     : "r"(&(uint32_t){0x7778})
                     : "ecx", "memory");
    check_eq(handled, PAIRS * 4);
    check_eq(depth, 0);
    trap_handle(X86_GP, NULL);
    trap_handle(X86_PF, NULL);
    paging_off();
}

void test_main(void)
{
    faults_inside_faults();
    if (env->ring == 0) {
        pairs();
        broken_stack();
    }
}
