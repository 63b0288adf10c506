/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The areas of an address space: a list by address of what is mapped where, with which rights. No
 * page table is touched here.
 */
#include "fs/fs.h"
#include "internal.h"

/* Mappings without an address of their own are put below the stack's room to grow, downwards. */
#define MAP_TOP    0xBF000000u
#define MAP_BOTTOM 0x00010000u /* null pointers, even with an index, must stay errors */

struct vm_area *area_new(uint32_t start, uint32_t end, uint32_t flags, struct file *file,
                         uint64_t offset)
{
    struct vm_area *a = kmalloc(sizeof *a);

    if (!a)
        return NULL;
    *a = (struct vm_area){.start = start,
                          .end = end,
                          .flags = flags,
                          .file = file,
                          .offset = offset,
                          .own_pages = !file};
    list_init(&a->link);
    if (file)
        file_get(file);
    return a;
}

void area_free(struct vm_area *a)
{
    if (a->file)
        file_put(a->file);
    kfree(a);
}

struct vm_area *vm_find(struct mm *m, uint32_t addr)
{
    struct vm_area *a = m->last;

    if (a && addr >= a->start && addr < a->end)
        return a;
    list_for_each(a, &m->areas, link)
    {
        if (addr < a->start)
            return NULL;
        if (addr < a->end) {
            m->last = a;
            return a;
        }
    }
    return NULL;
}

void area_insert(struct mm *m, struct vm_area *a)
{
    struct vm_area *later;

    list_for_each(later, &m->areas, link) if (later->start >= a->end) break;
    list_add_tail(&later->link, &a->link);
    m->area_count++;
}

void area_delete(struct mm *m, struct vm_area *a)
{
    if (m->last == a)
        m->last = NULL;
    list_del(&a->link);
    m->area_count--;
    area_free(a);
}

/* Cut a in two at an address inside it; a keeps the lower part. false: out of memory or areas. */
bool area_split(struct mm *m, struct vm_area *a, uint32_t at)
{
    struct vm_area *upper = NULL;

    if (m->area_count < AREAS_MAX)
        upper = area_new(at, a->end, a->flags, a->file, a->offset + (at - a->start));
    if (!upper)
        return false;
    m->area_count++;
    upper->own_pages = a->own_pages;
    a->end = at;
    list_add(&a->link, &upper->link);
    m->last = NULL;
    return true;
}

static bool goes_on(const struct vm_area *a, const struct vm_area *b)
{
    return a->end == b->start && a->flags == b->flags && a->file == b->file &&
           !(a->flags & VM_GROWSDOWN) && (!a->file || a->offset + (a->end - a->start) == b->offset);
}

static bool join(struct mm *m, struct vm_area *lower, struct vm_area *upper)
{
    if (!goes_on(lower, upper))
        return false;
    lower->end = upper->end;
    lower->own_pages |= upper->own_pages;
    area_delete(m, upper);
    return true;
}

void area_merge(struct mm *m, struct vm_area *a)
{
    struct list *before = a->link.prev, *after = a->link.next;

    if (after != &m->areas)
        join(m, a, list_entry(after, struct vm_area, link));
    if (before != &m->areas)
        join(m, list_entry(before, struct vm_area, link), a);
}

/* The highest gap of len bytes below MAP_TOP, or 0. */
uint32_t area_find_gap(struct mm *m, uint32_t len)
{
    uint32_t top = MAP_TOP;

    for (struct list *l = m->areas.prev;; l = l->prev) {
        struct vm_area *a = l == &m->areas ? NULL : list_entry(l, struct vm_area, link);
        uint32_t floor = a ? a->end : MAP_BOTTOM;

        if (floor < top && top - floor >= len)
            return top - len;
        if (!a)
            return 0;
        top = MIN(top, a->start);
    }
}

/* Join what is alike in and beside [start, end). */
void area_merge_range(struct mm *m, uint32_t start, uint32_t end)
{
    struct list *l = m->areas.next;

    while (l != &m->areas && l->next != &m->areas) {
        struct vm_area *a = list_entry(l, struct vm_area, link);
        if (a->start > end)
            break;
        if (a->end < start || !join(m, a, list_entry(l->next, struct vm_area, link)))
            l = l->next;
    }
}
