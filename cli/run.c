/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside run`: boot, be the console, end with the guest's status. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "emu/guard.h"
#include "gdb.h"
#include "outcome.h"
#include "rules.h"
#include "say.h"
#include "session.h"
#include "stats.h"
#include "term.h"
#include "tracing.h"

/* Where the signal handler finds the machine; see term.c for why anything here is static. */
static struct machine *volatile running;
static struct debug *volatile debugged; /* --gdb, --rules: who runs it */
static volatile sig_atomic_t stopped_early; /* the signal came before there was a machine */

static void stop_running(void *ctx)
{
    (void)ctx;
    if (debugged)
        debug_interrupt(debugged);
    else if (running)
        machine_stop(running);
    else
        stopped_early = 1;
}

static void debugged_by(struct debug *d)
{
    debugged = d;
}

/* A run may be long: whether its files can be written is better known before. */
static bool can_write(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return err_set(err, ERR_FILE, "%s: not a regular file, so nothing can be saved there",
                       path);
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    bool ok = dir && access(dir, W_OK | X_OK) == 0;
    if (!ok)
        err_set(err, ERR_FILE, "%s: nothing can be written there: %s", path, strerror(errno));
    free(dir);
    return ok;
}

/* A loaded machine is what it is: options that say what to boot would be lies. */
static bool check(const struct options *o, struct err *err)
{
    static const char *const boot_only[] = {"kernel", "initrd", "add", "append", "execute",
                                            "mem",    "seed",   "rtc", "hv",     "pure",
                                            "record", "cost",   "disk"};
    for (size_t i = 0; o->load && i < sizeof boot_only / sizeof boot_only[0]; i++)
        if (options_given(o, boot_only[i]) && (i || !(o->stats || o->output))) /* see tracing.c */
            return err_set(err, ERR_USAGE,
                           "--load goes on with a machine that is there: --%s has nothing to say "
                           "to it",
                           boot_only[i]);
    return gdb_check(o, err) && rules_check(o, err) && (!o->save || can_write(o->save, err)) && (!o->record || can_write(o->record, err));
}

static bool prepare(struct session *s, const struct options *o, struct err *err)
{
    if (!o->load)
        return session_from_options(s, o, err);
    if (!session_from_saved(s, o->load, err))
        return false;
    /* "N further cycles" is what a person means; a sum that is too big is no limit. */
    if (o->max_cycles &&
        !__builtin_add_overflow(s->origin.cycle, o->max_cycles, &s->config.max_cycles))
        return true;
    s->config.max_cycles = 0;
    return true;
}

/* Run until something other than our own look around ends it. */
static enum end_kind run(struct console *c, struct machine *m)
{
    enum end_kind kind;
    do
        kind = machine_run(m, CLOCK_NEVER);
    while (kind == END_NONE && !c->quit && !term_signal());
    return kind;
}

/* The files that the user wants of a run that is over. */
static bool write_files(struct session *s, const struct options *o, enum end_kind kind,
                        const struct run_result *result, struct err *err)
{
    bool over = kind != END_NONE && kind != END_MAX_CYCLES;
    if (o->save && over)
        say("%s: nothing saved, the guest has ended", o->save);
    else if (o->save && !session_save(s, o->save, err))
        return false;
    return !o->record || session_record(s, o->record, result, NULL, err);
}

static int failed(const struct options *o, const struct err *err)
{
    if (err->class == ERR_USAGE)
        return usage_error(err, o->output ? "trace" : "run");
    say("%s", err->text);
    return err->class;
}

/* The run is over: tell how, in all the ways that were asked for. */
static int finish(struct session *s, const struct options *o, const struct stats *stats,
                  enum end_kind kind)
{
    struct err err = {0};
    int status = outcome_status(s->machine, kind);
    outcome_tell(s->machine, kind);
    if (stats && !o->json)
        stats_tell(stats, s->machine, stderr);
    if (!session_sync_disks(s, &err))
        status = failed(o, &err);
    if (!o->json && !o->save && !o->record)
        return status;
    struct run_result result = outcome_result(s->machine, kind);
    if (!write_files(s, o, kind, &result, &err))
        status = failed(o, &err);
    if (!o->json)
        return status;
    struct report *report = outcome_report(s->machine, &result);
    if (stats)
        stats_report(stats, s->machine, report_part(report, "stats"));
    int unwritten = report_print(report, stdout);
    return unwritten ? unwritten : status;
}

int cmd_run(const struct options *o)
{
    struct err err = {0};
    struct session s = {0};
    struct console c = {.out = stdout};
    struct tracing tracing = {0};
    int status;

    /* The handlers come first: they must be there before the machine takes over SIGSEGV. */
    guard_on_death(term_restore);
    bool ok = check(o, &err) && term_init(stop_running, NULL, &err) && prepare(&s, o, &err);
    if (ok) {
        enum console_input input = console_kind(s.config.batch);
        struct machine_host host = console_host(&c, o->json ? stderr : stdout, input);
        ok = session_start(&s, &host, &err);
        running = s.machine;
        if (ok && stopped_early)
            machine_stop(s.machine);
        ok = ok && tracing_begin(&tracing, &s, o, &err);
        ok = ok && console_attach(&c, s.machine, &err);
    }
    enum end_kind kind = END_NONE;
    bool broken = false;
    if (ok && o->gdb)
        ok = gdb_run(&s, &c, o, debugged_by, &kind, &err);
    else if (ok && o->rules.n)
        ok = rules_run(&s, &c, o, debugged_by, &kind, &broken, &err);
    else if (ok)
        kind = run(&c, s.machine);
    if (ok) {
        console_detach(&c);
        status = finish(&s, o, tracing.stats, kind);
        if (broken)
            status = STATUS_RULE;
        if (!tracing_end(&tracing, &err))
            status = failed(o, &err);
        if (c.error) {
            say("cannot write the guest's output: %s", strerror(c.error));
            status = ERR_SYSTEM;
        }
    } else {
        console_detach(&c);
        status = failed(o, &err);
        tracing_end(&tracing, NULL);
    }
    running = NULL;
    session_close(&s);
    if (term_signal()) {
        fflush(stdout);
        term_die(term_signal());
    }
    return status;
}
