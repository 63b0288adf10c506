/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one source of randomness: AT_RANDOM, getrandom() and /dev/urandom draw from it in turn. The
 * generator is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
 * OOPSLA 2014): a counter with a golden-ratio step, and two rounds of mixing.
 */
#include "random.h"

#include "../lib/lib.h"

static uint64_t state = 0x52494E4753494445ull; /* without seed=: "RINGSIDE" */

void random_seed(uint64_t seed)
{
    state = seed;
}

static uint64_t next(void)
{
    uint64_t z = state += 0x9E3779B97F4A7C15ull;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

void random_bytes(void *buf, size_t n)
{
    uint8_t *p = buf;

    while (n) {
        uint64_t word = next();
        size_t part = MIN(n, sizeof word);

        memcpy(p, &word, part);
        p += part;
        n -= part;
    }
}
