/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording: all that decides a run - configuration, images, input - and how it ended. Because
 * virtual time is exact, this is enough to have the same run again, to the last bit, anywhere; and
 * comparing the two ends proves that it was.
 */
#ifndef EMU_RECORD_H
#define EMU_RECORD_H

#include "config.h"
#include "events.h"
#include "input.h"
#include "load/load.h"

/* How a run ended. */
struct run_result {
    uint64_t cycles, instructions, events;
    struct digest state_digest, event_digest;
    uint64_t status;
    char end[32];     /* "power-off", "died", ... */
    char reason[256]; /* of a death; else empty */
};

/* Something that was done to the machine by hand, by a debugger, between two instructions. */
enum record_change_kind {
    RECORD_MEMORY,
    RECORD_PHYSICAL,
    RECORD_REGISTER,
    RECORD_COST,
    RECORD_CHANGE_KINDS
};
#define RECORD_CHANGES_MAX      65536u
#define RECORD_CHANGE_BYTES_MAX (1u << 20)
struct record_change {
    uint64_t cycle; /* at the boundary of this cycle */
    uint64_t where; /* linear or machine address; number of the register */
    uint32_t kind;  /* enum record_change_kind */
    uint32_t n;     /* of memory: how many bytes; else the new value */
    uint32_t size;  /* of bytes */
    uint8_t *bytes; /* of memory; the name of a cost, with its NUL; owned */
};

struct recording {
    struct run_config config;
    struct image kernel, initrd;
    struct image disk[DISKS_MAX]; /* before the run; of config.disk_bytes */
    struct input_entry *log;
    size_t entries;
    struct record_change *change; /* in the order in which they were made */
    size_t changes;
    struct run_result result;
};

/* The whole log must be in r: see input_log_is_cut(). ERR_FILE with the path; an older file of that name is replaced at the end. */
bool record_write(const char *path, const struct recording *r, struct err *err);
/* Free with record_free; after a failure r is empty. */
bool record_read(const char *path, struct recording *r, struct err *err);
void record_free(struct recording *r);

/* How many of the fields differ; text names them with both values, one a line. */
unsigned record_compare(const struct run_result *recorded, const struct run_result *replayed,
                        char *text, size_t size);

#endif
