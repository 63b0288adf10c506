/* SPDX-License-Identifier: GPL-2.0-only */
/* info registers, info all-registers: the selected frame's, and all that the CPU has. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "emu/suggest.h"
#include "sheet.h"
#include "views.h"

static const char *const gpr[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};

struct registers {
    struct shell *sh;
    struct sheet *sheet;
    const char *only; /* the one that is asked for; NULL: all */
    struct suggestion near;
};

static bool wanted(struct registers *r, const char *name)
{
    if (!r->only)
        return true;
    suggest_offer(&r->near, name);
    return !strcasecmp(r->only, name);
}

static void row(struct registers *r, const char *name, uint64_t value, const char *fmt,
                const char *meaning)
{
    if (!wanted(r, name))
        return;
    sheet_text(r->sheet, "%s", name);
    sheet_number(r->sheet, value, fmt);
    sheet_text(r->sheet, "%s", meaning);
}

static void address_row(struct registers *r, const char *name, uint32_t value)
{
    char text[160], symbol[120];

    if (data_symbol(r->sh, value, symbol, sizeof symbol))
        snprintf(text, sizeof text, "<%s>", symbol);
    else if (value < 1u << 16 || value >= 0u - (1u << 16))
        snprintf(text, sizeof text, "%d", (int32_t)value);
    else
        text[0] = '\0';
    row(r, name, value, "0x%08llx", text);
}

/* As the frame had them; what the unwinder does not know is not shown as if it did. */
static void frame_registers(struct registers *r, const struct frame *f)
{
    char flags[160];

    for (unsigned i = 0; i < 8; i++) {
        if (f->known & 1u << i) {
            address_row(r, gpr[i], f->reg[i]);
        } else if (wanted(r, gpr[i])) {
            sheet_text(r->sheet, "%s", gpr[i]);
            sheet_none(r->sheet);
            sheet_text(r->sheet, "<not saved>");
        }
    }
    address_row(r, "eip", f->reg[FRAME_EIP]);
    if (f->known & 1u << FRAME_EFLAGS) {
        view_eflags(f->reg[FRAME_EFLAGS], flags, sizeof flags);
        row(r, "eflags", f->reg[FRAME_EFLAGS], "0x%08llx", flags);
    }
}

static void segments(struct registers *r, const struct x86_regs *x, bool hidden)
{
    char text[160];

    for (unsigned i = 0; i < S_COUNT; i++) {
        static const char order[] = {S_CS, S_SS, S_DS, S_ES, S_FS, S_GS};
        const struct x86_seg *s = &x->seg[(unsigned)order[i]];
        snprintf(text, sizeof text, "ring %u, entry %u of the %s", s->sel & 3, s->sel >> 3 & 0x1FFF,
                 s->sel & 4 ? "LDT" : "GDT");
        if (!(s->sel & 0xFFFC))
            snprintf(text, sizeof text, "null");
        if (hidden && (s->flags || s->base || s->limit)) {
            size_t n = strlen(text);
            snprintf(text + n, sizeof text - n, ", base 0x%08x, limit 0x%08x, flags 0x%06x",
                     s->base, s->limit, s->flags >> 8);
        }
        row(r, seg[(unsigned)order[i]], s->sel & 0xFFFF, "0x%04llx", text);
    }
}

static void control_registers(struct registers *r, const struct x86_regs *x)
{
    char text[160];

    view_cr0(x->cr0, text, sizeof text);
    row(r, "cr0", x->cr0, "0x%08llx", text);
    address_row(r, "cr2", x->cr2);
    row(r, "cr3", x->cr3, "0x%08llx", "");
    view_cr4(x->cr4, text, sizeof text);
    row(r, "cr4", x->cr4, "0x%08llx", text);
    row(r, "efer", x->efer, "0x%08llx", x->efer & EFER_NXE ? "NXE" : "");
    snprintf(text, sizeof text, "limit 0x%04x", x->gdt.limit);
    row(r, "gdtr", x->gdt.base, "0x%08llx", text);
    snprintf(text, sizeof text, "limit 0x%04x", x->idt.limit);
    row(r, "idtr", x->idt.base, "0x%08llx", text);
    snprintf(text, sizeof text, "base 0x%08x, limit 0x%08x", x->tr.base, x->tr.limit);
    row(r, "tr", x->tr.sel & 0xFFFF, "0x%04llx", text);
    row(r, "ldtr", x->ldt.sel & 0xFFFF, "0x%04llx", x->ldt.sel & 0xFFFC ? "" : "null");
}

static void hex_bytes(const uint8_t *bytes, unsigned n, char *out)
{
    while (n--) /* as one number, the highest byte first */
        out += sprintf(out, "%02x", bytes[n]);
}

static void the_rest(struct registers *r, struct vcpu *cpu)
{
    struct cpu_state s;
    char name[8], text[40];

    cpu_state_get(cpu, &s);
    for (unsigned i = 0; i < 8; i++) {
        if (i == 4 || i == 5)
            continue;
        snprintf(name, sizeof name, "dr%u", i);
        row(r, name, s.dr[i], "0x%08llx", "");
    }
    row(r, "sysenter_cs", s.msr_sysenter_cs, "0x%08llx", "");
    row(r, "sysenter_esp", s.msr_sysenter_esp, "0x%08llx", "");
    row(r, "sysenter_eip", s.msr_sysenter_eip, "0x%08llx", "");
    row(r, "pat", s.msr_pat, "0x%016llx", "");
    row(r, "fctrl", s.fxsave[0] | s.fxsave[1] << 8, "0x%04llx", "");
    row(r, "fstat", s.fxsave[2] | s.fxsave[3] << 8, "0x%04llx", "");
    row(r, "mxcsr",
        s.fxsave[24] | s.fxsave[25] << 8 | s.fxsave[26] << 16 | (uint64_t)s.fxsave[27] << 24,
        "0x%08llx", "");
    /* FXSAVE: eight of ten bytes each from 32, eight of sixteen from 160 (Intel SDM 1, 10.5). */
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "st%u", i);
        if (wanted(r, name)) {
            hex_bytes(&s.fxsave[32 + 16 * i], 10, text);
            sheet_text(r->sheet, "%s", name);
            sheet_none(r->sheet);
            sheet_text(r->sheet, "0x%s", text);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "xmm%u", i);
        if (wanted(r, name)) {
            hex_bytes(&s.fxsave[160 + 16 * i], 16, text);
            sheet_text(r->sheet, "%s", name);
            sheet_none(r->sheet);
            sheet_text(r->sheet, "0x%s", text);
        }
    }
}

static bool show(struct shell *sh, const char *args, bool all, struct err *err)
{
    bool json = shell_json(sh, &args);
    struct registers r = {.sh = sh, .sheet = sheet_new("register value meaning")};
    struct vcpu *cpu = shell_machine(sh)->domain->cpu;
    const struct x86_regs *x = cpu_regs(cpu);
    struct frame f;
    bool ok = shell_frame(sh, &f, err);

    for (bool first = true; ok && (first || *args); first = false) {
        char name[40] = "";
        if (*args) {
            shell_word(&args, name, sizeof name);
            r.only = name + (name[0] == '$');
            r.near = (struct suggestion){.typed = r.only};
        }
        unsigned before = sheet_rows(r.sheet);
        frame_registers(&r, &f);
        segments(&r, x, all || r.only);
        if (all || r.only) {
            control_registers(&r, x);
            the_rest(&r, cpu);
        }
        if (r.only && sheet_rows(r.sheet) == before)
            ok = err_set(err, ERR_USAGE, "there is no register '%s'%s%s%s", r.only,
                         r.near.best ? "; did you mean '" : "", r.near.best ? r.near.best : "",
                         r.near.best ? "'?" : "");
    }
    if (!ok) {
        sheet_drop(r.sheet);
        return false;
    }
    if (f.number && !json)
        shell_print(sh, "(of frame %u; segments and what follows are of now)\n", f.number);
    return sheet_print(sh, r.sheet, json, "registers", "");
}

bool do_info_registers(struct shell *sh, const char *args, struct err *err)
{
    return show(sh, args, false, err);
}

bool do_info_all_registers(struct shell *sh, const char *args, struct err *err)
{
    return show(sh, args, true, err);
}
