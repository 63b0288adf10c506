/* SPDX-License-Identifier: GPL-2.0-only */
/* The flags of mmap and its kin, Linux's numbers (asm-generic/mman.h). */
#ifndef MM_MMAN_H
#define MM_MMAN_H

enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum {
    MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_TYPE = 15, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20,
    MAP_GROWSDOWN = 0x100, MAP_POPULATE = 0x8000, MAP_STACK = 0x20000,
    MAP_FIXED_NOREPLACE = 0x100000,
    MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2,
};

#endif
