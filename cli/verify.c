/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside verify`: the same run again, and does it end in the same bits? */
#include <inttypes.h>
#include <string.h>

#include "debugger/control/debug.h"
#include "outcome.h"
#include "report.h"
#include "say.h"
#include "session.h"

/* A run that goes another way may never end. This much longer than the first is proof enough. */
#define PATIENCE 1000000u

static enum end_kind replay(struct machine *m, const struct recording *r)
{
    /* A run that was stopped from outside (Ctrl-A x) ends where it was stopped. */
    bool stopped = strcmp(r->result.end, "stopped") == 0;
    uint64_t until = r->result.cycles;
    if (!stopped && __builtin_add_overflow(until, PATIENCE, &until))
        until = CLOCK_NEVER;
    if (!r->changes)
        return machine_run(m, until);
    /* What was changed by hand is changed again, by the debugger's hand. */
    struct err err = {0};
    struct debug *d = debug_new(
        &(struct debug_setup){.machine = m, .replay = true, .history_bytes = 1u << 20}, &err);
    if (d && debug_set_changes(d, r, &err))
        debug_goto_cycle(d, until);
    else
        say("%s", err.text);
    debug_free(d);
    return outcome_kind(m);
}

static int tell(const struct options *o, const struct recording *r, const struct run_result *now)
{
    char text[2048] = "";
    unsigned differ = record_compare(&r->result, now, text, sizeof text);
    if (o->json) {
        struct report *report = report_new();
        report_bool(report, "same", differ == 0);
        report_number(report, "differences", differ);
        report_text(report, "text", text);
        report_number(report, "cycles", now->cycles);
        report_number(report, "instructions", now->instructions);
        int unwritten = report_print(report, stdout);
        if (unwritten)
            return unwritten;
    } else if (differ) {
        printf("%s: the replay differs\n%s", o->operand[0], text);
    } else {
        printf("%s: the same run: %" PRIu64 " cycles, %" PRIu64 " instructions, %" PRIu64
               " events, state and events bit by bit\n",
               o->operand[0], now->cycles, now->instructions, now->events);
    }
    return differ ? 1 : 0;
}

int cmd_verify(const struct options *o)
{
    struct err err = {0};
    struct session s = {0};
    struct recording r = {0};
    struct machine_host nobody = {0};
    int status;

    bool ok = record_read(o->operand[0], &r, &err) && session_from_recording(&s, &r, &err) &&
              session_start(&s, &nobody, &err) &&
              input_set_log(s.machine->input, r.log, r.entries, &err);
    if (ok) {
        enum end_kind kind = replay(s.machine, &r);
        struct run_result now = outcome_result(s.machine, kind);
        status = tell(o, &r, &now);
    } else {
        say("%s", err.text);
        /* Here every word of the recording is a file's: nobody used the program wrongly. */
        status = err.class == ERR_USAGE ? ERR_FILE : (int)err.class;
    }
    session_close(&s);
    record_free(&r);
    return status;
}
