// SPDX-License-Identifier: GPL-2.0-only
/*
 * work: not a test, but something to measure
 *
 * Does one thing very often, between two lines "@start" and "@end" by which the watcher reads its clock.
 * The last word of the command line says what and how often: `ports=100000`.
 */
#include "paging.h"
#include "pic.h"
#include "test.h"
#include "traps.h"

const char test_title[] = "work";

static void ports(void)
{
    inb(0x80);
}

static void ints(void)
{
    asm volatile("int $0x40" : : : "memory");
}

static void faults(void)
{
    TRY("movl (%0), %%ecx", "r"(0x40000000), "c"(0));
}

static void nothing(struct regs *r)
{
    (void)r;
}

static uint64_t *roots[2];

static void spaces(void)
{
    pae_on(roots[0]);
    *(volatile uint32_t *)0x200000;
    pae_on(roots[1]);
    *(volatile uint32_t *)0x200000;
}

static const struct {
    const char *name;
    void (*once)(void);
} works[] = {{"ports", ports}, {"ints", ints}, {"faults", faults}, {"spaces", spaces}};

void test_main(void)
{
    const char *word = test_command_word();

    trap_handle(0x40, nothing);
    roots[0] = pae_new();
    roots[1] = pae_new();
    pae_on(roots[0]);
    for (unsigned i = 0; i < ARRAY_SIZE(works); i++) {
        const char *p = word;
        for (const char *q = works[i].name; *q && *q == *p; q++)
            p++;
        if (*p != '=')
            continue;
        uint32_t times = 0;
        for (p++; *p >= '0' && *p <= '9'; p++)
            times = times * 10 + (uint32_t)(*p - '0');
        works[i].once();
        printk("@start\n");
        for (; times; times--)
            works[i].once();
        printk("@end\n");
        return;
    }
    test_error("'%s' is no work", word);
}
