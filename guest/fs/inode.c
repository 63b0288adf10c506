/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inodes and super blocks: counting references, who may do what, and which file systems are
 * mounted where. An inode knows its super block, and the super block knows how many inodes it has
 * alive; the last of them takes an unmounted super block with it.
 */
#include "vfs.h"

struct list mounts = LIST_INIT(mounts);

static uint32_t next_dev = 1; /* anonymous devices: 0:1, 0:2, ... */

struct super *super_new(const char *type, uint32_t magic, const char *source)
{
    struct super *s = kzalloc(sizeof *s);
    if (!s)
        return NULL;
    s->source = kstrdup(source);
    if (!s->source) {
        kfree(s);
        return NULL;
    }
    s->type = type;
    s->magic = magic;
    s->dev = MKDEV(0, next_dev);
    next_dev++;
    s->next_ino = 1;
    list_init(&s->link);
    return s;
}

void super_free_if_idle(struct super *s)
{
    if (!s->detached || s->inodes)
        return;
    kfree(s->source);
    kfree(s);
}

void inode_init(struct inode *i, struct super *s, uint32_t ino, mode_t mode)
{
    memset(i, 0, sizeof *i);
    i->refs = 1;
    i->nlink = 1;
    i->ino = ino;
    i->mode = mode;
    i->super = s;
    if (current) {
        i->uid = current->fsuid;
        i->gid = current->fsgid;
    }
    i->atime_ns = i->mtime_ns = i->ctime_ns = clock_realtime_coarse_ns();
    list_init(&i->locks);
    s->inodes++;
}

void inode_fini(struct inode *i)
{
    struct super *s = i->super;

    ASSERT(list_empty(&i->locks));
    kfree(i->name);
    s->inodes--;
    super_free_if_idle(s);
}

struct inode *inode_get(struct inode *i)
{
    i->refs++;
    return i;
}

void inode_put(struct inode *i)
{
    /* A loop, not a recursion: the last child of a long chain of removed directories drops its
       parent, that one its own, and the kernel's stack has 8 KiB. */
    while (i && --i->refs == 0) {
        struct inode *parent = i->parent;
        i->ops->release(i);
        i = parent;
    }
}

void inode_touch(struct inode *i)
{
    i->mtime_ns = i->ctime_ns = clock_realtime_coarse_ns();
}

bool inode_is_owner(const struct inode *i)
{
    return current->fsuid == 0 || current->fsuid == i->uid;
}

static bool in_group(uint32_t gid, uint32_t own)
{
    if (own == gid)
        return true;
    for (uint32_t k = 0; k < current->ngroups; k++)
        if (current->groups[k] == gid)
            return true;
    return false;
}

int inode_permission_as(const struct inode *i, int may, uint32_t uid, uint32_t gid)
{
    mode_t bits = i->mode;

    if ((may & MAY_WRITE) && (i->super->flags & MS_RDONLY) &&
        (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
        return -EROFS;
    if (uid == 0) {
        /* Root may do all, except run what nobody may run. */
        if ((may & MAY_EXEC) && !S_ISDIR(i->mode) && !(i->mode & 0111))
            return -EACCES;
        return 0;
    }
    if (uid == i->uid)
        bits >>= 6;
    else if (in_group(i->gid, gid))
        bits >>= 3;
    return (bits & may) == (mode_t)may ? 0 : -EACCES;
}

int inode_permission(struct inode *i, int may)
{
    return current ? inode_permission_as(i, may, current->fsuid, current->fsgid) : 0;
}

/* Pipes and nameless files need a super block too, which is in no tree. */
struct super *anon_super(void)
{
    static struct super *s;

    if (!s)
        s = super_new("anon", 0x09041934, "none");
    return s;
}

int mount_at(struct super *s, struct inode *where)
{
    if (!S_ISDIR(where->mode))
        return -ENOTDIR;
    s->covered = inode_get(where);
    where->mounted = s->root;
    list_add_tail(&mounts, &s->link);
    return 0;
}
