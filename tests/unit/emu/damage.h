/* SPDX-License-Identifier: GPL-2.0-only */
/* Files in every state of damage, and what is asked of their readers. */
#ifndef TESTS_UNIT_DAMAGE_H
#define TESTS_UNIT_DAMAGE_H

#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

struct temp {
    char dir[40];
    char path[60], copy[60];
};

static inline struct temp temp_new(void)
{
    struct temp t = {.dir = P_tmpdir "/ringside-unit-XXXXXX"};

    assert_non_null(mkdtemp(t.dir));
    snprintf(t.path, sizeof t.path, "%s/file", t.dir);
    snprintf(t.copy, sizeof t.copy, "%s/copy", t.dir);
    return t;
}

static inline unsigned temp_files(const struct temp *t)
{
    DIR *d = opendir(t->dir);
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static inline void temp_free(struct temp *t)
{
    unlink(t->path);
    unlink(t->copy);
    assert_int_equal(rmdir(t->dir), 0); /* nothing else was left behind */
}

static inline size_t file_read(const char *path, uint8_t **bytes)
{
    FILE *f = fopen(path, "rb");
    struct stat st;

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *bytes = malloc((size_t)st.st_size + 1);
    assert_int_equal(fread(*bytes, 1, (size_t)st.st_size, f), st.st_size);
    fclose(f);
    return (size_t)st.st_size;
}

static inline void file_write(const char *path, const void *bytes, size_t n)
{
    unlink(path); /* a file written over may be flushed to disk when it is closed: slow */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Try to read a file whose bytes are these; it must be refused with its name and an offset. */
static inline void must_refuse(const struct temp *t, const void *bytes, size_t n,
                               bool (*read)(const char *, struct err *), const char *words)
{
    struct err err = {.class = ERR_NONE};

    file_write(t->copy, bytes, n);
    assert_false(read(t->copy, &err));
    assert_int_equal(err.class, ERR_FILE);
    assert_non_null(strstr(err.text, t->copy));
    assert_non_null(strstr(err.text, "at offset 0x"));
    if (!strstr(err.text, words))
        fail_msg("expected \"%s\" in: %s", words, err.text);
}

/* Cut at many places, one bit wrong in every byte, too long, empty, something else altogether. */
static inline void refuses_all_damage(const struct temp *t,
                                      bool (*read)(const char *, struct err *), const char *what)
{
    uint8_t *bytes;
    size_t n = file_read(t->path, &bytes);
    struct err err;

    if (!read(t->path, &err))
        fail_msg("the undamaged file: %s", err.text);
    must_refuse(t, bytes, 0, read, "empty");
    for (size_t cut = 1; cut < n; cut += cut < 300 || cut > n - 100 ? 1 : 53)
        must_refuse(t, bytes, cut, read, cut < 24 ? "a few bytes" : "cut off");
    for (size_t at = 0; at < n; at++) {
        bytes[at] ^= 1u << at % 8;
        must_refuse(t, bytes, n, read, at < 16 ? what : "");
        bytes[at] ^= 1u << at % 8;
    }
    bytes[n] = 0;
    must_refuse(t, bytes, n + 1, read, "1 bytes too many");
    bytes[16]++;
    must_refuse(t, bytes, n, read, "version 2; this program reads version 1");
    free(bytes);
}

#endif
