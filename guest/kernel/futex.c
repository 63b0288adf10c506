/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Futexes: sleeping on a word of user memory. A lock that nobody contends for never comes here; one
 * that must wait says "put me to sleep if the word still is what I saw". The kernel's part is a hash
 * of sleepers by the word's identity, which is (memory, address) for private words, and for words in
 * shared mappings (file, offset), because two processes may see them at different addresses.
 *
 * The comparison and the queueing cannot be torn apart here: the kernel is not preempted in between.
 */
#include "process.h"

#include "../fs/fs.h"
#include "syscall.h"

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_FD,
    FUTEX_REQUEUE,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET
};
#define FUTEX_PRIVATE        128u
#define FUTEX_CLOCK_REALTIME 256u
#define FUTEX_CMD_MASK       127u
#define BITSET_ANY           0xFFFFFFFFu

struct futex_key {
    const void *object; /* struct mm or struct inode */
    uint64_t offset;    /* address in that memory, or byte of that file */
};

struct futex_waiter {
    struct list link;
    struct futex_key key;
    struct task *task;
    uint32_t bitset;
    bool woken;
};

#define BUCKETS 64
static struct list buckets[BUCKETS];

static struct list *bucket_of(const struct futex_key *k)
{
    uint32_t h = (uint32_t)(uintptr_t)k->object / 32 ^ (uint32_t)(k->offset / 4) * 0x9E3779B1u;
    struct list *b = &buckets[h >> 26];

    if (!b->next)
        list_init(b);
    return b;
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

static int make_key(struct futex_key *k, uint32_t addr, bool private)
{
    struct vm_area *area;

    if (addr & 3)
        return -EINVAL;
    if (addr >= PAGE_OFFSET)
        return -EFAULT;
    *k = (struct futex_key){current->mm, addr};
    if (private)
        return 0;
    area = vm_find(current->mm, addr);
    if (!area || addr < area->start)
        return -EFAULT;
    if ((area->flags & VM_SHARED) && area->file)
        *k = (struct futex_key){area->file->inode, area->offset + (addr - area->start)};
    return 0;
}

static void wake_waiter(struct futex_waiter *w)
{
    list_del(&w->link);
    w->woken = true;
    wake_task(w->task);
}

static int wake_key(const struct futex_key *k, uint32_t max, uint32_t bitset)
{
    struct list *b = bucket_of(k);
    struct futex_waiter *w, *next;
    uint32_t n = 0;

    list_for_each_safe(w, next, b, link)
    {
        if (n >= max)
            break;
        if (same_key(&w->key, k) && (w->bitset & bitset)) {
            wake_waiter(w);
            n++;
        }
    }
    return (int)n;
}

static long futex_wake(uint32_t addr, bool private, uint32_t max, uint32_t bitset)
{
    struct futex_key k;
    int err;

    if (!bitset)
        return -EINVAL;
    err = make_key(&k, addr, private);
    return err ? err : wake_key(&k, max, bitset);
}

void futex_wake_address(uint32_t addr)
{
    struct futex_key private, shared;

    if (make_key(&private, addr, true) || make_key(&shared, addr, false))
        return;
    if (!wake_key(&shared, 1, BITSET_ANY) && !same_key(&private, &shared))
        wake_key(&private, 1, BITSET_ANY);
}

/* deadline: of the monotonic clock, 0 for none. */
static long futex_wait(uint32_t addr, bool private, uint32_t value, uint32_t bitset,
                       uint64_t deadline)
{
    struct futex_waiter w = {.task = current, .bitset = bitset};
    uint32_t now;
    int err;

    if (!bitset)
        return -EINVAL;
    /* Touch the word first: that may sleep for its page, and make its mapping known. */
    if (get_user(now, (const uint32_t __user *)addr))
        return -EFAULT;
    if ((err = make_key(&w.key, addr, private)))
        return err;
    if (now != value)
        return -EAGAIN;
    list_add_tail(bucket_of(&w.key), &w.link);
    for (;;) {
        current->state = TASK_INTERRUPTIBLE;
        if (w.woken || signal_pending(current) || (deadline && clock_monotonic_ns() >= deadline))
            break;
        schedule_until(deadline);
    }
    current->state = TASK_RUNNING;
    list_del(&w.link);
    if (w.woken)
        return 0;
    return signal_pending(current) ? -ERESTARTSYS : -ETIMEDOUT;
}

static long futex_wait_again(struct task *t);

/* With a time-out the call cannot simply be made again: it would wait the whole time once more. */
static long futex_wait_restartable(uint32_t addr, bool private, uint32_t value, uint32_t bitset,
                                   uint64_t deadline)
{
    long result = futex_wait(addr, private, value, bitset, deadline);

    if (result != -ERESTARTSYS || !deadline)
        return result;
    current->restart_fn = futex_wait_again;
    current->restart_args[0] = addr;
    current->restart_args[1] = (uint64_t) private << 32 | value;
    current->restart_args[2] = bitset;
    current->restart_args[3] = deadline;
    return -ERESTART_RESTARTBLOCK;
}

static long futex_wait_again(struct task *t)
{
    return futex_wait_restartable((uint32_t)t->restart_args[0], t->restart_args[1] >> 32,
                                  (uint32_t)t->restart_args[1], (uint32_t)t->restart_args[2],
                                  t->restart_args[3]);
}

/* Wake some of the sleepers on one word and move the rest to another: condition variables. */
static long futex_requeue(uint32_t from, uint32_t to, bool private, uint32_t max_wake,
                          uint32_t max_move, const uint32_t *expected)
{
    struct futex_key k1, k2;
    struct futex_waiter *w, *next;
    uint32_t now, woken = 0, moved = 0;
    int err;

    if ((int32_t)max_wake < 0 || (int32_t)max_move < 0)
        return -EINVAL;
    if ((err = make_key(&k1, from, private)) || (err = make_key(&k2, to, private)))
        return err;
    if (expected) {
        if (get_user(now, (const uint32_t __user *)from))
            return -EFAULT;
        if (now != *expected)
            return -EAGAIN;
    }
    list_for_each_safe(w, next, bucket_of(&k1), link)
    {
        if (!same_key(&w->key, &k1))
            continue;
        if (woken < max_wake) {
            wake_waiter(w);
            woken++;
        } else if (moved < max_move && !same_key(&k1, &k2)) {
            w->key = k2;
            list_del(&w->link);
            list_add_tail(bucket_of(&k2), &w->link);
            moved++;
        }
    }
    return (long)(woken + (expected ? moved : 0));
}

/* FUTEX_WAKE_OP's little program: change the second word, then compare what it was. */
static int apply_op(uint32_t op, uint32_t addr, bool *matched)
{
    uint32_t kind = op >> 28 & 7, compare = op >> 24 & 15, old, new;
    int32_t arg = (int32_t)(op << 8) >> 20, with = (int32_t)(op << 20) >> 20;

    if (op >> 31)
        arg = (int32_t)(1u << (arg & 31));
    if (get_user(old, (const uint32_t __user *)addr))
        return -EFAULT;
    switch (kind) {
    case 0:
        new = (uint32_t)arg;
        break;
    case 1:
        new = old + (uint32_t)arg;
        break;
    case 2:
        new = old | (uint32_t)arg;
        break;
    case 3:
        new = old & ~(uint32_t)arg;
        break;
    case 4:
        new = old ^ (uint32_t)arg;
        break;
    default:
        return -ENOSYS;
    }
    if (put_user(new, (uint32_t __user *)addr))
        return -EFAULT;
    int32_t was = (int32_t)old;
    const bool results[] = {was == with, was != with, was<with, was <= with, was> with,
                            was >= with};
    if (compare >= ARRAY_LEN(results))
        return -ENOSYS;
    *matched = results[compare];
    return 0;
}

static long futex_wake_op(uint32_t addr1, uint32_t addr2, bool private, uint32_t max1,
                          uint32_t max2, uint32_t op)
{
    struct futex_key k1, k2;
    bool matched;
    int err, n;

    if ((err = make_key(&k1, addr1, private)) || (err = make_key(&k2, addr2, private)) ||
        (err = apply_op(op, addr2, &matched)))
        return err;
    n = wake_key(&k1, max1, BITSET_ANY);
    return matched ? n + wake_key(&k2, max2, BITSET_ANY) : n;
}

/* WAIT's time is relative, WAIT_BITSET's an instant of one of two clocks. */
static int wait_deadline(uint64_t *deadline, uint32_t op, uint32_t time_addr, bool wide)
{
    uint64_t ns;
    int err;

    *deadline = 0;
    if (!time_addr)
        return 0;
    if ((err = time_from_user(&ns, time_addr, wide)))
        return err;
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT) {
        *deadline = deadline_after(ns);
    } else if (op & FUTEX_CLOCK_REALTIME) {
        uint64_t now = clock_realtime_ns();

        *deadline = deadline_after(ns > now ? ns - now : 0);
    } else {
        *deadline = MAX(ns, 1u); /* 0 would mean for ever */
    }
    return 0;
}

/* futex(addr, op, val, time or val2, addr2, val3) */
static long do_futex(uint32_t addr, uint32_t op, uint32_t val, uint32_t time, uint32_t addr2,
                     uint32_t val3, bool wide)
{
    uint32_t cmd = op & FUTEX_CMD_MASK;
    bool private = op & FUTEX_PRIVATE;
    uint64_t deadline;
    int err;

    if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        if ((err = wait_deadline(&deadline, op, time, wide)))
            return err;
        return futex_wait_restartable(addr, private, val, cmd == FUTEX_WAIT ? BITSET_ANY : val3,
                                      deadline);
    case FUTEX_WAKE:
        return futex_wake(addr, private, val, BITSET_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(addr, private, val, val3);
    case FUTEX_REQUEUE:
        return futex_requeue(addr, addr2, private, val, time, NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(addr, addr2, private, val, time, &val3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(addr, addr2, private, val, time, val3);
    default:
        return -ENOSYS; /* priority inheritance: C libraries ask, and do without */
    }
}

DEFINE_SYSCALL(futex)
{
    return do_futex(a, b, c, d, e, f, false);
}

DEFINE_SYSCALL(futex_time64)
{
    return do_futex(a, b, c, d, e, f, true);
}

/* ---- robust lists: locks whose owner dies ---- */

#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK   0x3fffffffu
#define ROBUST_LIMIT     2048 /* a list is user memory, and may be a ring */

struct robust_head {
    uint32_t first;   /* the list's own head when it is empty; bit 0: priority inheritance */
    int32_t offset;   /* from a list entry to its lock word */
    uint32_t pending; /* being locked or unlocked right now */
};

/* The lock at addr: if t owned it, say so in the word and wake one who waits. */
static void lock_owner_died(const struct task *t, uint32_t addr)
{
    uint32_t word;

    if ((addr & 3) || get_user(word, (const uint32_t __user *)addr) ||
        (word & FUTEX_TID_MASK) != (uint32_t)t->pid)
        return;
    if (put_user((word & FUTEX_WAITERS) | FUTEX_OWNER_DIED, (uint32_t __user *)addr))
        return;
    if (word & FUTEX_WAITERS)
        futex_wake_address(addr);
}

void futex_robust_exit(struct task *t)
{
    uint32_t list = (uint32_t)t->robust_list, entry;
    struct robust_head head;

    t->robust_list = NULL;
    if (!list || copy_from_user(&head, (const void __user *)list, sizeof head))
        return;
    entry = head.first & ~1u;
    for (int n = 0; n < ROBUST_LIMIT && entry != list; n++) {
        uint32_t next;
        bool more = !get_user(next, (const uint32_t __user *)entry);

        if (entry != (head.pending & ~1u))
            lock_owner_died(t, entry + (uint32_t)head.offset);
        if (!more)
            break;
        entry = next & ~1u;
    }
    if (head.pending & ~1u)
        lock_owner_died(t, (head.pending & ~1u) + (uint32_t)head.offset);
}

DEFINE_SYSCALL(set_robust_list)
{
    if (b != sizeof(struct robust_head))
        return -EINVAL;
    current->robust_list = (uint32_t __user *)a;
    return 0;
}

/* get_robust_list(pid, head, length) */
DEFINE_SYSCALL(get_robust_list)
{
    struct task *t = a ? task_find((pid_t)a) : current;

    if (!t)
        return -ESRCH;
    if (t != current && current->euid && current->euid != t->uid)
        return -EPERM;
    if (put_user((uint32_t)sizeof(struct robust_head), (uint32_t __user *)c))
        return -EFAULT;
    return put_user((uint32_t)t->robust_list, (uint32_t __user *)b);
}

DEFINE_SYSCALL(set_tid_address)
{
    current->clear_child_tid = (uint32_t __user *)a;
    return current->pid;
}
