// SPDX-License-Identifier: GPL-2.0-only
/*
 * paging-pae: three-level page tables as the hardware reads them
 *
 * Background: SDM volume 3A, chapter 4. 64-bit entries, four directories of 1 GiB, no-execute, 2 MiB
 *   pages. Rights are the weakest of all levels; ring 0 respects a missing W only under CR0.WP.
 * What it does: for every combination of rights, rings and accesses compares what happens with what
 *   the manual says, error code included; accessed and dirty bits; reserved bits; large and global
 *   pages; INVLPG; two address spaces; a write over a page boundary into a page that refuses it.
 *   Under lguest the hardware walks shadows of these tables, and all this must look the same, but for
 *   what a guest of lguest has not: no-execute, large and global pages. (Reserved bits and frames that
 *   do not exist end it; dying looks at that.)
 * How it could be fooled: a TLB may keep an old translation as long as nobody flushes it, so every
 *   change here is followed by the flush that the manual asks for, and only changes that need none
 *   (not present to present) are made without.
 */
#include "paging.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "paging-pae";

#define VA 0x80000000u

/* The manual's word for a reserved bit is "present, and ..."; QEMU leaves P out. */
#define RESERVED (PF_RSVD | (on_ringside() ? PF_P : 0u))

static uint64_t *root;
static uint32_t frame;

static void set(uint64_t entry)
{
    pae_set(root, VA, entry);
}

/* ---- rights ---- */

enum { READ, WRITE, FETCH };

/* One access to VA; what it raised, -1 for nothing. CR2 must be VA. */
static uint32_t attempt(uint32_t how)
{
    struct fault f;

    if (how == READ)
        f = TRY("movl (%0), %%ecx", "r"(VA), "c"(0));
    else if (how == WRITE)
        f = TRY("movl %%ecx, (%0)", "r"(VA), "c"(0xC3C3C3C3)); /* RET, for the fetch */
    else {
        /* CALL pushes its return address; when the fetch faults, EIP is VA itself. */
        fault_take();
        asm volatile("call *%0" : : "r"(VA) : "memory", "ecx");
        f = fault_take();
    }
    if (!f.happened)
        return (uint32_t)-1;
    if (f.vector != X86_PF || f.cr2 != VA)
        test_failure("vector %u at %08x, cr2 %08x", f.vector, f.eip, f.cr2);
    return f.error;
}

/* A faulting fetch at VA is mended by returning from the call. */
static void on_fault(struct regs *r)
{
    if (r->eip != VA) { /* data: the exception table's business */
        trap_handle(X86_PF, NULL);
        void trap(struct regs *);
        trap(r);
        trap_handle(X86_PF, on_fault);
        return;
    }
    last_fault.happened = true;
    last_fault.vector = X86_PF;
    last_fault.error = r->error;
    last_fault.cr2 = env->fault_address();
    bool user = (r->cs & 3) == 3;
    uint32_t *stack = user ? (uint32_t *)r->esp : &r->esp;
    r->eip = stack[0];
    if (user)
        r->esp +=
            4; /* without a change of rings the return address stays: see the caller's frame */
}

static uint32_t expected(unsigned top, unsigned leaf, bool nx, bool wp, bool user, unsigned how)
{
    unsigned rights = top & leaf;
    uint32_t why = (user ? PF_U : 0) | (how == WRITE ? PF_W : 0) | (how == FETCH ? PF_I : 0);

    if (!(rights & PTE_P))
        return why;
    if ((user && !(rights & PTE_U)) || (how == FETCH && nx) ||
        (how == WRITE && !(rights & PTE_W) && (user || wp)))
        return why | PF_P;
    return (uint32_t)-1;
}

/* CR0.WP; who is not ring 0 has it always. */
static void protect(bool on)
{
    if (env->ring == 0)
        write_cr0((read_cr0() & ~(uint32_t)CR0_WP) | (on ? CR0_WP : 0));
}

static void rights(void)
{
    uint64_t *middle = pae_middle(root, VA);

    pae_entry(root, VA);
    uint64_t table = *middle & ~7ull;
    for (unsigned wp = env->nx ? 0 : 1; wp < 2; wp++) {
        protect(wp);
        for (unsigned i = 0; i < 8 * 8 * 2 * 2 * 2; i++) {
            unsigned leaf = i & 7, top = i >> 3 & 7, how = i >> 6 & 1 ? WRITE : READ;
            bool nx = env->nx && i >> 7 & 1, user = i >> 8 & 1;
            *middle = table | top;
            tables_changed();
            *(uint64_t *)((uint32_t)table + (VA >> 12 & 511) * 8) =
                frame | leaf | (nx ? PTE_NX : 0);
            pae_flush(root, VA);
            uint32_t is = user ? user_call(attempt, how, 0) : attempt(how);
            uint32_t should = expected(top, leaf, nx, wp, user, how);
            if (is != should) {
                test_failure("%s by ring %u, directory %x, page %x, wp %u: error %x, should be %x",
                             how == WRITE ? "write" : "read", user ? 3 : env->ring, top, leaf, wp,
                             is, should);
                return;
            }
        }
    }
    *middle = table | PTE_P | PTE_W | PTE_U;
    tables_changed();
    protect(false);
}

/* Where no page can be kept from being executed, a fetch is a read. */
static void execution_without_nx(void)
{
    trap_handle(X86_PF, on_fault);
    memset((void *)frame, 0xC3, 16); /* RET */
    set(frame | PTE_U);
    check_eq(user_call(attempt, FETCH, 0), PF_U);
    set(frame | PTE_P);
    check_eq(user_call(attempt, FETCH, 0), PF_P | PF_U);
    set(frame | PTE_P | PTE_U);
    check_eq(user_call(attempt, FETCH, 0), (uint32_t)-1);
    trap_handle(X86_PF, NULL);
}

static void execution(void)
{
    /* At ring 3, where the frame of a fault has the stack pointer in it. */
    trap_handle(X86_PF, on_fault);
    memset((void *)frame, 0xC3, 16); /* RET */
    for (unsigned i = 0; i < 4; i++) {
        bool nx = i & 1, present = i & 2;
        set(frame | (present ? PTE_P : 0) | PTE_U | (nx ? PTE_NX : 0));
        check_eq(user_call(attempt, FETCH, 0),
                 expected(7, PTE_U | (present ? PTE_P : 0), nx, false, true, FETCH));
    }
    set(frame | PTE_P); /* supervisor */
    check_eq(user_call(attempt, FETCH, 0), PF_P | PF_U | PF_I);
    *pae_middle(root, VA) |= PTE_NX; /* one level's NX is enough */
    set(frame | PTE_P | PTE_U);
    check_eq(user_call(attempt, FETCH, 0), PF_P | PF_U | PF_I);
    *pae_middle(root, VA) &= ~PTE_NX;
    set(frame | PTE_P | PTE_U);
    check_eq(user_call(attempt, FETCH, 0), (uint32_t)-1);

    /* Without NXE the bit is reserved, and fetches are not told from reads. */
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_NXE);
    set(frame | PTE_P | PTE_U | PTE_NX);
    check_eq(user_call(attempt, READ, 0), PF_U | RESERVED);
    set(frame | PTE_U);
    check_eq(user_call(attempt, FETCH, 0), PF_U);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    trap_handle(X86_PF, NULL);
}

/* ---- bits that the hardware sets ---- */

static void accessed_and_dirty(void)
{
    volatile uint32_t *at = (uint32_t *)VA;
    uint64_t *entry = pae_entry(root, VA), *middle = pae_middle(root, VA);

    *middle &= ~(uint64_t)PTE_A;
    tables_changed();
    set(frame | PTE_P | PTE_W);
    check(!(*entry & (PTE_A | PTE_D)));
    (void)*at;
    check_eq(*entry & (PTE_A | PTE_D), PTE_A);
    check(!(*middle & PTE_A) == on_lguest(), /* which looks after the last level alone */
          "a directory entry is %x", (uint32_t)*middle);
    *at = 1;
    check_eq(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
    set(frame | PTE_P | PTE_W);
    *at = 2; /* straight to dirty */
    check_eq(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);

    /* Clean again after reads: a later write must set D again. */
    set(frame | PTE_P | PTE_W | PTE_A);
    (void)*at;
    check(!(*entry & PTE_D), "a read makes a page dirty");
    *at = 3;
    check(*entry & PTE_D, "a write after a read does not make a page dirty");

    /* A refused write sets nothing. */
    protect(true);
    set(frame | PTE_P);
    check_eq(attempt(WRITE), PF_P | PF_W);
    check(!(*entry & PTE_D), "a refused write makes a page dirty");
    protect(false);
}

static void reserved_bits(void)
{
    static const unsigned bits[] = {52, 55, 62};

    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        set(frame | PTE_P | PTE_W | 1ull << bits[i]);
        check_eq(attempt(READ), RESERVED);
        check_eq(attempt(WRITE), PF_W | RESERVED);
        set(frame | 1ull << bits[i]); /* not present: nothing is reserved */
        check_eq(attempt(READ), 0);
    }
}

/* ---- sizes, spaces, edges ---- */

static void large_pages(void)
{
    uint64_t *middle = pae_middle(root, VA), old = *middle;
    volatile uint32_t *at = (uint32_t *)(VA + 0x12344);
    uint32_t low = *(volatile uint32_t *)0x212344;

    *middle = 0x200000 | PTE_P | PTE_W | PTE_U | PTE_PS; /* 2 MiB */
    tables_changed();
    check_eq(*at, low);
    check(*middle & PTE_A && !(*middle & PTE_D));
    *at = low ^ 0xFFFF;
    check_eq(*(volatile uint32_t *)0x212344, low ^ 0xFFFF);
    check(*middle & PTE_D, "a large page stays clean");
    *at = low;
    *middle = 0x200000 | 1 << 13 | PTE_P | PTE_PS; /* bits 13-20 are reserved in it */
    tables_changed();
    check_eq(attempt(READ), RESERVED);
    *middle = old;
    tables_changed();
}

static void global_pages(uint64_t *other)
{
    volatile uint32_t *at = (uint32_t *)VA;

    /* A global page survives the change, until INVLPG or a change of CR4.PGE. */
    write_cr4(read_cr4() | CR4_PGE);
    set(frame | PTE_P | PTE_W | PTE_G);
    check_eq(*at, 1);
    write_cr4(read_cr4() & ~(uint32_t)CR4_PGE);
    write_cr3((uint32_t)other);
    check_eq(*at, 2);
    write_cr3((uint32_t)root);
}

static void two_spaces(void)
{
    uint64_t *other = pae_new();
    volatile uint32_t *at = (uint32_t *)VA;
    uint32_t second = (uint32_t)frame_new();

    *(uint32_t *)frame = 1;
    *(uint32_t *)second = 2;
    set(frame | PTE_P | PTE_W);
    *pae_entry(other, VA) = second | PTE_P | PTE_W;
    for (unsigned i = 0; i < 100; i++) {
        pae_on(i & 1 ? other : root);
        check_eq(*at, 1 + (i & 1));
    }
    pae_on(root);
    if (env->ring == 0)
        global_pages(other);

    /* A flush takes a changed entry into use; not present to present needs nothing at all. */
    check_eq(*at, 1);
    set(second | PTE_P | PTE_W);
    check_eq(*at, 2);
    set(0);
    check_eq(attempt(READ), 0);
    *pae_entry(root, VA) = frame | PTE_P | PTE_W;
    check_eq(*at, 1);
    /* A directory entry, too. */
    uint64_t *middle = pae_middle(root, VA), old = *middle;
    *middle = 0;
    tables_changed();
    check_eq(attempt(READ), 0);
    *middle = old;
    check_eq(*at, 1);
}

static void over_the_edge(void)
{
    uint8_t *bytes = (uint8_t *)frame;
    uint32_t at = VA + PAGE_SIZE - 2;

    protect(true);
    set(frame | PTE_P | PTE_W);
    pae_set(root, VA + PAGE_SIZE, (uint32_t)frame_new() | PTE_P); /* read-only */
    bytes[PAGE_SIZE - 2] = bytes[PAGE_SIZE - 1] = 0x55;
    struct fault f = TRY("movl %1, (%0)", "r"(at), "r"(0));
    check_page_fault(f, PF_P | PF_W, VA + PAGE_SIZE);
    check(bytes[PAGE_SIZE - 2] == 0x55 && bytes[PAGE_SIZE - 1] == 0x55,
          "half of a refused write was made");
    protect(false);
}

static void holes(void)
{
    /* A page where there is no memory: all ones, and writes go nowhere. */
    volatile uint32_t *at = (uint32_t *)VA;
    static const uint64_t where[] = {0xF0000000, 0xFFFFF000, 0x100000000, 0xFFFFFF000};

    for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
        set(where[i] | PTE_P | PTE_W);
        check_eq(*at, 0xFFFFFFFF);
        *at = 0x1234;
        check_eq(*at, 0xFFFFFFFF);
    }
}

/* More address spaces than a hypervisor remembers shadows of, and tables that become another's. */
static void many_spaces(void)
{
    enum { SPACES = 6 };
    static uint64_t *space[SPACES];
    volatile uint32_t *at = (uint32_t *)VA;
    uint32_t seed = 99;

    for (unsigned i = 0; i < SPACES; i++) {
        uint32_t *page = frame_new();
        *page = i;
        space[i] = pae_fork(root);
        *pae_entry(space[i], VA) = (uint32_t)page | PTE_P | PTE_W;
    }
    for (unsigned turn = 0; turn < 200; turn++) {
        seed = seed * 1664525 + 1013904223;
        unsigned i = (seed >> 16) % SPACES;
        pae_on(space[i]);
        check_eq(*at % SPACES, i);
        *at += SPACES;
    }
    pae_on(root);
}

void test_main(void)
{
    if (!(cpuid(1).edx & 1 << 6) || !(cpuid(0x80000001).edx & 1 << 20)) {
        test_skip("this CPU has no PAE or no no-execute");
        return;
    }
    root = pae_new();
    frame = (uint32_t)frame_new();
    if (env->nx)
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    pae_on(root);
    rights();
    if (env->nx)
        execution();
    else
        execution_without_nx();
    accessed_and_dirty();
    two_spaces();
    many_spaces();
    over_the_edge();
    if (env->ring)
        return;
    reserved_bits();
    large_pages();
    if (on_ringside())
        holes();
}
