/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs' files say: info symbol, source, line, programs, functions, variables, types;
   and where files are found: directory, file, add-symbol-file. */
#include <inttypes.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "data.h"
#include "sheet.h"

#define NAMES_SHOWN 2000u

bool do_info_symbol(struct shell *sh, const char *args, struct err *err)
{
    bool json = shell_json(sh, &args);
    uint32_t addr;
    char name[200], where[300] = "";
    struct place place;

    if (!*args)
        return err_set(err, ERR_USAGE, "info symbol ADDRESS");
    if (!shell_address(sh, args, &addr, err))
        return false;
    if (!data_symbol(sh, addr, name, sizeof name))
        return err_set(err, ERR_USAGE, "no symbol is known for 0x%08x", addr);
    struct program *p = programs_at(source_programs(sh->debug), addr);
    if (program_at(p, addr, &place) && place.depth && place.function[0].file)
        snprintf(where, sizeof where, "%s:%u", place.function[0].file, place.function[0].line);
    if (json) {
        struct sheet *t = sheet_new("address symbol program line");
        sheet_address(t, addr);
        sheet_text(t, "%s", name);
        sheet_text(t, "%s", program_name(p));
        sheet_text(t, "%s", where);
        return sheet_print(sh, t, true, "symbols", "");
    }
    shell_print(sh, "0x%08x is %s of %s%s%s\n", addr, name, program_name(p), where[0] ? ", " : "",
                where);
    return true;
}

bool do_info_source(struct shell *sh, const char *args, struct err *err)
{
    struct frame f;
    struct place place = {0};
    bool json;

    if (!info_plain(sh, args, &json, err) || !shell_frame(sh, &f, err))
        return false;
    if (!f.program || !program_at(f.program, f.pc, &place) || !place.depth ||
        !place.function[0].file)
        return err_set(err, ERR_USAGE, "no source file is known for 0x%08x", f.pc);
    struct sheet *t = sheet_new("file program lines");
    sheet_text(t, "%s", place.function[0].file);
    sheet_text(t, "%s", program_name(f.program));
    sheet_number(t, sources_lines(sh->sources, f.program, place.function[0].file), "%llu");
    return sheet_print(sh, t, json, "source", "");
}

bool do_info_line(struct shell *sh, const char *args, struct err *err)
{
    struct programs l = source_programs(sh->debug);
    bool json = shell_json(sh, &args);
    struct err first = {0};
    struct place place = {0};
    const char *file = NULL;
    char star[32];
    struct frame f;

    if (shell_frame(sh, &f, err) && f.program && program_at(f.program, f.pc, &place) && place.depth)
        file = place.function[0].file;
    if (!*args || *args == '*') {
        uint32_t at = f.pc;
        if (*args && !shell_address(sh, args + 1, &at, err))
            return false;
        snprintf(star, sizeof star, "*0x%x", at);
        args = star;
    }
    for (unsigned i = 0; i < l.n; i++) {
        struct spot spot[STOP_ADDRS_MAX];
        struct err why = {0};
        unsigned n = program_locate(l.list[i], args, file, spot, STOP_ADDRS_MAX, &why);
        if (!n) {
            if (!first.class)
                first = why;
            continue;
        }
        struct sheet *t = sheet_new("file line begins ends function");
        for (unsigned k = 0; k < n && k < STOP_ADDRS_MAX; k++) {
            if (!program_at(l.list[i], spot[k].addr, &place))
                continue;
            sheet_text(t, "%s", spot[k].file ? spot[k].file : "?");
            sheet_number(t, spot[k].line, "%llu");
            sheet_address(t, place.lo);
            sheet_address(t, place.hi);
            sheet_text(t, "%s%s", place.depth ? place.function[0].name : "",
                       spot[k].inlined ? " (inlined)" : "");
        }
        return sheet_print(sh, t, json, "lines", "No line is known there.");
    }
    *err = first;
    return first.class ? false : err_set(err, ERR_USAGE, "there is no program with lines");
}

bool do_info_programs(struct shell *sh, const char *args, struct err *err)
{
    struct programs now = source_programs(sh->debug);
    struct programs l = source_known(sh->debug);
    struct sheet *t;
    bool json;

    if (!info_plain(sh, args, &json, err))
        return false;
    t = sheet_new("program symbols lines runs_here");
    for (unsigned i = 0; i < l.n; i++) {
        const struct kernel *k = program_symbols(l.list[i]);
        unsigned symbols = 0;
        bool here = false;
        if (k)
            kernel_symbols(k, &symbols);
        for (unsigned j = 0; j < now.n; j++)
            here |= now.list[j] == l.list[i];
        sheet_text(t, "%s", program_name(l.list[i]));
        sheet_number(t, symbols, "%llu");
        sheet_bool(t, program_has_lines(l.list[i]));
        sheet_bool(t, here);
    }
    return sheet_print(sh, t, json, "programs", "No program is known.");
}

/* ---- by regular expression ---- */

struct search {
    regex_t re;
    struct sheet *sheet;
    struct program *program;
    unsigned shown;
    bool more;
};

static bool each_name(void *ctx, const char *name)
{
    struct search *s = ctx;
    struct place place;

    if (regexec(&s->re, name, 0, NULL, 0))
        return true;
    if (s->shown++ == NAMES_SHOWN) {
        s->more = true;
        return false;
    }
    const struct kernel *k = program_symbols(s->program);
    const struct kernel_symbol *sym = k ? kernel_find(k, name) : NULL;
    sheet_text(s->sheet, "%s", name);
    if (sym)
        sheet_address(s->sheet, sym->addr);
    else
        sheet_none(s->sheet);
    if (sym && sym->function && program_at(s->program, sym->addr, &place) && place.depth &&
        place.function[0].file)
        sheet_text(s->sheet, "%s:%u", place.function[0].file, place.function[0].line);
    else
        sheet_none(s->sheet);
    sheet_text(s->sheet, "%s", program_name(s->program));
    return true;
}

static bool search(struct shell *sh, const char *args, unsigned kinds, const char *what,
                   struct err *err)
{
    struct programs l = source_programs(sh->debug);
    bool json = shell_json(sh, &args);
    struct search s = {0};
    char why[100];

    int bad = regcomp(&s.re, *args ? args : ".", REG_EXTENDED | REG_NOSUB);
    if (bad) {
        regerror(bad, &s.re, why, sizeof why);
        return err_set(err, ERR_USAGE, "'%s' is no regular expression: %s", args, why);
    }
    s.sheet = sheet_new("name address line program");
    for (unsigned i = 0; i < l.n && !s.more; i++) {
        s.program = l.list[i];
        program_complete(s.program, kinds, "", each_name, &s);
    }
    regfree(&s.re);
    bool more = s.more && !json;
    bool ok = sheet_print(sh, s.sheet, json, what, "Nothing of that name.");
    if (more)
        shell_print(sh, "(there are more: give an expression that fits fewer)\n");
    return ok;
}

bool do_info_functions(struct shell *sh, const char *args, struct err *err)
{
    return search(sh, args, NAMES_FUNCTIONS, "functions", err);
}

bool do_info_variables(struct shell *sh, const char *args, struct err *err)
{
    return search(sh, args, NAMES_VARIABLES, "variables", err);
}

bool do_info_types(struct shell *sh, const char *args, struct err *err)
{
    return search(sh, args, NAMES_TYPES, "types", err);
}

/* ---- files ---- */

bool do_directory(struct shell *sh, const char *args, struct err *err)
{
    if (!*args)
        return err_set(err, ERR_USAGE, "directory DIR: where source files are");
    return sources_add(sh->sources, args, err);
}

bool do_file(struct shell *sh, const char *args, struct err *err)
{
    char path[512];

    if (!shell_word(&args, path, sizeof path))
        return err_set(err, ERR_USAGE, "which file? `file PROGRAM`");
    if (*args)
        return err_set(err, ERR_USAGE,
                       "'%s': a program is where its own file says, no address is "
                       "needed",
                       args);
    if (!strchr(path, '/') && access(path, F_OK) && source_meet(sh->debug, path)) {
        shell_print(sh, "Processes named %s run the file of that name in the initrd.\n", path);
        return true;
    }
    if (!source_add_file(sh->debug, path, err))
        return false;
    sh->frame_known = false;
    shell_print(sh, "Processes named %s are looked up in %s.\n",
                strrchr(path, '/') ? strrchr(path, '/') + 1 : path, path);
    return true;
}
