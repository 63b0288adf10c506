/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gdb's side of a debugger: what its packets ask for, done by debug_*() and answered. Bytes come in
 * through gdb_stub_feed() and go out through send(); where they travel is somebody else's matter.
 *
 * gdb's own breakpoints are stops like all others, armed while it wants them, and kept out of the
 * user's lists. Stops that were made by `monitor break ...` stop the guest under gdb as well.
 */
#ifndef DEBUGGER_GDB_STUB_H
#define DEBUGGER_GDB_STUB_H

#include "debugger/command/shell.h"

struct gdb_stub;

struct gdb_stub_setup {
    struct debug *debug;
    struct shell *shell; /* for `monitor`; NULL: there is none */
    void (*send)(void *ctx, const uint8_t *bytes, size_t n);
    /* The guest is about to run, and has run. Meanwhile somebody else must listen to gdb, and call
       debug_interrupt() when it has something to say. NULL: nobody can. */
    void (*running)(void *ctx, bool runs);
    /* What the person at the host should hear of: one line. NULL: nothing. */
    void (*say)(void *ctx, const char *line);
    void *ctx;
};

struct gdb_stub *gdb_stub_new(const struct gdb_stub_setup *s, struct err *err);
/* Takes gdb's stops away. */
void gdb_stub_free(struct gdb_stub *g);

enum gdb_wish {
    GDB_GO_ON,
    GDB_DETACH, /* D: gdb goes, and the guest goes on */
    GDB_KILL,   /* k */
    GDB_EXITED, /* gdb has been told how the guest ended */
    GDB_QUIT,   /* `monitor quit` */
};
/* What has come from gdb. May run the guest, for as long as it takes. */
enum gdb_wish gdb_stub_feed(struct gdb_stub *g, const uint8_t *bytes, size_t n);

/* For `info gdb`. */
struct gdb_counts {
    uint64_t packets, damaged;
    unsigned stops; /* that gdb wants now */
};
struct gdb_counts gdb_stub_counts(const struct gdb_stub *g);

#endif
