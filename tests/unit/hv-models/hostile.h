/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bench for guests that mean no good. A test writes a few instructions with the pen below; they are
 * loaded as a kernel, and reach the model through the real exits and nothing else. Around the guest:
 *
 *   the audit     after every event of the guest the model's invariants are computed anew
 *   a neighbour   another domain on the same model, whose frames and state hold a pattern
 *   the pool      an lguest's frames for shadow tables hold a pattern until they are taken
 *
 * so that whoever reaches too far shows. (What lies outside of all frames and tables is a no man's
 * land in any case: emu/guard.h.) Nothing here needs a test framework: the fuzzer uses it too.
 */
#ifndef TESTS_UNIT_HV_MODELS_HOSTILE_H
#define TESTS_UNIT_HV_MODELS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv-models/hv.h"

/* Where things lie, virtual and guest-physical alike. */
enum {
    H_CODE = 0x100000,
    H_HANDLER = 0x106000,
    H_DATA = 0x107000, /* struct lguest_data */
    H_ROOT = 0x108000, /* three pages for page tables of the guest's own making */
    H_DIR = 0x109000,
    H_TABLE = 0x10A000,
    H_TABLE2 = 0x10B000,
    H_STACK = 0x10E000, /* top of two pages */
    H_USER = 0x10E000,
    H_USER_STACK = 0x110000, /* top */
    H_SCRATCH = 0x110000,
    H_END = 0x111000,
    H_IMAGE_BYTES = H_END - H_CODE,
    H_RAM = 16 << 20,                      /* the machine's */
    H_LGUEST_RAM = 12 << 20,               /* what an lguest guest gets of it; the devices follow */
    H_LGUEST_END = H_LGUEST_RAM + 0x100000 /* of guest-physical memory */
};

struct hostile {
    const char *spec;               /* of the model, "lguest:3.2" */
    uint8_t *file;                  /* an ELF */
    uint8_t *image;                 /* its bytes at H_CODE */
    uint32_t pen;                   /* where the next instruction goes */
    uint64_t disk_bytes[DISKS_MAX]; /* as the machine's */
    struct machine *m;
    bool hurry; /* an audit at each third event, and a shorter look at the neighbour */
    uint64_t events, audits;
    char broken[600]; /* the first promise that did not hold; empty: all did */
};

struct hostile *hostile_new(const char *spec);
void hostile_free(struct hostile *h);
bool hostile_is_lguest(const struct hostile *h);

/* ---- the pen ---- */

void h_bytes(struct hostile *h, const void *bytes, size_t n);
#define h_asm(h, text) h_bytes((h), (text), sizeof(text) - 1)
void h_word(struct hostile *h, uint32_t v);
/* mov reg, imm32 (R_EAX...) */
void h_mov(struct hostile *h, unsigned reg, uint32_t v);
/* mov dword [at], imm32 */
void h_store(struct hostile *h, uint32_t at, uint32_t v);
/* jmp to an absolute address */
void h_jump(struct hostile *h, uint32_t to);
/* The image's own bytes, before the guest runs. */
void h_poke(struct hostile *h, uint32_t at, const void *bytes, size_t n);
void h_poke32(struct hostile *h, uint32_t at, uint32_t v);
void h_poke64(struct hostile *h, uint32_t at, uint64_t v);

/* Good bye, on any model. */
void h_power_off(struct hostile *h);
/* lguest: int $0x1f with these in EAX EBX ECX EDX ESI; LGUEST_INIT with good data. */
void h_call(struct hostile *h, uint32_t n, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4);
void h_init(struct hostile *h);
/* The offset of a word of lguest_data that the releases have in different places. */
uint32_t h_kernel_address(const struct hostile *h);
uint32_t h_syscall_vec(const struct hostile *h);
/* lguest: a gate for this vector: type 0xE interrupt, 0xF trap. */
void h_gate(struct hostile *h, uint32_t vector, uint32_t handler, unsigned type, unsigned dpl);

/* ---- running ---- */

/* Load it; false with the reason in h->broken. */
bool hostile_load(struct hostile *h, uint64_t max_cycles);
/* Run to its end, or to its cycles'; then look at everything once more. False: h->broken says what. */
bool hostile_run(struct hostile *h);
/* The neighbour; and is it as it was? hostile_run() asks too. */
struct machine *hostile_neighbour(struct hostile *h);
bool hostile_neighbour_is_well(struct hostile *h);
uint32_t hostile_word(struct hostile *h, uint32_t gpa);

#endif
