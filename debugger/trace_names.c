/* SPDX-License-Identifier: GPL-2.0-only */
/* See trace_names.h. Names come from where they are true: the catalogues, the model's own table,
   the kernel's file. */
#include "trace_names.h"

#include <stdio.h>
#include <string.h>

#include "hooks.h"
#include "hv-models/hv.h"
#include "lines.h"
#include "syscalls.h"

struct sink {
    trace_name_fn *put;
    void *ctx;
};

static bool put(const struct sink *s, struct trace_name n)
{
    n.text = n.text ? n.text : "";
    n.text2 = n.text2 ? n.text2 : "";
    n.text3 = n.text3 ? n.text3 : "";
    return s->put(s->ctx, &n);
}

/* ---- catalogues ---- */

static bool put_events(const struct sink *s)
{
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        if (!put(s, (struct trace_name){.class = NAME_EVENT,
                                        .number = i,
                                        .a = event_info[i].class,
                                        .text = event_info[i].name,
                                        .text2 = event_info[i].fields}))
            return false;
    return true;
}

/* How a reader shall print an argument; empty: as a number like another. */
static const char *kind_of_type(const char *type)
{
    static const char *const entries[] = {"pte_t", "pmd_t", "pud_t", "pgd_t"};

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (!strcmp(type, entries[i]))
            return "pte";
    return !strcmp(type, "int") ? "int" : strchr(type, '*') ? "hex" : "";
}

static bool put_hooks(const struct sink *s)
{
    for (unsigned i = 0; i < hook_count; i++) {
        const struct hook_info *h = &hook_table[i];
        char name[64], args[200] = "";
        size_t used = 0;
        hook_full_name(h, name, sizeof name);
        for (unsigned j = 0; j < h->args && used < sizeof args; j++)
            used += (size_t)snprintf(args + used, sizeof args - used, "%s%s:%u:%s", j ? " " : "",
                                     h->arg[j].name, h->arg[j].words, kind_of_type(h->arg[j].type));
        if (!put(s, (struct trace_name){.class = NAME_HOOK,
                                        .number = i,
                                        .a = h->convention,
                                        .text = name,
                                        .text2 = args,
                                        .text3 = h->result}))
            return false;
    }
    return true;
}

static bool put_model(const struct sink *s, const struct hv_model *model, const char *variant)
{
    if (!put(s, (struct trace_name){.class = NAME_INFO, .text = "model", .text2 = model->name}) ||
        !put(s, (struct trace_name){
                    .class = NAME_INFO, .number = 1, .text = "variant", .text2 = variant}))
        return false;
    for (const struct hv_hypercall *c = model->hypercalls; c && c->name; c++) {
        char args[200] = "";
        size_t used = 0;
        for (unsigned j = 0; j < 6 && c->arg[j].name && used < sizeof args; j++)
            used +=
                (size_t)snprintf(args + used, sizeof args - used, "%s%s:%u:%s", j ? " " : "",
                                 c->arg[j].name, hv_argument_words(c->arg[j].type), c->arg[j].type);
        if (!put(s,
                 (struct trace_name){
                     .class = NAME_HYPERCALL, .number = c->number, .text = c->name, .text2 = args}))
            return false;
    }
    return true;
}

static bool put_stages(const struct sink *s)
{
    const struct hv_stage_site *stage;

    for (uint32_t i = 0; (stage = hv_stage_site(i)); i++)
        if (!put(s, (struct trace_name){.class = NAME_STAGE,
                                        .number = i,
                                        .a = stage->line,
                                        .text = stage->text,
                                        .text2 = stage->file}))
            return false;
    return true;
}

/* ---- what the kernel's file says ---- */

static bool put_sites(const struct sink *to, const struct kernel *k, const struct sites *sites)
{
    struct lines *lines = lines_open(kernel_image(k));
    bool ok = true;

    for (unsigned i = 0; ok && i < sites->n; i++) {
        const struct site *s = &sites->site[i];
        const struct kernel_symbol *f = kernel_symbol_at(k, s->addr);
        struct line l;
        char at[200] = "";
        if (lines_at(lines, s->addr, &l))
            snprintf(at, sizeof at, "%s:%u", l.file, l.line);
        ok = put(to, (struct trace_name){.class = NAME_SITE,
                                         .number = i,
                                         .a = s->addr,
                                         .b = s->hook,
                                         .text = f ? f->name : "",
                                         .text2 = at});
    }
    lines_close(lines);
    return ok;
}

static bool put_functions(const struct sink *to, const struct kernel *k,
                          enum trace_name_class class, const char *comm, uint32_t *number)
{
    unsigned n;
    const struct kernel_symbol *s = kernel_symbols(k, &n);

    for (unsigned i = 0; i < n; i++)
        if (s[i].function && s[i].size &&
            !put(to, (struct trace_name){.class = class,
                                         .number = (*number)++,
                                         .a = s[i].addr,
                                         .b = s[i].size,
                                         .text = s[i].name,
                                         .text2 = comm}))
            return false;
    return true;
}

/* The kernel's table of functions, by number; their names are those of the calls. */
static const char *call_name(const struct kernel *k, const struct kernel_symbol *table, uint32_t nr)
{
    static const char prefix[] = "sys_";
    const uint8_t *word = nr < table->size / 4 ? kernel_bytes(k, table->addr + 4 * nr, 4) : NULL;
    uint32_t addr = 0;

    if (word)
        memcpy(&addr, word, 4);
    const struct kernel_symbol *s = addr ? kernel_symbol_at(k, addr) : NULL;
    return s && s->addr == addr && !strncmp(s->name, prefix, sizeof prefix - 1)
               ? s->name + sizeof prefix - 1
               : NULL;
}

static bool put_syscalls(const struct sink *s, const struct kernel *k)
{
    const struct kernel_symbol *table = kernel_find(k, "syscall_table");

    for (uint32_t i = 0; table && i < table->size / 4; i++) {
        const char *name = call_name(k, table, i);
        if (name && !put(s, (struct trace_name){.class = NAME_SYSCALL,
                                                .number = i,
                                                .text = name,
                                                .text2 = syscall_arguments(name)}))
            return false;
    }
    return true;
}

unsigned trace_call_words(const struct kernel *k, uint32_t number, uint8_t *texts)
{
    const struct kernel_symbol *table = kernel_find(k, "syscall_table");
    const char *name = table ? call_name(k, table, number) : NULL;

    *texts = 0;
    return name ? syscall_words(name, texts) : 6;
}

bool trace_names(const struct machine *m, const struct kernel *k, const struct sites *sites,
                 trace_name_fn *fn, void *ctx)
{
    const struct sink s = {fn, ctx};
    uint32_t number = 0;

    return put_model(&s, hv_model(m->domain), hv_variant(m->domain)) && put_events(&s) &&
           put_hooks(&s) && put_stages(&s) &&
           (!k || (put_sites(&s, k, sites) && put_functions(&s, k, NAME_SYMBOL, "", &number) &&
                   put_syscalls(&s, k)));
}

bool trace_program_names(const struct kernel *program, const char *comm, uint32_t *number,
                         trace_name_fn *fn, void *ctx)
{
    const struct sink s = {fn, ctx};

    return put_functions(&s, program, NAME_PROGRAM, comm, number);
}
