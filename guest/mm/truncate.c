/* SPDX-License-Identifier: GPL-2.0-only */
/* A file became shorter: what mappings show of the lost part goes too, so that the next touch finds
   out (SIGBUS) instead of writing to a frame that belongs to nobody. */
#include "internal.h"
#include "fs/fs.h"

static void unmap_beyond(struct mm *m, const struct inode *i, uint64_t size)
{
    struct vm_area *a;

    list_for_each(a, &m->areas, link) {
        uint64_t bytes = a->end - a->start;

        if (!a->file || a->file->inode != i || a->offset + bytes <= size)
            continue;
        range_unmap(m, a->start + (size > a->offset ? (uint32_t)(size - a->offset) : 0), a->end);
    }
}

void vm_file_shrunk(const struct inode *i, uint64_t size)
{
    struct task *t;

    size = (size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    list_for_each(t, &all_tasks, all) {
        if (t->mm) /* one memory may come up several times: the second finds nothing left */
            unmap_beyond(t->mm, i, size);
    }
}
