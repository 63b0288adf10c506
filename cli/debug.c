/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside debug`: a guest in the hands of a person at a prompt, or of a file of commands. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "debugger/command/shell.h"
#include "outcome.h"
#include "prompt.h"
#include "say.h"
#include "session.h"

static void write_out(void *ctx, const char *text, size_t n)
{
    fwrite(text, 1, n, ctx);
}

static void write_error(void *ctx, const char *text)
{
    fflush(ctx);
    say("%s", text);
}

/* Commands of -x, then those of the prompt, or of standard input. */
static int converse(struct shell *sh, const struct options *o)
{
    int status = 0;
    bool ok = true;

    for (size_t i = 0; ok && i < o->commands.n && !shell_wants_to_quit(sh, &status); i++)
        ok = shell_source(sh, o->commands.text[i]);
    if (shell_wants_to_quit(sh, &status))
        return status;
    if (!ok)
        return o->batch ? ERR_USAGE : prompt_run(sh);
    return o->batch ? 0 : prompt_run(sh);
}

/* A guest that goes back in time would have to take back what its file has been given. */
static bool check_disks(const struct session *s, struct err *err)
{
    for (unsigned i = 0; i < DISKS_MAX; i++)
        if (s->disk_file[i])
            return err_set(err, ERR_USAGE,
                           "a guest that is debugged goes back in time, a file does not: --disk "
                           "without ,rw");
    return true;
}

int cmd_debug(const struct options *o)
{
    struct err err = {0};
    struct session s = {0};
    struct console c = {.out = stdout};
    struct debug *debug = NULL;
    struct shell *shell = NULL;
    int status;

    bool ok = session_from_options(&s, o, &err) && check_disks(&s, &err);
    if (ok) {
        struct machine_host host = console_host(&c, stdout, CONSOLE_NONE);
        ok = session_start(&s, &host, &err) && console_attach(&c, s.machine, &err);
    }
    if (ok) {
        struct debug_setup setup = {.machine = s.machine, .kernel = &s.kernel, .initrd = &s.initrd};
        debug = debug_new(&setup, &err);
    }
    if (debug) {
        struct shell_setup setup = {
            .debug = debug,
            .front = {.write = write_out, .error = write_error, .ctx = stdout},
        };
        prompt_front(&setup.front);
        shell = shell_new(&setup, &err);
    }
    if (shell) {
        status = converse(shell, o);
    } else {
        say("%s", err.text);
        status = err.class;
    }
    shell_free(shell);
    debug_free(debug);
    console_detach(&c);
    session_close(&s);
    return status;
}
