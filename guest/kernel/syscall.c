/* SPDX-License-Identifier: GPL-2.0-only */
/* From the number in EAX to the function in syscalls.def. */
#include "syscall.h"
#include "pv/pv.h"
#include "task.h"

/* Not static: a debugger outside takes the names of the calls from it. */
extern const syscall_fn syscall_table[];
const syscall_fn syscall_table[] = {
#define SYSCALL(nr, name) [nr] = sys_##name,
#include "syscalls.def"
#undef SYSCALL
};
_Static_assert(ARRAY_LEN(syscall_table) < 512, "complain_once() has a bit for every number");

/* A bit a number; the last one is for all numbers beyond, of which one tells about the others. */
enum { NUMBERS = 512 };
static uint8_t complained[NUMBERS / 8];

static void complain_once(uint32_t nr)
{
    uint32_t bit = MIN(nr, NUMBERS - 1);

    if (complained[bit / 8] & 1 << bit % 8)
        return;
    complained[bit / 8] |= 1 << bit % 8;
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

    if (nr < ARRAY_LEN(syscall_table) && syscall_table[nr]) {
        f->eax = syscall_table[nr](f->ebx, f->ecx, f->edx, f->esi, f->edi, f->ebp);
    } else {
        complain_once(nr);
        f->eax = (uint32_t)-ENOSYS;
    }
}
