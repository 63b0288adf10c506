/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patch sites: the places in a kernel's code that call a hook. The kernel's file lists them in
 * .parainstructions (Linux's struct paravirt_patch_site); what becomes of their bytes is seen by
 * letting the kernel patch itself.
 */
#ifndef DEBUGGER_SITES_H
#define DEBUGGER_SITES_H

#include "emu/machine.h"
#include "kernel.h"

#define SITE_BYTES_MAX 16

struct site {
    uint32_t addr;
    uint8_t hook; /* row of the catalogue, in a kernel of ours */
    uint8_t length;
    uint16_t clobbers;
    uint8_t before[SITE_BYTES_MAX]; /* as linked: an indirect call or jump */
};

struct sites {
    struct site *site; /* in the order of the kernel's list */
    unsigned n;
    bool ours; /* the numbers of hooks are those of abi/pv_hooks.def */
};

/* The kernel's list; ERR_FILE when it has none or one that does not hold. */
bool sites_read(const struct kernel *k, struct sites *out, struct err *err);
void sites_free(struct sites *s);

/*
 * Run m, in which the kernel is about to start, until it has patched its sites: to the return of
 * its apply_paravirt(). Takes over m's watcher meanwhile. ERR_FILE when it never comes to that.
 */
bool sites_boot(struct machine *m, const struct kernel *k, struct err *err);
/* The bytes of a site in the machine as it is now. False: the address is not mapped there. */
bool site_peek(struct machine *m, const struct site *s, uint8_t bytes[SITE_BYTES_MAX]);

/* All instructions of a site, with "; " between. */
void site_disassemble(const struct site *s, const uint8_t *bytes, char *text, size_t size);

#endif
