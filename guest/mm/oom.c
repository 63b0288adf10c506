/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When memory is exhausted. Nothing can be written out, so somebody has to go: the process that has
 * most, never init. A few frames are kept back from processes, so that the kernel can do what the
 * end of one takes.
 */
#include "internal.h"
#include "kernel/process.h"
#include "kernel/task.h"

enum { RESERVE = 64, PATIENCE = 100, SMALL = 64 };

/* What the end of a process would give back, in pages. The text it shares with others does not count,
   or a shell would go before the hog that it started. */
static uint32_t own_pages(struct mm *m)
{
    struct vm_area *a;
    uint32_t n = 0;

    list_for_each(a, &m->areas, link) n += range_own_pages(m, a->start, a->end);
    return n;
}

static bool may_be_killed(const struct task *t)
{
    return t->mm && t->tgid > 1 && t->state != TASK_ZOMBIE && t->state != TASK_DEAD;
}

/* The one who has most. When nobody has much, the memory is in pipes and files, and the one who asks
   for more is as good a guess at their owner as there is. */
static struct task *choose_victim(uint32_t *pages)
{
    struct task *t, *worst = may_be_killed(current) ? current : NULL;

    *pages = worst ? MAX(own_pages(worst->mm), (uint32_t)SMALL) : 0;
    list_for_each(t, &all_tasks, all)
    {
        uint32_t n = may_be_killed(t) && t != current ? own_pages(t->mm) : 0;
        if (n > *pages) {
            worst = t;
            *pages = n;
        }
    }
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
    uint32_t pages;

    for (int turns = 0; turns < PATIENCE; turns++) {
        if (enough())
            return true;
        if (signal_fatal_pending(current))
            return false; /* we are the one, or dying anyway */
        victim = choose_victim(&pages);
        if (!victim)
            return false;
        if (!signal_fatal_pending(victim)) {
            printk("out of memory: killing %s (%d), %u KiB\n", victim->comm, victim->tgid,
                   pages * (PAGE_SIZE / 1024));
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
