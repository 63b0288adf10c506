/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests of all kinds of malice, for one model (MODEL, from the build). An input is not a guest's code
 * but a program of actions, a byte to choose one and some more for its numbers: make this hypercall,
 * scribble on that page table, point a gate there, offer this buffer, touch that address, run these
 * bytes. Each action becomes a few instructions of a guest that runs on the bench of the unit tests
 * (tests/unit/hv-models/hostile.h), so that nothing is tried that a real guest could not do.
 *
 *   most inputs begin well: LGUEST_INIT, gates, page tables, a stack; then it goes wrong
 *   faults return: every gate leads to a handler that repairs the stack and goes on behind the action
 *   words come from a table of addresses that mean something, or from the input itself
 *
 * Promised: the audit holds at all times, the neighbour is untouched, the run ends at its limit, and
 * the same input gives the same run, on this machine after many others, or on a new one.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "abi/lguest.h"
#include "digest.h"
#include "hv-models/hostile.h"
#include "snapshot.h"

/* Cycles: an lguest is charged thousands for a crossing. */
enum { LIMIT = 800000, LIMIT_NATIVE = 100000, EVENTS_MOST = 1500, ACTIONS_MOST = 160, ROOM = 512 };
enum { RESUME = H_SCRATCH + 0xF00, WORK = H_CODE + 0x800 };
enum { FILL_END = 0xB00000 }; /* above are an lguest's first page tables */
enum { RUNS_OF_A_MACHINE = 500, RUN_TWICE = 64 };

/* The engine's translator compares strings all day; that a sanitizer looks over its shoulder costs
   half of the time and finds nothing of ours. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "intercept_memcmp=0";
}

/* ---- the input ---- */

struct tape {
    const uint8_t *at, *end;
};

static uint8_t u8(struct tape *t)
{
    return t->at < t->end ? *t->at++ : 0;
}

static uint32_t u32(struct tape *t)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4; i++)
        v |= (uint32_t)u8(t) << 8 * i;
    return v;
}

/* Pages and borders; what lies a little off them is an input byte away. */
static const uint32_t places[] = {
    0,
    0x1000,
    PC_HOLE_START,
    PC_HOLE_END,
    H_CODE,
    H_HANDLER,
    H_DATA,
    H_ROOT,
    H_DIR,
    H_TABLE,
    H_TABLE2,
    H_STACK,
    H_USER,
    H_USER_STACK,
    H_SCRATCH,
    H_END,
    H_LGUEST_RAM,          /* the device page */
    H_LGUEST_RAM + 0x1000, /* rings: the disk's, the console's two */
    H_LGUEST_RAM + 0x4000,
    H_LGUEST_RAM + 0x7000,
    H_LGUEST_END,
    H_RAM,
    H_RAM - 0x1000, /* the pool of shadow tables */
    0x40000000,
    0x80000000,
    0xC0000000,
    0xC0000000 + H_CODE,
    0xFFC00000,
    0xFFE00000,
    0xFFE01000, /* the switcher's page */
    0xFFFFF000,
    0xFFFFFFFF,
};

static uint32_t value(struct tape *t)
{
    static const uint8_t off[] = {0, 0, 0, 0, 1, 4, 8, 0x10, 0x20, 0x7C, 0xFC, 0xFF};
    uint8_t b = u8(t);

    if (b >= 0xE0)
        return u32(t);
    if (b >= 0xC0)
        return b - 0xC0u;
    uint32_t v = places[b % (sizeof places / sizeof places[0])];
    uint8_t how = u8(t);
    v += off[how % sizeof off] * (how & 0x40 ? 16u : 1u);
    return how & 0x80 ? 2 * places[b % (sizeof places / sizeof places[0])] - v : v;
}

/* ---- actions ---- */

static void action_call(struct hostile *h, struct tape *t)
{
    uint8_t n = u8(t);
    uint32_t number = n < 0xF0 ? n % 21 : u32(t), a = value(t), b = value(t), c = value(t);
    /* The first two end most programs: not too often. */
    if ((number == LHCALL_LGUEST_INIT || number == LHCALL_SHUTDOWN) && n > 42)
        number = LHCALL_NOTIFY;
    h_call(h, number, a, b, c, value(t));
}

static void action_store(struct hostile *h, struct tape *t)
{
    uint32_t at = value(t);
    h_store(h, at, value(t));
}

static void action_touch(struct hostile *h, struct tape *t)
{
    h_asm(h, "\xA1"); /* mov eax, [...] */
    h_word(h, value(t));
}

/* An entry of any of the tables; told about, or not. */
static void action_entry(struct hostile *h, struct tape *t)
{
    static const uint32_t tables[] = {H_ROOT, H_DIR, H_TABLE, H_TABLE2};
    uint32_t table = tables[u8(t) % 4], index = u8(t), to = value(t) & ~0xFFFu;
    static const uint8_t usual[] = {0x67, 0x63, 0x27, 0x25, 0x07, 0x01, 0x21, 0xE7};
    uint8_t flags = u8(t), how = u8(t);
    bool wide = hostile_is_lguest(h);
    uint32_t at = table + index * (wide ? 8 : 4) + (how & 1 ? PAGE_SIZE / 2 : 0);

    flags = flags < 0xC0 ? usual[flags % 8] : (uint8_t)(flags << 2 | flags >> 4);
    h_store(h, at, to | flags | (how & 2 ? PTE_PS : 0));
    if (wide && how & 4)
        h_store(h, at + 4, u32(t));
    if (!wide)
        h_asm(h, "\x0F\x20\xD8\x0F\x22\xD8"); /* cr3 to itself */
    else if (how & 8)
        h_call(h, LHCALL_FLUSH_TLB, how >> 4 & 1, 0, 0, 0);
    else if (how & 0x10)
        h_call(h, LHCALL_SET_PTE, H_ROOT, index << PAGE_SHIFT, to | flags, 0);
    else if (how & 0x20)
        h_call(h, LHCALL_SET_PMD, table, index, 0, 0);
    else if (how & 0x40)
        h_call(h, LHCALL_SET_PGD, table, index % 8, 0, 0);
    if (how & 0x80) { /* and use it: to read, to write */
        uint32_t page = (table == H_TABLE2 ? H_LGUEST_RAM : 0) + (index << PAGE_SHIFT) +
                        (how & 1 ? 256u << PAGE_SHIFT : 0);
        h_asm(h, "\xA1");
        h_word(h, page);
        h_store(h, page, to);
    }
}

static void native_table(struct hostile *h, bool idt, uint32_t base, uint16_t limit)
{
    h_store(h, H_SCRATCH + 0xE00, limit | base << 16);
    h_store(h, H_SCRATCH + 0xE04, base >> 16);
    h_bytes(h, idt ? "\x0F\x01\x1D" : "\x0F\x01\x15", 3);
    h_word(h, H_SCRATCH + 0xE00);
}

enum { NATIVE_GDT = H_SCRATCH + 0x100, NATIVE_IDT = H_DATA, NATIVE_TSS = H_SCRATCH + 0x200 };
enum { CS = 0x61, DS = 0x69, USER_CS = 0x73, USER_DS = 0x7B };

static void action_gate(struct hostile *h, struct tape *t)
{
    uint32_t vector = u8(t), handler = value(t);
    uint8_t how = u8(t);
    uint32_t hi = (handler & 0xFFFF0000) | (how & 0xF ? 0x8000 : 0) | (uint32_t)(how & 0x60) << 8 |
                  (how & 0x10 ? (uint32_t)(how & 0xF) << 8
                   : how & 1  ? 0xE00
                              : 0xF00);

    if (hostile_is_lguest(h)) {
        h_call(h, LHCALL_LOAD_IDT_ENTRY, vector, CS << 16 | (handler & 0xFFFF), hi, 0);
        return;
    }
    h_store(h, NATIVE_IDT + vector * 8, (how & 0x80 ? DS : CS) << 16 | (handler & 0xFFFF));
    h_store(h, NATIVE_IDT + vector * 8 + 4, hi);
    if (how == 0xFF)
        native_table(h, true, handler, (uint16_t)u32(t));
}

static void action_descriptor(struct hostile *h, struct tape *t)
{
    static const uint32_t high[] = {0x00CF9A00, 0x00CF9200, 0x00CFFA00, 0x00CFF200,
                                    0x00CFBA00, 0x00CFB200, 0x00CF9E00, 0x0000EC00,
                                    0x00008900, 0x00008200, 0x0000E500, 0x00409200};
    uint8_t index = u8(t), how = u8(t);
    uint32_t lo = how & 0x80 ? u32(t) : 0xFFFF,
             hi = how & 0x40 ? u32(t) : high[how % (sizeof high / sizeof high[0])];

    if (hostile_is_lguest(h)) {
        h_call(h, LHCALL_LOAD_GDT_ENTRY, index % 33, lo, hi, 0);
    } else {
        h_store(h, NATIVE_GDT + index % 32 * 8u, lo);
        h_store(h, NATIVE_GDT + index % 32 * 8u + 4, hi);
    }
}

/* mov eax, sel; mov sreg, eax */
static void action_segment(struct hostile *h, struct tape *t)
{
    static const uint8_t modrm[] = {0xC0, 0xD0, 0xD8, 0xE0, 0xE8}; /* es ss ds fs gs */
    uint8_t which = u8(t), sel = u8(t);

    h_mov(h, R_EAX, sel & 0x80 ? u32(t) : sel);
    h_asm(h, "\x8E");
    h_bytes(h, &modrm[which % 5], 1);
}

static void action_port(struct hostile *h, struct tape *t)
{
    static const uint8_t how[][2] = {{0xEC},       {0xEE}, {0xED}, {0xEF},       {0x66, 0xED},
                                     {0x66, 0xEF}, {0x6C}, {0x6E}, {0xF3, 0x6C}, {0xF3, 0x6E}};
    static const uint16_t ports[] = {0x20, 0x21, 0xA0, 0xA1, 0x40, 0x42,  0x43,  0x61,
                                     0x64, 0x70, 0x71, 0x92, 0xF4, 0x3F8, 0x3FB, 0x3FC};
    uint8_t which = u8(t), port = u8(t);
    const uint8_t *op = how[which % 10];

    h_mov(h, R_EDX, port & 0x80 ? u32(t) & 0xFFFF : ports[port % 16]);
    h_mov(h, R_EAX, value(t));
    h_mov(h, R_ECX, u8(t) % 64);
    h_mov(h, R_EDI, value(t));
    h_asm(h, "\x89\xFE"); /* mov esi, edi */
    h_bytes(h, op, op[1] ? 2 : 1);
}

static const struct {
    uint8_t n, bytes[10];
} odd[] = {
    {1, {0xF4}},
    {1, {0xFA}},
    {1, {0xFB}},
    {1, {0xCF}},
    {1, {0xCC}},
    {1, {0x9D}},
    {1, {0xF1}},
    {2, {0x0F, 0x0B}},
    {2, {0x0F, 0xA2}},
    {2, {0x0F, 0x31}},
    {2, {0x0F, 0x32}},
    {2, {0x0F, 0x30}},
    {2, {0x0F, 0x33}},
    {2, {0x0F, 0x34}},
    {2, {0x0F, 0x35}},
    {2, {0x0F, 0x05}},
    {2, {0x0F, 0x09}},
    {2, {0x0F, 0x06}},
    {2, {0x0F, 0x77}},
    {2, {0xCD, 0x80}},
    {2, {0xCD, 0x20}},
    {2, {0xCD, 0x0D}},
    {3, {0x0F, 0x22, 0xC0}},
    {3, {0x0F, 0x22, 0xD8}},
    {3, {0x0F, 0x22, 0xE0}},
    {3, {0x0F, 0x20, 0xC0}},
    {3, {0x0F, 0x23, 0xF8}},
    {3, {0x0F, 0x00, 0xD8}},
    {3, {0x0F, 0x00, 0xD0}},
    {3, {0x0F, 0x01, 0xC1}},
    {3, {0x0F, 0x01, 0xF0}},
    {3, {0x0F, 0x01, 0x38}},
    {4, {0x31, 0xDB, 0xF7, 0xF3}},
    {7, {0xEA, 0, 0, 0x10, 0, 0x61, 0}},
    {7, {0xEA, 0, 0, 0x10, 0, 0xA1, 0}},
    {7, {0x9A, 0, 0, 0x10, 0, 0x80, 0}},
    {7, {0x0F, 0x01, 0x15, 0, 0, 0x11, 0}},
    {7, {0x0F, 0x01, 0x1D, 0, 0, 0x11, 0}},
    {9, {0x68, 2, 1, 0, 0, 0x9D, 0x90, 0x90, 0x90}},
    {2, {0xF3, 0xA4}},
    {2, {0xF3, 0xAB}},
    {3, {0x0F, 0xAE, 0x00}},
    {2, {0xD9, 0xE8}},
    {2, {0xEB, 0xFE}},
};

static void action_odd(struct hostile *h, struct tape *t)
{
    unsigned i = u8(t) % (sizeof odd / sizeof odd[0]);

    h_mov(h, R_EAX, value(t));
    h_mov(h, R_ECX, u8(t));
    h_bytes(h, odd[i].bytes, odd[i].n);
}

static void action_bytes(struct hostile *h, struct tape *t)
{
    for (unsigned n = u8(t) % 15 + 1; n; n--) {
        uint8_t b = u8(t);
        h_bytes(h, &b, 1);
    }
}

static void action_stack(struct hostile *h, struct tape *t)
{
    uint32_t esp = value(t);
    h_mov(h, R_ESP, esp);
    h_asm(h, "\x50"); /* push eax */
}

static void action_jump(struct hostile *h, struct tape *t)
{
    h_jump(h, value(t));
}

/* A slot of the ring, and the next call will find it. */
static void action_async(struct hostile *h, struct tape *t)
{
    uint32_t slot = u8(t) % LHCALL_RING_SIZE, at = H_DATA + LGUEST_DATA_hcalls + slot * 20;
    uint8_t status = u8(t), n = u8(t);

    h_store(h, at, n < 0xF0 ? n % 21 : u32(t));
    for (unsigned i = 1; i < 5; i++)
        h_store(h, at + i * 4, value(t));
    h_asm(h, "\xC6\x05"); /* mov byte [...], status */
    h_word(h, H_DATA + LGUEST_DATA_hcall_status + slot);
    h_bytes(h, &status, 1);
}

/* A descriptor or two in one of the rings, offered and kicked; or only that, or a status. */
static void action_queue(struct hostile *h, struct tape *t)
{
    uint8_t how = u8(t), i = u8(t) % 4;
    uint32_t ring = H_LGUEST_RAM + 0x1000 + how % 3 * 0x3000u, to = value(t);
    static const uint32_t lengths[] = {0, 1, 16, 512, 4096, 0x10000, 0xFFFFFFFF};

    if ((how & 0xC0) == 0xC0) { /* the device page */
        h_store(h, H_LGUEST_RAM + (how & 0x3F), u32(t));
        h_call(h, LHCALL_NOTIFY, to, 0, 0, 0);
        return;
    }
    uint8_t len = u8(t), flags = u8(t);
    h_store(h, ring + i * 16u, to);
    h_store(h, ring + i * 16u + 4, flags == 0xFF ? u32(t) : 0);
    h_store(h, ring + i * 16u + 8, len & 0x80 ? u32(t) : lengths[len % 7]);
    h_store(h, ring + i * 16u + 12, (flags & 7u) | (uint32_t)(flags >> 3 & 7) << 16);
    if (how & 0x20) {
        h_store(h, ring + LGUEST_VRING_AVAIL_AT(256) + 4, u32(t));
        h_store(h, ring + LGUEST_VRING_AVAIL_AT(256), (uint32_t)u8(t) << 16);
    }
    if (how & 0x10)
        h_call(h, LHCALL_NOTIFY, ring, 0, 0, 0);
}

/* Into ring 3, and there an odd instruction, a call or a touch; the fault brings us back. */
static void action_process(struct hostile *h, struct tape *t)
{
    uint32_t user = h->pen + 48, frame[] = {USER_DS, H_USER_STACK, 0x202, USER_CS, user};
    uint8_t how = u8(t);

    h_mov(h, R_EAX, USER_DS);
    h_asm(h, "\x8E\xD8\x8E\xC0");
    for (unsigned i = 0; i < 5; i++) {
        h_asm(h, "\x68");
        h_word(h, frame[i]);
    }
    h_asm(h, "\xCF");
    h->pen = user;
    if (how < 0x80)
        action_odd(h, t);
    else if (how < 0xC0)
        action_touch(h, t);
    else
        action_store(h, t);
    h_asm(h, "\xCD\x80\x0F\x0B");
}

/* Time passes: a loop of some thousand turns, or sleep with the clock set. */
static void action_wait(struct hostile *h, struct tape *t)
{
    uint8_t how = u8(t);

    if (hostile_is_lguest(h) && how & 1) {
        h_store(h, H_DATA + LGUEST_DATA_blocked_interrupts, how & 2 ? ~1u : 0);
        h_store(h, H_DATA + LGUEST_DATA_irq_enabled, how & 4 ? LGUEST_IF : 0);
        h_call(h, LHCALL_SET_CLOCKEVENT, how * 16u + 1, 0, 0, 0);
        if (how & 8) {
            h_call(h, LHCALL_HALT, 0, 0, 0, 0);
            return;
        }
    }
    h_mov(h, R_ECX, how * 16u + 1);
    h_asm(h, "\xE2\xFE"); /* loop $ */
}

/* Paging on bare hardware: CR4, CR3, CR0. */
static void action_paging(struct hostile *h, struct tape *t)
{
    uint8_t how = u8(t);

    h_mov(h, R_EAX, how & 1 ? CR4_PSE : how & 2 ? CR4_PAE : 0);
    h_asm(h, "\x0F\x22\xE0");
    h_mov(h, R_EAX, how & 4 ? value(t) : H_ROOT);
    h_asm(h, "\x0F\x22\xD8");
    h_mov(h, R_EAX, how & 8 ? CR0_PE : CR0_PE | CR0_PG | (how & 16 ? CR0_WP : 0));
    h_asm(h, "\x0F\x22\xC0");
}

typedef void action(struct hostile *h, struct tape *t);
static action *const for_lguest[] = {
    action_call,       action_call,    action_call, action_call,  action_entry,   action_entry,
    action_descriptor, action_segment, action_gate, action_queue, action_queue,   action_async,
    action_store,      action_touch,   action_port, action_odd,   action_process, action_wait,
    action_stack,      action_bytes,   action_jump, action_store, action_call,    action_queue,
};
static action *const for_native[] = {
    action_entry,   action_entry, action_descriptor, action_segment, action_gate, action_gate,
    action_store,   action_touch, action_port,       action_port,    action_odd,  action_odd,
    action_process, action_wait,  action_stack,      action_bytes,   action_jump, action_paging,
};

/* ---- the guest around them ---- */

/* All gates lead here: repair what can be, and go on with what comes next. */
static void write_handler(struct hostile *h)
{
    h->pen = H_HANDLER;
    h_mov(h, R_EAX, DS);
    h_asm(h, "\x8E\xD0\x8E\xD8\x8E\xC0"); /* mov ss, ds, es */
    h_mov(h, R_ESP, H_STACK);
    h_asm(h, "\xFF\x25"); /* jmp [RESUME] */
    h_word(h, RESUME);
}

static void write_tables(struct hostile *h)
{
    bool wide = hostile_is_lguest(h);

    for (uint32_t i = 0; i < 512; i++) {
        uint64_t low = i << PAGE_SHIFT | 0x67, high = (H_LGUEST_RAM + (i << PAGE_SHIFT)) | 0x67;
        if (wide) {
            h_poke64(h, H_TABLE + i * 8, low);
            h_poke64(h, H_TABLE2 + i * 8, i < 256 ? high : 0);
        } else {
            h_poke32(h, H_TABLE + i * 4, (uint32_t)low);
            h_poke32(h, H_TABLE2 + i * 4, (uint32_t)high);
        }
    }
    if (wide) {
        h_poke64(h, H_ROOT, H_DIR | PTE_P);
        h_poke64(h, H_ROOT + 24, H_DIR | PTE_P);
        h_poke64(h, H_DIR, H_TABLE | 0x27);
        h_poke64(h, H_DIR + (H_LGUEST_RAM >> 21) * 8, H_TABLE2 | 0x27);
    } else {
        h_poke32(h, H_ROOT, H_TABLE | 0x27);
        h_poke32(h, H_ROOT + 4, H_TABLE2 | 0x27);
    }
}

static void begin_lguest(struct hostile *h, uint8_t how)
{
    static const uint8_t vectors[] = {0,  1,  3,  4,  5,  6,    7,    10,   11,   12,
                                      13, 14, 16, 17, 19, 0x20, 0x21, 0x22, 0x24, 0x80};

    if (how & 7)
        h_init(h);
    if (how & 8)
        h_call(h, LHCALL_NEW_PGTABLE, H_ROOT, 0, 0, 0);
    for (unsigned i = 0; how & 0x70 && i < sizeof vectors; i++)
        h_gate(h, vectors[i], H_HANDLER, how & 0x10 ? 0xE : 0xF, 3);
    h_call(h, LHCALL_LOAD_GDT_ENTRY, USER_CS / 8, 0xFFFF, 0x00CFFA00, 0);
    h_call(h, LHCALL_LOAD_GDT_ENTRY, USER_DS / 8, 0xFFFF, 0x00CFF200, 0);
    h_call(h, LHCALL_SET_STACK, DS, H_STACK, 2, 0);
}

static void begin_native(struct hostile *h, uint8_t how)
{
    static const struct {
        uint16_t sel;
        uint64_t desc;
    } gdt[] = {
        {CS - 1, 0x00CF9A000000FFFF},
        {DS - 1, 0x00CF92000000FFFF},
        {USER_CS - 3, 0x00CFFA000000FFFF},
        {USER_DS - 3, 0x00CFF2000000FFFF},
        {0x80, 0x0000890000000067 | (uint64_t)NATIVE_TSS << 16},
    };
    for (unsigned i = 0; i < 5; i++)
        h_poke64(h, NATIVE_GDT + gdt[i].sel, gdt[i].desc);
    h_poke32(h, NATIVE_TSS + 4, H_STACK);
    h_poke32(h, NATIVE_TSS + 8, DS - 1);
    for (uint32_t v = 0; v < 256; v++)
        h_poke64(h, NATIVE_IDT + v * 8,
                 (uint64_t)(H_HANDLER >> 16) << 48 |
                     (uint64_t)(how & 0x10 ? 0xEE00 : 0xEF00) << 32 | (uint32_t)(CS - 1) << 16 |
                     (H_HANDLER & 0xFFFF));
    native_table(h, false, NATIVE_GDT, 0xFF);
    native_table(h, true, NATIVE_IDT, 0x7FF);
    h_asm(h, "\xEA");
    h_word(h, h->pen + 6);
    h_asm(h, "\x60\x00\xB8\x68\x00\x00\x00\x8E\xD8\x8E\xC0\x8E\xD0");
    h_asm(h, "\xB8\x80\x00\x00\x00\x0F\x00\xD8"); /* ltr */
    if (how & 8)
        h_asm(h, "\xFB");
}

static void write_guest(struct hostile *h, const uint8_t *data, size_t size)
{
    struct tape t = {data, data + size};
    uint8_t how = u8(&t);

    memset(h->image, 0xCC, WORK - H_CODE);
    write_tables(h);
    write_handler(h);
    h->pen = H_CODE;
    if (hostile_is_lguest(h))
        begin_lguest(h, how);
    else
        begin_native(h, how);
    h_mov(h, R_ESP, H_STACK);
    h_jump(h, WORK);
    h->pen = WORK;
    for (unsigned i = 0; i < ACTIONS_MOST && t.at < t.end && h->pen < H_HANDLER - ROOM; i++) {
        uint32_t resume = h->pen + 6; /* where the store's operand lies */
        uint8_t what = u8(&t);
        h_store(h, RESUME, 0);
        if (hostile_is_lguest(h))
            for_lguest[what % (sizeof for_lguest / sizeof for_lguest[0])](h, &t);
        else
            for_native[what % (sizeof for_native / sizeof for_native[0])](h, &t);
        h_poke32(h, resume, h->pen);
    }
    h_power_off(h);
}

/* ---- running it ---- */

/* A machine with an empty guest, and the moment before its first instruction. */
struct bench {
    struct hostile *h;
    uint8_t blank[H_IMAGE_BYTES]; /* its image before anything was written on it */
    struct snapshots *snapshots;
    struct snapshot *start;
    unsigned runs;
};

static void bench_close(struct bench *b)
{
    snapshot_free(b->start);
    snapshots_free(b->snapshots);
    hostile_free(b->h);
    *b = (struct bench){0};
}

/* Where crossings are charged nothing, cycles do not bound them; events do, and as exactly. */
static void count(void *ctx, const struct event *e)
{
    struct hostile *h = ctx;
    (void)e;
    if (events_count(h->m->events) >= EVENTS_MOST)
        domain_kill(h->m->domain, "enough of it");
}

static void bench_open(struct bench *b)
{
    struct err err = {0};

    b->h = hostile_new(MODEL);
    b->h->hurry = true;
    memcpy(b->blank, b->h->image, sizeof b->blank);
    b->h->disk_bytes[0] = hostile_is_lguest(b->h) ? 64 << 10 : 0;
    FUZZ_PROMISE(hostile_load(b->h, hostile_is_lguest(b->h) ? LIMIT : LIMIT_NATIVE));
    FUZZ_PROMISE(events_subscribe(b->h->m->events, EV_GUEST, count, b->h));
    /* Who jumps into empty memory shall not walk through it: INT3 leads to the handler, too. */
    memset(mem_span(b->h->m->domain->mem, MADDR(H_END), FILL_END - H_END), 0xCC, FILL_END - H_END);
    struct machine_parts parts = machine_parts(b->h->m);
    b->snapshots = snapshots_new(&parts, &err);
    FUZZ_PROMISE(b->snapshots);
    b->start = snapshot_take(b->snapshots, &err);
    FUZZ_PROMISE(b->start);
}

struct outcome {
    struct end end;
    uint64_t cycles, events;
    struct digest state, stream;
};

/* The digest of the state is dear, so it is asked for when it is going to be compared. */
static struct outcome run(struct bench *b, const uint8_t *data, size_t size, bool compare)
{
    struct hostile *h = b->h;

    if (b->runs++)
        snapshot_restore(b->snapshots, b->start);
    machine_restored(h->m);
    memcpy(h->image, b->blank, sizeof b->blank);
    write_guest(h, data, size);
    FUZZ_PROMISE(mem_write(h->m->domain->mem, MADDR(H_CODE), h->image, H_IMAGE_BYTES));
    if (!hostile_run(h)) {
        fprintf(stderr, "%s: %s\n", MODEL, h->broken);
        fuzz_broken(__FILE__, __LINE__, "the bench holds");
    }
    struct machine_parts parts = machine_parts(h->m);
    return (struct outcome){
        .end = h->m->domain->end,
        .cycles = machine_now(h->m),
        .events = events_count(h->m->events),
        .state = compare ? digest_state(&parts) : (struct digest){0},
        .stream = events_digest(h->m->events),
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bench bench;
    static unsigned inputs;

    fuzz_current(data, size);
    if (bench.runs >= RUNS_OF_A_MACHINE)
        bench_close(&bench);
    if (!bench.h)
        bench_open(&bench);
    bool twice = inputs++ % RUN_TWICE == 0;
    struct outcome o = run(&bench, data, size, twice);
    FUZZ_PROMISE(o.end.kind != END_DIED || o.end.reason[0]);
    if (twice) {
        struct bench fresh = {0};
        bench_open(&fresh);
        struct outcome again = run(&fresh, data, size, true);
        bench_close(&fresh);
        FUZZ_PROMISE(again.cycles == o.cycles);
        FUZZ_PROMISE(again.events == o.events);
        FUZZ_PROMISE(again.end.kind == o.end.kind && !strcmp(again.end.reason, o.end.reason));
        FUZZ_PROMISE(digest_equal(again.stream, o.stream));
        FUZZ_PROMISE(digest_equal(again.state, o.state));
    }
    return 0;
}

/* A seed each for a kind of action, eight of them in a row, in a guest that began well; then programs
   of all kinds of action. */
size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    enum { MIXED = 64, SHORT = 97, LONG = 400 };
    unsigned actions = hostile_is_lguest(&(struct hostile){.spec = MODEL})
                           ? sizeof for_lguest / sizeof for_lguest[0]
                           : sizeof for_native / sizeof for_native[0];
    uint32_t random = i * 2654435761u + 1;
    size_t n = 0;

    if (i >= actions + MIXED || room < LONG)
        return 0;
    to[n++] = 0x1F;
    while (n < (i < actions ? SHORT : LONG)) {
        random = random * 1664525u + 1013904223u;
        to[n] = i < actions && n % 12 == 1 ? (uint8_t)i : (uint8_t)(random >> 24);
        n++;
    }
    return n;
}
