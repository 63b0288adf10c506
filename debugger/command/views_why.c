/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * why ADDRESS: who has made this word what it is? The last change of it is looked for backward, and
 * told with the instruction, the guest's line, and the hook through which it was done. The word is
 * watched where it lies in the machine, so that it is found whatever addresses it was known by.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/hooks.h"
#include "debugger/trace_args.h"
#include "hv-models/hv.h"
#include "views.h"

struct writer {
    bool found;
    struct moment at;
    struct debug_access access;
    unsigned ring;
    char task[40], place[300], line[300], insn[200], symbol[120];
    char hook[300], hook_place[300], hook_line[300];
    struct shell *sh;
};

static void place_of(struct shell *sh, uint32_t eip, unsigned ring, char *place, char *line,
                     size_t size)
{
    struct program *p = source_program(sh->debug, eip, ring);
    struct place at;

    place[0] = line[0] = '\0';
    if (!p || !program_at(p, eip, &at) || !at.depth)
        return;
    const struct place_function *f = &at.function[source_depth(&at)];
    snprintf(place, size, "%s()", f->name);
    if (!f->file || !f->line)
        return;
    snprintf(place, size, "%s() at %s:%u", f->name, f->file, f->line);
    const char *text = data_source_line(sh, p, f->file, f->line);
    snprintf(line, size, "%s", text ? text + strspn(text, " \t") : "");
}

static void there(void *ctx, const struct halt *h)
{
    struct writer *w = ctx;
    struct shell *sh = w->sh;
    struct source_task task;
    struct view_hook hook;
    char name[80];

    w->found = true;
    w->at = h->at;
    w->access = h->access;
    w->ring = cpu_regs(shell_machine(sh)->domain->cpu)->cpl;
    if (source_task(sh->debug, &task))
        snprintf(w->task, sizeof w->task, "%s:%u", task.comm, task.pid);
    if (!data_instruction(sh, h->access.eip, w->insn, sizeof w->insn))
        snprintf(w->insn, sizeof w->insn, "(not mapped)");
    data_symbol(sh, h->access.eip, w->symbol, sizeof w->symbol);
    place_of(sh, h->access.eip, w->ring, w->place, w->line, sizeof w->place);
    if (source_is_site(sh->debug,
                       h->access.eip)) /* patched in place: the site is the instruction */
        hook = (struct view_hook){.hook = source_site(sh->debug, h->access.eip),
                                  .site = h->access.eip};
    else if (!view_hook(sh, &hook) || hook.pending)
        hook.hook = hook_count;
    if (hook.hook < hook_count) {
        char at[120];
        hook_full_name(&hook_table[hook.hook], name, sizeof name);
        snprintf(w->hook, sizeof w->hook, "%s, called at 0x%08x%s", name, hook.site,
                 data_label(sh, hook.site, at, sizeof at));
        place_of(sh, hook.site, w->ring, w->hook_place, w->hook_line, sizeof w->hook_place);
    }
}

/* What is asked about: its place in the machine, how many bytes, and what a person calls it. */
static bool parse(struct shell *sh, const char *args, uint64_t *at, uint32_t *size, char *what,
                  size_t room, struct err *err)
{
    struct domain *d = shell_machine(sh)->domain;
    struct expr_session *x = shell_expressions(sh);
    struct x86_walk w;
    struct value v;
    uint32_t va;
    char name[120];

    if (!strncmp(args, "phys ", 5)) {
        int64_t n;
        if (!shell_number(sh, args + 5, &n, err))
            return false;
        *at = (uint64_t)n;
        *size = 4;
        snprintf(what, room, "machine address 0x%08" PRIx64, *at);
        return mem_span(d->mem, MADDR(*at), 4) != NULL ||
               err_set(err, ERR_USAGE, "0x%" PRIx64 " is no RAM of the machine", *at);
    }
    if (!strncmp(args, "pte ", 4)) {
        if (!shell_address(sh, args + 4, &va, err))
            return false;
        view_guest_walk(d, va, &w);
        if (!w.levels)
            return err_set(err, ERR_USAGE, "no page table leads to 0x%08x", va);
        *at = w.entry_at[w.levels - 1].v;
        *size = view_entry_bytes(d);
        if (w.levels == (*size == 8 ? 3 : 2))
            snprintf(what, room, "the page-table entry of 0x%08x", va);
        else
            snprintf(what, room, "the directory's entry, which has no table for 0x%08x", va);
        return true;
    }
    /* A variable is asked about as a whole; anything else is an address. */
    if (!expr_eval(x, args, &v, err))
        return false;
    enum type_kind kind = type_kind(v.type);
    *size = 4;
    if (v.place == VALUE_MEMORY && kind != TYPE_ARRAY && kind != TYPE_FUNCTION) {
        va = v.addr;
        if (type_size(v.type) && type_size(v.type) <= 8)
            *size = type_size(v.type);
    } else if (!value_address(x, &v, &va, err)) {
        return false;
    }
    view_guest_walk(d, va, &w);
    if (!w.ok)
        view_real_walk(d, va, &w);
    if (!w.ok)
        return data_unreadable(err, va);
    if ((va & (PAGE_SIZE - 1)) + *size > PAGE_SIZE)
        *size = PAGE_SIZE - (va & (PAGE_SIZE - 1));
    *at = w.addr.v;
    data_label(sh, va, name, sizeof name);
    snprintf(what, room, "0x%08x%s", va, name);
    return true;
}

static void tell_entry(struct shell *sh, uint64_t at)
{
    struct view_map *m = view_map_new(shell_machine(sh)->domain);
    uint32_t va;
    unsigned level;
    bool real;

    if (view_map_entry(m, at, &va, &level, &real))
        shell_print(sh, "It is an entry of %s page tables, level %u, for 0x%08x.\n",
                    !view_two_tables(shell_machine(sh)->domain) ? "the"
                    : real                                      ? "the hardware's"
                                                                : "the guest's",
                    level, va);
    view_map_free(m);
}

static uint64_t masked(uint64_t v, uint32_t size)
{
    return size >= 8 ? v : v & ((1ull << 8 * size) - 1);
}

bool do_why(struct shell *sh, const char *args, struct err *err)
{
    struct writer *w;
    char what[200];
    uint64_t at = 0, is = 0;
    uint32_t size = 4;

    if (!*args)
        return err_set(err, ERR_USAGE,
                       "why what? An address, a variable, `pte ADDRESS`, `phys ADDRESS`");
    if (!parse(sh, args, &at, &size, what, sizeof what, err))
        return false;
    mem_read(shell_machine(sh)->domain->mem, MADDR(at), &is, size);
    struct stop *s = debug_stop_new(sh->debug, STOP_WATCH, "", err);
    if (!s)
        return false;
    s->physical = true;
    s->at = at;
    s->size = size;
    s->watch_for = WATCH_CHANGE;
    w = calloc(1, sizeof *w);
    if (!w) {
        debug_stop_delete(sh->debug, s);
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    w->sh = sh;
    debug_find_before(sh->debug, s, there, w, err);
    debug_stop_delete(sh->debug, s);
    if (err->text[0]) {
        free(w);
        return false;
    }
    shell_print(sh, "%s, machine address 0x%08" PRIx64 ", is 0x%0*" PRIx64 ".\n", what, at,
                (int)(2 * size), is);
    tell_entry(sh, at);
    if (!w->found) {
        shell_print(sh, "Nothing has changed it since the beginning.\n");
        free(w);
        return true;
    }
    const struct debug_access *a = &w->access;
    shell_print(sh,
                "Last changed at cycle %" PRIu64 " by %s, ring %u%s%s: 0x%0*" PRIx64
                " became 0x%0*" PRIx64 "\n",
                w->at.cycle, a->host ? "the hypervisor's side" : "an instruction", w->ring,
                w->task[0] ? ", process " : "", w->task, (int)(2 * a->size),
                masked(a->was, a->size), (int)(2 * a->size), masked(a->is, a->size));
    shell_print(sh, "  0x%08x%s%s%s  %s\n", a->eip, w->symbol[0] ? " <" : "", w->symbol,
                w->symbol[0] ? ">" : "", w->insn);
    if (w->place[0])
        shell_print(sh, "  %s%s%s\n", w->place, w->line[0] ? "  " : "", w->line);
    if (w->hook[0]) {
        shell_shade(sh, SHADE_NAME);
        shell_print(sh, "  hook %s\n", w->hook);
        shell_shade(sh, SHADE_PLAIN);
        if (w->hook_place[0] && strcmp(w->hook_place, w->place))
            shell_print(sh, "  %s%s%s\n", w->hook_place, w->hook_line[0] ? "  " : "", w->hook_line);
    }
    if (a->size >= size && masked(a->is, size) != is)
        shell_print(sh, "It is something else now: it has been changed by hand since.\n");
    shell_print(sh, "`goto %" PRIu64 "` goes there.\n", w->at.cycle);
    free(w);
    return true;
}
