/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event stream: a ring for the flight recorder, a chained hash, and readers.
 *
 * Emitting must cost a few nanoseconds, since every port access and every system call does it. So
 * the hash is not fed event by event: guest-visible events gather in a batch of 64, and a full
 * batch is folded into the chain,
 *
 *     chain' = XXH3-128(chain, count, 64 events)
 *
 * Batches are cut by count alone, never by time or by a reader's question, so the digest does not
 * depend on how often it was asked for. And the position of the stream - chain, count, unfinished
 * batch - is a flat block without a library's inner state in it: it can be saved and loaded by a
 * program built with another version of the library.
 */
#include "events.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define RING    4096u /* a power of two; 128 KiB of the latest past */
#define BATCH   64u
#define READERS 8u

/* Words are put together and taken apart by their place in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "as on the guest, so on the host");

const struct event_info event_info[EVENT_KINDS] = {
#define EVENT(name, class, fields, meaning) {#name, fields, meaning, class},
#include "events.def"
#undef EVENT
};

/* The position of the stream: what a snapshot carries. Unused slots of the batch are zero in it. */
struct position {
    struct digest chain;
    uint64_t count; /* guest-visible events so far; count % BATCH of them are in batch[] */
    struct event batch[BATCH];
};

struct events {
    struct position at;
    uint64_t emitted; /* of all classes: the next slot of the ring */
    unsigned wanted;  /* classes that any reader wants */
    struct reader {
        void (*fn)(void *, const struct event *); /* NULL: a free place */
        void *ctx;
        unsigned classes;
    } reader[READERS];
    struct event ring[RING];
};

struct events *events_new(void)
{
    return calloc(1, sizeof(struct events));
}

void events_free(struct events *s)
{
    free(s);
}

/* Chain, count and the first n events of the batch lie in one piece: one call hashes them. */
static struct digest fold(const struct position *at, unsigned n)
{
    XXH128_hash_t d = XXH3_128bits(at, offsetof(struct position, batch) + n * sizeof at->batch[0]);

    return (struct digest){.hi = d.high64, .lo = d.low64};
}

static void tell_readers(struct events *s, const struct event *e, unsigned class)
{
    /* A reader may unsubscribe itself or others from its function: places are freed, not moved. */
    for (unsigned i = 0; i < READERS; i++) {
        struct reader *r = &s->reader[i];
        if (r->fn && (r->classes & class))
            r->fn(r->ctx, e);
    }
}

static void put(struct event *e, uint64_t cycle, uint64_t where, uint64_t a01, uint64_t a23)
{
    memcpy(e, &cycle, sizeof cycle);
    memcpy(&e->eip, &where, sizeof where);
    memcpy(&e->a[0], &a01, sizeof a01);
    memcpy(&e->a[2], &a23, sizeof a23);
}

void events_emit_words(struct events *s, uint64_t cycle, uint64_t where, uint64_t a01, uint64_t a23)
{
    unsigned kind = where >> 32 & 0xffff;
    assert(kind < EVENT_KINDS);
    unsigned class = event_info[kind].class;

    put(&s->ring[s->emitted++ % RING], cycle, where, a01, a23);
    if (class == EV_GUEST) {
        put(&s->at.batch[s->at.count % BATCH], cycle, where, a01, a23);
        if (++s->at.count % BATCH == 0)
            s->at.chain = fold(&s->at, BATCH);
    }
    if (s->wanted & class) {
        struct event copy; /* a reader that emits could overwrite the ring's, sooner or later */
        put(&copy, cycle, where, a01, a23);
        tell_readers(s, &copy, class);
    }
}

void events_emit(struct events *s, const struct event *e)
{
    uint64_t word[4];

    memcpy(word, e, sizeof word);
    events_emit_words(s, word[0], word[1], word[2], word[3]);
}

bool events_wanted(const struct events *s, enum event_class class)
{
    return s->wanted & class;
}

uint64_t events_count(const struct events *s)
{
    return s->at.count;
}

static void update_wanted(struct events *s)
{
    s->wanted = 0;
    for (unsigned i = 0; i < READERS; i++)
        s->wanted |= s->reader[i].fn ? s->reader[i].classes : 0;
}

bool events_subscribe(struct events *s, unsigned classes, void (*fn)(void *, const struct event *),
                      void *ctx)
{
    for (unsigned i = 0; i < READERS; i++) {
        if (s->reader[i].fn)
            continue;
        s->reader[i] = (struct reader){.fn = fn, .ctx = ctx, .classes = classes};
        update_wanted(s);
        return true;
    }
    return false;
}

void events_unsubscribe(struct events *s, void (*fn)(void *, const struct event *), void *ctx)
{
    for (unsigned i = 0; i < READERS; i++) {
        if (s->reader[i].fn == fn && s->reader[i].ctx == ctx)
            s->reader[i] = (struct reader){0};
    }
    update_wanted(s);
}

size_t events_recent(const struct events *s, struct event *out, size_t max)
{
    size_t n = s->emitted < RING ? (size_t)s->emitted : RING;

    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++)
        out[i] = s->ring[(s->emitted - n + i) % RING];
    return n;
}

/* The next name of a list separated by blanks; its length, 0 at the end. */
static size_t next_name(const char **list)
{
    while (**list == ' ')
        ++*list;
    return strcspn(*list, " ");
}

static bool ends_in(const char *name, size_t n, const char *tail)
{
    size_t t = strlen(tail);

    return n > t && !memcmp(name + n - t, tail, t);
}

/* snprintf that appends and never runs over. */
static void __attribute__((format(printf, 4, 5)))
append(char *text, size_t size, size_t *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text + *at, size - *at, fmt, ap);
    va_end(ap);
    if (n > 0)
        *at = (size_t)n < size - *at ? *at + (size_t)n : size - 1;
}

void event_format(const struct event *e, char *text, size_t size)
{
    if (!size)
        return;
    if (e->kind >= EVENT_KINDS) {
        snprintf(text, size, "an event of unknown kind %u", e->kind);
        return;
    }

    const struct event_info *info = &event_info[e->kind];
    size_t at = 0;
    append(text, size, &at, "%12llu d%u ring %u %08x  %-9s", (unsigned long long)e->cycle,
           e->domain, e->cpl, e->eip, info->name);

    /* A pair x_lo x_hi is one 64-bit number to a reader. */
    const char *name = info->fields;
    size_t n;
    for (unsigned i = 0; i < 4 && (n = next_name(&name)); i++, name += n) {
        uint64_t value = e->a[i];
        size_t shown = n;
        if (i < 3 && ends_in(name, n, "_lo")) {
            value |= (uint64_t)e->a[++i] << 32;
            shown = n - 3;
            name += n;
            append(text, size, &at, " %.*s=", (int)shown, name - n);
            n = next_name(&name);
        } else {
            append(text, size, &at, " %.*s=", (int)shown, name);
        }
        append(text, size, &at, value < 10 ? "%llu" : "0x%llx", (unsigned long long)value);
    }
}

struct digest events_digest(const struct events *s)
{
    return fold(&s->at, s->at.count % BATCH);
}

size_t events_state_size(void)
{
    return sizeof(struct position);
}

void events_state_get(const struct events *s, void *out)
{
    struct position at = s->at;
    unsigned used = at.count % BATCH;

    /* What an earlier batch left behind is not part of the position. */
    memset(&at.batch[used], 0, (BATCH - used) * sizeof at.batch[0]);
    memcpy(out, &at, sizeof at);
}

void events_state_set(struct events *s, const void *in)
{
    memcpy(&s->at, in, sizeof s->at);
}
