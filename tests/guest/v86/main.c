// SPDX-License-Identifier: GPL-2.0-only
/*
 * v86: virtual-8086 mode, entered by IRET and left by every event
 *
 * Background: SDM volume 3A, chapter 20. Nobody runs DOS here, but IRET with VM set in the popped flags
 *   is an instruction like any other, and a hostile program at ring 0 may execute it.
 * What it does: runs a few bytes of real-mode code at IOPL 3 and at IOPL 0; sees the INT n that leaves
 *   it arrive on the ring-0 stack with all segment registers, which are then null.
 *   Everybody else who tries, by IRET or POPF, stays where he is: ring 3, and a kernel that a
 *   hypervisor has put into ring 1, for which virtual-8086 mode does not exist.
 * How it could be fooled: only the frame is looked at; that addresses are segment * 16 + offset is
 *   shown by what the code stores.
 */
#include "test.h"
#include "traps.h"

const char test_title[] = "v86";

enum { SEGMENT = 0x2000, CODE = 0x20000, DATA_SEGMENT = 0x2100, STACK_SEGMENT = 0x2200 };

static struct regs seen;
static uint16_t segments_inside[4];
uint32_t v86_esp;

extern const uint8_t v86_back[];
extern void v86_enter(uint32_t eflags);
asm(".globl v86_enter\n"
    "v86_enter: pushal\n"
    "movl %esp, v86_esp\n"
    "movl 36(%esp), %eax\n"
    "movl %esp, tss + 4\n"
    "subl $128, tss + 4\n"
    "pushl $0x2300; pushl $0x2301\n" /* GS, FS */
    "pushl $0x2100; pushl $0x2102\n" /* DS, ES */
    "pushl $0x2200; pushl $0x100\n"  /* SS, ESP */
    "pushl %eax; pushl $0x2000; pushl $0x0\n"
    "iretl\n"
    "v86_back: movl v86_esp, %esp\n"
    "popal\n"
    "ret\n");

static void leave(struct regs *r)
{
    seen = *r;
    segments_inside[0] = (uint16_t)r->ds;
    segments_inside[1] = (uint16_t)r->es;
    segments_inside[2] = (uint16_t)r->fs;
    segments_inside[3] = (uint16_t)r->gs;
    r->cs = SEL_CODE0;
    r->eip = (uint32_t)v86_back;
    r->eflags = 2;
    r->ds = r->es = r->fs = r->gs = SEL_DATA0;
}

static const uint8_t code[] = {
    0xB8, 0x34, 0x12, /* 0: mov ax, 1234h */
    0xA3, 0x10, 0x00, /* 3: mov [10h], ax */
    0x50,             /* 6: push ax */
    0xF4,             /* 7: hlt: #GP(0), always */
};

static void frame(uint32_t eip, uint32_t vector)
{
    check_eq(seen.vector, vector);
    check_eq(seen.error, vector == X86_GP ? 0 : seen.error);
    check(seen.eflags & FL_VM, "VM is not in the pushed flags");
    check_eq(seen.eip, eip);
    check_eq(seen.cs, SEGMENT);
    check_eq(seen.ss, STACK_SEGMENT);
    check_eq(seen.vm_ds & 0xFFFF, DATA_SEGMENT);
    check_eq(seen.vm_es & 0xFFFF, DATA_SEGMENT + 2);
    check_eq(seen.vm_fs & 0xFFFF, 0x2301);
    check_eq(seen.vm_gs & 0xFFFF, 0x2300);
    for (unsigned i = 0; i < 4; i++)
        check_eq(segments_inside[i], 0);
}

/* ---- not from here ---- */

/* IRET with VM in the flags, to the next instruction: hardware ignores it outside of ring 0, and so that
   nobody has to, our engine refuses. */
void iret_with_vm(void);
asm(".globl iret_with_vm\n"
    "iret_with_vm: pushl %ebp\n"
    "movl %esp, %ebp\n"
    "pushl $0x20002\n"
    "pushl %cs\n"
    "pushl $2f\n"
    "1: iretl\n"
    "2: movl %ebp, %esp\n"
    "popl %ebp\n"
    "ret\n"
    ".pushsection ex_table, \"a\"\n.long 1b, 2b\n.popsection\n");

static uint32_t not_by_iret(uint32_t unused)
{
    (void)unused;
    fault_take();
    iret_with_vm();
    struct fault f = fault_take();
    if (f.happened)
        check_fault(f, X86_GP, 0);
    check(!(f.eflags & FL_VM), "the fault came from virtual-8086 mode");
    check(!(read_eflags() & FL_VM));
    return read_cs();
}

static uint32_t not_by_popf(uint32_t unused)
{
    (void)unused;
    write_eflags(read_eflags() | FL_VM);
    check(!(read_eflags() & FL_VM));
    return read_cs();
}

static void only_from_ring_0(void)
{
    if (on_ringside()) /* QEMU lets everybody in */
        check_eq(user_call(not_by_iret, 0, 0), SEL_CODE3);
    check_eq(user_call(not_by_popf, 0, 0), SEL_CODE3);
    if (env->ring) {
        check_eq(not_by_iret(0), env->cs);
        check_eq(not_by_popf(0), env->cs);
    }
}

static void from_ring_0(void)
{
    volatile uint16_t *data = (uint16_t *)(DATA_SEGMENT * 16 + 0x10);

    trap_handle(X86_GP, leave);
    trap_handle(0x61, leave);
    idt[0x61].hi |= DESC_DPL(3);
    memcpy((void *)CODE, code, sizeof code);
    *data = 0;
    v86_enter(FL_VM | 2);
    frame(7, X86_GP);
    check_eq(seen.esp, 0xFE);
    check_eq(*data, 0x1234);
    check_eq(*(volatile uint16_t *)(STACK_SEGMENT * 16 + 0xFE), 0x1234);

    /* INT n: #GP(0) at IOPL 0, through the gate at IOPL 3. */
    static const uint8_t int61[] = {0x90, 0xCD, 0x61};
    memcpy((void *)CODE, int61, sizeof int61);
    v86_enter(FL_VM | 2);
    frame(1, X86_GP);
    v86_enter(FL_VM | FL_IOPL | 2);
    frame(3, 0x61);

    /* CLI and PUSHF need IOPL 3 as well. */
    static const uint8_t cli_[] = {0xFA, 0x9C, 0xCD, 0x61};
    memcpy((void *)CODE, cli_, sizeof cli_);
    v86_enter(FL_VM | FL_IF | 2);
    frame(0, X86_GP);
    v86_enter(FL_VM | FL_IOPL | FL_IF | 2);
    frame(4, 0x61);
    check(!(seen.eflags & FL_IF), "CLI at IOPL 3 left IF alone");

    /* A privileged one. */
    static const uint8_t mov_cr0[] = {0x0F, 0x20, 0xC0};
    memcpy((void *)CODE, mov_cr0, sizeof mov_cr0);
    v86_enter(FL_VM | FL_IOPL | 2);
    frame(0, X86_GP);
}

void test_main(void)
{
    only_from_ring_0();
    if (env->ring == 0)
        from_ring_0();
}
