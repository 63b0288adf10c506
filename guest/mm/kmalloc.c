/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's heap. A frame is cut into objects of one size; free objects are chained through
 * themselves. struct page says which size (its class), how many are in use (refs) and where the
 * first free one is; a frame with room is on its class's list, and an empty one goes back. More than half a page comes as whole frames.
 */
#include "mm.h"
#include "pv/pv.h"

static const uint16_t class_size[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048};

enum { CLASSES = ARRAY_LEN(class_size), MAX_ORDER = 5 /* 128 KiB */ };

static struct list partial[CLASSES]; /* frames with a free object; zeroed means not yet begun */

/* The first free object, as an offset in the upper half of flags; NONE: all are in use. */
#define FREE_SHIFT 16
#define NONE       0xFFFFu

static void *first_free(const struct page *p)
{
    uint32_t offset = p->flags >> FREE_SHIFT;

    return offset == NONE ? NULL : (char *)page_address(p) + offset;
}

static void set_first_free(struct page *p, void *object)
{
    uint32_t offset = object ? (uint32_t)object % PAGE_SIZE : NONE;

    p->flags = (p->flags & 0xFFFF) | offset << FREE_SHIFT;
}

static int class_of(size_t n)
{
    for (int c = 0; c < CLASSES; c++)
        if (n <= class_size[c])
            return c;
    return -1;
}

static struct page *new_slab(int class)
{
    struct page *p = page_alloc();
    uint32_t size = class_size[class], count = PAGE_SIZE / size;
    char *base;

    if (!p)
        return NULL;
    base = page_address(p);
    for (uint32_t i = 0; i < count; i++)
        *(void **)(base + i * size) = i + 1 < count ? base + (i + 1) * size : NULL;
    p->refs = 0;
    p->flags = PG_SLAB | (uint32_t) class << PG_ORDER_SHIFT; /* the first free one is at offset 0 */
    list_add(&partial[class], &p->link);
    return p;
}

static void *take_object(int class)
{
    uint32_t flags = irq_save();
    struct page *p;
    void *object = NULL;

    if (!partial[class].next)
        list_init(&partial[class]);
    if (!list_empty(&partial[class]))
        p = list_first(&partial[class], struct page, link);
    else
        p = new_slab(class);
    if (p) {
        object = first_free(p);
        set_first_free(p, *(void **)object);
        p->refs++;
        if (!first_free(p))
            list_del(&p->link);
    }
    irq_restore(flags);
    return object;
}

static void *take_frames(size_t n)
{
    unsigned order = 0;
    struct page *p;

    while (PAGE_SIZE << order < n)
        if (++order > MAX_ORDER)
            return NULL;
    p = page_alloc_order(order);
    if (!p)
        return NULL;
    p->flags = PG_LARGE | order << PG_ORDER_SHIFT;
    return page_address(p);
}

void *kmalloc(size_t n)
{
    int class = class_of(n);

    return class >= 0 ? take_object(class) : take_frames(n);
}

void *kzalloc(size_t n)
{
    void *p = kmalloc(n);

    if (p)
        memset(p, 0, n);
    return p;
}

void kfree(void *object)
{
    struct page *p;
    uint32_t flags;

    if (!object)
        return;
    p = virt_to_page(object);
    if (p->flags & PG_LARGE) {
        unsigned order = PG_ORDER(p);
        p->flags = 0;
        page_free_order(p, order);
        return;
    }
    ASSERT(p->flags & PG_SLAB);
    flags = irq_save();
    if (!first_free(p))
        list_add(&partial[PG_ORDER(p)], &p->link);
    *(void **)object = first_free(p);
    set_first_free(p, object);
    if (!--p->refs) {
        list_del(&p->link);
        p->refs = 1;
        p->flags = 0;
        page_put(p);
    }
    irq_restore(flags);
}

char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = kmalloc(n);

    return copy ? memcpy(copy, s, n) : NULL;
}
