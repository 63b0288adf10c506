/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of execve() on their way from the old program's memory to the new one's stack.
   kernel/exec_args.c */
#ifndef KERNEL_EXEC_ARGS_H
#define KERNEL_EXEC_ARGS_H

#include "elf.h"
#include "process.h"

#define ARG_MAX (2u << 20) /* strings and the pointers to them */

/* The strings of the new program as they will lie at the top of its stack, in loose pages. They are
   pushed downwards, so a script can replace argv[0] by more. */
struct args {
    struct page *page[ARG_MAX / PAGE_SIZE];
    uint32_t p; /* offset of the lowest byte so far; ARG_MAX = STACK_TOP */
    uint32_t argc, envc;
    uint32_t execfn; /* offset of the program's path as it was called */
};

struct strings { /* an argv or envp, in user or kernel memory */
    bool user;
    const void *array;
};

struct credentials {
    uint32_t euid, egid;
};

/* Copy path, argv and envp. NULL: *err is -EFAULT, -E2BIG or -ENOMEM. */
struct args *args_new(const char *path, const struct strings *argv, const struct strings *envp,
                      int *err);
void args_free(struct args *a); /* NULL is fine */

/* "#!": argv[0] gives way to the interpreter, its argument (may be NULL) and the script's path. */
int args_for_script(struct args *a, const char *script, const char *interp, const char *arg);

/* Map m's stack and write on it what a program finds there at its start; its first ESP to *esp. */
int args_build_stack(struct mm *m, const struct args *a, const struct elf_image *img,
                     const struct credentials *cred, uint32_t *esp);

#endif
