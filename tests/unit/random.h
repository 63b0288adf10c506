/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for tests that try many things: the same in every run, whatever the host. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/* 0 to n-1 */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
    return random_next(r) % n;
}

static inline bool one_in(struct random *r, unsigned n)
{
    return random_below(r, n) == 0;
}

#endif
