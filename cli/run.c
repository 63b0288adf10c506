/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside run`: boot, be the console, end with the guest's status. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "outcome.h"
#include "session.h"
#include "term.h"

/* Where the signal handler finds the machine; see term.c for why anything here is static. */
static struct machine *volatile running;

static void stop_running(void *ctx)
{
    (void)ctx;
    if (running)
        machine_stop(running);
}

static bool check(const struct options *o, struct err *err)
{
    static const char *const boot_only[] = {"kernel", "initrd", "add", "append", "execute", "mem",
                                            "seed",   "rtc",    "hv",  "pure",   "record"};
    if (o->load)
        for (size_t i = 0; i < sizeof boot_only / sizeof boot_only[0]; i++)
            if (options_given(o, boot_only[i]))
                return err_set(err, ERR_USAGE,
                               "--load goes on with a machine that is there: --%s "
                               "has nothing to say to it",
                               boot_only[i]);
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

static int failed(const struct err *err)
{
    if (err->class == ERR_USAGE)
        return usage_error(err, "run");
    fprintf(stderr, "ringside: %s\n", err->text);
    return err->class;
}

int cmd_run(const struct options *o)
{
    struct err err = {0};
    struct session s = {0};
    struct console c;
    struct machine_config cfg = session_config(o);
    /* -e takes nothing from standard input: what a script runs must not eat the script. */
    enum console_input input = o->execute ? CONSOLE_NONE : console_kind();
    struct machine_host host = console_host(&c, o->json ? stderr : stdout, input);

    /* The handlers come first: they must be there before the machine takes over SIGSEGV. */
    bool ok = check(o, &err) && term_init(stop_running, NULL, &err) &&
              session_prepare(&s, o, &err) && session_boot(&s, &cfg, &host, &err);
    running = s.machine;
    ok = ok && console_attach(&c, s.machine, &err);

    int status;
    if (ok) {
        enum end_kind kind = run(&c, s.machine);
        console_detach(&c);
        status = outcome_tell(s.machine, kind);
        if (o->json) {
            int written = outcome_json(s.machine, kind, status, stdout);
            status = written ? written : status;
        }
    } else {
        console_detach(&c);
        status = failed(&err);
    }
    running = NULL;
    session_close(&s);
    if (term_signal()) {
        fflush(stdout);
        term_die(term_signal());
    }
    return status;
}
