/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One process: its own tables, a stack that grows by faults, a page shared until it is written to, TLS,
 * the FPU by way of #NM, system calls that enter ring 1 without the host, and a clock that interrupts
 * it. What the process does is in user.S.
 */
#include "linux.h"

void enter_user(uint32_t eip, uint32_t esp);
void leave_user(void) __attribute__((noreturn));
extern uint8_t user_start[], user_end[];

static struct mm mm;
static uint8_t kernel_stack[THREAD_SIZE] __attribute__((aligned(THREAD_SIZE)));
static uint32_t tls[3][2], tls_word = 0x715;
static uint32_t syscalls, grown, copied, broken_into, refused;

static void syscall(struct regs *r)
{
    syscalls++;
    switch (r->eax) {
    case SYS_WRITE:
        console_write((const char *)r->ebx, r->ecx);
        break;
    case SYS_CHECK:
        if (r->ebx != r->ecx)
            printk("%x where %x should be\n", r->ebx, r->ecx);
        check(r->ebx == r->ecx);
        break;
    case SYS_TICKS:
        r->eax = jiffies;
        break;
    case SYS_EXIT:
        leave_user();
    default:
        panic("a system call that there is not", __FILE_NAME__, __LINE__);
    }
}

static void page_fault(const struct regs *r)
{
    enum { PROTECTION = 1, WRITE = 2, USER = 4 };
    uint32_t at = lguest_data.cr2 & ~(PAGE_SIZE - 1u);

    check(r->error & USER);
    if (at == USER_COW) {
        check(r->error == (PROTECTION | WRITE | USER));
        uint8_t *own = alloc_page();
        memcpy(own, (void *)USER_COW, PAGE_SIZE);
        set_pte_at(&mm, at, pa(own) | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);
        copied++;
    } else {
        check(at < USER_STACK && at >= USER_STACK - 2 * PAGE_SIZE && r->error == (WRITE | USER));
        set_pte_at(&mm, at, pa(alloc_page()) | PTE_P | PTE_RW | PTE_US); /* neither A nor D */
        grown++;
    }
}

/* Ring 3 did what it must not, byte by byte as user.S has it: step over it. */
static void protection_fault(struct regs *r)
{
    const uint8_t *at = (uint8_t *)r->eip;

    if (*at == 0xCD) { /* INT: the selector error code names the vector */
        check(r->error == at[1] * 8u + 2);
        r->eip += 2;
    } else {
        check(!r->error);
        r->eip += *at == 0xFA ? 1 : 2;
    }
    refused++;
}

bool user_trap(struct regs *r)
{
    switch (r->vector) {
    case 0x80:
        check(lguest_data.irq_enabled & LGUEST_IF); /* nobody cleared it: nobody was asked */
        syscall(r);
        return true;
    case 14:
        page_fault(r);
        return true;
    case 13:
        protection_fault(r);
        return true;
    case 3:
        broken_into++;
        return true;
    default:
        return false;
    }
}

/* As __switch_to() does it: all of it lazily, and one call that says now. */
static void switch_to_process(void)
{
    uint32_t base = (uint32_t)USER_CODE + (PAGE_SIZE - 64);

    tls[0][0] = base << 16 | 0xFFFF;
    tls[0][1] = (base & 0xFF000000) | (base >> 16 & 0xFF) | 0x00CFF200;
    lazy = true;
    write_cr3(mm.cr3);
    lazy_hcall(LHCALL_SET_STACK, KERNEL_DS | 1, (uint32_t)kernel_stack + THREAD_SIZE,
               THREAD_SIZE / PAGE_SIZE, 0);
    asm volatile("mov %0, %%gs" : : "r"(0));
    lazy_hcall(LHCALL_LOAD_TLS, pa(tls), 0, 0, 0);
    set_ts(true);
    leave_lazy();
    asm volatile("mov %0, %%gs" : : "r"(CANARY_SEL));
}

void run_process(void)
{
    uint8_t *code = alloc_page(), *shared = alloc_page();

    check((size_t)(user_end - user_start) < PAGE_SIZE - 64);
    memcpy(code, user_start, (size_t)(user_end - user_start));
    memcpy(code + PAGE_SIZE - 64, &tls_word, sizeof tls_word);
    shared[0] = 0xC0;
    mm_new(&mm);
    set_pte_at(&mm, USER_CODE, pa(code) | PTE_P | PTE_US | PTE_A);
    set_pte_at(&mm, USER_COW, pa(shared) | PTE_P | PTE_US | PTE_A);
    switch_to_process();
    local_irq_enable();
    enter_user(USER_CODE, USER_STACK);
    local_irq_enable();
    check(shared[0] == 0xC0 && !shared[1]);
    check(copied == 1 && grown == 1 && broken_into == 1 && refused == 6 && syscalls > 6);
    copied = grown = broken_into = refused = syscalls = 0;
    /* exit_mmap(): the user half goes, and with it the tables. */
    hcall(LHCALL_FLUSH_TLB, 0, 0, 0);
    write_cr3(init_mm.cr3);
}
