/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguest from the inside of a guest that means no good. Each test is a few instructions of ring 1, put
 * together here, loaded as a kernel, and run through the real exits. The guest must die, and its last
 * words must name what it did; and at every event on the way the model's invariants must hold.
 */
#include "unit.h"

#include <inttypes.h>
#include <string.h>

#include "abi/lguest.h"
#include "hv-models/hv.h"

/* Last: it gives PF_W and PF_X meanings of its own. */
#include <elf.h>

enum { BASE = 0x100000, CODE_MAX = 0x1000, DATA = BASE + CODE_MAX, STACK = BASE + 0x3000 };
enum { IMAGE_BYTES = 0x3000, LIMIT = 3000000 };

struct guest {
    uint8_t bytes[sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + IMAGE_BYTES];
    uint8_t *code;
    struct lguest_data *data;
    struct machine *m;
    uint64_t events;
};

/* ---- writing a guest ---- */

static void put(struct guest *g, const void *bytes, size_t n)
{
    memcpy(g->code, bytes, n);
    g->code += n;
}

static void put8(struct guest *g, uint8_t v)
{
    put(g, &v, 1);
}

static void put32(struct guest *g, uint32_t v)
{
    put(g, &v, 4);
}

/* mov reg, imm32, for each register of the convention; int $0x1f */
static void call(struct guest *g, uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4)
{
    const uint32_t value[] = {n, a1, a2, a3, a4};
    static const uint8_t mov[] = {0xB8, 0xBB, 0xB9, 0xBA, 0xBE}; /* EAX EBX ECX EDX ESI */
    for (unsigned i = 0; i < 5; i++) {
        put8(g, mov[i]);
        put32(g, value[i]);
    }
    put(g, "\xCD\x1F", 2);
}

/* mov [at], imm32 */
static void store(struct guest *g, uint32_t at, uint32_t v)
{
    put(g, "\xC7\x05", 2);
    put32(g, at);
    put32(g, v);
}

static void init(struct guest *g)
{
    call(g, LHCALL_LGUEST_INIT, DATA, 0, 0, 0);
}

static void power_off(struct guest *g)
{
    call(g, LHCALL_SHUTDOWN, DATA, LGUEST_SHUTDOWN_POWEROFF, 0, 0);
}

static struct guest *guest_new(void)
{
    struct guest *g = calloc(1, sizeof *g);
    Elf32_Ehdr *h = (Elf32_Ehdr *)g->bytes;
    Elf32_Phdr *ph = (Elf32_Phdr *)(h + 1);

    memcpy(h->e_ident, ELFMAG, SELFMAG);
    h->e_ident[EI_CLASS] = ELFCLASS32;
    h->e_ident[EI_DATA] = ELFDATA2LSB;
    h->e_ident[EI_VERSION] = EV_CURRENT;
    h->e_type = ET_EXEC;
    h->e_machine = EM_386;
    h->e_version = EV_CURRENT;
    h->e_entry = BASE;
    h->e_phoff = sizeof *h;
    h->e_phentsize = sizeof *ph;
    h->e_phnum = 1;
    *ph = (Elf32_Phdr){.p_type = PT_LOAD,
                       .p_offset = sizeof *h + sizeof *ph,
                       .p_vaddr = BASE,
                       .p_paddr = BASE,
                       .p_filesz = IMAGE_BYTES,
                       .p_memsz = IMAGE_BYTES};
    g->code = (uint8_t *)(ph + 1);
    g->data = (struct lguest_data *)(g->code + CODE_MAX);
    memset(g->data->hcall_status, LHCALL_RING_FREE, sizeof g->data->hcall_status);
    g->data->blocked_interrupts = ~1u;
    g->data->kernel_address = 0xC0000000;
    g->data->syscall_vec = 0x80;
    return g;
}

/* ---- running it ---- */

static void audit(void *ctx, const struct event *e)
{
    struct guest *g = ctx;
    struct err err = {0};
    (void)e;
    g->events++;
    if (!hv_model(g->m->domain)->audit(g->m->domain, &err))
        fail_msg("audit: %s", err.text);
}

static void run(struct guest *g, const char *spec)
{
    struct machine_config cfg = {.mem_bytes = 16u << 20, .max_cycles = LIMIT};
    struct boot_request rq = {.kernel = {g->bytes, sizeof g->bytes, "test"}};
    const struct hv_model *model;
    const char *variant;
    struct err err = {0};

    g->m = machine_new(&cfg, NULL, &err);
    if (!g->m || !hv_find(spec, &model, &variant, &err) ||
        !hv_attach(g->m, model, variant, &rq, &err))
        fail_msg("%s", err.text);
    assert_true(events_subscribe(g->m->events, EV_GUEST, audit, g));
    machine_run(g->m, CLOCK_NEVER);
}

static void guest_free(struct guest *g)
{
    hv_detach(g->m);
    machine_free(g->m);
    free(g);
}

static void dies(struct guest *g, const char *spec, const char *why)
{
    run(g, spec);
    const struct end *end = &g->m->domain->end;
    if (end->kind != END_DIED || !strstr(end->reason, why))
        fail_msg("end %" PRIu32 ", \"%s\"; should have died of \"%s\"", end->kind, end->reason,
                 why);
    guest_free(g);
}

/* ---- what a guest can do wrong by a hypercall ---- */

struct offence {
    uint32_t n, a1, a2, a3, a4;
    const char *why;
};

static const struct offence offences[] = {
    {99, 0, 0, 0, 0, "bad hypercall 99"},
    {0xFFFFFFFF, 0, 0, 0, 0, "bad hypercall 4294967295"},
    {3, 0, 0, 0, 0, "bad hypercall 3"},
    {LHCALL_LGUEST_INIT, DATA, 0, 0, 0, "already have lguest_data"},
    {LHCALL_NEW_PGTABLE, 0xFFFFF000, 0, 0, 0, "outside of memory"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS & ~3u, STACK, 1, 0, "bad stack segment"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, STACK, 3, 0, "bad stack pages"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0xFFF00000, 1, 0, "the switcher is there"},
    {LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x70000000, 1, 0, "bad stack page"},
    {LHCALL_LOAD_IDT_ENTRY, 256, 0, 0x8E00, 0, "IDT entry 256"},
    {LHCALL_LOAD_IDT_ENTRY, 3, 0, 0x8500, 0, "bad IDT type 5"},
    {LHCALL_LOAD_GDT_ENTRY, 32, 0, 0, 0, "GDT entry 32"},
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x00080000, 0x0000EC00, 0, "system descriptor"}, /* a call gate */
    {LHCALL_LOAD_GDT_ENTRY, 20, 0x68, 0x00008900, 0, "system descriptor"},       /* a TSS */
    {LHCALL_LOAD_TLS, 0xFFFFFFF8, 0, 0, 0, "bad read address"},
    {LHCALL_NOTIFY, 0xF0000000, 0, 0, 0, "bad NOTIFY"},
    {LHCALL_SHUTDOWN, 0xFFFFFF00, 1, 0, 0, "bad read address"},
};

static void bad_hypercalls(void **st)
{
    (void)st;
    for (unsigned i = 0; i < sizeof offences / sizeof offences[0]; i++) {
        const struct offence *o = &offences[i];
        struct guest *g = guest_new();
        init(g);
        call(g, o->n, o->a1, o->a2, o->a3, o->a4);
        dies(g, "lguest", o->why);
    }
}

static void before_init(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    call(g, LHCALL_HALT, 0, 0, 0, 0);
    dies(g, "lguest", "hypercall 10 before LGUEST_INIT");
    g = guest_new();
    call(g, LHCALL_LGUEST_INIT, 0x7FFFFFFF, 0, 0, 0);
    dies(g, "lguest", "bad read address");
    g = guest_new();
    g->data->syscall_vec = 0x20;
    init(g);
    dies(g, "lguest", "bad syscall vector");
    g = guest_new();
    g->data->kernel_address = 0xFFF00000;
    init(g);
    dies(g, "lguest", "bad kernel address");
}

static void async_ring(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    init(g);
    g->data->hcalls[0].arg[0] = 77;
    store(g, DATA + LGUEST_DATA_hcall_status, 0xFFFFFF00); /* slot 0 waits */
    call(g, LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
    dies(g, "lguest", "bad hypercall 77");
    /* All slots wait: one round, each slot free again, then the call itself. */
    g = guest_new();
    for (uint32_t i = 0; i < LHCALL_RING_SIZE; i += 4)
        store(g, DATA + LGUEST_DATA_hcall_status + i, 0);
    init(g);
    call(g, LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
    power_off(g);
    run(g, "lguest");
    assert_int_equal(g->m->domain->end.kind, END_POWEROFF);
    uint8_t status[LHCALL_RING_SIZE];
    assert_true(
        mem_read(g->m->domain->mem, MADDR(DATA + LGUEST_DATA_hcall_status), status, sizeof status));
    for (unsigned i = 0; i < LHCALL_RING_SIZE; i++)
        assert_int_equal(status[i], LHCALL_RING_FREE);
    guest_free(g);
}

/* ---- page tables ---- */

enum { ROOT = BASE + 0x2000 };

/* The guest's own tables, in a page of the image: a root whose entries are all `top`. */
static void own_root(struct guest *g, uint64_t top)
{
    uint64_t *root = (uint64_t *)((uint8_t *)g->data + (ROOT - DATA));
    for (unsigned i = 0; i < 4; i++)
        memcpy(&root[i], &top, sizeof top);
    init(g);
    call(g, LHCALL_NEW_PGTABLE, ROOT, 0, 0, 0);
}

static void bad_tables(void **st)
{
    static const struct {
        uint64_t top;
        const char *why;
    } table[] = {
        {0x7FFFF001, "bad page directory entry"},         /* outside RAM */
        {0xFFFFFFFFFFFFF001, "bad page directory entry"}, /* reserved bits */
        {ROOT | 0x67, "bad page directory entry"},        /* rights where there are none */
        {0, "unhandled trap 14"},                         /* the kernel has unmapped itself */
        /* The root is its own directory: its entries lead to itself as a table too. Entry 0 of that
           maps the root at 0; the kernel is not there, so it faults for ever in no handler. */
        {ROOT | 1, "unhandled trap 14"},
    };
    (void)st;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct guest *g = guest_new();
        own_root(g, table[i].top);
        dies(g, "lguest", table[i].why);
    }
}

static void set_pte_to_nowhere(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    init(g);
    call(g, LHCALL_SET_PTE, 0, 0xC0100000, 0x7FFFF063, 0);
    dies(g, "lguest", "bad page table entry");
    g = guest_new();
    init(g);
    call(g, LHCALL_SET_PTE, 0, 0xC0100000, 0x1E3, 0); /* a large page */
    dies(g, "lguest", "bad page table entry");
    /* The switcher's own page is nobody's to change, nor to touch. */
    g = guest_new();
    init(g);
    call(g, LHCALL_SET_PTE, 0, 0xFFE01000, 0x100063, 0);
    store(g, 0xFFE01000 + 80, 0);
    dies(g, "lguest", "switcher");
}

/* ---- traps ---- */

static void gates_into_nowhere(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    init(g);
    call(g, LHCALL_LOAD_IDT_ENTRY, X86_DE, 0xF0000000, 0x8F00, 0);
    put(g, "\x31\xDB\xF7\xF3", 4); /* xor ebx, ebx; div ebx: ESP is 0, no stack */
    dies(g, "lguest", "bad stack address");
    g = guest_new();
    init(g);
    put(g, "\xF7\x35", 2); /* div dword [zero] */
    put32(g, ROOT);
    dies(g, "lguest", "unhandled trap 0");
    /* Without its code segment no handler can be entered. */
    g = guest_new();
    init(g);
    call(g, LHCALL_LOAD_IDT_ENTRY, X86_DE, 0x00100000, 0x00108E00, 0);
    call(g, LHCALL_LOAD_GDT_ENTRY, LGUEST_GDT_ENTRY_CS, 0, 0, 0);
    put(g, "\x31\xDB\xF7\xF3", 4);
    dies(g, "lguest", "no code segment of ring 1");
}

/* ---- virtqueues ---- */

enum { RAM = 12 << 20, OUT_RING = RAM + PAGE_SIZE * 4 };

static void bad_queues(void **st)
{
    static const struct {
        uint32_t addr, len, flags_next; /* of descriptor 0 */
        uint32_t head, idx;
        const char *why;
    } queue[] = {
        {BASE, 4, LGUEST_VRING_DESC_NEXT, 0, 1, "looped descriptors"},
        {BASE, 4, LGUEST_VRING_DESC_NEXT | 300 << 16, 0, 1, "descriptor 300"},
        {BASE, 4, 0, 0xFFFF, 1, "descriptor 65535"},
        {0xFFFFF000, 0x1001, 0, 0, 1, "outside of memory"},
        {BASE, 4, LGUEST_VRING_DESC_INDIRECT, 0, 1, "indirect"},
        {BASE, 4, 0, 0, 257, "257 buffers"},
    };
    (void)st;
    for (unsigned i = 0; i < sizeof queue / sizeof queue[0]; i++) {
        /* 3.2 begins with virtual = physical, so that the device page is in reach. */
        struct guest *g = guest_new();
        struct lguest_data_3_2 *data = (struct lguest_data_3_2 *)g->data;
        data->kernel_address = 0xC0000000;
        data->syscall_vec = 0x80;
        init(g);
        store(g, OUT_RING, queue[i].addr);
        store(g, OUT_RING + 8, queue[i].len);
        store(g, OUT_RING + 12, queue[i].flags_next);
        store(g, OUT_RING + LGUEST_VRING_AVAIL_AT(256), queue[i].idx << 16);
        store(g, OUT_RING + LGUEST_VRING_AVAIL_AT(256) + 4, queue[i].head);
        call(g, LHCALL_NOTIFY, OUT_RING, 0, 0, 0);
        dies(g, "lguest:3.2", queue[i].why);
    }
}

/* ---- and what is right ---- */

static void vmcall_is_rewritten(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    const uint8_t *start = g->code;
    put8(g, 0xB8);
    put32(g, LHCALL_LGUEST_INIT);
    put8(g, 0xBB);
    put32(g, DATA);
    uint32_t at = BASE + (uint32_t)(g->code - start);
    put(g, "\x0F\x01\xC1", 3);
    power_off(g);
    run(g, "lguest:2.6.31");
    uint8_t now[3];
    assert_int_equal(g->m->domain->end.kind, END_POWEROFF);
    assert_true(mem_read(g->m->domain->mem, MADDR(at), now, 3));
    assert_memory_equal(now, "\xCD\x1F\x90", 3);
    /* What the hypervisor had to say. */
    struct lguest_data data;
    assert_true(mem_read(g->m->domain->mem, MADDR(DATA), &data, sizeof data));
    assert_int_equal(data.tsc_khz, 1000000);
    assert_int_equal(data.reserve_mem, 0x400000);
    assert_int_not_equal(data.pgdir, 0);
    guest_free(g);
    /* 3.2 has forgotten that instruction. */
    g = guest_new();
    put(g, "\x0F\x01\xC1", 3);
    dies(g, "lguest:3.2", "run it with --hv lguest:2.6.31");
}

/* The first tables of 2.6.31 show memory where the kernel says it is, in either format. */
static void other_page_offsets(void **st)
{
    static const struct {
        uint32_t offset, root_word; /* of the root, which then leads to the first table there */
    } kernel[] = {
        {0xC0000000, 0xC00}, {0x80000000, 0x800}, {0xB0000000, 0xB00}, {0x40000000, 0x400}};
    (void)st;
    for (unsigned i = 0; i < sizeof kernel / sizeof kernel[0]; i++) {
        struct guest *g = guest_new();
        const uint8_t *start = g->code;
        struct lguest_data data;
        uint32_t entry;
        g->data->kernel_address = kernel[i].offset;
        init(g);
        put8(g, 0xB8); /* mov eax, the next but one instruction, high; jmp eax */
        put32(g, kernel[i].offset + BASE + (uint32_t)(g->code + 6 - start));
        put(g, "\xFF\xE0", 2);
        power_off(g);
        run(g, "lguest:2.6.31");
        if (g->m->domain->end.kind != END_POWEROFF)
            fail_msg("%x: %s", kernel[i].offset, g->m->domain->end.reason);
        assert_true(mem_read(g->m->domain->mem, MADDR(DATA), &data, sizeof data));
        assert_true(
            mem_read(g->m->domain->mem, MADDR(data.pgdir + kernel[i].root_word), &entry, 4));
        assert_int_equal(entry & 0xFFF, 7);
        guest_free(g);
    }
}

/* A kernel of another release dies of a reason that names it. */
static void other_releases(void **st)
{
    static const struct {
        uint32_t kernel_address; /* its offset in lguest_data */
        const char *spec, *why;
    } release[] = {
        {LGUEST_DATA_3_2_kernel_address, "lguest:2.6.31", "run it with --hv lguest:3.2"},
        {LGUEST_DATA_kernel_address, "lguest:3.2", "run it with --hv lguest:2.6.31"},
        {1380, "lguest:3.2", "4.1 to 4.13"},
        {1128, "lguest:2.6.31", "2.6.24 to 2.6.30"},
    };
    static const uint32_t pair[] = {0xC0000000, 0x80};
    (void)st;
    for (unsigned i = 0; i < sizeof release / sizeof release[0]; i++) {
        struct guest *g = guest_new();
        g->data->kernel_address = g->data->syscall_vec = 0;
        memcpy((uint8_t *)g->data + release[i].kernel_address, pair, sizeof pair);
        init(g);
        dies(g, release[i].spec, release[i].why);
    }
    /* Until 2.6.29 the address came in EDX. */
    struct guest *g = guest_new();
    g->data->kernel_address = g->data->syscall_vec = 0;
    memcpy((uint8_t *)g->data + 1128, pair, sizeof pair);
    call(g, LHCALL_LGUEST_INIT, 0, 0, DATA, 0);
    dies(g, "lguest", "2.6.24 to 2.6.30");
    /* And one that was never meant for lguest. */
    g = guest_new();
    put(g, "\x0F\x22\xD8", 3); /* mov cr3, eax */
    dies(g, "lguest:3.2", "CONFIG_LGUEST_GUEST");
}

static void a_panic_is_a_death(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    init(g);
    store(g, ROOT, 0x6B73694F); /* "Oisk" */
    store(g, ROOT + 4, 0);
    call(g, LHCALL_SHUTDOWN, ROOT, LGUEST_SHUTDOWN_POWEROFF, 0, 0);
    dies(g, "lguest", "kernel panic: Oisk");
}

/* The clock's interrupt while asleep: the handler powers off. Asleep without a clock: the end. */
static void clock_wakes(void **st)
{
    (void)st;
    struct guest *g = guest_new();
    uint32_t handler = BASE + 0x800;
    init(g);
    call(g, LHCALL_LOAD_IDT_ENTRY, 0x20, handler & 0xFFFF, (handler & 0xFFFF0000) | 0x8E00, 0);
    put8(g, 0xBC); /* mov esp, STACK */
    put32(g, STACK);
    store(g, DATA + LGUEST_DATA_blocked_interrupts, 0);
    call(g, LHCALL_SET_CLOCKEVENT, 100000, 0, 0, 0);
    call(g, LHCALL_HALT, 0, 0, 0, 0);
    g->code = g->bytes + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + 0x800;
    power_off(g);
    run(g, "lguest");
    assert_int_equal(g->m->domain->end.kind, END_POWEROFF);
    assert_int_equal(g->m->domain->state.irqs, 1);
    assert_true(machine_now(g->m) > 100000);
    guest_free(g);
    g = guest_new();
    init(g);
    call(g, LHCALL_HALT, 0, 0, 0, 0);
    dies(g, "lguest", "nothing can wake it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_hypercalls),     cmocka_unit_test(before_init),
        cmocka_unit_test(async_ring),         cmocka_unit_test(bad_tables),
        cmocka_unit_test(set_pte_to_nowhere), cmocka_unit_test(gates_into_nowhere),
        cmocka_unit_test(bad_queues),         cmocka_unit_test(vmcall_is_rewritten),
        cmocka_unit_test(clock_wakes),        cmocka_unit_test(other_page_offsets),
        cmocka_unit_test(other_releases),     cmocka_unit_test(a_panic_is_a_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
