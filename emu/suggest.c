/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The distance is Damerau's in its "optimal string alignment" form: the slips of a typing hand are
 * a wrong letter, one too many, one too few, and two in the wrong order. Names are short, so three
 * rows of the classic table, of fixed width, are enough.
 */
#include "suggest.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 40

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t edit_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST || nb > LONGEST)
        return na > nb ? na : nb; /* no name of ours is that long: nothing is near */

    size_t row[3][LONGEST + 1];
    size_t *before = row[0], *above = row[1], *now = row[2];
    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t replace = above[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = min3(above[j] + 1, now[j - 1] + 1, replace);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = above;
        above = now;
        now = oldest;
    }
    return above[nb];
}

void suggest_offer(struct suggestion *s, const char *name)
{
    size_t typed = strlen(s->typed);
    size_t d = edit_distance(s->typed, name);
    /* A name that was only begun is meant, however much of it is missing. */
    if (typed >= 2 && strncmp(name, s->typed, typed) == 0)
        d = 1;
    /* A third of the letters wrong is a slip; more is another word. */
    if (d > (typed + 2) / 3 || (s->best && d >= s->distance))
        return;
    s->best = name;
    s->distance = d;
}
