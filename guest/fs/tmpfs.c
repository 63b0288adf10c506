/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tmpfs: the tree of names. A directory is a list of entries in the order of their creation, for
 * reading, beside a hash table, for finding. Each entry carries a position that is never reused:
 * readdir goes on after the last position it gave out, so that "rm -r", which deletes what it has
 * just read, neither skips nor repeats an entry.
 *
 * An entry holds a reference to its inode; a directory holds one to its parent.
 */
#include "tmpfs.h"

struct tmpfs_entry {
    struct list link;
    struct tmpfs_entry *next; /* in its bucket */
    uint32_t hash, pos;
    struct inode *inode;
    uint8_t len;
    char name[];
};

#define FIRST_POS 2 /* "." and ".." are 0 and 1 */

static uint32_t hash_name(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    while (*name)
        h = (h ^ (uint8_t)*name++) * 16777619u;
    return h;
}

static struct tmpfs_entry *find_entry(struct inode *dir, const char *name)
{
    struct tmpfs_dir *d = &tmpfs_i(dir)->dir;
    uint32_t h = hash_name(name);

    if (!d->hash)
        return NULL;
    struct tmpfs_entry *e = d->hash[h & (d->buckets - 1)];
    while (e && (e->hash != h || strcmp(e->name, name) != 0))
        e = e->next;
    return e;
}

/* Keep chains short. When memory is short they may grow: slow is better than failing. */
static void grow_hash(struct tmpfs_dir *d)
{
    uint32_t buckets = d->buckets ? d->buckets * 4 : 8;
    struct tmpfs_entry **hash, *e;

    if (d->count < d->buckets * 2 || buckets > 16384)
        return;
    hash = kzalloc(buckets * sizeof(*hash));
    if (!hash)
        return;
    list_for_each(e, &d->entries, link)
    {
        e->next = hash[e->hash & (buckets - 1)];
        hash[e->hash & (buckets - 1)] = e;
    }
    kfree(d->hash);
    d->hash = hash;
    d->buckets = buckets;
}

static struct tmpfs_entry *entry_new(const char *name)
{
    size_t len = strlen(name);
    struct tmpfs_entry *e = kmalloc(sizeof(*e) + len + 1);

    if (!e)
        return NULL;
    e->len = len;
    e->hash = hash_name(name);
    memcpy(e->name, name, len + 1);
    return e;
}

static int entry_insert(struct inode *dir, struct tmpfs_entry *e, struct inode *i)
{
    struct tmpfs_dir *d = &tmpfs_i(dir)->dir;

    grow_hash(d);
    if (!d->hash)
        return -ENOSPC;
    e->inode = i;
    e->pos = d->next_pos++;
    e->next = d->hash[e->hash & (d->buckets - 1)];
    d->hash[e->hash & (d->buckets - 1)] = e;
    list_add_tail(&d->entries, &e->link);
    d->count++;
    dir->size += 20;
    inode_touch(dir);
    return 0;
}

/* Take the entry out and free it; its reference to the inode is the caller's now. */
static void entry_remove(struct inode *dir, struct tmpfs_entry *e)
{
    struct tmpfs_dir *d = &tmpfs_i(dir)->dir;
    struct tmpfs_entry **at = &d->hash[e->hash & (d->buckets - 1)];

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_del(&e->link);
    kfree(e);
    d->count--;
    dir->size -= 20;
    inode_touch(dir);
}

static struct inode *tmpfs_lookup(struct inode *dir, const char *name)
{
    struct tmpfs_entry *e = find_entry(dir, name);

    return e ? inode_get(e->inode) : ERR_PTR(-ENOENT);
}

/* Give the inode its name; for a directory also its place in the tree. Consumes i's reference. */
static long add_name(struct inode *dir, const char *name, struct inode *i)
{
    struct tmpfs_entry *e = entry_new(name);
    int err = e ? 0 : -ENOSPC;

    if (!err && S_ISDIR(i->mode)) {
        i->name = kstrdup(name);
        if (!i->name)
            err = -ENOSPC;
    }
    if (!err)
        err = entry_insert(dir, e, i);
    if (err) {
        kfree(e);
        inode_put(i);
        return err;
    }
    if (S_ISDIR(i->mode)) {
        i->parent = inode_get(dir);
        dir->nlink++;
    }
    return 0;
}

static long tmpfs_create(struct inode *dir, const char *name, mode_t mode, uint32_t rdev,
                         struct inode **out)
{
    struct inode *i = tmpfs_inode_new(dir->super, mode, rdev);

    if (!i)
        return -ENOSPC;
    if (dir->mode & 02000) { /* setgid directories hand their group down */
        i->gid = dir->gid;
        if (S_ISDIR(mode))
            i->mode |= 02000;
    }
    long err = add_name(dir, name, i);
    if (!err && out)
        *out = inode_get(i);
    return err;
}

static long tmpfs_symlink(struct inode *dir, const char *name, const char *target)
{
    struct inode *i = tmpfs_inode_new(dir->super, S_IFLNK | 0777, 0);

    if (!i)
        return -ENOSPC;
    tmpfs_i(i)->target = kstrdup(target);
    if (!tmpfs_i(i)->target) {
        inode_put(i);
        return -ENOSPC;
    }
    i->size = strlen(target);
    return add_name(dir, name, i);
}

static ssize_t tmpfs_readlink(struct inode *i, char *buf, size_t size)
{
    size_t n = MIN(size, (size_t)i->size);

    memcpy(buf, tmpfs_i(i)->target, n);
    return n;
}

static long tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
    long err = add_name(dir, name, inode_get(target));

    if (!err) {
        target->nlink++;
        target->ctime_ns = clock_realtime_ns();
    }
    return err;
}

static long tmpfs_unlink(struct inode *dir, const char *name)
{
    struct tmpfs_entry *e = find_entry(dir, name);

    if (!e)
        return -ENOENT;
    struct inode *i = e->inode;
    entry_remove(dir, e);
    i->nlink--;
    i->ctime_ns = clock_realtime_ns();
    inode_put(i);
    return 0;
}

static long tmpfs_rmdir(struct inode *dir, const char *name)
{
    struct tmpfs_entry *e = find_entry(dir, name);

    if (!e)
        return -ENOENT;
    struct inode *i = e->inode;
    if (tmpfs_i(i)->dir.count)
        return -ENOTEMPTY;
    entry_remove(dir, e);
    dir->nlink--;
    i->nlink = 0; /* whoever still stands in it finds it gone, but ".." still leads out */
    inode_put(i);
    return 0;
}

/* namei has settled what may replace what; here nothing can be refused but for memory. */
static long tmpfs_rename(struct inode *old_dir, const char *old, struct inode *new_dir,
                         const char *new)
{
    struct tmpfs_entry *from = find_entry(old_dir, old), *over = find_entry(new_dir, new), *e;
    char *dir_name = NULL;

    if (!from)
        return -ENOENT;
    struct inode *i = from->inode;
    if (over && S_ISDIR(i->mode) && tmpfs_i(over->inode)->dir.count)
        return -ENOTEMPTY;
    e = entry_new(new);
    if (S_ISDIR(i->mode))
        dir_name = kstrdup(new);
    if (!e || (S_ISDIR(i->mode) && !dir_name)) {
        kfree(e);
        kfree(dir_name);
        return -ENOSPC;
    }
    inode_get(i); /* between its two names */
    if (over)
        S_ISDIR(i->mode) ? tmpfs_rmdir(new_dir, new) : tmpfs_unlink(new_dir, new);
    int err = entry_insert(new_dir, e, i);
    if (err) {
        kfree(e);
        kfree(dir_name);
        inode_put(i);
        return err;
    }
    entry_remove(old_dir, from);
    i->ctime_ns = clock_realtime_ns();
    if (S_ISDIR(i->mode)) {
        kfree(i->name);
        i->name = dir_name;
        old_dir->nlink--;
        new_dir->nlink++;
        inode_get(new_dir);
        inode_put(i->parent);
        i->parent = new_dir;
    }
    inode_put(i); /* the old name's reference; the one taken above is the new name's */
    return 0;
}

static void tmpfs_release(struct inode *i)
{
    struct tmpfs_inode *t = tmpfs_i(i);

    if (S_ISREG(i->mode))
        tmpfs_data_release(i);
    else if (S_ISLNK(i->mode))
        kfree(t->target);
    else if (S_ISDIR(i->mode))
        kfree(t->dir.hash);
    inode_fini(i);
    kfree(t);
}

static int tmpfs_readdir(struct file *f, void *ctx, filldir_t fill)
{
    struct inode *dir = f->inode, *up = dir->parent ? dir->parent : dir;
    struct tmpfs_entry *e;

    if (f->pos == 0) {
        if (fill(ctx, ".", 1, 1, dir->ino, S_IFDIR >> 12))
            return 0;
        f->pos = 1;
    }
    if (f->pos == 1) {
        if (fill(ctx, "..", 2, FIRST_POS, up->ino, S_IFDIR >> 12))
            return 0;
        f->pos = FIRST_POS;
    }
    list_for_each(e, &tmpfs_i(dir)->dir.entries, link)
    {
        if (e->pos < f->pos)
            continue;
        if (fill(ctx, e->name, e->len, e->pos + 1, e->inode->ino, e->inode->mode >> 12))
            return 0;
        f->pos = e->pos + 1;
    }
    return 0;
}

static const struct inode_ops tmpfs_dir_inode_ops = {
    .lookup = tmpfs_lookup,
    .create = tmpfs_create,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .release = tmpfs_release,
};

static const struct file_ops tmpfs_dir_file_ops = {
    .lseek = generic_lseek,
    .readdir = tmpfs_readdir,
};

static const struct inode_ops tmpfs_link_inode_ops = {
    .readlink = tmpfs_readlink,
    .release = tmpfs_release,
};

static const struct inode_ops tmpfs_file_inode_ops = {
    .truncate = tmpfs_truncate,
    .release = tmpfs_release,
};

static const struct inode_ops tmpfs_special_inode_ops = {
    .release = tmpfs_release,
};

struct inode *tmpfs_inode_new(struct super *s, mode_t mode, uint32_t rdev)
{
    struct tmpfs_inode *t = kzalloc(sizeof *t);

    if (!t)
        return NULL;
    struct inode *i = &t->vfs;
    inode_init(i, s, s->next_ino++, mode);
    i->rdev = rdev;
    if (S_ISDIR(mode)) {
        list_init(&t->dir.entries);
        t->dir.next_pos = FIRST_POS;
        i->size = 40;
        i->nlink = 2;
        i->ops = &tmpfs_dir_inode_ops;
        i->fops = &tmpfs_dir_file_ops;
    } else if (S_ISLNK(mode)) {
        i->ops = &tmpfs_link_inode_ops;
    } else if (S_ISREG(mode)) {
        i->ops = &tmpfs_file_inode_ops;
        i->fops = &tmpfs_file_ops;
    } else {
        i->ops = &tmpfs_special_inode_ops;
    }
    return i;
}

/* Unmounted: take the tree apart, deepest directories first, without recursion. */
static void tmpfs_kill(struct super *s)
{
    struct inode *d = s->root;

    s->root->nlink = 0; /* who still stands there shall not fill it again */
    while (d) {
        struct tmpfs_dir *dir = &tmpfs_i(d)->dir;
        if (list_empty(&dir->entries)) {
            d = d == s->root ? NULL : d->parent;
            if (d) { /* the directory we come from is its first entry, and empty now */
                struct tmpfs_entry *e =
                    list_first(&tmpfs_i(d)->dir.entries, struct tmpfs_entry, link);
                struct inode *i = e->inode;
                entry_remove(d, e);
                i->nlink = 0;
                inode_put(i);
            }
            continue;
        }
        struct tmpfs_entry *e = list_first(&dir->entries, struct tmpfs_entry, link);
        struct inode *i = e->inode;
        if (S_ISDIR(i->mode)) {
            d = i;
            continue;
        }
        entry_remove(d, e);
        i->nlink--;
        inode_put(i);
    }
    inode_put(s->root);
}

struct super *tmpfs_mount(const char *type, const char *source)
{
    struct super *s = super_new(type, TMPFS_MAGIC, source);
    struct mem_stats m;

    if (!s)
        return NULL;
    mem_stats(&m);
    s->max_pages = m.total / 2;
    s->kill = tmpfs_kill;
    s->root = tmpfs_inode_new(s, S_IFDIR | 0755, 0);
    if (!s->root) {
        s->detached = true;
        super_free_if_idle(s);
        return NULL;
    }
    return s;
}

void tmpfs_set_limit(struct super *s, uint64_t pages)
{
    s->max_pages = pages;
}
