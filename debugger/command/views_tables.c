/* SPDX-License-Identifier: GPL-2.0-only */
/* The processor's tables: info cr, gdt, idt, tss. Facts: Intel SDM volume 3A, 3.4.5, 6.11 and 7.2. */
#include <inttypes.h>
#include <string.h>

#include "hv-models/hv.h"
#include "views.h"

bool do_info_cr(struct shell *sh, const char *args, struct err *err)
{
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    char text[160], name[120];
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *t = sheet_new("register value meaning");
    sheet_text(t, "cr0");
    sheet_address(t, r->cr0);
    view_cr0(r->cr0, text, sizeof text);
    sheet_text(t, "%s", text);
    sheet_text(t, "cr2");
    sheet_address(t, r->cr2);
    sheet_text(t, "address of the last page fault%s", data_label(sh, r->cr2, name, sizeof name));
    sheet_text(t, "cr3");
    sheet_address(t, r->cr3);
    sheet_text(t, "top of the page tables that the hardware walks: %s",
               !(r->cr0 & CR0_PG) ? "not used, paging is off"
               : r->cr4 & CR4_PAE ? "PAE, three levels"
                                  : "two levels");
    sheet_text(t, "cr4");
    sheet_address(t, r->cr4);
    view_cr4(r->cr4, text, sizeof text);
    sheet_text(t, "%s", text);
    sheet_text(t, "efer");
    sheet_address(t, r->efer);
    sheet_text(t, "%s", r->efer & EFER_NXE ? "NXE" : "");
    return sheet_print(sh, t, json, "control_registers", "");
}

/* ---- descriptors ---- */

static const char *segment_type(unsigned type)
{
    static const char *const name[] = {
        "data, read-only",
        "data, read-only, accessed",
        "data",
        "data, accessed",
        "data, grows down, read-only",
        "data, grows down, read-only, accessed",
        "data, grows down",
        "data, grows down, accessed",
        "code, execute-only",
        "code, execute-only, accessed",
        "code",
        "code, accessed",
        "code, conforming, execute-only",
        "code, conforming, execute-only, accessed",
        "code, conforming",
        "code, conforming, accessed",
    };

    return name[type & 15];
}

static const char *system_type(unsigned type)
{
    static const char *const name[] = {
        "reserved",
        "16-bit TSS",
        "LDT",
        "16-bit TSS, busy",
        "16-bit call gate",
        "task gate",
        "16-bit interrupt gate",
        "16-bit trap gate",
        "reserved",
        "TSS",
        "reserved",
        "TSS, busy",
        "call gate",
        "reserved",
        "interrupt gate",
        "trap gate",
    };

    return name[type & 15];
}

static void gdt_row(struct shell *sh, struct sheet *t, unsigned i, struct x86_desc d)
{
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    unsigned type = d.hi >> 8 & 15;
    bool segment = d.hi & 1u << 12;
    char users[60] = "";

    for (unsigned s = 0; s < S_COUNT; s++)
        if ((r->seg[s].sel & 0xFFFC) == i << 3) {
            size_t n = strlen(users);
            snprintf(users + n, sizeof users - n, "%s%s", n ? " " : "", seg[s]);
        }
    if ((r->tr.sel & 0xFFFC) == i << 3)
        snprintf(users + strlen(users), sizeof users - strlen(users), "%str", users[0] ? " " : "");
    sheet_number(t, i << 3, "0x%02llx");
    sheet_address(t, x86_desc_base(d));
    sheet_address(t, x86_desc_limit(d));
    sheet_number(t, d.hi >> 13 & 3, "%llu");
    sheet_text(t, "%s%s%s", segment ? segment_type(type) : system_type(type),
               d.hi & 1u << 15 ? "" : ", not present",
               segment && !(d.hi & 1u << 22) ? ", 16-bit" : "");
    sheet_text(t, "%s", users);
}

bool do_info_gdt(struct shell *sh, const char *args, struct err *err)
{
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    struct sheet *t = sheet_new("selector base limit dpl type used_by");
    uint32_t bytes = r->gdt.limit < 0xFFFF ? r->gdt.limit + 1 : 0x10000;
    for (unsigned i = 1; 8 * i + 7 < bytes; i++) {
        struct x86_desc d;
        if (debug_peek(sh->debug, r->gdt.base + 8 * i, &d, sizeof d) && (d.lo || d.hi))
            gdt_row(sh, t, i, d);
    }
    if (!json)
        shell_print(sh, "GDT at 0x%08x, %u entries%s\n", r->gdt.base, bytes / 8,
                    view_two_tables(shell_machine(sh)->domain)
                        ? " (the hardware's: the model puts the guest's entries there)"
                        : "");
    return sheet_print(sh, t, json, "gdt", "It has no entries.");
}

/* ---- gates ---- */

static const char *vector_name(unsigned v)
{
    static const char *const name[] = {
        "#DE divide error",
        "#DB debug",
        "NMI",
        "#BP breakpoint",
        "#OF overflow",
        "#BR bound",
        "#UD invalid opcode",
        "#NM no FPU",
        "#DF double fault",
        "",
        "#TS invalid TSS",
        "#NP not present",
        "#SS stack",
        "#GP protection",
        "#PF page fault",
        "",
        "#MF x87",
        "#AC alignment",
        "#MC machine check",
        "#XM SIMD",
    };

    if (v < sizeof name / sizeof name[0])
        return name[v];
    return v == 0x80 ? "system call" : "";
}

bool do_info_idt(struct shell *sh, const char *args, struct err *err)
{
    struct domain *d = shell_machine(sh)->domain;
    const struct hv_model *model = hv_model(d);
    const struct x86_regs *r = cpu_regs(d->cpu);
    struct hv_lines lines = {0};
    char symbol[120], name[60];
    bool json = shell_json(sh, &args);
    int64_t only = -1;

    if (*args && (!shell_number(sh, args, &only, err) || only < 0 || only > 255))
        return err->text[0] ? false : err_set(err, ERR_USAGE, "a vector is a number up to 255");
    if (model->lines)
        model->lines(d, &lines);
    struct sheet *t = sheet_new("vector gate selector dpl handler symbol what");
    for (unsigned v = only < 0 ? 0 : (unsigned)only; v < 256 && (only < 0 || v == (unsigned)only);
         v++) {
        struct x86_desc g = {0};
        bool direct = true, present;
        if (model->gate)
            present = model->gate(d, v, &g, &direct);
        else
            present = 8 * v + 7 <= r->idt.limit &&
                      debug_peek(sh->debug, r->idt.base + 8 * v, &g, sizeof g) && g.hi & 1u << 15;
        if (!present)
            continue;
        uint32_t handler = (g.hi & 0xFFFF0000u) | (g.lo & 0xFFFF);
        snprintf(name, sizeof name, "%s", vector_name(v));
        if (!name[0] && lines.n && v >= lines.first_vector && v < lines.first_vector + lines.n)
            snprintf(name, sizeof name, "line %u", v - lines.first_vector);
        sheet_number(t, v, "%llu");
        sheet_text(t, "%s%s", system_type(g.hi >> 8 & 15), model->gate && direct ? ", direct" : "");
        sheet_number(t, g.lo >> 16, "0x%04llx");
        sheet_number(t, g.hi >> 13 & 3, "%llu");
        sheet_address(t, handler);
        data_symbol(sh, handler, symbol, sizeof symbol);
        sheet_text(t, "%s", symbol);
        sheet_text(t, "%s", name);
    }
    if (!json && model->gate)
        shell_print(sh,
                    "The gates that the guest believes to have: %s keeps them. What is not direct "
                    "comes to the model first.\n",
                    model->name);
    else if (!json)
        shell_print(sh, "IDT at 0x%08x, limit 0x%04x\n", r->idt.base, r->idt.limit);
    return sheet_print(sh, t, json, "idt", "There are no gates yet.");
}

bool do_info_tss(struct shell *sh, const char *args, struct err *err)
{
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    static const struct {
        const char *name;
        unsigned offset, bytes;
    } field[] = {
        {"previous task", 0, 2}, {"esp0", 4, 4}, {"ss0", 8, 2},
        {"esp1", 12, 4},         {"ss1", 16, 2}, {"esp2", 20, 4},
        {"ss2", 24, 2},          {"cr3", 28, 4}, {"I/O map at", 102, 2},
    };
    char name[120];
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    if (!(r->tr.sel & 0xFFFC))
        return err_set(err, ERR_USAGE, "there is no TSS yet: TR is null");
    struct sheet *t = sheet_new("field value meaning");
    for (unsigned i = 0; i < sizeof field / sizeof field[0]; i++) {
        uint32_t v = 0;
        if (!debug_peek(sh->debug, r->tr.base + field[i].offset, &v, field[i].bytes)) {
            sheet_drop(t);
            return data_unreadable(err, r->tr.base + field[i].offset);
        }
        sheet_text(t, "%s", field[i].name);
        sheet_number(t, v, field[i].bytes == 4 ? "0x%08llx" : "0x%04llx");
        bool outside = field[i].offset == 102 && v > r->tr.limit;
        sheet_text(t, "%s",
                   outside                                 ? "behind its end: no port is allowed"
                   : data_symbol(sh, v, name, sizeof name) ? name
                                                           : "");
    }
    if (!json)
        shell_print(sh, "TSS at 0x%08x, limit 0x%x, selector 0x%04x\n", r->tr.base, r->tr.limit,
                    r->tr.sel & 0xFFFF);
    return sheet_print(sh, t, json, "tss", "");
}
