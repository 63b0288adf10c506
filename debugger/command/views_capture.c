/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole machine at a moment, and what is different at another one: registers, interrupt state,
 * entries of page tables, words of memory, and the model's own state by the names it gives.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "debugger/trace_args.h"
#include "emu/guard.h"
#include "hv-models/hv.h"
#include "views.h"

#define ROWS_MAX  48u /* of memory, and of entries */
#define RUN_WORDS 6u  /* more changed words in a row are told as a range */
#define STACK     8192u

bool view_capture(struct shell *sh, struct view_capture *c, bool map, struct err *err)
{
    struct machine *m = shell_machine(sh);
    struct domain *d = m->domain;
    const struct hv_model *model = hv_model(d);
    const struct state_block *pic = state_find(&m->state, "pic");
    struct source_task task;

    *c = (struct view_capture){.at = debug_now(sh->debug),
                               .regs = *cpu_regs(d->cpu),
                               .instructions = cpu_instructions(d->cpu),
                               .virtual_if = model->virtual_if ? model->virtual_if(d)
                                                               : cpu_regs(d->cpu)->eflags & FL_IF,
                               .halted = d->state.halted};
    if (pic && pic->size == sizeof c->pic)
        memcpy(&c->pic, pic->data, sizeof c->pic);
    for (unsigned i = 0; model->costs && model->costs[i].name && i < VIEW_COSTS; i++) {
        uint32_t cycles;
        c->charged[i] = hv_cost_charged(d, i, &cycles);
    }
    if (source_task(sh->debug, &task))
        snprintf(c->task, sizeof c->task, "%s:%u", task.comm, task.pid);
    if (model->state_size && (c->model = malloc(model->state_size)))
        memcpy(c->model, hv_state(d), model->state_size);
    if (map)
        c->map = view_map_new(d);
    c->photo = debug_inside(sh->debug) ? NULL : debug_photograph(sh->debug, err);
    return c->photo || debug_inside(sh->debug);
}

void view_capture_free(struct view_capture *c)
{
    snapshot_free(c->photo);
    view_map_free(c->map);
    free(c->model);
    *c = (struct view_capture){0};
}

/* ---- registers ---- */

static void number_row(struct sheet *t, const char *name, uint64_t a, uint64_t b, const char *fmt,
                       const char *meaning)
{
    if (a == b)
        return;
    sheet_text(t, "%s", name);
    sheet_number(t, a, fmt);
    sheet_number(t, b, fmt);
    sheet_text(t, "%s", meaning);
}

static void compare_registers(struct shell *sh, const struct x86_regs *a, const struct x86_regs *b,
                              struct sheet *t)
{
    static const char *const gpr[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    char was[100], is[100], text[220];

    for (unsigned i = 0; i < 8; i++)
        number_row(t, gpr[i], a->gpr[i], b->gpr[i], "0x%08llx", "");
    data_symbol(sh, a->eip, was, sizeof was);
    data_symbol(sh, b->eip, is, sizeof is);
    snprintf(text, sizeof text, "%s -> %s", was[0] ? was : "?", is[0] ? is : "?");
    number_row(t, "eip", a->eip, b->eip, "0x%08llx", was[0] || is[0] ? text : "");
    view_eflags(a->eflags, was, sizeof was);
    view_eflags(b->eflags, is, sizeof is);
    snprintf(text, sizeof text, "%s -> %s", was[0] ? was : "none", is[0] ? is : "none");
    number_row(t, "eflags", a->eflags, b->eflags, "0x%08llx", text);
    number_row(t, "ring", a->cpl, b->cpl, "%llu", "");
    for (unsigned i = 0; i < S_COUNT; i++) {
        number_row(t, seg[i], a->seg[i].sel & 0xFFFF, b->seg[i].sel & 0xFFFF, "0x%04llx", "");
        if (a->seg[i].base != b->seg[i].base) {
            snprintf(text, sizeof text, "%s base", seg[i]);
            number_row(t, text, a->seg[i].base, b->seg[i].base, "0x%08llx", "");
        }
    }
    number_row(t, "cr0", a->cr0, b->cr0, "0x%08llx", "");
    number_row(t, "cr2", a->cr2, b->cr2, "0x%08llx", "");
    number_row(t, "cr3", a->cr3, b->cr3, "0x%08llx", "other page tables");
    number_row(t, "cr4", a->cr4, b->cr4, "0x%08llx", "");
    number_row(t, "gdtr", a->gdt.base, b->gdt.base, "0x%08llx", "");
    number_row(t, "idtr", a->idt.base, b->idt.base, "0x%08llx", "");
    number_row(t, "tr", a->tr.sel & 0xFFFF, b->tr.sel & 0xFFFF, "0x%04llx", "");
}

/* ---- interrupts, halted, who runs ---- */

static void compare_state(const struct view_capture *a, const struct view_capture *b,
                          struct sheet *t)
{
    static const char *const chip[] = {"8259 master", "8259 slave"};
    char name[40];

    number_row(t, "IF (EFLAGS)", (a->regs.eflags & FL_IF) != 0, (b->regs.eflags & FL_IF) != 0,
               "%llu", "may the CPU be interrupted?");
    number_row(t, "virtual IF", a->virtual_if, b->virtual_if, "%llu",
               "may the guest be, as it believes?");
    number_row(t, "halted", a->halted, b->halted, "%llu", "");
    for (unsigned i = 0; i < 2; i++) {
        const struct pic_chip *x = &a->pic.chip[i], *y = &b->pic.chip[i];
        snprintf(name, sizeof name, "%s lines", chip[i]);
        number_row(t, name, x->lines, y->lines, "0x%02llx", "levels of the inputs");
        snprintf(name, sizeof name, "%s requests", chip[i]);
        number_row(t, name, x->latch, y->latch, "0x%02llx", "edges that wait");
        snprintf(name, sizeof name, "%s mask", chip[i]);
        number_row(t, name, x->imr, y->imr, "0x%02llx", "");
        snprintf(name, sizeof name, "%s in service", chip[i]);
        number_row(t, name, x->isr, y->isr, "0x%02llx", "");
    }
    if (strcmp(a->task, b->task)) {
        sheet_text(t, "process");
        sheet_text(t, "%s", a->task);
        sheet_text(t, "%s", b->task);
        sheet_none(t);
    }
}

/* ---- the model's own ---- */

static uint64_t field(const uint8_t *state, const struct hv_show *s)
{
    uint64_t v = 0;

    memcpy(&v, state + s->offset, s->size);
    return v;
}

static void compare_model(struct shell *sh, const struct view_capture *a,
                          const struct view_capture *b, struct sheet *t)
{
    const struct hv_model *model = hv_model(shell_machine(sh)->domain);
    size_t others = 0;

    if (!a->model || !b->model)
        return;
    for (const struct hv_show *s = model->shows; s && s->name; s++)
        number_row(t, s->name, field(a->model, s), field(b->model, s),
                   !strcmp(s->format, "hex") ? "0x%08llx" : "%llu", "");
    for (size_t i = 0; i < model->state_size; i++) {
        bool named = false;
        if (a->model[i] == b->model[i])
            continue;
        for (const struct hv_show *s = model->shows; s && s->name && !named; s++)
            named = i >= s->offset && i < s->offset + s->size;
        others += !named;
    }
    if (others) {
        sheet_text(t, "bytes without a name");
        sheet_none(t);
        sheet_none(t);
        sheet_text(t, "%zu more bytes of its state have changed", others);
    }
}

/* ---- memory ---- */

struct comparing {
    struct shell *sh;
    const struct view_capture *a, *b;
    struct view_changes *out;
    unsigned words, entries;
};

/* On the stack that one of the two stands on, a little below its pointer included. */
static bool on_stack(const struct view_capture *c, uint32_t va)
{
    uint32_t esp = c->regs.gpr[R_ESP];

    return va >= esp - 256 && va - (esp - 256) < STACK;
}

static const char *whose(const struct comparing *c, uint32_t va, bool mapped, char *text,
                         size_t size)
{
    if (!mapped)
        return "not the guest's: the model's, or mapped nowhere now";
    if (data_symbol(c->sh, va, text, size))
        return text;
    return on_stack(c->a, va) || on_stack(c->b, va) ? "the stack" : "";
}

static void one_run(struct comparing *c, uint64_t at, const uint32_t *a, const uint32_t *b,
                    unsigned n)
{
    struct sheet *t = c->out->memory;
    uint32_t va;
    char text[120];
    bool mapped = view_map_virtual(c->b->map, at, &va) || view_map_virtual(c->a->map, at, &va);

    bool range = n > RUN_WORDS;
    for (unsigned i = 0; i < (range ? 1 : n); i++) {
        if (c->words == ROWS_MAX) {
            c->out->words_left += n - i;
            return;
        }
        c->words++;
        if (mapped)
            sheet_address(t, va + 4 * i);
        else
            sheet_none(t);
        sheet_number(t, at + 4 * i, "0x%08llx");
        sheet_number(t, range ? 4 * n : 4, "%llu");
        sheet_number(t, a[i], "0x%08llx");
        sheet_number(t, b[i], "0x%08llx");
        sheet_text(t, "%s%s", whose(c, va + 4 * i, mapped, text, sizeof text),
                   range ? " and what follows" : "");
    }
}

static void one_entry(struct comparing *c, uint64_t at, uint64_t a, uint64_t b, uint32_t va,
                      unsigned level, bool real)
{
    struct sheet *t = c->out->entries;
    char was[80], is[80], text[120];
    bool two = view_two_tables(shell_machine(c->sh)->domain);

    if (c->entries++ >= ROWS_MAX) {
        c->out->words_left++;
        return;
    }
    format_pte(a, was, sizeof was);
    format_pte(b, is, sizeof is);
    sheet_text(t, "%s", !two ? "guest, hardware" : real ? "hardware" : "guest");
    sheet_number(t, level, "%llu");
    sheet_number(t, at, "0x%08llx");
    sheet_address(t, va);
    sheet_text(t, "%s", a ? was : "0");
    sheet_text(t, "%s", b ? is : "0");
    data_symbol(c->sh, va, text, sizeof text);
    sheet_text(t, "%s", text);
}

static void compare_frame(struct comparing *c, uint64_t frame)
{
    uint32_t a[PAGE_SIZE / 4], b[PAGE_SIZE / 4];
    uint64_t at = frame << PAGE_SHIFT;

    if (!snapshot_read(c->a->photo, MADDR(at), a, PAGE_SIZE) ||
        !snapshot_read(c->b->photo, MADDR(at), b, PAGE_SIZE))
        return;
    for (unsigned i = 0; i < PAGE_SIZE / 4; i++) {
        uint32_t va;
        unsigned level, n = 1;
        bool real;
        if (a[i] == b[i])
            continue;
        unsigned width = view_map_entry(c->b->map, at + 4 * i, &va, &level, &real);
        if (!width)
            width = view_map_entry(c->a->map, at + 4 * i, &va, &level, &real);
        if (width) {
            unsigned k = width == 8 ? i & ~1u : i;
            uint64_t was = a[k], is = b[k];
            if (width == 8) {
                was |= (uint64_t)a[k + 1] << 32;
                is |= (uint64_t)b[k + 1] << 32;
                i = k + 1;
            }
            one_entry(c, at + 4 * k, was, is, va, level, real);
            continue;
        }
        while (i + n < PAGE_SIZE / 4 && a[i + n] != b[i + n])
            n++;
        one_run(c, at + 4 * i, &a[i], &b[i], n);
        i += n;
    }
}

void view_compare(struct shell *sh, const struct view_capture *a, const struct view_capture *b,
                  struct view_changes *out)
{
    uint64_t frames = mem_frames(shell_machine(sh)->domain->mem);
    struct comparing c = {.sh = sh, .a = a, .b = b, .out = out};

    *out = (struct view_changes){
        .registers = sheet_new("register was is meaning"),
        .state = sheet_new("state was is meaning"),
        .entries = sheet_new("table level at maps was is symbol"),
        .memory = sheet_new("virtual machine bytes was is what"),
        .model = sheet_new("field was is meaning"),
    };
    compare_registers(sh, &a->regs, &b->regs, out->registers);
    compare_state(a, b, out->state);
    compare_model(sh, a, b, out->model);
    for (uint64_t f = 0; a->photo && b->photo && f < frames; f++)
        if (snapshot_page_differs(a->photo, b->photo, f))
            compare_frame(&c, f);
}

static void section(struct shell *sh, const char *title, struct sheet *t)
{
    if (!sheet_rows(t)) {
        sheet_drop(t);
        return;
    }
    shell_shade(sh, SHADE_TITLE);
    shell_print(sh, "%s\n", title);
    shell_shade(sh, SHADE_PLAIN);
    sheet_print(sh, t, false, "", "");
}

void view_changes_show(struct shell *sh, struct view_changes *v, void *document)
{
    char name[80];

    if (document) {
        json_object_set_new(document, "registers", sheet_take(v->registers));
        json_object_set_new(document, "state", sheet_take(v->state));
        json_object_set_new(document, "entries", sheet_take(v->entries));
        json_object_set_new(document, "memory", sheet_take(v->memory));
        json_object_set_new(document, "model", sheet_take(v->model));
        json_object_set_new(document, "words_left", json_integer((json_int_t)v->words_left));
        return;
    }
    bool any = sheet_rows(v->registers) || sheet_rows(v->state) || sheet_rows(v->entries) ||
               sheet_rows(v->memory) || sheet_rows(v->model);
    section(sh, "- registers", v->registers);
    section(sh, "- interrupts and the like", v->state);
    section(sh, "- entries of page tables", v->entries);
    section(sh, "- words of memory", v->memory);
    if (v->words_left)
        shell_print(sh, "(and %" PRIu64 " more words)\n", v->words_left);
    snprintf(name, sizeof name, "- the state of %s", hv_model(shell_machine(sh)->domain)->name);
    section(sh, name, v->model);
    if (!any)
        shell_print(sh, "Nothing is different.\n");
}
