/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables for tests: the first 16 MiB mapped to themselves by 4 KiB pages, the rest of the
 * address space empty, and a door to each entry. PAE and the old two-level format.
 */
#ifndef TESTS_GUEST_PAGING_H
#define TESTS_GUEST_PAGING_H

#include "cpu.h"

enum {
    PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_PWT = 8, PTE_PCD = 0x10, PTE_A = 0x20, PTE_D = 0x40,
    PTE_PS = 0x80, PTE_G = 0x100,
};
#define PTE_NX (1ull << 63)
#define IDENTITY_BYTES (16u << 20)

/* A zeroed page-aligned frame below IDENTITY_BYTES; they are never given back. */
void *frame_new(void);

/* Fresh PAE tables: the root for CR3. Entries of the identity map are P|W|U. */
uint64_t *pae_new(void);
/* The level-1 entry of va; its table is made if there is none. */
uint64_t *pae_entry(uint64_t *root, uint32_t va);
/* The level-2 entry. */
uint64_t *pae_middle(uint64_t *root, uint32_t va);
/* Tables that share the first gigabyte of others and have nothing else. */
uint64_t *pae_fork(const uint64_t *root);
/* Turn paging on with this root, or change to it. */
void pae_on(const uint64_t *root);
/* Change the entry of va, and no translation but the new one is used from then on. */
void pae_set(uint64_t *root, uint32_t va, uint64_t entry);
/* The same for an entry that has been changed already, and for tables in whole. */
void pae_flush(uint64_t *root, uint32_t va);
void tables_changed(void);

/* The same for two levels of 32-bit entries. Under a hypervisor a guest has one format and keeps it. */
uint32_t *flat_new(void);
uint32_t *flat_entry(uint32_t *root, uint32_t va);
void flat_on(uint32_t *root);
void flat_set(uint32_t *root, uint32_t va, uint32_t entry);

void paging_off(void);

#endif
