/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's physical memory: the one place where a guest's page number becomes a frame. */
#include <string.h>

#include "shared.h"

bool gmem_frame(const struct gmem *g, uint64_t page, uint32_t *frame)
{
    const uint32_t first = PC_HOLE_START / PAGE_SIZE;

    if (page >= g->pages)
        return false;
    *frame = (uint32_t)page;
    if (page >= first && page < first + GMEM_HOLE_PAGES)
        *frame = g->hole + (uint32_t)page - first;
    return true;
}

void *gmem_span(const struct gmem *g, struct mem *m, uint64_t at, uint32_t n)
{
    uint32_t frame, offset = (uint32_t)(at % PAGE_SIZE);

    if (n > PAGE_SIZE - offset || !gmem_frame(g, at / PAGE_SIZE, &frame))
        return NULL;
    return mem_span(m, MADDR(((uint64_t)frame << PAGE_SHIFT) | offset), n);
}

static bool inside(const struct gmem *g, uint64_t at, uint32_t n)
{
    uint64_t end = (uint64_t)g->pages * PAGE_SIZE;
    return at <= end && n <= end - at;
}

static uint32_t piece(uint64_t at, uint32_t n)
{
    uint32_t room = PAGE_SIZE - (uint32_t)(at % PAGE_SIZE);
    return n < room ? n : room;
}

bool gmem_read(const struct gmem *g, struct mem *m, uint64_t at, void *to, uint32_t n)
{
    uint8_t *bytes = to;

    if (!inside(g, at, n))
        return false;
    for (uint32_t len; n; at += len, bytes += len, n -= len) {
        len = piece(at, n);
        memcpy(bytes, gmem_span(g, m, at, len), len);
    }
    return true;
}

bool gmem_write(const struct gmem *g, struct mem *m, uint64_t at, const void *from, uint32_t n)
{
    const uint8_t *bytes = from;

    if (!inside(g, at, n))
        return false;
    for (uint32_t len; n; at += len, bytes += len, n -= len) {
        len = piece(at, n);
        memcpy(gmem_span(g, m, at, len), bytes, len);
    }
    return true;
}
