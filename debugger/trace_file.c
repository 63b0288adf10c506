/* SPDX-License-Identifier: GPL-2.0-only */
/* See trace_file.h for the format. Writing an event is some stores into a buffer; everything slower
   happens once in thousands of events. */
#include "trace_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define CHUNK_RAW (128u << 10) /* begin another when this much is in one */
/* ... or when so much virtual time has passed: what a killed run loses is no more than that. */
#define CHUNK_CYCLES 1000000000u
#define RECORD_MAX   2048u /* no record is longer */
#define CHUNK_MAX    (CHUNK_RAW + RECORD_MAX)
#define KINDS        128u
#define WORDS        4u
#define TEXT_MAX     600u

static const char magic[15] = "RINGSIDE-TRACE";
enum { VERSION = 2, HEAD = 16, CHUNK_HEAD = 12 };

/* What carries over from event to event within a chunk. */
struct last {
    uint64_t cycle;
    uint32_t eip;
};

static unsigned count_fields(const char *fields)
{
    unsigned n = 0;

    for (const char *p = fields; *p;) {
        p += strspn(p, " ");
        n += *p != '\0';
        p += strcspn(p, " ");
    }
    return n < WORDS ? n : WORDS;
}

/* ---- writing ---- */

struct trace_writer {
    FILE *file;
    char *path;
    ZSTD_CCtx *zstd;
    int error; /* errno of the first failure */
    uint64_t events, bytes;
    struct last last;
    uint8_t words[EVENT_KINDS];
    uint64_t begun; /* cycle of the chunk before */
    size_t used;
    uint8_t raw[CHUNK_MAX];
    uint8_t packed[CHUNK_HEAD + ZSTD_COMPRESSBOUND(CHUNK_MAX)];
};

static void store(struct trace_writer *w, const void *bytes, size_t n)
{
    if (!w->error && fwrite(bytes, 1, n, w->file) != n)
        w->error = errno ? errno : EIO;
    w->bytes += n;
}

struct trace_writer *trace_create(const char *path, struct err *err)
{
    struct trace_writer *w = calloc(1, sizeof *w);
    uint8_t head[HEAD];

    if (!w || !(w->path = strdup(path)) || !(w->zstd = ZSTD_createCCtx())) {
        err_set(err, ERR_SYSTEM, "out of memory");
        goto failed;
    }
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
    w->file = fopen(path, "wb");
    if (!w->file) {
        err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
        goto failed;
    }
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        w->words[i] = (uint8_t)count_fields(event_info[i].fields);
    memcpy(head, magic, sizeof magic);
    head[sizeof magic] = VERSION;
    store(w, head, sizeof head);
    return w;
failed:
    if (w) {
        ZSTD_freeCCtx(w->zstd);
        free(w->path);
        free(w);
    }
    return NULL;
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static void end_chunk(struct trace_writer *w)
{
    if (!w->used)
        return;
    size_t n = ZSTD_compress2(w->zstd, w->packed + CHUNK_HEAD, sizeof w->packed - CHUNK_HEAD,
                              w->raw, w->used);
    if (ZSTD_isError(n)) { /* the buffer is big enough for anything, so this is want of memory */
        w->error = w->error ? w->error : ENOMEM;
        n = 0;
    }
    memcpy(w->packed, "CHNK", 4);
    put32(w->packed + 4, (uint32_t)w->used);
    put32(w->packed + 8, (uint32_t)n);
    store(w, w->packed, CHUNK_HEAD + n);
    if (fflush(w->file) == EOF && !w->error)
        w->error = errno;
    w->used = 0;
    w->last = (struct last){0};
}

static void put_number(struct trace_writer *w, uint64_t v)
{
    while (v >= 0x80) {
        w->raw[w->used++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    w->raw[w->used++] = (uint8_t)v;
}

static uint32_t zigzag(uint32_t difference)
{
    return difference << 1 ^ (uint32_t)((int32_t)difference >> 31);
}

void trace_put_event(struct trace_writer *w, const struct event *e)
{
    w->raw[w->used++] = (uint8_t)e->kind;
    w->raw[w->used++] = (uint8_t)((e->cpl & 3) | e->domain << 2);
    put_number(w, e->cycle - w->last.cycle);
    put_number(w, zigzag(e->eip - w->last.eip));
    for (unsigned i = 0; i < w->words[e->kind]; i++)
        put_number(w, e->a[i]);
    w->last = (struct last){e->cycle, e->eip};
    w->events++;
    if (w->used >= CHUNK_RAW || e->cycle - w->begun > CHUNK_CYCLES) {
        end_chunk(w);
        w->begun = e->cycle;
    }
}

static void put_text(struct trace_writer *w, const char *text)
{
    size_t n = text ? strnlen(text, TEXT_MAX) : 0;

    put_number(w, n);
    if (n)
        memcpy(w->raw + w->used, text, n);
    w->used += n;
}

void trace_put_name(struct trace_writer *w, const struct trace_name *n)
{
    w->raw[w->used++] = (uint8_t)(0x80 | n->class);
    put_number(w, n->number);
    put_number(w, n->a);
    put_number(w, n->b);
    put_text(w, n->text);
    put_text(w, n->text2);
    put_text(w, n->text3);
    if (w->used >= CHUNK_RAW)
        end_chunk(w);
}

void trace_written(struct trace_writer *w, uint64_t *events, uint64_t *bytes)
{
    end_chunk(w);
    *events = w->events;
    *bytes = w->bytes;
}

bool trace_close(struct trace_writer *w, struct err *err)
{
    bool ok;

    if (!w)
        return true;
    end_chunk(w);
    if (fclose(w->file) == EOF && !w->error)
        w->error = errno;
    ok = !w->error || err_set(err, ERR_SYSTEM, "%s: %s", w->path, strerror(w->error));
    ZSTD_freeCCtx(w->zstd);
    free(w->path);
    free(w);
    return ok;
}

/* ---- reading ---- */

struct trace_reader {
    FILE *file;
    char *path;
    uint64_t chunk_at; /* offset of the present chunk, for messages */
    struct last last;
    uint8_t words[KINDS]; /* 1 + fields; 0: no such kind in this file */
    size_t at, size;
    char text[3][TEXT_MAX + 1];
    uint8_t raw[CHUNK_MAX];
    uint8_t packed[ZSTD_COMPRESSBOUND(CHUNK_MAX)];
};

struct trace_reader *trace_open(const char *path, struct err *err)
{
    struct trace_reader *r = calloc(1, sizeof *r);
    uint8_t head[HEAD];

    if (!r || !(r->path = strdup(path))) {
        free(r);
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    r->file = fopen(path, "rb");
    if (!r->file)
        err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    else if (fread(head, 1, sizeof head, r->file) != sizeof head ||
             memcmp(head, magic, sizeof magic) != 0)
        err_set(err, ERR_FILE, "%s: not a trace", path);
    else if (head[sizeof magic] != VERSION)
        err_set(err, ERR_FILE, "%s: a trace of version %u; this program reads version %u", path,
                head[sizeof magic], VERSION);
    else
        return r;
    trace_reader_close(r);
    return NULL;
}

void trace_reader_close(struct trace_reader *r)
{
    if (!r)
        return;
    if (r->file)
        fclose(r->file);
    free(r->path);
    free(r);
}

static enum trace_next bad(struct trace_reader *r, struct err *err, const char *what)
{
    err_set(err, ERR_FILE, "%s: the chunk at offset %llu: %s", r->path,
            (unsigned long long)r->chunk_at, what);
    return TRACE_BAD;
}

/* TRACE_EVENT: there is one. */
static enum trace_next next_chunk(struct trace_reader *r, struct err *err)
{
    uint8_t head[CHUNK_HEAD];
    uint32_t raw, packed;

    r->chunk_at = (uint64_t)ftello(r->file);
    size_t n = fread(head, 1, sizeof head, r->file);
    if (n == 0 && feof(r->file))
        return TRACE_END;
    if (n < sizeof head)
        return ferror(r->file) ? bad(r, err, strerror(errno)) : TRACE_CUT;
    memcpy(&raw, head + 4, 4);
    memcpy(&packed, head + 8, 4);
    if (memcmp(head, "CHNK", 4) != 0)
        return bad(r, err, "does not begin as one");
    if (!raw || raw > sizeof r->raw || packed > sizeof r->packed)
        return bad(r, err, "its sizes cannot be");
    if (fread(r->packed, 1, packed, r->file) != packed)
        return ferror(r->file) ? bad(r, err, strerror(errno)) : TRACE_CUT;
    size_t got = ZSTD_decompress(r->raw, sizeof r->raw, r->packed, packed);
    if (ZSTD_isError(got))
        return bad(r, err, ZSTD_getErrorName(got));
    if (got != raw)
        return bad(r, err, "is not as long as it says");
    r->at = 0;
    r->size = raw;
    r->last = (struct last){0};
    return TRACE_EVENT;
}

static bool get_number(struct trace_reader *r, uint64_t *out)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && r->at < r->size; shift += 7) {
        uint8_t b = r->raw[r->at++];
        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return true;
        }
    }
    return false;
}

static bool get32(struct trace_reader *r, uint32_t *out)
{
    uint64_t v;

    if (!get_number(r, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool get_text(struct trace_reader *r, char *text)
{
    uint32_t n;

    if (!get32(r, &n) || n > TEXT_MAX || n > r->size - r->at)
        return false;
    memcpy(text, r->raw + r->at, n);
    text[n] = '\0';
    r->at += n;
    return true;
}

static bool get_name(struct trace_reader *r, uint8_t tag, struct trace_name *n)
{
    *n = (struct trace_name){
        .class = tag & 0x7F, .text = r->text[0], .text2 = r->text[1], .text3 = r->text[2]};
    if (n->class >= NAME_CLASSES || !get32(r, &n->number) || !get32(r, &n->a) || !get32(r, &n->b) ||
        !get_text(r, r->text[0]) || !get_text(r, r->text[1]) || !get_text(r, r->text[2]))
        return false;
    if (n->class == NAME_EVENT) {
        if (n->number >= KINDS)
            return false;
        r->words[n->number] = (uint8_t)(1 + count_fields(n->text2));
    }
    return true;
}

static bool get_event(struct trace_reader *r, uint8_t kind, struct event *e)
{
    uint64_t cycles;
    uint32_t eip;

    *e = (struct event){.kind = kind};
    if (!r->words[kind] || r->at >= r->size)
        return false;
    uint8_t where = r->raw[r->at++];
    if (!get_number(r, &cycles) || !get32(r, &eip))
        return false;
    for (unsigned i = 0; i + 1 < r->words[kind]; i++)
        if (!get32(r, &e->a[i]))
            return false;
    e->cpl = where & 3;
    e->domain = where >> 2;
    e->cycle = r->last.cycle += cycles;
    e->eip = r->last.eip += eip >> 1 ^ -(eip & 1);
    return true;
}

enum trace_next trace_next(struct trace_reader *r, struct trace_record *out, struct err *err)
{
    if (r->at == r->size) {
        enum trace_next next = next_chunk(r, err);
        if (next != TRACE_EVENT)
            return next;
    }
    uint8_t tag = r->raw[r->at++];
    if (tag & 0x80)
        return get_name(r, tag, &out->name) ? TRACE_NAME : bad(r, err, "a name that is none");
    return get_event(r, tag, &out->event) ? TRACE_EVENT : bad(r, err, "an event that is none");
}
