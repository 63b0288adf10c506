/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of tmpfs share: the tree of names (tmpfs.c) and the data (tmpfs_file.c). */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "page_tree.h"
#include "vfs.h"

#define TMPFS_MAGIC 0x01021994

struct tmpfs_entry; /* a name in a directory */

struct tmpfs_dir {
    struct list entries; /* by pos, which is the order of creation */
    struct tmpfs_entry **hash;
    uint32_t buckets, count, next_pos;
};

struct tmpfs_inode {
    struct inode vfs;
    union {
        struct page_tree data; /* S_ISREG */
        char *target;          /* S_ISLNK */
        struct tmpfs_dir dir;  /* S_ISDIR */
    };
};

static inline struct tmpfs_inode *tmpfs_i(struct inode *i)
{
    return container_of(i, struct tmpfs_inode, vfs);
}

struct inode *tmpfs_inode_new(struct super *s, mode_t mode, uint32_t rdev); /* or NULL */

extern const struct file_ops tmpfs_file_ops;
long tmpfs_truncate(struct inode *i, uint64_t size);
void tmpfs_data_release(struct inode *i);

#endif
