/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between a disk and a file of the host's. The file is read once, before the run: from then on the
 * run does not depend on it. With a disk_file, what the guest has written goes back into the file,
 * at every flush that the guest asks for and at the end; sectors that it did not write are never
 * touched. The file is locked as long (flock), against a second run that has the same idea.
 */
#ifndef EMU_DEV_DISK_FILE_H
#define EMU_DEV_DISK_FILE_H

#include "../load/load.h"
#include "disk.h"

struct disk_file;

/*
 * Read a disk's image. writable: keep the file open and locked for what is to be written back; *out
 * is then to be closed by disk_file_close(). ERR_FILE with the path: not a regular file, empty, not
 * whole sectors, too big, or in use by somebody who writes it.
 */
bool disk_file_read(const char *path, bool writable, struct image *img, struct disk_file **out,
                    struct err *err);
/* From here on what is written to this disk shall go to the file. */
bool disk_file_attach(struct disk_file *f, struct disks *s, unsigned disk, struct err *err);
/* Put the image on the disk. Before the run, and before disk_file_attach(). */
void disk_fill(struct disks *s, unsigned disk, const struct image *img);
/* Write back what has not been yet. False: this, or some earlier write, did not get to the file. */
bool disk_file_sync(struct disk_file *f, struct err *err);
void disk_file_close(struct disk_file *f); /* NULL is fine; writes nothing */

#endif
