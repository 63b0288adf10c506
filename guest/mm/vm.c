/* SPDX-License-Identifier: GPL-2.0-only */
/* Address spaces: their birth, their copies and their end, and the calls that change what is in one. */
#include "fs/fs.h"
#include "internal.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "mman.h"
#include "pagetable.h"

struct mm *mm_new(void)
{
    struct mm *m = kzalloc(sizeof *m);

    if (!m)
        return NULL;
    m->refs = 1;
    list_init(&m->areas);
    if (!pgd_new(m)) {
        kfree(m);
        return NULL;
    }
    return m;
}

void mm_get(struct mm *m)
{
    m->refs++;
}

static void drop_areas(struct mm *m)
{
    struct vm_area *a, *next;

    list_for_each_safe(a, next, &m->areas, link)
    {
        range_unmap(m, a->start, a->end);
        area_delete(m, a);
    }
}

void mm_put(struct mm *m)
{
    if (--m->refs)
        return;
    pv_exit_mmap(m);
    if (loaded_mm == m) /* off our tables first: then no entry that goes needs a flush */
        paging_load(NULL);
    drop_areas(m);
    pgd_delete(m);
    if (m->exe)
        file_put(m->exe);
    kfree(m);
}

void mm_switch(struct mm *next)
{
    if (!next)
        return;
    if (!next->active) {
        pv_activate_mm(loaded_mm, next);
        next->active = true;
    }
    paging_load(next);
}

struct mm *mm_fork(struct mm *from)
{
    struct mm *m = user_memory_ready() ? mm_new() : NULL;
    struct vm_area *a, *copy;

    if (!m)
        return NULL;
    list_for_each(a, &from->areas, link)
    {
        copy = area_new(a->start, a->end, a->flags, a->file, a->offset);
        if (!copy)
            goto fail;
        copy->own_pages = a->own_pages;
        list_add_tail(&m->areas, &copy->link);
        m->area_count++;
        if (!range_fork(m, from, a, current_frame()->esp & PAGE_MASK))
            goto fail;
    }
    m->code_start = from->code_start, m->code_end = from->code_end;
    m->data_start = from->data_start, m->data_end = from->data_end;
    m->brk_start = from->brk_start, m->brk = from->brk;
    m->stack_top = from->stack_top;
    m->arg_start = from->arg_start, m->arg_end = from->arg_end;
    m->env_start = from->env_start, m->env_end = from->env_end;
    m->peak_rss = m->rss;
    m->exe = from->exe;
    if (m->exe)
        file_get(m->exe);
    pv_dup_mmap(from, m);
    m->active = true;
    return m;
fail:
    mm_put(m);
    return NULL;
}

/* ---- mapping and unmapping ---- */

static bool range_ok(uint32_t addr, uint32_t len)
{
    return !(addr % PAGE_SIZE) && len && len <= PAGE_OFFSET && addr <= PAGE_OFFSET - len;
}

/* Make area boundaries of start and end, where they fall inside areas. */
static long split_at(struct mm *m, uint32_t start, uint32_t end)
{
    const uint32_t at[2] = {start, end};

    for (int i = 0; i < 2; i++) {
        struct vm_area *a = at[i] < PAGE_OFFSET ? vm_find(m, at[i]) : NULL;
        if (a && a->start != at[i] && !area_split(m, a, at[i]))
            return -ENOMEM;
    }
    return 0;
}

long vm_unmap(struct mm *m, uint32_t addr, uint32_t len)
{
    struct vm_area *a, *next;
    long error;

    if (len > PAGE_OFFSET)
        return -EINVAL;
    len = PAGE_ALIGN(len);
    if (!range_ok(addr, len))
        return -EINVAL;
    error = split_at(m, addr, addr + len);
    if (error)
        return error;
    list_for_each_safe(a, next, &m->areas, link)
    {
        if (a->start >= addr + len)
            break;
        if (a->end <= addr)
            continue;
        range_unmap(m, a->start, a->end);
        area_delete(m, a);
    }
    return 0;
}

static bool anything_in(struct mm *m, uint32_t addr, uint32_t len)
{
    struct vm_area *a;

    list_for_each(a, &m->areas, link) if (a->start < addr + len && a->end > addr) return true;
    return false;
}

/* Where the mapping goes, the old one at a fixed place removed; an address or -errno. */
static long choose_address(struct mm *m, uint32_t addr, uint32_t len, uint32_t flags)
{
    long error;

    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (!range_ok(addr, len))
            return addr % PAGE_SIZE ? -EINVAL : -ENOMEM;
        if (flags & MAP_FIXED_NOREPLACE)
            return anything_in(m, addr, len) ? -EEXIST : (long)addr;
        error = vm_unmap(m, addr, len);
        return error ? error : (long)addr;
    }
    addr = PAGE_ALIGN(addr); /* a wish */
    if (addr && range_ok(addr, len) && !anything_in(m, addr, len))
        return addr;
    addr = area_find_gap(m, len);
    return addr ? (long)addr : -ENOMEM;
}

static uint32_t rights_of(uint32_t prot)
{
    return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
           (prot & PROT_EXEC ? VM_EXEC : 0);
}

/* What a file lets us do with it; -errno, or the VM_ flags. */
static long file_rights(const struct file *f, uint32_t prot, bool shared)
{
    unsigned mode = f->flags & O_ACCMODE;

    if (!f->fops || !f->fops->page)
        return -ENODEV;
    if (mode == O_WRONLY)
        return -EACCES;
    if (!shared)
        return VM_MAYWRITE;
    if ((prot & PROT_WRITE) && mode != O_RDWR)
        return -EACCES;
    return VM_SHARED | (mode == O_RDWR ? VM_MAYWRITE : 0);
}

/* Make the area; the file's reference is the area's. */
static long map_area(struct mm *m, uint32_t addr, uint32_t len, uint32_t vm_flags,
                     struct file *file, uint64_t offset)
{
    struct vm_area *a = NULL;

    if (m->area_count < AREAS_MAX)
        a = area_new(addr, addr + len, vm_flags, file, offset);
    if (!a)
        return -ENOMEM;
    area_insert(m, a);
    area_merge(m, a);
    return addr;
}

static void populate(struct mm *m, uint32_t addr, uint32_t len, bool write)
{
    for (uint32_t i = 0; i < len; i += PAGE_SIZE)
        if (vm_fault(m, addr + i, write, false))
            break;
}

long vm_map(struct mm *m, uint32_t addr, uint32_t len, uint32_t prot, uint32_t flags,
            struct file *file, uint64_t offset)
{
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    struct file *made = NULL;
    uint32_t vm_flags = rights_of(prot);
    long result;

    if (!len || len > PAGE_OFFSET || offset % PAGE_SIZE)
        return len > PAGE_OFFSET ? -ENOMEM : -EINVAL;
    len = PAGE_ALIGN(len);
    if (file && offset + len < offset)
        return -EOVERFLOW;
    if (shared && (!file || (file->fops && file->fops->map_shared))) {
        /* Shared memory without a file of its own is a file without a name. */
        made = file ? file->fops->map_shared(file, offset + len) : file_new_memory("zero", len);
        if (IS_ERR(made))
            return PTR_ERR(made);
        file = made;
    }
    if (file) {
        result = file_rights(file, prot, shared);
        if (result < 0)
            goto out;
        vm_flags |= result;
    } else {
        vm_flags |= VM_MAYWRITE | (flags & MAP_GROWSDOWN ? VM_GROWSDOWN | VM_STACK : 0);
        offset = 0;
    }
    result = choose_address(m, addr, len, flags);
    if (is_error(result))
        goto out;
    result = map_area(m, result, len, vm_flags, file, offset);
    if ((flags & MAP_POPULATE) && !is_error(result))
        populate(m, result, len, vm_flags & VM_WRITE);
out:
    if (made)
        file_put(made);
    return result;
}

/* ---- rights ---- */

static bool fully_mapped(struct mm *m, uint32_t start, uint32_t end)
{
    while (start < end) {
        struct vm_area *a = vm_find(m, start);
        if (!a)
            return false;
        start = a->end;
    }
    return true;
}

long vm_protect(struct mm *m, uint32_t addr, uint32_t len, uint32_t prot)
{
    struct vm_area *a;
    uint32_t rights = rights_of(prot), end;
    long error;

    if (addr % PAGE_SIZE)
        return -EINVAL;
    if (!len)
        return 0;
    if (len > PAGE_OFFSET || !range_ok(addr, PAGE_ALIGN(len)))
        return -ENOMEM;
    end = addr + PAGE_ALIGN(len);
    if (!fully_mapped(m, addr, end))
        return -ENOMEM;
    list_for_each(a, &m->areas, link) if (a->start < end && a->end > addr && (prot & PROT_WRITE) &&
                                          !(a->flags & VM_MAYWRITE)) return -EACCES;
    error = split_at(m, addr, end);
    if (error)
        return error;
    list_for_each(a, &m->areas, link)
    {
        if (a->start < addr || a->end > end)
            continue;
        a->flags = (a->flags & ~(uint32_t)(VM_READ | VM_WRITE | VM_EXEC)) | rights;
        range_protect(m, a);
    }
    area_merge_range(m, addr, end); /* or a program that toggles rights would shred its list */
    return 0;
}

/* ---- the heap's end ---- */

uint32_t vm_brk(struct mm *m, uint32_t new_brk)
{
    uint32_t old_end = PAGE_ALIGN(m->brk), new_end = PAGE_ALIGN(new_brk);

    if (new_brk < m->brk_start || new_brk > PAGE_OFFSET - PAGE_SIZE ||
        new_brk - m->brk_start > rlimit(current, RLIMIT_DATA))
        return m->brk;
    if (new_end < old_end && vm_unmap(m, new_end, old_end - new_end))
        return m->brk;
    if (new_end > old_end) {
        if (anything_in(m, old_end, new_end - old_end))
            return m->brk;
        if (is_error(map_area(m, old_end, new_end - old_end,
                              VM_READ | VM_WRITE | VM_MAYWRITE | VM_HEAP, NULL, 0)))
            return m->brk;
    }
    m->brk = new_brk;
    return new_brk;
}
