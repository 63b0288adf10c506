/* SPDX-License-Identifier: GPL-2.0-only */
/* From the number in EAX to the function in syscalls.def. */
#include "syscall.h"
#include "pv/pv.h"
#include "task.h"

static const syscall_fn table[] = {
#define SYSCALL(nr, name) [nr] = sys_##name,
#include "syscalls.def"
#undef SYSCALL
};

static uint8_t complained[ARRAY_LEN(table) / 8 + 1]; /* a bit a number */

static void complain_once(uint32_t nr)
{
    if (nr < ARRAY_LEN(table)) {
        if (complained[nr / 8] & 1 << nr % 8)
            return;
        complained[nr / 8] |= 1 << nr % 8;
    } else {
        static uint32_t last;
        if (nr == last)
            return;
        last = nr;
    }
    printk("%s (%d): no system call %u\n", current->comm, current->pid, nr);
}

/* The frame sits at the very top of the task's kernel stack. */
struct trap_frame *current_frame(void)
{
    return (struct trap_frame *)((char *)current->kstack + (PAGE_SIZE << KSTACK_ORDER)) - 1;
}

void syscall_dispatch(struct trap_frame *f)
{
    uint32_t nr = f->orig_eax;

    if (nr < ARRAY_LEN(table) && table[nr]) {
        f->eax = table[nr](f->ebx, f->ecx, f->edx, f->esi, f->edi, f->ebp);
    } else {
        complain_once(nr);
        f->eax = (uint32_t)-ENOSYS;
    }
}
