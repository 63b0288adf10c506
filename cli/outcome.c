/* SPDX-License-Identifier: GPL-2.0-only */
/* See outcome.h: one end, told three ways. */
#include "outcome.h"

#include <inttypes.h>
#include <string.h>

#include "emu/digest.h"
#include "hv-models/hv.h"
#include "report.h"
#include "say.h"

static const char *const end_name[] = {
    [END_NONE] = "stopped", [END_POWEROFF] = "power-off",    [END_RESET] = "reset",
    [END_DIED] = "died",    [END_MAX_CYCLES] = "max-cycles",
};

int outcome_status(const struct machine *m, enum end_kind kind)
{
    switch (kind) {
    case END_POWEROFF:
        /* A process has eight bits of status, a guest thirty-two: what is not zero stays so. */
        return m->domain->end.status > 255 ? 255 : (int)m->domain->end.status;
    case END_DIED:
        return STATUS_DIED;
    case END_MAX_CYCLES:
        return STATUS_MAX_CYCLES;
    case END_RESET:
    case END_NONE:
        return 0;
    }
    __builtin_unreachable();
}

enum end_kind outcome_kind(const struct machine *m)
{
    uint64_t limit = m->config.max_cycles;

    if (m->domain->end.kind)
        return (enum end_kind)m->domain->end.kind;
    return limit && machine_now(m) >= limit ? END_MAX_CYCLES : END_NONE;
}

struct run_result outcome_result(struct machine *m, enum end_kind kind)
{
    struct machine_parts parts = machine_parts(m);
    struct run_result r = {
        .cycles = machine_now(m),
        .instructions = cpu_instructions(m->domain->cpu),
        .events = events_count(m->events),
        .state_digest = digest_state(&parts),
        .event_digest = events_digest(m->events),
        .status = (uint64_t)outcome_status(m, kind),
    };
    snprintf(r.end, sizeof r.end, "%s", end_name[kind]);
    if (kind == END_DIED)
        snprintf(r.reason, sizeof r.reason, "%s", m->domain->end.reason);
    return r;
}

void outcome_tell(struct machine *m, enum end_kind kind)
{
    switch (kind) {
    case END_DIED:
        say("the guest died: %s", m->domain->end.reason);
        domain_last_words(m->domain, stderr);
        break;
    case END_RESET:
        say("the guest reset the machine; that ends the run");
        break;
    case END_MAX_CYCLES:
        say("stopped at cycle %" PRIu64 " (--max-cycles)", machine_now(m));
        break;
    case END_POWEROFF:
    case END_NONE:
        break;
    }
}

static void report_digest(struct report *r, const char *name, struct digest g)
{
    char text[DIGEST_HEX];
    digest_hex(g, text);
    report_text(r, name, text);
}

struct report *outcome_report(struct machine *m, const struct run_result *result)
{
    struct domain *d = m->domain;
    struct report *r = report_new();
    report_text(r, "model", hv_model(d)->name);
    report_text(r, "variant", hv_variant(d));
    report_text(r, "end", result->end);
    report_text(r, "reason", result->reason[0] ? result->reason : NULL);
    report_number(r, "status", result->status);
    report_number(r, "cycles", result->cycles);
    report_number(r, "instructions", result->instructions);
    report_number(r, "idle_cycles", d->state.idle_cycles);
    struct report *exits = report_part(r, "exits");
    for (unsigned i = 0; i < EXIT_KINDS; i++)
        report_number(exits, exit_kind_name[i], d->state.exits[i] + d->seen[i]);
    report_number(r, "interrupts", d->state.irqs);
    report_number(r, "events", result->events);
    report_digest(r, "event_digest", result->event_digest);
    report_digest(r, "state_digest", result->state_digest);
    return r;
}
