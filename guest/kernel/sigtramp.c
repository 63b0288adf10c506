/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page with the code that a signal handler returns to when its program brought none of its own
 * (no SA_RESTORER). Linux keeps it in the vDSO; here it is one page, the same in every process,
 * readable and executable, at the top of the user's space. Code on the stack is no way out: stacks
 * are not executable.
 */
#include "process.h"

#include "../fs/fs.h"
#include "../mm/mman.h"

static struct page *code;

static const uint8_t sigreturn_code[] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80};
static const uint8_t rt_sigreturn_code[] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80};

static struct page *code_page(struct inode *i, uint32_t index, int *err)
{
    if (index) {
        *err = -EFAULT;
        return NULL;
    }
    (void)i;
    page_get(code);
    return code;
}

static const struct file_ops code_ops = {.page = code_page};

/* A file that no directory knows: what the mapping needs, and no more. Its own references, one each,
   are never given back. */
static struct inode code_inode = {
    .refs = 1,
    .nlink = 1,
    .mode = S_IFREG | 0555,
    .size = PAGE_SIZE,
    .fops = &code_ops,
};
static struct file code_file = {
    .refs = 1,
    .inode = &code_inode,
    .fops = &code_ops,
    .path = "[sigreturn]",
};

long sigtramp_map(struct mm *m)
{
    if (!code) {
        uint8_t *text;

        code = page_alloc_zeroed();
        if (!code)
            return -ENOMEM;
        text = page_address(code);
        memset(text, 0xcc, PAGE_SIZE); /* int3: a stray jump is noticed */
        memcpy(text + (SIGTRAMP_SIGRETURN - SIGTRAMP_ADDR), sigreturn_code, sizeof sigreturn_code);
        memcpy(text + (SIGTRAMP_RT_SIGRETURN - SIGTRAMP_ADDR), rt_sigreturn_code,
               sizeof rt_sigreturn_code);
    }
    return vm_map(m, SIGTRAMP_ADDR, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED,
                  &code_file, 0);
}
