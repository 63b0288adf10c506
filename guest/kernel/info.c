/* SPDX-License-Identifier: GPL-2.0-only */
/* What a debugger outside asks about this kernel: see abi/kernel_info.h. */
#include "abi/kernel_info.h"
#include "task.h"

void switch_stacks(uint32_t *save_esp, uint32_t load_esp); /* entry.S */

_Static_assert((int)TASK_RUNNING == (int)KERNEL_TASK_RUNNING &&
                   (int)TASK_KILLABLE == (int)KERNEL_TASK_KILLABLE &&
                   (int)TASK_ZOMBIE == (int)KERNEL_TASK_ZOMBIE &&
                   (int)TASK_DEAD == (int)KERNEL_TASK_DEAD,
               "the states by the numbers that the outside knows");

extern const struct kernel_info ringside_kernel_info;
__attribute__((used)) const struct kernel_info ringside_kernel_info = {
    .magic = KERNEL_INFO_MAGIC,
    .version = KERNEL_INFO_VERSION,
    .current_task = (uint32_t)&current,
    .task_pid = __builtin_offsetof(struct task, pid),
    .task_tgid = __builtin_offsetof(struct task, tgid),
    .task_comm = __builtin_offsetof(struct task, comm),
    .comm_length = TASK_COMM_LEN,
    .switched_at = (uint32_t)switch_stacks,
    .all_tasks = (uint32_t)&all_tasks,
    .task_all = __builtin_offsetof(struct task, all),
    .task_state = __builtin_offsetof(struct task, state),
    .task_parent = __builtin_offsetof(struct task, parent),
    .task_stack = __builtin_offsetof(struct task, kernel_esp),
    .task_mm = __builtin_offsetof(struct task, mm),
    .task_user_ticks = __builtin_offsetof(struct task, utime),
    .task_kernel_ticks = __builtin_offsetof(struct task, stime),
};
