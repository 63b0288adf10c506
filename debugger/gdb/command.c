/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands about gdb. While it is connected it drives: two that move one machine would make a
 * riddle of where it stands. Ctrl-C at the prompt stops a guest that runs for gdb, and takes the prompt
 * back from one that stands.
 */
#include "command.h"

#include <inttypes.h>
#include <jansson.h>

#include "debugger/command/internal.h"

struct room {
    struct gdb_server *server;
};

static void close_room(void *data)
{
    struct room *r = data;

    gdb_server_close(r->server);
}

static struct room *room(struct shell *sh)
{
    return shell_room(sh, ROOM_GDB, sizeof(struct room), close_room);
}

bool gdb_shell_listen(struct shell *sh, const char *where, struct err *err)
{
    struct room *r = room(sh);
    struct gdb_server *s = where ? gdb_server_open(where, err) : NULL;

    if (!r)
        err_set(err, ERR_SYSTEM, "out of memory");
    if (!r || (where && !s)) {
        gdb_server_close(s);
        return false;
    }
    gdb_server_close(r->server);
    r->server = s;
    return true;
}

struct gdb_server *gdb_shell_server(struct shell *sh)
{
    struct room *r = room(sh);

    return r ? r->server : NULL;
}

static void print_line(void *ctx, const char *line)
{
    shell_print(ctx, "%s\n", line);
}

static bool was_interrupted(void *ctx)
{
    const struct shell *sh = ctx;

    return debug_forget_interrupt(sh->debug);
}

bool gdb_shell_serve(struct shell *sh)
{
    static const char *const how[] = {
        [GDB_LEFT] = "gdb is sent away",
        [GDB_DETACHED] = "gdb has detached",
        [GDB_LOST] = "gdb is gone",
        [GDB_LOST_RUNNING] = "gdb is gone",
        [GDB_KILLED] = "gdb wants the guest to end; it stays",
        [GDB_GUEST_ENDED] = "the guest has ended, and gdb knows",
        [GDB_ASKED_TO_QUIT] = "gdb has quit",
    };
    struct gdb_server *s = gdb_shell_server(sh);
    struct gdb_host host = {.debug = sh->debug,
                            .shell = sh,
                            .say = print_line,
                            .leave = was_interrupted,
                            .keys = -1,
                            .ctx = sh};

    if (!s || !gdb_server_wait(s, &host))
        return false;
    enum gdb_gone gone = gdb_server_serve(s, &host);
    shell_moved(sh);
    shell_print(sh, "%s; here is the guest:\n", how[gone]);
    shell_tell_place(sh);
    return true;
}

bool do_gdb(struct shell *sh, const char *args, struct err *err)
{
    struct gdb_server *was = gdb_shell_server(sh);

    if (was && gdb_server_stub(was))
        return err_set(err, ERR_USAGE, "gdb is connected already, from %s", gdb_server_client(was));
    if (!*args && !was)
        return err_set(err, ERR_USAGE, "at which port is gdb to be waited for?");
    if (*args && !gdb_shell_listen(sh, args, err))
        return false;
    shell_print(sh, "Waiting for gdb at %s (target remote %s); Ctrl-C ends it.\n",
                gdb_server_where(gdb_shell_server(sh)), gdb_server_where(gdb_shell_server(sh)));
    gdb_shell_serve(sh);
    return !*args || gdb_shell_listen(sh, NULL, err);
}

bool do_info_gdb(struct shell *sh, const char *args, struct err *err)
{
    const struct gdb_server *s = gdb_shell_server(sh);
    const struct gdb_stub *stub = s ? gdb_server_stub(s) : NULL;
    struct gdb_counts c = {0};
    bool json = shell_json(sh, &args);

    if (*args)
        return err_set(err, ERR_USAGE, "info gdb takes no arguments");
    if (stub)
        c = gdb_stub_counts(stub);
    if (json) {
        shell_print_json(sh, json_pack("{s:s?, s:s?, s:I, s:I, s:i}", "listening",
                                       s ? gdb_server_where(s) : NULL, "client",
                                       stub ? gdb_server_client(s) : NULL, "packets",
                                       (json_int_t)c.packets, "damaged", (json_int_t)c.damaged,
                                       "stops", (int)c.stops));
        return true;
    }
    if (!s)
        shell_print(sh, "gdb cannot connect: `gdb PORT` lets it.\n");
    else if (!stub)
        shell_print(sh, "gdb may connect at %s.\n", gdb_server_where(s));
    else
        shell_print(sh,
                    "gdb is connected from %s to %s: %" PRIu64 " packets, %" PRIu64
                    " damaged; it has set %u breakpoints and watchpoints.\n",
                    gdb_server_client(s), gdb_server_where(s), c.packets, c.damaged, c.stops);
    return true;
}
