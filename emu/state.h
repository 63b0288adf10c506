/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State lives in blocks: flat structs without pointers, registered once, in an order that is the
 * same in every run. Snapshots, saved files, reverse execution and the state digest are loops over
 * this registry; no device writes serialisation code. Padding must be zero from the start (blocks
 * are allocated zeroed), because digests read it.
 */
#ifndef EMU_STATE_H
#define EMU_STATE_H

#include <stdbool.h>
#include <stddef.h>

#define STATE_MAX_BLOCKS 64

struct state {
    struct state_block {
        void *data;
        size_t size;
        const char *name; /* static text, unique */
    } block[STATE_MAX_BLOCKS];
    unsigned blocks;
    size_t bytes; /* of all blocks */
};

void state_block(struct state *s, void *data, size_t size, const char *name);
const struct state_block *state_find(const struct state *s, const char *name);

#endif
