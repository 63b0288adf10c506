/* SPDX-License-Identifier: GPL-2.0-only */
/* "Did you mean": the nearest of some names to one that does not exist. */
#ifndef EMU_SUGGEST_H
#define EMU_SUGGEST_H

#include <stddef.h>

/* Letters to insert, remove, replace or swap with their neighbour to get from a to b. */
size_t edit_distance(const char *a, const char *b);

/* A search in progress: begin with {0} and the word that was typed, offer the names one by one. */
struct suggestion {
    const char *typed;
    const char *best; /* NULL: nothing comes near */
    size_t distance;
};
void suggest_offer(struct suggestion *s, const char *name);

#endif
