/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files without a name: memory that has a descriptor (memfd_create), or that processes share
 * without one (MAP_SHARED|MAP_ANONYMOUS, and every shared mapping of /dev/zero).
 */
#include "../kernel/syscall.h"
#include "tmpfs.h"

#define MEMFD_NAME_MAX 249

struct file *file_new_memory(const char *name, uint64_t size)
{
    struct super *s = anon_super();
    struct inode *i = s ? tmpfs_inode_new(s, S_IFREG | 0777, 0) : NULL;

    if (!i)
        return ERR_PTR(-ENOMEM);
    i->nlink = 0;
    i->size = size;
    struct file *f = file_open_inode(i, O_RDWR | O_LARGEFILE);
    if (!IS_ERR(f))
        f->path = kstrdup(name);
    inode_put(i);
    return f;
}

DEFINE_SYSCALL(memfd_create)
{
    enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2 };
    static const char prefix[] = "/memfd:";

    if (b & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return -EINVAL;
    char *name = kmalloc(sizeof prefix + MEMFD_NAME_MAX);
    if (!name)
        return -ENOMEM;
    memcpy(name, prefix, sizeof prefix);
    ssize_t n =
        strncpy_from_user(name + sizeof prefix - 1, (const char __user *)a, MEMFD_NAME_MAX + 1);
    struct file *file = ERR_PTR(n == -ENAMETOOLONG ? -EINVAL : n);
    if (n >= 0)
        file = file_new_memory(name, 0);
    kfree(name);
    return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, 0, b & MFD_CLOEXEC);
}
