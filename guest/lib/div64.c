/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 64-bit division, which i386 has no instruction for: the compiler calls these. The names are its
 * own (libgcc's), the convention the kernel's, so the ready-made ones would not do.
 */
#include "lib.h"

uint64_t __udivdi3(uint64_t n, uint64_t d);
uint64_t __umoddi3(uint64_t n, uint64_t d);
int64_t __divdi3(int64_t n, int64_t d);
int64_t __moddi3(int64_t n, int64_t d);

/* high must be less than d: then the quotient fits, and DIV does not trap. */
static uint32_t div_64_32(uint32_t high, uint32_t low, uint32_t d, uint32_t *rest)
{
    uint32_t q;
    __asm__("divl %4" : "=a"(q), "=d"(*rest) : "0"(low), "1"(high), "rm"(d) : "cc");
    return q;
}

static uint64_t divide(uint64_t n, uint64_t d, uint64_t *rest)
{
    uint32_t high = n >> 32, low = (uint32_t)n;

    if (!(d >> 32)) { /* long division in base 2^32 */
        uint32_t d32 = (uint32_t)d, r = 0, q_high = 0;
        if (high >= d32) {
            q_high = high / d32;
            high %= d32;
        }
        uint32_t q_low = div_64_32(high, low, d32, &r);
        *rest = r;
        return (uint64_t)q_high << 32 | q_low;
    }

    /* Scale both so that the divisor fits in 32 bits; the quotient is then too big by one at most. */
    int shift = 32 - __builtin_clz((uint32_t)(d >> 32));
    uint32_t r;
    uint64_t scaled = n >> 1;
    uint32_t q =
        div_64_32((uint32_t)(scaled >> 32), (uint32_t)scaled, (uint32_t)(d >> shift), &r) >>
        (shift - 1);
    if (q)
        q--;
    uint64_t left = n - (uint64_t)q * d;
    while (left >= d) {
        left -= d;
        q++;
    }
    *rest = left;
    return q;
}

uint64_t __udivdi3(uint64_t n, uint64_t d)
{
    uint64_t rest;
    return divide(n, d, &rest);
}

uint64_t __umoddi3(uint64_t n, uint64_t d)
{
    uint64_t rest;
    divide(n, d, &rest);
    return rest;
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

int64_t __divdi3(int64_t n, int64_t d)
{
    uint64_t rest, q = divide(magnitude(n), magnitude(d), &rest);
    return (n < 0) != (d < 0) ? -q : q;
}

int64_t __moddi3(int64_t n, int64_t d)
{
    uint64_t rest;
    divide(magnitude(n), magnitude(d), &rest);
    return n < 0 ? -rest : rest;
}
