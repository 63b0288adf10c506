/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ringside debug`: a guest in the hands of a person at a prompt, or of a file of commands. The
 * person's keys go to the prompt while the guest stands still, and to the guest's console while it
 * runs; `console` gives it the terminal as a whole.
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "debugger/command/shell.h"
#include "debugger/gdb/command.h"
#include "emu/digest.h"
#include "emu/guard.h"
#include "outcome.h"
#include "prompt.h"
#include "say.h"
#include "session.h"

/* All that a debugging session consists of, in the order in which it is taken apart again. */
struct desk {
    struct session session;
    struct recording recording; /* --replay: its log */
    struct image kernel; /* symbols of a machine that was loaded: its file does not have them */
    struct console console;
    struct debug *debug;
    struct shell *shell;
};

/* ---- what the shell asks of a front end ---- */

static void write_out(void *ctx, const char *text, size_t n)
{
    struct desk *k = ctx;

    if (k->console.mid_line) /* the guest's prompt, for example */
        putchar('\n');
    k->console.mid_line = false;
    fwrite(text, 1, n, stdout);
}

static void write_error(void *ctx, const char *text)
{
    (void)ctx;
    fflush(stdout);
    say("%s", text);
}

static void interrupt(void *ctx)
{
    struct desk *k = ctx;

    debug_interrupt(k->debug);
}

/* The guest has the terminal, until Ctrl-A d, a stop, or its end. */
static void give_console(void *ctx)
{
    struct desk *k = ctx;
    struct err err = {0};

    if (!prompt_person()) {
        say("standard input is no terminal: `type TEXT` types to the guest");
        return;
    }
    if (k->console.input != CONSOLE_TERMINAL) {
        say("this guest has no use for a keyboard (-e, or a replay)");
        return;
    }
    if (debug_in_past(k->debug))
        say("this is the past: what is typed goes to the guest when it comes to the present");
    say("the terminal is the guest's; Ctrl-A d comes back");
    if (!term_raw(&err)) {
        say("%s", err.text);
        return;
    }
    const struct halt *h = debug_continue(k->debug);
    fflush(stdout);
    term_restore();
    putchar('\n');
    k->console.mid_line = false;
    shell_stopped(k->shell, h, &err);
}

static bool write_recording(void *ctx, const char *path, struct err *err)
{
    struct desk *k = ctx;
    struct machine *m = k->session.machine;
    struct run_result result = outcome_result(m, outcome_kind(m));

    struct recording by_hand = {0};
    bool ok = debug_changes(k->debug, &by_hand, err) &&
              session_record(&k->session, path, &result, &by_hand, err);
    record_free(&by_hand);
    return ok;
}

/* ---- opening ---- */

static bool refuse(const struct options *o, struct err *err)
{
    static const char *const boot_only[] = {"kernel", "initrd", "add",  "append", "execute",
                                            "mem",    "seed",   "rtc",  "hv",     "pure",
                                            "disk",   "cost",   "load", "record", "max-cycles"};
    const char *with = o->replay ? "--replay" : o->load ? "--load" : NULL;

    for (size_t i = 0; with && i < sizeof boot_only / sizeof boot_only[0]; i++) {
        const char *name = boot_only[i];
        if ((!o->replay &&
             (!strcmp(name, "load") || !strcmp(name, "kernel") || !strcmp(name, "max-cycles"))) ||
            !options_given(o, name))
            continue;
        return err_set(err, ERR_USAGE,
                       "%s goes on with a machine that is there: --%s has nothing to say to it",
                       with, name);
    }
    return true;
}

/* Writing back what a guest does in a future that may never be is no good idea. */
static bool refuse_written_disks(const struct session *s, struct err *err)
{
    for (unsigned i = 0; i < DISKS_MAX; i++)
        if (s->disk_file[i])
            return err_set(
                err, ERR_USAGE,
                "--disk FILE,rw: under the debugger a disk is not written back; leave out ,rw");
    return true;
}

static bool open_session(struct desk *k, const struct options *o, struct err *err)
{
    if (o->replay)
        return record_read(o->replay, &k->recording, err) &&
               session_from_recording(&k->session, &k->recording, err);
    if (o->load)
        return session_from_saved(&k->session, o->load, err);
    return session_from_options(&k->session, o, err) && refuse_written_disks(&k->session, err);
}

/* A saved machine brings the digest of its kernel's file, not the file. */
static bool find_symbols(struct desk *k, const struct options *o, struct err *err)
{
    if (k->session.kernel.size)
        return true;
    if (!session_kernel(&k->kernel, o, err))
        return false;
    if (digest_equal(digest_bytes(k->kernel.data, k->kernel.size), k->session.origin.kernel))
        return true;
    if (o->kernel)
        return err_set(err, ERR_FILE, "%s: not the kernel that this machine was booted from",
                       k->kernel.name);
    say("%s is not the kernel that this machine was booted from: no symbols (--kernel FILE names "
        "it)",
        k->kernel.name);
    image_free(&k->kernel);
    return true;
}

static enum console_input input_of(const struct desk *k, const struct options *o)
{
    return o->replay || k->session.config.batch || !prompt_person() ? CONSOLE_NONE
                                                                    : CONSOLE_TERMINAL;
}

static bool open_machine(struct desk *k, const struct options *o, struct err *err)
{
    struct session *s = &k->session;
    struct machine_host host = console_host(&k->console, stdout, input_of(k, o));

    if (!session_start(s, &host, err))
        return false;
    k->console.machine = s->machine;
    if (o->replay)
        return input_set_log(s->machine->input, k->recording.log, k->recording.entries, err);
    if (!s->config.batch)
        input_from_live(s->machine->input); /* keys, or what `type` says */
    return true;
}

/* Programs that were put in can be named before they run. */
static void meet_programs(struct desk *k, const struct options *o)
{
    for (size_t i = 0; i < o->add.n; i++) {
        const char *path = strrchr(o->add.text[i], '=');
        path = path ? path + 1 : o->add.text[i];
        const char *slash = strrchr(path, '/');
        source_meet(k->debug, slash ? slash + 1 : path);
    }
}

static bool open_desk(struct desk *k, const struct options *o, struct err *err)
{
    if (!refuse(o, err) || !open_session(k, o, err) || !open_machine(k, o, err) ||
        !find_symbols(k, o, err))
        return false;
    bool stopped = o->replay && !strcmp(k->recording.result.end, "stopped");
    struct debug_setup setup = {
        .machine = k->session.machine,
        .kernel = k->session.kernel.size ? &k->session.kernel : &k->kernel,
        .initrd = &k->session.initrd,
        .horizon = stopped ? k->recording.result.cycles : 0,
        .replay = o->replay != NULL,
    };
    k->debug = debug_new(&setup, err);
    if (!k->debug || (o->replay && !debug_set_changes(k->debug, &k->recording, err)))
        return false;
    k->console.interrupt = interrupt;
    k->console.interrupt_ctx = k;
    meet_programs(k, o);
    struct shell_setup shell = {
        .debug = k->debug,
        .front = {.write = write_out,
                  .error = write_error,
                  .ask = prompt_ask,
                  .more = prompt_more,
                  .console = give_console,
                  .color = say_in_color(1),
                  .ctx = k},
        .record = o->replay || o->load ? NULL : write_recording,
        .record_ctx = k,
    };
    k->shell = shell_new(&shell, err);
    char sources[PATH_MAX];
    struct err ignored = {0}; /* without them there are no lines to be shown, that is all */
    if (k->shell && session_sources(sources))
        sources_add(shell_sources(k->shell), sources, &ignored);
    return k->shell && (!o->gdb || gdb_shell_listen(k->shell, o->gdb, err));
}

static void close_desk(struct desk *k)
{
    shell_free(k->shell);
    debug_free(k->debug);
    fflush(stdout);
    session_close(&k->session);
    record_free(&k->recording);
    image_free(&k->kernel);
}

/* ---- talking ---- */

static void greet(const struct desk *k, const struct options *o)
{
    const struct session *s = &k->session;

    if (!prompt_person() || o->batch)
        return;
    printf("%s on %s%s%s. `help` lists the commands; Ctrl-C stops a running guest.\n",
           o->replay ? "A recorded guest" : "A guest", s->model->name, s->variant[0] ? ":" : "",
           s->variant);
    shell_tell_place(k->shell);
}

/* --gdb: where to connect, for whoever starts the other side. */
static void tell_gdb(const struct desk *k)
{
    const struct gdb_server *s = gdb_shell_server(k->shell);

    if (s)
        say("gdb may connect at %s (target remote %s)", gdb_server_where(s), gdb_server_where(s));
}

/* Commands of -x, then those of the prompt, or of standard input. */
static int converse(struct desk *k, const struct options *o)
{
    int status = 0;
    bool ok = true;

    prompt_watch(k->shell);
    greet(k, o);
    tell_gdb(k);
    for (size_t i = 0; ok && i < o->commands.n && !shell_wants_to_quit(k->shell, &status); i++) {
        char line[4096];
        snprintf(line, sizeof line, "source %s", o->commands.text[i]);
        ok = shell_run(k->shell, line);
    }
    if (!shell_wants_to_quit(k->shell, &status))
        status = !o->batch ? prompt_run(k->shell) : ok ? 0 : ERR_USAGE;
    prompt_watch(NULL);
    return status;
}

/* TERM and its like end a run at once, and then the program. (SIGINT is the prompt's.) */
static void stop_all(void *ctx)
{
    struct desk *k = ctx;

    if (k->shell)
        shell_end(k->shell);
    else if (k->debug)
        debug_interrupt(k->debug);
}

/* --record: what had been run when the debugger was left. */
static bool write_last(struct desk *k, const char *path)
{
    char line[4096];

    snprintf(line, sizeof line, "record %s", path);
    return shell_run(k->shell, line);
}

int cmd_debug(const struct options *o)
{
    struct err err = {0};
    struct desk *k = calloc(1, sizeof *k);
    int status;

    if (!k)
        return ERR_SYSTEM;
    /* The handlers come first: they must be there before the machine takes over SIGSEGV. */
    guard_on_death(term_restore);
    if (term_init(stop_all, k, &err) && open_desk(k, o, &err)) {
        status = converse(k, o);
        if (o->record && !write_last(k, o->record))
            status = ERR_FILE;
    } else {
        status = err.class == ERR_USAGE ? usage_error(&err, "debug")
                                        : (say("%s", err.text), (int)err.class);
    }
    close_desk(k);
    free(k);
    if (term_signal()) {
        fflush(stdout);
        term_die(term_signal());
    }
    return status;
}
