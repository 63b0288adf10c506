/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Thread-local storage on i386: a thread's block is reached through a segment register, and three
 * GDT entries, 6 to 8, are changed at every switch to be the running thread's. A C library asks for
 * one with set_thread_area(), or gives it to clone(); the switch itself is pv_cpu_ops.load_tls.
 */
#include "process.h"

#include "../pv/pv.h"
#include "syscall.h"

struct user_desc { /* asm/ldt.h */
    uint32_t entry, base, limit;
    uint32_t flags; /* bits: 0 seg_32bit, 1-2 contents, 3 read_exec_only, 4 limit_in_pages,
                       5 seg_not_present, 6 useable */
};

#define UD_32BIT       1u
#define UD_CONTENTS(f) ((f) >> 1 & 3)
#define UD_READ_ONLY   8u
#define UD_PAGES       16u
#define UD_ABSENT      32u
#define UD_USEABLE     64u
#define UD_EMPTY       (UD_READ_ONLY | UD_ABSENT)

/* Two ways to say "clear this entry": Linux's LDT_empty, and all zeros. */
static bool is_empty(const struct user_desc *u)
{
    return !u->base && !u->limit && (u->flags == UD_EMPTY || u->flags == 0);
}

/* A descriptor that can do no harm: ring 3, data, present only if asked. */
static uint64_t make_descriptor(const struct user_desc *u)
{
    uint32_t low = (u->base & 0xffff) << 16 | (u->limit & 0xffff);
    uint32_t high = (u->base >> 16 & 0xff) | (u->base & 0xff000000u) | (u->limit & 0xf0000u);

    if (is_empty(u))
        return 0;
    high |= 1u << 12 | 3u << 13;                       /* not a system segment, DPL 3 */
    high |= 1u << 8;                                   /* accessed */
    high |= u->flags & UD_READ_ONLY ? 0 : 1u << 9;     /* writable */
    high |= UD_CONTENTS(u->flags) == 1 ? 1u << 10 : 0; /* expands down */
    high |= u->flags & UD_ABSENT ? 0 : 1u << 15;
    high |= u->flags & UD_USEABLE ? 1u << 20 : 0;
    high |= u->flags & UD_32BIT ? 1u << 22 : 0;
    high |= u->flags & UD_PAGES ? 1u << 23 : 0;
    return (uint64_t)high << 32 | low;
}

static void describe(uint64_t desc, struct user_desc *u)
{
    uint32_t low = (uint32_t)desc, high = (uint32_t)(desc >> 32);

    u->base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000u);
    u->limit = (low & 0xffff) | (high & 0xf0000u);
    u->flags = (high >> 22 & 1 ? UD_32BIT : 0) | (high >> 10 & 1) << 1 |
               (high >> 9 & 1 ? 0 : UD_READ_ONLY) | (high >> 23 & 1 ? UD_PAGES : 0) |
               (high >> 15 & 1 ? 0 : UD_ABSENT) | (high >> 20 & 1 ? UD_USEABLE : 0);
}

int tls_set(struct task *t, uint32_t user_desc, bool choose)
{
    struct user_desc u;
    uint32_t slot;

    if (copy_from_user(&u, (const void __user *)user_desc, sizeof u))
        return -EFAULT;
    /* Code segments (contents 2 and 3) have no business in thread-local storage. */
    if (!is_empty(&u) && UD_CONTENTS(u.flags) > 1)
        return -EINVAL;
    if (u.entry == ~0u && choose) {
        for (slot = 0; slot < 3 && t->tls[slot]; slot++)
            ;
        if (slot == 3)
            return -ESRCH;
        u.entry = GDT_TLS + slot;
        if (put_user(u.entry, (uint32_t __user *)user_desc))
            return -EFAULT;
    }
    slot = u.entry - GDT_TLS;
    if (slot >= 3)
        return -EINVAL;
    t->tls[slot] = make_descriptor(&u);
    return 0;
}

bool tls_selector_ok(const struct task *t, uint32_t selector)
{
    uint32_t index = (selector & 0xffff) >> 3;

    if ((selector & 0xffff) < 4)
        return true; /* the null selector loads anywhere */
    if ((selector & 7) != 3)
        return false;
    if (index == GDT_USER_DS || index == GDT_USER_CS)
        return true;
    /* a TLS entry that is present */
    return index - GDT_TLS < 3 && (t->tls[index - GDT_TLS] >> 47 & 1);
}

DEFINE_SYSCALL(set_thread_area)
{
    struct trap_frame *frame = current_frame();
    int err = tls_set(current, a, true);

    if (err)
        return err;
    pv_load_tls(current, 0);
    /* Selectors that lost their entry would fault on the way out. */
    frame->ds = tls_selector_ok(current, frame->ds) ? frame->ds : 0;
    frame->es = tls_selector_ok(current, frame->es) ? frame->es : 0;
    frame->fs = tls_selector_ok(current, frame->fs) ? frame->fs : 0;
    frame->gs = tls_selector_ok(current, frame->gs) ? frame->gs : 0;
    return 0;
}

DEFINE_SYSCALL(get_thread_area)
{
    struct user_desc u;
    uint32_t slot;

    if (get_user(slot, (const uint32_t __user *)a))
        return -EFAULT;
    if (slot - GDT_TLS >= 3)
        return -EINVAL;
    u.entry = slot;
    describe(current->tls[slot - GDT_TLS], &u);
    return copy_to_user((void __user *)a, &u, sizeof u);
}
