/* SPDX-License-Identifier: GPL-2.0-only */
/* The checks in front of uaccess.S: nothing above PAGE_OFFSET is a process's to name. */
#include "mm.h"

int copy_user(void *to, const void *from, size_t n); /* uaccess.S */
int zero_user(void *to, size_t n);
int copy_user_string(char *to, const char *from, size_t size);

static bool in_user_half(const void *p, size_t n)
{
    return n <= PAGE_OFFSET && (uint32_t)p <= PAGE_OFFSET - n;
}

int copy_from_user(void *to, const void __user *from, size_t n)
{
    return in_user_half(from, n) ? copy_user(to, from, n) : -EFAULT;
}

int copy_to_user(void __user *to, const void *from, size_t n)
{
    return in_user_half(to, n) ? copy_user(to, from, n) : -EFAULT;
}

int clear_user(void __user *to, size_t n)
{
    return in_user_half(to, n) ? zero_user(to, n) : -EFAULT;
}

/* A string may end just below the kernel: look no further than that. */
ssize_t strncpy_from_user(char *to, const char __user *from, size_t size)
{
    size_t reach;
    int n;

    if ((uint32_t)from >= PAGE_OFFSET)
        return -EFAULT;
    reach = MIN(size, PAGE_OFFSET - (uint32_t)from);
    n = copy_user_string(to, from, reach);
    if (n >= 0 && (size_t)n == reach)
        return reach < size ? -EFAULT : -ENAMETOOLONG;
    return n;
}
