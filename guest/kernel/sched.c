/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler. Every task has a slice, counted in ticks; among those who may run, the one with
 * most of it left goes next, and when all have used theirs up, everybody gets a new one plus half
 * of what was left. So who sleeps a lot saves up and is served at once when woken, and who computes
 * waits his turn. (The idea is that of Linux 2.4, and it fits on a page.)
 */
#include "sched.h"
#include "drivers/drivers.h"
#include "mm/mm.h"
#include "pv/pv.h"
#include "time.h"
#include "traps.h"

void switch_stacks(uint32_t *save_esp, uint32_t load_esp); /* entry.S */
void ret_from_fork(void);
void ret_from_kernel_thread(void);
void schedule_tail(void);

extern char boot_stack[];

struct task *current;
uint32_t load_average[3];

static struct task idle_task;
static struct list run_queue = LIST_INIT(run_queue);
static uint32_t running, idle_ticks, user_ticks, system_ticks, switches;

/* ---- slices ---- */

/* 1 tick for nice 19 to 16, 5 for nice 0, 10 for nice -20. Never none: pick_next() would refill the
   slices for ever. */
static int fresh_slice(const struct task *t)
{
    return MAX(1, (20 - t->nice) / 4);
}

static void refill_slices(void)
{
    struct task *t;

    list_for_each(t, &all_tasks, all) t->slice = t->slice / 2 + fresh_slice(t);
}

static struct task *pick_next(void)
{
    struct task *t, *best;

    for (;;) {
        best = NULL;
        list_for_each(t, &run_queue, run) if (!best || t->slice > best->slice) best = t;
        if (!best)
            return &idle_task;
        if (best->slice > 0)
            return best;
        refill_slices();
    }
}

/* ---- the run queue ---- */

static void enqueue(struct task *t)
{
    if (list_empty(&t->run)) {
        list_add_tail(&run_queue, &t->run);
        running++;
    }
}

static void dequeue(struct task *t)
{
    if (!list_empty(&t->run)) {
        list_del(&t->run);
        running--;
    }
}

void wake_task(struct task *t)
{
    uint32_t flags = irq_save();

    if (t->state != TASK_ZOMBIE && t->state != TASK_DEAD) {
        t->state = TASK_RUNNING;
        if (t != &idle_task)
            enqueue(t);
        if (current == &idle_task || t->slice > current->slice)
            current->need_resched = true;
    }
    irq_restore(flags);
}

/* ---- switching ---- */

/* The last word of a kernel stack. Whoever overwrites it has overwritten more, on other pages. */
#define STACK_END 0x57AC6E9Du

static uint32_t *stack_end(const struct task *t)
{
    return t->kstack;
}

/*
 * From here on the stack, the address space and the TLS descriptors are next's. FS and GS go to
 * null: a selector stays the same while the descriptor behind it changes, and the way out loads
 * only selectors that differ.
 */
static void switch_to(struct task *prev, struct task *next)
{
    if (*stack_end(prev) != STACK_END)
        panic("%s (%d) overran its kernel stack", prev->comm, prev->pid);
    pv_start_context_switch(prev);
    if (next->mm && next->mm != prev->mm)
        mm_switch(next->mm);
    pv_load_sp0(&tss, (uint32_t)next->kstack + (PAGE_SIZE << KSTACK_ORDER));
    __asm__ volatile("movl %0, %%fs\n"
                     "movl %0, %%gs"
                     :
                     : "r"(0));
    pv_load_tls(next, 0);
    fpu_switch(prev, next);
    pv_end_context_switch(next);
    current = next;
    next->switches++;
    switches++;
    switch_stacks(&prev->kernel_esp, next->kernel_esp);
}

/* A new task's first steps, on its own stack: schedule() would have done this for an old one. */
void schedule_tail(void)
{
    pv_irq_enable();
}

void schedule(void)
{
    uint32_t flags = irq_save();
    struct task *prev = current, *next;

    prev->need_resched = false;
    if (prev->state != TASK_RUNNING) {
        dequeue(prev);
    } else if (!list_empty(&prev->run)) { /* equals take turns */
        list_del(&prev->run);
        list_add_tail(&run_queue, &prev->run);
    }
    next = pick_next();
    if (next != prev)
        switch_to(prev, next);
    irq_restore(flags);
}

static void wake_by_timer(struct timer *timer)
{
    wake_task(container_of(timer, struct task, sleep_timer));
}

void schedule_until(uint64_t deadline_ns)
{
    if (!deadline_ns) {
        schedule();
        return;
    }
    timer_start(&current->sleep_timer, deadline_ns, wake_by_timer);
    schedule();
    timer_stop(&current->sleep_timer);
}

/* ---- wait queues ---- */

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->waiters);
}

void wait_add(struct wait_queue *q, struct waiter *w)
{
    uint32_t flags = irq_save();

    w->task = current;
    list_add_tail(&q->waiters, &w->link);
    irq_restore(flags);
}

void wait_remove(struct waiter *w)
{
    uint32_t flags = irq_save();

    list_del(&w->link);
    irq_restore(flags);
}

void wake_up(struct wait_queue *q)
{
    uint32_t flags = irq_save();
    struct waiter *w;

    list_for_each(w, &q->waiters, link) if (w->task->state != TASK_STOPPED) wake_task(w->task);
    irq_restore(flags);
}

/* ---- new tasks ---- */

/* What switch_stacks pops. */
struct switch_frame {
    uint32_t edi, esi, ebx, ebp, eip;
};

static void prepare_stack(struct task *t, const struct switch_frame *regs)
{
    char *top = (char *)t->kstack + (PAGE_SIZE << KSTACK_ORDER) - sizeof(struct trap_frame);

    *stack_end(t) = STACK_END;
    memcpy(top - sizeof *regs, regs, sizeof *regs);
    t->kernel_esp = (uint32_t)(top - sizeof *regs);
    t->slice = (current->slice + 1) / 2; /* forking earns nobody extra time */
    current->slice -= t->slice;
}

void sched_start_user(struct task *t, const struct trap_frame *f)
{
    char *top = (char *)t->kstack + (PAGE_SIZE << KSTACK_ORDER);

    memcpy(top - sizeof *f, f, sizeof *f);
    prepare_stack(t, &(struct switch_frame){.eip = (uint32_t)ret_from_fork});
}

void sched_start_kernel(struct task *t, void (*fn)(void *), void *arg)
{
    char *top = (char *)t->kstack + (PAGE_SIZE << KSTACK_ORDER);
    struct trap_frame f = {
        .ds = USER_DS,
        .es = USER_DS,
        .orig_eax = ~0u,
        .cs = USER_CS,
        .ss = USER_DS,
        .eflags = EFLAGS_IF,
    };

    memcpy(top - sizeof f, &f, sizeof f);
    prepare_stack(t, &(struct switch_frame){
                         .eip = (uint32_t)ret_from_kernel_thread,
                         .ebx = (uint32_t)fn,
                         .esi = (uint32_t)arg,
                     });
}

/* ---- ticks and idling ---- */

/* Load averages decay towards the number of runnable tasks every 5 seconds, in fixed point of 11
   bits: the constants are exp(-5s/1min), exp(-5s/5min), exp(-5s/15min). */
static void update_load_average(void)
{
    static const uint32_t decay[3] = {1884, 2014, 2037};

    for (int i = 0; i < 3; i++)
        load_average[i] =
            ((uint64_t)load_average[i] * decay[i] + (uint64_t)running * 2048 * (2048 - decay[i])) >>
            11;
}

void sched_tick(bool user)
{
    if (jiffies % (5 * HZ) == 0)
        update_load_average();
    if (current == &idle_task) {
        idle_ticks++;
        return;
    }
    if (user) {
        current->utime++;
        user_ticks++;
    } else {
        current->stime++;
        system_ticks++;
    }
    if (current->slice > 0)
        current->slice--;
    if (current->slice == 0)
        current->need_resched = true;
}

uint32_t sched_running(void)
{
    return running;
}

uint32_t sched_idle_ticks(void)
{
    return idle_ticks;
}

void sched_busy_ticks(uint32_t *user, uint32_t *system)
{
    *user = user_ticks;
    *system = system_ticks;
}

uint32_t sched_switches(void)
{
    return switches;
}

void sched_init(void)
{
    task_init(&idle_task);
    list_init(&idle_task.run);
    strlcpy(idle_task.comm, "swapper", sizeof idle_task.comm);
    idle_task.kstack = boot_stack;
    *stack_end(&idle_task) = STACK_END;
    idle_task.state = TASK_RUNNING;
    current = &idle_task;
}

/* Masked while looking: safe_halt unmasks and sleeps in one step, so no wake-up slips between. */
void sched_idle(void)
{
    for (;;) {
        pv_irq_disable();
        if (current->need_resched || !list_empty(&run_queue)) {
            pv_irq_enable();
            schedule();
        } else {
            pv_safe_halt();
        }
    }
}
