/* SPDX-License-Identifier: GPL-2.0-only */
/* The system calls about memory. */
#include "fs/fs.h"
#include "internal.h"
#include "kernel/syscall.h"
#include "mman.h"
#include "pagetable.h"

DEFINE_SYSCALL(brk)
{
    return vm_brk(current->mm, a);
}

static long map(uint32_t addr, uint32_t len, uint32_t prot, uint32_t flags, int fd, uint64_t offset)
{
    uint32_t type = flags & MAP_TYPE;
    struct file *f = NULL;
    long result;

    if (type != MAP_SHARED && type != MAP_PRIVATE && type != 3 /* MAP_SHARED_VALIDATE */)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        f = fd_get(fd);
        if (!f)
            return -EBADF;
    }
    result = vm_map(current->mm, addr, len, prot, flags, f, offset);
    if (f)
        file_put(f);
    return result;
}

/* The old call, from before system calls had six arguments. */
DEFINE_SYSCALL(mmap)
{
    uint32_t arg[6];

    if (copy_from_user(arg, (void __user *)a, sizeof arg))
        return -EFAULT;
    return map(arg[0], arg[1], arg[2], arg[3], (int)arg[4], arg[5]);
}

DEFINE_SYSCALL(mmap2)
{
    return map(a, b, c, d, (int)e, (uint64_t)f << PAGE_SHIFT);
}

DEFINE_SYSCALL(munmap)
{
    return vm_unmap(current->mm, a, b);
}

DEFINE_SYSCALL(mprotect)
{
    return vm_protect(current->mm, a, b, c);
}

DEFINE_SYSCALL(mremap)
{
    return vm_remap(current->mm, a, b, c, d, e);
}

static bool is_mapped(uint32_t addr, uint32_t len)
{
    uint32_t end = addr + PAGE_ALIGN(len);

    if (len > PAGE_OFFSET || addr > PAGE_OFFSET - PAGE_ALIGN(len))
        return false;
    while (addr < end) {
        struct vm_area *area = vm_find(current->mm, addr);
        if (!area)
            return false;
        addr = area->end;
    }
    return true;
}

/* Advice that changes what is seen is followed: DONTNEED gives back zeros, or the file again. */
DEFINE_SYSCALL(madvise)
{
    enum { MADV_DONTNEED = 4, MADV_FREE = 8 };

    if (a % PAGE_SIZE)
        return -EINVAL;
    if (!b)
        return 0;
    if (!is_mapped(a, b))
        return -ENOMEM;
    if (c == MADV_DONTNEED || c == MADV_FREE)
        range_unmap(current->mm, a, a + PAGE_ALIGN(b));
    return 0;
}

/* Shared mappings are the file's own pages: there is never anything to write back. */
DEFINE_SYSCALL(msync)
{
    enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };

    if (a % PAGE_SIZE || c & ~(uint32_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        ((c & MS_ASYNC) && (c & MS_SYNC)))
        return -EINVAL;
    return is_mapped(a, b) ? 0 : -ENOMEM;
}

DEFINE_SYSCALL(mincore)
{
    uint32_t pages = PAGE_ALIGN(b) >> PAGE_SHIFT;

    if (a % PAGE_SIZE)
        return -EINVAL;
    if (!is_mapped(a, b))
        return -ENOMEM;
    for (uint32_t i = 0; i < pages; i++) {
        pte_t *pte = pte_lookup(current->mm, a + i * PAGE_SIZE);
        uint8_t resident = pte && pte_present(pte);
        if (put_user(resident, (uint8_t __user *)c + i))
            return -EFAULT;
    }
    return 0;
}

/* Pages never leave memory; to lock them is to have them come now. */
static long lock(uint32_t addr, uint32_t len)
{
    uint32_t start = addr & PAGE_MASK;

    len = PAGE_ALIGN(len + addr % PAGE_SIZE);
    if (!is_mapped(start, len))
        return -ENOMEM;
    for (uint32_t at = start; at < start + len; at += PAGE_SIZE) {
        const struct vm_area *area = vm_find(current->mm, at);
        int error = area ? vm_fault(current->mm, at, area->flags & VM_WRITE, false) : -EFAULT;
        if (error)
            return error == -EACCES || error == -ENOMEM ? -ENOMEM : -EAGAIN;
    }
    return 0;
}

DEFINE_SYSCALL(mlock)
{
    return lock(a, b);
}

DEFINE_SYSCALL(munlock)
{
    uint32_t start = a & PAGE_MASK;

    return is_mapped(start, PAGE_ALIGN(b + a % PAGE_SIZE)) ? 0 : -ENOMEM;
}

DEFINE_SYSCALL(mlockall)
{
    return a && a <= 7 ? 0 : -EINVAL;
}

DEFINE_SYSCALL(munlockall)
{
    return 0;
}
