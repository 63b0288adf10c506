// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long straight way for a debugger to go back on: some instructions, then milestone(), then ten
 * million more, then arrive(). Nothing but registers is used, and nobody is asked for anything, so the
 * way is the same under every machine that counts instructions.
 *
 *     busy INSTRUCTIONS
 */
#include <stdint.h>
#include <stdlib.h>

enum { A_ROUND = 5, BACK = 10000000 };

__attribute__((noinline)) void milestone(uint32_t seed)
{
    __asm__ volatile("" : : "r"(seed) : "memory");
}

__attribute__((noinline)) void arrive(uint32_t seed)
{
    __asm__ volatile("" : : "r"(seed) : "memory");
}

/* So many rounds of five instructions. */
__attribute__((noinline)) uint32_t walk(uint32_t rounds, uint32_t seed)
{
    __asm__ volatile("1: imul $1103515245, %0, %0\n\t"
                     "add $12345, %0\n\t"
                     "rol $3, %0\n\t"
                     "dec %1\n\t"
                     "jnz 1b"
                     : "+r"(seed), "+r"(rounds));
    return seed;
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) / A_ROUND : 1;
    uint32_t seed = walk(rounds ? rounds : 1, 1);
    milestone(seed);
    seed = walk(BACK / A_ROUND, seed);
    arrive(seed);
    return 0;
}
