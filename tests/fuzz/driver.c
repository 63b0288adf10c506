/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzing without a fuzzer: mutate the seeds RUNS times, from a seed of the random numbers, the
 * same way wherever it runs. What it finds is printed as the two numbers that find it again.
 *
 *     fuzz-NAME [--corpus DIR] [RUNS [SEED]]       the corpus first, and as seeds beside our own
 *     fuzz-NAME [--corpus DIR] --seconds N [SEED]  as many runs as fit
 *     fuzz-NAME --file FILE...                     these and no others
 *     fuzz-NAME --seeds DIR                        write our own (for a fuzzer's corpus)
 */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MOST   (1u << 20)
#define SECONDS_MOST 60

static uint8_t seed[INPUT_MOST], input[INPUT_MOST + 64];
static uint64_t random_state;

/* splitmix64: small, and good enough to pick bytes. */
static uint64_t rnd(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static const uint32_t interesting[] = {
    0,      1,       2,       0x7F,     0x80,       0xFF,       0x100,      0x7FFF,     0x8000,
    0xFFFF, 0x10000, 0xA0000, 0x100000, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFFE, 0xFFFFFFFF,
};

static size_t mutate_once(size_t n)
{
    size_t at = n ? rnd() % n : 0, width = 1u << rnd() % 3, some = rnd() % 64 + 1;
    uint32_t value = interesting[rnd() % (sizeof interesting / sizeof interesting[0])];

    switch (rnd() % 7) {
    case 0:
        if (n)
            input[at] ^= (uint8_t)(1u << rnd() % 8);
        return n;
    case 1:
        if (n)
            input[at] = (uint8_t)rnd();
        return n;
    case 2: /* a number at the edge of something */
        memcpy(input + at, &value, width);
        return n;
    case 3: { /* a number a little wrong */
        uint32_t v;
        memcpy(&v, input + at, 4);
        v += (uint32_t)(rnd() % 33) - 16;
        memcpy(input + at, &v, width);
        return n;
    }
    case 4: /* cut */
        return rnd() % 4 ? n : at;
    case 5: /* leave something out */
        some = some < n - at ? some : n - at;
        memmove(input + at, input + at + some, n - at - some);
        return n - some;
    default: /* say something twice */
        some = some < n - at ? some : n - at;
        if (n + some > INPUT_MOST)
            return n;
        memmove(input + at + some, input + at, n - at);
        return n + some;
    }
}

static unsigned long run, runs = 20000, seed_number = 1;

static void on_crash(int sig)
{
    char text[120];
    int n = snprintf(text, sizeof text, "found by run %lu of SEED %lu\n", run, seed_number);

    if (write(STDERR_FILENO, text, (size_t)n) < n)
        _exit(1);
    signal(sig, SIG_DFL);
    raise(sig);
}

static int write_seeds(const char *dir)
{
    size_t n;

    for (unsigned i = 0; (n = fuzz_seed(i, seed, sizeof seed)); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%u", dir, i);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(seed, 1, n, f) != n || fclose(f)) {
            perror(path);
            return 1;
        }
    }
    return 0;
}

/* In a block of exactly this size, so that a sanitizer sees a step too far. */
static void try(const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    FUZZ_PROMISE(exact);
    memcpy(exact, bytes, n);
    alarm(SECONDS_MOST); /* a hang is a find, too */
    LLVMFuzzerTestOneInput(exact, n);
    alarm(0);
    free(exact);
}

static size_t read_file(const char *path, uint8_t *to)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    size_t n = fread(to, 1, INPUT_MOST, f);
    fclose(f);
    return n;
}

/* ---- the corpus: files that others have found worth keeping ---- */

static struct dirent **corpus;
static int corpus_files;
static const char *corpus_dir;

static size_t corpus_seed(unsigned i, uint8_t *to)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", corpus_dir, corpus[i]->d_name);
    return read_file(path, to);
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void try_corpus(void)
{
    corpus_files = scandir(corpus_dir, &corpus, is_visible, alphasort);
    if (corpus_files <= 0) {
        fprintf(stderr, "%s: no corpus\n", corpus_dir);
        exit(1);
    }
    for (int i = 0; i < corpus_files; i++)
        try(seed, corpus_seed((unsigned)i, seed));
}

/* ---- */

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void mutate_seeds(time_t until)
{
    unsigned own = 0, all;

    while (fuzz_seed(own, seed, sizeof seed))
        own++;
    all = own + (unsigned)corpus_files;
    FUZZ_PROMISE(all > 0);
    for (run = 0; until ? now() < until : run < runs; run++) {
        random_state = seed_number * 1000003 + run;
        unsigned which = (unsigned)(rnd() % all);
        size_t n =
            which < own ? fuzz_seed(which, seed, sizeof seed) : corpus_seed(which - own, seed);
        memcpy(input, seed, n);
        for (unsigned i = (unsigned)(rnd() % 6); i > 0; i--)
            n = mutate_once(n);
        try(input, n);
    }
}

int main(int argc, char **argv)
{
    time_t until = 0;

    if (argc == 3 && !strcmp(argv[1], "--seeds"))
        return write_seeds(argv[2]);
    signal(SIGABRT, on_crash);
    signal(SIGALRM, on_crash);
    if (argc > 2 && !strcmp(argv[1], "--file")) {
        for (int i = 2; i < argc; i++)
            try(seed, read_file(argv[i], seed));
        return 0;
    }
    if (argc > 2 && !strcmp(argv[1], "--corpus")) {
        corpus_dir = argv[2];
        argc -= 2;
        argv += 2;
        try_corpus();
    }
    if (argc > 2 && !strcmp(argv[1], "--seconds")) {
        until = now() + strtol(argv[2], NULL, 0);
        argc--;
        argv++;
    } else if (argc > 1) {
        runs = strtoul(argv[1], NULL, 0);
    }
    if (argc > 2)
        seed_number = strtoul(argv[2], NULL, 0);
    mutate_seeds(until);
    if (until)
        printf("%lu runs, and nothing found\n", run);
    return 0;
}
