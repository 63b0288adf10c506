/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When memory is exhausted. Nothing can be written out, so somebody has to go: the process that has
 * most, never init. A few frames are kept back from processes, so that the kernel can do what the
 * end of one takes.
 */
#include "internal.h"
#include "kernel/process.h"
#include "kernel/task.h"

enum { RESERVE = 64, PATIENCE = 100 };

static struct task *choose_victim(void)
{
    struct task *t, *worst = NULL;

    list_for_each(t, &all_tasks, all) if (t->mm && t->tgid > 1 && t->state != TASK_ZOMBIE &&
                                          t->state != TASK_DEAD &&
                                          (!worst || t->mm->rss > worst->mm->rss)) worst = t;
    return worst;
}

static bool enough(void)
{
    return frames_free() > RESERVE;
}

/* Kill, then stand aside until the dead have left something; they may need a few turns for it. */
static bool make_room(void)
{
    struct task *victim;

    for (int turns = 0; turns < PATIENCE; turns++) {
        if (enough())
            return true;
        if (signal_fatal_pending(current))
            return false; /* we are the one, or dying anyway */
        victim = choose_victim();
        if (!victim)
            return false;
        if (!signal_fatal_pending(victim)) {
            printk("out of memory: killing %s (%d), %u KiB\n", victim->comm, victim->tgid,
                   victim->mm->rss * (PAGE_SIZE / 1024));
            signal_send_group(victim, SIGKILL, NULL);
        }
        if (signal_fatal_pending(current))
            return false;
        schedule_until(clock_monotonic_ns() + 1000000);
    }
    return enough();
}

bool user_memory_ready(void)
{
    return enough() || make_room();
}
