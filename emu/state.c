/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registry of state blocks. It is filled while a machine is built and only read afterwards, so
 * its rules are for programmers, not for guests: a block too many, an empty one or a second one of
 * the same name is a mistake in our code and stops the program where it was made.
 */
#include "state.h"

#include <assert.h>
#include <string.h>

void state_block(struct state *s, void *data, size_t size, const char *name)
{
    assert(s->blocks < STATE_MAX_BLOCKS && "raise STATE_MAX_BLOCKS");
    assert(data && size && "a block has bytes");
    assert(!state_find(s, name) && "names of blocks are unique");
    s->block[s->blocks++] = (struct state_block){.data = data, .size = size, .name = name};
    s->bytes += size;
}

const struct state_block *state_find(const struct state *s, const char *name)
{
    for (unsigned i = 0; i < s->blocks; i++) {
        if (!strcmp(s->block[i].name, name))
            return &s->block[i];
    }
    return NULL;
}
