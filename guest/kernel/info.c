/* SPDX-License-Identifier: GPL-2.0-only */
/* What a debugger outside asks about this kernel: see abi/kernel_info.h. */
#include "abi/kernel_info.h"
#include "task.h"

void switch_stacks(uint32_t *save_esp, uint32_t load_esp); /* entry.S */

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
};
