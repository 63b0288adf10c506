/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening the engine: its memory, the holes in it, its hooks; and dropping translations.
 *
 * Settings that look arbitrary are cures for something measured:
 *   - a buffer of 32 MiB, flushed once before the first run: the default is 1 GiB and is zeroed at
 *     every flush, and without the early flush the first overflow runs wrong code;
 *   - exits enabled, with none set: the ordinary end address would be probed through the guest's
 *     page tables at every stop, and the probe's page fault overwrites CR2;
 *   - CPU model COREDUO: PAE, NX and SSE2 without long mode, so that a guest cannot switch to it;
 *   - no hook on memory but while somebody watches (watch.c): it makes loads and stores ten times
 *     slower, all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

#if defined(__SANITIZE_ADDRESS__) /* gcc's name for it */
#define LEAKS_ARE_LOOKED_FOR
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_LOOKED_FOR
#endif
#endif
#ifdef LEAKS_ARE_LOOKED_FOR
/* uc_mmio_map() forgets 32 bytes a region, whatever we do. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libunicorn\n";
}

/* And it need not be told at the end of every run: standard error is the guest's, too. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

#define SPACE_END (1ull << 40) /* what PAE page tables can name */

const char *cpu_engine_version(void)
{
    static char text[32]; /* the same text at every call */
    unsigned major, minor;
    uc_version(&major, &minor);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, uc_version(NULL, NULL) >> 8 & 255);
    return text;
}

/* ---- holes: read all ones, swallow writes, are counted ---- */

static void note_mmio(struct vcpu *c, uint64_t addr, unsigned size, bool write, uint64_t value)
{
    const struct slot *last = time_last(c);
    if (c->mmio_count < sizeof c->mmio / sizeof c->mmio[0]) {
        c->mmio[c->mmio_count].addr = addr;
        c->mmio[c->mmio_count].value = value;
        c->mmio[c->mmio_count].eip = last ? last->pc : env_eip(c);
        c->mmio[c->mmio_count].size = (uint8_t)size;
        c->mmio[c->mmio_count++].write = write;
    }
    c->mmio_pending = true;
    time_attention(c);
}

static uint64_t on_hole_read(uc_engine *uc, uint64_t offset, unsigned size, void *ctx)
{
    (void)uc;
    const struct hole *h = ctx;
    note_mmio(h->c, h->start + offset, size, false, ~0ull);
    return ~0ull;
}

static void on_hole_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *ctx)
{
    (void)uc;
    const struct hole *h = ctx;
    note_mmio(h->c, h->start + offset, size, true, value);
}

static bool map_hole(struct vcpu *c, unsigned i, uint64_t start, uint64_t end)
{
    c->hole[i] = (struct hole){c, start};
    return !uc_mmio_map(c->uc, start, end - start, on_hole_read, &c->hole[i], on_hole_write,
                        &c->hole[i]);
}

static bool map_memory(struct vcpu *c)
{
    uint8_t *base = mem_base(c->mem);
    uint64_t bytes = mem_bytes(c->mem);
    return !uc_mem_map_ptr(c->uc, 0, PC_HOLE_START, UC_PROT_ALL, base) &&
           !uc_mem_map_ptr(c->uc, PC_HOLE_END, bytes - PC_HOLE_END, UC_PROT_ALL,
                           base + PC_HOLE_END) &&
           map_hole(c, 0, PC_HOLE_START, PC_HOLE_END) && map_hole(c, 1, bytes, SPACE_END);
}

/* ---- dropping translations ---- */

void engine_flush_blocks(struct vcpu *c)
{
    uc_ctl_flush_tb(c->uc);
    c->buffer_lowest = UINTPTR_MAX;
    c->buffer_full = c->flush_blocks = false;
    c->next_site = 1;
    time_restart_slots(c);
}

/* The engine drops by virtual address; with paging off that is the physical one. And what it looks up
   in the guest's tables it marks as accessed there, which with paging off it does not. */
static uint32_t paging_off(struct vcpu *c)
{
    uint32_t cr0 = env_get(c, c->at.cr), off = cr0 & ~(uint32_t)CR0_PG;
    uc_reg_write(c->uc, UC_X86_REG_CR0, &off);
    return cr0;
}

static void paging_as_before(struct vcpu *c, uint32_t cr0)
{
    uc_reg_write(c->uc, UC_X86_REG_CR0, &cr0);
    uc_ctl_flush_tlb(c->uc);
}

void engine_drop_written_code(struct vcpu *c)
{
    uint64_t frame;
    uint32_t cr0 = paging_off(c);
    while (mem_take_code_write(c->mem, &frame))
        uc_ctl_remove_cache(c->uc, (uint64_t)(frame << PAGE_SHIFT),
                            (uint64_t)((frame << PAGE_SHIFT) + PAGE_SIZE));
    paging_as_before(c, cr0);
    c->code_written = false;
}

uint64_t engine_code_at(struct vcpu *c, uint32_t pc)
{
    struct x86_regs r;
    struct x86_walk w;
    regs_for_walk(c, &r);
    return x86_walk(&r, c->mem, GVA(pc), X86_FETCH, false, false, &w) ? w.addr.v : NOWHERE;
}

void engine_drop_blocks(struct vcpu *c, const uint64_t *at, unsigned n)
{
    uint32_t cr0 = paging_off(c);
    for (unsigned i = 0; i < n; i++)
        if (at[i] != NOWHERE)
            uc_ctl_remove_cache(c->uc, (uint64_t)at[i], (uint64_t)at[i] + 1);
    paging_as_before(c, cr0);
}

void engine_set_exit(struct vcpu *c, const uint64_t *at)
{
    uint64_t none = 0, one = at ? *at : 0;
    uc_ctl_set_exits(c->uc, at ? &one : &none, (size_t)(at != NULL));
}

void engine_drop_block(struct vcpu *c, uint32_t pc)
{
    if (c->where == OUTSIDE) {
        /* The guest may never come here, or not yet: nothing of its tables may be touched. */
        engine_drop_blocks(c, &(uint64_t){engine_code_at(c, pc)}, 1);
        return;
    }
    uc_ctl_remove_cache(c->uc, (uint64_t)pc, (uint64_t)pc + 1);
    /* Where the address is not mapped the engine has now noted a page fault. Nobody has seen it. */
    env_put(c, c->at.old_exception, ~0u);
    env_put_reg(c, c->at.cr + 16, c->cr2);
}

/* ---- opening ---- */

static void on_code_write(void *ctx)
{
    struct vcpu *c = ctx;
    c->code_written = true;
    time_attention(c);
}

/*
 * A stepping stone to the block hook. The engine's generated code calls it, from as many places as
 * there are translations. Our function lies too far from its buffer for direct calls, so each of
 * these would be an indirect one, and a large guest has more of them than the host's branch predictor
 * remembers. The stone lies near the buffer (both come from mmap), so the calls become direct; and as
 * the hook's usual way is eight instructions, they stand there themselves. They say what
 * time_on_block() says, which is where they go when a block entry needs a closer look:
 *
 *     mov  (%rcx),%eax        the slot's cost
 *     mov  $hot,%rdx
 *     mov  (%rdx),%rdi        left
 *     sub  %rax,%rdi
 *     js   slowly
 *     mov  %rdi,(%rdx)
 *     mov  %rcx,8(%rdx)       last
 *     ret
 * slowly:
 *     jmp  *target
 */
struct stone {
    uint8_t load_cost[2], load_hot[2], hot[8], count[3 + 3 + 2], store[3 + 4], ret;
    uint8_t jump[6], target[8]; /* jmp *0(%rip) */
};
_Static_assert(offsetof(struct hot, left) == 0 && offsetof(struct hot, last) == 8 &&
                   offsetof(struct slot, cost) == 0,
               "the stone's offsets");

static bool lay_stone(struct vcpu *c)
{
    struct hot *hot = &c->arena->hot;
    void (*target)(uc_engine *, uint64_t, uint32_t, void *) = time_on_block;
    struct stone stone = {
        .load_cost = {0x8b, 0x01},
        .load_hot = {0x48, 0xba},
        .count = {0x48, 0x8b, 0x3a, 0x48, 0x29, 0xc7, 0x78, 0x08},
        .store = {0x48, 0x89, 0x3a, 0x48, 0x89, 0x4a, 0x08},
        .ret = 0xc3,
        .jump = {0xff, 0x25},
    };
    memcpy(stone.hot, &hot, sizeof hot);
    memcpy(stone.target, &target, sizeof target);
    void *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    c->stone = memcpy(page, &stone, sizeof stone);
    return !mprotect(page, PAGE_SIZE, PROT_READ | PROT_EXEC);
}

static bool add_hooks(struct vcpu *c)
{
    uc_hook h;
#ifdef __x86_64__
    void *on_block = c->stone;
#else /* the stone is written in this host's machine code; elsewhere the hook does without */
    void *on_block = (void *)time_on_block;
#endif
    return !uc_hook_add(c->uc, &h, UC_HOOK_INTR, (void *)exits_on_intr, c, 1, 0) &&
           !uc_hook_add(c->uc, &h, UC_HOOK_INSN_INVALID, (void *)exits_on_invalid, c, 1, 0) &&
           !uc_hook_add(c->uc, &h, UC_HOOK_EDGE_GENERATED, (void *)time_on_edge, c, 1, 0) &&
           !uc_hook_add(c->uc, &c->block_hook, UC_HOOK_BLOCK, on_block, c, 1, 0) &&
           !uc_hook_add(c->uc, &c->code_hook, UC_HOOK_CODE, (void *)sites_on_code, c, NOWHERE,
                        NOWHERE);
}

/* EDGE hooks are silent until one block has returned normally: run `jmp $+2; hlt` once, before our
   own hooks exist, in a page that gets its bytes back. The flush of the buffer follows. */
static bool first_run(struct vcpu *c)
{
    static const uint8_t code[] = {0xeb, 0, 0xf4};
    uint8_t before[sizeof code];
    uint8_t *p = mem_base(c->mem) + PAGE_SIZE;
    memcpy(before, p, sizeof code);
    memcpy(p, code, sizeof code);
    uc_err e = uc_emu_start(c->uc, PAGE_SIZE, 0, 0, 0);
    memcpy(p, before, sizeof code);
    return !e && env_eip(c) == PAGE_SIZE + sizeof code;
}

/* Which bit of hflags is CR0.TS? */
static bool find_ts(struct vcpu *c)
{
    uint32_t cr0 = env_get(c, c->at.cr), with = cr0 ^ CR0_TS, before = env_get(c, c->at.hflags);
    uc_reg_write(c->uc, UC_X86_REG_CR0, &with);
    c->hf_ts = env_get(c, c->at.hflags) ^ before;
    uc_reg_write(c->uc, UC_X86_REG_CR0, &cr0);
    return c->hf_ts && !(c->hf_ts & (c->hf_ts - 1)) && env_get(c, c->at.hflags) == before;
}

static struct arena *arena_new(void)
{
    uint8_t *p = mmap(NULL, 2 * ARENA_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    uint8_t *start = (uint8_t *)(((uintptr_t)p + ARENA_BYTES - 1) & ~(uintptr_t)(ARENA_BYTES - 1));
    if (start != p)
        munmap(p, (size_t)(start - p));
    if (start + ARENA_BYTES != p + 2 * ARENA_BYTES)
        munmap(start + ARENA_BYTES, (size_t)(p + ARENA_BYTES - start));
    /* Every block entry reads its slot, and they are all over the place: spare the host's TLB. A host
       that has no large pages to give loses nothing. */
    madvise(start, ARENA_BYTES, MADV_HUGEPAGE);
    return (struct arena *)start;
}

/* The engine's last words, should it fall over: see guard.h. */
static void describe(void *ctx, char *to, unsigned size)
{
    const struct vcpu *c = ctx;
    const struct slot *last = time_last(c);
    snprintf(to, size, "in the guest's block at %#x (eip %#x) at cycle %llu", last ? last->pc : 0,
             env_eip(c), (unsigned long long)cpu_now(c));
}

static bool open_engine(struct vcpu *c, struct err *err)
{
    if (!layout_calibrate(&c->at, err))
        return false;
    if (uc_open(UC_ARCH_X86, UC_MODE_32, &c->uc) ||
        uc_ctl_set_tcg_buffer_size(c->uc, BUFFER_BYTES) ||
        uc_ctl_set_cpu_model(c->uc, UC_CPU_X86_COREDUO) || uc_ctl_exits_enable(c->uc))
        return err_set(err, ERR_ENGINE, "the CPU engine could not be opened");
    if (!map_memory(c))
        return err_set(err, ERR_ENGINE, "the CPU engine refuses the machine's memory");
    if (!(c->env = layout_find_env(c->uc, err)))
        return false;
    if (!first_run(c) || !find_ts(c) || !lay_stone(c) || !add_hooks(c))
        return err_set(err, ERR_ENGINE, "the CPU engine does not start");
    return true;
}

/* As a multiboot loader leaves the machine: protected mode, flat segments, everything else off. */
static void initial_state(struct vcpu *c)
{
    struct cpu_state s = {.dr[6] = 0xffff0ff0, .dr[7] = 0x400, .msr_pat = 0x0007040600070406ull};
    s.msr_misc = 1; /* fast string operations, as firmware leaves them: Linux looks */
    for (unsigned i = 0; i < S_COUNT; i++)
        s.regs.seg[i] = (struct x86_seg){0x10, 0, 0xffffffff, 0x00c09300};
    s.regs.seg[S_CS] = (struct x86_seg){0x08, 0, 0xffffffff, 0x00c09b00};
    s.regs.ldt = (struct x86_seg){0, 0, 0xffff, 0x8200};
    s.regs.tr = (struct x86_seg){0, 0, 0xffff, 0x8b00};
    s.regs.gdt.limit = s.regs.idt.limit = 0xffff;
    s.regs.cr0 = CR0_PE | 0x10; /* ET: there is a 387 */
    s.regs.eflags = 2;
    cpu_state_reset_fpu(&s);
    cpu_state_set(c, &s);
}

struct vcpu *cpu_new(struct mem *m, const struct cpu_host *host, struct err *err)
{
    struct vcpu *c = calloc(1, sizeof *c);
    if (c) {
        c->arena = arena_new();
        c->site = malloc(SITES * sizeof *c->site);
    }
    if (!c || !c->arena || !c->site) {
        err_set(err, ERR_SYSTEM, "no memory for a virtual CPU");
        cpu_free(c);
        return NULL;
    }
    c->mem = m;
    c->host = *host;
    c->arena->hot.c = c;
    c->settled = true;
    c->next_site = 1;
    c->idle_lo = c->idle_hi = NOWHERE;
    c->passed_count = UINT64_MAX;
    c->report = (struct guard_engine){describe, c};
    if (!open_engine(c, err)) {
        cpu_free(c);
        return NULL;
    }
    engine_flush_blocks(c);
    mem_on_code_write(m, on_code_write, c);
    initial_state(c);
    return c;
}

void cpu_free(struct vcpu *c)
{
    if (!c)
        return;
    watch_free(c);
    if (c->uc) {
        mem_on_code_write(c->mem, NULL, NULL);
        uc_close(c->uc);
    }
    if (c->stone)
        munmap(c->stone, PAGE_SIZE);
    if (c->arena)
        munmap(c->arena, ARENA_BYTES);
    free(c->site);
    free(c->mark);
    free(c);
}
