/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * anatomy: one crossing explained from the site to where the guest goes on. What is told was seen: the
 * crossing is run again with everybody listening, and the machine is compared at both ends.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/hooks.h"
#include "hv-models/hv.h"
#include "views.h"

#define EVENTS_MAX 256u

struct anatomy {
    struct shell *sh;
    struct view_capture before, after;
    struct trace_view *view;
    struct seen {
        unsigned kind;
        struct event event;
        char text[500], category[16];
    } * seen;
    unsigned n, lost;
    char place[300], line[300], insn[200], site[200];
    uint32_t eip, back;
    struct err err;
    bool ok;
};

/* What can only be told by standing there. */
static void look_at_site(struct anatomy *a)
{
    struct shell *sh = a->sh;
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    struct program *p = source_program(sh->debug, r->eip, r->cpl);
    struct view_hook hook;
    struct place place;
    char name[120], at[120];

    a->eip = r->eip;
    if (!data_instruction(sh, r->seg[S_CS].base + r->eip, a->insn, sizeof a->insn))
        snprintf(a->insn, sizeof a->insn, "(not mapped)");
    if (p && program_at(p, r->eip, &place) && place.depth) {
        const struct place_function *f = &place.function[source_depth(&place)];
        snprintf(a->place, sizeof a->place, "%s", f->name);
        if (f->file && f->line) {
            snprintf(a->place, sizeof a->place, "%s() at %s:%u", f->name, f->file, f->line);
            const char *text = data_source_line(sh, p, f->file, f->line);
            snprintf(a->line, sizeof a->line, "%s", text ? text + strspn(text, " \t") : "");
        }
    }
    if (view_hook(sh, &hook)) {
        hook_full_name(&hook_table[hook.hook], name, sizeof name);
        snprintf(a->site, sizeof a->site, "%s, called at 0x%08x%s", name, hook.site,
                 data_label(sh, hook.site, at, sizeof at));
    }
}

static void at_end(void *ctx, bool last)
{
    struct anatomy *a = ctx;

    a->ok = view_capture(a->sh, last ? &a->after : &a->before, last, &a->err) && (!last || a->ok);
    if (!last)
        look_at_site(a);
    else
        a->back = cpu_regs(shell_machine(a->sh)->domain->cpu)->eip;
}

static void see(void *ctx, const struct event *e)
{
    struct anatomy *a = ctx;
    struct trace_row row;

    if (!a->view || !trace_view_event(a->view, e, &row) || e->kind == EVENT_task ||
        e->kind == EVENT_back)
        return;
    if (a->n == EVENTS_MAX) {
        a->lost++;
        return;
    }
    struct seen *s = &a->seen[a->n++];
    s->kind = e->kind;
    s->event = *e;
    snprintf(s->category, sizeof s->category, "%s", row.category);
    view_row_text(&row, s->text, sizeof s->text);
}

/* ---- telling ---- */

static void head(struct shell *sh, const char *what)
{
    shell_shade(sh, SHADE_TITLE);
    shell_print(sh, "%-10s", what);
    shell_shade(sh, SHADE_PLAIN);
}

static void tell_way(struct anatomy *a)
{
    struct shell *sh = a->sh;
    char name[120];
    unsigned stage = 0;

    shell_print(sh, "A crossing of %s, from cycle %" PRIu64 " to %" PRIu64 "%s%s\n",
                hv_model(shell_machine(sh)->domain)->name, a->before.at.cycle, a->after.at.cycle,
                a->before.task[0] ? ", process " : "", a->before.task);
    if (a->place[0]) {
        head(sh, "guest");
        shell_print(sh, "%s%s%s\n", a->place, a->line[0] ? "  " : "", a->line);
    }
    if (a->site[0]) {
        head(sh, "hook");
        shell_print(sh, "%s\n", a->site);
    }
    head(sh, "leaves by");
    shell_print(sh, "0x%08x  %s  in ring %u\n", a->eip, a->insn, a->before.regs.cpl);
    for (unsigned i = 0; i < a->n; i++) {
        const struct seen *s = &a->seen[i];
        const struct hv_stage_site *site =
            s->kind == EVENT_stage ? hv_stage_site(s->event.a[0]) : NULL;
        if (site) {
            const char *text = data_source_line(sh, NULL, site->file, site->line);
            head(sh, "stage");
            shell_print(sh, "%2u %s (0x%x, 0x%x)  %s:%u\n", ++stage, site->text, s->event.a[1],
                        s->event.a[2], site->file, site->line);
            if (text) {
                shell_shade(sh, SHADE_NOTE);
                shell_print(sh, "%-14s%s\n", "", text + strspn(text, " \t"));
                shell_shade(sh, SHADE_PLAIN);
            }
            continue;
        }
        head(sh, s->category);
        size_t skip = strlen(s->category);
        shell_print(sh, "%s\n", s->text + skip + (s->text[skip] == ' '));
    }
    if (a->lost)
        shell_print(sh, "(and %u more events)\n", a->lost);
    head(sh, "goes on");
    shell_print(sh, "0x%08x%s in ring %u\n", a->back, data_label(sh, a->back, name, sizeof name),
                a->after.regs.cpl);
}

static void tell_cycles(struct anatomy *a, json_t *document)
{
    struct domain *d = shell_machine(a->sh)->domain;
    const struct hv_cost *cost = hv_model(d)->costs;
    struct sheet *t = sheet_new("part times each cycles source");
    uint64_t total = a->after.at.cycle - a->before.at.cycle, told = 0;
    uint64_t own = a->after.instructions - a->before.instructions;

    sheet_text(t, "guest instructions");
    sheet_number(t, own, "%llu");
    sheet_number(t, 1, "%llu");
    sheet_number(t, own, "%llu");
    sheet_none(t);
    told = own;
    for (unsigned i = 0; cost && cost[i].name && i < VIEW_COSTS; i++) {
        uint64_t times = a->after.charged[i] - a->before.charged[i];
        uint32_t each;
        hv_cost_charged(d, i, &each);
        if (!times)
            continue;
        sheet_text(t, "%s", cost[i].name);
        sheet_number(t, times, "%llu");
        sheet_number(t, each, "%llu");
        sheet_number(t, times * each, "%llu");
        sheet_text(t, "%s", cost[i].source);
        told += times * each;
    }
    if (total > told) {
        sheet_text(t, "idle, or other charges");
        sheet_none(t);
        sheet_none(t);
        sheet_number(t, total - told, "%llu");
        sheet_none(t);
    }
    sheet_text(t, "total");
    sheet_none(t);
    sheet_none(t);
    sheet_number(t, total, "%llu");
    sheet_none(t);
    if (document) {
        json_object_set_new(document, "cycles", sheet_take(t));
        return;
    }
    shell_print(a->sh, "\n");
    shell_shade(a->sh, SHADE_TITLE);
    shell_print(a->sh, "Cycles\n");
    shell_shade(a->sh, SHADE_PLAIN);
    sheet_print(a->sh, t, false, "", "");
}

static json_t *way_document(const struct anatomy *a)
{
    json_t *events = json_array();

    for (unsigned i = 0; i < a->n; i++) {
        const struct seen *s = &a->seen[i];
        const struct hv_stage_site *site =
            s->kind == EVENT_stage ? hv_stage_site(s->event.a[0]) : NULL;
        json_array_append_new(
            events,
            json_pack("{s:s, s:s, s:I, s:s?, s:i}", "kind", event_info[s->kind].name, "text",
                      site ? site->text : s->text, "cycle", (json_int_t)s->event.cycle, "file",
                      site ? site->file : NULL, "line", site ? (int)site->line : 0));
    }
    return json_pack("{s:I, s:I, s:s, s:s?, s:I, s:s, s:i, s:I, s:i, s:o}", "from",
                     (json_int_t)a->before.at.cycle, "to", (json_int_t)a->after.at.cycle, "place",
                     a->place, "hook", a->site[0] ? a->site : NULL, "eip", (json_int_t)a->eip,
                     "instruction", a->insn, "ring", (int)a->before.regs.cpl, "goes_on",
                     (json_int_t)a->back, "goes_on_ring", (int)a->after.regs.cpl, "events", events);
}

bool do_anatomy(struct shell *sh, const char *args, struct err *err)
{
    struct anatomy a = {.sh = sh};
    struct moment from, to;
    bool json = shell_json(sh, &args);

    if (*args)
        return err_set(err, ERR_USAGE, "anatomy takes no arguments: go to the crossing first");
    if (!debug_last_crossing(sh->debug, &from, &to))
        return err_set(err, ERR_USAGE, "nothing has crossed the boundary yet");
    a.seen = calloc(EVENTS_MAX, sizeof *a.seen);
    a.view = place_view(sh);
    bool ok = a.seen && a.view ? debug_witness(sh->debug, from, to, false, see, at_end, &a, err)
                               : err_set(err, ERR_SYSTEM, "out of memory");
    if (ok && !a.ok) {
        *err = a.err;
        ok = false;
    }
    if (ok) {
        struct view_changes changes;
        json_t *document = json ? way_document(&a) : NULL;
        if (!json) {
            tell_way(&a);
            shell_print(sh, "\n");
            shell_shade(sh, SHADE_TITLE);
            shell_print(sh, "What has changed\n");
            shell_shade(sh, SHADE_PLAIN);
        }
        view_compare(sh, &a.before, &a.after, &changes);
        view_changes_show(sh, &changes, document);
        tell_cycles(&a, document);
        if (json)
            shell_print_json(sh, document);
    }
    view_capture_free(&a.before);
    view_capture_free(&a.after);
    free(a.seen);
    return ok;
}

bool do_info_crossing(struct shell *sh, const char *args, struct err *err)
{
    struct moment from, to;
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    if (!debug_last_crossing(sh->debug, &from, &to))
        return err_set(err, ERR_USAGE, "nothing has crossed the boundary yet");
    struct sheet *t = sheet_new("from to cycles events now");
    struct moment now = debug_now(sh->debug);
    sheet_number(t, from.cycle, "%llu");
    sheet_number(t, to.cycle, "%llu");
    sheet_number(t, to.cycle - from.cycle, "%llu");
    sheet_number(t, to.events - from.events, "%llu");
    sheet_text(t, "%s",
               debug_inside(sh->debug)       ? "inside"
               : moment_compare(now, to) > 0 ? "behind it"
                                             : "right behind it");
    return sheet_print(sh, t, json, "crossing", "");
}
