/* SPDX-License-Identifier: GPL-2.0-only */
/* `ringside sites`: where a kernel calls its hooks, and what patching makes of the calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/hooks.h"
#include "debugger/lines.h"
#include "debugger/sites.h"
#include "report.h"
#include "session.h"

#define VIEWS_MAX 8

struct view {
    struct image image;
    struct kernel *kernel;
    struct sites sites;
    struct lines *lines;
    struct on_model {
        const char *name;
        uint8_t (*bytes)[SITE_BYTES_MAX]; /* of each site, after patching */
        bool *mapped;
    } model[VIEWS_MAX];
    unsigned models;
};

/* ---- what patching does ---- */

static bool copy_bytes(struct machine *m, struct view *v, struct on_model *on, struct err *err)
{
    on->bytes = calloc(v->sites.n, sizeof *on->bytes);
    on->mapped = calloc(v->sites.n, sizeof *on->mapped);
    if (!on->bytes || !on->mapped)
        return err_set(err, ERR_SYSTEM, "out of memory");
    for (unsigned i = 0; i < v->sites.n; i++)
        on->mapped[i] = site_peek(m, &v->sites.site[i], on->bytes[i]);
    return true;
}

/* Boot it on this model, without an initrd: it will not come so far as to miss one. */
static bool patch(struct view *v, const struct hv_model *model, const char *variant,
                  const struct options *o, struct err *err)
{
    const struct machine_config cfg = {.mem_bytes = o->mem_mib << 20,
                                       .rtc_epoch = MACHINE_DEFAULT_RTC};
    const struct boot_request rq = {.kernel = v->image, .cmdline = "quiet"};
    struct on_model *on = &v->model[v->models];
    struct machine *m = machine_new(&cfg, NULL, err);
    bool ok = m && hv_attach(m, model, variant, &rq, err) && sites_boot(m, v->kernel, err) &&
              copy_bytes(m, v, on, err);

    if (m) {
        hv_detach(m);
        machine_free(m);
    }
    on->name = model->name;
    v->models++; /* what was allocated is freed with the view, also after a failure */
    return ok || err_wrap(err, "on the model %s", model->name);
}

/* The model that was named, or all of them side by side. */
static bool patch_on_models(struct view *v, const struct options *o, struct err *err)
{
    const struct hv_model *model;
    const char *variant;

    if (options_given(o, "hv"))
        return hv_find(o->hv, &model, &variant, err) && patch(v, model, variant, o, err);
    for (const struct hv_model *const *m = hv_models(); *m && v->models < VIEWS_MAX; m++)
        if (!patch(v, *m, (*m)->variants ? (*m)->variants[0] : "", o, err))
            return false;
    return true;
}

/* ---- telling ---- */

static void hook_name(const struct view *v, const struct site *s, char *text, size_t size)
{
    if (v->sites.ours)
        hook_full_name(&hook_table[s->hook], text, size);
    else
        snprintf(text, size, "type %u", s->hook);
}

static void hex(const uint8_t *bytes, unsigned n, char *text)
{
    for (unsigned i = 0; i < n; i++)
        text += sprintf(text, "%s%02x", i ? " " : "", bytes[i]);
}

static void where(struct view *v, const struct site *s, char *function, char *line, size_t size)
{
    const struct kernel_symbol *f = kernel_symbol_at(v->kernel, s->addr);
    struct line l;

    snprintf(function, size, f ? "%s+%#x" : "?", f ? f->name : "", f ? s->addr - f->addr : 0);
    line[0] = '\0';
    if (lines_at(v->lines, s->addr, &l))
        snprintf(line, size, "%s:%u", l.file, l.line);
}

/* The function that a patched site goes to at once (CALL or JMP rel32); NULL: none. */
static const char *goes_to(const struct view *v, const struct site *s, const uint8_t *bytes)
{
    enum { CALL = 0xE8, JMP = 0xE9, LENGTH = 5 };
    int32_t distance;

    if (s->length < LENGTH || (bytes[0] != CALL && bytes[0] != JMP))
        return NULL;
    memcpy(&distance, bytes + 1, sizeof distance);
    uint32_t to = s->addr + LENGTH + (uint32_t)distance;
    const struct kernel_symbol *f = kernel_symbol_at(v->kernel, to);
    return f && f->addr == to ? f->name : NULL;
}

static void show_code(const struct view *v, const char *what, const struct site *s,
                      const uint8_t *bytes)
{
    char code[4 * SITE_BYTES_MAX], text[160];
    const char *to = goes_to(v, s, bytes);

    hex(bytes, s->length, code);
    site_disassemble(s, bytes, text, sizeof text);
    printf("    %-8s %-23s  %s%s%s\n", what, code, text, to ? "  ; " : "", to ? to : "");
}

static void show(struct view *v, unsigned i)
{
    const struct site *s = &v->sites.site[i];
    char name[64], function[160], line[160];

    hook_name(v, s, name, sizeof name);
    where(v, s, function, line, sizeof line);
    printf("%08x  %s  in %s%s%s\n", s->addr, name, function, line[0] ? "  " : "", line);
    show_code(v, "linked", s, s->before);
    for (unsigned j = 0; j < v->models; j++)
        if (v->model[j].mapped[i])
            show_code(v, v->model[j].name, s, v->model[j].bytes[i]);
}

static void report_code(const struct view *v, struct report *r, const char *name,
                        const struct site *s, const uint8_t *bytes)
{
    char code[4 * SITE_BYTES_MAX], text[160];
    struct report *part = report_part(r, name);

    hex(bytes, s->length, code);
    site_disassemble(s, bytes, text, sizeof text);
    report_text(part, "bytes", code);
    report_text(part, "instructions", text);
    report_text(part, "function", goes_to(v, s, bytes));
}

static void report(struct view *v, unsigned i, struct report *row)
{
    const struct site *s = &v->sites.site[i];
    const struct kernel_symbol *f = kernel_symbol_at(v->kernel, s->addr);
    char name[64];
    struct line l;
    bool known = lines_at(v->lines, s->addr, &l);

    hook_name(v, s, name, sizeof name);
    report_number(row, "number", i);
    report_number(row, "address", s->addr);
    report_text(row, "hook", name);
    report_number(row, "length", s->length);
    report_number(row, "clobbers", s->clobbers);
    report_text(row, "function", f ? f->name : NULL);
    report_number(row, "offset", f ? s->addr - f->addr : 0);
    report_text(row, "file", known ? l.file : NULL);
    report_number(row, "line", known ? l.line : 0);
    report_code(v, row, "linked", s, s->before);
    struct report *patched = report_part(row, "patched");
    for (unsigned j = 0; j < v->models; j++)
        if (v->model[j].mapped[i])
            report_code(v, patched, v->model[j].name, s, v->model[j].bytes[i]);
}

static bool chosen(const struct options *o, const struct site *s)
{
    for (size_t i = 0; i < o->operands; i++)
        if (hook_matches(&hook_table[s->hook], o->operand[i]))
            return true;
    return o->operands == 0;
}

/* A pattern that is no hook's is a mistake; a hook that nobody calls has no sites, which is none. */
static bool hooks_exist(const struct view *v, const struct options *o, struct err *err)
{
    if (o->operands && !v->sites.ours)
        return err_set(err, ERR_USAGE, "the hooks of this kernel have numbers, and no names");
    for (size_t i = 0; i < o->operands; i++) {
        bool found = false;
        for (unsigned h = 0; h < hook_count && !found; h++)
            found = hook_matches(&hook_table[h], o->operand[i]);
        if (!found)
            return err_set(err, ERR_USAGE, "no hook is named '%s'", o->operand[i]);
    }
    return true;
}

static int list(struct view *v, const struct options *o)
{
    struct report *r = o->json ? report_new() : NULL;
    unsigned shown = 0;

    for (unsigned i = 0; i < v->sites.n; i++) {
        if (!chosen(o, &v->sites.site[i]))
            continue;
        shown++;
        if (r)
            report(v, i, report_row(r, "sites"));
        else
            show(v, i);
    }
    if (!r)
        printf("%u of %u sites\n", shown, v->sites.n);
    return r ? report_print(r, stdout) : 0;
}

static void close_view(struct view *v)
{
    for (unsigned i = 0; i < v->models; i++) {
        free(v->model[i].bytes);
        free(v->model[i].mapped);
    }
    lines_close(v->lines);
    sites_free(&v->sites);
    kernel_close(v->kernel);
    image_free(&v->image);
}

int cmd_sites(const struct options *o)
{
    struct err err = {0};
    struct view v = {0};
    int status;

    bool ok = session_kernel(&v.image, o, &err) && (v.kernel = kernel_open(&v.image, &err)) &&
              sites_read(v.kernel, &v.sites, &err);
    if (ok)
        v.lines = lines_open(&v.image);
    if (ok && !hooks_exist(&v, o, &err)) {
        status = usage_error(&err, "sites");
    } else if (ok && patch_on_models(&v, o, &err)) {
        status = list(&v, o);
    } else {
        fprintf(stderr, "ringside: %s\n", err.text);
        status = err.class;
    }
    close_view(&v);
    return status;
}
