/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of mm/. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm.h"

/* vm_map and others return addresses above 2 GiB as long: only the top 4095 values are errors. */
static inline bool is_error(long v)
{
    return (unsigned long)v >= (unsigned long)-MAX_ERRNO;
}

void mm_init(void);     /* init.c: the direct map, then frames */
void mm_free_initrd(void);
void frames_init(struct page *map, uint32_t count);
uint32_t frames_free(void);
/* Hand frames to the allocator for the first time: [first, end). */
void frames_release_boot(uint32_t first, uint32_t end);

/* Are there frames enough that a process may take some? May sleep, and kill somebody to get them;
   false: current is the victim, or nothing helped. */
bool user_memory_ready(void);

/* area.c */
#define AREAS_MAX 16384u /* a quarter of Linux's vm.max_map_count; our list is walked, its tree is not */
struct vm_area *area_new(uint32_t start, uint32_t end, uint32_t flags, struct file *file,
                         uint64_t offset);
void area_free(struct vm_area *a);
bool area_split(struct mm *m, struct vm_area *a, uint32_t at);
uint32_t area_find_gap(struct mm *m, uint32_t len);
void area_insert(struct mm *m, struct vm_area *a);
void area_delete(struct mm *m, struct vm_area *a);
void area_merge(struct mm *m, struct vm_area *a); /* with its neighbours, where they go on alike */

void area_merge_range(struct mm *m, uint32_t start, uint32_t end);

/* range.c: page-table work on [start, end) */
void range_unmap(struct mm *m, uint32_t start, uint32_t end);
uint32_t range_own_pages(struct mm *m, uint32_t start, uint32_t end);
void range_protect(struct mm *m, const struct vm_area *a);
bool range_fork(struct mm *to, struct mm *from, const struct vm_area *a, uint32_t stack_page);
bool range_move(struct mm *m, uint32_t from, uint32_t to, uint32_t len);

/* What the entries of an area may allow. write: the page is the process's own to change. */
uint64_t area_prot(const struct vm_area *a, bool write);

#endif
