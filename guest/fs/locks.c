/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Advisory locks. An inode has one list of them. A lock of fcntl covers a range and belongs to a
 * table of open files (a process); one of flock covers everything and belongs to an open file. The
 * two kinds do not see each other, as on Linux.
 */
#include "locks.h"

struct lock {
    struct list link;
    const void *owner;
    bool whole; /* flock's */
    bool write;
    pid_t pid;
    uint64_t start, end; /* [start, end) */
};

/* One queue for all who wait for any lock: who wakes looks again. Locks are rare. */
static struct wait_queue released = WAIT_QUEUE_INIT(released);

static bool overlaps(const struct lock *l, uint64_t start, uint64_t end)
{
    return l->start < end && start < l->end;
}

static struct lock *find_conflict(struct inode *i, const struct lock *want)
{
    struct lock *l;

    list_for_each(l, &i->locks, link)
    {
        if (l->owner != want->owner && l->whole == want->whole && (l->write || want->write) &&
            overlaps(l, want->start, want->end))
            return l;
    }
    return NULL;
}

static void lock_free(struct lock *l)
{
    list_del(&l->link);
    kfree(l);
}

void locks_drop_owner(struct inode *i, const void *owner)
{
    struct lock *l, *tmp;
    bool any = false;

    list_for_each_safe(l, tmp, &i->locks, link)
    {
        if (l->owner == owner) {
            lock_free(l);
            any = true;
        }
    }
    if (any)
        wake_up(&released);
}

/* Make room for want among its owner's own locks: what overlaps is cut, and split when want falls
   into its middle. spare is the lock a split needs; NULL again when it was used. */
static void carve(struct inode *i, const struct lock *want, struct lock **spare)
{
    struct lock *l, *tmp;

    list_for_each_safe(l, tmp, &i->locks, link)
    {
        if (l->owner != want->owner || l->whole != want->whole ||
            !overlaps(l, want->start, want->end))
            continue;
        if (l->start < want->start && l->end > want->end) {
            struct lock *tail = *spare;
            *spare = NULL;
            *tail = *l;
            tail->start = want->end;
            list_add(&l->link, &tail->link);
            l->end = want->start;
        } else if (l->start < want->start) {
            l->end = want->start;
        } else if (l->end > want->end) {
            l->start = want->end;
        } else {
            lock_free(l);
        }
    }
}

static long set_lock(struct inode *i, const struct lock *want, bool unlock, bool wait)
{
    struct lock *spare = kmalloc(sizeof *spare), *add = kmalloc(sizeof *add);
    long err = spare && add ? 0 : -ENOLCK;

    if (!err && !unlock && find_conflict(i, want)) {
        err = -EAGAIN;
        if (wait)
            err = wait_event(&released, !find_conflict(i, want)) ? -ERESTARTSYS : 0;
    }
    if (!err) {
        carve(i, want, &spare);
        if (!unlock) {
            *add = *want;
            list_add_tail(&i->locks, &add->link);
            add = NULL;
        }
        wake_up(&released); /* unlocked, or a write lock became a read lock */
    }
    kfree(spare);
    kfree(add);
    return err;
}

/* Turn whence, start and len into a range of absolute bytes. */
static long resolve(const struct file *f, const struct lock_request *r, struct lock *out)
{
    int64_t start = r->start, len = r->len;

    if (r->whence == 1)
        start += (int64_t)f->pos;
    else if (r->whence == 2)
        start += (int64_t)f->inode->size;
    else if (r->whence != 0)
        return -EINVAL;
    if (len < 0) {
        start += len;
        len = -len;
    }
    if (start < 0 || len < 0)
        return -EINVAL;
    *out = (struct lock){.owner = current->files,
                         .pid = current->tgid,
                         .write = r->type == F_WRLCK,
                         .start = start,
                         .end = len ? (uint64_t)start + (uint64_t)len : UINT64_MAX};
    return 0;
}

long locks_posix_set(struct file *f, const struct lock_request *r, bool wait)
{
    struct lock want;
    long err = resolve(f, r, &want);

    if (err)
        return err;
    switch (r->type) {
    case F_RDLCK:
        err = file_readable(f);
        break;
    case F_WRLCK:
        err = file_writable(f);
        break;
    case F_UNLCK:
        break;
    default:
        err = -EINVAL;
    }
    return err ? err : set_lock(f->inode, &want, r->type == F_UNLCK, wait);
}

long locks_posix_test(struct file *f, struct lock_request *r)
{
    struct lock want;
    long err = resolve(f, r, &want);

    if (err)
        return err;
    if (r->type != F_RDLCK && r->type != F_WRLCK)
        return -EINVAL;
    const struct lock *l = find_conflict(f->inode, &want);
    if (!l) {
        r->type = F_UNLCK;
        return 0;
    }
    *r = (struct lock_request){.type = l->write ? F_WRLCK : F_RDLCK,
                               .start = l->start,
                               .len = l->end == UINT64_MAX ? 0 : l->end - l->start,
                               .pid = l->pid};
    return 0;
}

long locks_flock(struct file *f, uint32_t operation)
{
    enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
    uint32_t what = operation & ~(uint32_t)LOCK_NB;

    if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
        return -EINVAL;
    if (f->flags & O_PATH)
        return -EBADF;
    struct lock want = {.owner = f,
                        .whole = true,
                        .pid = current->tgid,
                        .write = what == LOCK_EX,
                        .end = UINT64_MAX};
    return set_lock(f->inode, &want, what == LOCK_UN, !(operation & LOCK_NB));
}
