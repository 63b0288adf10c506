/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands for when nothing else works, and a crash for when everything does: a laboratory needs to
   see a panic now and then. */
#include "sysrq.h"
#include "drivers/drivers.h"
#include "mm/mm.h"
#include "sched.h"

static void crash(void)
{
    *(volatile uint32_t *)4 = 0; /* nothing is ever mapped there */
}

static void reboot(void)
{
    power_reset();
}

static void off(void)
{
    power_off(0);
}

static void show_memory(void)
{
    struct mem_stats m;

    mem_stats(&m);
    printk("sysrq: %u frames, %u free, %u page tables\n", m.total, m.free, m.tables);
}

static void show_tasks(void)
{
    struct task *t;

    list_for_each(t, &all_tasks, all)
        printk("sysrq: %5d %-15s state %d slice %d\n", t->pid, t->comm, t->state, t->slice);
}

static const struct {
    char key;
    void (*fn)(void);
    const char *what;
} commands[] = {
    {'b', reboot, "reboot"}, {'c', crash, "crash"},      {'m', show_memory, "memory"},
    {'o', off, "power off"}, {'t', show_tasks, "tasks"},
};

int sysrq(char *keys)
{
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].key == keys[0]) {
            printk("sysrq: %s\n", commands[i].what);
            commands[i].fn();
            return 0;
        }
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
        printk("sysrq: %c: %s\n", commands[i].key, commands[i].what);
    return 0;
}
