/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole machine in a file, to go on in another process, on another day. Opening the file says
 * what machine to make; once it is made, loading turns it into the one that was saved.
 *
 * What belongs to a machine is found through its registry of state blocks, and a block is
 * recognised by its name and size: a program whose devices have changed refuses the file in words.
 * Checksums guard against damage, not against malice: load saved machines as you would run programs.
 */
#ifndef EMU_SAVEFILE_H
#define EMU_SAVEFILE_H

#include "config.h"
#include "parts.h"

struct save_info {
    struct run_config config;
    struct digest kernel, initrd; /* of the images it was booted from: who asks gets an answer */
    /* Filled in by savefile_write, not by its caller. */
    uint64_t cycle;
    struct digest state;
    char libraries[200]; /* versions, for a person */
};

/* Between runs only. ERR_FILE with the path; an older file of that name is replaced at the end. */
bool savefile_write(const char *path, const struct machine_parts *p, const struct save_info *info,
                    struct err *err);

struct savefile;
struct savefile *savefile_open(const char *path, struct save_info *info, struct err *err);
/* Fill a machine just made with info->config, nothing loaded. When it fails the machine is good
   for nothing but to be freed. The restored state is checked against its digest. */
bool savefile_load(struct savefile *s, const struct machine_parts *p, struct err *err);
void savefile_close(struct savefile *s);

/* "Unicorn 2.1.1, Zydis 4.0.0, zstd 1.5.4, xxhash 0.8.1, jansson 2.14" */
void savefile_libraries(char *text, size_t size);

#endif
