/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a crossing costs, beside the least that it could cost on this engine.
 *
 * Each row is a loop of the guest that does nothing but cross. "raw" runs it on Unicorn with one hook
 * that reads the registers our answer needs, puts right what Unicorn wants put right, and returns.
 * "ours" is the whole machine with its model: exact time, the exit, the event, the model's answer, the
 * question whether an interrupt is due. Runs alternate; medians of the pairs' ratios are compared.
 *
 *     bench-crossing [-n PAIRS] [-c CROSSINGS] [--json] [ROW...]
 *
 * Only the calling thread's processor time is counted: a crossing involves no one else.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <unicorn/unicorn.h>

#include "abi/lguest.h"
#include "hv-models/hv.h"

/* Last: it gives PF_W and PF_X meanings of its own. */
#include <elf.h>

enum { MAX_PAIRS = 201, CODE_MAX = 0x1000, IMAGE_BYTES = 0x3000 };
enum { BASE = 0x100000, DATA = BASE + CODE_MAX, STACK = BASE + IMAGE_BYTES };
/* The raw machine: the same image, identity paging, and a GDT for the way to ring 1. */
enum { RAW_RAM = 8 << 20, RAW_PD = 0x3000, RAW_PT = 0x4000, RAW_GDT = 0x5000 };
enum { RAW_SS0 = 0x10, RAW_CS1 = 0x19, RAW_SS1 = 0x21 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench-crossing: %s\n", what);
    exit(1);
}

/* ---- the guests ---- */

struct code {
    uint8_t byte[CODE_MAX];
    uint32_t n;
};

static void put(struct code *c, const void *bytes, uint32_t n)
{
    if (c->n + n > sizeof c->byte)
        fail("a guest grew too long");
    memcpy(c->byte + c->n, bytes, n);
    c->n += n;
}

static void put32(struct code *c, uint32_t v)
{
    put(c, &v, 4);
}

static void move(struct code *c, uint8_t opcode, uint32_t v)
{
    put(c, &opcode, 1);
    put32(c, v);
}

/* What a row crosses by, for ever: `once`, then a jump back to it. */
static void loop(struct code *c, const char *once, uint32_t n)
{
    uint32_t start = c->n;
    put(c, once, n);
    move(c, 0xE9, start - (c->n + 5));
}

static void lguest_init(struct code *c)
{
    move(c, 0xB8, LHCALL_LGUEST_INIT); /* EAX */
    move(c, 0xBB, DATA);               /* EBX */
    put(c, "\xCD\x1F", 2);
    move(c, 0xB8, LHCALL_FLUSH_ASYNC);
}

/* From ring 0 to ring 1, as lguest's guests begin. The engine starts with an SS that says 16 bits. */
static void raw_to_ring1(struct code *c)
{
    move(c, 0xB8, RAW_SS0);
    put(c, "\x8E\xD0", 2); /* mov ss, eax */
    move(c, 0x68, RAW_SS1);
    move(c, 0x68, STACK);
    move(c, 0x68, 2); /* EFLAGS: IOPL 0 */
    move(c, 0x68, RAW_CS1);
    move(c, 0x68, BASE + c->n + 6);
    put(c, "\xCF", 1); /* iret */
}

/* ---- Unicorn alone ---- */

struct raw {
    uc_engine *uc;
    uint8_t *ram;
    uc_context *context;
    uint32_t eip_at, old_exception_at; /* in the context, see raw_calibrate() */
    uint8_t skip;                      /* bytes of the instruction that faults */
    uint64_t left;
    uint32_t seen; /* what the hooks read, so that reading is no dead code */
};

static void raw_count(struct raw *r)
{
    if (--r->left == 0)
        uc_emu_stop(r->uc);
}

/* INT n: the number, the arguments and where it happened. */
static void raw_int(uc_engine *uc, uint32_t vector, void *ctx)
{
    struct raw *r = ctx;
    static int which[] = {UC_X86_REG_EAX, UC_X86_REG_EBX, UC_X86_REG_ECX,
                          UC_X86_REG_EDX, UC_X86_REG_ESI, UC_X86_REG_EIP};
    uint32_t value[6];
    void *to[6];
    for (unsigned i = 0; i < 6; i++)
        to[i] = &value[i];
    uc_reg_read_batch(uc, which, to, 6);
    r->seen += vector + value[0] + value[5];
    raw_count(r);
}

/* A fault: as above; then over the instruction, and tell the engine that its fault has been dealt
   with, or the next one becomes a double fault. */
static void raw_fault(uc_engine *uc, uint32_t vector, void *ctx)
{
    struct raw *r = ctx;
    uint8_t *blob = (uint8_t *)r->context;
    uint32_t eip, eax, edx, none = ~0u;
    static int which[] = {UC_X86_REG_EAX, UC_X86_REG_EDX};
    void *to[] = {&eax, &edx};
    uc_reg_read_batch(uc, which, to, 2);
    uc_context_save(uc, r->context);
    memcpy(&eip, blob + r->eip_at, 4);
    r->seen += vector + eip + eax + edx;
    eip += r->skip;
    memcpy(blob + r->eip_at, &eip, 4);
    memcpy(blob + r->old_exception_at, &none, 4);
    uc_context_restore(uc, r->context);
    raw_count(r);
}

/* IN at ring 0, exactly: a hook before the instruction, which gives the answer and steps over. */
static void raw_port(uc_engine *uc, uint64_t pc, uint32_t size, void *ctx)
{
    struct raw *r = ctx;
    uint32_t eax, edx, eip = (uint32_t)pc + size;
    static int which[] = {UC_X86_REG_EAX, UC_X86_REG_EDX};
    void *to[] = {&eax, &edx};
    uc_reg_read_batch(uc, which, to, 2);
    r->seen += edx;
    eax |= 0xff;
    uc_reg_write(uc, UC_X86_REG_EAX, &eax);
    uc_reg_write(uc, UC_X86_REG_EIP, &eip);
    raw_count(r);
}

/* Where the context keeps EIP and the engine's memory of its last fault: the words that change as
   these two must when a CLI in ring 1 faults. */
static void raw_stop(uc_engine *uc, uint32_t vector, void *ctx)
{
    (void)vector, (void)ctx;
    uc_emu_stop(uc);
}

static uint32_t find_word(const struct raw *r, const uint8_t *before, uint32_t was, uint32_t is)
{
    const uint8_t *after = (const uint8_t *)r->context;
    uint32_t found = 0;
    for (uint32_t i = 0; i + 4 <= uc_context_size(r->uc); i++)
        if (!memcmp(before + i, &was, 4) && !memcmp(after + i, &is, 4)) {
            if (found)
                fail("the engine's context is not as expected");
            found = i;
        }
    if (!found)
        fail("the engine's context does not show what it should");
    return found;
}

static void raw_calibrate(struct raw *r, uint32_t start, uint32_t faults_at)
{
    uint8_t *before = malloc(uc_context_size(r->uc));
    uint32_t elsewhere = 0x12345678;
    uc_hook h;
    if (!before)
        fail("out of memory");
    /* An EIP that cannot be anything else. */
    uc_reg_write(r->uc, UC_X86_REG_EIP, &elsewhere);
    uc_context_save(r->uc, r->context);
    memcpy(before, r->context, uc_context_size(r->uc));
    uc_hook_add(r->uc, &h, UC_HOOK_INTR, (void *)raw_stop, r, 1, 0);
    uc_emu_start(r->uc, start, 0, 0, 0);
    uc_hook_del(r->uc, h);
    uc_context_save(r->uc, r->context);
    r->eip_at = find_word(r, before, elsewhere, faults_at);
    r->old_exception_at = find_word(r, before, ~0u, X86_GP);
    uint32_t none = ~0u;
    memcpy((uint8_t *)r->context + r->old_exception_at, &none, 4);
    uc_context_restore(r->uc, r->context);
    free(before);
}

static void raw_open(struct raw *r)
{
    static const struct {
        uint32_t lo, hi;
    } gdt[] = {{0, 0},
               {0xffff, 0x00cf9b00}, /* 8, 10: ring 0 */
               {0xffff, 0x00cf9300},
               {0xffff, 0x00cfbb00}, /* 19, 21: ring 1 */
               {0xffff, 0x00cfb300}};
    const uc_x86_mmr gdtr = {.base = RAW_GDT, .limit = sizeof gdt - 1};
    uint32_t entry, cr0, cr3 = RAW_PD, esp = STACK;
    r->ram = mmap(NULL, RAW_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->ram == MAP_FAILED || uc_open(UC_ARCH_X86, UC_MODE_32, &r->uc) ||
        uc_ctl_set_tcg_buffer_size(r->uc, 32 << 20) ||
        uc_ctl_set_cpu_model(r->uc, UC_CPU_X86_COREDUO) || uc_ctl_exits_enable(r->uc) ||
        uc_mem_map_ptr(r->uc, 0, RAW_RAM, UC_PROT_ALL, r->ram) ||
        uc_context_alloc(r->uc, &r->context))
        fail("cannot open the engine");
    uc_ctl_flush_tb(r->uc);
    memcpy(r->ram + RAW_GDT, gdt, sizeof gdt);
    for (uint32_t i = 0; i < 1024; i++) {
        entry = i << 12 | PTE_P | PTE_W | PTE_U;
        memcpy(r->ram + RAW_PT + i * 4, &entry, 4);
    }
    entry = RAW_PT | PTE_P | PTE_W | PTE_U;
    memcpy(r->ram + RAW_PD, &entry, 4);
    uc_reg_write(r->uc, UC_X86_REG_GDTR, &gdtr);
    uc_reg_write(r->uc, UC_X86_REG_ESP, &esp);
    uc_reg_write(r->uc, UC_X86_REG_CR3, &cr3);
    uc_reg_read(r->uc, UC_X86_REG_CR0, &cr0);
    cr0 |= CR0_PG;
    uc_reg_write(r->uc, UC_X86_REG_CR0, &cr0);
}

static double raw_run(struct raw *r, uint64_t crossings)
{
    uint32_t eip;
    uc_reg_read(r->uc, UC_X86_REG_EIP, &eip);
    r->left = crossings;
    double start = now_ns();
    uc_err e = uc_emu_start(r->uc, eip, 0, 0, 0);
    if (e || r->left)
        fail(e ? uc_strerror(e) : "the engine stopped by itself");
    return (now_ns() - start) / (double)crossings;
}

static void raw_close(struct raw *r)
{
    uc_context_free(r->context);
    uc_close(r->uc);
    munmap(r->ram, RAW_RAM);
}

/* ---- the rows ---- */

struct row {
    const char *name, *title;
    const char *spec;       /* of ours */
    const char *ours, *raw; /* the instruction, as bytes */
    uint8_t ours_length, raw_length;
    enum { BY_INT, BY_FAULT, BY_PORT } by; /* the raw hook */
    enum exit_kind counted;                /* the exit that is one crossing */
    bool native;
};

static const struct row rows[] = {
    {"int", "hypercall, `int $0x1f` (lguest)", "lguest:3.2", "\x31\xC0\xCD\x1F", "\x31\xC0\xCD\x1F",
     4, 4, BY_INT, EXIT_SOFTINT, false},
    {"vmcall", "hypercall, `vmcall`, rewritten at its first use (lguest:2.6.31)", "lguest:2.6.31",
     "\x31\xC0\x0F\x01\xC1", "\x31\xC0\xCD\x1F\x90", 5, 5, BY_INT, EXIT_SOFTINT, false},
    {"cli", "`cli` in ring 1, passed over (lguest)", "lguest:3.2", "\xFA", "\xFA", 1, 1, BY_FAULT,
     EXIT_FAULT, false},
    {"in", "`in` in ring 1, emulated (lguest)", "lguest:3.2", "\xE4\x80", "\xFA\x90", 2, 2,
     BY_FAULT, EXIT_FAULT, false},
    {"out", "`out` in ring 1, emulated (lguest)", "lguest:3.2", "\xE6\x80", "\xFA\x90", 2, 2,
     BY_FAULT, EXIT_FAULT, false},
    {"port", "`in` in ring 0 (native)", "native", "\xE4\x80", "\xE4\x80", 2, 2, BY_PORT, EXIT_IO,
     true},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void raw_start(struct raw *r, const struct row *row)
{
    struct code c = {0};
    uc_hook h;
    uint32_t eip = BASE;
    raw_open(r);
    if (row->by != BY_PORT)
        raw_to_ring1(&c);
    uint32_t first = BASE + c.n;
    loop(&c, row->raw, row->raw_length);
    memcpy(r->ram + BASE, c.byte, c.n);
    r->skip = row->raw_length;
    uc_reg_write(r->uc, UC_X86_REG_EIP, &eip);
    if (row->by == BY_FAULT)
        raw_calibrate(r, BASE, first);
    if (row->by == BY_PORT ? uc_hook_add(r->uc, &h, UC_HOOK_CODE, (void *)raw_port, r,
                                         (uint64_t)first, (uint64_t)first)
                           : uc_hook_add(r->uc, &h, UC_HOOK_INTR,
                                         row->by == BY_INT ? (void *)raw_int : (void *)raw_fault, r,
                                         (uint64_t)1, (uint64_t)0))
        fail("cannot hook");
    raw_run(r, 1000);
}

struct ours {
    uint8_t image[sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + IMAGE_BYTES];
    struct machine *m;
    enum exit_kind counted;
};

static void ours_start(struct ours *o, const struct row *row)
{
    const struct machine_config cfg = {.mem_bytes = 16u << 20};
    const struct boot_request rq = {.kernel = {o->image, sizeof o->image, "loop"}};
    const struct hv_model *model;
    const char *variant;
    struct err err = {0};
    struct code c = {0};
    Elf32_Ehdr *h = (Elf32_Ehdr *)o->image;
    Elf32_Phdr *ph = (Elf32_Phdr *)(h + 1);
    uint8_t *at = (uint8_t *)(ph + 1);
    struct lguest_data *data = (struct lguest_data *)(at + CODE_MAX);

    *h = (Elf32_Ehdr){.e_type = ET_EXEC,
                      .e_machine = EM_386,
                      .e_version = EV_CURRENT,
                      .e_entry = BASE,
                      .e_phoff = sizeof *h,
                      .e_phentsize = sizeof *ph,
                      .e_phnum = 1};
    memcpy(h->e_ident, ELFMAG, SELFMAG);
    h->e_ident[EI_CLASS] = ELFCLASS32;
    h->e_ident[EI_DATA] = ELFDATA2LSB;
    h->e_ident[EI_VERSION] = EV_CURRENT;
    *ph = (Elf32_Phdr){.p_type = PT_LOAD,
                       .p_offset = sizeof *h + sizeof *ph,
                       .p_vaddr = BASE,
                       .p_paddr = BASE,
                       .p_filesz = IMAGE_BYTES,
                       .p_memsz = IMAGE_BYTES};
    if (!row->native)
        lguest_init(&c);
    loop(&c, row->ours, row->ours_length);
    memcpy(at, c.byte, c.n);
    memset(data->hcall_status, LHCALL_RING_FREE, sizeof data->hcall_status);
    data->kernel_address = 0xC0000000;
    data->syscall_vec = 0x80;
    if (!strcmp(row->spec, "lguest:3.2")) { /* the two words are one place further down there */
        uint32_t word[] = {0xC0000000, 0x80};
        memcpy((uint8_t *)data + LGUEST_DATA_3_2_kernel_address, word, sizeof word);
    }
    o->counted = row->counted;
    o->m = machine_new(&cfg, NULL, &err);
    if (!o->m || !hv_find(row->spec, &model, &variant, &err) ||
        !hv_attach(o->m, model, variant, &rq, &err))
        fail(err.text);
    machine_run(o->m, 200000); /* past the first hypercall; everything is translated */
}

static double ours_run(struct ours *o, uint64_t cycles)
{
    struct domain *d = o->m->domain;
    uint64_t before = d->state.exits[o->counted];
    double start = now_ns();
    enum end_kind end = machine_run(o->m, machine_now(o->m) + cycles);
    double ns = now_ns() - start;
    uint64_t crossings = d->state.exits[o->counted] - before;
    if (end != END_NONE || crossings < 100)
        fail(end == END_DIED ? d->end.reason : "the guest does not cross");
    return ns / (double)crossings;
}

/* So many cycles that about as many crossings fit. */
static uint64_t cycles_for(struct ours *o, uint64_t crossings)
{
    const uint64_t *n = &o->m->domain->state.exits[o->counted];
    uint64_t before = *n, cycles = 1000000;
    machine_run(o->m, machine_now(o->m) + cycles);
    return cycles * crossings / (*n - before + 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

static void measure(const struct row *row, unsigned pairs, uint64_t crossings, bool json)
{
    static double raw_ns[MAX_PAIRS], ours_ns[MAX_PAIRS], ratio[MAX_PAIRS];
    struct raw r = {0};
    struct ours *o = calloc(1, sizeof *o);
    if (!o)
        fail("out of memory");
    raw_start(&r, row);
    ours_start(o, row);
    uint64_t cycles = cycles_for(o, crossings);
    for (unsigned i = 0; i < pairs; i++) {
        if (i & 1)
            ours_ns[i] = ours_run(o, cycles);
        raw_ns[i] = raw_run(&r, crossings);
        if (!(i & 1))
            ours_ns[i] = ours_run(o, cycles);
        ratio[i] = ours_ns[i] / raw_ns[i];
    }
    double a = median(raw_ns, pairs), b = median(ours_ns, pairs), c = median(ratio, pairs);
    printf(json ? "{\"name\": \"%s\", \"title\": \"%s\", \"raw_ns\": %.1f, \"ours_ns\": %.1f, "
                  "\"ratio\": %.3f}\n"
                : "%-8s %-64s raw %6.1f ns  ours %6.1f ns  ratio %.2f\n",
           row->name, row->title, a, b, c);
    fflush(stdout);
    hv_detach(o->m);
    machine_free(o->m);
    free(o);
    raw_close(&r);
}

static bool chosen(const struct row *row, int argc, char **argv)
{
    for (int i = optind; i < argc; i++)
        if (!strcmp(argv[i], row->name))
            return true;
    return optind == argc;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    unsigned pairs = 25;
    uint64_t crossings = 50000;
    bool json = false;
    for (int o; (o = getopt_long(argc, argv, "n:c:", options, NULL)) != -1;) {
        if (o == 'j')
            json = true;
        else if (o == 'n' && atoi(optarg) > 0 && atoi(optarg) <= MAX_PAIRS)
            pairs = (unsigned)atoi(optarg);
        else if (o == 'c' && atoi(optarg) >= 1000)
            crossings = (uint64_t)atoi(optarg);
        else
            return fprintf(stderr,
                           "usage: bench-crossing [-n PAIRS up to %d] [-c CROSSINGS from 1000] "
                           "[--json] [ROW...]\n",
                           MAX_PAIRS),
                   64;
    }
    for (unsigned i = 0; i < ROWS; i++)
        if (chosen(&rows[i], argc, argv))
            measure(&rows[i], pairs, crossings, json);
}
