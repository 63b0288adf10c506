/* SPDX-License-Identifier: GPL-2.0-only */
/* The words every file of the kernel uses. */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t ssize_t;
typedef int64_t loff_t;
typedef uint32_t mode_t;
typedef int32_t pid_t;

/*
 * Two kinds of frame number, two types. A pfn is what this kernel's allocator counts; an mfn is
 * what the hardware, or the hypervisor under us, understands. On bare metal they are equal; under
 * Xen they are not. Only the pv layer converts, in make_pte() and pte_val().
 */
typedef struct {
    uint32_t v;
} pfn_t;
typedef struct {
    uint32_t v;
} mfn_t;

#define PFN(n) ((pfn_t){ (n) })

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_OFFSET 0xC0000000u /* user below, kernel above */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#define __user        /* a pointer into a process: only uaccess.h may follow it */
#define __init        __attribute__((section(".init.text")))
#define __initdata    __attribute__((section(".init.data")))
#define __packed      __attribute__((packed))
#define __noreturn    __attribute__((noreturn))
#define __printf(f, a) __attribute__((format(printf, f, a)))

#endif
