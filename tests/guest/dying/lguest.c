// SPDX-License-Identifier: GPL-2.0-only
/* Ways to end badly that only a guest of lguest has: a false word in each kind of call, and in each level
   of the page tables that the hypervisor reads. */
#include "abi/lguest.h"
#include "dying.h"
#include "paging.h"
#include "test.h"
#include "traps.h"

void lguest_halt(void)
{
    lguest_hcall(LHCALL_HALT, 0, 0, 0, 0);
}

void lguest_restart(void)
{
    static char message[128] = "Restarting system";
    lguest_hcall(LHCALL_SHUTDOWN, (uint32_t)message, LGUEST_SHUTDOWN_RESTART, 0, 0);
}

void bad_hypercall(void)
{
    lguest_hcall(99, 1, 2, 3, 4);
}

void init_twice(void)
{
    lguest_hcall(LHCALL_LGUEST_INIT, (uint32_t)&lguest_data, 0, 0, 0);
}

/* The first slot is good, the second is none of the calls. */
void ring_garbage(void)
{
    lguest_data.hcalls[0] = (struct lguest_hcall){{LHCALL_FLUSH_TLB, 0}};
    lguest_data.hcalls[1] = (struct lguest_hcall){{0xDEADBEEF, 1}};
    lguest_data.hcall_status[0] = lguest_data.hcall_status[1] = 0;
    lguest_hcall(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
}

void notify_outside(void)
{
    lguest_hcall(LHCALL_NOTIFY, HOLE, 0, 0, 0);
}

/* The host reads 128 bytes. */
void message_outside(void)
{
    lguest_hcall(LHCALL_SHUTDOWN, 0xFFFFFFC0, LGUEST_SHUTDOWN_POWEROFF, 0, 0);
}

/* ---- descriptors ---- */

void gate_type(void)
{
    struct desc d = gate_default(5);
    d.hi = (d.hi & ~(uint32_t)DESC_INT32) | DESC_CALL32;
    idt_set(5, d);
}

void gate_number(void)
{
    lguest_hcall(LHCALL_LOAD_IDT_ENTRY, 256, idt[5].lo, idt[5].hi, 0);
}

void call_gate(void)
{
    gdt_set(SEL_FREE, gate(env->cs, test_main, DESC_P | DESC_CALL32 | DESC_DPL(3)));
}

void segment_number(void)
{
    lguest_hcall(LHCALL_LOAD_GDT_ENTRY, 32, 0x0000FFFF, 0x00CFF300, 0);
}

void stack_segment(void)
{
    lguest_hcall(LHCALL_SET_STACK, LGUEST_KERNEL_DS & ~3, kernel_stack, 1, 0);
}

void stack_pages(void)
{
    lguest_hcall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, kernel_stack, 3, 0);
}

void stack_outside(void)
{
    pae_on(pae_new());
    lguest_hcall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x40001000, 1, 0);
}

/* ---- page tables ---- */

#define VA 0x80000000u

static uint64_t *fresh(void)
{
    uint64_t *root = pae_new();
    pae_on(root);
    return root;
}

static void touch(uint32_t va)
{
    (void)*(volatile uint32_t *)va;
}

void tables_outside(void)
{
    lguest_hcall(LHCALL_NEW_PGTABLE, HOLE, 0, 0, 0);
}

void tables_of_garbage(void)
{
    uint64_t *root = fresh();
    uint32_t seed = 4711;
    uint8_t *bytes = frame_new();

    for (unsigned i = 0; i < PAGE_SIZE; i++)
        bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    *pae_middle(root, VA) = (uint32_t)bytes | PTE_P | PTE_W | PTE_U;
    for (uint32_t i = 0; i < 512; i++)
        if (bytes[i * 8] & PTE_P)
            touch(VA + i * PAGE_SIZE);
}

void page_outside(void)
{
    uint64_t *root = fresh();
    *pae_entry(root, VA) = HOLE | PTE_P | PTE_W;
    touch(VA);
}

void large_page(void)
{
    uint64_t *root = fresh();
    *pae_middle(root, VA) = 0x200000 | PTE_P | PTE_W | PTE_PS;
    touch(VA);
}

/* An entry that is told instead of found. */
void entry_outside(void)
{
    uint64_t *root = fresh();
    *pae_entry(root, VA) = (uint32_t)frame_new() | PTE_P;
    touch(VA); /* so that there is a shadow to put it into */
    pae_set(root, VA, HOLE | PTE_P | PTE_W | PTE_A | PTE_D);
}

void switcher(void)
{
    pae_on(pae_new());
    *(volatile uint32_t *)0xFFFFF000 = 1;
}

/* Every level is the same page: what is an entry is a table, too. */
void tables_of_themselves(void)
{
    uint64_t *root = fresh(), *loop = frame_new();

    for (unsigned i = 0; i < 512; i++)
        loop[i] = (uint32_t)loop | PTE_P | PTE_W;
    root[2] = (uint32_t)loop | PTE_P;
    tables_changed();
    /* It can be read, and written: the page is the guest's own. */
    if (*(volatile uint64_t *)VA != loop[0])
        test_failure("it reads %llx", *(volatile uint64_t *)VA);
    *(volatile uint32_t *)(VA + 8) = HOLE | PTE_P;
    tables_changed();
    touch(VA + PAGE_SIZE);
}
