/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that are the same in every run with the same seed=N on the command line: a
   laboratory repeats its experiments. Nothing secret may depend on them. kernel/random.c */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include "../lib/types.h"

void random_seed(uint64_t seed);
void random_bytes(void *buf, size_t n);

#endif
