/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An lguest guest that means no good, second part: page tables of its own making, that lead outside of
 * memory, into themselves and round in circles; and processes that try what only a kernel may. Here
 * most guests live: the tables are theirs to break, and the shadows must stay sound meanwhile.
 */
#include "hostile_unit.h"

#include "hv-models/lguest/lguest.h"

/* ---- the bench itself ---- */

/* A canary that nobody would miss proves nothing. */
static void the_bench_sees(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        struct hostile *h = hostile_new(lguests[v]);
        h_init(h);
        h_power_off(h);
        assert_true(hostile_load(h, HOSTILE_LIMIT));
        struct domain *other = hostile_neighbour(h)->domain;
        struct lguest *lg = lguest_of(other);
        uint8_t *byte = mem_span(other->mem, MADDR(H_RAM - 1), 1);
        *byte ^= 1;
        assert_false(hostile_neighbour_is_well(h));
        assert_non_null(strstr(h->broken, "its frame 0xfff was written"));
        *byte ^= 1;
        h->broken[0] = 0;
        lg->idt[255].hi ^= 1;
        assert_false(hostile_neighbour_is_well(h));
        assert_non_null(strstr(h->broken, "its state was written"));
        lg->idt[255].hi ^= 1;
        h->broken[0] = 0;
        assert_true(hostile_neighbour_is_well(h));
        /* And in the guest's own machine: an unused frame of the pool, a bad shadow entry. */
        lg = lguest_of(h->m->domain);
        uint32_t last = lg->shadow.pool + lg->shadow.pool_frames - 1;
        byte = mem_span(h->m->domain->mem, MADDR((uint64_t)last << PAGE_SHIFT), 1);
        *byte ^= 1;
        assert_false(hostile_run(h));
        assert_non_null(strstr(h->broken, "the pool: frame"));
        *byte ^= 1;
        h->broken[0] = 0;
        uint64_t *entry = mem_span(
            h->m->domain->mem, MADDR((uint64_t)lg->shadow.root[0].directory[2] << PAGE_SHIFT), 8);
        *entry = 0x1063;
        assert_false(hostile_run(h));
        assert_non_null(strstr(h->broken, "audit: shadow table of 80000000 is not from the pool"));
        hostile_free(h);
    }
}

/* ---- tables ---- */

enum { TOP = PTE_P, TABLE = PTE_P | PTE_W | PTE_U | PTE_A, PAGE = TABLE | PTE_D };

/* Good tables: the first two megabytes as they are, at 0 and at PAGE_OFFSET, and all the device pages
   behind RAM. For processes too. */
static void good_tables(struct hostile *h)
{
    h_poke64(h, H_ROOT, H_DIR | TOP);
    h_poke64(h, H_ROOT + 3 * 8, H_DIR | TOP);
    h_poke64(h, H_DIR, H_TABLE | TABLE);
    h_poke64(h, H_DIR + (H_LGUEST_RAM >> 21) * 8, H_TABLE2 | TABLE);
    for (uint32_t i = 0; i < 512; i++) {
        h_poke64(h, H_TABLE + i * 8, i << PAGE_SHIFT | PAGE);
        if (i < LGUEST_DEVICE_PAGES)
            h_poke64(h, H_TABLE2 + i * 8, (H_LGUEST_RAM + (i << PAGE_SHIFT)) | PAGE);
    }
}

static struct hostile *on_own_tables(const char *spec)
{
    struct hostile *h = hostile_new(spec);
    good_tables(h);
    h_init(h);
    h_call(h, LHCALL_NEW_PGTABLE, H_ROOT, 0, 0, 0);
    h_mov(h, R_ESP, H_STACK);
    return h;
}

/* A store by the guest, and a call that lets it count. */
static void set_entry(struct hostile *h, uint32_t at, uint64_t v)
{
    h_store(h, at + 4, (uint32_t)(v >> 32));
    h_store(h, at, (uint32_t)v);
    h_call(h, LHCALL_FLUSH_TLB, 1, 0, 0, 0);
}

static void entries_to_nowhere(void **st)
{
    static const struct {
        uint32_t at;
        uint64_t v;
        uint32_t touch; /* read here; 0: nothing */
        const char *why;
    } bad[] = {
        /* The top level: outside of memory, just outside, reserved bits, flags that it has not. */
        {H_ROOT, 0x7FFFF000 | TOP, 0, "bad page directory entry 0x7ffff001"},
        {H_ROOT, H_LGUEST_END | TOP, 0, "bad page directory entry 0xd00001"},
        {H_ROOT, 0x100000000 | H_DIR | TOP, 0, "bad page directory entry 0x100109001"},
        {H_ROOT, 1ull << 63 | H_DIR | TOP, 0, "bad page directory entry"},
        {H_ROOT, H_DIR | TABLE, 0, "bad page directory entry"},
        {H_ROOT, 0, 0, "unhandled trap 14"},
        {H_ROOT + 8, 0x000FFFFFFFFFF000 | TOP, 0x40000000, "bad page directory entry"},
        {H_ROOT + 8, (H_LGUEST_END - PAGE_SIZE) | TOP, 0x40000000, "unhandled trap 14"}, /* zeros */
        /* Directories. */
        {H_DIR + 8, 0x7FFFF000 | TABLE, 0x200000, "bad page middle directory entry"},
        {H_DIR + 8, H_LGUEST_END | TABLE, 0x200000, "bad page middle directory entry 0xd00027"},
        {H_DIR + 8, H_TABLE | TABLE | PTE_PS, 0x200000, "bad page middle directory entry"},
        {H_DIR + 8, 0xFFFFFFFFFFFFF000 | TABLE, 0x200000, "bad page middle directory entry"},
        {H_DIR + 8, (H_LGUEST_END - PAGE_SIZE) | TABLE, 0x3FFFFC, "unhandled trap 14"},
        {H_DIR + 511 * 8, H_TABLE | TABLE, 0xFFE00000, /* nobody looks at it */
         "attempt to access the switcher's pages at 0xffe00000"},
        /* Tables. */
        {H_TABLE + 8, H_LGUEST_END | PAGE, 0x1000, "bad page table entry 0xd00067 for 0x1000"},
        {H_TABLE + 8, 0x000FFFFFFFFFF000 | PAGE, 0x1000, "bad page table entry"},
        {H_TABLE + 8, 0x1000 | PAGE | PTE_PS, 0x1000, "bad page table entry"},
        {H_TABLE + 8, (H_LGUEST_END - PAGE_SIZE) | PAGE, 0x1FFC, NULL}, /* the very last */
        {H_TABLE + 8, PC_HOLE_START | PAGE, 0x1000, NULL},              /* memory, to an lguest */
        {H_TABLE + 8, 1ull << 63 | 0x1000 | PAGE, 0x1000, NULL}, /* NX is not understood: ignored */
        {H_TABLE + 8, 0, 0x1000, "unhandled trap 14"},
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(bad); i++) {
            char what[32];
            struct hostile *h = on_own_tables(lguests[v]);
            snprintf(what, sizeof what, "entry %u", i);
            set_entry(h, bad[i].at, bad[i].v);
            if (bad[i].touch) {
                h_asm(h, "\xA1"); /* mov eax, [touch] */
                h_word(h, bad[i].touch);
            }
            ends(h, what, bad[i].why);
        }
}

static void roots_at_the_edges(void **st)
{
    static const struct {
        uint32_t root;
        const char *why;
    } bad[] = {
        {H_LGUEST_END, "page tables at 0xd00000, outside of memory"},
        {0xFFFFFFE0, "page tables at 0xffffffe0, outside of memory"},
        {0xFFFFFFFF, "outside of memory"},
        {0x80000000, "outside of memory"},
        {H_LGUEST_END - 0x20, "unhandled trap 14"}, /* the last there can be; it is empty */
        {PC_HOLE_START, "unhandled trap 14"},
        {0, "unhandled trap 14"},
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        for (unsigned i = 0; i < COUNT(bad); i++) {
            struct hostile *h = hostile_new(lguests[v]);
            h_init(h);
            h_call(h, LHCALL_NEW_PGTABLE, bad[i].root, 0, 0, 0);
            dies(h, bad[i].why);
        }
        /* A root in the last bytes of RAM that works; low bits of its address do not count. */
        struct hostile *h = on_own_tables(lguests[v]);
        set_entry(h, H_TABLE + 16, (H_LGUEST_RAM - PAGE_SIZE) | PAGE);
        h_store(h, 0x2FE0, H_DIR | TOP);
        h_store(h, 0x2FE4, 0);
        h_call(h, LHCALL_NEW_PGTABLE, H_LGUEST_RAM - 1, 0, 0, 0);
        ends(h, "a root at the end of RAM", NULL);
    }
}

/*
 * One page is root, directory, table and data at once, and maps itself. Its entry 0 leads to itself at
 * each level; entries 256 and up map the code (at 1 MiB) while the page serves as the table.
 */
static void tables_that_are_their_own(struct hostile *h)
{
    h_poke64(h, H_ROOT, H_ROOT | TOP);
    for (uint32_t i = 256; i < 256 + H_IMAGE_BYTES / PAGE_SIZE; i++)
        h_poke64(h, H_ROOT + i * 8, i << PAGE_SHIFT | PAGE);
    h_init(h);
    h_call(h, LHCALL_NEW_PGTABLE, H_ROOT, 0, 0, 0);
    h_mov(h, R_ESP, H_STACK);
}

static void circles(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        struct hostile *h = hostile_new(lguests[v]);
        tables_that_are_their_own(h);
        /* Tell about every entry, right and wrong, round and round: mov edi, 20; loop: ... */
        h_mov(h, R_EDI, 20);
        uint32_t loop = h->pen;
        h_call(h, LHCALL_SET_PMD, H_ROOT, 0, 0, 0);
        h_call(h, LHCALL_SET_PGD, H_ROOT, 0, 0, 0);
        h_call(h, LHCALL_SET_PTE, H_ROOT, 0, H_ROOT | PAGE, 0);
        h_call(h, LHCALL_SET_PTE, H_ROOT, H_ROOT, H_ROOT | PAGE, 0);
        h_call(h, LHCALL_SET_PTE, H_ROOT, H_CODE, H_CODE | PAGE, 0);
        h_call(h, LHCALL_SET_PMD, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0);
        h_call(h, LHCALL_SET_PGD, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0);
        h_call(h, LHCALL_SET_PGD, H_ROOT, 4, 0, 0);
        h_call(h, LHCALL_SET_PTE, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0);
        h_call(h, LHCALL_SET_PTE, H_DIR, 0x1000, H_ROOT | PAGE, 0); /* tables nobody uses */
        h_call(h, LHCALL_NEW_PGTABLE, H_ROOT, 0, 0, 0);
        h_call(h, LHCALL_FLUSH_TLB, 0, 0, 0, 0);
        h_asm(h, "\x4F\x0F\x85"); /* dec edi; jnz loop */
        h_word(h, loop - (h->pen + 4));
        h_power_off(h);
        lives(h, "circles");
        assert_true(h->m->domain->state.exits[EXIT_SOFTINT] > 200);
        hostile_free(h);
        /* It reads the page through itself, and so its entry 0 is marked as accessed: which a page's
           entry may be, and a root's may not. */
        h = hostile_new(lguests[v]);
        tables_that_are_their_own(h);
        h_asm(h, "\xA1\x00\x00\x00\x00"); /* mov eax, [0] */
        h_call(h, LHCALL_FLUSH_TLB, 1, 0, 0, 0);
        dies(h, "bad page directory entry 0x108021");
        /* A directory that leads to its own directory as a table, and to the root. */
        h = on_own_tables(lguests[v]);
        set_entry(h, H_DIR + 8, H_DIR | TABLE);
        set_entry(h, H_DIR + 16, H_ROOT | TABLE);
        h_asm(h, "\xA1\x00\x10\x20\x00"); /* [0x201000]: entry 1 of the directory as a table */
        h_asm(h, "\xA1\x00\x00\x20\x00");
        h_asm(h, "\xA1\x00\x00\x40\x00"); /* [0x400000]: entry 0 of the root: the directory */
        ends(h, "a directory of itself", NULL);
    }
}

/* SET_PTE is believed before any fault: so it is checked like one. */
static void set_pte(void **st)
{
    static const struct {
        uint32_t root, va, lo, hi;
        const char *why;
    } pte[] = {
        {H_ROOT, 0x1000, H_LGUEST_END | PAGE, 0, "bad page table entry 0xd00067"},
        {H_ROOT, 0x1000, (H_LGUEST_END - PAGE_SIZE) | PAGE, 0, NULL},
        {H_ROOT, 0x1000, 0x1000 | PAGE, 1, "bad page table entry 0x100001067"},
        {H_ROOT, 0x1000, 0xFFFFF000 | PAGE, 0xFFFFF, "bad page table entry"},
        {H_ROOT, 0x1000, 0x1000 | PAGE | PTE_PS, 0, "bad page table entry"},
        {H_ROOT, 0x1000, 0x1000 | PAGE, 0x80000000, NULL},
        {H_ROOT, 0x1000, 0x7FFFF001, 0, NULL}, /* never used: looked at when it is */
        {H_ROOT, 0xFFFFFFFF, 0x1000 | PAGE, 0, NULL},
        {H_ROOT, 0xFFE01000, 0x1000 | PAGE, 0, NULL}, /* the switcher's own stays */
        {H_ROOT, H_CODE, 0, 0, NULL}, /* below the feet: filled again from the tables */
        {0xFFFFFFFF, 0xC0100000, 0x1000 | PAGE, 0, NULL},
        {0xFFFFFFFF, 0xC0100000, 0x7FFFF000 | PAGE, 0, "bad page table entry"},
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        for (unsigned i = 0; i < COUNT(pte); i++) {
            char what[32];
            struct hostile *h = on_own_tables(lguests[v]);
            snprintf(what, sizeof what, "pte %u", i);
            h_call(h, LHCALL_SET_PTE, pte[i].root, pte[i].va, pte[i].lo, pte[i].hi);
            ends(h, what, pte[i].why);
        }
        /* The kernel's stack for processes may vanish later; who then comes in finds none. */
        struct hostile *h = on_own_tables(lguests[v]);
        h_call(h, LHCALL_SET_STACK, LGUEST_KERNEL_DS, H_STACK, 1, 0);
        h_store(h, H_TABLE + ((H_STACK - 1) >> PAGE_SHIFT) * 8, 0);
        h_call(h, LHCALL_FLUSH_TLB, 1, 0, 0, 0);
        dies(h, "bad stack page 0x10dfff");
        /* A read-only one is none either. */
        h = on_own_tables(lguests[v]);
        h_store(h, H_TABLE + ((H_STACK - 1) >> PAGE_SHIFT) * 8,
                ((H_STACK - 1) & ~0xFFFu) | PTE_P | PTE_U);
        h_call(h, LHCALL_SET_STACK, LGUEST_KERNEL_DS, H_STACK, 1, 0);
        dies(h, "bad stack page 0x10dfff");
    }
}

/* More address spaces and more tables than there is room for: the pool is emptied and filled anew. */
static void more_than_the_pool_has(void **st)
{
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++) {
        struct hostile *h = on_own_tables(lguests[v]);
        /* All four directories are one, all its entries lead to one table: 4 GiB of the same. */
        for (uint32_t i = 1; i < 4; i++)
            h_poke64(h, H_ROOT + i * 8, H_DIR | TOP);
        for (uint32_t i = 1; i < 512; i++)
            if (i != H_LGUEST_RAM >> 21)
                h_poke64(h, H_DIR + i * 8, H_TABLE | TABLE);
        /* mov ecx, 0; loop: mov eax, [ecx]; add ecx, 2 MiB; cmp ecx, 0xffe00000; jne loop */
        h_mov(h, R_ECX, 0);
        uint32_t loop = h->pen;
        h_asm(h, "\x8B\x01\x81\xC1\x00\x00\x20\x00\x81\xF9\x00\x00\xE0\xFF\x0F\x85");
        h_word(h, loop - (h->pen + 4));
        h_power_off(h);
        lives(h, "all of linear memory");
        assert_true(lguest_of(h->m->domain)->shadow.recycled > 0);
        hostile_free(h);
        /* Nine roots in turn, of which four are remembered. */
        h = on_own_tables(lguests[v]);
        for (uint32_t i = 1; i < 9; i++)
            h_poke64(h, H_SCRATCH + i * 32, H_DIR | TOP);
        for (uint32_t i = 1; i < 40; i++)
            h_call(h, LHCALL_NEW_PGTABLE, H_SCRATCH + (i * 7 % 8 + 1) * 32, 0, 0, 0);
        ends(h, "many roots", NULL);
    }
}

/* ---- processes ---- */

enum {
    USER_CS = 14 * 8 + 3,
    USER_DS = 15 * 8 + 3,
    GOT_ERROR = H_SCRATCH,
    GOT_VECTOR = H_SCRATCH + 4
};

/* A kernel whose handlers say what they got and turn the machine off, and its one process. */
static struct hostile *process(const char *spec, uint16_t ss, const char *code, size_t n)
{
    static const uint8_t vectors[] = {X86_UD, X86_NP, X86_SS, X86_GP, X86_PF};
    struct hostile *h = on_own_tables(spec);
    uint32_t at = H_HANDLER;

    for (unsigned i = 0; i < COUNT(vectors); i++) {
        h_gate(h, vectors[i], at, 0xE, 0);
        uint32_t back = h->pen;
        h->pen = at;
        h_asm(h, "\x8F\x05"); /* pop [GOT_ERROR]: for #UD that is EIP */
        h_word(h, GOT_ERROR);
        h_store(h, GOT_VECTOR, vectors[i]);
        h_power_off(h);
        at = (h->pen + 63) & ~63u;
        h->pen = back;
    }
    h_call(h, LHCALL_LOAD_GDT_ENTRY, USER_CS / 8, 0xFFFF, 0x00CFFA00, 0);
    h_call(h, LHCALL_LOAD_GDT_ENTRY, USER_DS / 8, 0xFFFF, 0x00CFF200, 0);
    h_call(h, LHCALL_SET_STACK, ss, H_STACK, 2, 0);
    h_mov(h, R_EAX, USER_DS);
    h_asm(h, "\x8E\xD8\x8E\xC0"); /* mov ds, eax; mov es, eax */
    const uint32_t frame[] = {USER_DS, H_USER_STACK, 0x202, USER_CS, H_USER};
    for (unsigned i = 0; i < COUNT(frame); i++) {
        h_asm(h, "\x68");
        h_word(h, frame[i]);
    }
    h_asm(h, "\xCF"); /* iret */
    h->pen = H_USER;
    h_mov(h, R_EAX, LHCALL_SHUTDOWN);
    h_mov(h, R_EBX, H_SCRATCH);
    h_mov(h, R_ECX, LGUEST_SHUTDOWN_POWEROFF);
    h_bytes(h, code, n);
    h_asm(h, "\x0F\x0B"); /* whoever comes here got away with it */
    return h;
}

/* The guest's kernel gets a fault, as on real hardware, and the domain lives. */
static void processes_are_no_kernels(void **st)
{
    static const struct {
        const char *bytes;
        unsigned n, vector;
        uint32_t error;
    } try[] = {
#define TRY(text, vector, error) {text, sizeof(text) - 1, vector, error}
        TRY("\xCD\x1F", X86_GP, LGUEST_TRAP_ENTRY * 8 + 2), /* a hypercall */
        TRY("\xCD\x0D", X86_GP, 13 * 8 + 2),                /* the kernel's gates */
        TRY("\xCD\x80", X86_GP, 0x80 * 8 + 2),              /* a gate that is not there */
        TRY("\xCD\xFF", X86_GP, 0xFF * 8 + 2),
        TRY("\xFA", X86_GP, 0),
        TRY("\xFB", X86_GP, 0), /* cli, sti */
        TRY("\xF4", X86_GP, 0), /* hlt */
        TRY("\xE4\x60", X86_GP, 0),
        TRY("\xE6\xF4", X86_GP, 0), /* ports; the power's, too */
        TRY("\x6C", X86_GP, 0),
        TRY("\xF3\x6E", X86_GP, 0),     /* insb, rep outsb */
        TRY("\x0F\x22\xD8", X86_GP, 0), /* mov cr3 */
        TRY("\x0F\x32", X86_GP, 0),
        TRY("\x0F\x30", X86_GP, 0),                            /* rdmsr, wrmsr */
        TRY("\xB8\x61\x00\x00\x00\x8E\xD8", X86_GP, 0x60),     /* mov ds, the kernel's code */
        TRY("\xB8\x69\x00\x00\x00\x8E\xD8", X86_GP, 0x68),     /* mov ds, the kernel's data */
        TRY("\xB8\x69\x00\x00\x00\x8E\xD0", X86_GP, 0x68),     /* mov ss */
        TRY("\xEA\x00\x00\x10\x00\x61\x00", X86_GP, 0x60),     /* jump to ring 1 */
        TRY("\x9A\x00\x00\x10\x00\x60\x00", X86_GP, 0x60),     /* call it, RPL 0 */
        TRY("\x6A\x61\x68\x00\x00\x10\x00\xCB", X86_GP, 0x60), /* return to it */
        TRY("\xEA\x00\x00\x10\x00\x80\x00", X86_GP, 0x80),     /* jump to the TSS */
        TRY("\xA1\x00\x10\xE0\xFF", X86_PF, PF_U),             /* read the switcher's page */
        TRY("\xA3\x00\x10\xE0\xFF", X86_PF, PF_U | PF_W),
        TRY("\xA1\xFC\xFF\xFF\xFF", X86_PF, PF_U),               /* the end of linear memory */
        TRY("\xA1\x00\x00\x00\x70", X86_PF, PF_U),               /* nothing there */
        TRY("\xA3\x00\x80\x10\x00", X86_PF, PF_U | PF_W | PF_P), /* the kernel's own page */
        TRY("\xB8\x00\x00\xF0\xFF\xFF\xE0", X86_PF, PF_U),       /* jump behind the switcher */
#undef TRY
    };
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(try); i++) {
            char what[32];
            struct hostile *h = process(lguests[v], LGUEST_KERNEL_DS, try[i].bytes, try[i].n);
            snprintf(what, sizeof what, "process %u", i);
            h_poke64(h, H_TABLE + (H_ROOT >> PAGE_SHIFT) * 8, H_ROOT | (PAGE & ~PTE_U));
            lives(h, what);
            uint32_t vector = hostile_word(h, GOT_VECTOR), error = hostile_word(h, GOT_ERROR);
            if (vector != try[i].vector || error != try[i].error)
                fail_msg("%s, %s: trap %u (%#x); should be %u (%#x)", lguests[v], what, vector,
                         error, try[i].vector, try[i].error);
            hostile_free(h);
        }
}

/* SET_STACK takes any selector of ring 1; when a process comes in it must be a stack. */
static void stacks_for_processes(void **st)
{
    static const uint16_t selectors[] = {LGUEST_KERNEL_CS, 1, 0x51, 0x81, 0x109, 0xFFF9, 0x6D};
    (void)st;
    for (unsigned v = 0; v < LGUESTS; v++)
        for (unsigned i = 0; i < COUNT(selectors); i++) {
            char why[64];
            struct hostile *h = process(lguests[v], selectors[i], "\xF4", 1);
            snprintf(why, sizeof why, "selector %#x is no stack segment of ring 1", selectors[i]);
            dies(h, why);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bench_sees),
        cmocka_unit_test(entries_to_nowhere),
        cmocka_unit_test(roots_at_the_edges),
        cmocka_unit_test(circles),
        cmocka_unit_test(set_pte),
        cmocka_unit_test(more_than_the_pool_has),
        cmocka_unit_test(processes_are_no_kernels),
        cmocka_unit_test(stacks_for_processes),
    };
    return cmocka_run_group_tests_name("hostile-memory", tests, NULL, NULL);
}
