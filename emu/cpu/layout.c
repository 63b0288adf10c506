/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the engine keeps what its interface does not show.
 *
 * Delivering an exception means changing the privilege level, the hidden parts of segment registers
 * and a few flags of the engine's own, and Unicorn has no function for that. It does have all of
 * it in one struct, its CPU state. We never include its private headers, which belong to another
 * version tomorrow; we find the fields by experiment instead, as one finds the pins of an unmarked
 * chip: write a register through the interface, see which word changed; provoke a fault whose
 * error code we know, see which word holds it. An answer must be unique, or we refuse to start.
 *
 * The experiments run once in a process: they measure the library, not a machine.
 */
#include "internal.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    ENV_BYTES = 8192,    /* room for what we search: 5.5 KB here */
    CONTEXT_HEADER = 64, /* more than a saved context has before the CPU state */
    CPU_BYTES = 65536,   /* the CPU object that holds env */
    HOOK_BYTES = 96,     /* a hook object is at least this long as malloc rounds it */
    RAM_BYTES = 65536,
    AT_GDT = 0x100,
    AT_DATA = 0x200,
    AT_CODE = 0x1000,
    AT_STACK = 0x8000,
    ODD_LDT_BASE = 0x5aa50c30,
};

/* ---- finding the CPU state ---- */

static bool peek(uintptr_t at, void *to, size_t n)
{
    struct iovec here = {to, n}, there = {(void *)at, n};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)n;
}

static const int gpr_id[8] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
                              UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI};

/*
 * Eight numbers go into the general registers through the interface, and we look for them in what
 * the engine's main object points to. process_vm_readv() refuses bad pointers instead of faulting.
 */
uint8_t *layout_find_env(uc_engine *uc, struct err *err)
{
    uint64_t *copy = malloc(CPU_BYTES);
    uint8_t *place[16], *found = NULL;
    unsigned places = 0, live = 0;
    if (!copy) {
        err_set(err, ERR_SYSTEM, "no memory");
        return NULL;
    }
    for (unsigned i = 0; i < 8; i++) {
        uint32_t v = 0x51de0000u + i * 0x0101u;
        uc_reg_write(uc, gpr_id[i], &v);
    }
    for (size_t o = 0; o + 8 <= malloc_usable_size(uc); o += 8) {
        uint64_t p;
        memcpy(&p, (char *)uc + o, 8);
        if (p < PAGE_SIZE || p % 8)
            continue;
        /* As much as there is, page by page: the object may lie near the end of a mapping. */
        size_t n = 0, part = PAGE_SIZE - p % PAGE_SIZE;
        while (n + part <= CPU_BYTES && peek(p + n, (char *)copy + n, part)) {
            n += part;
            part = PAGE_SIZE;
        }
        for (size_t k = 0; k + 8 <= n / 8; k++) {
            unsigned i = 0;
            while (i < 8 && copy[k + i] == 0x51de0000u + i * 0x0101u)
                i++;
            unsigned known = 0;
            while (known < places && place[known] != (uint8_t *)p + k * 8)
                known++;
            if (i == 8 && known == places && places < sizeof place / sizeof place[0])
                place[places++] = (uint8_t *)p + k * 8;
        }
    }
    free(copy);
    /* Found by reading; a change through the interface must now show in place. In memory that an
       earlier engine has left behind it does not. */
    uint32_t probe = 0x600df00d, zero = 0, is;
    uc_reg_write(uc, UC_X86_REG_EDI, &probe);
    for (unsigned i = 0; i < places; i++)
        if (peek((uintptr_t)place[i] + 7 * 8, &is, sizeof is) && is == probe) {
            found = place[i];
            live++;
        }
    if (live != 1) {
        err_set(err, ERR_ENGINE, "the CPU engine's state could not be found (%u candidates)", live);
        return NULL;
    }
    for (unsigned i = 0; i < 8; i++)
        uc_reg_write(uc, gpr_id[i], &zero);
    return found;
}

/* ---- the scratch machine ---- */

struct lab {
    uc_engine *uc;
    uint8_t *env, *ram;
    uc_context *virgin;
    struct layout *l;
    /* what the hooks saw */
    unsigned intrs, blocks, codes;
    uint32_t vector[8];
    uint8_t seen[8][ENV_BYTES]; /* env at each event */
    bool patch;                 /* reset old_exception after each */
    uint32_t skip;              /* bytes to skip at a fault */
    void *block_data[8];
    uint32_t code_eip, code_flags, code_write_eip;
    unsigned stop_after;
    uc_hook block_hook, code_hook;
    unsigned edges;
    size_t env_bytes; /* what the engine saves in a context: all that we look for lies in it */
};

static _Thread_local struct lab *the_lab; /* a BLOCK hook's user_data is what we experiment with */

static uint32_t word(const uint8_t *p, uint32_t off)
{
    uint32_t v;
    memcpy(&v, p + off, 4);
    return v;
}

static void lab_intr(uc_engine *uc, uint32_t vector, void *ctx)
{
    struct lab *b = ctx;
    if (b->intrs < 8) {
        b->vector[b->intrs] = vector;
        memcpy(b->seen[b->intrs], b->env, b->env_bytes);
    }
    b->intrs++;
    if (b->patch) {
        uint32_t none = ~0u, eip = word(b->env, b->l->eip) + b->skip;
        memcpy(b->env + b->l->old_exception, &none, 4);
        memcpy(b->env + b->l->eip, &eip, 4);
    }
    if (b->intrs >= b->stop_after)
        uc_emu_stop(uc);
}

static void lab_block(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    (void)uc, (void)pc, (void)size;
    struct lab *b = the_lab;
    if (b->blocks < 8)
        b->block_data[b->blocks] = data;
    b->blocks++;
}

static void lab_edge(uc_engine *uc, uc_tb *block, uc_tb *before, void *ctx)
{
    (void)uc, (void)block, (void)before;
    struct lab *b = ctx;
    b->edges++;
}

static void lab_code(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    (void)pc, (void)size, (void)data;
    struct lab *b = the_lab;
    b->codes++;
    uc_reg_read(uc, UC_X86_REG_EFLAGS, &b->code_flags);
    b->code_eip = word(b->env, b->l->eip);
    if (b->code_write_eip)
        uc_reg_write(uc, UC_X86_REG_EIP, &b->code_write_eip);
}

static void put_desc(uint8_t *gdt, unsigned sel, unsigned dpl, bool code)
{
    uint64_t d = 0x00cf92000000ffffull | (uint64_t)dpl << 45 | (code ? 8ull << 40 : 0);
    memcpy(gdt + sel, &d, 8);
}

static bool lab_open(struct lab *b, struct layout *l, struct err *err)
{
    b->l = l;
    b->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->ram == MAP_FAILED) {
        b->ram = NULL;
        return err_set(err, ERR_SYSTEM, "no memory for the engine's self-check");
    }
    if (uc_open(UC_ARCH_X86, UC_MODE_32, &b->uc) || uc_ctl_set_tcg_buffer_size(b->uc, 4u << 20) ||
        uc_ctl_set_cpu_model(b->uc, UC_CPU_X86_COREDUO) || uc_ctl_exits_enable(b->uc) ||
        uc_mem_map_ptr(b->uc, 0, RAM_BYTES, UC_PROT_ALL, b->ram) ||
        uc_context_alloc(b->uc, &b->virgin))
        return err_set(err, ERR_ENGINE, "the CPU engine could not be opened");
    for (unsigned dpl = 0; dpl < 4; dpl++) {
        put_desc(b->ram + AT_GDT, 8 + dpl * 16, dpl, true);
        put_desc(b->ram + AT_GDT, 16 + dpl * 16, dpl, false);
    }
    uc_x86_mmr gdt = {.base = AT_GDT, .limit = 9 * 8 - 1};
    uc_x86_mmr ldt = {.selector = 0x68, .base = ODD_LDT_BASE, .limit = 0x1357, .flags = 0x8200};
    uint32_t esp = AT_STACK;
    uc_hook h;
    uc_reg_write(b->uc, UC_X86_REG_GDTR, &gdt);
    uc_reg_write(b->uc, UC_X86_REG_LDTR, &ldt);
    if (!(b->env = layout_find_env(b->uc, err)))
        return false;
    b->env_bytes = (uc_context_size(b->uc) - CONTEXT_HEADER) & ~(size_t)3;
    if (b->env_bytes > ENV_BYTES)
        b->env_bytes = ENV_BYTES;
    uc_reg_write(b->uc, UC_X86_REG_ESP, &esp);
    if (uc_hook_add(b->uc, &h, UC_HOOK_INTR, (void *)lab_intr, b, 1, 0) ||
        uc_hook_add(b->uc, &b->block_hook, UC_HOOK_BLOCK, (void *)lab_block, b, 1, 0) ||
        uc_hook_add(b->uc, &h, UC_HOOK_EDGE_GENERATED, (void *)lab_edge, b, 1, 0) ||
        uc_hook_add(b->uc, &b->code_hook, UC_HOOK_CODE, (void *)lab_code, b, 0xfedcba98ull,
                    0xfedcba99ull) ||
        uc_context_save(b->uc, b->virgin))
        return err_set(err, ERR_ENGINE, "the CPU engine refuses its hooks");
    uc_ctl_flush_tb(b->uc);
    return true;
}

static void lab_close(struct lab *b)
{
    if (b->virgin)
        uc_context_free(b->virgin);
    if (b->uc)
        uc_close(b->uc);
    if (b->ram)
        munmap(b->ram, RAM_BYTES);
}

/* Run code bytes from a clean state until the given number of events. */
static void lab_run(struct lab *b, const void *code, size_t n, unsigned events)
{
    uc_context_restore(b->uc, b->virgin);
    memcpy(b->ram + AT_CODE, code, n);
    uc_ctl_remove_cache(b->uc, (uint64_t)AT_CODE, (uint64_t)(AT_CODE + n));
    b->intrs = b->blocks = b->codes = b->edges = 0;
    b->stop_after = events;
    uc_emu_start(b->uc, AT_CODE, 0, 0, 0);
}

/* ---- the experiments ---- */

static bool unknown(struct err *err, const char *field)
{
    return err_set(
        err, ERR_ENGINE,
        "this version of the CPU engine (%s) cannot be used: where it keeps %s is not clear",
        cpu_engine_version(), field);
}

/* The one word that has all these values in the respective states. */
struct view {
    const uint8_t *env;
    uint32_t value;
};
static bool find_word(const struct lab *b, const struct view *v, unsigned views, uint32_t from,
                      uint32_t *off)
{
    unsigned hits = 0;
    for (uint32_t o = from; o + 4 <= b->env_bytes; o += 4) {
        unsigned i = 0;
        while (i < views && word(v[i].env, o) == v[i].value)
            i++;
        if (i == views) {
            if (!hits)
                *off = o;
            hits++;
        }
    }
    return hits == 1;
}

static bool find_registers(struct lab *b, struct err *err)
{
    struct layout *l = b->l;
    uint32_t eip = 0x13579bdf, cr3 = 0x2468a000, zero = 0, seg = 0;
    uc_x86_msr efer = {.rid = 0xc0000080, .value = 0};
    uint8_t *off = malloc(ENV_BYTES);
    if (!off)
        return err_set(err, ERR_SYSTEM, "no memory");
    uc_reg_write(b->uc, UC_X86_REG_EIP, &eip);
    bool ok = find_word(b, (struct view[]){{b->env, eip}}, 1, 64, &l->eip) || unknown(err, "EIP");
    uint32_t flags = FL_IF | 2;
    l->eflags = l->eip + 8;
    uc_reg_write(b->uc, UC_X86_REG_EFLAGS, &flags);
    bool set = word(b->env, l->eflags) & FL_IF;
    flags = 2;
    uc_reg_write(b->uc, UC_X86_REG_EFLAGS, &flags);
    if (ok && (!set || (word(b->env, l->eflags) & FL_IF)))
        ok = unknown(err, "EFLAGS");
    uc_reg_write(b->uc, UC_X86_REG_CR3, &cr3);
    ok = ok && (find_word(b, (struct view[]){{b->env, cr3}}, 1, 64, &l->cr) || unknown(err, "CR3"));
    l->cr -= 3 * 8;
    uc_reg_write(b->uc, UC_X86_REG_CR3, &zero);
    ok = ok && (find_word(b, (struct view[]){{b->env, ODD_LDT_BASE}}, 1, 64, &seg) ||
                unknown(err, "LDTR"));
    l->seg = seg - SEG_BASE - 6 * SEG_STRIDE;
    l->hflags = l->seg - 8;
    uc_reg_write(b->uc, UC_X86_REG_MSR, &efer);
    memcpy(off, b->env, b->env_bytes);
    efer.value = EFER_NXE;
    uc_reg_write(b->uc, UC_X86_REG_MSR, &efer);
    ok = ok && (find_word(b, (struct view[]){{off, 0}, {b->env, EFER_NXE}}, 2, 64, &l->efer) ||
                unknown(err, "EFER"));
    free(off);
    return ok;
}

static bool find_exception(struct lab *b, struct err *err)
{
    static const uint8_t mov_ds[] = {0x8e, 0x1d, AT_DATA & 255, AT_DATA >> 8, 0, 0};
    static const uint8_t divide[] = {0x31, 0xc9, 0xf7, 0xf1}; /* xor ecx,ecx; div ecx */
    static const uint8_t soft[] = {0xcd, 0x21};
    struct layout *l = b->l;
    uint8_t *virgin = malloc(4 * ENV_BYTES);
    if (!virgin)
        return err_set(err, ERR_SYSTEM, "no memory");
    uint8_t *a = virgin + ENV_BYTES, *bb = a + ENV_BYTES, *d = bb + ENV_BYTES;
    uc_context_restore(b->uc, b->virgin);
    memcpy(virgin, b->env, b->env_bytes);
    bool ok = true;
    const uint16_t bad[2] = {0x7778, 0x5550};
    for (unsigned i = 0; i < 2; i++) {
        memcpy(b->ram + AT_DATA, &bad[i], 2);
        lab_run(b, mov_ds, sizeof mov_ds, 1);
        ok = ok && b->intrs == 1 && b->vector[0] == X86_GP;
        memcpy(i ? bb : a, b->seen[0], ENV_BYTES);
    }
    lab_run(b, divide, sizeof divide, 1);
    ok = ok && b->intrs == 1 && b->vector[0] == X86_DE;
    memcpy(d, b->seen[0], ENV_BYTES);
    if (!ok)
        unknown(err, "the vector of a fault");
    ok = ok && (find_word(b, (struct view[]){{a, bad[0]}, {bb, bad[1]}}, 2, 64, &l->error_code) ||
                unknown(err, "error codes"));
    ok = ok && (find_word(b, (struct view[]){{virgin, ~0u}, {a, 13}, {bb, 13}, {d, 0}}, 4,
                          l->error_code, &l->old_exception) ||
                unknown(err, "the exception before"));
    l->is_int = l->error_code + 4;
    lab_run(b, soft, sizeof soft, 1);
    if (ok && (b->intrs != 1 || b->vector[0] != 0x21 || word(b->seen[0], l->is_int) != 1 ||
               word(a, l->is_int) || word(d, l->is_int)))
        ok = unknown(err, "the mark of a software interrupt");
    free(virgin);
    return ok;
}

static bool find_hook_fields(struct lab *b, struct err *err)
{
    uint64_t w[HOOK_BYTES / 8];
    unsigned hits = 0;
    if (!peek((uintptr_t)b->code_hook, w, sizeof w))
        return unknown(err, "hooks");
    for (unsigned i = 2; i + 1 < HOOK_BYTES / 8; i++)
        if (w[i] == (uintptr_t)lab_code && w[i + 1] == (uintptr_t)b && w[i - 2] == 0xfedcba98ull &&
            w[i - 1] == 0xfedcba99ull) {
            b->l->hook_data = (i + 1) * 8;
            b->l->hook_begin = (i - 2) * 8;
            b->l->hook_end = (i - 1) * 8;
            hits++;
        }
    return hits == 1 || unknown(err, "the range of a hook");
}

/* ---- the checks ---- */

static bool broken(struct err *err, const char *what)
{
    return err_set(
        err, ERR_ENGINE,
        "this version of the CPU engine (%s) cannot be used: %s does not work as expected",
        cpu_engine_version(), what);
}

static bool check_rings(struct lab *b, struct err *err)
{
    for (unsigned ring = 1; ring <= 3; ring += 2) {
        uint8_t cs = (uint8_t)(8 + ring * 16 + ring), ss = (uint8_t)(cs + 8);
        const uint8_t code[] = {0x6a, ss,   0x68, 0,    0x70, 0, 0,    0x6a, 2,   0x6a,
                                cs,   0x68, 0x11, 0x10, 0,    0, 0xcf, 0xcd, 0x30};
        lab_run(b, code, sizeof code, 1);
        uint32_t at_cs = b->l->seg + S_CS * SEG_STRIDE;
        if (b->intrs != 1 || b->vector[0] != 0x30 ||
            (word(b->seen[0], b->l->hflags) & HF_CPL) != ring || word(b->seen[0], at_cs) != cs)
            return broken(err, "the privilege level");
    }
    /* ltr, lgdt and lidt sit behind LDTR: the tables our delivery reads. */
    uc_x86_mmr idt = {.base = 0x4567, .limit = 0x89}, tr = {.base = 0x3450, .limit = 0x67};
    uc_reg_write(b->uc, UC_X86_REG_IDTR, &idt);
    uc_reg_write(b->uc, UC_X86_REG_TR, &tr);
    const uint8_t *s = b->env + b->l->seg;
    if (word(s, 7 * SEG_STRIDE + SEG_BASE) != 0x3450 ||
        word(s, 8 * SEG_STRIDE + SEG_BASE) != AT_GDT ||
        word(s, 9 * SEG_STRIDE + SEG_BASE) != 0x4567 || word(s, 9 * SEG_STRIDE + SEG_LIMIT) != 0x89)
        return broken(err, "the order of the descriptor tables");
    uint32_t cr0, cr4, pae = CR4_PAE;
    uc_reg_write(b->uc, UC_X86_REG_CR4, &pae);
    uc_reg_read(b->uc, UC_X86_REG_CR0, &cr0);
    uc_reg_read(b->uc, UC_X86_REG_CR4, &cr4);
    if (cr4 != pae || word(b->env, b->l->cr + 32) != cr4 || word(b->env, b->l->cr) != cr0)
        return broken(err, "the order of the control registers");
    return true;
}

static bool check_fault_storm(struct lab *b, struct err *err)
{
    static const uint8_t mov_ds[] = {0x8e, 0x1d, AT_DATA & 255, AT_DATA >> 8, 0, 0};
    uint8_t code[4 * sizeof mov_ds];
    for (unsigned i = 0; i < 4; i++) {
        uint16_t sel = (uint16_t)(0x1238 + i * 0x110);
        memcpy(code + i * sizeof mov_ds, mov_ds, sizeof mov_ds);
        code[i * sizeof mov_ds + 2] += (uint8_t)(i * 2);
        memcpy(b->ram + AT_DATA + i * 2, &sel, 2);
    }
    b->patch = true;
    b->skip = sizeof mov_ds;
    lab_run(b, code, sizeof code, 4);
    b->patch = false;
    for (unsigned i = 0; i < 4; i++)
        if (b->intrs != 4 || b->vector[i] != X86_GP ||
            word(b->seen[i], b->l->error_code) != 0x1238 + i * 0x110 ||
            word(b->seen[i], b->l->eip) != AT_CODE + i * sizeof mov_ds)
            return broken(err, "a row of faults");
    return true;
}

static void set_word(uc_hook h, uint32_t off, uint64_t v)
{
    memcpy((char *)h + off, &v, 8);
}

static bool check_hooks(struct lab *b, struct err *err)
{
    /* The user_data that a BLOCK hook passes is the one at translation time. */
    static const uint8_t soft[] = {0xcd, 0x21};
    set_word(b->block_hook, b->l->hook_data, 0x1230);
    lab_run(b, soft, sizeof soft, 1);
    bool ok = b->blocks == 1 && b->block_data[0] == (void *)0x1230 && b->edges == 1;
    set_word(b->block_hook, b->l->hook_data, 0x4560);
    uc_emu_start(b->uc, AT_CODE, 0, 0, 0);
    ok = ok && b->blocks == 2 && b->block_data[1] == (void *)0x1230 && b->edges == 1;
    lab_run(b, soft, sizeof soft, 1);
    ok = ok && b->blocks == 1 && b->block_data[0] == (void *)0x4560 && b->edges == 1;
    if (!ok)
        return broken(err, "the constant of a block's hook");
    /* So is a CODE hook's range; flags and EIP are exact in it, and EIP written is honoured. */
    static const uint8_t sum[] = {0xb8, 1, 0, 0, 0, 0x83, 0xc0, 0xff, 0x40, 0x40, 0xcd, 0x21};
    set_word(b->code_hook, b->l->hook_begin, AT_CODE + 8);
    set_word(b->code_hook, b->l->hook_end, AT_CODE + 8);
    b->code_write_eip = AT_CODE + 9;
    lab_run(b, sum, sizeof sum, 1);
    ok = b->codes == 1 && b->code_eip == AT_CODE + 8 && (b->code_flags & 0x8d5) == 0x55 &&
         b->intrs == 1 && word(b->seen[0], 0) == 1;
    set_word(b->code_hook, b->l->hook_begin, 0xfedcba98);
    set_word(b->code_hook, b->l->hook_end, 0xfedcba98);
    b->code_write_eip = 0;
    uc_emu_start(b->uc, AT_CODE, 0, 0, 0);
    ok = ok && b->codes == 2;
    lab_run(b, sum, sizeof sum, 1);
    ok = ok && b->codes == 0 && word(b->seen[0], 0) == 2;
    return ok || broken(err, "a hook before an instruction");
}

static bool check_clock(struct err *err)
{
    /* What the library will call is what the dynamic linker finds first. */
    if (dlsym(RTLD_DEFAULT, clock_is_constant) != (void *)gettimeofday)
        return err_set(err, ERR_ENGINE, "the CPU engine sees the host's clock");
    struct timeval now;
    gettimeofday(&now, NULL);
    return now.tv_sec == 1000000000 || err_set(err, ERR_ENGINE, "the engine's clock moves");
}

static bool experiment(struct layout *l, struct err *err)
{
    struct lab *b = calloc(1, sizeof *b);
    if (!b)
        return err_set(err, ERR_SYSTEM, "no memory");
    the_lab = b;
    bool ok = lab_open(b, l, err);
    if (ok) {
        /* EDGE hooks are silent until one block has returned normally. */
        static const uint8_t first[] = {0xeb, 0, 0xf4};
        lab_run(b, first, sizeof first, 1);
        uc_context_restore(b->uc, b->virgin);
        ok = find_registers(b, err) && find_exception(b, err) && find_hook_fields(b, err) &&
             check_fault_storm(b, err) && check_hooks(b, err) && check_rings(b, err) &&
             check_clock(err);
    }
    lab_close(b);
    free(b);
    the_lab = NULL;
    return ok;
}

bool layout_calibrate(struct layout *l, struct err *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct layout found; /* a fact about the library: never changes once it is known */
    static bool known;
    pthread_mutex_lock(&lock);
    bool ok = known || (known = experiment(&found, err));
    *l = found;
    pthread_mutex_unlock(&lock);
    return ok;
}
