/* SPDX-License-Identifier: GPL-2.0-only */
#include "outcome.h"

#include <inttypes.h>

#include "emu/digest.h"
#include "hv-models/hv.h"
#include "report.h"

static const char *const end_name[] = {
    [END_NONE] = "stopped", [END_POWEROFF] = "power-off",    [END_RESET] = "reset",
    [END_DIED] = "died",    [END_MAX_CYCLES] = "max-cycles",
};

int outcome_tell(struct machine *m, enum end_kind kind)
{
    struct domain *d = m->domain;
    switch (kind) {
    case END_POWEROFF:
        /* A process has eight bits of status, a guest thirty-two: what is not zero stays so. */
        return d->end.status > 255 ? 255 : (int)d->end.status;
    case END_RESET:
        fputs("ringside: the guest reset the machine; that ends the run\n", stderr);
        return 0;
    case END_DIED:
        fprintf(stderr, "ringside: the guest died: %s\n", d->end.reason);
        domain_last_words(d, stderr);
        return STATUS_DIED;
    case END_MAX_CYCLES:
        fprintf(stderr, "ringside: stopped after %" PRIu64 " cycles (--max-cycles)\n",
                machine_now(m));
        return STATUS_MAX_CYCLES;
    case END_NONE:
        return 0;
    }
    __builtin_unreachable();
}

static void report_digest(struct report *r, const char *name, struct digest g)
{
    char text[DIGEST_HEX];
    digest_hex(g, text);
    report_text(r, name, text);
}

int outcome_json(struct machine *m, enum end_kind kind, int status, FILE *to)
{
    struct domain *d = m->domain;
    struct report *r = report_new();
    report_text(r, "model", hv_model(d)->name);
    report_text(r, "variant", hv_variant(d));
    report_text(r, "end", end_name[kind]);
    report_text(r, "reason", d->end.reason[0] ? d->end.reason : NULL);
    report_number(r, "status", (uint64_t)status);
    report_number(r, "cycles", machine_now(m));
    report_number(r, "instructions", cpu_instructions(d->cpu));
    report_number(r, "idle_cycles", d->state.idle_cycles);
    struct report *exits = report_part(r, "exits");
    for (unsigned i = 0; i < EXIT_KINDS; i++)
        report_number(exits, exit_kind_name[i], d->state.exits[i]);
    report_number(r, "interrupts", d->state.irqs);
    report_number(r, "events", events_count(m->events));
    report_digest(r, "event_digest", events_digest(m->events));
    struct machine_parts parts = machine_parts(m);
    report_digest(r, "state_digest", digest_state(&parts));
    return report_print(r, to);
}
