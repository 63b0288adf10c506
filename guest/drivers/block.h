/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks: numbered sectors of 512 bytes. A driver knows how to move whole sectors; a process reads and
 * writes any bytes of /dev/vda. block.c is what lies between the two.
 */
#ifndef DRIVERS_BLOCK_H
#define DRIVERS_BLOCK_H

#include "../fs/fs.h"

#define SECTOR_SIZE 512u

struct block_device {
    char name[8];  /* "vda" */
    uint32_t rdev; /* its device number */
    uint64_t sectors;
    /* Move count sectors between disk and buffer, which lies in one piece in the direct map. 0 or
       -EIO. May sleep; there is one call at a time. */
    int (*transfer)(struct block_device *d, bool write, uint64_t sector, void *buffer,
                    uint32_t count);
    int (*flush)(struct block_device *d); /* what was written shall survive */

    /* block.c's own */
    bool busy; /* somebody is in one of the two */
    struct wait_queue idle;
    uint8_t edge[SECTOR_SIZE];
};

/* Once for each disk, before the file systems are made: /dev shows those that are known then. */
void block_register(struct block_device *d);
struct block_device *block_device(unsigned index); /* NULL: there are not as many */

/* The operations of a device node with this number; NULL: no disk has it. */
const struct file_ops *block_file_ops(uint32_t rdev);
int block_sync_all(void);

#endif
