/* SPDX-License-Identifier: GPL-2.0-only */
/* mremap: a mapping grows, shrinks, or moves with its pages. */
#include "fs/fs.h"
#include "internal.h"
#include "mman.h"

static bool room_after(struct mm *m, const struct vm_area *a, uint32_t extra)
{
    const struct list *l = a->link.next;
    uint32_t limit = l == &m->areas ? PAGE_OFFSET : list_entry(l, struct vm_area, link)->start;

    return limit - a->end >= extra;
}

/* Move [addr, addr + old_len) of a to a place of new_len bytes. */
static long move(struct mm *m, struct vm_area *a, uint32_t addr, uint32_t old_len, uint32_t new_len,
                 uint32_t to)
{
    uint64_t offset = a->offset + (addr - a->start);
    struct vm_area *n =
        area_new(to, to + new_len, a->flags & ~(uint32_t)VM_HEAP, a->file, a->file ? offset : 0);

    if (!n)
        return -ENOMEM;
    n->own_pages = a->own_pages;
    area_insert(m, n);
    if (!range_move(m, addr, to, old_len)) {
        range_move(m, to, addr, old_len); /* back: these tables are still there */
        area_delete(m, n);
        return -ENOMEM;
    }
    vm_unmap(m, addr, old_len);
    return to;
}

long vm_remap(struct mm *m, uint32_t addr, uint32_t old_len, uint32_t new_len, uint32_t flags,
              uint32_t new_addr)
{
    struct vm_area *a;
    long error;

    if (addr % PAGE_SIZE || (flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED)) ||
        (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)) || !new_len || !old_len)
        return -EINVAL;
    if (old_len > PAGE_OFFSET || new_len > PAGE_OFFSET)
        return -EINVAL;
    old_len = PAGE_ALIGN(old_len);
    new_len = PAGE_ALIGN(new_len);
    a = addr < PAGE_OFFSET ? vm_find(m, addr) : NULL;
    if (!a || a->end - addr < old_len)
        return -EFAULT;
    if (a->file && a->offset + (addr - a->start) + new_len < a->offset)
        return -EINVAL;

    if (flags & MREMAP_FIXED) {
        if (new_addr % PAGE_SIZE || new_addr > PAGE_OFFSET - new_len ||
            (new_addr < addr + old_len && addr < new_addr + new_len))
            return -EINVAL;
        error = vm_unmap(m, new_addr, new_len);
        if (error)
            return error;
        if (new_len < old_len) {
            error = vm_unmap(m, addr + new_len, old_len - new_len);
            if (error)
                return error;
            old_len = new_len;
        }
        a = vm_find(m, addr);
        return a ? move(m, a, addr, old_len, new_len, new_addr) : -EFAULT;
    }
    if (new_len <= old_len) {
        error = new_len < old_len ? vm_unmap(m, addr + new_len, old_len - new_len) : 0;
        return error ? error : (long)addr;
    }
    if (a->end == addr + old_len && room_after(m, a, new_len - old_len)) {
        a->end = addr + new_len;
        area_merge(m, a);
        return addr;
    }
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    new_addr = area_find_gap(m, new_len);
    return new_addr ? move(m, a, addr, old_len, new_len, new_addr) : -ENOMEM;
}
