/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what the user asked for to a machine with a guest in it: images read, initrd put together,
 * command line written, model found, all built; or the same from a file that an earlier run left.
 * Every command that runs a guest begins here.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "emu/dev/disk_file.h"
#include "emu/record.h"
#include "emu/savefile.h"
#include "hv-models/hv.h"
#include "options.h"

struct session {
    struct run_config config;
    struct image kernel, initrd;  /* owned; empty in a machine that was loaded */
    struct image disk[DISKS_MAX]; /* as they were before the run; kept to be recorded, else empty */
    struct disk_file *disk_file[DISKS_MAX]; /* where what is written goes; NULL: nowhere */
    bool recorded;
    struct save_info origin; /* of a loaded machine: what its file said */
    struct savefile *saved;  /* until it is loaded */
    const struct hv_model *model;
    const char *variant;
    struct machine *machine;
};

/* Each begins a session in *s, which session_close() ends, also after a failure. No machine yet. */
bool session_from_options(struct session *s, const struct options *o, struct err *err);
bool session_from_saved(struct session *s, const char *path, struct err *err);
/* Takes over the images of r. */
bool session_from_recording(struct session *s, struct recording *r, struct err *err);

/* Make the machine and put the guest into it, or into the state in which it was saved. */
bool session_start(struct session *s, const struct machine_host *host, struct err *err);
void session_close(struct session *s);

/* The kernel file alone: --kernel, or Ringside's own. Free with image_free(). */
bool session_kernel(struct image *kernel, const struct options *o, struct err *err);

/* The directory with the source text that came with the program; path has PATH_MAX bytes. */
bool session_sources(char *path);

/* What the guest wrote to disks that are ",rw" goes to their files now. False: not all of it. */
bool session_sync_disks(struct session *s, struct err *err);

/* Write down the machine as it is now, for session_from_saved(). */
bool session_save(struct session *s, const char *path, struct err *err);
/* Write down the whole run, which has ended like this, for session_from_recording(); with the changes of
   by_hand, which a debugger has made (NULL: none). */
bool session_record(struct session *s, const char *path, const struct run_result *result,
                    const struct recording *by_hand, struct err *err);

#endif
