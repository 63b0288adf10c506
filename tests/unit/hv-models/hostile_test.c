/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An lguest guest that means no good, first part: what it asks for. Numbers and pointers out of
 * range, the ring of calls, descriptors and gates, in both releases, up to the last byte that is
 * allowed and from the first that is not.
 */
#include "hostile_unit.h"

/* ---- one call too many ---- */

struct offence {
    uint32_t n, a1, a2, a3, a4;
    const char *why; /* NULL: it is none, the guest lives */
};

enum { P = 0x8000, GOOD_PTE = 0x100063, CALL_GATE_AT = H_SCRATCH + 0x100 };

static const struct offence offences[] = {
    {3, 0, 0, 0, 0, "bad hypercall 3"}, /* numbers of other releases */
    {11, 0, 0, 0, 0, "bad hypercall 11"},
    {12, 0, 0, 0, 0, "bad hypercall 12"},
    {20, 0, 0, 0, 0, "bad hypercall 20"},
    {0x80000002, 0, 0, 0, 0, "bad hypercall 2147483650"},
    {0xFFFFFFFF, 0, 0, 0, 0, "bad hypercall 4294967295"},

    {LHCALL_LGUEST_INIT, H_DATA, 0, 0, 0, "already have lguest_data"},
    {LHCALL_LGUEST_INIT, 0xFFFFFFFF, 0, 0, 0, "already have lguest_data"},

    {LHCALL_SHUTDOWN, H_LGUEST_END - 128, 1, 0, 0, NULL}, /* the last 128 bytes there are */
    {LHCALL_SHUTDOWN, H_LGUEST_END - 127, 1, 0, 0, "bad read address 0xcfff81"},
    {LHCALL_SHUTDOWN, H_LGUEST_END, 1, 0, 0, "bad read address 0xd00000"},
    {LHCALL_SHUTDOWN, 0xFFFFFF80, 1, 0, 0, "bad read address 0xffffff80"}, /* ends at 2^32 */
    {LHCALL_SHUTDOWN, 0xFFFFFFFF, 1, 0, 0, "bad read address 0xffffffff"}, /* and beyond it */
    {LHCALL_SHUTDOWN, PC_HOLE_START - 64, 1, 0, 0, NULL}, /* the hole is memory to an lguest */
    {LHCALL_SHUTDOWN, PC_HOLE_END - 64, 1, 0, 0, NULL},

    {LHCALL_FLUSH_TLB, 0xFFFFFFFF, 0, 0, 0, NULL},
    {LHCALL_TS, 0xFFFFFFFF, 0, 0, 0, NULL},
    {LHCALL_SET_CLOCKEVENT, 0xFFFFFFFF, 0, 0, 0, NULL},
    {LHCALL_SET_CLOCKEVENT, 1, 0, 0, 0, NULL},
    {LHCALL_SEND_INTERRUPTS, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, NULL},
    {LHCALL_HALT, 0, 0, 0, 0, "nothing can wake it"},

    {LHCALL_LOAD_IDT_ENTRY, 256, 0, 0x8E00, 0, "IDT entry 256"},
    {LHCALL_LOAD_IDT_ENTRY, 0xFFFFFFFF, 0, 0x8E00, 0, "IDT entry 4294967295"},
    {LHCALL_LOAD_IDT_ENTRY, 3, 0, 0x8500, 0, "bad IDT type 5"},  /* a task gate */
    {LHCALL_LOAD_IDT_ENTRY, 3, 0, 0x8C00, 0, "bad IDT type 12"}, /* a call gate */
    {LHCALL_LOAD_IDT_ENTRY, 3, 0, 0x8600, 0, "bad IDT type 6"},  /* of 16 bits */
    {LHCALL_LOAD_IDT_ENTRY, 2, 0, 0x8500, 0, NULL},              /* these four are never its own */
    {LHCALL_LOAD_IDT_ENTRY, 8, 0, 0x8500, 0, NULL},
    {LHCALL_LOAD_IDT_ENTRY, 15, 0, 0x8500, 0, NULL},
    {LHCALL_LOAD_IDT_ENTRY, LGUEST_TRAP_ENTRY, 0x00500000, 0xEF00, 0, NULL},

    {LHCALL_LOAD_GDT_ENTRY, 32, 0, 0, 0, "GDT entry 32"},
    {LHCALL_LOAD_GDT_ENTRY, 0xFFFFFFFF, 0, 0, 0, "GDT entry 4294967295"},
    {LHCALL_LOAD_GDT_ENTRY, 0x20000000, 0, 0, 0, "GDT entry 536870912"}, /* times 8: a wrap */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x00080000, P | 0x0C00, 0, "system descriptor"}, /* call gate */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x00080000, P | 0x6C00, 0, "system descriptor"}, /* of DPL 3 */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x00080000, P | 0x0400, 0, "system descriptor"}, /* of 16 bits */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x00800000, P | 0x0500, 0, "system descriptor"}, /* task gate */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x68, P | 0x0900, 0, "system descriptor"},       /* TSS */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x68, P | 0x0B00, 0, "system descriptor"},       /* busy */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x68, P | 0x0200, 0, "system descriptor"},       /* LDT */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x00080000, 0x0C00, 0, NULL}, /* not present: nobody can use it */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CF9A00, 0, NULL}, /* DPL 0: it becomes 1 */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CF9E00, 0, NULL}, /* and conforming */
    {LHCALL_LOAD_GDT_ENTRY, 10, 0x68, P | 0x0C00, 0, NULL},   /* the host's own: ignored */
    {LHCALL_LOAD_GDT_ENTRY, 11, 0x68, P | 0x0C00, 0, NULL},
    {LHCALL_LOAD_GDT_ENTRY, 16, 0x68, P | 0x0C00, 0, NULL},
    {LHCALL_LOAD_GDT_ENTRY, 31, 0x68, P | 0x0C00, 0, NULL},

    {LHCALL_LOAD_TLS, H_LGUEST_END - 24, 0, 0, 0, NULL},
    {LHCALL_LOAD_TLS, H_LGUEST_END - 23, 0, 0, 0, "bad read address"},
    {LHCALL_LOAD_TLS, 0xFFFFFFF8, 0, 0, 0, "bad read address 0xfffffff8"},
    {LHCALL_LOAD_TLS, CALL_GATE_AT, 0, 0, 0, "GDT entry 7 is a system descriptor"},

    {LHCALL_SET_STACK, LGUEST_KERNEL_DS & ~3u, H_STACK, 1, 0, "bad stack segment 0x68"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS + 1, H_STACK, 1, 0, "bad stack segment 0x6a"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS + 2, H_STACK, 1, 0, "bad stack segment 0x6b"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, H_STACK, 3, 0, "bad stack pages 3"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, H_STACK, 0xFFFFFFFF, 0, "bad stack pages"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0xFFE00001, 0, 0, "the switcher is there"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0xFFFFFFFF, 1, 0, "the switcher is there"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0xFFE00000, 1, 0, "0xffdfffff"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0xFFE00000, 0, 0, NULL}, /* a top is not part of it */
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x70000000, 1, 0, "0x6fffffff"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0, 1, 0, "switcher's pages at 0xffffffff"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x1000, 2, 0, "switcher's pages at 0xffffffff"},

    {LHCALL_NOTIFY, 0, 0, 0, 0, NULL}, /* a string, though an empty one */
    {LHCALL_NOTIFY, H_LGUEST_RAM - 1, 0, 0, 0, NULL},
    {LHCALL_NOTIFY, H_LGUEST_RAM + 1, 0, 0, 0, "bad NOTIFY 0xc00001"},
    {LHCALL_NOTIFY, H_LGUEST_RAM + 0x9000, 0, 0, 0, "bad NOTIFY 0xc09000"},
    {LHCALL_NOTIFY, H_LGUEST_END, 0, 0, 0, "bad NOTIFY 0xd00000"},
    {LHCALL_NOTIFY, 0xFFFFFFFF, 0, 0, 0, "bad NOTIFY 0xffffffff"},
};

static void bad_hypercalls(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(offences); i++) {
            const struct offence *o = &offences[i];
            char what[64];
            struct hostile *h = hostile_new(lguests[v]);
            snprintf(what, sizeof what, "hypercall %u (%#x, %#x)", o->n, o->a1, o->a2);
            h_poke64(h, CALL_GATE_AT + 8, 0x0000EC0000080000); /* the second of three */
            h_init(h);
            h_call(h, o->n, o->a1, o->a2, o->a3, o->a4);
            ends(h, what, o->why);
        }
}

/* ---- LGUEST_INIT ---- */

static void before_init(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (uint32_t n = 0; n <= LHCALL_SEND_INTERRUPTS; n++) {
            static const char unused[] = "\x03\x0B\x0C";
            char why[64];
            bool bad = n && strchr(unused, (int)n);
            if (n == LHCALL_LGUEST_INIT)
                continue;
            struct hostile *h = hostile_new(lguests[v]);
            snprintf(why, sizeof why, bad ? "bad hypercall %u" : "hypercall %u before LGUEST_INIT",
                     n);
            h_call(h, n, H_SCRATCH, 0, 0, 0);
            dies(h, why);
        }
}

static void bad_init(void **st)
{
    static const struct {
        uint32_t at;
        const char *why;
    } bad[] = {
        {0, "address 0"},
        {0xFFFFFFFF, "bad read address 0xffffffff"},
        {0xFFFFF000, "bad read address 0xfffff000"},
        {H_LGUEST_END, "bad read address 0xd00000"},
        {H_LGUEST_END - 1388,
         "bad read address"}, /* the last words are missing, in both releases */
        {H_LGUEST_END - 0x1000, "bad syscall vector 0"}, /* it is all there, and all zeros */
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        for (unsigned i = 0; i < COUNT(bad); i++) {
            struct hostile *h = hostile_new(lguests[v]);
            h_call(h, LHCALL_LGUEST_INIT, bad[i].at, 0, 0, 0);
            dies(h, bad[i].why);
        }
        struct hostile *h = hostile_new(lguests[v]);
        h_poke32(h, H_DATA + h_syscall_vec(h), 0x180);
        h_init(h);
        dies(h, "bad syscall vector 0x180");
        h = hostile_new(lguests[v]);
        h_poke32(h, H_DATA + h_kernel_address(h), 0xFFE00000);
        h_init(h);
        dies(h, "bad kernel address 0xffe00000");
        h = hostile_new(lguests[v]);
        h_poke32(h, H_DATA + h_kernel_address(h), 0); /* all of memory is the kernel's half */
        h_init(h);
        ends(h, "a kernel from 0", NULL);
    }
}

/* In the last bytes of RAM, and across the edge of the PC's hole: there it must work. */
static void init_at_the_edges(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned edge = 0; edge < 3; edge++) {
            uint32_t size = v ? LGUEST_DATA_3_2_size : LGUEST_DATA_size;
            uint32_t at[] = {H_LGUEST_RAM - size, PC_HOLE_START - 100, PC_HOLE_END - 701};
            struct hostile *h = hostile_new(lguests[v]);
            for (unsigned i = 0; i < LHCALL_RING_SIZE; i += 4)
                h_store(h, at[edge] + LGUEST_DATA_hcall_status + i, ~0u);
            h_store(h, at[edge] + h_kernel_address(h), 0xC0000000);
            h_store(h, at[edge] + h_syscall_vec(h), 0x80);
            h_call(h, LHCALL_LGUEST_INIT, at[edge], 0, 0, 0);
            h_store(h, at[edge] + LGUEST_DATA_hcalls + 63 * 20, LHCALL_TS);
            h_power_off(h);
            lives(h, "data at an edge");
            assert_int_equal(hostile_word(h, at[edge] + LGUEST_DATA_tsc_khz), 1000000);
            hostile_free(h);
        }
}

/* ---- the ring of calls ---- */

static void ring_entry(struct hostile *h, unsigned slot, uint8_t status, const struct offence *o)
{
    const uint32_t arg[5] = {o->n, o->a1, o->a2, o->a3, o->a4};
    h_poke(h, H_DATA + LGUEST_DATA_hcalls + slot * sizeof arg, arg, sizeof arg);
    h_poke(h, H_DATA + LGUEST_DATA_hcall_status + slot, &status, 1);
}

/* Whatever a call may not do, it may not do from the ring. */
static void bad_calls_in_the_ring(void **st)
{
    static const uint8_t statuses[] = {0, 1, 0x7F, 0xFE}; /* only FF means free */
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(offences); i++) {
            const struct offence *o = &offences[i];
            if (!o->why || o->n == LHCALL_HALT)
                continue;
            struct hostile *h = hostile_new(lguests[v]);
            h_poke64(h, CALL_GATE_AT + 8, 0x0000EC0000080000);
            ring_entry(h, 0, statuses[i % 4], o);
            h_init(h); /* the ring is not looked at before there is one */
            h_call(h, LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
            dies(h, o->why);
        }
}

static void a_full_ring(void **st)
{
    static const struct offence nothing = {LHCALL_FLUSH_ASYNC, 0, 0, 0, 0, NULL};
    static const struct offence bad = {LHCALL_NOTIFY, 0xFFFFFFFF, 0, 0, 0, "bad NOTIFY"};
    static const struct offence off = {LHCALL_SHUTDOWN, H_SCRATCH + 0x800, 1, 0, 0, NULL};
    static const struct offence again = {LHCALL_LGUEST_INIT, H_DATA, 0, 0, 0, "already"};
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        /* One round: each slot is free again, then the call itself. */
        struct hostile *h = hostile_new(lguests[v]);
        for (unsigned i = 0; i < LHCALL_RING_SIZE; i++)
            ring_entry(h, i, 0, &nothing);
        h_init(h);
        h_call(h, LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
        h_power_off(h);
        lives(h, "a full ring");
        for (unsigned i = 0; i < LHCALL_RING_SIZE; i += 4)
            assert_int_equal(hostile_word(h, H_DATA + LGUEST_DATA_hcall_status + i), ~0u);
        hostile_free(h);
        /* The last slot is the bad one; the first, whose call ends the guest, is not overtaken. */
        h = hostile_new(lguests[v]);
        for (unsigned i = 0; i < LHCALL_RING_SIZE; i++)
            ring_entry(h, i, 0, i < 63 ? &nothing : &bad);
        h_init(h);
        h_call(h, LHCALL_TS, 0, 0, 0, 0);
        dies(h, bad.why);
        h = hostile_new(lguests[v]);
        ring_entry(h, 0, 0, &off);
        ring_entry(h, 1, 0, &bad);
        h_init(h);
        h_call(h, 99, 0, 0, 0, 0);
        lives(h, "off in the ring");
        hostile_free(h);
        /* A gap ends the round; the cursor waits there. */
        h = hostile_new(lguests[v]);
        ring_entry(h, 0, 0, &nothing);
        ring_entry(h, 2, 0, &again);
        h_init(h);
        h_call(h, LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
        ends(h, "a gap in the ring", NULL);
    }
}

/* ---- descriptors in use ---- */

enum { DATA_DPL0 = 0x00CF9200, CODE_DPL0 = 0x00CF9A00 };

/* Load DS, SS, or CS by a far jump, with a selector of entry 20 (DPL 1 after the hypervisor's touch). */
static void segments_in_use(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        /* A descriptor with DPL 0 is loaded, as DPL 1, and nothing of ring 0 comes with it. */
        struct hostile *h = hostile_new(lguests[v]);
        h_init(h);
        h_call(h, LHCALL_LOAD_GDT_ENTRY, 20, 0xFFFF, CODE_DPL0, 0);
        h_asm(h, "\xEA"); /* far jump to the next instruction, RPL 0 */
        h_word(h, h->pen + 6);
        h_asm(h, "\xA0\x00");
        h_asm(h, "\x0F\x20\xC0"); /* mov eax, cr0 */
        dies(h, "unhandled trap 13");
        /* The host's descriptors are not there at all. */
        for (unsigned entry = 10; entry <= 11; entry++) {
            h = hostile_new(lguests[v]);
            h_init(h);
            h_mov(h, R_EAX, entry * 8);
            h_asm(h, "\x8E\xD8"); /* mov ds, eax */
            dies(h, "unhandled trap");
        }
        h = hostile_new(lguests[v]);
        h_init(h);
        h_mov(h, R_EAX, 16 * 8);
        h_asm(h, "\x0F\x00\xD8"); /* ltr: to be its own TSS */
        dies(h, "unhandled trap 13");
        /* A data segment that begins in the switcher's page: its GDT cannot be written there. */
        h = hostile_new(lguests[v]);
        h_init(h);
        h_call(h, LHCALL_LOAD_GDT_ENTRY, 20, 0x1000FFFF, 0xFFCF92E0, 0);
        h_mov(h, R_EAX, 20 * 8 + 1);
        h_asm(h, "\x8E\xD8");
        h_asm(h, "\xC7\x05\x50\x00\x00\x00\xFF\xFF\xFF\xFF"); /* mov dword [0x50], ~0 */
        dies(h, "attempt to access the switcher's pages at 0xffe01050");
        /* A base that wraps: 2^32 - 4096 + H_STACK. */
        h = hostile_new(lguests[v]);
        h_init(h);
        h_call(h, LHCALL_LOAD_GDT_ENTRY, 20, 0xF000FFFF, 0xFFCF92FF, 0);
        h_mov(h, R_EAX, 20 * 8 + 1);
        h_asm(h, "\x8E\xD8");
        h_store(h, H_STACK + 0x1000, 0x1234);
        h_mov(h, R_EAX, LGUEST_KERNEL_DS);
        h_asm(h, "\x8E\xD8");
        h_power_off(h);
        lives(h, "a base that wraps");
        assert_int_equal(hostile_word(h, H_STACK), 0x1234);
        hostile_free(h);
    }
}

/* What a handler is entered with is checked when it is entered. */
static void handlers_without_segments(void **st)
{
    static const struct {
        uint32_t lo, hi;
    } useless[] = {
        {0, 0},               /* not there */
        {0xFFFF, 0x00CFFA00}, /* of ring 3 */
        {0xFFFF, DATA_DPL0},  /* data */
        {0xFFFF, 0x00CF1A00}, /* not present */
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(useless); i++) {
            struct hostile *h = hostile_new(lguests[v]);
            h_init(h);
            h_gate(h, X86_DE, H_HANDLER, 0xE, 0);
            h_call(h, LHCALL_LOAD_GDT_ENTRY, LGUEST_GDT_ENTRY_CS, useless[i].lo, useless[i].hi, 0);
            h_mov(h, R_ESP, H_STACK);
            h_asm(h, "\x31\xDB\xF7\xF3"); /* xor ebx, ebx; div ebx */
            dies(h, "selector 0x61 is no code segment of ring 1");
        }
}

/* ---- gates into nowhere, stacks that are none ---- */

static void gates_into_nowhere(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        /* No gate. */
        struct hostile *h = hostile_new(lguests[v]);
        h_init(h);
        h_asm(h, "\x0F\x0B"); /* ud2 */
        dies(h, "unhandled trap 6");
        /* A handler where nothing is mapped, and none for that. */
        h = hostile_new(lguests[v]);
        h_init(h);
        h_mov(h, R_ESP, H_STACK);
        h_gate(h, X86_UD, 0xBFF00000, 0xE, 0);
        h_asm(h, "\x0F\x0B");
        dies(h, v ? "0xbff00000" : "unhandled trap 14 at 0xbff00000");
        /* The handler for page faults lies where the page is missing: a frame for each try, until
           the stack ends. Linear memory ends sooner, with a page that does not exist. */
        h = hostile_new(lguests[v]);
        h_init(h);
        h_mov(h, R_ESP, 0x1000);
        h_gate(h, X86_PF, 0xBFF00000, 0xE, 0);
        h_asm(h, "\xA1\x00\x00\xF0\xBF"); /* mov eax, [0xbff00000] */
        dies(h, v ? "0xbff00000" : "bad stack address 0xfffffff");
        /* A handler in the switcher's page: the GDT's bytes are instructions too, and in ring 1 they
           are no danger. They fault again and again, until the stack ends. */
        h = hostile_new(lguests[v]);
        h_init(h);
        h_mov(h, R_ESP, 0x1000);
        h_gate(h, X86_UD, 0xFFE01000, 0xE, 0);
        h_asm(h, "\x0F\x0B");
        dies(h, "bad stack address 0xfffffff");
    }
}

static void blocked_stacks(void **st)
{
    static const struct {
        uint32_t esp;
        const char *why[2];
    } stack[] = {
        {0, {"bad stack address 0xfffffff4", "bad stack address 0xfffffff4"}},
        {8, {"bad stack address 0xfffffffc", "bad stack address 0xfffffffc"}}, /* wraps at 2^32 */
        {0xFFE01100, {"bad stack address 0xffe010f4", "bad stack address 0xffe010f4"}},
        {0xBFF00000, {"bad stack address 0xbfeffff4", "bad stack address 0xbfeffff4"}},
        {H_LGUEST_RAM + 6, {"bad stack address 0xc00000", NULL}}, /* across the end of RAM */
        {H_LGUEST_END + 6, {"bad stack address 0xcffffa", "bad stack address 0xd00000"}},
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(stack); i++) {
            struct hostile *h = hostile_new(lguests[v]);
            h_init(h);
            h_gate(h, X86_DE, H_HANDLER, 0xE, 0);
            h_mov(h, R_ESP, stack[i].esp);
            h_asm(h, "\x31\xDB\xF7\xF3");
            h->pen = H_HANDLER;
            ends(h, "a stack at an edge", stack[i].why[v]);
        }
}

/* ---- instructions that are not for ring 1 ---- */

static void odd_instructions(void **st)
{
    static const struct {
        const char *bytes;
        unsigned n;
        const char *why[2];
    } insn[] = {
#define BOTH(text, why)         \
    {                           \
        text, sizeof(text) - 1, \
        {                       \
            why, why            \
        }                       \
    }
        BOTH("\xF4", "unhandled trap 13"),                         /* hlt */
        BOTH("\xFB", "unhandled trap 13"),                         /* sti */
        BOTH("\x0F\x22\xD8", "unhandled trap 13"),                 /* mov cr3, eax */
        BOTH("\x0F\x22\xC0", "unhandled trap 13"),                 /* mov cr0, eax */
        BOTH("\x0F\x22\xE0", "unhandled trap 13"),                 /* mov cr4, eax */
        BOTH("\x0F\x20\xD8", "unhandled trap 13"),                 /* mov eax, cr3 */
        BOTH("\x0F\x01\x15\x00\x00\x11\x00", "unhandled trap 13"), /* lgdt */
        BOTH("\x0F\x01\x1D\x00\x00\x11\x00", "unhandled trap 13"), /* lidt */
        BOTH("\x0F\x00\xD0", "unhandled trap 13"),                 /* lldt */
        BOTH("\x0F\x01\x3D\x00\x00\x11\x00", "unhandled trap 13"), /* invlpg */
        BOTH("\x0F\x09", "unhandled trap 13"),                     /* wbinvd */
        BOTH("\x0F\x06", "unhandled trap 13"),                     /* clts */
        BOTH("\x0F\x30", "unhandled trap 13"),                     /* wrmsr */
        BOTH("\x0F\x32", "unhandled trap 13"),                     /* rdmsr */
        BOTH("\x0F\x33", "unhandled trap 13"),                     /* rdpmc */
        BOTH("\x0F\x23\xC0", "unhandled trap 13"),                 /* mov dr0, eax */
        BOTH("\x0F\x34", "unhandled trap 13"),                     /* sysenter */
        BOTH("\x0F\x35", "unhandled trap 13"),                     /* sysexit */
        BOTH("\x0F\x01\xF0", "unhandled trap 13"),                 /* lmsw */
        BOTH("\x6C", "unhandled trap 13"),                         /* insb */
        BOTH("\xEA\x00\x00\x10\x00\x50\x00", "unhandled trap"),    /* to the host's ring 0 */
        BOTH("\x9A\x00\x00\x10\x00\x80\x00", "unhandled trap"),    /* call the TSS */
        BOTH("\xCD\x20", "unhandled trap 13"),                     /* int 0x20: no gate */
        BOTH("\x0F\x01\xC2", "unhandled trap 6"),                  /* vmlaunch */
        {"\x0F\x01\xC1", 3, {NULL, "unhandled trap 6"}},           /* vmcall */
        {"\xFA", 1, {"unhandled trap 13", NULL}},                  /* cli */
        BOTH("\xE4\x60", NULL),                                    /* in: nobody there */
        BOTH("\xE6\x80", NULL),                                    /* out */
        BOTH("\xB8\x02\x00\x00\x00\x50\x9D", NULL),                /* push 2; popf: IF stays */
        BOTH("\x68\x02\x32\x00\x00\x9D", NULL),                    /* IOPL 3: not given */
#undef BOTH
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(insn); i++) {
            char what[32];
            struct hostile *h = hostile_new(lguests[v]);
            snprintf(what, sizeof what, "instruction %u", i);
            h_init(h);
            h_mov(h, R_ESP, H_STACK);
            h_mov(h, R_EAX, 0x11); /* harmless where the instruction works */
            h_bytes(h, insn[i].bytes, insn[i].n);
            ends(h, what, insn[i].why[v]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_hypercalls),
        cmocka_unit_test(before_init),
        cmocka_unit_test(bad_init),
        cmocka_unit_test(init_at_the_edges),
        cmocka_unit_test(bad_calls_in_the_ring),
        cmocka_unit_test(a_full_ring),
        cmocka_unit_test(segments_in_use),
        cmocka_unit_test(handlers_without_segments),
        cmocka_unit_test(gates_into_nowhere),
        cmocka_unit_test(blocked_stacks),
        cmocka_unit_test(odd_instructions),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
