/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks, as a model's device sees them: so many sectors that can be read and written. How a guest
 * asks for them (a ring of descriptors, a page of shared memory) is the model's business.
 *
 * What is on the disks lies in frames, as RAM does, but in frames of their own that no CPU can reach.
 * So snapshots, digests and saved machines take disks along by the rule that they have already: a
 * frame that has changed is a part of what has changed. A file comes into it before the run, when its
 * bytes are loaded, and again only if somebody listens to writes in order to take them to a file
 * (disk_file.h). The guest cannot tell whether somebody does.
 */
#ifndef EMU_DEV_DISK_H
#define EMU_DEV_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../err.h"
#include "../mem.h"

#define DISKS_MAX       4
#define DISK_SECTOR     512u
#define DISK_MAX_BYTES  (1ull << 30)
#define DISKS_MAX_BYTES (2ull << 30) /* of all disks together */

/* Can a machine have disks of these sizes? They are whole sectors, 0 ends the list. Says why not, in
   words that go on after "--disk: " or a file's name; NULL: it can. */
const char *disks_refuse(const uint64_t bytes[DISKS_MAX]);

struct disks;
/* Disks of these sizes, which disks_refuse() has found good, full of zeros. */
struct disks *disks_new(const uint64_t bytes[DISKS_MAX], struct err *err);
void disks_free(struct disks *s); /* NULL is fine */
/* The frames, for what keeps and compares machines. */
struct mem *disks_mem(struct disks *s);

/* How many there are (0 for NULL), numbered from 0; and the size of one in bytes, 0 when there is no
   such disk. */
unsigned disks_count(const struct disks *s);
uint64_t disk_bytes(const struct disks *s, unsigned n);

/* Copy n bytes at this byte of the disk. False, and nothing is copied, when some lie beyond its end. */
bool disk_read(struct disks *s, unsigned disk, uint64_t at, void *to, size_t n);
bool disk_write(struct disks *s, unsigned disk, uint64_t at, const void *from, size_t n);
/* What was written shall be where it survives: tells the listener. */
void disk_flush(struct disks *s, unsigned disk);

/* Who wants to hear of writes. Never tells the guest anything, neither success nor failure: what the
   guest is told must be the same when the run is repeated without the file. */
struct disk_listener {
    void (*written)(void *ctx, uint64_t at, size_t n);
    void (*flush)(void *ctx);
    void *ctx;
};
void disk_listen(struct disks *s, unsigned disk, const struct disk_listener *l);

#endif
