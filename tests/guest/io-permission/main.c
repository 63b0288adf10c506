// SPDX-License-Identifier: GPL-2.0-only
/*
 * io-permission: who may touch which port
 *
 * Background: SDM volume 1, 18.5. CPL <= IOPL may do all; otherwise the bitmap behind the TSS decides,
 *   one bit a port, for all ports that the access covers. The bitmap is read from memory by the CPU,
 *   so it may also fault.
 * What it does: reads and writes ports at ring 3 with every kind of permission, string forms
 *   included, and lets a string transfer fault in its middle. The port is the POST code port 80h,
 *   and the scratch register of COM1, which reads back.
 *   A guest of lguest has neither IOPL nor a TSS to put a bitmap behind. There: IN and OUT in the
 *   kernel's ring are answered as by an empty bus, strings and ring 3 are refused.
 * How it could be fooled: a denied OUT must not have happened; the scratch register is read after
 *   each.
 */
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "io-permission";

enum { SCRATCH = 0x3FF };

static void allow(uint16_t port, bool yes)
{
    if (yes)
        tss.bitmap[port / 8] &= (uint8_t) ~(1 << port % 8);
    else
        tss.bitmap[port / 8] |= (uint8_t)(1 << port % 8);
}

static uint32_t out_scratch(uint32_t value)
{
    return TRY("outb %%al, %%dx", "a"(value), "d"(SCRATCH)).happened;
}

static uint32_t in_word(uint32_t port)
{
    struct fault f = TRY("inw %%dx, %%ax", "a"(0), "d"(port));
    if (f.happened)
        check_fault(f, X86_GP, 0);
    return f.happened;
}

static uint32_t flags_at_3(uint32_t eflags)
{
    write_eflags(eflags | 2);
    return read_eflags();
}

static void permissions(void)
{
    outb(SCRATCH, 0x11);
    check_eq(user_call(out_scratch, 0x22, 0), 1);
    check_eq(inb(SCRATCH), 0x11);
    check_eq(user_call(out_scratch, 0x33, FL_IOPL), 0); /* IOPL 3 */
    check_eq(inb(SCRATCH), 0x33);
    check_eq(user_call(out_scratch, 0x44, 1 << 12), 1); /* IOPL 1 */
    check_eq(inb(SCRATCH), 0x33);

    allow(SCRATCH, true);
    check_eq(user_call(out_scratch, 0x55, 0), 0);
    check_eq(inb(SCRATCH), 0x55);
    allow(SCRATCH, false);
    check_eq(user_call(out_scratch, 0x66, 0), 1);

    /* Both bytes of a word must be allowed; 87h and 88h lie in different bytes of the bitmap. */
    allow(0x87, true);
    check_eq(user_call(in_word, 0x87, 0), 1);
    allow(0x88, true);
    check_eq(user_call(in_word, 0x87, 0), 0);
    allow(0x87, false);
    check_eq(user_call(in_word, 0x87, 0), 1);
    allow(0x88, false);

    /* A TSS that ends before the bitmap forbids all. */
    allow(SCRATCH, true);
    gdt[SEL_TSS / 8] = segment((uint32_t)&tss, sizeof tss.t - 1, DESC_P | DESC_TSS32);
    asm volatile("ltr %w0" : : "r"(SEL_TSS));
    check_eq(user_call(out_scratch, 0x77, 0), 1);
    tss_load();
    check_eq(user_call(out_scratch, 0x77, 0), 0);
    allow(SCRATCH, false);

    /* Ring 3 cannot give itself what it lacks; at IOPL 3 it may change IF. */
    check_eq(user_call(flags_at_3, FL_IOPL | FL_IF, 0) & (FL_IOPL | FL_IF), 0);
    check_eq(user_call(flags_at_3, FL_IF, FL_IOPL) & (FL_IOPL | FL_IF), FL_IOPL | FL_IF);
}

/* ---- strings ---- */

static uint32_t string_out(uint32_t count)
{
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    uint32_t left = count, at = (uint32_t)bytes;

    fault_take();
    asm volatile("661: rep outsb\n662:\n" MAY_FAULT("661b", "662b")
                 : "+c"(left), "+S"(at)
                 : "d"(SCRATCH)
                 : "memory");
    check_eq(at - (uint32_t)bytes, count - left);
    return left;
}

static void strings(uint64_t *root)
{
    check_eq(string_out(4), 0);
    check_eq(inb(SCRATCH), 4);
    check_eq(user_call(string_out, 3, 0), 3);
    check_fault(fault_take(), X86_GP, 0);
    check_eq(inb(SCRATCH), 4);
    check_eq(user_call(string_out, 2, FL_IOPL), 0);
    check_eq(inb(SCRATCH), 2);

    /* INS of eight words onto the end of a page with nothing behind it: three go in. */
    uint32_t va = 0x40000000, count = 8, at = va + PAGE_SIZE - 6;
    uint8_t *page = frame_new();
    *pae_entry(root, va) = (uint32_t)page | PTE_P | PTE_W;
    outb(SCRATCH, 0xA5);
    fault_take();
    asm volatile("661: rep insw\n662:\n" MAY_FAULT("661b", "662b")
                 : "+c"(count), "+D"(at)
                 : "d"(0x80)
                 : "memory");
    check_page_fault(fault_take(), PF_W, va + PAGE_SIZE);
    check_eq(count, 5);
    check_eq(at, va + PAGE_SIZE);

    /* And backwards, from a page with nothing before it. */
    count = 8;
    at = va + 4;
    fault_take();
    asm volatile("std\n661: rep insb\n662: cld\n" MAY_FAULT("661b", "662b")
                 : "+c"(count), "+D"(at)
                 : "d"(SCRATCH)
                 : "memory", "cc");
    check_page_fault(fault_take(), PF_W, va - 1);
    check_eq(count, 3);
    check_eq(at, va - 1);
    for (unsigned i = 0; i < 5; i++)
        check_eq(page[i], 0xA5);

    /* A source that is not there: OUTS faults and the port sees nothing. */
    count = 1;
    at = va + PAGE_SIZE;
    fault_take();
    asm volatile("661: rep outsb\n662:\n" MAY_FAULT("661b", "662b")
                 : "+c"(count), "+S"(at)
                 : "d"(SCRATCH)
                 : "memory");
    check_page_fault(fault_take(), 0, va + PAGE_SIZE);
    check_eq(count, 1);
    check_eq(inb(SCRATCH), 0xA5);

    /* None at all, and the form without REP. */
    count = 0;
    asm volatile("rep outsb" : "+c"(count), "+S"(at) : "d"(SCRATCH) : "memory");
    check_eq(count, 0);
    static const uint8_t one = 0x5A;
    uint32_t source = (uint32_t)&one;
    asm volatile("outsb" : "+S"(source) : "d"(SCRATCH) : "memory");
    check_eq(inb(SCRATCH), 0x5A);
    check_eq(source, (uint32_t)&one + 1);
}

/* ---- where there are no ports ---- */

static uint32_t in_at(uint32_t size)
{
    uint32_t eax = 0x12345678;

    if (size == 1)
        asm volatile("inb %%dx, %%al" : "+a"(eax) : "d"(0x1234));
    else if (size == 2)
        asm volatile("inw %%dx, %%ax" : "+a"(eax) : "d"(0x1234));
    else
        asm volatile("inl %%dx, %%eax" : "+a"(eax) : "d"(0x1234));
    return eax;
}

/* A driver that probes finds nothing and goes on: every port reads all ones. Hosts up to 3.0 put too
   many of them into EAX. */
static void no_ports(void)
{
    bool wide = !on_lguest_3_2();
    uint32_t eax = 0x12345678;

    check_eq(in_at(1), wide ? 0x1234FFFF : 0x123456FF);
    check_eq(in_at(2), wide ? 0xFFFFFFFF : 0x1234FFFF);
    check_eq(in_at(4), 0xFFFFFFFF);
    asm volatile("inb $0x61, %%al" : "+a"(eax)); /* the form with the port in the instruction */
    check_eq(eax, wide ? 0x1234FFFF : 0x123456FF);
    check_no_fault(TRY("outb %%al, %%dx", "a"(1), "d"(0x1234)));
    check_no_fault(TRY("outw %%ax, %%dx", "a"(1), "d"(0x1234)));
    check_no_fault(TRY("outl %%eax, %%dx", "a"(1), "d"(0x1234)));
    check_no_fault(TRY("outb %%al, $0x80", "a"(1)));

    /* Nobody emulates strings. */
    static uint8_t bytes[4];
    check_fault(TRY("outsb", "S"(bytes), "d"(0x1234)), X86_GP, 0);
    check_fault(TRY("insl", "D"(bytes), "d"(0x1234)), X86_GP, 0);
    check_fault(TRY("rep outsw", "S"(bytes), "d"(0x1234), "c"(2)), X86_GP, 0);
}

static uint32_t out_anywhere(uint32_t port)
{
    return TRY("outb %%al, %%dx", "a"(0x5A), "d"(port)).happened;
}

/* Ring 3 has none at all, whatever the kernel would like: IOPL is not its to give. */
static void nobody_else(void)
{
    outb(SCRATCH, 0x11);
    for (uint32_t iopl = 0; iopl < 4; iopl++) {
        check_eq(user_call(out_scratch, 0x22, iopl << 12), 1);
        check_eq(user_call(in_word, 0x80, iopl << 12), 1);
        check_eq(user_call(out_anywhere, 0x80, iopl << 12), 1);
        check_eq(user_call(flags_at_3, FL_IOPL | FL_IF, iopl << 12) & FL_IOPL, 0);
    }
    check_eq(inb(SCRATCH), 0x11);
    write_eflags(read_eflags() | FL_IOPL);
    check_eq(read_eflags() & FL_IOPL, 0);
}

void test_main(void)
{
    if (on_lguest()) {
        no_ports();
        nobody_else();
        return;
    }
    permissions();
    uint64_t *root = pae_new();
    pae_on(root);
    strings(root);
}
