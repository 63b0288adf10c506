/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * where: the stack as a whole, from the user's program down through the kernel, the hook and its
 * backend, across the boundary, to the stages of the model. A hook is not a frame: it is seen by a
 * return address that lies behind a patch site.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/hooks.h"
#include "hv-models/hv.h"
#include "views.h"

#define FRAMES_SHOWN 64u
#define ROWS_SHOWN   200u
#define USER_TOP     0xC0000000u /* where the kernel begins, in Linux's layout */

/* The patch site that a call came from, of which this is the return address; 0: it is none. */
static uint32_t site_of_call(struct shell *sh, uint32_t back)
{
    for (uint32_t n = 2; n <= 7; n++) {
        char text[100];
        uint8_t code[16];
        if (source_is_site(sh->debug, back - n) &&
            debug_peek(sh->debug, back - n, code, sizeof code) &&
            x86_format(code, n, back - n, true, text, sizeof text) == n)
            return back - n;
    }
    return 0;
}

bool view_hook(struct shell *sh, struct view_hook *out)
{
    struct program_memory m = source_memory(sh->debug);
    struct programs l = source_programs(sh->debug);
    struct frame f = source_frame(sh->debug), caller;
    struct err err = {0};

    *out = (struct view_hook){.pending = true, .site = f.reg[FRAME_EIP]};
    if (source_is_site(sh->debug, out->site)) {
        out->hook = source_site(sh->debug, out->site);
        return out->hook < hook_count;
    }
    out->pending = false;
    /* What was interrupted has not called anything. */
    for (unsigned i = 0;
         i < 16 && frame_unwind(l, &m, &f, &caller, &err) == FRAME_CALLER && !caller.interrupted;
         i++, f = caller) {
        out->site = site_of_call(sh, caller.reg[FRAME_EIP]);
        out->hook = out->site ? source_site(sh->debug, out->site) : hook_count;
        if (out->hook < hook_count)
            return true;
    }
    return false;
}

void view_row_text(const struct trace_row *row, char *text, size_t size)
{
    if (row->phase == ROW_END) {
        snprintf(text, size, "%s %s is done%s%s", row->category, row->name,
                 row->result[0] ? ": " : "", row->result);
        return;
    }
    snprintf(text, size, "%s %s%s%s%s%s%s%s", row->category, row->name, row->alias[0] ? " " : "",
             row->alias, row->detail[0] && row->detail[0] != '(' ? " " : "", row->detail,
             row->result[0] ? " = " : "", row->result);
}

/* ---- the guest's side ---- */

enum region { REGION_USER, REGION_KERNEL, REGION_BACKEND };

struct drawing {
    struct shell *sh;
    enum region region;
    bool begun;
};

static void region_begins(struct drawing *w, enum region r)
{
    struct source_task task;

    if (w->begun && w->region == r)
        return;
    w->begun = true;
    w->region = r;
    shell_shade(w->sh, SHADE_TITLE);
    if (r == REGION_USER && source_task(w->sh->debug, &task))
        shell_print(w->sh, "program %s, process %u\n", task.comm, task.pid);
    else
        shell_print(w->sh, r == REGION_USER     ? "program\n"
                           : r == REGION_KERNEL ? "kernel\n"
                                                : "backend\n");
    shell_shade(w->sh, SHADE_PLAIN);
}

static void hook_line(struct shell *sh, uint32_t site, bool pending)
{
    char name[80], at[120], args[240] = "";

    data_site(sh, site, name, sizeof name);
    if (pending)
        source_hook_arguments(sh->debug, source_site(sh->debug, site), args, sizeof args);
    shell_shade(sh, SHADE_NAME);
    shell_print(sh, "hook %s%s", name, args);
    shell_shade(sh, SHADE_PLAIN);
    shell_print(sh, "  at 0x%08x%s%s\n", site, data_label(sh, site, at, sizeof at),
                pending ? ", about to be called" : "");
}

static void draw_guest(struct shell *sh)
{
    struct program_memory m = source_memory(sh->debug);
    struct programs l = source_programs(sh->debug);
    struct program *kernel = source_kernel(sh->debug);
    struct frame *f = calloc(FRAMES_SHOWN + 1, sizeof *f);
    struct err err = {0};
    enum frame_next next = FRAME_CALLER;
    unsigned n = 0;

    if (!f)
        return;
    f[0] = source_frame(sh->debug);
    while (n < FRAMES_SHOWN && (next = frame_unwind(l, &m, &f[n], &f[n + 1], &err)) == FRAME_CALLER)
        n++;
    if (next == FRAME_CALLER)
        shell_print(sh, "(there are more frames)\n");
    else if (next == FRAME_LOST)
        shell_print(sh, "(what is above is not known: %s)\n", err.text);
    unsigned outermost = n < FRAMES_SHOWN ? n : FRAMES_SHOWN - 1;
    struct drawing w = {.sh = sh};
    struct source_task task;
    bool backend = false, process = source_task(sh->debug, &task) && task.pid;
    for (unsigned i = outermost + 1; i-- > 0;) {
        bool user = f[i].program ? f[i].program != kernel : process && f[i].pc < USER_TOP;
        if (i < outermost && f[i + 1].interrupted) {
            shell_shade(sh, SHADE_NOTE);
            shell_print(sh, "·· interrupted, or a system call: into the kernel ··\n");
            shell_shade(sh, SHADE_PLAIN);
            backend = false;
            w.begun = false;
        }
        region_begins(&w, user ? REGION_USER : backend ? REGION_BACKEND : REGION_KERNEL);
        data_frame_line(sh, &f[i]);
        uint32_t site = 0;
        if (!i)
            site = source_is_site(sh->debug, f[0].reg[FRAME_EIP]) ? f[0].reg[FRAME_EIP] : 0;
        else if (!f[i].interrupted)
            site = site_of_call(sh, f[i].reg[FRAME_EIP]);
        if (site && !user) {
            hook_line(sh, site, !i);
            backend = true;
        }
    }
    free(f);
}

/* ---- the other side ---- */

struct telling {
    struct shell *sh;
    struct trace_view *view;
    unsigned rows, stage;
};

static void tell(void *ctx, const struct event *e)
{
    struct telling *t = ctx;
    struct trace_row row;
    char text[600];

    if (!t->view || !trace_view_event(t->view, e, &row) || e->kind == EVENT_task ||
        e->kind == EVENT_back)
        return;
    if (t->rows++ >= ROWS_SHOWN) {
        if (t->rows == ROWS_SHOWN + 1)
            shell_print(t->sh, "(there is more)\n");
        return;
    }
    if (e->kind == EVENT_stage) {
        const struct hv_stage_site *s = hv_stage_site(e->a[0]);
        if (s)
            shell_print(t->sh, "%4u  %s (0x%x, 0x%x)  %s:%u\n", ++t->stage, s->text, e->a[1],
                        e->a[2], s->file, s->line);
        return;
    }
    view_row_text(&row, text, sizeof text);
    shell_shade(t->sh, SHADE_NAME);
    shell_print(t->sh, "      %s\n", text);
    shell_shade(t->sh, SHADE_PLAIN);
}

bool do_where(struct shell *sh, const char *args, struct err *err)
{
    const struct halt *h = debug_halt(sh->debug);
    bool inside = debug_inside(sh->debug);
    struct moment from, to, now = debug_now(sh->debug);

    if (*args)
        return err_set(err, ERR_USAGE, "where takes no arguments; `backtrace N` shows N frames");
    draw_guest(sh);
    if (!inside && (!h->has_event || h->event.kind == EVENT_hook || h->event.kind == EVENT_task))
        return true;
    if (!debug_last_crossing(sh->debug, &from, &to))
        return true;
    if (!inside && moment_compare(to, now))
        return true; /* of another place */
    struct telling t = {.sh = sh, .view = place_view(sh)};
    shell_shade(sh, SHADE_TITLE);
    shell_print(sh, "—— crossing —— %s\n", hv_model(shell_machine(sh)->domain)->name);
    shell_shade(sh, SHADE_PLAIN);
    return debug_witness(sh->debug, from, inside ? now : to, false, tell, NULL, &t, err);
}
