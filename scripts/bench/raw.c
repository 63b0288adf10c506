/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What exact time costs: the same image, with the same paging, on Unicorn with nothing but an
 * interrupt and a port hook, and on our CPU with everything on. Runs alternate and the medians of
 * the pairs are compared, because absolute times on a busy machine mean little.
 *
 *     bench-raw IMAGE... [-n PAIRS] [--json]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <unicorn/unicorn.h>

#include "cpu/cpu.h"

enum { RAM = 8 << 20, IMAGE_AT = 0x100000, PD = 0x3000, PT = 0x4000, PORT_EXIT = 0xf4 };
enum { MAX_PAIRS = 101 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench-raw: %s\n", what);
    exit(1);
}

static size_t read_file(const char *path, uint8_t *to, size_t max)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail(path);
    size_t n = fread(to, 1, max, f);
    fclose(f);
    return n;
}

static void build_tables(uint8_t *ram)
{
    uint32_t entry;
    for (uint32_t i = 0; i < 1024; i++) {
        entry = i << 12 | PTE_P | PTE_W | PTE_U;
        memcpy(ram + PT + i * 4, &entry, 4);
    }
    entry = PT | PTE_P | PTE_W | PTE_U;
    memcpy(ram + PD, &entry, 4);
}

/* ---- Unicorn alone ---- */

struct raw {
    uc_engine *uc;
    uint8_t *ram;
    uint32_t result;
};

static void raw_out(uc_engine *uc, uint32_t port, int size, uint32_t value, void *ctx)
{
    (void)port, (void)size;
    ((struct raw *)ctx)->result = value;
    uc_emu_stop(uc);
}

static void raw_intr(uc_engine *uc, uint32_t vector, void *ctx)
{
    (void)vector, (void)ctx;
    uc_emu_stop(uc);
}

static void raw_open(struct raw *r, const uint8_t *image, size_t n)
{
    uc_hook h;
    uint32_t cr0, cr3 = PD;
    r->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->ram == MAP_FAILED || uc_open(UC_ARCH_X86, UC_MODE_32, &r->uc) ||
        uc_ctl_set_tcg_buffer_size(r->uc, 32 << 20) ||
        uc_ctl_set_cpu_model(r->uc, UC_CPU_X86_COREDUO) || uc_ctl_exits_enable(r->uc) ||
        uc_mem_map_ptr(r->uc, 0, RAM, UC_PROT_ALL, r->ram) ||
        uc_hook_add(r->uc, &h, UC_HOOK_INTR, (void *)raw_intr, r, 1, 0) ||
        uc_hook_add(r->uc, &h, UC_HOOK_INSN, (void *)raw_out, r, 1, 0, UC_X86_INS_OUT))
        fail("cannot open the engine");
    uc_ctl_flush_tb(r->uc);
    memcpy(r->ram + IMAGE_AT, image, n);
    build_tables(r->ram);
    uc_reg_write(r->uc, UC_X86_REG_CR3, &cr3);
    uc_reg_read(r->uc, UC_X86_REG_CR0, &cr0);
    cr0 |= CR0_PG;
    uc_reg_write(r->uc, UC_X86_REG_CR0, &cr0);
}

static double raw_run(struct raw *r)
{
    double start = now_ms();
    if (uc_emu_start(r->uc, IMAGE_AT, 0, 0, 0))
        fail("the engine stopped with an error");
    return now_ms() - start;
}

/* ---- our CPU ---- */

struct ours {
    struct mem *m;
    struct vcpu *c;
    uint32_t result;
    uint64_t instructions;
};

static enum cpu_act ours_exit(void *ctx, struct vcpu *c, struct cpu_exit *x)
{
    struct ours *o = ctx;
    (void)c;
    if (x->kind != EXIT_IO || x->io.in) {
        fprintf(stderr, "bench-raw: exit %s at %#x\n", exit_kind_name[x->kind], x->eip);
        exit(1);
    }
    o->result = x->io.value;
    return CPU_LEAVE;
}

static void ours_open(struct ours *o, const uint8_t *image, size_t n)
{
    struct err err;
    o->m = mem_new(RAM, &err);
    o->c = o->m ? cpu_new(o->m, &(struct cpu_host){ours_exit, o}, &err) : NULL;
    if (!o->c)
        fail(err.text);
    memcpy(mem_span(o->m, MADDR(IMAGE_AT), n), image, n);
    build_tables(mem_span(o->m, MADDR(0), PC_HOLE_START));
    struct x86_regs *r = cpu_regs_rw(o->c);
    r->cr3 = PD;
    r->cr0 |= CR0_PG | CR0_PE;
}

static double ours_run(struct ours *o)
{
    uint64_t before = cpu_instructions(o->c);
    double start = now_ms();
    cpu_regs_rw(o->c)->eip = IMAGE_AT;
    if (cpu_run(o->c, UINT64_MAX) != CPU_LEFT)
        fail("our CPU stopped");
    o->instructions = cpu_instructions(o->c) - before;
    return now_ms() - start;
}

/* ---- pairs ---- */

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

static void measure(const char *path, unsigned pairs, bool json)
{
    static uint8_t image[1 << 20];
    double raw_ms[MAX_PAIRS], ours_ms[MAX_PAIRS], ratio[MAX_PAIRS];
    size_t n = read_file(path, image, sizeof image);
    struct raw r = {0};
    struct ours o = {0};
    raw_open(&r, image, n);
    ours_open(&o, image, n);
    raw_run(&r); /* translate */
    ours_run(&o);
    for (unsigned i = 0; i < pairs; i++) {
        if (i & 1) {
            ours_ms[i] = ours_run(&o);
            raw_ms[i] = raw_run(&r);
        } else {
            raw_ms[i] = raw_run(&r);
            ours_ms[i] = ours_run(&o);
        }
        ratio[i] = ours_ms[i] / raw_ms[i];
    }
    if (r.result != o.result)
        fail("the two machines computed different results");
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    double a = median(raw_ms, pairs), b = median(ours_ms, pairs), c = median(ratio, pairs);
    printf(json ? "{\"program\": \"%s\", \"instructions\": %llu, \"raw_ms\": %.2f, "
                  "\"exact_ms\": %.2f, \"ratio\": %.3f}\n"
                : "%-12s %12llu instructions  raw %8.2f ms  exact %8.2f ms  ratio %.2f\n",
           name, (unsigned long long)o.instructions, a, b, c);
    cpu_free(o.c);
    mem_free(o.m);
    uc_close(r.uc);
    munmap(r.ram, RAM);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    unsigned pairs = 25;
    bool json = false;
    for (int o; (o = getopt_long(argc, argv, "n:", options, NULL)) != -1;) {
        if (o == 'j')
            json = true;
        else if (o == 'n' && atoi(optarg) > 0 && atoi(optarg) <= MAX_PAIRS)
            pairs = (unsigned)atoi(optarg);
        else
            return fprintf(stderr, "usage: bench-raw IMAGE... [-n PAIRS up to %d] [--json]\n",
                           MAX_PAIRS),
                   64;
    }
    for (int i = optind; i < argc; i++)
        measure(argv[i], pairs, json);
}
