// SPDX-License-Identifier: GPL-2.0-only
/*
 * interrupts: from a device's line to a handler, at the right instruction
 *
 * Background: the 8259 decides which request is the most urgent and holds back what is not; the CPU
 *   takes one between two instructions when IF is set, but not right behind STI or a load of SS, and
 *   in the middle of a repeated string instruction with registers that say how far it got.
 * What it does: three sources (timer, IRQ 0; serial line, IRQ 4; CMOS clock, IRQ 8) are raised with
 *   IF clear until the 8259 shows them; then IF is set in every way there is, and the handler notes
 *   in which order they came and where.
 *   Under lguest there is no 8259, and no flag in the CPU: the same sources (the clock event is line 0),
 *   and instead of CLI, STI and masks the words in shared memory, with the window before IRET.
 * How it could be fooled: a machine that polls late could deliver an instruction later than hardware
 *   does; that is why the saved EIP is compared, not only the fact.
 */
#include "abi/lguest.h"
#include "pic.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "interrupts";

enum { COM1_IER = 0x3F9, COM1_IIR = 0x3FA, COM1_MCR = 0x3FC, IER_THRE = 2, MCR_OUT2 = 8 };
enum { WAIT = 10000000 };

/* ---- sources: each raises its line and waits until the 8259 has seen it ---- */

/* The 8259 shows its requests. lguest has no such register; its note says that something waits, which
   comes after a while at the latest. */
static void wait_for(uint16_t bits)
{
    for (unsigned i = 0; i < WAIT; i++) {
        if (on_lguest() && i > 20000)
            return;
        if (!on_lguest() && (pic_read(PIC_READ_IRR) & bits) == bits)
            return;
    }
    test_failure("requests %04x do not show: IRR is %04x", bits, pic_read(PIC_READ_IRR));
}

static void raise_timer(void)
{
    env->timer_once(8);
    wait_for(1 << IRQ_PIT);
}

static void raise_serial(void)
{
    outb(COM1_IER, IER_THRE); /* the transmitter is empty: at once */
    wait_for(1 << IRQ_COM1);
}

static void quiet_serial(void)
{
    outb(COM1_IER, 0);
    inb(COM1_IIR);
}

static void raise_clock(void)
{
    cmos_write(0x0A, 0x26); /* 1024 Hz */
    cmos_write(0x0B, cmos_read(0x0B) | 0x40);
    wait_for(1 << IRQ_RTC | 1 << IRQ_CASCADE);
}

static void quiet_clock(void)
{
    cmos_write(0x0B, cmos_read(0x0B) & ~0x40);
    cmos_read(0x0C);
}

/* ---- the handler ---- */

static unsigned order[16], taken;
static uint32_t where;
static struct regs seen;

static void note(struct regs *r)
{
    if (taken < ARRAY_SIZE(order))
        order[taken] = r->vector - IRQ_VECTOR;
    taken++;
    where = r->eip;
    seen = *r;
}

static void note_and_finish(struct regs *r)
{
    note(r);
    unsigned irq = r->vector - IRQ_VECTOR;
    if (irq == IRQ_COM1)
        quiet_serial();
    if (irq == IRQ_RTC)
        quiet_clock();
    env->line_done(irq);
}

static void handle_all(trap_handler *h)
{
    for (unsigned irq = 0; irq < 16; irq++)
        trap_handle((uint8_t)(IRQ_VECTOR + irq), h);
    taken = 0;
}

/* ---- where ---- */

#define CHECK_WHERE(how, text)                                                         \
    do {                                                                               \
        extern const char at_##how[];                                                  \
        handle_all(note_and_finish);                                                   \
        raise_timer();                                                                 \
        asm volatile(text : : "a"(0) : "memory", "cc", "ecx");                         \
        check(taken == 1, #how ": %u interrupts", taken);                              \
        check(where == (uint32_t)at_##how, #how ": at %08x, should be at %08x", where, \
              (uint32_t)at_##how);                                                     \
    } while (0)

static void at_the_right_instruction(void)
{
    CHECK_WHERE(sti, "sti; incl %%eax; .globl at_sti; at_sti: incl %%eax; incl %%eax; cli");
    CHECK_WHERE(popf, "pushf; orl $0x200, (%%esp); popf; .globl at_popf; at_popf: incl %%eax; cli");
    CHECK_WHERE(iret, "pushf; orl $0x200, (%%esp); pushl %%cs; pushl $at_iret; iretl;"
                      ".globl at_iret; at_iret: incl %%eax; cli");
    CHECK_WHERE(hlt, "sti; hlt; .globl at_hlt; at_hlt: incl %%eax; cli");
    CHECK_WHERE(branch, "sti; jmp at_branch; ud2; .globl at_branch; at_branch: incl %%eax; cli");

    /* CLI in the shadow: never. */
    handle_all(note_and_finish);
    raise_timer();
    asm volatile("sti; cli; nop; nop; nop" : : : "memory");
    check_eq(taken, 0);
    asm volatile("sti; nop; cli" : : : "memory");
    check_eq(taken, 1);

    /* A load of SS holds back one instruction, too: ESP is not yet what it should be. */
    extern const char at_ss[];
    handle_all(note_and_finish);
    pit_set(0, 0, 0xFFFF); /* not soon */
    asm volatile("sti; nop" : : : "memory");
    cli();
    raise_timer();
    asm volatile("pushf; orl $0x200, (%%esp); movl %0, %%ecx; movl %%ss, %%eax;"
                 "popf; .globl at_ss; at_ss: movl %%eax, %%ss; movl %%esp, %%ecx; cli"
                 :
                 : "i"(SEL_DATA0)
                 : "eax", "ecx", "memory", "cc");
    check_eq(taken, 1);
    check_eq(where, (uint32_t)at_ss);
}

static void sleep_and_wake(void)
{
    handle_all(note_and_finish);
    for (unsigned i = 1; i <= 20; i++) {
        env->timer_once(1700);
        env->irq_wait();
        check_eq(taken, i);
        check(!env->irqs_enabled());
    }
    /* One that waits already: no sleep at all. */
    raise_timer();
    env->irq_wait();
    check_eq(taken, 21);
}

/* ---- in the middle of REP ---- */

static uint8_t area[2][1 << 20];

static void in_a_rep(void)
{
    extern const char the_rep[];
    uint32_t to = (uint32_t)area[0], from = (uint32_t)area[1], count = sizeof area[0];

    for (uint32_t i = 0; i < sizeof area[1]; i++)
        area[1][i] = (uint8_t)(i * 7);
    handle_all(note_and_finish);
    env->timer_once(250); /* a quarter of a million cycles */
    irq_enable();
    asm volatile(".globl the_rep; the_rep: rep movsb"
                 : "+D"(to), "+S"(from), "+c"(count)
                 :
                 : "memory");
    irq_disable();
    check_eq(count, 0);
    check_eq(to, (uint32_t)area[0] + sizeof area[0]);
    check(memcmp(area[0], area[1], sizeof area[0]) == 0, "the copy is not the original");
    check_eq(taken, 1);
    if (where == (uint32_t)the_rep) {
        uint32_t moved = seen.edi - (uint32_t)area[0];
        check_eq(seen.ecx + moved, sizeof area[0]);
        check_eq(seen.esi - (uint32_t)area[1], moved);
    } else if (on_ringside()) {
        test_failure("the interrupt came at %08x, not in the REP at %08x", where,
                     (uint32_t)the_rep);
    }
}

/* Long enough for whoever looks now and then. */
static void linger(void)
{
    for (volatile unsigned i = 0; i < 50000; i++)
        ;
}

/* ---- in which order ---- */

static void open_inside(struct regs *r)
{
    unsigned irq = r->vector - IRQ_VECTOR;

    note(r);
    if (irq == IRQ_COM1)
        quiet_serial();
    if (irq == IRQ_PIT) {
        /* In service: nothing less urgent comes through, whatever IF says. */
        unsigned before = taken;
        check_eq(pic_read(PIC_READ_ISR) & 1, 1);
        asm volatile("sti; nop; nop; cli" : : : "memory");
        check_eq(taken, before);
    }
    pic_eoi(irq);
}

static void more_urgent_inside(struct regs *r)
{
    unsigned irq = r->vector - IRQ_VECTOR;

    note(r);
    if (irq == IRQ_COM1) {
        quiet_serial();
        raise_timer(); /* more urgent than what is in service: it comes at once */
        asm volatile("sti; nop; nop; cli" : : : "memory");
        check_eq(taken, 2);
        check_eq(order[1], IRQ_PIT);
    }
    pic_eoi(irq);
}

static void priorities(void)
{
    handle_all(open_inside);
    raise_serial();
    raise_timer();
    asm volatile("sti; nop; nop; nop; cli" : : : "memory");
    check_eq(taken, 2);
    check_eq(order[0], IRQ_PIT);
    check_eq(order[1], IRQ_COM1);
    check_eq(pic_read(PIC_READ_ISR), 0);

    handle_all(more_urgent_inside);
    raise_serial();
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 2);
    check_eq(order[0], IRQ_COM1);

    /* The second chip hangs on the first one's line 2: before 4, after 0. */
    handle_all(note_and_finish);
    raise_serial();
    raise_clock();
    raise_timer();
    asm volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
    check_eq(taken, 3);
    check_eq(order[0], IRQ_PIT);
    check_eq(order[1], IRQ_RTC);
    check_eq(order[2], IRQ_COM1);
    check_eq(pic_read(PIC_READ_ISR), 0);
}

static void masks(void)
{
    handle_all(note_and_finish);
    raise_timer();
    pic_mask((uint16_t) ~(1 << IRQ_COM1 | 1 << IRQ_CASCADE | 1 << IRQ_RTC));
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 0);
    check(pic_read(PIC_READ_IRR) & 1, "a masked request is forgotten");
    raise_serial(); /* others pass */
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 1);
    check_eq(order[0], IRQ_COM1);
    pic_mask((uint16_t) ~(1 << IRQ_PIT | 1 << IRQ_COM1 | 1 << IRQ_CASCADE | 1 << IRQ_RTC));
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 2);
    check_eq(order[1], IRQ_PIT);
    check_eq(inb(PIC1 + 1), 0xEA); /* the mask reads back */
}

static void no_eoi(struct regs *r)
{
    note(r);
}

static void end_of_interrupt(void)
{
    handle_all(no_eoi);
    raise_timer();
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 1);
    raise_timer(); /* requested again, but the last one is still in service */
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 1);
    check_eq(pic_read(PIC_READ_ISR), 1);
    outb(PIC1, 0x60 | IRQ_COM1); /* a specific EOI for another line changes nothing */
    check_eq(pic_read(PIC_READ_ISR), 1);
    outb(PIC1, 0x60 | IRQ_PIT);
    check_eq(pic_read(PIC_READ_ISR), 0);
    asm volatile("sti; nop; nop; cli" : : : "memory");
    check_eq(taken, 2);
    pic_eoi(IRQ_PIT);
}

/* ---- at ring 3 ---- */

static uint32_t spin(uint32_t limit)
{
    volatile unsigned *t = &taken;
    uint32_t turns = 0;
    while (!*t && ++turns < limit)
        ;
    return turns;
}

static void at_ring_3(void)
{
    handle_all(note_and_finish);
    env->timer_once(100);
    check(user_call(spin, 200000000, FL_IF) < 200000000, "no interrupt at ring 3");
    check_eq(taken, 1);
    check_eq(seen.cs, SEL_CODE3);
    check_eq(seen.ss, SEL_DATA3);

    handle_all(note_and_finish); /* a request that waited while the kernel had IF clear */
    raise_timer();
    check_eq(user_call(spin, 1000, FL_IF), 0);
    check_eq(taken, 1);

    handle_all(note_and_finish); /* and one that ring 3 is not to take either */
    raise_timer();
    check_eq(user_call(spin, 20000, 0), 20000);
    check_eq(taken, 0);
    irq_enable();
    linger();
    irq_disable();
    check_eq(taken, 1);
}

/* ---- lguest: the flag is a word in memory, and so is the mask ---- */

static volatile struct lguest_data *shared(void)
{
    return &lguest_data;
}

/* A call by which an interrupt can come: where does it find us? */
static void at_the_call(void)
{
    extern const char behind_the_call[], behind_the_store[];
    uint32_t call = LHCALL_SEND_INTERRUPTS;

    handle_all(note_and_finish);
    raise_timer();
    check_eq(shared()->irq_pending, LGUEST_IF);
    shared()->irq_enabled = LGUEST_IF;
    asm volatile("int $0x1f; .globl behind_the_call; behind_the_call: nop"
                 : "+a"(call)
                 :
                 : "memory");
    irq_disable();
    check_eq(taken, 1);
    check_eq(where, (uint32_t)behind_the_call);
    check_eq(shared()->irq_pending, 0);
    check(seen.eflags & FL_IF, "the frame does not have the virtual flag");

    /* Who only stores is not overlooked for long. */
    handle_all(note_and_finish);
    raise_timer();
    shared()->irq_enabled = LGUEST_IF;
    asm volatile(
        ".globl behind_the_store; behind_the_store: movl $20000, %%ecx; 1: decl %%ecx; jnz 1b"
        :
        :
        : "ecx", "memory", "cc");
    irq_disable();
    check_eq(taken, 1);
    check(where - (uint32_t)behind_the_store < 16, "at %08x", where);

    /* Inside the window that ends with IRET: never, but right behind it. */
    extern const char lguest_noirq_start[], lguest_noirq_end[];
    for (unsigned i = 0; i < 50; i++) {
        handle_all(note_and_finish);
        env->timer_once(1 + i % 7);
        irq_enable();
        while (!taken)
            asm volatile("int $5" : : : "memory"); /* in and out by that window */
        irq_disable();
        check(where < (uint32_t)lguest_noirq_start || where >= (uint32_t)lguest_noirq_end,
              "in the window, at %08x", where);
        check_eq(taken, 1);
    }
}

static unsigned open_inside_seen;

static void inside_is_open(struct regs *r)
{
    note(r);
    open_inside_seen += env->irqs_enabled();
}

static void ignore(struct regs *r)
{
    (void)r;
}

static void virtual_masks(void)
{
    handle_all(note_and_finish);
    env->lines_open(1 << IRQ_COM1);
    raise_timer();
    irq_enable();
    linger();
    check_eq(taken, 0); /* the line is blocked, and kept */
    env->lines_open(1 << IRQ_PIT | 1 << IRQ_COM1);
    linger();
    irq_disable();
    check_eq(taken, 1);
    check_eq(order[0], IRQ_PIT);

    /* The lower line first, whatever was raised first. */
    handle_all(note_and_finish);
    raise_serial();
    raise_timer();
    irq_enable();
    linger();
    irq_disable();
    check_eq(taken, 2);
    check_eq(order[0], IRQ_PIT);
    check_eq(order[1], IRQ_COM1);

    /* A line without a gate waits for one. */
    struct desc none = gate_default(IRQ_VECTOR);
    none.hi &= ~(uint32_t)DESC_P;
    handle_all(note_and_finish);
    idt_set(IRQ_VECTOR, none);
    raise_timer();
    irq_enable();
    linger();
    check_eq(taken, 0);
    idt_set(IRQ_VECTOR, gate_default(IRQ_VECTOR));
    linger();
    irq_disable();
    check_eq(taken, 1);

    /* A trap gate leaves the flag alone: the next one comes in on top. */
    struct desc open = gate_default(IRQ_VECTOR);
    open.hi |= DESC_TRAP32;
    idt_set(IRQ_VECTOR, open);
    handle_all(inside_is_open);
    raise_timer();
    irq_enable();
    linger();
    irq_disable();
    check_eq(taken, 1);
    check_eq(open_inside_seen, 1);
    idt_set(IRQ_VECTOR, gate_default(IRQ_VECTOR));
}

void test_main(void)
{
    env->lines_init();
    outb(COM1_MCR, MCR_OUT2);
    env->lines_open(1 << IRQ_PIT | 1 << IRQ_COM1 | 1 << IRQ_RTC);
    if (on_native())
        at_the_right_instruction();
    sleep_and_wake();
    in_a_rep();
    if (on_native()) {
        priorities();
        masks();
        end_of_interrupt();
    } else if (on_lguest()) {
        trap_handle(5, ignore);
        at_the_call();
        virtual_masks();
    }
    at_ring_3();
    env->lines_open(0);
}
