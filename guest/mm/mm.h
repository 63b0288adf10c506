/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: frames, the kernel's heap, page tables, and the address space of a process.
 * The page tables are PAE's; their entries are opaque and change only through pv_mmu_ops.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "../lib/lib.h"
#include "mman.h"

struct file;
struct inode;
struct trap_frame;

/* ---- frames (mm/frames.c) ---- */

struct page {
    uint32_t refs;  /* users: mappings, page cache, owner; 0 = free */
    uint32_t flags; /* PG_*; bits 8 to 15: order or size class; bits 16 to 31: kmalloc's */
    struct list link;
};
_Static_assert(sizeof(struct page) == 16, "there is one for every frame, and a shift finds it");
enum { PG_RESERVED = 1, PG_TABLE = 2, PG_CACHE = 4, PG_BUDDY = 8, PG_SLAB = 16, PG_LARGE = 32 };
#define PG_ORDER_SHIFT 8
#define PG_ORDER(p)    ((p)->flags >> PG_ORDER_SHIFT & 0xFF)
extern struct page *page_map; /* by frame number */

/* One frame, its content undefined (page_alloc_zeroed: zeros); NULL when memory is exhausted, after
   the reclaim of last resort (the OOM killer) has had its turn for user pages. refs is 1. */
struct page *page_alloc(void);
struct page *page_alloc_zeroed(void);
/* 2^order frames that lie together (kernel stacks, DMA-like buffers). */
struct page *page_alloc_order(unsigned order);
void page_free_order(struct page *p, unsigned order);
void page_free(struct page *p); /* page_put's last step */

static inline void page_get(struct page *p)
{
    p->refs++;
}

static inline void page_put(struct page *p) /* frees at zero */
{
    if (--p->refs == 0)
        page_free(p);
}

static inline pfn_t page_to_pfn(const struct page *p)
{
    return PFN((uint32_t)(p - page_map));
}

static inline struct page *pfn_to_page(pfn_t pfn)
{
    return &page_map[pfn.v];
}

/* In the kernel's direct map. */
static inline void *page_address(const struct page *p)
{
    return (void *)(PAGE_OFFSET + ((uint32_t)(p - page_map) << PAGE_SHIFT));
}

static inline struct page *virt_to_page(const void *kernel_address)
{
    return &page_map[((uint32_t)kernel_address - PAGE_OFFSET) >> PAGE_SHIFT];
}

struct mem_stats {
    uint32_t total, free, cached, tables; /* frames */
};
void mem_stats(struct mem_stats *out);

/* ---- the kernel's heap (mm/kmalloc.c) ---- */

void *kmalloc(size_t n);  /* NULL on exhaustion; 8-byte aligned; up to 128 KiB */
void *kzalloc(size_t n);
void kfree(void *p);      /* NULL is fine */
char *kstrdup(const char *s);

/* ---- user memory (mm/uaccess.c): the only way to touch a process's pages. ---- */

/* All return 0, or -EFAULT when a byte of the range is not the process's to read or write. */
int copy_from_user(void *to, const void __user *from, size_t n);
int copy_to_user(void __user *to, const void *from, size_t n);
int clear_user(void __user *to, size_t n);
/* Length without the NUL, -EFAULT, or -ENAMETOOLONG when no NUL lies in the first size bytes. */
ssize_t strncpy_from_user(char *to, const char __user *from, size_t size);
#define get_user(x, p) copy_from_user(&(x), (p), sizeof(x))
#define put_user(x, p)                                                                             \
    ({                                                                                             \
        __typeof__(*(p)) value_ = (x);                                                             \
        copy_to_user((p), &value_, sizeof value_);                                                 \
    })

/* ---- address spaces (mm/vm.c) ---- */

enum {
    VM_READ = 1, VM_WRITE = 2, VM_EXEC = 4, VM_SHARED = 8, VM_GROWSDOWN = 16, VM_STACK = 32,
    VM_HEAP = 64,
    VM_MAYWRITE = 128, /* mprotect may grant writing: private, or of a file open for writing */
};

struct vm_area {
    uint32_t start, end; /* page-aligned, [start, end) */
    uint32_t flags;      /* VM_* */
    struct file *file;   /* NULL: anonymous */
    uint64_t offset;     /* of start in file, in bytes */
    bool own_pages;      /* some pages are the process's own: all of them, or copied on write */
    struct list link;    /* in mm->areas, by address */
};

struct mm {
    uint32_t refs; /* tasks that share it (CLONE_VM, vfork) */
    bool active;   /* its tables have been announced as ready for use */
    void *pgd;     /* PAE page-directory pointers; private to mm/ and pv/ */
    struct list tables; /* the frames of its page tables, struct page.link */
    struct list areas;
    uint32_t area_count; /* bounded, as every mapping walks the list */
    struct vm_area *last; /* where vm_find found something last */
    uint32_t code_start, code_end, data_start, data_end;
    uint32_t brk_start, brk; /* byte-exact */
    uint32_t stack_top, arg_start, arg_end, env_start, env_end;
    uint32_t rss, peak_rss;  /* pages */
    struct file *exe;        /* for /proc/PID/exe */
};

struct mm *mm_new(void);
struct mm *mm_fork(struct mm *from); /* copy-on-write copy; NULL when out of memory */
void mm_get(struct mm *m);
void mm_put(struct mm *m);
void mm_switch(struct mm *next); /* load its page tables; NULL: keep the current ones (kernel thread) */

/* Map [addr, addr+len) into m. addr 0 without MAP_FIXED lets the kernel choose. prot and flags are
   Linux's PROT_/MAP_ bits. Returns the address or -errno. file's reference is taken. */
long vm_map(struct mm *m, uint32_t addr, uint32_t len, uint32_t prot, uint32_t flags,
            struct file *file, uint64_t offset);
long vm_unmap(struct mm *m, uint32_t addr, uint32_t len);
long vm_protect(struct mm *m, uint32_t addr, uint32_t len, uint32_t prot);
long vm_remap(struct mm *m, uint32_t addr, uint32_t old_len, uint32_t new_len, uint32_t flags,
              uint32_t new_addr);
uint32_t vm_brk(struct mm *m, uint32_t new_brk); /* the resulting break, unchanged on failure */
/* File i now ends at size: no process may go on seeing pages beyond. mm/truncate.c */
void vm_file_shrunk(const struct inode *i, uint64_t size);
struct vm_area *vm_find(struct mm *m, uint32_t addr);
/* Make one page present with the wanted rights. 0, or -EFAULT: nothing is mapped there; -EACCES: not
   for this; -EIO: the file ends before it (SIGBUS); -ENOMEM. May sleep. */
int vm_fault(struct mm *m, uint32_t addr, bool write, bool exec);
/* The pages of m, read or written by somebody else (/proc/PID/cmdline, ptrace-like): bytes done. */
ssize_t vm_access(struct mm *m, uint32_t addr, void *buf, size_t n, bool write);

#endif
