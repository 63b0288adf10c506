/* SPDX-License-Identifier: GPL-2.0-only */
#include "tracing.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "emu/digest.h"
#include "say.h"

/* ---- the kernel's file ---- */

/* A saved machine brings no kernel file, only the digest of the one that it was booted from. */
static bool find_kernel(struct tracing *t, const struct session *s, const struct options *o,
                        struct err *err)
{
    const struct image *image = &s->kernel;

    if (!image->size) {
        if (!session_kernel(&t->image, o, err))
            return false;
        if (!digest_equal(digest_bytes(t->image.data, t->image.size), s->origin.kernel))
            return err_set(err, ERR_FILE,
                           "%s: not the kernel that this machine was booted from; --kernel FILE "
                           "names another, whose symbols and patch sites are needed",
                           t->image.name);
        image = &t->image;
    }
    t->kernel = kernel_open(image, err);
    return t->kernel != NULL;
}

/* ---- programs ---- */

/* Functions of the programs that the user has added, by the name that their processes will have. */
static void name_programs(const struct options *o, trace_name_fn *put, void *ctx)
{
    uint32_t number = 0;

    for (size_t i = 0; i < o->add.n; i++) {
        char path[PATH_MAX], comm[16];
        const char *text = o->add.text[i], *equals = strrchr(text, '=');
        const char *there = equals ? equals + 1 : text, *base = strrchr(there, '/');
        struct image image = {0};
        struct kernel *program;
        struct stat st;
        snprintf(path, sizeof path, "%.*s", (int)(equals ? equals - text : (int)strlen(text)),
                 text);
        snprintf(comm, sizeof comm, "%s", base ? base + 1 : there);
        /* A file without symbols, or a text, is no mistake: its processes are told by address. */
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || !image_read(&image, path, NULL))
            continue;
        program = kernel_open(&image, NULL);
        if (program)
            trace_program_names(program, comm, &number, put, ctx);
        kernel_close(program);
        image_free(&image);
    }
}

/* ---- rows while the guest runs ---- */

static void on_event(void *ctx, const struct event *e)
{
    struct direct *d = ctx;
    struct trace_row row;

    if (!trace_view_event(d->view, e, &row) || !trace_choose(&d->chooser, &row))
        return;
    trace_output_row(d->output, &row);
    d->rows++;
}

static bool put_name(void *ctx, const struct trace_name *n)
{
    struct direct *d = ctx;

    trace_output_name(d->output, n);
    return trace_view_name(d->view, n);
}

static bool write_rows(struct tracing *t, struct session *s, const struct options *o,
                       struct err *err)
{
    struct direct *d = &t->direct;

    if (!tracing_chooser(o, &o->filter, &d->chooser, err))
        return false;
    d->output = trace_output_open((enum trace_format)o->format, o->output, stdout, err);
    if (!d->output)
        return false;
    d->view = trace_view_new();
    if (!d->view || !tracer_names(t->tracer, t->kernel, put_name, d))
        return err_set(err, ERR_SYSTEM, "out of memory");
    name_programs(o, put_name, d);
    d->events = s->machine->events;
    return events_subscribe(d->events, EV_GUEST | EV_DETAIL | EV_HOST, on_event, d) ||
           err_set(err, ERR_SYSTEM, "the event stream has no place for another reader");
}

/* ---- a file of events ---- */

static bool put_in_file(void *ctx, const struct trace_name *n)
{
    trace_put_name(ctx, n);
    return true;
}

static bool write_events(struct tracing *t, const struct options *o, struct err *err)
{
    t->writer = trace_create(o->output, err);
    if (!t->writer)
        return false;
    name_programs(o, put_in_file, t->writer);
    return tracer_write(t->tracer, t->kernel, t->writer, err);
}

bool tracing_chooser(const struct options *o, const struct text_list *filter,
                     struct trace_chooser *out, struct err *err)
{
    const char *const text[] = {o->from, o->to};

    *out = (struct trace_chooser){.filter = filter->text, .filters = filter->n};
    for (unsigned i = 0; i < 2; i++)
        if (!trace_place_parse(text[i], i ? &out->to : &out->from))
            return err_set(err, ERR_USAGE,
                           "--%s: '%s' is neither a cycle (20M) nor an event (#1234)",
                           i ? "to" : "from", text[i]);
    if (out->from.given && out->to.given && out->from.is_event == out->to.is_event &&
        out->from.value > out->to.value)
        return err_set(err, ERR_USAGE, "--from %s is behind --to %s", o->from, o->to);
    for (size_t i = 0; i < filter->n; i++)
        if (!trace_filter_is_known(filter->text[i]))
            return err_set(
                err, ERR_USAGE,
                "--filter: '%s' begins with none of exit, hook, hypercall, syscall, irq, "
                "task, stage, guest, host",
                filter->text[i]);
    return true;
}

bool tracing_begin(struct tracing *t, struct session *s, const struct options *o, struct err *err)
{
    if (!o->output && !o->stats)
        return true;
    t->path = o->output;
    if (!find_kernel(t, s, o, err))
        return false;
    t->tracer = tracer_attach(s->machine, t->kernel, err);
    if (!t->tracer || (o->stats && !(t->stats = stats_attach(s->machine, t->tracer, err))))
        return false;
    if (o->output &&
        !(options_given(o, "format") ? write_rows(t, s, o, err) : write_events(t, o, err)))
        return false;
    tracer_tell(t->tracer);
    return true;
}

bool tracing_end(struct tracing *t, struct err *err)
{
    struct direct *d = &t->direct;
    bool ok = true;

    stats_detach(t->stats);
    tracer_detach(t->tracer);
    if (d->events)
        events_unsubscribe(d->events, on_event, d);
    if (t->writer) {
        uint64_t events, bytes;
        trace_written(t->writer, &events, &bytes);
        ok = trace_close(t->writer, err);
        if (ok && err)
            say("%s: %" PRIu64 " events, %" PRIu64 " bytes", t->path, events, bytes);
    }
    if (d->output) {
        ok = trace_output_close(d->output, err);
        if (ok && err)
            say("%s: %" PRIu64 " rows", t->path, d->rows);
    }
    trace_view_free(d->view);
    kernel_close(t->kernel);
    image_free(&t->image);
    *t = (struct tracing){0};
    return ok;
}
