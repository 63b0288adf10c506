/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The container of everything that Ringside writes to disk: sections of compressed chunks, every
 * chunk with a checksum, and one over the whole file at its end.
 *
 *     magic (16)  version (4)  byte order (4)
 *     chunk: section (4)  flags (4)  raw size (4)  stored size (4)  checksum (8)  stored bytes
 *     ...
 *     the chunk "END ": XXH3-128 of all that is before it; then the file ends
 *
 * A file is written beside its name and renamed when it is complete: a full disk or a killed
 * program leaves the old file as it was. It is checked from end to end before the first byte of it
 * is used, and what is wrong with it is told with name and offset (ERR_FILE). No size in it is
 * believed: nothing bigger than a chunk is ever allocated for a number that the file contains.
 */
#ifndef EMU_CONTAINER_H
#define EMU_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

#define CONTAINER_MAGIC_BYTES 16
struct container_format {
    char magic[CONTAINER_MAGIC_BYTES + 1];
    uint32_t version;
    const char *what; /* for messages: "a saved machine" */
};

/* ---- writing: errors are kept and told by the commit ---- */

struct container_out;
struct container_out *container_create(const char *path, const struct container_format *format,
                                       struct err *err);
/* What is put from here on belongs to this section (four characters). */
void container_section(struct container_out *c, const char *section);
void container_put(struct container_out *c, const void *bytes, size_t n);
/* The caller has run out of memory on the way: let the commit fail and say so. */
void container_spoil(struct container_out *c);
/* Complete the file and give it its name. Frees c in any case. */
bool container_commit(struct container_out *c, struct err *err);
void container_abandon(struct container_out *c);

/* ---- reading ---- */

struct container_in;
/* Open and check the whole file. */
struct container_in *container_open(const char *path, const struct container_format *format,
                                    struct err *err);
/* The same on a stream that can seek; takes it over, also when it fails. */
struct container_in *container_open_stream(FILE *f, const char *name,
                                           const struct container_format *format, struct err *err);
void container_close(struct container_in *c);
/* Go to the next section, which must be this one; what is left of the present one is an error. */
bool container_enter(struct container_in *c, const char *section, struct err *err);
/* Exactly n bytes of the section. */
bool container_get(struct container_in *c, void *to, size_t n, struct err *err);
/* The next bytes of the section, at most max; 0 at its end, or (err set) for a bad file. */
size_t container_get_some(struct container_in *c, void *to, size_t max, struct err *err);
bool container_section_is_over(struct container_in *c);
/* "file: at offset 0x...: what"; false. */
bool container_bad(const struct container_in *c, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
