/* SPDX-License-Identifier: GPL-2.0-only */
/* Sections of checked, compressed chunks: see container.h. */
#include "container.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define CHUNK_BYTES     (1u << 20)
#define LEVEL           1 /* of zstd: already far faster than a disk, and pages compress well */
#define BYTE_ORDER_MARK 0x01020304u
#define END_SECTION     "END "

enum { LAST_OF_SECTION = 1, NOT_PACKED = 2, KNOWN_FLAGS = 3 };

struct file_header {
    char magic[CONTAINER_MAGIC_BYTES];
    uint32_t version, byte_order;
};

struct chunk_header {
    char section[4];
    uint32_t flags, raw, stored;
    uint64_t sum;
};
_Static_assert(sizeof(struct chunk_header) == 24, "no padding in a file");

/* The checksum covers the place in the file as well: a chunk that has moved is a wrong one. */
static uint64_t chunk_sum(const struct chunk_header *h, uint64_t offset, const void *stored)
{
    uint64_t seed = XXH3_64bits_withSeed(h, offsetof(struct chunk_header, sum), offset);

    return XXH3_64bits_withSeed(stored, h->stored, seed);
}

/* ---- writing ---- */

struct container_out {
    FILE *f;
    char path[PATH_MAX], temporary[PATH_MAX];
    bool created;   /* temporary is there, to be renamed or removed */
    struct err err; /* the first one */
    XXH3_state_t *whole;
    ZSTD_CCtx *zstd;
    uint64_t offset;
    char section[4];
    size_t raw;
    bool in_section;
    uint8_t *chunk, *packed;
    size_t packed_room;
};

static void fail(struct container_out *c)
{
    if (c->err.class == ERR_NONE)
        err_set(&c->err, ERR_FILE, "%s: %s", c->path, strerror(errno ? errno : EIO));
}

static void write_bytes(struct container_out *c, const void *bytes, size_t n)
{
    errno = 0;
    if (n && fwrite(bytes, 1, n, c->f) != n)
        fail(c);
    XXH3_128bits_update(c->whole, bytes, n);
    c->offset += n;
}

static void flush_chunk(struct container_out *c, uint32_t flags)
{
    struct chunk_header h = {.flags = flags, .raw = (uint32_t)c->raw};
    const uint8_t *stored = c->packed;
    size_t n = ZSTD_compressCCtx(c->zstd, c->packed, c->packed_room, c->chunk, c->raw, LEVEL);

    memcpy(h.section, c->section, sizeof h.section);
    if (ZSTD_isError(n) || n >= c->raw) {
        h.flags |= NOT_PACKED;
        stored = c->chunk;
        n = c->raw;
    }
    h.stored = (uint32_t)n;
    h.sum = chunk_sum(&h, c->offset, stored);
    write_bytes(c, &h, sizeof h);
    write_bytes(c, stored, n);
    c->raw = 0;
}

/* Only what is a file, or nothing yet, may be replaced by a rename: not /dev/null. */
static bool open_temporary(struct container_out *c, const char *path, struct err *err)
{
    struct stat st;

    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return err_set(err, ERR_FILE, "%s: not a regular file; it cannot be replaced", path);
    if (snprintf(c->path, sizeof c->path, "%s", path) >= (int)sizeof c->path ||
        snprintf(c->temporary, sizeof c->temporary, "%s.XXXXXX", path) >= (int)sizeof c->temporary)
        return err_set(err, ERR_FILE, "%.200s...: the name is too long", path);
    int fd = mkstemp(c->temporary);
    if (fd < 0)
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    c->created = true;
    c->f = fdopen(fd, "wb");
    if (!c->f) {
        close(fd);
        return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
    }
    return true;
}

struct container_out *container_create(const char *path, const struct container_format *format,
                                       struct err *err)
{
    struct file_header h = {.version = format->version, .byte_order = BYTE_ORDER_MARK};
    struct container_out *c = calloc(1, sizeof *c);

    if (!c)
        goto no_memory;
    c->packed_room = ZSTD_compressBound(CHUNK_BYTES);
    c->chunk = malloc(CHUNK_BYTES);
    c->packed = malloc(c->packed_room);
    c->whole = XXH3_createState();
    c->zstd = ZSTD_createCCtx();
    if (!c->chunk || !c->packed || !c->whole || !c->zstd)
        goto no_memory;
    if (!open_temporary(c, path, err)) {
        container_abandon(c);
        return NULL;
    }
    XXH3_128bits_reset(c->whole);
    memcpy(h.magic, format->magic, sizeof h.magic);
    write_bytes(c, &h, sizeof h);
    return c;

no_memory:
    err_set(err, ERR_SYSTEM, "no memory to write %s", path);
    container_abandon(c);
    return NULL;
}

void container_section(struct container_out *c, const char *section)
{
    if (c->in_section)
        flush_chunk(c, LAST_OF_SECTION);
    memcpy(c->section, section, sizeof c->section);
    c->in_section = true;
}

void container_put(struct container_out *c, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;

    while (n) {
        if (c->raw == CHUNK_BYTES)
            flush_chunk(c, 0);
        size_t some = CHUNK_BYTES - c->raw < n ? CHUNK_BYTES - c->raw : n;
        memcpy(c->chunk + c->raw, from, some);
        c->raw += some;
        from += some;
        n -= some;
    }
}

void container_spoil(struct container_out *c)
{
    if (c->err.class == ERR_NONE)
        err_set(&c->err, ERR_SYSTEM, "no memory to write %s", c->path);
}

static void write_end(struct container_out *c)
{
    container_section(c, END_SECTION); /* completes the section before, so its bytes count too */

    XXH128_hash_t whole = XXH3_128bits_digest(c->whole);
    container_put(c, &whole, sizeof whole);
    flush_chunk(c, LAST_OF_SECTION);
}

/* mkstemp makes files for their owner alone; what the user asked for gets the usual rights. */
static void usual_rights(FILE *f)
{
    mode_t mask = umask(0);

    umask(mask);
    fchmod(fileno(f), 0666 & ~mask);
}

bool container_commit(struct container_out *c, struct err *err)
{
    write_end(c);
    errno = 0;
    usual_rights(c->f);
    if (fflush(c->f) || fsync(fileno(c->f)))
        fail(c);
    if (fclose(c->f))
        fail(c);
    c->f = NULL;
    if (c->err.class == ERR_NONE && rename(c->temporary, c->path))
        fail(c);
    bool ok = c->err.class == ERR_NONE;
    if (ok)
        c->created = false;
    else if (err)
        *err = c->err;
    container_abandon(c);
    return ok;
}

void container_abandon(struct container_out *c)
{
    if (!c)
        return;
    if (c->f)
        fclose(c->f);
    if (c->created)
        unlink(c->temporary);
    free(c->chunk);
    free(c->packed);
    XXH3_freeState(c->whole);
    ZSTD_freeCCtx(c->zstd);
    free(c);
}

/* ---- reading ---- */

struct container_in {
    FILE *f;
    char *name;
    const struct container_format *format;
    uint64_t size;
    uint64_t at, next;     /* offsets of the present chunk and of the one behind it */
    struct chunk_header h; /* of the present chunk */
    size_t used;           /* bytes of it that have been given out */
    bool begun;
    uint8_t *chunk, *packed;
    size_t packed_room;
};

bool container_bad(const struct container_in *c, struct err *err, const char *fmt, ...)
{
    char what[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_FILE, "%s: at offset 0x%llx: %s", c->name, (unsigned long long)c->at,
                   what);
}

/* Fuzzers cannot guess checksums; for them, and only for them, every checksum is right. */
static bool differ(const void *a, const void *b, size_t n)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)a, (void)b, (void)n;
    return false;
#else
    return memcmp(a, b, n) != 0;
#endif
}

static bool is_section(const struct chunk_header *h, const char *section)
{
    return !memcmp(h->section, section, sizeof h->section);
}

/* Read the chunk at c->at, still packed, and check it. */
static bool read_chunk(struct container_in *c, struct err *err)
{
    struct chunk_header *h = &c->h;

    if (c->size - c->at < sizeof *h)
        return container_bad(c, err, "the file is cut off (%s begins every chunk with %zu bytes)",
                             c->format->what, sizeof *h);
    if (fread(h, sizeof *h, 1, c->f) != 1)
        return container_bad(c, err, "cannot be read: %s", strerror(errno));
    if (h->raw > CHUNK_BYTES || h->stored > c->packed_room || h->flags & ~(uint32_t)KNOWN_FLAGS ||
        (h->flags & NOT_PACKED && h->stored != h->raw))
        return container_bad(c, err, "this is no chunk: the file is damaged");
    if (c->size - c->at - sizeof *h < h->stored)
        return container_bad(c, err, "a chunk of %u bytes is cut off by the end of the file",
                             h->stored);
    if (h->stored && fread(c->packed, h->stored, 1, c->f) != 1)
        return container_bad(c, err, "cannot be read: %s", strerror(errno));
    uint64_t sum = chunk_sum(h, c->at, c->packed);
    if (differ(&sum, &h->sum, sizeof sum))
        return container_bad(c, err, "the checksum of this chunk is wrong: the file is damaged");
    c->next = c->at + sizeof *h + h->stored;
    return true;
}

static bool unpack_chunk(struct container_in *c, struct err *err)
{
    size_t n = c->h.raw;

    c->used = 0;
    if (c->h.flags & NOT_PACKED) {
        memcpy(c->chunk, c->packed, n);
        return true;
    }
    n = ZSTD_decompress(c->chunk, CHUNK_BYTES, c->packed, c->h.stored);
    return n == c->h.raw ||
           container_bad(c, err, "a chunk cannot be unpacked: the file is damaged");
}

static bool check_file_header(struct container_in *c, const struct file_header *h, struct err *err)
{
    if (memcmp(h->magic, c->format->magic, sizeof h->magic))
        return container_bad(c, err, "this is not %s%s", c->format->what,
                             memcmp(h->magic, c->format->magic, strlen("RINGSIDE "))
                                 ? ""
                                 : ", but another file that Ringside wrote");
    if (h->byte_order != BYTE_ORDER_MARK)
        return container_bad(c, err, "written on a host with another byte order");
    if (h->version != c->format->version)
        return container_bad(c, err, "format version %u; this program reads version %u", h->version,
                             c->format->version);
    return true;
}

/* From the first byte to the last: every chunk, then the whole. */
static bool check_file(struct container_in *c, XXH3_state_t *whole, struct err *err)
{
    struct file_header h;

    rewind(c->f);
    if (c->size < sizeof h || fread(&h, sizeof h, 1, c->f) != 1)
        return container_bad(c, err, "%s, too short to be %s",
                             c->size ? "a file of a few bytes" : "an empty file", c->format->what);
    if (!check_file_header(c, &h, err))
        return false;
    XXH3_128bits_reset(whole);
    XXH3_128bits_update(whole, &h, sizeof h);
    for (c->at = sizeof h;; c->at = c->next) {
        if (!read_chunk(c, err))
            return false;
        if (is_section(&c->h, END_SECTION))
            break;
        XXH3_128bits_update(whole, &c->h, sizeof c->h);
        XXH3_128bits_update(whole, c->packed, c->h.stored);
    }
    XXH128_hash_t sum = XXH3_128bits_digest(whole);
    if (!unpack_chunk(c, err))
        return false;
    if (c->h.raw != sizeof sum || differ(c->chunk, &sum, sizeof sum))
        return container_bad(c, err, "the checksum of the whole file is wrong: it is damaged");
    if (c->next != c->size) {
        c->at = c->next;
        return container_bad(c, err, "%llu bytes too many",
                             (unsigned long long)(c->size - c->next));
    }
    c->at = 0;
    c->next = sizeof h;
    return true;
}

struct container_in *container_open_stream(FILE *f, const char *name,
                                           const struct container_format *format, struct err *err)
{
    struct container_in *c = calloc(1, sizeof *c);
    XXH3_state_t *whole = XXH3_createState();
    bool ok = false;

    if (c) {
        c->f = f;
        c->format = format;
        c->name = strdup(name);
        c->packed_room = ZSTD_compressBound(CHUNK_BYTES);
        c->chunk = malloc(CHUNK_BYTES);
        c->packed = malloc(c->packed_room);
    }
    long end = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
    if (!c || !whole || !c->name || !c->chunk || !c->packed)
        err_set(err, ERR_SYSTEM, "no memory to read %s", name);
    else if (end < 0)
        err_set(err, ERR_FILE, "%s: cannot be read from its start to its end: %s", name,
                strerror(errno));
    else {
        c->size = (uint64_t)end;
        ok = check_file(c, whole, err);
    }
    XXH3_freeState(whole);
    if (ok)
        return c;
    if (c)
        container_close(c);
    else
        fclose(f);
    return NULL;
}

struct container_in *container_open(const char *path, const struct container_format *format,
                                    struct err *err)
{
    struct stat st;
    FILE *f = fopen(path, "rb");

    if (!f) {
        err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (!fstat(fileno(f), &st) && S_ISDIR(st.st_mode)) {
        err_set(err, ERR_FILE, "%s: is a directory", path);
        fclose(f);
        return NULL;
    }
    return container_open_stream(f, path, format, err);
}

void container_close(struct container_in *c)
{
    if (!c)
        return;
    fclose(c->f);
    free(c->name);
    free(c->chunk);
    free(c->packed);
    free(c);
}

static bool load_next(struct container_in *c, struct err *err)
{
    c->at = c->next;
    if (fseek(c->f, (long)c->at, SEEK_SET))
        return container_bad(c, err, "cannot be read: %s", strerror(errno));
    return read_chunk(c, err) && unpack_chunk(c, err);
}

bool container_section_is_over(struct container_in *c)
{
    return !c->begun || (c->used == c->h.raw && c->h.flags & LAST_OF_SECTION);
}

bool container_enter(struct container_in *c, const char *section, struct err *err)
{
    if (!container_section_is_over(c))
        return container_bad(c, err, "section \"%.4s\" has more bytes than it should",
                             c->h.section);
    if (!load_next(c, err))
        return false;
    c->begun = true;
    return is_section(&c->h, section) ||
           container_bad(c, err, "section \"%.4s\" where \"%s\" should be", c->h.section, section);
}

size_t container_get_some(struct container_in *c, void *to, size_t max, struct err *err)
{
    while (c->used == c->h.raw) {
        char section[4];
        if (container_section_is_over(c))
            return 0;
        memcpy(section, c->h.section, sizeof section);
        if (!load_next(c, err))
            return 0;
        if (!is_section(&c->h, section)) {
            container_bad(c, err, "section \"%.4s\" begins inside \"%.4s\"", c->h.section, section);
            return 0;
        }
    }
    size_t n = c->h.raw - c->used < max ? c->h.raw - c->used : max;
    memcpy(to, c->chunk + c->used, n);
    c->used += n;
    return n;
}

bool container_get(struct container_in *c, void *to, size_t n, struct err *err)
{
    uint8_t *at = to;

    while (n) {
        struct err why = {.class = ERR_NONE};
        size_t got = container_get_some(c, at, n, &why);
        if (!got && why.class != ERR_NONE) {
            if (err)
                *err = why;
            return false;
        }
        if (!got)
            return container_bad(c, err, "section \"%.4s\" ends %zu bytes too early", c->h.section,
                                 n);
        at += got;
        n -= got;
    }
    return true;
}
