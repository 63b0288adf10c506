/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID. The engine imitates a Core Duo (it must, to have PAE and NX without long mode), but would
 * announce an APIC, machine checks and MTRRs that nobody emulates. So the answer is ours: a family
 * 6 model 14 processor with what this machine really has.  SDM volume 2A, CPUID.
 */
#include "board.h"

enum {
    EDX_FPU = 1 << 0,
    EDX_PSE = 1 << 3,
    EDX_TSC = 1 << 4,
    EDX_MSR = 1 << 5,
    EDX_PAE = 1 << 6,
    EDX_CX8 = 1 << 8,
    EDX_SEP = 1 << 11,
    EDX_PGE = 1 << 13,
    EDX_CMOV = 1 << 15,
    EDX_CLFLUSH = 1 << 19,
    EDX_MMX = 1 << 23,
    EDX_FXSR = 1 << 24,
    EDX_SSE = 1 << 25,
    EDX_SSE2 = 1 << 26,
    ECX_SSE3 = 1 << 0,
    EXT_EDX_NX = 1 << 20,
};

#define FAMILY6_MODEL14_STEPPING8 0x6E8u
#define CLFLUSH_64_BYTES          (8u << 8)
#define BASIC_EDX                                                                               \
    (EDX_FPU | EDX_PSE | EDX_TSC | EDX_MSR | EDX_PAE | EDX_CX8 | EDX_SEP | EDX_PGE | EDX_CMOV | \
     EDX_CLFLUSH | EDX_MMX | EDX_FXSR | EDX_SSE | EDX_SSE2)

/* Four letters of a string register, first letter lowest. */
#define TEXT4(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static const struct cpuid_leaf {
    uint32_t leaf;
    struct cpuid_answer answer;
} leaves[] = {
    {0x00000000,
     {2, TEXT4('G', 'e', 'n', 'u'), TEXT4('n', 't', 'e', 'l'), TEXT4('i', 'n', 'e', 'I')}},
    {0x00000001, {FAMILY6_MODEL14_STEPPING8, CLFLUSH_64_BYTES, ECX_SSE3, BASIC_EDX}},
    {0x00000002, {1, 0, 0, 0}}, /* one descriptor byte set, all null: caches not described */
    {0x80000000, {0x80000008, 0, 0, 0}},
    {0x80000001, {0, 0, 0, EXT_EDX_NX}},
    {0x80000002,
     {TEXT4('R', 'i', 'n', 'g'), TEXT4('s', 'i', 'd', 'e'), TEXT4(' ', 'v', 'i', 'r'),
      TEXT4('t', 'u', 'a', 'l')}},
    {0x80000003,
     {TEXT4(' ', 'C', 'P', 'U'), TEXT4(',', ' ', '1', ' '), TEXT4('c', 'y', 'c', 'l'),
      TEXT4('e', ' ', 'p', 'e')}},
    {0x80000004,
     {TEXT4('r', ' ', 'i', 'n'), TEXT4('s', 't', 'r', 'u'), TEXT4('c', 't', 'i', 'o'),
      TEXT4('n', 0, 0, 0)}},
    {0x80000008, {36, 0, 0, 0}}, /* physical address bits */
};

struct cpuid_answer board_cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    for (unsigned i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
        if (leaves[i].leaf == leaf)
            return leaves[i].answer;
    return (struct cpuid_answer){0};
}
