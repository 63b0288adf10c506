// SPDX-License-Identifier: GPL-2.0-only
#include "paging.h"

#include "env.h"
#include "test.h"

enum { FRAMES = 128, TABLE_FLAGS = PTE_P | PTE_W | PTE_U };

static uint8_t pool[FRAMES][PAGE_SIZE] PAGE_ALIGNED;
static unsigned used;

void *frame_new(void)
{
    if (used == FRAMES) {
        test_error("the frame's pool of %u pages is used up", (uint32_t)FRAMES);
        test_end();
    }
    return memset(pool[used++], 0, PAGE_SIZE);
}

/* ---- PAE: 4 directories of 512 tables of 512 entries ---- */

uint64_t *pae_middle(uint64_t *root, uint32_t va)
{
    uint64_t *directory = (uint64_t *)(uint32_t)(root[va >> 30] & ~0xFFFull);
    return &directory[va >> 21 & 511];
}

uint64_t *pae_entry(uint64_t *root, uint32_t va)
{
    uint64_t *middle = pae_middle(root, va);

    if (!(*middle & PTE_P))
        *middle = (uint32_t)frame_new() | TABLE_FLAGS;
    return (uint64_t *)(uint32_t)(*middle & ~0xFFFull) + (va >> 12 & 511);
}

uint64_t *pae_new(void)
{
    uint64_t *root = frame_new();

    for (unsigned i = 0; i < 4; i++)
        root[i] = (uint32_t)frame_new() | PTE_P; /* these have no W and no U */
    for (uint32_t va = 0; va < IDENTITY_BYTES; va += PAGE_SIZE)
        *pae_entry(root, va) = va | TABLE_FLAGS;
    return root;
}

uint64_t *pae_fork(const uint64_t *root)
{
    uint64_t *copy = frame_new();

    for (unsigned i = 0; i < 4; i++) {
        copy[i] = (uint32_t)frame_new() | PTE_P;
        memcpy((void *)(uint32_t)(copy[i] & ~0xFFFull), (void *)(uint32_t)(root[i] & ~0xFFFull),
               i ? 0 : PAGE_SIZE);
    }
    return copy;
}

void pae_on(const uint64_t *root)
{
    env->use_tables(root);
}

void pae_set(uint64_t *root, uint32_t va, uint64_t entry)
{
    *pae_entry(root, va) = entry;
    env->page_changed(root, va, entry);
}

void pae_flush(uint64_t *root, uint32_t va)
{
    env->page_changed(root, va, 0);
}

void tables_changed(void)
{
    env->tables_changed();
}

/* ---- two levels of 1024 entries ---- */

uint32_t *flat_entry(uint32_t *root, uint32_t va)
{
    uint32_t *top = &root[va >> 22];

    if (!(*top & PTE_P))
        *top = (uint32_t)frame_new() | TABLE_FLAGS;
    return (uint32_t *)(*top & ~0xFFFu) + (va >> 12 & 1023);
}

uint32_t *flat_new(void)
{
    uint32_t *root = frame_new();

    for (uint32_t va = 0; va < IDENTITY_BYTES; va += PAGE_SIZE)
        *flat_entry(root, va) = va | TABLE_FLAGS;
    return root;
}

void flat_on(uint32_t *root)
{
    env->use_flat_tables(root);
}

void flat_set(uint32_t *root, uint32_t va, uint32_t entry)
{
    *flat_entry(root, va) = entry;
    env->page_changed(root, va, entry);
}

void paging_off(void)
{
    env->no_tables();
}
