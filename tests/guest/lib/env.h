/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One source, several environments: what a test asks of the machine, and who answers there.
 *
 * A kernel that owns its machine masks interrupts with CLI and moves CR3; one that has a hypervisor
 * above it asks, or writes to memory that both can see. Everything that differs and that tests need
 * is a row of this table, after the idea of the Xen Test Framework. start.S finds out by which door we
 * came and picks the table; an environment is therefore one file env_NAME.c (with its few lines of
 * assembler), and its door.
 *
 * What a test is *about* it does with raw instructions, and asks env->ring, on_native() or
 * on_lguest() what they should do there.
 */
#ifndef TESTS_GUEST_ENV_H
#define TESTS_GUEST_ENV_H

#include "cpu.h"

struct regs;

struct env {
    const char *name;
    unsigned ring;   /* the kernel's */
    uint16_t cs, ds; /* its flat segments */
    uint16_t system; /* a selector of a descriptor that is no segment */
    bool nx;         /* pages can be made not executable, and CR0.WP be cleared: bare paging */

    /* Before all else: magic and info are what the loader left. The command line, or NULL. */
    const char *(*enter)(uint32_t magic, const void *info);
    void (*put)(char c);
    void (*power_off)(uint8_t status); /* does not return */

    /* The tables in traps.h, once and entry by entry; NULL: the CPU reads them itself. */
    void (*load_tables)(void);
    void (*gdt_changed)(unsigned index);
    void (*idt_changed)(unsigned vector);
    void (*set_stack)(uint32_t esp);      /* on which ring 3 comes in */
    void (*trap_entered)(struct regs *r); /* make the frame look as a bare CPU's; may be NULL */
    void (*leave)(void); /* IRET, jumped to with its frame on the stack (assembler) */
    uint32_t (*fault_address)(void);

    void (*irq_enable)(void);
    void (*irq_disable)(void);
    bool (*irqs_enabled)(void);
    void (*irq_wait)(void); /* enable, sleep until one has been taken, disable */

    /* Lines 0..15 arrive at IRQ_VECTOR + line. 0 is the timer, 4 the serial line. */
    void (*lines_init)(void); /* all closed */
    void (*lines_open)(uint32_t mask);
    void (*line_done)(unsigned line);
    void (*timer_once)(uint32_t us); /* up to 50,000; 0: never mind */

    /* paging.h */
    void (*use_tables)(const uint64_t *root);
    void (*use_flat_tables)(uint32_t *root);
    void (*no_tables)(void); /* virtual is physical, as at the start */
    void (*page_changed)(void *root, uint32_t va, uint64_t entry);
    void (*tables_changed)(void);

    void (*before_user)(void); /* ring 3 is about to be entered; may be NULL */

    void (*task_switched)(bool on); /* CR0.TS */
};
extern const struct env *env;
extern const struct env env_native, env_lguest;

static inline bool on_native(void)
{
    return env == &env_native;
}
static inline bool on_lguest(void)
{
    return env == &env_lguest;
}
/* The registers with which start.S was entered. */
extern const struct entry_regs {
    uint32_t edi, esi, ebp, esp_ignored, ebx, edx, ecx, eax, eflags, esp;
} entry_regs;
/* The host is of the days after 3.0: int $0x1f, other numbers in struct lguest_data. */
bool on_lguest_3_2(void);
/* LHCALL_*, for tests that are about them. */
void lguest_hcall(uint32_t call, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4);
struct lguest_data;
extern struct lguest_data lguest_data;

static inline void irq_enable(void)
{
    env->irq_enable();
}
static inline void irq_disable(void)
{
    env->irq_disable();
}

enum { IRQ_PIT = 0, IRQ_CASCADE = 2, IRQ_COM1 = 4, IRQ_RTC = 8 };
enum { IRQ_VECTOR = 0x20 }; /* of line 0 */

#endif
