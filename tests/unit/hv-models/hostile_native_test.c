/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel on bare hardware that means no good. Nobody stands between it and the machine, so most of
 * what it does wrong is its own affair; what must hold is that it stays inside of the machine, and that
 * the machine says of what it died.
 */
#include "hostile_unit.h"

enum { NOWHERE = 0x7FFFF000, LAST_PAGE = H_RAM - 0x1000 };
enum { OPERAND = H_SCRATCH, GDT = H_SCRATCH + 0x100, IDT = H_TABLE2, TSS = H_SCRATCH + 0x200 };
enum { CS0 = 0x08, DS0 = 0x10, CS3 = 0x18 + 3, DS3 = 0x20 + 3, TR = 0x28 };
enum { PAGE = PTE_P | PTE_W | PTE_U };

static void load_table(struct hostile *h, bool idt, uint32_t base, uint16_t limit)
{
    h_poke(h, OPERAND + idt * 16, &limit, 2);
    h_poke32(h, OPERAND + idt * 16 + 2, base);
    h_asm(h, "\x0F\x01");
    h_bytes(h, idt ? "\x1D" : "\x15", 1);
    h_word(h, OPERAND + idt * 16);
}

static uint64_t gate(uint16_t sel, uint32_t handler, unsigned type)
{
    return (uint64_t)(handler >> 16) << 48 | (uint64_t)(0x80 | type) << 40 | (uint32_t)sel << 16 |
           (handler & 0xFFFF);
}

/* A GDT of the usual kind, an IDT in which all gates lead to a power-off, a stack. */
static struct hostile *kernel(void)
{
    struct hostile *h = hostile_new("native");
    static const uint64_t gdt[] = {
        0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF,
    };
    h_poke(h, GDT, gdt, sizeof gdt);
    h_poke64(h, GDT + TR, 0x0000890000000067 | (uint64_t)TSS << 16);
    h_poke32(h, TSS + 4, H_STACK);
    h_poke32(h, TSS + 8, DS0);
    for (unsigned i = 0; i < 256; i++)
        h_poke64(h, IDT + i * 8, gate(CS0, H_HANDLER, 0xE));
    h->pen = H_HANDLER;
    h_power_off(h);
    h->pen = H_CODE;
    load_table(h, false, GDT, TR + 7);
    load_table(h, true, IDT, 0x7FF);
    h_asm(h, "\xEA"); /* far jump, to have our own CS */
    h_word(h, h->pen + 6);
    h_asm(h, "\x08\x00\xB8\x10\x00\x00\x00\x8E\xD8\x8E\xC0\x8E\xD0");
    h_mov(h, R_ESP, H_STACK);
    return h;
}

static void interrupt_tables(void **st)
{
    static const struct {
        uint32_t base;
        uint16_t limit;
        const char *why;
    } idt[] = {
        {NOWHERE, 0x7FF, "triple fault: no handler for exception 6"},
        {PC_HOLE_START, 0x7FF, "triple fault: no handler for exception 6"},
        {H_RAM - 0x34, 0x7FF, "triple fault: no handler for exception 6"}, /* ends in the gate */
        {0xFFFFFFCC, 0x7FF, "triple fault: no handler for exception 6"},   /* wraps in it */
        {IDT, 0, "triple fault: no handler for exception 6"},
        {IDT, 6 * 8 + 6, "triple fault: no handler for exception 6"}, /* one byte short */
        {IDT, 6 * 8 + 7, NULL},
    };
    (void)st;
    for (unsigned i = 0; i < COUNT(idt); i++) {
        struct hostile *h = kernel();
        load_table(h, true, idt[i].base, idt[i].limit);
        h_asm(h, "\x0F\x0B");
        ends(h, "an IDT", idt[i].why);
    }
}

static void bad_gates(void **st)
{
    static const struct {
        uint16_t sel;
        unsigned type;
    } bad[] = {
        {CS0, 0xC},    {CS0, 0x0},
        {CS0, 0x9}, /* a call gate, nothing, a TSS */
        {DS0, 0xE},    {0, 0xE},
        {TR, 0xE}, /* no code segments */
        {0xFFF8, 0xE}, {0x0C, 0xE},
        {CS3, 0xE}, /* outside, of an LDT that is not there, further out */
        {CS0, 0x5},    {0xFFF8, 0x5},
        {TR, 0x5}, /* task gates: no TSS, none there, the busy one */
    };
    (void)st;
    for (unsigned i = 0; i < COUNT(bad); i++) {
        struct hostile *h = kernel();
        h_asm(h, "\xB8\x28\x00\x00\x00\x0F\x00\xD8"); /* ltr 0x28 */
        for (unsigned v = 0; v < 256; v++)
            h_poke64(h, IDT + v * 8, gate(bad[i].sel, H_HANDLER, bad[i].type));
        h_asm(h, "\x0F\x0B");
        dies(h, "triple fault: no handler for exception 6, and none for the double fault");
        h = kernel();
        for (unsigned v = 0; v < 256; v++)
            h_poke64(h, IDT + v * 8, gate(bad[i].sel, H_HANDLER, bad[i].type));
        h_asm(h, "\xCD\x80");
        dies(h, "triple fault: INT 0x80 found no handler");
    }
}

static void descriptor_tables(void **st)
{
    static const uint32_t base[] = {NOWHERE, PC_HOLE_START, H_RAM - 0x1C, 0xFFFFFFE4};
    (void)st;
    for (unsigned i = 0; i < COUNT(base); i++) {
        struct hostile *h = kernel();
        load_table(h, false, base[i], 0xFFFF);
        h_asm(h, "\xB8\x18\x00\x00\x00\x8E\xD8"); /* mov ds, 0x18: ones, or nothing */
        dies(h, "triple fault");
    }
}

static void page_tables(void **st)
{
    static const struct {
        uint32_t cr3, cr4;
        uint64_t entry; /* of all H_ROOT */
        const char *why;
    } paging[] = {
        {NOWHERE, 0, 0, "triple fault"},
        {0xFFFFF000, 0, 0, "triple fault"},
        {PC_HOLE_START, 0, 0, "triple fault"},
        {LAST_PAGE, 0, 0, "triple fault"}, /* empty */
        {H_ROOT, 0, 0, "triple fault"},
        {H_ROOT, 0, NOWHERE | PAGE, "triple fault"},
        {H_ROOT, 0, PC_HOLE_START | PAGE, "triple fault"},
        {H_ROOT, 0, H_ROOT | PAGE, NULL}, /* of itself: it runs its own entries, see below */
        {NOWHERE, CR4_PAE, 0, "triple fault"},
        {H_ROOT, CR4_PAE, 0x000FFFFFFFFFF000 | PTE_P, "triple fault"},
        {H_ROOT, CR4_PAE, NOWHERE | PTE_P, "triple fault"},
        {H_ROOT, CR4_PAE, 0, "triple fault"},
    };
    (void)st;
    for (unsigned i = 0; i < COUNT(paging); i++) {
        struct hostile *h = kernel();
        for (unsigned k = 0; k < PAGE_SIZE; k += paging[i].cr4 ? 8 : 4)
            paging[i].cr4 ? h_poke64(h, H_ROOT + k, paging[i].entry)
                          : h_poke32(h, H_ROOT + k, (uint32_t)paging[i].entry);
        h_mov(h, R_EAX, paging[i].cr4);
        h_asm(h, "\x0F\x22\xE0");
        h_mov(h, R_EAX, paging[i].cr3);
        h_asm(h, "\x0F\x22\xD8");
        h_mov(h, R_EAX, CR0_PG | CR0_PE);
        h_asm(h, "\x0F\x22\xC0");
        h_asm(h, "\x0F\x0B");
        if (paging[i].why) {
            dies(h, paging[i].why);
            continue;
        }
        /* What it does on those bytes is nobody's business, as long as it does it in here. */
        run_it(h, "tables of themselves");
        assert_true(h->m->domain->end.kind == END_DIED || h->m->domain->end.kind == END_NONE);
        hostile_free(h);
    }
}

/* A process comes in, and there is no stack for it. */
static void task_states(void **st)
{
    static const struct {
        uint32_t base, limit, esp0, ss0;
        const char *why;
    } tss[] = {
        {TSS, 0x67, H_STACK, DS0, NULL},
        {TSS, 0x67, 0, DS0, NULL}, /* a stack that wraps, into a hole: written, and lost */
        {TSS, 0x67, H_STACK, CS0, "triple fault"},
        {TSS, 0x67, H_STACK, DS3, "triple fault"},
        {TSS, 0x67, H_STACK, 0, "triple fault"},
        {TSS, 0x67, H_STACK, 0xFFF8, "triple fault"},
        {NOWHERE, 0x67, 0, 0, "triple fault"},
        {0xFFFFFFFC, 0x67, 0, 0, "triple fault"},
        {TSS, 7, H_STACK, DS0, "triple fault"}, /* too short for SS0 */
    };
    (void)st;
    for (unsigned i = 0; i < COUNT(tss); i++) {
        struct hostile *h = kernel();
        uint32_t b = tss[i].base;
        h_poke32(h, GDT + TR, b << 16 | tss[i].limit);
        h_poke32(h, GDT + TR + 4, (b & 0xFF000000) | (b >> 16 & 0xFF) | 0x8900);
        h_poke32(h, TSS + 4, tss[i].esp0);
        h_poke32(h, TSS + 8, tss[i].ss0);
        h_asm(h, "\xB8\x28\x00\x00\x00\x0F\x00\xD8"); /* ltr 0x28 */
        const uint32_t frame[] = {DS3, H_USER_STACK, 2, CS3, H_USER};
        for (unsigned k = 0; k < COUNT(frame); k++) {
            h_asm(h, "\x68");
            h_word(h, frame[k]);
        }
        h_asm(h, "\xCF");
        h->pen = H_USER;
        h_asm(h, "\x0F\x0B");
        h->pen = H_USER + 16;
        ends(h, "a TSS", tss[i].why);
    }
}

static void sleep_for_ever(void **st)
{
    (void)st;
    struct hostile *h = kernel();
    h_asm(h, "\xFA\xF4");
    dies(h, "halted with interrupts off");
    h = kernel();
    h_asm(h, "\xB0\x01\x66\xBA\x05\x05\xEE"); /* out 0x505, 1 */
    dies(h, "kernel panic");
}

/* Every port, of all three sizes, read and then written, with bits that ask for no end. */
static void all_ports(void **st)
{
    (void)st;
    struct hostile *h = kernel();
    h_mov(h, R_EDX, 0);
    uint32_t loop = h->pen;
    h_asm(h, "\xEC\x66\xED\xED\xB8\xC2\xC2\xC2\xC2" /* in al, ax, eax; mov eax, C2C2C2C2 */
             "\xEE\x66\xEF\xEF\x42\x81\xFA\x00\x00\x01\x00\x0F\x85");
    h_word(h, loop - (h->pen + 4));
    h->hurry = true;
    ends(h, "all ports", NULL);
}

/* Reading and writing where there is nothing, and at the last bytes of what there is. */
static void edges_of_memory(void **st)
{
    static const uint32_t at[] = {PC_HOLE_START - 2, PC_HOLE_START, PC_HOLE_END - 2,
                                  H_RAM - 4,         H_RAM - 2,     H_RAM,
                                  NOWHERE,           0xFFFFFFFC,    0xFFFFFFFE};
    (void)st;
    for (unsigned paged = 0; paged < 2; paged++)
        for (unsigned i = 0; i < COUNT(at); i++) {
            struct hostile *h = kernel();
            if (paged) { /* pages of 4 MiB, each at its own address */
                for (uint32_t k = 0; k < 1024; k++)
                    h_poke32(h, H_ROOT + k * 4, k << 22 | PAGE | PTE_PS);
                h_mov(h, R_EAX, H_ROOT);
                h_asm(h, "\x0F\x22\xD8\xB8\x10\x00\x00\x00\x0F\x22\xE0");
                h_mov(h, R_EAX, CR0_PG | CR0_PE);
                h_asm(h, "\x0F\x22\xC0");
            }
            h_mov(h, R_ESI, at[i]);
            h_asm(h, "\x8B\x06\x89\x06\x01\x06\x86\x06"); /* mov, mov, add, xchg [esi] */
            h_asm(h, "\x0F\xC7\x0E");                     /* cmpxchg8b [esi] */
            h_asm(h, "\x0F\xAE\x05");                     /* fxsave: 512 bytes, from there on */
            h_word(h, at[i] & ~15u);
            h_mov(h, R_EDI, at[i]);
            h_mov(h, R_ECX, 64);
            h_asm(h, "\xF3\xA5\xF3\xAB"); /* rep movsd, rep stosd */
            h_power_off(h);
            lives(h, "the edges of memory");
            hostile_free(h);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupt_tables),  cmocka_unit_test(bad_gates),
        cmocka_unit_test(descriptor_tables), cmocka_unit_test(page_tables),
        cmocka_unit_test(task_states),       cmocka_unit_test(sleep_for_ever),
        cmocka_unit_test(all_ports),         cmocka_unit_test(edges_of_memory),
    };
    return cmocka_run_group_tests_name("hostile-native", tests, NULL, NULL);
}
