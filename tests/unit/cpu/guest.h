/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tiny machine for tests of the CPU: memory, one vcpu, flat segments for all four rings, an IDT, a
 * TSS, and an owner that does what a bare PC would. Guest code is 32-bit assembly in the test
 * itself, between two labels; it is copied to where it was written for.
 */
#ifndef TESTS_UNIT_CPU_GUEST_H
#define TESTS_UNIT_CPU_GUEST_H

#include "unit.h"

#include "cpu/cpu.h"

/* GUEST_CODE(name, text): bytes from name to name_end. */
#define GUEST_CODE(name, text)                                                                     \
    extern const uint8_t name[], name##_end[];                                                     \
    __asm__(".pushsection .rodata\n.code32\n.globl " #name "\n" #name ":\n" text "\n.globl " #name \
            "_end\n" #name "_end:\n.code64\n.popsection\n")

enum {
    G_GDT = 0x800,
    G_TSS = 0x900,
    G_IDT = 0x1000,
    G_HANDLERS = 0x2000,
    G_PD = 0x3000, /* two-level tables, when guest_paging() is called */
    G_PT = 0x4000,
    G_STACK0 = 0x8000, /* tops of stacks */
    G_STACK3 = 0xa000,
    G_CODE = 0xb000,
};
enum {
    SEL_CS0 = 0x08,
    SEL_DS0 = 0x10,
    SEL_CS1 = 0x19,
    SEL_DS1 = 0x21,
    SEL_CS3 = 0x2b,
    SEL_DS3 = 0x33,
    SEL_TSS = 0x38
};
enum { PORT_EXIT = 0xf4 };

#define GUEST_LOG 4096

struct guest {
    struct mem *m;
    struct vcpu *c;
    uint32_t data_eax; /* what IN returns */
    bool exited, triple;
    const char *stuck;
    unsigned exits[EXIT_KINDS];
    struct cpu_exit log[GUEST_LOG]; /* the first ones, in order */
    uint64_t at[GUEST_LOG];
    unsigned logged;

    /* a timer: an interrupt of this vector every so many cycles */
    uint64_t irq_period, irq_next;
    uint8_t irq_vector;
    bool irq_pending;

    /* With GUEST_WATCH=SEED in the environment two guests of three have their memory watched, other parts
       of it all the time: whatever a test says about the guest must hold all the same. */
    bool watched;
    uint64_t chance, rewatch_at, told_last;
    unsigned told;

    /* asked first; true: *act is the answer */
    bool (*on_exit)(struct guest *g, struct cpu_exit *x, enum cpu_act *act);
    void *ctx;
};

struct guest *guest_new(uint64_t bytes);
void guest_free(struct guest *g);
void guest_put(struct guest *g, uint32_t at, const uint8_t *code, const uint8_t *end);
#define guest_code(g, at, name) guest_put(g, at, name, name##_end)
/* A 32-bit gate: type 0xe (interrupt) or 0xf (trap). */
void guest_gate(struct guest *g, uint8_t vector, uint32_t handler, unsigned type, unsigned dpl);
/* Start at eip in this ring, with that ring's stack and IOPL 0. */
void guest_start(struct guest *g, unsigned ring, uint32_t eip);
/* Identity-map the first 4 MiB, all pages for everybody, and switch paging on. */
void guest_paging(struct guest *g);
/* cpu_run with the timer: stops at `until` (false) or because the guest has ended (true). */
bool guest_run(struct guest *g, uint64_t until);
/* All registers, the FPU, and the first `bytes` of memory. */
uint64_t guest_hash(struct guest *g, uint32_t bytes);
uint32_t guest_word(struct guest *g, uint32_t at);
void guest_set_word(struct guest *g, uint32_t at, uint32_t v);
enum cpu_act guest_inject(struct guest *g, const struct x86_event *ev);

#endif
