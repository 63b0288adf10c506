/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One stream for everything that crosses a boundary. An event is 32 bytes: when, where, what, and
 * three words whose meaning events.def gives; formatting is a reader's work.
 *
 * The stream is always on: its tail is the flight recorder that a dying domain prints, and the
 * guest-visible part of it is hashed. Readers (trace files, statistics, the debugger) subscribe by
 * class; with none, an event costs a store into the ring. No reader changes what it reads.
 */
#ifndef EMU_EVENTS_H
#define EMU_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum event_class {
    EV_GUEST = 1,  /* guest-visible and deterministic: part of the digest */
    EV_DETAIL = 2, /* inside the models (stages): deterministic, not visible to the guest */
    EV_HOST = 4,   /* about the host (snapshots, stops): never part of a digest */
};

enum event_kind {
#define EVENT(name, class, fields, meaning) EVENT_##name,
#include "events.def"
#undef EVENT
    EVENT_KINDS
};

struct event {
    uint64_t cycle;
    uint32_t eip;
    uint16_t kind; /* enum event_kind */
    uint8_t cpl;
    uint8_t domain;
    uint32_t a[4];
};
_Static_assert(sizeof(struct event) == 32, "the header is the event");

struct event_info {
    const char *name, *fields, *meaning; /* fields: names of a[], by spaces */
    enum event_class class;
};
extern const struct event_info event_info[EVENT_KINDS];

struct events;
struct events *events_new(void);
void events_free(struct events *s);

void events_emit(struct events *s, const struct event *e);
/* The same from its four words. An event that is written field by field and then copied waits for
   the processor's store buffer, 5 ns each time; a crossing makes two or three of them. */
void events_emit_words(struct events *s, uint64_t cycle, uint64_t where, uint64_t a01,
                       uint64_t a23);
/* The second word: eip, kind, cpl, domain, as they lie in memory. */
static inline uint64_t event_where(uint32_t eip, enum event_kind kind, uint32_t cpl,
                                   uint32_t domain)
{
    return eip | (uint64_t)kind << 32 | (uint64_t)(cpl & 0xff) << 48 | (uint64_t)domain << 56;
}
/* Does a reader want this class? Whoever would have to work for an event asks first. */
bool events_wanted(const struct events *s, enum event_class class);
uint64_t events_count(const struct events *s); /* guest-visible ones, since the start */

/* Call fn for every event of these classes (a mask). At most 8 readers. */
bool events_subscribe(struct events *s, unsigned classes, void (*fn)(void *, const struct event *),
                      void *ctx);
void events_unsubscribe(struct events *s, void (*fn)(void *, const struct event *), void *ctx);

/* The newest events, oldest of them first, into out[max]; how many. */
size_t events_recent(const struct events *s, struct event *out, size_t max);
/* One line of text, no newline. */
void event_format(const struct event *e, char *text, size_t size);

/* 128 bits over all guest-visible events so far. */
struct digest {
    uint64_t hi, lo;
};
struct digest events_digest(const struct events *s);

/* For snapshots: the stream's position (its hash state and count) as one flat block. */
size_t events_state_size(void);
void events_state_get(const struct events *s, void *out);
void events_state_set(struct events *s, const void *in);

#endif
