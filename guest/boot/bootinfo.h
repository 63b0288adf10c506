/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader told us, copied out of its memory before that is used for something else. */
#ifndef BOOT_BOOTINFO_H
#define BOOT_BOOTINFO_H

#include "lib/lib.h"

enum boot_protocol { BOOT_LINUX, BOOT_MULTIBOOT };

struct boot_info {
    enum boot_protocol protocol;
    char cmdline[1024];
    uint32_t initrd_start, initrd_size; /* physical; size 0: none */
    unsigned ranges;
    struct boot_range {
        uint64_t start, size;
        uint32_t type; /* 1: usable (E820) */
    } range[64];
};
extern struct boot_info boot_info;

/* The front doors' only way on (kernel/main.c); info is the physical address of what the loader left. */
struct pv_backend;
void start_kernel(const struct pv_backend *backend, enum boot_protocol protocol,
                  uint32_t info) __noreturn;

/* Parse what lies at phys; it must be below 16 MiB, where the first page tables reach. */
void bootinfo_read(enum boot_protocol protocol, uint32_t phys);
/* Print and check the map of memory; the name of where it came from. */
const char *bootinfo_memory_map(void);

/* ---- the command line ---- */

bool cmdline_has(const char *word);                               /* "quiet" */
bool cmdline_get(const char *name, char *value, size_t size);     /* "init=/bin/sh": name "init" */

#endif
