/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debugger without a prompt: its listeners hold the rules, and it stops where one is broken. Nobody
 * will go back in time, so it keeps no more of the past than it must.
 */
#include "rules.h"

#include "debugger/command/shell.h"
#include "say.h"
#include "term.h"

bool rules_check(const struct options *o, struct err *err)
{
    const char *other = o->stats ? "stats" : o->load ? "load" : o->gdb ? "gdb" : NULL;

    if (o->rules.n && other)
        return err_set(err, ERR_USAGE, "--rules and --%s do not go together", other);
    return true;
}

static void write_out(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    fwrite(text, 1, n, stderr);
}

static void write_error(void *ctx, const char *text)
{
    (void)ctx;
    say("%s", text);
}

static void interrupt(void *ctx)
{
    debug_interrupt(ctx);
}

static bool read_rules(struct shell *sh, const struct options *o, struct err *err)
{
    for (size_t i = 0; i < o->rules.n; i++)
        if (!shell_lua_file(sh, o->rules.text[i], err))
            return err_wrap(err, "--rules");
    return true;
}

/* False: it stopped, but neither the guest nor the run is over. */
static bool is_over(struct shell *sh, const struct halt *h, enum end_kind *ended, bool *broken)
{
    switch (h->why) {
    case HALT_ENDED:
        *ended = shell_machine(sh)->domain->end.kind;
        *broken = shell_tell_rules(sh, true);
        return true;
    case HALT_LIMIT:
        *ended = END_MAX_CYCLES;
        return true;
    case HALT_ASKED:
        *broken = true;
        if (!shell_tell_rules(sh, false))
            say("a handler of the rules asked for a stop");
        return true;
    default:
        return false;
    }
}

bool rules_run(struct session *s, struct console *c, const struct options *o,
               void (*started)(struct debug *d), enum end_kind *ended, bool *broken,
               struct err *err)
{
    struct debug_setup setup = {
        .machine = s->machine, .kernel = &s->kernel, .initrd = &s->initrd, .history_bytes = 1};
    struct debug *debug = debug_new(&setup, err);
    struct shell_setup front = {.debug = debug,
                                .front = {.write = write_out, .error = write_error}};
    struct shell *sh = debug ? shell_new(&front, err) : NULL;
    bool ok = sh && read_rules(sh, o, err);

    *broken = false;
    *ended = END_NONE;
    if (ok) {
        c->interrupt = interrupt;
        c->interrupt_ctx = debug;
        started(debug);
        while (!is_over(sh, debug_continue(debug), ended, broken) && !c->quit && !term_signal())
            fflush(c->out);
        started(NULL);
        c->interrupt = NULL;
    }
    shell_free(sh);
    debug_free(debug);
    return ok;
}
