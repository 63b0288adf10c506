/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside run --gdb`. */
#include "gdb.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "term.h"

#define NOWAIT ",nowait"

struct gdb_run {
    struct session *session;
    struct console *console;
    struct debug *debug;
    struct shell *shell;
    struct gdb_server *server;
    struct gdb_host host;
    bool waits; /* the guest stands until gdb comes */
};

bool gdb_check(const struct options *o, struct err *err)
{
    static const char *const unfit[] = {"output", "format", "stats", "save"};

    for (size_t i = 0; o->gdb && i < sizeof unfit / sizeof unfit[0]; i++)
        if (options_given(o, unfit[i]))
            return err_set(err, ERR_USAGE,
                           "--gdb and --%s do not go together: gdb may go back in time", unfit[i]);
    for (size_t i = 0; o->gdb && i < o->disk.n; i++)
        if (strlen(o->disk.text[i]) > 3 &&
            !strcmp(o->disk.text[i] + strlen(o->disk.text[i]) - 3, ",rw"))
            return err_set(err, ERR_USAGE,
                           "--gdb: what a guest writes to a disk is not written back, for gdb may "
                           "go back in time: --disk without ,rw");
    return true;
}

static void on_say(void *ctx, const char *line)
{
    struct gdb_run *r = ctx;

    fflush(r->console->out);
    say("%s", line);
}

static bool on_leave(void *ctx)
{
    const struct gdb_run *r = ctx;

    return r->console->quit || term_signal();
}

static void on_typed(void *ctx)
{
    const struct gdb_run *r = ctx;

    console_keys(r->console);
}

/* From the terminal's keys: Ctrl-A x ends everything, Ctrl-A d stops the guest for gdb. */
static void on_interrupt(void *ctx)
{
    const struct gdb_run *r = ctx;

    debug_interrupt(r->debug);
}

static bool open_run(struct gdb_run *r, const struct options *o, struct err *err)
{
    struct session *s = r->session;
    struct debug_setup setup = {.machine = s->machine, .kernel = &s->kernel, .initrd = &s->initrd};
    size_t n = strlen(o->gdb);
    char where[256];

    r->waits = n < strlen(NOWAIT) || strcmp(o->gdb + n - strlen(NOWAIT), NOWAIT);
    snprintf(where, sizeof where, "%.*s", (int)(r->waits ? n : n - strlen(NOWAIT)), o->gdb);
    if (!(r->debug = debug_new(&setup, err)) ||
        !(r->shell = shell_new(&(struct shell_setup){.debug = r->debug}, err)) ||
        !gdb_shell_listen(r->shell, where, err))
        return false;
    r->server = gdb_shell_server(r->shell);
    r->console->interrupt = on_interrupt;
    r->console->interrupt_ctx = r;
    r->host = (struct gdb_host){.debug = r->debug,
                                .shell = r->shell,
                                .say = on_say,
                                .leave = on_leave,
                                .keys = r->console->input == CONSOLE_TERMINAL ? STDIN_FILENO : -1,
                                .typed = on_typed,
                                .ctx = r};
    return true;
}

static void close_run(struct gdb_run *r)
{
    r->console->interrupt = NULL;
    shell_free(r->shell);
    debug_free(r->debug);
}

/* Let the guest run by itself. False: the run is over, and *ended says how. */
static bool alone(struct gdb_run *r, enum end_kind *ended)
{
    const struct halt *h = gdb_server_run(r->server, &r->host);

    if (h->why == HALT_LIMIT)
        *ended = END_MAX_CYCLES;
    else if (h->why == HALT_ENDED)
        *ended = (enum end_kind)r->session->machine->domain->end.kind;
    else
        return !on_leave(r);
    return false;
}

/* What the guest does without a gdb: run on, or stand. False: the run is over. */
static bool without(struct gdb_run *r, enum gdb_gone gone, bool *runs, enum end_kind *ended)
{
    const struct halt *h = debug_halt(r->debug);

    switch (gone) {
    case GDB_DETACHED:
        on_say(r, "gdb has detached; the guest goes on");
        *runs = true;
        return true;
    case GDB_LOST_RUNNING:
        on_say(r, "gdb is gone; the guest goes on, as it did");
        *runs = true;
        return true;
    case GDB_LOST:
        on_say(r, "gdb is gone; the guest stands, and waits for another one");
        *runs = false;
        return true;
    case GDB_GUEST_ENDED:
        *ended = h->why == HALT_LIMIT ? END_MAX_CYCLES
                                      : (enum end_kind)r->session->machine->domain->end.kind;
        return false;
    case GDB_KILLED:
        on_say(r, "gdb has ended the run");
        return false;
    default:
        return false;
    }
}

bool gdb_run(struct session *s, struct console *c, const struct options *o,
             void (*started)(struct debug *d), enum end_kind *ended, struct err *err)
{
    struct gdb_run r = {.session = s, .console = c};
    bool ok = open_run(&r, o, err);

    *ended = END_NONE;
    if (ok) {
        bool runs = !r.waits, goes_on = !on_leave(&r);
        char text[200];
        started(r.debug);
        snprintf(text, sizeof text, "%s gdb at %s (target remote %s)",
                 r.waits ? "the guest waits for" : "the guest runs;", gdb_server_where(r.server),
                 gdb_server_where(r.server));
        on_say(&r, text);
        while (goes_on) {
            if (runs)
                goes_on = alone(&r, ended);
            else
                goes_on = gdb_server_wait(r.server, &r.host);
            if (goes_on)
                goes_on = without(&r, gdb_server_serve(r.server, &r.host), &runs, ended);
        }
        started(NULL);
    }
    close_run(&r);
    return ok;
}
