/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an lguest guest and its hypervisor have agreed on: the numbers of the hypercalls, the one
 * structure in guest memory that both sides read and write, and the page on which the guest finds
 * its virtio devices. Both worlds compile this file, and the static asserts hold both to the same
 * offsets. Facts: include/linux/lguest.h, lguest_launcher.h and asm/lguest_hcall.h of Linux 2.6.31
 * and 3.2.
 *
 * A hypercall is "int $0x1f" (any release but 2.6.30 and 2.6.31) or "vmcall" (2.6.30 to 3.0): call
 * number in EAX, arguments in EBX, ECX, EDX, ESI. All registers but EAX are kept.
 */
#ifndef RINGSIDE_LGUEST_H
#define RINGSIDE_LGUEST_H

#define LGUEST_TRAP_ENTRY 0x1F

/* Hypercall numbers, with 2.6.31's arguments. 11, 12 and the PAE SET_PMD's old meaning belong to
   releases that are not modelled. Addresses are guest-physical unless the line says otherwise. */
#define LHCALL_FLUSH_ASYNC       0  /* -: nothing but entering the host, which empties the ring */
#define LHCALL_LGUEST_INIT       1  /* address of struct lguest_data */
#define LHCALL_SHUTDOWN          2  /* address of a message of up to 128 bytes, LGUEST_SHUTDOWN_* */
#define LHCALL_NEW_PGTABLE       4  /* top-level page table */
#define LHCALL_FLUSH_TLB         5  /* 0: the user half of the current tables; 1: everything */
#define LHCALL_LOAD_IDT_ENTRY    6  /* vector, low word, high word */
#define LHCALL_SET_STACK         7  /* SS, ESP, pages */
#define LHCALL_TS                8  /* 8 or 0: CR0.TS */
#define LHCALL_SET_CLOCKEVENT    9  /* nanoseconds from now; 0: never */
#define LHCALL_HALT              10 /* - */
#define LHCALL_SET_PMD           13 /* PAE: page directory, index in it */
#define LHCALL_SET_PTE           14 /* top-level table, virtual address, entry low, entry high */
#define LHCALL_SET_PGD           15 /* top-level table, index in it */
#define LHCALL_LOAD_TLS          16 /* address of three descriptors, CPU */
#define LHCALL_NOTIFY            17 /* ring, descriptor, or a string for the early console */
#define LHCALL_LOAD_GDT_ENTRY    18 /* index, low word, high word */
#define LHCALL_SEND_INTERRUPTS   19 /* -: nothing but entering the host, which delivers on return */

#define LGUEST_SHUTDOWN_POWEROFF 1
#define LGUEST_SHUTDOWN_RESTART  2

/* boot_params.hdr.hardware_subarch of a guest that should look for this file's interface. */
#define LGUEST_SUBARCH 1

/* Selectors: the hypervisor puts these two into the GDT that the guest starts with. */
#define LGUEST_GDT_ENTRIES   32
#define LGUEST_GDT_ENTRY_CS  12
#define LGUEST_GDT_ENTRY_DS  13
#define LGUEST_KERNEL_CS     (LGUEST_GDT_ENTRY_CS * 8 + 1)
#define LGUEST_KERNEL_DS     (LGUEST_GDT_ENTRY_DS * 8 + 1)
#define LGUEST_GDT_ENTRY_TLS 6 /* and 7 and 8 */

/* Interrupts: 32 lines, line n is vector 0x20 + n, line 0 is the clock. */
#define LGUEST_IRQS       32
#define LGUEST_IRQ_VECTOR 0x20
#define LGUEST_IF         0x200 /* in irq_enabled and irq_pending: EFLAGS' own bit */

/* The asynchronous ring. */
#define LHCALL_RING_SIZE 64
#define LHCALL_RING_FREE 0xFF /* in hcall_status[]; 0: to be executed */

/* Offsets, for assembler and for the layouts below. */
#define LGUEST_DATA_irq_enabled        0
#define LGUEST_DATA_blocked_interrupts 4
#define LGUEST_DATA_cr2                8
#define LGUEST_DATA_time               12
#define LGUEST_DATA_irq_pending        20
#define LGUEST_DATA_hcall_status       24
#define LGUEST_DATA_hcalls             88
#define LGUEST_DATA_reserve_mem        1368
#define LGUEST_DATA_tsc_khz            1372
#define LGUEST_DATA_pgdir              1376 /* 2.6.31 alone */
#define LGUEST_DATA_noirq_start        1380
#define LGUEST_DATA_noirq_end          1384
#define LGUEST_DATA_kernel_address     1388
#define LGUEST_DATA_syscall_vec        1392
#define LGUEST_DATA_size               1396
#define LGUEST_DATA_3_2_noirq_start    1376
#define LGUEST_DATA_3_2_noirq_end      1380
#define LGUEST_DATA_3_2_kernel_address 1384
#define LGUEST_DATA_3_2_syscall_vec    1388
#define LGUEST_DATA_3_2_size           1392

/* ---- the device page: the first page behind the guest's RAM ---- */

#define LGUEST_DEVICE_PAGES       256 /* device page, then the pages of the rings */

#define LGUEST_DEV_NET            1 /* virtio's own numbers */
#define LGUEST_DEV_BLOCK          2
#define LGUEST_DEV_CONSOLE        3
#define LGUEST_DEV_RNG            4

#define LGUEST_STATUS_ACKNOWLEDGE 1
#define LGUEST_STATUS_DRIVER      2
#define LGUEST_STATUS_DRIVER_OK   4
#define LGUEST_STATUS_FAILED      0x80

/* A ring of n descriptors, as virtio's legacy layout has it: descriptors, available ring, and at
   the next multiple of LGUEST_VRING_ALIGN the used ring. */
#define LGUEST_VRING_ALIGN           4096
#define LGUEST_VRING_NUM             256
#define LGUEST_VRING_DESC_NEXT       1
#define LGUEST_VRING_DESC_WRITE      2
#define LGUEST_VRING_DESC_INDIRECT   4
#define LGUEST_VRING_AVAIL_NO_IRQ    1
#define LGUEST_VRING_USED_NO_NOTIFY  1
#define LGUEST_VIRTIO_F_NOTIFY_EMPTY 24
#define LGUEST_VIRTIO_F_INDIRECT     28

/* A disk (LGUEST_DEV_BLOCK): one queue of requests. Each is a chain: a header that the device reads,
   data, and last a byte that it writes, LGUEST_BLK_S_*. */
#define LGUEST_BLK_F_BARRIER  0 /* LGUEST_BLK_T_BARRIER may be set (until 2.6.36) */
#define LGUEST_BLK_F_SEG_MAX  2 /* seg_max of the configuration is valid */
#define LGUEST_BLK_F_FLUSH    9 /* there is LGUEST_BLK_T_FLUSH (since) */
#define LGUEST_BLK_T_OUT      1 /* write; without it, and without another bit: read */
#define LGUEST_BLK_T_SCSI_CMD 2
#define LGUEST_BLK_T_FLUSH    4
#define LGUEST_BLK_T_BARRIER  0x80000000
#define LGUEST_BLK_S_OK       0
#define LGUEST_BLK_S_IOERR    1
#define LGUEST_BLK_S_UNSUPP   2
#define LGUEST_BLK_SECTOR     512

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* One slot of the ring of calls that can wait. */
struct lguest_hcall {
    uint32_t arg[5]; /* number, then the arguments */
};

/* 2.6.31 to 3.0. "->" written by the guest, "<-" by the hypervisor. */
struct lguest_data {
    uint32_t irq_enabled;                         /* <-> LGUEST_IF or 0: the virtual IF */
    uint32_t blocked_interrupts;                  /* -> a bit a line */
    uint32_t cr2;                                 /* <- of a reflected page fault */
    int32_t tv_sec, tv_nsec;                      /* <- wall clock */
    int32_t irq_pending;                          /* <- LGUEST_IF: one waits for irq_enabled */
    uint8_t hcall_status[LHCALL_RING_SIZE];       /* <-> */
    struct lguest_hcall hcalls[LHCALL_RING_SIZE]; /* -> */
    uint32_t reserve_mem;    /* <- bytes at the top of linear memory that are not the guest's */
    uint32_t tsc_khz;        /* <- 0: do not use the TSC */
    uint32_t pgdir;          /* <- the page tables that the guest was started with */
    uint32_t noirq_start;    /* -> virtual: no interrupt while start <= EIP < end */
    uint32_t noirq_end;      /* -> */
    uint32_t kernel_address; /* -> where the kernel's half of linear memory begins */
    uint32_t syscall_vec;    /* -> the vector that shall not go through the hypervisor */
};

/* 3.1 to 3.18: the guest brings its own first page tables, so pgdir is gone. */
struct lguest_data_3_2 {
    uint32_t irq_enabled;
    uint32_t blocked_interrupts;
    uint32_t cr2;
    int32_t tv_sec, tv_nsec;
    int32_t irq_pending;
    uint8_t hcall_status[LHCALL_RING_SIZE];
    struct lguest_hcall hcalls[LHCALL_RING_SIZE];
    uint32_t reserve_mem;
    uint32_t tsc_khz;
    uint32_t noirq_start;
    uint32_t noirq_end;
    uint32_t kernel_address;
    uint32_t syscall_vec;
};

#define LGUEST_AT(field, offset) \
    _Static_assert(offsetof(struct lguest_data, field) == (offset), "2.6.31: " #field)
LGUEST_AT(irq_enabled, LGUEST_DATA_irq_enabled);
LGUEST_AT(blocked_interrupts, LGUEST_DATA_blocked_interrupts);
LGUEST_AT(cr2, LGUEST_DATA_cr2);
LGUEST_AT(tv_sec, LGUEST_DATA_time);
LGUEST_AT(tv_nsec, LGUEST_DATA_time + 4);
LGUEST_AT(irq_pending, LGUEST_DATA_irq_pending);
LGUEST_AT(hcall_status, LGUEST_DATA_hcall_status);
LGUEST_AT(hcalls, LGUEST_DATA_hcalls);
LGUEST_AT(reserve_mem, LGUEST_DATA_reserve_mem);
LGUEST_AT(tsc_khz, LGUEST_DATA_tsc_khz);
LGUEST_AT(pgdir, LGUEST_DATA_pgdir);
LGUEST_AT(noirq_start, LGUEST_DATA_noirq_start);
LGUEST_AT(noirq_end, LGUEST_DATA_noirq_end);
LGUEST_AT(kernel_address, LGUEST_DATA_kernel_address);
LGUEST_AT(syscall_vec, LGUEST_DATA_syscall_vec);
#undef LGUEST_AT
_Static_assert(sizeof(struct lguest_data) == LGUEST_DATA_size, "2.6.31");

#define LGUEST_AT(field, offset) \
    _Static_assert(offsetof(struct lguest_data_3_2, field) == (offset), "3.2: " #field)
LGUEST_AT(irq_enabled, LGUEST_DATA_irq_enabled);
LGUEST_AT(blocked_interrupts, LGUEST_DATA_blocked_interrupts);
LGUEST_AT(cr2, LGUEST_DATA_cr2);
LGUEST_AT(tv_sec, LGUEST_DATA_time);
LGUEST_AT(tv_nsec, LGUEST_DATA_time + 4);
LGUEST_AT(irq_pending, LGUEST_DATA_irq_pending);
LGUEST_AT(hcall_status, LGUEST_DATA_hcall_status);
LGUEST_AT(hcalls, LGUEST_DATA_hcalls);
LGUEST_AT(reserve_mem, LGUEST_DATA_reserve_mem);
LGUEST_AT(tsc_khz, LGUEST_DATA_tsc_khz);
LGUEST_AT(noirq_start, LGUEST_DATA_3_2_noirq_start);
LGUEST_AT(noirq_end, LGUEST_DATA_3_2_noirq_end);
LGUEST_AT(kernel_address, LGUEST_DATA_3_2_kernel_address);
LGUEST_AT(syscall_vec, LGUEST_DATA_3_2_syscall_vec);
#undef LGUEST_AT
_Static_assert(sizeof(struct lguest_data_3_2) == LGUEST_DATA_3_2_size, "3.2");

/*
 * The device page holds descriptors one after the other, without alignment, until a type of 0 or
 * the end of the page. Each is followed by num_vq queues, feature_len bytes of offered features,
 * feature_len bytes of accepted ones, and config_len bytes of the device's own configuration.
 * After storing a status the guest makes NOTIFY(address of the descriptor); after filling a queue
 * NOTIFY(pfn << 12).
 */
struct lguest_device_desc {
    uint8_t type, num_vq, feature_len, config_len, status;
} __attribute__((packed));

struct lguest_vqconfig {
    uint16_t num, irq;
    uint32_t pfn;
} __attribute__((packed));

_Static_assert(sizeof(struct lguest_device_desc) == 5, "no padding");
_Static_assert(sizeof(struct lguest_vqconfig) == 8, "no padding");

/* What a disk's request begins with. */
struct lguest_blk_header {
    uint32_t type, ioprio;
    uint64_t sector; /* of 512 bytes */
} __attribute__((packed));
/* And its configuration on the device page. */
struct lguest_blk_config {
    uint64_t capacity; /* sectors of 512 bytes */
    uint32_t size_max; /* not valid: the device has not offered it */
    uint32_t seg_max;  /* pieces of data in a request */
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_blk_header) == 16, "as virtio has it");
_Static_assert(sizeof(struct lguest_blk_config) == 16, "up to the geometry, which is not told");

/* virtio's legacy ring. All numbers are little-endian, as both sides are. */
struct lguest_vring_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
struct lguest_vring_avail {
    uint16_t flags, idx;
    uint16_t ring[];
};
struct lguest_vring_used_elem {
    uint32_t id, len;
};
struct lguest_vring_used {
    uint16_t flags, idx;
    struct lguest_vring_used_elem ring[];
};
_Static_assert(sizeof(struct lguest_vring_desc) == 16, "as virtio has it");

#define LGUEST_VRING_AVAIL_AT(num) (16u * (num))
#define LGUEST_VRING_USED_AT(num) \
    ((16u * (num) + 2u * (3u + (num)) + LGUEST_VRING_ALIGN - 1) & ~(LGUEST_VRING_ALIGN - 1u))
#define LGUEST_VRING_SIZE(num) (LGUEST_VRING_USED_AT(num) + 6u + 8u * (num))

#endif /* !__ASSEMBLER__ */
#endif
