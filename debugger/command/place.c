/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said when the machine stands still: why, what crosses the boundary here, the guest's line
 * and instruction, the model's stage and its source line; and who runs, in which ring, with which
 * interrupt flags, at which cycle, and whether this is the past.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/sites.h"
#include "debugger/trace_view.h"
#include "data.h"
#include "hv-models/hv.h"

/* ---- an event in words ---- */

/* The names of everything that events number; made when first asked for. */
struct event_words {
    struct trace_view *view;
    struct sites sites;
};

static void forget_words(void *data)
{
    struct event_words *w = data;

    trace_view_free(w->view);
    sites_free(&w->sites);
}

struct trace_view *place_view(struct shell *sh)
{
    struct event_words *w = shell_room(sh, ROOM_VIEWS, sizeof *w, forget_words);
    const struct kernel *k = debug_kernel(sh->debug);
    struct err err = {0};

    if (w && !w->view && (w->view = trace_view_new())) {
        if (k && !w->sites.n)
            sites_read(k, &w->sites, &err); /* a kernel of somebody else's has none: no matter */
        trace_names(shell_machine(sh), k, &w->sites, trace_view_put, w->view);
    }
    if (!w || !w->view)
        return NULL;
    trace_view_forget(w->view);
    return w->view;
}

bool place_event(struct shell *sh, const struct event *e, struct trace_row *row)
{
    struct trace_view *view = place_view(sh);

    return view && trace_view_event(view, e, row);
}

static void tell_event(struct shell *sh, const struct event *e)
{
    struct trace_row row;

    if (!place_event(sh, e, &row))
        return;
    shell_shade(sh, SHADE_NAME);
    shell_print(sh, "%s%s%s%s%s%s", row.category, strcmp(row.category, row.name) ? " " : "",
                strcmp(row.category, row.name) ? row.name : "", /* "irq irq" */
                row.detail[0] == '(' ? ""
                : row.detail[0]      ? " "
                                     : "",
                row.detail, row.result[0] ? " = " : "");
    shell_print(sh, "%s", row.result);
    shell_shade(sh, SHADE_PLAIN);
    shell_print(sh, "\n");
}

/* ---- why ---- */

static void tell_access(struct shell *sh, const struct debug_access *a)
{
    if (a->write)
        shell_print(sh, "  was 0x%0*" PRIx64 ", is 0x%0*" PRIx64, 2 * a->size, a->was, 2 * a->size,
                    a->is);
    else
        shell_print(sh, "  read 0x%0*" PRIx64, 2 * a->size, a->is);
    shell_print(sh,
                a->host ? ", by the hypervisor's side, at 0x%08x\n"
                        : ", by the instruction at 0x%08x\n",
                a->eip);
}

static void tell_end(struct shell *sh)
{
    const struct end *end = &shell_machine(sh)->domain->end;

    switch (end->kind) {
    case END_POWEROFF:
        shell_print(sh, "The guest has turned the power off, with status %u.\n", end->status);
        break;
    case END_RESET:
        shell_print(sh, "The guest has reset the machine.\n");
        break;
    default:
        shell_shade(sh, SHADE_WARN);
        shell_print(sh, "The guest has died: %s\n", end->reason);
        shell_shade(sh, SHADE_PLAIN);
        break;
    }
}

static void tell_why(struct shell *sh, const struct halt *h)
{
    const struct stop *s = h->stop ? debug_stop_number(sh->debug, h->stop) : NULL;

    switch (h->why) {
    case HALT_STOP:
        if (s)
            shell_print(sh, "Stop %u, %s\n", h->stop, s->what);
        if (h->has_access)
            tell_access(sh, &h->access);
        break;
    case HALT_INTERRUPTED:
        shell_print(sh, "Interrupted.\n");
        break;
    case HALT_ASKED:
        if (!shell_tell_rules(sh, false))
            shell_print(sh, "A handler asked for this stop.\n");
        break;
    case HALT_ENDED:
        tell_end(sh);
        shell_tell_rules(sh, true);
        break;
    case HALT_LIMIT:
        shell_print(sh, "--max-cycles: that was all.\n");
        break;
    case HALT_BEGINNING:
        shell_print(sh, "This is the beginning: there is nothing before it.\n");
        break;
    case HALT_RECORDED:
        shell_print(sh, "This is the end of the recording.\n");
        break;
    default:
        break;
    }
}

/* ---- where ---- */

static void tell_line(struct shell *sh, struct program *p, const char *file, unsigned line)
{
    struct err err = {0};
    const char *text = file && line ? sources_line(sh->sources, p, file, line, &err) : NULL;

    if (text)
        shell_print(sh, "%-7u %s\n", line, text);
    else if (err.class)
        shell_print(sh, "(%s)\n", err.text);
}

static void tell_stage(struct shell *sh, const struct event *e)
{
    const struct hv_stage_site *site = hv_stage_site(e->a[0]);

    if (!site)
        return;
    shell_print(sh, "%s:%u in the model %s\n", site->file, site->line,
                hv_model(shell_machine(sh)->domain)->name);
    tell_line(sh, NULL, site->file, site->line);
}

static void tell_instruction(struct shell *sh, const struct x86_regs *r)
{
    uint8_t code[16];
    char text[96];
    uint32_t n = 0;

    while (n < sizeof code && debug_peek(sh->debug, r->seg[S_CS].base + r->eip + n, code + n, 1))
        n++;
    if (!n || !x86_format(code, n, r->eip, r->seg[S_CS].flags & 1u << 22, text, sizeof text))
        snprintf(text, sizeof text, n ? "(not an instruction)" : "(not mapped)");
    shell_print(sh, "=> 0x%08x  %s\n", r->eip, text);
}

static void tell_guest_line(struct shell *sh, const struct x86_regs *r)
{
    struct program *p = source_program(sh->debug, r->eip, r->cpl);
    struct place place;

    if (!p || !program_at(p, r->eip, &place) || !place.depth)
        return;
    unsigned depth = source_depth(&place);
    const struct place_function *f = &place.function[depth];
    if (f->file && f->line)
        shell_print(sh, "%s:%u in ", f->file, f->line);
    shell_shade(sh, SHADE_TITLE);
    shell_print(sh, "%s", f->name);
    shell_shade(sh, SHADE_PLAIN);
    shell_print(sh, depth ? "(), inlined in %s()\n" : "()\n", place.function[0].name);
    tell_line(sh, p, f->file, f->line);
}

/* At a patch site: the hook that is about to be called, decoded from the registers. */
static void tell_site(struct shell *sh, const struct x86_regs *r)
{
    unsigned hook = source_site(sh->debug, r->eip);
    char name[64], args[200];

    if (hook >= hook_count)
        return;
    hook_full_name(&hook_table[hook], name, sizeof name);
    source_hook_arguments(sh->debug, hook, args, sizeof args);
    shell_shade(sh, SHADE_NAME);
    shell_print(sh, "hook %s%s\n", name, args);
    shell_shade(sh, SHADE_PLAIN);
}

/* One line: ring, process, interrupt flags, time. */
static void tell_state(struct shell *sh, const struct x86_regs *r)
{
    struct domain *d = shell_machine(sh)->domain;
    const struct hv_model *model = hv_model(d);
    struct source_task task;

    shell_shade(sh, SHADE_NOTE);
    shell_print(sh, "ring %u", r->cpl);
    if (source_task(sh->debug, &task))
        shell_print(sh, ", process %s:%u", task.comm, task.pid);
    shell_print(sh, ", IF %u", (r->eflags & FL_IF) != 0);
    if (model->virtual_if)
        shell_print(sh, ", virtual IF %u", model->virtual_if(d));
    if (d->state.halted)
        shell_print(sh, ", halted");
    shell_print(sh, ", cycle %" PRIu64 "%s%s\n", machine_now(shell_machine(sh)),
                debug_inside(sh->debug) ? ", inside a crossing" : "",
                debug_in_past(sh->debug) ? ", in the past" : "");
    shell_shade(sh, SHADE_PLAIN);
}

void shell_tell_place(struct shell *sh)
{
    const struct halt *h = debug_halt(sh->debug);
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    bool stage = debug_inside(sh->debug) && h->has_event && h->event.kind == EVENT_stage;

    if (h->has_event && h->event.kind != EVENT_hook)
        tell_event(sh, &h->event);
    if (stage)
        tell_stage(sh, &h->event);
    else
        tell_guest_line(sh, r);
    if (!debug_inside(sh->debug))
        tell_site(sh, r);
    tell_instruction(sh, r);
    tell_state(sh, r);
}

static void run_displays(struct shell *sh)
{
    for (struct display *d = sh->display; d; d = d->next) {
        shell_print(sh, "%u: ", d->number);
        data_display(sh, d->text);
    }
}

bool shell_stopped(struct shell *sh, const struct halt *h, struct err *err)
{
    sh->frame_known = false;
    sh->list_next = 0;
    sh->stood++;
    if (h->why == HALT_NONE)
        return err_set(err, ERR_USAGE, "there is nothing of that kind to go to from here");
    data_stopped(sh);
    const struct stop *s =
        h->why == HALT_STOP && h->stop ? debug_stop_number(sh->debug, h->stop) : NULL;
    bool silent = s && s->commands && !strncmp(s->commands, "silent\n", 7);
    unsigned number = h->stop;
    bool gone = s && s->temporary;
    if (!silent) {
        tell_why(sh, h);
        if (h->why != HALT_ENDED) {
            shell_tell_place(sh);
            run_displays(sh);
        }
    }
    if (s && s->commands)
        stops_run_commands(sh, s);
    if (gone && debug_stop_number(sh->debug, number))
        debug_stop_delete(sh->debug, debug_stop_number(sh->debug, number));
    return true;
}
