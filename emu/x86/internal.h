/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One delivery under way, shared by deliver.c and task.c. The functions return false when a fault
 * came instead; it is in d->fault then.
 */
#ifndef EMU_X86_INTERNAL_H
#define EMU_X86_INTERNAL_H

#include "x86.h"

/* The access byte and the flags of a descriptor, where its high dword has them. */
enum {
    DESC_ACCESSED = 1u << 8,
    DESC_WRITABLE = 1u << 9, /* data */
    DESC_READABLE = 1u << 9, /* code */
    DESC_EXPAND_DOWN = 1u << 10,
    DESC_CONFORMING = 1u << 10,
    DESC_CODE = 1u << 11,
    DESC_SEGMENT = 1u << 12, /* code or data; else a system descriptor */
    DESC_PRESENT = 1u << 15,
    DESC_BIG = 1u << 22,
};

/* Types of system descriptors (SDM volume 3A, table 3-2). */
enum {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15,
};

struct delivery {
    struct x86_regs *r; /* a working copy: thrown away when a fault comes */
    struct mem *m;
    const struct x86_event *ev;
    uint32_t ext;   /* EXT of error codes: the event was not asked for by an instruction */
    bool committed; /* a task switch is past the point where a fault belongs to the new task */
    struct x86_event fault;
};

static inline unsigned desc_dpl(uint32_t flags)
{
    return flags >> 13 & 3;
}

static inline unsigned desc_type(uint32_t flags)
{
    return flags >> 8 & 31; /* with the S bit, so that system types are below 16 */
}

/* Give up with a fault whose error code names a selector, or nothing (0). */
bool delivery_fault(struct delivery *d, uint8_t vector, uint32_t error);
/* System structures are read and written with the supervisor's rights, whatever the CPL. */
bool delivery_read(struct delivery *d, uint32_t at, void *to, uint32_t n);
bool delivery_write(struct delivery *d, uint32_t at, const void *from, uint32_t n);
/* The descriptor of sel, or a fault of this vector naming it. */
bool delivery_desc(struct delivery *d, uint16_t sel, uint8_t vector, struct x86_desc *out);
/* Set the accessed bit in memory, as every load of a segment register does. */
bool delivery_accessed(struct delivery *d, uint16_t sel, struct x86_desc *desc);
/* Push n words of 2 or 4 bytes, first the one that is pushed first, on d->r's stack. */
bool delivery_push(struct delivery *d, const uint32_t *word, unsigned n, unsigned size, bool user,
                   uint32_t ss_error);

/* Is [offset, offset+n) inside the segment? */
bool seg_contains(const struct x86_seg *s, uint32_t offset, uint32_t n);

/* The event's gate is a task gate for this TSS selector: switch tasks (task.c). */
bool task_switch(struct delivery *d, uint16_t tss_sel, uint32_t return_eip);

#endif
