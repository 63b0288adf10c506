/* SPDX-License-Identifier: GPL-2.0-only */
/* The boundary's own lists: info hooks, sites, hypercalls, events, irq, timers, tasks, model, snapshots. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "abi/kernel_info.h"
#include "debugger/hooks.h"
#include "debugger/sites.h"
#include "hv-models/hv.h"
#include "views.h"

#define TASKS_MAX  32768u
#define EVENTS_MAX 65536u

/* ---- hooks and their sites ---- */

static bool read_sites(struct shell *sh, struct sites *out, struct err *err)
{
    const struct kernel *k = debug_kernel(sh->debug);

    if (!k)
        return err_set(err, ERR_USAGE, "the kernel has no symbols, and so no list of patch sites");
    return sites_read(k, out, err);
}

bool do_info_hooks(struct shell *sh, const char *args, struct err *err)
{
    bool json = shell_json(sh, &args);
    struct sites sites = {0};
    struct err ignored = {0};
    char name[80], arguments[200];

    read_sites(sh, &sites, &ignored);
    struct sheet *t = sheet_new("hook sites arguments result meaning");
    for (unsigned i = 0; i < hook_count; i++) {
        unsigned n = 0;
        if (*args && !hook_matches(&hook_table[i], args))
            continue;
        for (unsigned k = 0; sites.ours && k < sites.n; k++)
            n += sites.site[k].hook == i;
        hook_full_name(&hook_table[i], name, sizeof name);
        hook_arguments(&hook_table[i], arguments, sizeof arguments);
        sheet_text(t, "%s", name);
        sheet_number(t, n, "%llu");
        sheet_text(t, "%s", arguments);
        sheet_text(t, "%s", hook_table[i].result);
        sheet_text(t, "%s", hook_table[i].meaning);
    }
    sites_free(&sites);
    if (*args && !sheet_rows(t)) {
        sheet_drop(t);
        return err_set(err, ERR_USAGE, "no hook is named '%s'; `info hooks` lists them", args);
    }
    return sheet_print(sh, t, json, "hooks", "");
}

bool do_info_sites(struct shell *sh, const char *args, struct err *err)
{
    bool json = shell_json(sh, &args);
    struct sites sites = {0};
    char name[80], symbol[120], was[100], is[100];

    if (!read_sites(sh, &sites, err))
        return false;
    struct sheet *t = sheet_new("address hook function bytes before now");
    for (unsigned i = 0; i < sites.n; i++) {
        const struct site *s = &sites.site[i];
        uint8_t bytes[SITE_BYTES_MAX];
        bool known = sites.ours && s->hook < hook_count;
        if (*args && !(known && hook_matches(&hook_table[s->hook], args)))
            continue;
        snprintf(name, sizeof name, "%u", s->hook);
        if (known)
            hook_full_name(&hook_table[s->hook], name, sizeof name);
        data_symbol(sh, s->addr, symbol, sizeof symbol);
        site_disassemble(s, s->before, was, sizeof was);
        snprintf(is, sizeof is, "(not mapped)");
        if (debug_peek(sh->debug, s->addr, bytes, s->length))
            site_disassemble(s, bytes, is, sizeof is);
        sheet_address(t, s->addr);
        sheet_text(t, "%s", name);
        sheet_text(t, "%s", symbol);
        sheet_number(t, s->length, "%llu");
        sheet_text(t, "%s", was);
        sheet_text(t, "%s", strcmp(was, is) ? is : "the same");
    }
    sites_free(&sites);
    return sheet_print(sh, t, json, "sites",
                       *args ? "No site calls a hook of that name."
                             : "The kernel lists no patch sites.");
}

bool do_info_hypercalls(struct shell *sh, const char *args, struct err *err)
{
    const struct hv_model *model = hv_model(shell_machine(sh)->domain);
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *t = sheet_new("number hypercall arguments");
    for (const struct hv_hypercall *h = model->hypercalls; h && h->name; h++) {
        char text[200] = "";
        size_t n = 0;
        for (unsigned i = 0; i < 6 && h->arg[i].name && n < sizeof text; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s: %s", i ? ", " : "",
                                  h->arg[i].name, h->arg[i].type);
        sheet_number(t, h->number, "%llu");
        sheet_text(t, "%s", h->name);
        sheet_text(t, "%s", text);
    }
    if (!json && model->entry)
        shell_print(sh, "%s: %s\n", model->name, model->entry);
    return sheet_print(sh, t, json, "hypercalls", "A guest of this model calls nobody.");
}

bool do_info_events(struct shell *sh, const char *args, struct err *err)
{
    bool json = shell_json(sh, &args);
    struct trace_view *view = place_view(sh);
    struct event *e;
    int64_t most = 20;
    char text[500];

    if (*args && (!shell_number(sh, args, &most, err) || most < 1))
        return err->text[0] ? false : err_set(err, ERR_USAGE, "how many events? At least 1");
    if (most > (int64_t)EVENTS_MAX)
        most = EVENTS_MAX;
    e = calloc(EVENTS_MAX, sizeof *e);
    if (!e || !view) {
        free(e);
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    /* The recorder keeps what the debugger itself replayed too: of the past of this moment, once each. */
    size_t n = events_recent(shell_machine(sh)->events, e, EVENTS_MAX);
    uint64_t now = machine_now(shell_machine(sh));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (event_info[e[i].kind].class == EV_HOST || e[i].cycle > now)
            continue;
        while (kept && e[kept - 1].cycle > e[i].cycle)
            kept--; /* time was turned back here */
        e[kept++] = e[i];
    }
    struct sheet *t = sheet_new("cycle eip ring event");
    for (size_t i = kept > (size_t)most ? kept - (size_t)most : 0; i < kept; i++) {
        struct trace_row row;
        if (!trace_view_event(view, &e[i], &row) || e[i].kind == EVENT_back)
            continue;
        view_row_text(&row, text, sizeof text);
        sheet_number(t, e[i].cycle, "%llu");
        sheet_address(t, e[i].eip);
        sheet_number(t, e[i].cpl, "%llu");
        sheet_text(t, "%s", text);
    }
    free(e);
    return sheet_print(sh, t, json, "events", "Nothing has happened yet.");
}

/* ---- interrupts and timers ---- */

static void pic_rows(const struct pic_state *p, struct sheet *t)
{
    static const char *const source[16] = {"timer",  "keyboard", "second 8259", "COM2", "COM1", "",
                                           "floppy", "",         "CMOS clock",  "",     "",     "",
                                           "",       "",         "IDE",         "IDE"};

    for (unsigned i = 0; i < 16; i++) {
        const struct pic_chip *c = &p->chip[i / 8];
        unsigned bit = 1u << i % 8;
        /* A request: an edge that waits while the line is high, or a level. */
        bool asks = c->lines & bit && (c->elcr & bit || c->latch & bit);
        sheet_number(t, i, "%llu");
        sheet_text(t, "%s", source[i]);
        sheet_number(t, (c->vector & 0xF8u) + i % 8, "0x%02llx");
        sheet_bool(t, asks);
        sheet_bool(t, c->imr & bit);
        sheet_bool(t, c->isr & bit);
    }
}

static unsigned model_rows(const struct hv_lines *l, struct sheet *t, bool all)
{
    unsigned left = 0;

    for (unsigned i = 0; i < l->n && i < 32; i++) {
        if (!all && l->blocked & ~l->pending & 1u << i && l->next != i + 1) {
            left++;
            continue;
        }
        sheet_number(t, i, "%llu");
        sheet_text(t, "virtual");
        sheet_number(t, l->first_vector + i, "0x%02llx");
        sheet_bool(t, l->pending & 1u << i);
        sheet_bool(t, l->blocked & 1u << i);
        sheet_bool(t, l->next == i + 1);
    }
    return left;
}

bool do_info_irq(struct shell *sh, const char *args, struct err *err)
{
    struct machine *m = shell_machine(sh);
    struct domain *d = m->domain;
    const struct hv_model *model = hv_model(d);
    const struct state_block *pic = state_find(&m->state, "pic");
    const struct x86_regs *r = cpu_regs(d->cpu);
    unsigned quiet = 0;
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *t = sheet_new(model->lines ? "line source vector pending blocked next"
                                             : "line source vector pending masked in_service");
    if (model->lines) {
        struct hv_lines lines;
        model->lines(d, &lines);
        quiet = model_rows(&lines, t, json);
    } else if (pic && pic->size == sizeof(struct pic_state)) {
        pic_rows(pic->data, t);
    }
    if (!json) {
        shell_print(sh, "IF %u", (r->eflags & FL_IF) != 0);
        if (model->virtual_if)
            shell_print(sh, ", virtual IF %u", model->virtual_if(d));
        shell_print(sh, "%s%s; %s\n", r->shadow ? ", in the shadow of STI or MOV SS" : "",
                    d->state.halted ? ", halted" : "",
                    model->lines ? "lines of the model" : "the lines of two 8259s");
    }
    bool ok = sheet_print(sh, t, json, "irq",
                          quiet ? "No line waits, or may come." : "There are no lines.");
    if (quiet && !json)
        shell_print(sh, "(%u more lines are blocked, and nothing waits there)\n", quiet);
    return ok;
}

bool do_info_timers(struct shell *sh, const char *args, struct err *err)
{
    struct machine *m = shell_machine(sh);
    uint64_t now = machine_now(m);
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *t = sheet_new("timer due in");
    for (unsigned i = 0; i < m->clock.timers; i++) {
        uint64_t due = *m->clock.timer[i].due;
        sheet_text(t, "%s", m->clock.timer[i].name);
        if (due == CLOCK_NEVER) {
            sheet_none(t);
            sheet_text(t, "not armed");
        } else {
            sheet_number(t, due, "%llu");
            sheet_number(t, due > now ? due - now : 0, "%llu cycles");
        }
    }
    return sheet_print(sh, t, json, "timers", "There are no timers.");
}

/* ---- tasks ---- */

bool do_info_tasks(struct shell *sh, const char *args, struct err *err)
{
    static const char *const state_name[KERNEL_TASK_STATES] = {
        [KERNEL_TASK_RUNNING] = "runs, or would",
        [KERNEL_TASK_INTERRUPTIBLE] = "sleeps",
        [KERNEL_TASK_UNINTERRUPTIBLE] = "sleeps, uninterruptible",
        [KERNEL_TASK_KILLABLE] = "sleeps, killable",
        [KERNEL_TASK_STOPPED] = "stopped",
        [KERNEL_TASK_ZOMBIE] = "zombie",
        [KERNEL_TASK_DEAD] = "dead"};
    const struct kernel_info *k = source_kernel_info(sh->debug);
    uint32_t link, current = 0;
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    if (!k)
        return err_set(err, ERR_USAGE, "this kernel does not tell where its tasks are");
    debug_peek(sh->debug, k->current_task, &current, 4);
    struct sheet *t =
        sheet_new("running pid tgid parent name state user_ticks kernel_ticks stack address");
    if (!debug_peek(sh->debug, k->all_tasks, &link, 4))
        link = 0;
    /* The list is the guest's: it may be damaged, and go in circles. */
    for (unsigned n = 0; link && link != k->all_tasks && n < TASKS_MAX; n++) {
        uint32_t task = link - k->task_all, pid, tgid, parent, state, stack, mm, user, kernel;
        uint32_t parent_pid = 0;
        char comm[32] = "";
        uint32_t length = k->comm_length < sizeof comm ? k->comm_length : sizeof comm - 1;
        if (!debug_peek(sh->debug, task + k->task_pid, &pid, 4) ||
            !debug_peek(sh->debug, task + k->task_tgid, &tgid, 4) ||
            !debug_peek(sh->debug, task + k->task_parent, &parent, 4) ||
            !debug_peek(sh->debug, task + k->task_state, &state, 4) ||
            !debug_peek(sh->debug, task + k->task_stack, &stack, 4) ||
            !debug_peek(sh->debug, task + k->task_mm, &mm, 4) ||
            !debug_peek(sh->debug, task + k->task_user_ticks, &user, 4) ||
            !debug_peek(sh->debug, task + k->task_kernel_ticks, &kernel, 4) ||
            !debug_peek(sh->debug, task + k->task_comm, comm, length) ||
            !debug_peek(sh->debug, link, &link, 4))
            break;
        if (parent)
            debug_peek(sh->debug, parent + k->task_pid, &parent_pid, 4);
        if (json)
            sheet_bool(t, task == current);
        else
            sheet_text(t, "%s", task == current ? "*" : "");
        sheet_number(t, pid, "%llu");
        sheet_number(t, tgid, "%llu");
        sheet_number(t, parent_pid, "%llu");
        sheet_text(t, mm ? "%s" : "[%s]", comm);
        sheet_text(t, "%s", state < KERNEL_TASK_STATES ? state_name[state] : "?");
        sheet_number(t, user, "%llu");
        sheet_number(t, kernel, "%llu");
        sheet_address(t, stack);
        sheet_address(t, task);
    }
    return sheet_print(sh, t, json, "tasks", "The kernel has no tasks yet.");
}

/* ---- the model ---- */

bool do_info_model(struct shell *sh, const char *args, struct err *err)
{
    struct domain *d = shell_machine(sh)->domain;
    const struct hv_model *m = hv_model(d);
    const uint8_t *state = hv_state(d);
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *fields = sheet_new("field value");
    for (const struct hv_show *s = m->shows; s && s->name; s++) {
        uint64_t v = 0;
        memcpy(&v, state + s->offset, s->size);
        sheet_text(fields, "%s", s->name);
        if (!strcmp(s->format, "bool"))
            sheet_bool(fields, v);
        else
            sheet_number(fields, v, !strcmp(s->format, "hex") ? "0x%llx" : "%llu");
    }
    struct sheet *costs = sheet_new("cost cycles charged source");
    for (unsigned i = 0; m->costs && m->costs[i].name; i++) {
        uint32_t cycles;
        uint64_t times = hv_cost_charged(d, i, &cycles);
        sheet_text(costs, "%s", m->costs[i].name);
        sheet_number(costs, cycles, "%llu");
        sheet_number(costs, times, "%llu");
        sheet_text(costs, "%s", m->costs[i].source);
    }
    struct sheet *exits = sheet_new("exit times");
    for (unsigned i = 0; i < EXIT_KINDS; i++)
        if (d->state.exits[i]) {
            sheet_text(exits, "%s", exit_kind_name[i]);
            sheet_number(exits, d->state.exits[i], "%llu");
        }
    if (json) {
        shell_print_json(sh,
                         json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:i, s:o, s:o, s:o}", "name",
                                   m->name, "variant", hv_variant(d) ? hv_variant(d) : "", "title",
                                   m->title, "entry", m->entry, "paging", m->paging, "kernel_ring",
                                   (int)m->kernel_ring, "state", sheet_take(fields), "costs",
                                   sheet_take(costs), "exits", sheet_take(exits)));
        return true;
    }
    shell_shade(sh, SHADE_TITLE);
    shell_print(sh, "%s%s%s: ", m->name, hv_variant(d) && hv_variant(d)[0] ? ":" : "",
                hv_variant(d) ? hv_variant(d) : "");
    shell_shade(sh, SHADE_PLAIN);
    shell_print(sh, "%s\n", m->title);
    shell_print(sh, "The kernel runs in ring %u. Entered by %s. Paging: %s.\n", m->kernel_ring,
                m->entry ? m->entry : "nothing", m->paging ? m->paging : "the hardware's");
    if (sheet_rows(fields))
        sheet_print(sh, fields, false, "", "");
    else
        sheet_drop(fields);
    sheet_print(sh, exits, false, "", "Nothing has left the guest yet.");
    if (sheet_rows(costs)) {
        sheet_print(sh, costs, false, "", "");
        shell_print(sh, "(charged: in this session, replays included)\n");
    } else {
        sheet_drop(costs);
    }
    return true;
}

bool do_info_snapshots(struct shell *sh, const char *args, struct err *err)
{
    struct moment at;
    uint64_t bytes, all = 0;
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *t = sheet_new("number cycle event bytes");
    for (unsigned i = 0; debug_snapshot(sh->debug, i, &at, &bytes); i++) {
        sheet_number(t, i, "%llu");
        sheet_number(t, at.cycle, "%llu");
        sheet_number(t, at.events, "%llu");
        sheet_number(t, bytes, "%llu");
    }
    unsigned n = debug_snapshots(sh->debug, &all);
    if (!json)
        shell_print(sh,
                    "%u snapshots in %" PRIu64 " KiB; up to %" PRIu64
                    " MiB are used, then old ones are thinned\n",
                    n, all >> 10, debug_history_limit(sh->debug) >> 20);
    return sheet_print(sh, t, json, "snapshots", "");
}
