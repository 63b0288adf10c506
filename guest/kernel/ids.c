/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is who: process, group and session numbers; users and groups. The calls about users come
 * twice, with 16-bit and with 32-bit numbers; a number that does not fit in 16 bits shows as 65534,
 * and -1 ("leave it") is 65535 there.
 */
#include "process.h"

#include "syscall.h"

/* ---- processes, groups, sessions ---- */

DEFINE_SYSCALL(getpid)
{
    return current->tgid;
}

DEFINE_SYSCALL(gettid)
{
    return current->pid;
}

DEFINE_SYSCALL(getppid)
{
    return current->leader->parent->tgid;
}

DEFINE_SYSCALL(getpgrp)
{
    return current->pgid;
}

static struct task *process_of(uint32_t pid)
{
    struct task *t = pid ? task_find((pid_t)pid) : current;

    return t ? t->leader : NULL;
}

DEFINE_SYSCALL(getpgid)
{
    struct task *t = process_of(a);

    return t ? t->pgid : -ESRCH;
}

DEFINE_SYSCALL(getsid)
{
    struct task *t = process_of(a);

    return t ? t->sid : -ESRCH;
}

static bool pgrp_in_session(pid_t pgid, pid_t sid)
{
    struct task *t;

    list_for_each(t, &all_tasks, all)
    {
        if (t->pgid == pgid && t->sid == sid)
            return true;
    }
    return false;
}

/* A shell puts each job into a group: itself and the child both call this, whoever comes first. */
DEFINE_SYSCALL(setpgid)
{
    struct task *t = process_of(a), *thread;
    pid_t pgid = b ? (pid_t)b : t ? t->pid : 0;

    if ((int32_t)b < 0)
        return -EINVAL;
    if (!t)
        return -ESRCH;
    if (t != current->leader) {
        if (t->parent != current->leader)
            return -ESRCH;
        if (t->sid != current->sid)
            return -EPERM;
        if (t->group->did_exec)
            return -EACCES;
    }
    if (t->sid == t->pid)
        return -EPERM; /* a session leader leads its group */
    if (pgid != t->pid && !pgrp_in_session(pgid, current->sid))
        return -EPERM;
    list_for_each(thread, &t->group->threads, threads) thread->pgid = pgid;
    return 0;
}

DEFINE_SYSCALL(setsid)
{
    struct task *t;
    pid_t pid = current->tgid;

    list_for_each(t, &all_tasks, all)
    {
        if (t->pgid == pid)
            return -EPERM; /* a group leader's group would span two sessions */
    }
    list_for_each(t, &current->group->threads, threads)
    {
        t->sid = t->pgid = pid;
        t->ctty = NULL;
    }
    return pid;
}

/* ---- users ---- */

static uint32_t wide(uint32_t id16)
{
    return (id16 & 0xffff) == 0xffff ? ~0u : id16 & 0xffff;
}

static uint32_t narrow(uint32_t id)
{
    return id > 0xffff ? 65534 : id;
}

static bool may_take(uint32_t id, uint32_t real, uint32_t effective, uint32_t saved)
{
    return id == ~0u || current->euid == 0 || id == real || id == effective || id == saved;
}

static long setuid(uint32_t uid)
{
    if (uid == ~0u)
        return -EINVAL;
    if (current->euid == 0)
        current->uid = current->suid = uid;
    else if (uid != current->uid && uid != current->suid)
        return -EPERM;
    current->euid = current->fsuid = uid;
    return 0;
}

static long setgid(uint32_t gid)
{
    if (gid == ~0u)
        return -EINVAL;
    if (current->euid == 0)
        current->gid = current->sgid = gid;
    else if (gid != current->gid && gid != current->sgid)
        return -EPERM;
    current->egid = current->fsgid = gid;
    return 0;
}

static long setresuid(uint32_t r, uint32_t e, uint32_t s)
{
    struct task *t = current;

    if (!may_take(r, t->uid, t->euid, t->suid) || !may_take(e, t->uid, t->euid, t->suid) ||
        !may_take(s, t->uid, t->euid, t->suid))
        return -EPERM;
    t->uid = r == ~0u ? t->uid : r;
    t->suid = s == ~0u ? t->suid : s;
    t->euid = t->fsuid = e == ~0u ? t->euid : e;
    return 0;
}

static long setresgid(uint32_t r, uint32_t e, uint32_t s)
{
    struct task *t = current;

    if (!may_take(r, t->gid, t->egid, t->sgid) || !may_take(e, t->gid, t->egid, t->sgid) ||
        !may_take(s, t->gid, t->egid, t->sgid))
        return -EPERM;
    t->gid = r == ~0u ? t->gid : r;
    t->sgid = s == ~0u ? t->sgid : s;
    t->egid = t->fsgid = e == ~0u ? t->egid : e;
    return 0;
}

/* BSD's pair: the saved id follows when the real one is set, or the effective one to something new. */
static long setreuid(uint32_t r, uint32_t e)
{
    uint32_t old = current->uid;

    if (!may_take(r, current->uid, current->euid, current->uid))
        return -EPERM;
    return setresuid(r, e,
                     r != ~0u || (e != ~0u && e != old) ? (e != ~0u ? e : current->euid) : ~0u);
}

static long setregid(uint32_t r, uint32_t e)
{
    uint32_t old = current->gid;

    if (!may_take(r, current->gid, current->egid, current->gid))
        return -EPERM;
    return setresgid(r, e,
                     r != ~0u || (e != ~0u && e != old) ? (e != ~0u ? e : current->egid) : ~0u);
}

/* These two answer with the old value, whatever comes of it: that is their interface. */
static long setfsuid(uint32_t id)
{
    uint32_t old = current->fsuid;

    if (id != ~0u && (may_take(id, current->uid, current->euid, current->suid) || id == old))
        current->fsuid = id;
    return (long)old;
}

static long setfsgid(uint32_t id)
{
    uint32_t old = current->fsgid;

    if (id != ~0u && (may_take(id, current->gid, current->egid, current->sgid) || id == old))
        current->fsgid = id;
    return (long)old;
}

static long put_three(uint32_t a, uint32_t b, uint32_t c, uint32_t x, uint32_t y, uint32_t z,
                      bool narrowed)
{
    const uint32_t to[] = {a, b, c}, from[] = {x, y, z};

    for (unsigned i = 0; i < 3; i++) {
        int err = narrowed ? put_user((uint16_t)narrow(from[i]), (uint16_t __user *)to[i])
                           : put_user(from[i], (uint32_t __user *)to[i]);
        if (err)
            return err;
    }
    return 0;
}

static long getgroups(uint32_t size, uint32_t addr, bool narrowed)
{
    const struct task *t = current;

    if (!size)
        return (long)t->ngroups;
    if ((int32_t)size < 0 || size < t->ngroups)
        return -EINVAL;
    for (uint32_t i = 0; i < t->ngroups; i++) {
        int err = narrowed ? put_user((uint16_t)narrow(t->groups[i]), (uint16_t __user *)addr + i)
                           : put_user(t->groups[i], (uint32_t __user *)addr + i);
        if (err)
            return err;
    }
    return (long)t->ngroups;
}

static long setgroups(uint32_t n, uint32_t addr, bool narrowed)
{
    uint32_t groups[ARRAY_LEN(current->groups)];

    if (current->euid)
        return -EPERM;
    if (n > ARRAY_LEN(groups))
        return -EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t id16 = 0;
        int err = narrowed ? get_user(id16, (const uint16_t __user *)addr + i)
                           : get_user(groups[i], (const uint32_t __user *)addr + i);
        if (err)
            return err;
        if (narrowed)
            groups[i] = wide(id16);
    }
    memcpy(current->groups, groups, n * sizeof groups[0]);
    current->ngroups = n;
    return 0;
}

/* One body, two widths. */
#define BOTH_WIDTHS(name, narrow_body, wide_body) \
    DEFINE_SYSCALL(name)                          \
    {                                             \
        return narrow_body;                       \
    }                                             \
    DEFINE_SYSCALL(name##32)                      \
    {                                             \
        return wide_body;                         \
    }

/* clang-format off */
BOTH_WIDTHS(getuid, (long)narrow(current->uid), (long)current->uid)
BOTH_WIDTHS(getgid, (long)narrow(current->gid), (long)current->gid)
BOTH_WIDTHS(geteuid, (long)narrow(current->euid), (long)current->euid)
BOTH_WIDTHS(getegid, (long)narrow(current->egid), (long)current->egid)
BOTH_WIDTHS(setuid, setuid(wide(a)), setuid(a))
BOTH_WIDTHS(setgid, setgid(wide(a)), setgid(a))
BOTH_WIDTHS(setreuid, setreuid(wide(a), wide(b)), setreuid(a, b))
BOTH_WIDTHS(setregid, setregid(wide(a), wide(b)), setregid(a, b))
BOTH_WIDTHS(setresuid, setresuid(wide(a), wide(b), wide(c)), setresuid(a, b, c))
BOTH_WIDTHS(setresgid, setresgid(wide(a), wide(b), wide(c)), setresgid(a, b, c))
BOTH_WIDTHS(setfsuid, setfsuid(wide(a)), setfsuid(a))
BOTH_WIDTHS(setfsgid, setfsgid(wide(a)), setfsgid(a))
BOTH_WIDTHS(getresuid, put_three(a, b, c, current->uid, current->euid, current->suid, true),
            put_three(a, b, c, current->uid, current->euid, current->suid, false))
BOTH_WIDTHS(getresgid, put_three(a, b, c, current->gid, current->egid, current->sgid, true),
            put_three(a, b, c, current->gid, current->egid, current->sgid, false))
BOTH_WIDTHS(getgroups, getgroups(a, b, true), getgroups(a, b, false))
BOTH_WIDTHS(setgroups, setgroups(a, b, true), setgroups(a, b, false))
/* clang-format on */

/* ---- capabilities: root has them all, others none ---- */

#define CAP_V1  0x19980330u
#define CAP_V2  0x20071026u
#define CAP_V3  0x20080522u
#define CAP_ALL 0x1FFFFFFFFFFull /* up to CAP_CHECKPOINT_RESTORE */

struct cap_header {
    uint32_t version;
    int32_t pid;
};

/* Words of each of the three sets; 0: not a version, and the header now names ours. */
static int cap_words(uint32_t addr, struct cap_header *h, unsigned *words)
{
    if (copy_from_user(h, (const void __user *)addr, sizeof *h))
        return -EFAULT;
    *words = h->version == CAP_V1 ? 1 : h->version == CAP_V2 || h->version == CAP_V3 ? 2 : 0;
    if (!*words && put_user(CAP_V3, (uint32_t __user *)addr))
        return -EFAULT;
    return 0;
}

DEFINE_SYSCALL(capget)
{
    struct cap_header h;
    unsigned words;
    struct task *t;
    int err = cap_words(a, &h, &words);

    if (err)
        return err;
    if (!words)
        return b ? -EINVAL : 0; /* a NULL buffer only asks for the version */
    t = h.pid ? task_find(h.pid) : current;
    if (!t)
        return -ESRCH;
    for (unsigned i = 0; b && i < words; i++) {
        uint32_t part = t->euid ? 0 : (uint32_t)(CAP_ALL >> (32 * i));
        const uint32_t sets[3] = {part, part, 0}; /* effective, permitted, inheritable */

        if (copy_to_user((void __user *)(b + i * sizeof sets), sets, sizeof sets))
            return -EFAULT;
    }
    return 0;
}

/* Dropping some of root's powers is not something this kernel can keep track of: it says so. */
DEFINE_SYSCALL(capset)
{
    struct cap_header h;
    unsigned words;
    int err = cap_words(a, &h, &words);

    if (err)
        return err;
    if (!words || !b)
        return -EINVAL;
    if (h.pid && h.pid != current->pid)
        return -EPERM;
    for (unsigned i = 0; i < words; i++) {
        uint32_t sets[3], have = current->euid ? 0 : (uint32_t)(CAP_ALL >> (32 * i));

        if (copy_from_user(sets, (const void __user *)(b + i * sizeof sets), sizeof sets))
            return -EFAULT;
        if (sets[0] != have || sets[1] != have)
            return -EPERM;
    }
    return 0;
}
