/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments, TSS, IDT, and what becomes of a fault.
 *
 * A fault is first offered to the handler that the test has installed for its vector. Without one it
 * is looked up in the exception table by its *exact* EIP: instructions under TRY() are listed there,
 * so a fault of theirs becomes a value, and a fault that is reported one instruction too early or too
 * late is not found. What nobody expected is printed with its registers and fails the test.
 */
#ifndef TESTS_GUEST_TRAPS_H
#define TESTS_GUEST_TRAPS_H

#include "cpu.h"
#include "env.h"

/* The frame on the stack while a handler runs; esp and ss only exist when the ring changed, the last
   four only when virtual-8086 code was interrupted. */
struct regs {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, esp_ignored, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags, esp, ss;
    uint32_t vm_es, vm_ds, vm_fs, vm_gs;
};

/* Returning resumes at regs->eip, whatever it then is. */
typedef void trap_handler(struct regs *r);
/* NULL: none. Vectors up to 255. The gates are interrupt gates, with DPL 0. */
void trap_handle(uint8_t vector, trap_handler *handler);

/* ---- a fault as a value ---- */

struct fault {
    bool happened;
    uint8_t vector;
    uint32_t error, cr2; /* error is 0 where the vector has none */
    uint32_t eip, cs, eflags;
};
extern volatile struct fault last_fault; /* the last one that the exception table caught */
struct fault fault_take(void);           /* and forget it */

/* In an asm text: the instruction between labels `from` and `to` may fault; then go on at `to`. */
#define MAY_FAULT(from, to) ".pushsection ex_table, \"a\"\n.long " from ", " to "\n.popsection\n"

/* Execute one instruction with these asm inputs and say how it faulted, if it did. EAX, ECX and EDX
   may be changed by it if `TRY_CLOBBER` says so. */
#define TRY_CLOBBER(clobbers, insn, ...)                                                           \
    ({                                                                                             \
        fault_take();                                                                              \
        asm volatile("661: " insn "\n662:\n" MAY_FAULT("661b", "662b")                             \
                     :                                                                             \
                     : __VA_ARGS__                                                                 \
                     : "memory", "cc" clobbers);                                                   \
        fault_take();                                                                              \
    })
#define COMMA ,
#define TRY(insn, ...) TRY_CLOBBER(, insn, ##__VA_ARGS__)

/* Failure unless f is this fault. */
#define check_fault(f, vector, error) test_fault_at(__FILE__, __LINE__, f, vector, error)
#define check_no_fault(f)             test_fault_at(__FILE__, __LINE__, f, -1, 0)
#define check_page_fault(f, error, cr2)                                                            \
    test_page_fault_at(__FILE__, __LINE__, f, error, (uint32_t)(cr2))
void test_fault_at(const char *file, unsigned line, struct fault f, int vector, uint32_t error);
void test_page_fault_at(const char *file, unsigned line, struct fault f, uint32_t error,
                        uint32_t cr2);

/* ---- descriptors ---- */

struct desc {
    uint32_t lo, hi;
};
enum {
    SEL_NULL = 0,
    SEL_CODE0 = 0x08, SEL_DATA0 = 0x10, /* flat; on bare hardware alone: env->cs, env->ds */
    SEL_CODE3 = 0x18 | 3, SEL_DATA3 = 0x20 | 3,
    SEL_TSS = 0x28,
    SEL_FREE = 0x88, /* from here on the test's own, but for the last */
    GDT_ENTRIES = 32,
};
/* High dword of a descriptor, without base and limit. */
enum {
    DESC_P = 1 << 15, DESC_S = 1 << 12, DESC_CODE = DESC_S | 1 << 11 | 1 << 9,
    DESC_DATA = DESC_S | 1 << 9, DESC_CONFORMING = 1 << 10, DESC_EXPAND_DOWN = 1 << 10,
    DESC_ACCESSED = 1 << 8, DESC_32 = 1 << 22, DESC_4K = 1 << 23,
    DESC_TSS32 = 9 << 8, DESC_LDT = 2 << 8, DESC_CALL32 = 12 << 8, DESC_TASK = 5 << 8,
    DESC_INT32 = 14 << 8, DESC_TRAP32 = 15 << 8,
};
#define DESC_DPL(n) ((uint32_t)(n) << 13)

/* As they were last set. Where the CPU reads them itself they can be written to as well; elsewhere a
   change is one that the hypervisor is told. */
extern struct desc gdt[GDT_ENTRIES];
extern struct desc idt[256];
void gdt_set(uint32_t selector, struct desc d);
void idt_set(uint8_t vector, struct desc d);

struct tss {
    uint32_t link;
    struct {
        uint32_t esp, ss;
    } stack[3];
    uint32_t cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, io_base;
};
#define IO_BITMAP_BYTES 8192
/* On bare hardware: the TSS in TR, with a bitmap that forbids every port. */
extern struct tss_with_bitmap {
    struct tss t;
    uint8_t bitmap[IO_BITMAP_BYTES + 1]; /* the manual wants a byte of ones after it */
} tss;

struct desc segment(uint32_t base, uint32_t limit, uint32_t flags); /* limit in bytes or 4 KiB */
struct desc gate(uint32_t selector, const void *handler, uint32_t flags);
/* Reload TR (a busy TSS cannot be loaded: the descriptor is written afresh). */
void tss_load(void);
/* What vector's gate was at the start; for putting it back. DPL 0 is the kernel's ring everywhere. */
struct desc gate_default(uint8_t vector);

void traps_init(void);

/* ---- ring 3 ---- */

/* Call fn(arg) at ring 3 with these flags (bit 1 and IF are as given; IOPL counts where it is ours to
   give), on a stack of its own, and return what it returned. */
uint32_t user_call(uint32_t (*fn)(uint32_t), uint32_t arg, uint32_t eflags);
/* Ring 3 comes back through this vector, a number in EAX: what is to be done with EBX. A handler that
   a test installs for the vector comes first. */
enum { VECTOR_SYSCALL = 0x80, USER_RETURN = 0, USER_PUT = 1 };
/* The stack on which ring 3 comes in. */
extern uint32_t kernel_stack;
void kernel_stack_set(uint32_t esp);
extern uint8_t user_stack[4 * 4096];

#endif
