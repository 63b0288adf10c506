/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where gdb connects: a TCP port of this host, for one client at a time. While the guest runs a thread
 * looks at the connection, since gdb's Ctrl-C comes at any time; everything else happens in the thread
 * that calls.
 */
#ifndef DEBUGGER_GDB_SERVER_H
#define DEBUGGER_GDB_SERVER_H

#include "stub.h"

struct gdb_server;

/*
 * Listen at "[ADDRESS:]PORT": a number, "127.0.0.1:1234", "[::1]:1234". Without an address on the
 * loopback alone, for whoever can connect owns the guest. Port 0 is any that is free.
 * NULL: ERR_USAGE, or ERR_SYSTEM when the port is taken.
 */
struct gdb_server *gdb_server_open(const char *where, struct err *err);
void gdb_server_close(struct gdb_server *s);
/* "127.0.0.1:1234", as gdb's `target remote` takes it. */
const char *gdb_server_where(const struct gdb_server *s);
/* Can be read when somebody wants to connect. */
int gdb_server_fd(const struct gdb_server *s);
/* The session that is going on; NULL: none. */
struct gdb_stub *gdb_server_stub(const struct gdb_server *s);
const char *gdb_server_client(const struct gdb_server *s);

/* Who serves. */
struct gdb_host {
    struct debug *debug;
    struct shell *shell;                      /* for `monitor` */
    void (*say)(void *ctx, const char *line); /* to the person at the host */
    /* Asked whenever a wait was interrupted, and at least twice a second: is it time to leave? */
    bool (*leave)(void *ctx);
    int keys;                 /* a descriptor to look at while the guest stands still, or -1 */
    void (*typed)(void *ctx); /* it can be read */
    void *ctx;
};

enum gdb_gone {
    GDB_LEFT,         /* leave() said so */
    GDB_DETACHED,     /* the guest shall go on */
    GDB_LOST,         /* the client has disappeared while the guest stood */
    GDB_LOST_RUNNING, /* or while it ran */
    GDB_KILLED,
    GDB_GUEST_ENDED,
    GDB_ASKED_TO_QUIT,
};

/* Wait for a client. False: leave() said so. The guest stands still. */
bool gdb_server_wait(struct gdb_server *s, const struct gdb_host *h);
/* Take the one who waits, and do what it says until it goes. */
enum gdb_gone gdb_server_serve(struct gdb_server *s, const struct gdb_host *h);
/* Let the guest run until it stops by itself, or somebody connects (HALT_INTERRUPTED). */
const struct halt *gdb_server_run(struct gdb_server *s, const struct gdb_host *h);

#endif
