/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames: a buddy allocator. Free memory is kept in blocks of 1, 2, 4 ... 1024 frames; a block is
 * split to serve a smaller request, and joins its buddy again (the block whose number differs in
 * one bit) when both are free. Single frames come and go most, so the last few freed are kept
 * apart, uncoalesced and probably still in the cache.
 */
#include "internal.h"
#include "pagetable.h"
#include "pv/pv.h"

enum { ORDERS = 11, HOT = 128 };

struct page *page_map;
static uint32_t frames, usable, free_frames;
static struct list free_list[ORDERS];
static struct page *hot[HOT];
static unsigned hot_count;

static void put_block(uint32_t n, unsigned order)
{
    while (order < ORDERS - 1) {
        uint32_t buddy = n ^ 1u << order;
        if (buddy >= frames || !(page_map[buddy].flags & PG_BUDDY) ||
            PG_ORDER(&page_map[buddy]) != order)
            break;
        list_del(&page_map[buddy].link);
        page_map[buddy].flags = 0;
        n &= ~(1u << order);
        order++;
    }
    page_map[n].flags = PG_BUDDY | order << PG_ORDER_SHIFT;
    list_add(&free_list[order], &page_map[n].link);
}

static struct page *take_block(unsigned order)
{
    unsigned have = order;
    struct page *p;

    while (have < ORDERS && list_empty(&free_list[have]))
        have++;
    if (have == ORDERS)
        return NULL;
    p = list_first(&free_list[have], struct page, link);
    list_del(&p->link);
    p->flags = 0;
    while (have > order) { /* keep the lower half, give back the upper */
        have--;
        struct page *half = p + (1u << have);
        half->flags = PG_BUDDY | have << PG_ORDER_SHIFT;
        list_add(&free_list[have], &half->link);
    }
    return p;
}

static void drain_hot(void)
{
    while (hot_count)
        put_block(page_to_pfn(hot[--hot_count]).v, 0);
}

struct page *page_alloc(void)
{
    uint32_t flags = irq_save();
    struct page *p = hot_count ? hot[--hot_count] : take_block(0);

    if (p) {
        p->refs = 1;
        p->flags = 0;
        free_frames--;
    }
    irq_restore(flags);
    return p;
}

struct page *page_alloc_zeroed(void)
{
    struct page *p = page_alloc();

    if (p)
        memset(page_address(p), 0, PAGE_SIZE);
    return p;
}

struct page *page_alloc_order(unsigned order)
{
    uint32_t flags = irq_save();
    struct page *p = NULL;

    if (order < ORDERS) {
        p = take_block(order);
        if (!p) { /* perhaps single frames that belong together lie in the hot list */
            drain_hot();
            p = take_block(order);
        }
    }
    if (p) {
        for (uint32_t i = 0; i < 1u << order; i++) {
            p[i].refs = 1;
            p[i].flags = 0;
        }
        free_frames -= 1u << order;
    }
    irq_restore(flags);
    return p;
}

void page_free_order(struct page *p, unsigned order)
{
    uint32_t flags = irq_save();

    ASSERT(p->refs == 1 && !(p->flags & (PG_BUDDY | PG_RESERVED)));
    for (uint32_t i = 0; i < 1u << order; i++)
        p[i].refs = 0;
    put_block(page_to_pfn(p).v, order);
    free_frames += 1u << order;
    irq_restore(flags);
}

void page_free(struct page *p)
{
    uint32_t flags;

    ASSERT(!(p->flags & (PG_BUDDY | PG_RESERVED)));
    flags = irq_save();
    p->flags = 0;
    free_frames++;
    if (hot_count == HOT)
        put_block(page_to_pfn(hot[--hot_count]).v, 0);
    hot[hot_count++] = p;
    irq_restore(flags);
}

void frames_init(struct page *pages, uint32_t count)
{
    page_map = pages;
    frames = count;
    for (int i = 0; i < ORDERS; i++)
        list_init(&free_list[i]);
    for (uint32_t i = 0; i < count; i++)
        page_map[i] = (struct page){.refs = 1, .flags = PG_RESERVED};
}

/* In blocks as large as position and length allow. */
void frames_release_boot(uint32_t first, uint32_t end)
{
    free_frames += end - first;
    usable += end - first;
    while (first < end) {
        unsigned order = first ? (unsigned)__builtin_ctz(first) : ORDERS - 1;
        order = MIN(order, ORDERS - 1u);
        while ((1u << order) > end - first)
            order--;
        for (uint32_t i = 0; i < 1u << order; i++)
            page_map[first + i].refs = page_map[first + i].flags = 0;
        put_block(first, order);
        first += 1u << order;
    }
}

uint32_t frames_free(void)
{
    return free_frames;
}

void mem_stats(struct mem_stats *out)
{
    *out = (struct mem_stats){.total = usable, .free = free_frames, .tables = tables_count()};
}
