/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fuzz target is: a function that takes any bytes and must survive them, and seeds, good
 * inputs from which bad ones are made.
 *
 * Each target is built twice from the same source. With driver.c it is an ordinary test that
 * mutates the seeds for a moment, the same way in every run. With clang's libFuzzer (configure with
 * -DRINGSIDE_FUZZ=ON) it searches for as long as one likes: see scripts/fuzz.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The i-th seed into to[room]; its size, or 0 when there is no such seed. */
size_t fuzz_seed(unsigned i, uint8_t *to, size_t room);

/* Readers of files want a path: one that names these bytes until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* What may end in a way that nobody can catch: keep a copy of the input in the file $FUZZ_CURRENT names
   (where it is set) until the next one. */
void fuzz_current(const uint8_t *data, size_t size);

/* A broken promise: say which, and stop here. */
#define FUZZ_PROMISE(condition)                          \
    do {                                                 \
        if (!(condition))                                \
            fuzz_broken(__FILE__, __LINE__, #condition); \
    } while (0)
_Noreturn void fuzz_broken(const char *file, int line, const char *what);

#endif
