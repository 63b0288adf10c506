/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside debugger/gdb: the stub's state, and what its files ask of each other. */
#ifndef DEBUGGER_GDB_INTERNAL_H
#define DEBUGGER_GDB_INTERNAL_H

#include "packet.h"
#include "stub.h"
#include "target.h"

/* More than gdb ever needs; a client that wants more is told that it cannot be. */
#define GDB_STOPS_MAX 1024u

/* A Z packet that is in force. */
struct gdb_stop {
    uint32_t at, size;
    uint8_t type;    /* the digit behind Z */
    unsigned number; /* of the stop; they are found by it, for a user may delete them */
};

struct gdb_stub {
    struct gdb_stub_setup setup;
    struct debug *debug;
    struct gdb_reader reader;
    struct gdb_text reply;
    uint8_t frame[GDB_FRAME_MAX]; /* the last one sent, for when it must be said again */
    size_t frame_bytes;
    bool no_ack;
    bool swbreak, hwbreak; /* gdb understands these stop reasons */
    bool physical;         /* addresses of m and M are machine addresses */
    bool ended_told;       /* it has seen the guest die: going on from there ends it */
    enum gdb_wish wish;
    struct gdb_stop stop[GDB_STOPS_MAX];
    unsigned stops;
    char *target_xml, *memory_map;
    struct gdb_counts counts;
};

/* ---- stub.c ---- */

/* Send one packet; and text for gdb's console, in as many packets as it takes. */
void gdb_send(struct gdb_stub *g, const char *text, size_t n);
void gdb_tell(struct gdb_stub *g, const char *text, size_t n);
__attribute__((format(printf, 2, 3))) void gdb_say(struct gdb_stub *g, const char *fmt, ...);

/* What error numbers stand for is nobody's business but ours: gdb prints them. */
enum gdb_error { GDB_CANNOT = 1, GDB_MALFORMED = 2 };
/* The answer is this error, whatever it was before. */
void gdb_error(struct gdb_stub *g, enum gdb_error number);

/* ---- data.c: packets about registers and memory; args is what follows the packet's name ---- */

/* "ADDRESS,LENGTH"; *args moves behind it. */
bool gdb_range(const char **args, uint64_t *at, uint64_t *n);
void gdb_get_all(struct gdb_stub *g, const char *args);
void gdb_get_one(struct gdb_stub *g, const char *args);
void gdb_set_all(struct gdb_stub *g, const char *args);
void gdb_set_one(struct gdb_stub *g, const char *args);
void gdb_get_memory(struct gdb_stub *g, const char *args);
void gdb_set_memory(struct gdb_stub *g, const char *args);
void gdb_set_memory_binary(struct gdb_stub *g, const char *args);

/* ---- resume.c: what makes the guest run; each fills g->reply with the stop reply ---- */

void gdb_continue(struct gdb_stub *g, bool backward);
/* One instruction; or, with a range, until EIP is outside [lo, hi). */
void gdb_step(struct gdb_stub *g, bool backward, uint32_t lo, uint32_t hi);
/* For `?`. */
void gdb_stand(struct gdb_stub *g);

/* ---- stops.c: Z and z ---- */

bool gdb_stop_insert(struct gdb_stub *g, unsigned type, uint32_t at, uint32_t size,
                     struct err *err);
void gdb_stop_remove(struct gdb_stub *g, unsigned type, uint32_t at, uint32_t size);
void gdb_stops_free(struct gdb_stub *g);
/* The stop of this number, if it is gdb's. */
const struct gdb_stop *gdb_stop_of(const struct gdb_stub *g, unsigned number);
bool gdb_watches(const struct gdb_stub *g);

#endif
