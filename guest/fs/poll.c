/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poll and select: sleep until one of many files is ready. The first round over the files also
 * puts the task on their wait queues; after that it sleeps, and whoever wakes it makes it ask all
 * files again. select is poll with the question written as bit maps.
 */
#include "poll.h"
#include "../kernel/syscall.h"
#include "vfs.h"

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull

/* Waiters live in blocks: most calls watch few files, and the first block is on the stack. */
#define WAITERS_A_BLOCK 8
#define WAITERS_MORE    64

struct waiter_block {
    struct waiter_block *next;
    struct waiter waiters[WAITERS_MORE];
};

struct poll_table {
    struct waiter first[WAITERS_A_BLOCK];
    struct waiter_block *more; /* the newest first */
    uint32_t count;
    bool registered; /* the first round is over */
    bool failed;     /* memory was short: never sleep on an incomplete set */
};

void poll_wait(struct poll_table *pt, struct wait_queue *q)
{
    struct waiter *w;

    if (!pt || pt->registered || pt->failed)
        return;
    if (pt->count < WAITERS_A_BLOCK) {
        w = &pt->first[pt->count];
    } else {
        uint32_t at = (pt->count - WAITERS_A_BLOCK) % WAITERS_MORE;
        if (at == 0) {
            struct waiter_block *b = kmalloc(sizeof *b);
            if (!b) {
                pt->failed = true;
                return;
            }
            b->next = pt->more;
            pt->more = b;
        }
        w = &pt->more->waiters[at];
    }
    pt->count++;
    wait_add(q, w);
}

static void poll_table_fini(struct poll_table *pt)
{
    for (uint32_t i = 0; i < MIN(pt->count, (uint32_t)WAITERS_A_BLOCK); i++)
        wait_remove(&pt->first[i]);
    uint32_t rest = pt->count > WAITERS_A_BLOCK ? pt->count - WAITERS_A_BLOCK : 0;
    while (pt->more) {
        struct waiter_block *b = pt->more;
        uint32_t here = rest % WAITERS_MORE ? rest % WAITERS_MORE : MIN(rest, WAITERS_MORE);
        for (uint32_t i = 0; i < here; i++)
            wait_remove(&b->waiters[i]);
        rest -= here;
        pt->more = b->next;
        kfree(b);
    }
}

/* One thing to watch. The file is held while the call lasts, so that its queues stay. */
struct watch {
    struct file *file;
    uint16_t events, revents;
};

/* Ask all files. The number that have something to say. */
static int ask_all(struct watch *w, uint32_t n, struct poll_table *pt)
{
    int ready = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!w[i].file)
            continue;
        uint32_t events = POLL_ALWAYS;
        if (w[i].file->fops->poll)
            events = w[i].file->fops->poll(w[i].file, ready ? NULL : pt);
        w[i].revents = events & (w[i].events | POLLERR | POLLHUP);
        if (w[i].revents)
            ready++;
    }
    return ready;
}

/* Wait for the files. deadline 0: for ever; immediately: only look. Files ready, 0 when the time
   is over, -EINTR, -ENOMEM. */
static int wait_all(struct watch *w, uint32_t n, uint64_t deadline, bool immediately)
{
    struct poll_table *pt = NULL;
    int ready;

    if (immediately)
        return ask_all(w, n, NULL);
    pt = kzalloc(sizeof *pt);
    if (!pt)
        return -ENOMEM;
    for (;;) {
        current->state = TASK_INTERRUPTIBLE;
        ready = ask_all(w, n, pt);
        if (ready)
            break;
        pt->registered = true;
        if (pt->failed)
            ready = -ENOMEM;
        else if (signal_pending(current))
            ready = -EINTR;
        if (ready || (deadline && clock_monotonic_ns() >= deadline))
            break;
        schedule_until(deadline);
    }
    current->state = TASK_RUNNING;
    poll_table_fini(pt);
    kfree(pt);
    return ready;
}

/* ---- time-outs in their several shapes ---- */

struct timeout {
    uint64_t deadline; /* monotonic ns; 0 with forever */
    bool forever, immediately;
};

static int timeout_from(struct timeout *t, int64_t sec, uint64_t nsec)
{
    if (sec < 0 || nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *t = (struct timeout){.immediately = sec == 0 && nsec == 0};
    uint64_t now = clock_monotonic_ns();
    if ((uint64_t)sec > (INT64_MAX - now) / NSEC_PER_SEC - 1)
        t->forever = true;
    else
        t->deadline = now + (uint64_t)sec * NSEC_PER_SEC + nsec;
    return 0;
}

struct time32 {
    int32_t sec, frac;
};
struct time64 {
    int64_t sec, nsec;
};

enum time_shape { TIMEVAL, TIMESPEC, TIMESPEC64 };

static int timeout_from_user(struct timeout *t, uint32_t ptr, enum time_shape shape)
{
    struct time32 narrow;
    struct time64 wide;

    *t = (struct timeout){.forever = true};
    if (!ptr)
        return 0;
    if (shape == TIMESPEC64) {
        if (get_user(wide, (struct time64 __user *)ptr))
            return -EFAULT;
        /* User space that thinks in 32 bits leaves rubbish in the upper half. */
        return timeout_from(t, wide.sec, (uint32_t)wide.nsec);
    }
    if (get_user(narrow, (struct time32 __user *)ptr))
        return -EFAULT;
    if (shape == TIMEVAL) /* a second or more of microseconds is allowed here, and adds up */
        return narrow.frac < 0 ? -EINVAL
                               : timeout_from(t, (int64_t)narrow.sec + narrow.frac / 1000000,
                                              narrow.frac % 1000000 * 1000u);
    return timeout_from(t, narrow.sec, (uint32_t)narrow.frac);
}

/* Linux tells how much time was left. Nobody may depend on its being writable. */
static void timeout_to_user(const struct timeout *t, uint32_t ptr, enum time_shape shape)
{
    if (!ptr || t->forever)
        return;
    uint64_t now = clock_monotonic_ns(), left = t->deadline > now ? t->deadline - now : 0;
    if (t->immediately)
        left = 0;
    struct time64 wide = {left / NSEC_PER_SEC, left % NSEC_PER_SEC};
    struct time32 narrow = {wide.sec, shape == TIMEVAL ? wide.nsec / 1000 : wide.nsec};
    int err = shape == TIMESPEC64 ? put_user(wide, (struct time64 __user *)ptr)
                                  : put_user(narrow, (struct time32 __user *)ptr);
    (void)err;
}

/* ppoll and pselect wait with another signal mask. After an interruption it stays in force until
   the signal is delivered, and the way out puts the old one back. */
static int mask_push(uint32_t ptr, uint32_t size)
{
    sigset_t set;

    if (!ptr)
        return 0;
    if (size != sizeof set)
        return -EINVAL;
    if (get_user(set, (sigset_t __user *)ptr))
        return -EFAULT;
    current->saved_blocked = current->blocked;
    current->blocked = set & ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
    return 1;
}

static void mask_pop(int pushed, long result)
{
    if (!pushed)
        return;
    if (result == -EINTR || result == -ERESTARTNOHAND)
        current->restore_blocked = true;
    else
        current->blocked = current->saved_blocked;
}

/* ---- poll ---- */

struct pollfd {
    int32_t fd;
    uint16_t events, revents;
};

static long do_poll(uint32_t fds, uint32_t n, const struct timeout *t)
{
    struct pollfd *p;
    struct watch *w;
    long r = -ENOMEM;

    if (n > MIN(rlimit(current, RLIMIT_NOFILE), FD_MAX))
        return -EINVAL;
    p = kmalloc(MAX(n, 1u) * sizeof *p);
    w = kzalloc(MAX(n, 1u) * sizeof *w);
    if (!p || !w)
        goto out;
    r = -EFAULT;
    if (copy_from_user(p, (const char __user *)fds, n * sizeof *p))
        goto out;
    int bad = 0;
    for (uint32_t i = 0; i < n; i++) {
        p[i].revents = 0;
        w[i].events = p[i].events;
        if (p[i].fd < 0)
            continue;
        w[i].file = fd_get(p[i].fd);
        if (!w[i].file) {
            p[i].revents = POLLNVAL;
            bad++;
        }
    }
    r = wait_all(w, n, t->forever ? 0 : t->deadline, t->immediately || bad);
    if (r >= 0) {
        r += bad;
        for (uint32_t i = 0; i < n; i++)
            p[i].revents |= w[i].revents;
        if (copy_to_user((char __user *)fds, p, n * sizeof *p))
            r = -EFAULT;
    }
    for (uint32_t i = 0; i < n; i++)
        file_put(w[i].file);
out:
    kfree(p);
    kfree(w);
    return r;
}

static long poll_restart(struct task *task)
{
    uint64_t *arg = task->restart_args;
    struct timeout t = {.deadline = arg[2], .forever = arg[2] == 0};
    long r = do_poll(arg[0], arg[1], &t);

    if (r == -EINTR) {
        task->restart_fn = poll_restart;
        r = -ERESTART_RESTARTBLOCK;
    }
    return r;
}

/* An interrupted poll that is started again (after SIGSTOP, say) must keep its first deadline. */
DEFINE_SYSCALL(poll)
{
    struct timeout t = {.forever = true};
    int32_t ms = c;

    if (ms >= 0)
        timeout_from(&t, ms / 1000, (uint64_t)(ms % 1000) * NSEC_PER_MSEC);
    long r = do_poll(a, b, &t);
    if (r == -EINTR) {
        current->restart_fn = poll_restart;
        current->restart_args[0] = a;
        current->restart_args[1] = b;
        current->restart_args[2] = t.forever ? 0 : t.deadline;
        r = -ERESTART_RESTARTBLOCK;
    }
    return r;
}

static long do_ppoll(uint32_t fds, uint32_t n, uint32_t time, uint32_t mask, uint32_t mask_size,
                     enum time_shape shape)
{
    struct timeout t;
    int err = timeout_from_user(&t, time, shape);
    int pushed = err ? 0 : mask_push(mask, mask_size);

    if (err || pushed < 0)
        return err ? err : pushed;
    long r = do_poll(fds, n, &t);
    if (r == -EINTR)
        r = -ERESTARTNOHAND;
    timeout_to_user(&t, time, shape);
    mask_pop(pushed, r);
    return r;
}

DEFINE_SYSCALL(ppoll)
{
    return do_ppoll(a, b, c, d, e, TIMESPEC);
}

DEFINE_SYSCALL(ppoll_time64)
{
    return do_ppoll(a, b, c, d, e, TIMESPEC64);
}

/* ---- select ---- */

#define SELECT_MAX 1024u
#define SET_WORDS  (SELECT_MAX / 32)

struct select_sets {
    uint32_t in[3][SET_WORDS]; /* readable, writable, exceptional */
    uint32_t out[3][SET_WORDS];
    int fd[SELECT_MAX]; /* of watch number i */
};

static const uint16_t select_asks[3] = {POLLIN, POLLOUT, POLLPRI};
static const uint16_t select_hears[3] = {POLLIN | POLLRDNORM | POLLHUP | POLLERR,
                                         POLLOUT | POLLWRNORM | POLLERR, POLLPRI};

static bool bit(const uint32_t *set, uint32_t i)
{
    return set[i / 32] >> (i % 32) & 1;
}

/* The descriptors that any set names, as watches. Their number or -EBADF. */
static int sets_to_watches(struct select_sets *s, uint32_t n, struct watch *w)
{
    int count = 0;

    for (uint32_t fd = 0; fd < n; fd++) {
        uint16_t events = 0;
        for (int k = 0; k < 3; k++)
            if (bit(s->in[k], fd))
                events |= select_asks[k];
        if (!events)
            continue;
        w[count].file = fd_get(fd);
        w[count].events = events;
        s->fd[count] = fd;
        if (!w[count].file) {
            while (count--)
                file_put(w[count].file);
            return -EBADF;
        }
        count++;
    }
    return count;
}

static int watches_to_sets(struct select_sets *s, const struct watch *w, int count)
{
    int bits = 0;

    for (int i = 0; i < count; i++) {
        uint32_t fd = s->fd[i];
        for (int k = 0; k < 3; k++) {
            if (bit(s->in[k], fd) && (w[i].revents & select_hears[k])) {
                s->out[k][fd / 32] |= 1u << (fd % 32);
                bits++;
            }
        }
    }
    return bits;
}

static long do_select(uint32_t n, const uint32_t set[3], const struct timeout *t)
{
    if ((int32_t)n < 0)
        return -EINVAL;
    /* Linux looks no further than its table, which never has fewer than 256 places. */
    n = MIN(n, MIN(SELECT_MAX, MAX(current->files->size, 256u)));
    size_t bytes = (n + 31) / 32 * 4;
    struct select_sets *s = kzalloc(sizeof *s);
    struct watch *w = kzalloc(MAX(n, 1u) * sizeof *w);
    long r = s && w ? 0 : -ENOMEM;

    for (int k = 0; k < 3 && !r; k++)
        if (set[k] && copy_from_user(s->in[k], (const char __user *)set[k], bytes))
            r = -EFAULT;
    int count = r ? 0 : sets_to_watches(s, n, w);
    if (count < 0) {
        r = count;
        count = 0;
    }
    if (!r)
        r = wait_all(w, count, t->forever ? 0 : t->deadline, t->immediately);
    if (r >= 0) {
        r = watches_to_sets(s, w, count);
        for (int k = 0; k < 3; k++)
            if (set[k] && copy_to_user((char __user *)set[k], s->out[k], bytes))
                r = -EFAULT;
    }
    for (int i = 0; i < count; i++)
        file_put(w[i].file);
    kfree(s);
    kfree(w);
    return r == -EINTR ? -ERESTARTNOHAND : r;
}

DEFINE_SYSCALL(_newselect)
{
    struct timeout t;
    const uint32_t set[3] = {b, c, d};
    int err = timeout_from_user(&t, e, TIMEVAL);

    if (err)
        return err;
    long r = do_select(a, set, &t);
    timeout_to_user(&t, e, TIMEVAL);
    return r;
}

DEFINE_SYSCALL(select)
{
    uint32_t arg[5];

    if (get_user(arg, (const char __user *)a))
        return -EFAULT;
    return sys__newselect(arg[0], arg[1], arg[2], arg[3], arg[4], 0);
}

static long do_pselect(uint32_t n, const uint32_t set[3], uint32_t time, uint32_t mask_arg,
                       enum time_shape shape)
{
    uint32_t mask[2] = {0, 0}; /* address and size: a seventh argument found no register */
    struct timeout t;
    int err = timeout_from_user(&t, time, shape);

    if (!err && mask_arg)
        err = get_user(mask, (const char __user *)mask_arg);
    int pushed = err ? 0 : mask_push(mask[0], mask[1]);
    if (err || pushed < 0)
        return err ? err : pushed;
    long r = do_select(n, set, &t);
    timeout_to_user(&t, time, shape);
    mask_pop(pushed, r);
    return r;
}

DEFINE_SYSCALL(pselect6)
{
    return do_pselect(a, (const uint32_t[3]){b, c, d}, e, f, TIMESPEC);
}

DEFINE_SYSCALL(pselect6_time64)
{
    return do_pselect(a, (const uint32_t[3]){b, c, d}, e, f, TIMESPEC64);
}
