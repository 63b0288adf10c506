/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of this kernel share. It is built four times: as a guest of 2.6.31 and of 3.2
 * (RELEASE_3_2), with and without PAE (PAE). Names are Linux's, for the same things.
 */
#ifndef TESTS_LINUX_LGUEST_H
#define TESTS_LINUX_LGUEST_H

#include "abi/lguest.h"

#define PAGE_OFFSET   0xC0000000
#define PAGE_SIZE     4096
#define VMALLOC_START 0xF8000000

/* GDT, as Linux laid it out on i386. */
#define GDT_PERCPU  27
#define GDT_CANARY  28
#define KERNEL_CS   0x60
#define KERNEL_DS   0x68
#define USER_CS     0x73
#define USER_DS     0x7B
#define PERCPU_SEL  (GDT_PERCPU * 8)
#define CANARY_SEL  (GDT_CANARY * 8)
#define TLS_SEL     (LGUEST_GDT_ENTRY_TLS * 8 + 3)

#define THREAD_SIZE 8192

#if RELEASE_3_2
#define HCALL   int $LGUEST_TRAP_ENTRY
#define RELEASE "3.2"
#else
#define HCALL   .byte 0x0F, 0x01, 0xC1 /* vmcall */
#define RELEASE "2.6.31"
#endif

/* The user program: where it is, and what it asks for. */
#define USER_CODE  0x08048000
#define USER_COW   0x08049000 /* a page that is read-only until it is written to */
#define USER_STACK 0xBFFFF000 /* its end; nothing is mapped there at first */
#define SYS_EXIT   1
#define SYS_WRITE  4
#define SYS_CHECK  5 /* EBX must be ECX */
#define SYS_TICKS  6

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if RELEASE_3_2
typedef struct lguest_data_3_2 lguest_data_t;
#else
typedef struct lguest_data lguest_data_t;
#endif
extern lguest_data_t lguest_data;
extern uint8_t boot_params[PAGE_SIZE];
extern char command_line[];

static inline uint32_t pa(const volatile void *p)
{
    return (uint32_t)(uintptr_t)p - PAGE_OFFSET;
}

static inline void *va(uint32_t physical)
{
    return (void *)(uintptr_t)(physical + PAGE_OFFSET);
}

/* A hypercall now. All registers but EAX are kept. */
#define HCALL_TEXT_(x) #x
#define HCALL_TEXT(x)  HCALL_TEXT_(x)
static inline void hcall4(uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
#if RELEASE_3_2
    asm volatile("int %6"
                 : "+a"(n), "+m"(lguest_data)
                 : "b"(a1), "c"(a2), "d"(a3), "S"(a4), "i"(LGUEST_TRAP_ENTRY)
                 : "memory", "cc");
#else
    asm volatile(".byte 0x0F, 0x01, 0xC1"
                 : "+a"(n), "+m"(lguest_data)
                 : "b"(a1), "c"(a2), "d"(a3), "S"(a4)
                 : "memory", "cc");
#endif
}
static inline void hcall(uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3)
{
    hcall4(n, a1, a2, a3, 0);
}

/* early.c: hypercalls that may wait, the first console, and last words */
extern bool lazy;
void lazy_hcall(uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4);
void leave_lazy(void);
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *why, const char *file, int line) __attribute__((noreturn));
#define check(x)                                \
    do {                                        \
        if (!(x))                               \
            panic(#x, __FILE_NAME__, __LINE__); \
    } while (0)
extern void (*console_write)(const char *text, uint32_t n); /* once there is a better one */
size_t strlen(const char *s);
bool has_word(const char *word); /* on the command line */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

/* mm.c */
#if PAE
typedef uint64_t pte_t;
#define LOG2_ENTRIES 9
#else
typedef uint32_t pte_t;
#define LOG2_ENTRIES 10
#endif
#define PTE_P       1
#define PTE_RW      2
#define PTE_US      4
#define PTE_PCD     0x10
#define PTE_A       0x20
#define PTE_D       0x40
#define PTE_G       0x100
#define PAGE_KERNEL (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G)
struct mm {
    uint32_t cr3;
};
extern struct mm init_mm;
void *alloc_page(void); /* zeroed */
void early_ioremap_init(void);
void *early_ioremap(uint32_t physical);
void early_iounmap(void);
void paging_init(void);
void *ioremap(uint32_t physical, uint32_t pages);
void set_pte(pte_t *at, pte_t v);
void set_pte_at(struct mm *mm, uint32_t address, pte_t v);
pte_t *kernel_pte(uint32_t address); /* with a table for it, in init_mm */
pte_t *user_pte(struct mm *mm, uint32_t address);
void mm_new(struct mm *mm);
void write_cr3(uint32_t cr3);

/* entry.S, irq.c: traps, interrupts, time */
struct regs {
    uint32_t gs, fs, es, ds, edi, esi, ebp, unused, ebx, edx, ecx, eax;
    uint32_t vector, error, eip, cs, eflags, esp, ss; /* the last two from ring 3 only */
};
struct fault {
    uint32_t vector, error, eip, cr2; /* vector -1: there was none */
};
extern struct fault fault;
extern volatile uint32_t jiffies;
extern void (*irq_handler[LGUEST_IRQS])(void);
void gdt_init(void);
void trap_init(void);
void time_init(void);
void set_ts(bool on);
void local_irq_enable(void);
uint32_t local_irq_save(void);
void local_irq_restore(uint32_t flags);
void safe_halt(void);
/* One instruction of the kernel's, which may fault: its vector, or ~0; the fault is at exactly that
   instruction. It has EAX and EDX, as given, and operands from %3 on. */
extern uint32_t fixup;
#define TRY(instruction, a, d, ...)                                                         \
    ({                                                                                      \
        uint32_t at_, a_ = (a), d_ = (d);                                                   \
        fault.vector = ~0u;                                                                 \
        asm volatile("movl $9f, fixup; movl $8f, %0\n8: " instruction "\n9: movl $0, fixup" \
                     : "=&r"(at_), "+a"(a_), "+d"(d_)                                       \
                     : __VA_ARGS__                                                          \
                     : "memory", "cc");                                                     \
        check(fault.vector == ~0u || fault.eip == at_);                                     \
        fault.vector;                                                                       \
    })

/* devices.c */
void devices_init(void);
uint32_t console_read_line(char *line, uint32_t room);

/* process.c, user.S */
void run_process(void);
bool user_trap(struct regs *r);

#endif
#endif
