/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables: the guest's own beside what the hardware really walks, level by level; and a map of
 * all tables in use, by which a changed word of memory is known to be somebody's entry.
 *
 * Nothing here knows a model. Tables are found by asking for walks: a walk tells the places of the
 * entries that it read.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/trace_args.h"
#include "hv-models/hv.h"
#include "views.h"

#define STEP 0x200000u /* what a table of the last level maps, or half of it */

bool view_two_tables(struct domain *d)
{
    return hv_model(d)->guest_walk != NULL;
}

void view_real_walk(struct domain *d, uint32_t va, struct x86_walk *out)
{
    const struct hv_model *m = hv_model(d);

    *out = (struct x86_walk){0};
    if (m->walk)
        m->walk(d, GVA(va), out);
    if (!m->walk || (!out->ok && out->error & PF_P)) /* refused, but there: a kernel may look */
        x86_walk(cpu_regs(d->cpu), d->mem, GVA(va), X86_READ, false, false, out);
}

void view_guest_walk(struct domain *d, uint32_t va, struct x86_walk *out)
{
    const struct hv_model *m = hv_model(d);

    *out = (struct x86_walk){0};
    if (m->guest_walk)
        m->guest_walk(d, GVA(va), out);
    else
        view_real_walk(d, va, out);
}

unsigned view_entry_bytes(struct domain *d)
{
    const struct x86_regs *r = cpu_regs(d->cpu);
    struct x86_walk low, high;

    if (!hv_model(d)->guest_walk)
        return r->cr0 & CR0_PG ? (r->cr4 & CR4_PAE ? 8 : 4) : 0;
    /* Two addresses a gigabyte apart are neighbours in a PAE root, and 256 entries apart in a
       directory of short ones. */
    view_guest_walk(d, 0, &low);
    view_guest_walk(d, 1u << 30, &high);
    if (!low.levels || !high.levels)
        return 0;
    return high.entry_at[0].v - low.entry_at[0].v == 8 ? 8 : 4;
}

/* ---- the map ---- */

struct table {
    uint64_t lo, hi; /* machine addresses of its entries */
    uint32_t base;   /* what the first of them maps */
    uint32_t span;   /* of each, log 2 */
    uint8_t level, width;
    bool real;
};

struct range {
    uint64_t lo, hi; /* machine addresses */
    uint32_t va;
};

struct view_map {
    struct table *table;
    size_t tables, table_room;
    struct range *range;
    size_t ranges, range_room;
};

static void add_table(struct view_map *m, const struct table *t)
{
    for (size_t i = m->tables; i-- > 0;)
        if (m->table[i].lo == t->lo && m->table[i].real == t->real)
            return;
    if (m->tables == m->table_room) {
        size_t room = 2 * m->table_room + 64;
        struct table *more = realloc(m->table, room * sizeof *more);
        if (!more)
            return; /* an entry more that is shown as a plain word */
        m->table = more;
        m->table_room = room;
    }
    m->table[m->tables++] = *t;
}

static void add_range(struct view_map *m, uint64_t lo, uint64_t bytes, uint32_t va)
{
    struct range *last = m->ranges ? &m->range[m->ranges - 1] : NULL;

    if (last && last->hi == lo && last->va + (last->hi - last->lo) == va) {
        last->hi += bytes;
        return;
    }
    if (m->ranges == m->range_room) {
        size_t room = 2 * m->range_room + 64;
        struct range *more = realloc(m->range, room * sizeof *more);
        if (!more)
            return;
        m->range = more;
        m->range_room = room;
    }
    m->range[m->ranges++] = (struct range){lo, lo + bytes, va};
}

/* The tables that a walk went through. */
static void add_walk(struct view_map *m, uint32_t va, const struct x86_walk *w, unsigned width,
                     bool real)
{
    const unsigned levels = width == 8 ? 3 : 2, bits = width == 8 ? 9 : 10;

    for (unsigned i = 0; i < w->levels; i++) {
        unsigned below = levels - 1 - i; /* levels under this one */
        bool pointers = width == 8 && i == 0;
        uint64_t bytes = pointers ? 32 : PAGE_SIZE, at = w->entry_at[i].v;
        unsigned span = 12 + below * bits, index_bits = pointers ? 2 : bits;
        struct table t = {
            .lo = at & ~(bytes - 1),
            .hi = (at & ~(bytes - 1)) + bytes,
            .base = span + index_bits >= 32 ? 0 : va >> (span + index_bits) << (span + index_bits),
            .span = span,
            .level = (uint8_t)(below + 1),
            .width = (uint8_t)width,
            .real = real};
        add_table(m, &t);
    }
}

static void map_pages(struct view_map *m, struct domain *d, uint32_t va)
{
    struct x86_walk w;

    view_guest_walk(d, va, &w);
    if (w.ok && w.page_size > PAGE_SIZE) {
        add_range(m, w.addr.v, STEP, va);
        return;
    }
    for (uint32_t at = va; at - va < STEP; at += PAGE_SIZE) {
        view_guest_walk(d, at, &w);
        if (w.ok)
            add_range(m, w.addr.v, PAGE_SIZE, at);
    }
}

struct view_map *view_map_new(struct domain *d)
{
    struct view_map *m = calloc(1, sizeof *m);
    unsigned guest = view_entry_bytes(d);
    const struct x86_regs *r = cpu_regs(d->cpu);
    unsigned real = r->cr0 & CR0_PG ? (r->cr4 & CR4_PAE ? 8 : 4) : 0;
    bool two = view_two_tables(d);

    if (!m)
        return NULL;
    for (uint64_t va = 0; va < 1ull << 32; va += STEP) {
        struct x86_walk w;
        view_guest_walk(d, (uint32_t)va, &w);
        if (guest)
            add_walk(m, (uint32_t)va, &w, guest, !two);
        /* All levels were there, or the guest has none of its own: there may be pages. */
        if (w.ok || w.levels == (guest == 8 ? 3 : 2))
            map_pages(m, d, (uint32_t)va);
        if (two && real) {
            view_real_walk(d, (uint32_t)va, &w);
            add_walk(m, (uint32_t)va, &w, real, true);
        }
    }
    return m;
}

void view_map_free(struct view_map *m)
{
    if (!m)
        return;
    free(m->table);
    free(m->range);
    free(m);
}

unsigned view_map_entry(const struct view_map *m, uint64_t maddr, uint32_t *va, unsigned *level,
                        bool *real)
{
    for (size_t i = 0; m && i < m->tables; i++) {
        const struct table *t = &m->table[i];
        if (maddr < t->lo || maddr >= t->hi)
            continue;
        *va = t->base + (uint32_t)((maddr - t->lo) / t->width << t->span);
        *level = t->level;
        *real = t->real;
        return t->width;
    }
    return 0;
}

bool view_map_virtual(const struct view_map *m, uint64_t maddr, uint32_t *va)
{
    bool found = false;

    for (size_t i = 0; m && i < m->ranges; i++) {
        const struct range *r = &m->range[i];
        if (maddr < r->lo || maddr >= r->hi)
            continue;
        *va = r->va + (uint32_t)(maddr - r->lo);
        if (found || *va >= 0xC0000000u)
            return true; /* the kernel's own view has the names */
        found = true;
    }
    return found;
}

/* ---- pagetable ---- */

static const char *level_name(unsigned levels, unsigned i)
{
    static const char *const two[] = {"directory", "table"};
    static const char *const three[] = {"pointers", "directory", "table"};

    return levels == 3 ? three[i] : two[i];
}

static void entry_cells(struct sheet *t, const struct x86_walk *w, unsigned i, unsigned width)
{
    char text[120] = "";

    if (i >= w->levels) {
        sheet_none(t);
        sheet_none(t);
        sheet_none(t);
        return;
    }
    format_pte(w->entry[i], text, sizeof text);
    const char *flags = strchr(text, ' ');
    sheet_address(t, (uint32_t)w->entry_at[i].v);
    sheet_number(t, w->entry[i], width == 8 ? "0x%016llx" : "0x%08llx");
    sheet_text(t, "%s", flags ? flags + 1 : "not present");
}

static void rights(const struct x86_walk *w, char *text, size_t size)
{
    if (!w->ok)
        snprintf(text, size, "nowhere");
    else
        snprintf(text, size, "0x%08" PRIx64 ", %s, %s%s", w->addr.v,
                 w->writable ? "writable" : "read-only", w->user ? "user" : "kernel alone",
                 w->page_size > PAGE_SIZE
                     ? w->page_size > STEP ? ", page of 4 MiB" : ", page of 2 MiB"
                     : "");
}

/* In which way they disagree, and what that usually means. */
static const char *disagreement(const struct x86_walk *guest, const struct x86_walk *real)
{
    if (guest->ok && !real->ok)
        return "the guest has mapped it, the hardware's tables have not: the first access faults "
               "into "
               "the model";
    if (!guest->ok && real->ok)
        return "the hardware still maps it, or the model maps it for itself: not in the guest's "
               "tables";
    if (!guest->ok)
        return NULL;
    if (guest->addr.v != real->addr.v)
        return "they lead to different frames: the guest has changed its table and not told yet";
    if (guest->writable && !real->writable)
        return "the guest may write, the hardware does not let it: the first store faults into the "
               "model (dirty bit)";
    if (!guest->writable && real->writable)
        return "the hardware lets it write, the guest's own table does not";
    if (guest->user != real->user)
        return "they differ in who may look: user or kernel alone";
    return NULL;
}

bool do_pagetable(struct shell *sh, const char *args, struct err *err)
{
    struct domain *d = shell_machine(sh)->domain;
    const struct x86_regs *r = cpu_regs(d->cpu);
    bool json = shell_json(sh, &args), two = view_two_tables(d);
    struct x86_walk guest, real;
    char text[160], name[120];
    uint32_t va;

    if (!*args)
        return err_set(err, ERR_USAGE, "pagetable of which address?");
    if (!shell_address(sh, args, &va, err))
        return false;
    unsigned guest_width = view_entry_bytes(d);
    unsigned real_width = r->cr0 & CR0_PG ? (r->cr4 & CR4_PAE ? 8 : 4) : 0;
    view_guest_walk(d, va, &guest);
    view_real_walk(d, va, &real);
    const char *differ = two ? disagreement(&guest, &real) : NULL;
    struct sheet *t = sheet_new("table level at entry flags");
    struct {
        const char *whose;
        const struct x86_walk *w;
        unsigned width;
    } side[] = {{two ? "guest" : "guest, hardware", &guest, guest_width},
                {"hardware", &real, real_width}};
    for (unsigned k = 0; k < 1u + two; k++) {
        unsigned levels = side[k].width == 8 ? 3 : 2;
        for (unsigned i = 0; i < side[k].w->levels; i++) {
            sheet_text(t, "%s", i && !json ? "" : side[k].whose);
            sheet_text(t, "%s", level_name(levels, i));
            entry_cells(t, side[k].w, i, side[k].width);
        }
        if (!json) {
            sheet_text(t, "%s", side[k].w->levels ? "" : side[k].whose);
            sheet_text(t, "leads to");
            rights(side[k].w, text, sizeof text);
            sheet_none(t);
            sheet_none(t);
            sheet_text(t, "%s%s", text,
                       !side[k].width && !side[k].w->levels ? " (no tables: addresses are physical)"
                                                            : "");
        }
    }
    if (json) {
        json_t *ends = json_object();
        for (unsigned k = 0; k < 1u + two; k++)
            json_object_set_new(ends, k || !two ? "hardware" : "guest",
                                json_pack("{s:b, s:I, s:b, s:b, s:I}", "mapped", side[k].w->ok,
                                          "address", (json_int_t)side[k].w->addr.v, "writable",
                                          side[k].w->writable, "user", side[k].w->user, "page",
                                          (json_int_t)side[k].w->page_size));
        shell_print_json(sh, json_pack("{s:I, s:o, s:o, s:s?}", "address", (json_int_t)va, "levels",
                                       sheet_take(t), "leads_to", ends, "disagreement", differ));
        return true;
    }
    shell_print(sh, "0x%08x%s\n", va, data_label(sh, va, name, sizeof name));
    sheet_print(sh, t, false, "", "");
    if (differ) {
        shell_shade(sh, SHADE_WARN);
        shell_print(sh, "They disagree: %s.\n", differ);
        shell_shade(sh, SHADE_PLAIN);
    } else if (two) {
        shell_print(sh, "They agree.\n");
    }
    return true;
}
