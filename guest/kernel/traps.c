/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions. One of user mode's becomes a signal; one of the kernel's goes on at the place that
 * the exception table names, or is the end. Page faults are the exception that is not an error:
 * they are how memory gets to a process at all.
 */
#include "traps.h"
#include "mm/mm.h"
#include "process.h"
#include "pv/pv.h"
#include "task.h"

__attribute__((section(".data.page_aligned"), aligned(4096))) struct desc idt_table[256];

extern const struct ex_entry ex_table_start[], ex_table_end[];
extern const char trap_stubs[], irq_stubs[], syscall_entry[]; /* entry.S: 16 bytes each */

enum { GATE_INTERRUPT = 0x8E00, GATE_TRAP = 0x8F00, GATE_DPL3 = 0x6000 };

/* What an exception of user mode is to the process. Codes: asm-generic/siginfo.h. */
static const struct {
    const char *name;
    uint8_t signal, code;
    bool debugger; /* INT3 and INTO: user mode may raise them by instruction */
} traps[32] = {
    [TRAP_DE] = {"divide error", SIGFPE, 1, false},
    [TRAP_DB] = {"debug", SIGTRAP, 1, false},
    [TRAP_NMI] = {"non-maskable interrupt", 0, 0, false},
    [TRAP_BP] = {"breakpoint", SIGTRAP, SI_KERNEL, true},
    [TRAP_OF] = {"overflow", SIGSEGV, SI_KERNEL, true},
    [TRAP_BR] = {"bound range exceeded", SIGSEGV, SI_KERNEL, false},
    [TRAP_UD] = {"invalid opcode", SIGILL, 2, false},
    [TRAP_NM] = {"device not available", 0, 0, false},
    [TRAP_DF] = {"double fault", 0, 0, false},
    [9] = {"coprocessor segment overrun", SIGFPE, SI_KERNEL, false},
    [TRAP_TS] = {"invalid TSS", SIGSEGV, SI_KERNEL, false},
    [TRAP_NP] = {"segment not present", SIGBUS, SI_KERNEL, false},
    [TRAP_SS] = {"stack segment fault", SIGBUS, SI_KERNEL, false},
    [TRAP_GP] = {"general protection fault", SIGSEGV, SI_KERNEL, false},
    [TRAP_PF] = {"page fault", 0, 0, false},
    [TRAP_MF] = {"x87 floating-point error", SIGFPE, SI_KERNEL, false},
    [TRAP_AC] = {"alignment check", SIGBUS, 1, false},
    [TRAP_MC] = {"machine check", 0, 0, false},
    [TRAP_XF] = {"SIMD floating-point error", SIGFPE, SI_KERNEL, false},
};

static void set_gate(int vector, const void *handler, uint32_t kind)
{
    uint32_t addr = (uint32_t)handler;
    struct desc gate = {(uint32_t)kernel_cs() << 16 | (addr & 0xFFFF), (addr & 0xFFFF0000) | kind};

    pv_write_idt_entry(idt_table, vector, &gate);
}

/* Exceptions come through interrupt gates: CR2 must be read before anything else can fault. A
   system call comes through a trap gate, which leaves interrupts as they were: on. */
void trap_init(void)
{
    struct desc_ptr p = {sizeof idt_table - 1, (uint32_t)idt_table};

    for (int i = 0; i < 32; i++)
        set_gate(i, trap_stubs + i * 16, GATE_INTERRUPT | (traps[i].debugger ? GATE_DPL3 : 0));
    set_gate(TRAP_SYSCALL, syscall_entry, GATE_TRAP | GATE_DPL3);
    pv_load_idt(&p);
}

void trap_set_irq_gates(void)
{
    for (int i = 0; i < IRQS; i++)
        set_gate(TRAP_IRQ0 + i, irq_stubs + i * 16, GATE_INTERRUPT);
}

uint32_t ex_table_find(uint32_t eip)
{
    for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
        if (eip >= e->start && eip < e->end)
            return e->fixup;
    return 0;
}

static void signal_of_fault(const struct trap_frame *f, int sig, int code, uint32_t addr)
{
    current->trap_vector = f->vector;
    current->trap_error = f->error;
    signal_force(sig, code, addr);
}

/* A fault of the kernel's own: where the table says, or nowhere. */
static void kernel_fault(struct trap_frame *f, uint32_t cr2, const char *what)
{
    uint32_t fixup = ex_table_find(f->eip);

    if (!fixup)
        panic_trap(f, cr2, what);
    f->eip = fixup;
}

static void page_fault(struct trap_frame *f, uint32_t cr2)
{
    bool user = from_user(f), write = f->error & PF_WRITE, exec = f->error & PF_EXEC;
    int error;

    if (!user && (!current || !current->mm || cr2 >= PAGE_OFFSET || !ex_table_find(f->eip))) {
        kernel_fault(f, cr2, cr2 < PAGE_SIZE ? "null pointer" : "bad address");
        return;
    }
    if (user || (f->eflags & EFLAGS_IF))
        pv_irq_enable();

    /* A reserved bit in one of our entries is our mistake, not the process's. */
    if (f->error & PF_RESERVED)
        panic_trap(f, cr2, "reserved bit in a page table");
    error = cr2 >= PAGE_OFFSET ? -EFAULT : vm_fault(current->mm, cr2, write, exec);
    if (!error)
        return;
    if (!user) {
        pv_irq_disable();
        kernel_fault(f, cr2, "bad user address");
        return;
    }
    current->trap_cr2 = cr2;
    switch (error) {
    case -ENOMEM:
        printk("out of memory: %s (%d) cannot go on\n", current->comm, current->pid);
        signal_force(SIGKILL, SI_KERNEL, 0);
        break;
    case -EIO:
        signal_of_fault(f, SIGBUS, 2 /* BUS_ADRERR */, cr2);
        break;
    default:
        signal_of_fault(f, SIGSEGV, error == -EACCES ? 2 /* SEGV_ACCERR */ : 1 /* MAPERR */, cr2);
    }
}

/* A single step that user mode asked for (TF) stops at user's next instruction, not in here. */
static void debug_trap(struct trap_frame *f)
{
    uint32_t dr6 = pv_get_debugreg(6);

    pv_set_debugreg(6, 0);
    f->eflags &= ~EFLAGS_TF;
    if (!from_user(f))
        return;
    pv_irq_enable();
    signal_of_fault(f, SIGTRAP, dr6 & DR6_STEP ? 2 /* TRAP_TRACE */ : 1 /* TRAP_BRKPT */, f->eip);
}

void trap_dispatch(struct trap_frame *f)
{
    uint32_t cr2;

    switch (f->vector) {
    case TRAP_PF:
        cr2 = pv_read_cr2(); /* once, and before interrupts are on: the next fault overwrites it */
        page_fault(f, cr2);
        return;
    case TRAP_NM:
        if (from_user(f)) {
            fpu_trap();
            return;
        }
        break;
    case TRAP_DB:
        debug_trap(f);
        return;
    }
    if (!from_user(f)) {
        kernel_fault(f, 0, traps[f->vector].name);
        return;
    }
    if (!traps[f->vector].signal)
        panic_trap(f, 0, traps[f->vector].name);
    pv_irq_enable();
    signal_of_fault(f, traps[f->vector].signal, traps[f->vector].code,
                    f->vector == TRAP_DE || f->vector == TRAP_UD ? f->eip : 0);
}

/*
 * The last thing before every return to user mode: let others run whose turn it is, deliver
 * signals. Returns with interrupts masked, so that nothing new can come up behind our back.
 */
void exit_to_user(struct trap_frame *f)
{
    for (;;) {
        bool restart = (int32_t)f->orig_eax >= 0 && f->eax >= (uint32_t)-ERESTART_RESTARTBLOCK &&
                       f->eax <= (uint32_t)-ERESTARTSYS;

        if (current->need_resched) {
            pv_irq_enable();
            schedule();
        } else if (restart || current->restore_blocked || signal_pending(current)) {
            pv_irq_enable();
            signal_deliver(f);
        } else {
            return;
        }
        pv_irq_disable();
    }
}
