/* SPDX-License-Identifier: GPL-2.0-only */
/* Code: list and disassemble; and what stands beside an instruction or an address. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "hv-models/hv.h"

#define LIST_LINES 10u
#define CODE_MAX   20000u /* instructions of one listing */

/* ---- names of addresses ---- */

bool data_symbol(struct shell *sh, uint32_t addr, char *text, size_t size)
{
    struct programs l = source_programs(sh->debug);
    struct program *p = programs_at(l, addr);
    const struct kernel_symbol *s =
        p && program_symbols(p) ? kernel_symbol_at(program_symbols(p), addr) : NULL;

    text[0] = '\0';
    if (!p)
        return false;
    if (s && s->name[0]) {
        if (addr == s->addr)
            snprintf(text, size, "%s", s->name);
        else
            snprintf(text, size, "%s+0x%x", s->name, addr - s->addr);
        return true;
    }
    program_describe(p, addr, text, size);
    if (text[0] == '0')
        text[0] = '\0';
    return text[0];
}

const char *data_label(struct shell *sh, uint32_t addr, char *text, size_t size)
{
    char name[100];

    text[0] = '\0';
    if (data_symbol(sh, addr, name, sizeof name))
        snprintf(text, size, " <%s>", name);
    return text;
}

bool data_site(struct shell *sh, uint32_t addr, char *text, size_t size)
{
    unsigned hook = source_site(sh->debug, addr);

    if (hook >= hook_count)
        return false;
    hook_full_name(&hook_table[hook], text, size);
    return true;
}

unsigned data_instruction(struct shell *sh, uint32_t addr, char *text, size_t size)
{
    const struct x86_regs *r = cpu_regs(shell_machine(sh)->domain->cpu);
    bool code32 = r->seg[S_CS].flags & 1u << 22 || !(r->cr0 & CR0_PE);
    uint8_t code[16];
    char insn[96], name[120];
    uint32_t n = 0;

    if (debug_peek(sh->debug, addr, code, sizeof code))
        n = sizeof code;
    while (n < sizeof code && debug_peek(sh->debug, addr + n, code + n, 1))
        n++;
    if (!n)
        return 0;
    uint32_t length = x86_format(code, n, addr, code32, insn, sizeof insn);
    if (!length) {
        snprintf(text, size, "(bad) 0x%02x", code[0]);
        return 1;
    }
    /* A jump or a call names where it goes; so does whatever has one absolute address in it. */
    const char *target = strrchr(insn, 'x');
    name[0] = '\0';
    if (target && target > insn && target[-1] == '0' && strlen(target) >= 8) {
        uint32_t to = (uint32_t)strtoul(target + 1, NULL, 16);
        data_label(sh, to, name, sizeof name);
    }
    snprintf(text, size, "%s%s", insn, name);
    return length;
}

/* ---- list ---- */

const char *data_source_line(struct shell *sh, struct program *p, const char *file, unsigned line)
{
    struct err err = {0};

    return sources_line(sh->sources, p, file, line, &err);
}

/* The lines [first, last] of a file, the one of the frame marked. */
static bool list_lines(struct shell *sh, struct program *p, const char *file, unsigned first,
                       unsigned last, unsigned mark, struct err *err)
{
    struct data_room *room = data_room(sh);
    unsigned lines = sources_lines(sh->sources, p, file);

    if (!room)
        return err_set(err, ERR_SYSTEM, "out of memory");
    if (!lines)
        return err_set(err, ERR_USAGE,
                       "%s: the file is not here; `directory DIR` says where to look for it", file);
    if (first > lines)
        return err_set(err, ERR_USAGE, "line %u: %s has %u lines", first, file, lines);
    if (last > lines)
        last = lines;
    for (unsigned i = first; i <= last; i++) {
        const char *text = data_source_line(sh, p, file, i);
        shell_shade(sh, i == mark ? SHADE_TITLE : SHADE_PLAIN);
        shell_print(sh, "%-7u%s%s\n", i, i == mark ? ">" : " ", text ? text : "");
        shell_shade(sh, SHADE_PLAIN);
    }
    if (room->list.file != file)
        snprintf(room->list.file, sizeof room->list.file, "%s", file);
    room->list.program = p;
    room->list.first = first;
    room->list.last = last;
    return true;
}

static bool list_around(struct shell *sh, struct program *p, const char *file, unsigned line,
                        unsigned mark, struct err *err)
{
    unsigned first = line > LIST_LINES / 2 ? line - LIST_LINES / 2 : 1;

    return list_lines(sh, p, file, first, first + LIST_LINES - 1, mark, err);
}

/* Where a listing begins without being told: in the selected frame, or in the model. */
static bool here(struct shell *sh, struct program **p, const char **file, unsigned *line,
                 struct err *err)
{
    const struct halt *h = debug_halt(sh->debug);
    struct place place;
    struct frame f;

    if (debug_inside(sh->debug) && h->has_event && h->event.kind == EVENT_stage &&
        !sh->frame_number) {
        const struct hv_stage_site *site = hv_stage_site(h->event.a[0]);
        if (site) {
            *p = NULL;
            *file = site->file;
            *line = site->line;
            return true;
        }
    }
    if (!shell_frame(sh, &f, err))
        return false;
    bool known = f.program && program_at(f.program, f.pc, &place) && place.depth;
    const struct place_function *at = &place.function[known ? source_depth(&place) : 0];
    if (!known || !at->file || !at->line)
        return err_set(err, ERR_USAGE, "no source line is known for 0x%08x", f.pc);
    *p = f.program;
    *file = at->file;
    *line = at->line;
    return true;
}

static bool is_number(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == '\0';
}

/* A line that a person names: FUNCTION, FILE:LINE, LINE, *ADDRESS. */
static bool find_line(struct shell *sh, const char *where, const char *default_file,
                      struct program **program, const char **file, unsigned *line, struct err *err)
{
    struct programs l = source_programs(sh->debug);
    struct err first = {0};
    const char *colon = strrchr(where, ':');
    struct place place;
    struct spot spot;
    char star[32];
    uint32_t addr;

    if (*where == '*') {
        if (!shell_address(sh, where + 1, &addr, err))
            return false;
        snprintf(star, sizeof star, "*0x%x", addr);
        where = star;
    }
    for (unsigned i = 0; i < l.n; i++) {
        struct err why = {0};
        if (!program_locate(l.list[i], where, default_file, &spot, 1, &why)) {
            if (!first.class)
                first = why;
            continue;
        }
        *program = l.list[i];
        *file = spot.file;
        *line = spot.line;
        if (is_number(where) || (colon && is_number(colon + 1)))
            *line = (unsigned)strtoul(colon ? colon + 1 : where, NULL, 10);
        else if (*where != '*' && program_at(l.list[i], spot.addr, &place) && place.depth &&
                 program_at(l.list[i], place.function[0].start, &place) && place.depth)
            *line = place.function[0].line;
        return *file && *line ? true
                              : err_set(err, ERR_USAGE, "no source line is known for %s", where);
    }
    /* A file of the model's belongs to no program of the guest. */
    if (colon && is_number(colon + 1)) {
        struct data_room *room = data_room(sh);
        static const char *const folders[] = {"", "hv-models/"};
        for (size_t i = 0; room && i < sizeof folders / sizeof folders[0]; i++) {
            snprintf(room->list.named, sizeof room->list.named, "%s%.*s", folders[i],
                     (int)(colon - where), where);
            if (!sources_lines(sh->sources, NULL, room->list.named))
                continue;
            *program = NULL;
            *file = room->list.named;
            *line = (unsigned)strtoul(colon + 1, NULL, 10);
            return true;
        }
    }
    *err = first;
    return first.class ? false : err_set(err, ERR_USAGE, "there is no program with lines");
}

bool do_list(struct shell *sh, const char *args, struct err *err)
{
    struct data_room *room = data_room(sh);
    struct program *p = NULL, *where_program = NULL;
    const char *file = NULL, *where_file = NULL;
    unsigned line = 0, mark = 0;
    struct err ignored = {0};

    if (!room)
        return err_set(err, ERR_SYSTEM, "out of memory");
    bool placed = here(sh, &where_program, &where_file, &mark, *args ? &ignored : err);
    if (sh->list_next == 0)
        room->list.last = 0; /* the machine, or the selection, has moved */
    sh->list_next = 1;
    if (!*args && !room->list.last)
        return placed && list_around(sh, where_program, where_file, mark, mark, err);
    bool same = placed && room->list.last && !strcmp(room->list.file, where_file);
    if (!*args) {
        err->class = ERR_NONE;
        if (room->list.last >= sources_lines(sh->sources, room->list.program, room->list.file))
            return err_set(err, ERR_USAGE, "that was the end of %s", room->list.file);
        return list_lines(sh, room->list.program, room->list.file, room->list.last + 1,
                          room->list.last + LIST_LINES, same ? mark : 0, err);
    }
    if (!strcmp(args, "-")) {
        if (!room->list.last)
            return placed ? list_around(sh, where_program, where_file, mark, mark, err)
                          : err_set(err, ERR_USAGE, "nothing has been listed yet");
        if (room->list.first <= 1)
            return err_set(err, ERR_USAGE, "that was the beginning of %s", room->list.file);
        unsigned end = room->list.first - 1;
        return list_lines(sh, room->list.program, room->list.file,
                          end > LIST_LINES ? end - LIST_LINES + 1 : 1, end, same ? mark : 0, err);
    }
    char from[256];
    const char *comma = strchr(args, ',');
    snprintf(from, sizeof from, "%.*s", (int)(comma ? comma - args : (long)strlen(args)), args);
    const char *default_file = room->list.last ? room->list.file : placed ? where_file : NULL;
    /* Of the model's files there is no program that could tell. */
    if (is_number(from) && placed && !where_program)
        p = NULL, file = where_file, line = (unsigned)strtoul(from, NULL, 10);
    else if (!find_line(sh, from, default_file, &p, &file, &line, err))
        return false;
    same = placed && !strcmp(file, where_file);
    if (!comma)
        return list_around(sh, p, file, line, same ? mark : 0, err);
    for (comma++; isspace((unsigned char)*comma);)
        comma++;
    unsigned last = (unsigned)strtoul(*comma == '+' ? comma + 1 : comma, NULL, 10);
    if (*comma == '+')
        last += line;
    if (last < line)
        return err_set(err, ERR_USAGE, "list FIRST,LAST: two lines, ascending");
    return list_lines(sh, p, file, line ? line : 1, last, same ? mark : 0, err);
}

/* ---- disassemble ---- */

struct listing {
    struct shell *sh;
    bool source, raw;
    uint32_t pc; /* marked; 0: no */
    const char *file;
    unsigned line;
};

static void source_of(struct listing *l, struct program *p, uint32_t at)
{
    struct place place;

    if (!p || !program_at(p, at, &place) || !place.depth || !place.function[0].line ||
        (place.function[0].line == l->line && place.function[0].file == l->file))
        return;
    l->file = place.function[0].file;
    l->line = place.function[0].line;
    const char *text = data_source_line(l->sh, p, l->file, l->line);
    shell_shade(l->sh, SHADE_NOTE);
    shell_print(l->sh, "%s:%u%s%s\n", l->file, l->line, text ? "  " : "",
                text ? text + strspn(text, " \t") : "");
    shell_shade(l->sh, SHADE_PLAIN);
}

static unsigned code_line(struct listing *l, struct program *p, uint32_t at, uint32_t start)
{
    char text[200], hook[80];
    unsigned n = data_instruction(l->sh, at, text, sizeof text);

    if (!n)
        return 0;
    if (l->source)
        source_of(l, p, at);
    shell_shade(l->sh, at == l->pc ? SHADE_TITLE : SHADE_PLAIN);
    shell_print(l->sh, "%s 0x%08x <+%u>:\t", at == l->pc ? "=>" : "  ", at, at - start);
    if (l->raw) {
        uint8_t byte;
        for (unsigned i = 0; i < n; i++)
            if (debug_peek(l->sh->debug, at + i, &byte, 1))
                shell_print(l->sh, "%02x ", byte);
        shell_print(l->sh, "%*s\t", n < 8 ? (int)(3 * (8 - n)) : 0, "");
    }
    shell_print(l->sh, "%s", text);
    shell_shade(l->sh, SHADE_PLAIN);
    if (data_site(l->sh, at, hook, sizeof hook)) {
        shell_shade(l->sh, SHADE_NAME);
        shell_print(l->sh, "\t; hook %s", hook);
        shell_shade(l->sh, SHADE_PLAIN);
    }
    shell_print(l->sh, "\n");
    return n;
}

/* From "[FUNC|ADDR[,+N|,END]]" to a range. */
static bool parse_range(struct shell *sh, const char *args, uint32_t *lo, uint32_t *hi, bool *given,
                        struct err *err)
{
    char from[256];
    const char *comma = strchr(args, ',');
    struct program *p;
    uint32_t pc;

    *given = comma != NULL;
    if (!*args) {
        struct frame f;
        if (!shell_frame(sh, &f, err))
            return false;
        pc = f.pc;
    } else {
        snprintf(from, sizeof from, "%.*s", (int)(comma ? comma - args : (long)strlen(args)), args);
        if (!shell_address(sh, from, &pc, err))
            return false;
    }
    if (comma) {
        for (comma++; isspace((unsigned char)*comma);)
            comma++;
        bool plus = *comma == '+';
        uint32_t end;
        if (!shell_address(sh, comma + plus, &end, err))
            return false;
        *lo = pc;
        *hi = plus ? pc + end : end;
        return *hi > *lo || err_set(err, ERR_USAGE, "the range is empty");
    }
    p = programs_at(source_programs(sh->debug), pc);
    if (p && program_function_range(p, pc, lo, hi))
        return true;
    if (!*args) { /* no function is known: what comes next */
        *lo = pc;
        *hi = pc + 32;
        *given = true;
        return true;
    }
    return err_set(err, ERR_USAGE,
                   "no function is known at 0x%08x; `disassemble 0x%x,+32` shows a range", pc, pc);
}

bool do_disassemble(struct shell *sh, const char *args, struct err *err)
{
    struct listing l = {.sh = sh};
    uint32_t lo, hi;
    bool given;
    struct frame f;
    char name[120];

    if (*args == '/') {
        for (args++; *args && !isspace((unsigned char)*args); args++) {
            if (*args != 's' && *args != 'm' && *args != 'r')
                return err_set(err, ERR_USAGE, "/%c: /s shows source lines, /r bytes", *args);
            l.source |= *args != 'r';
            l.raw |= *args == 'r';
        }
        while (isspace((unsigned char)*args))
            args++;
    }
    if (!parse_range(sh, args, &lo, &hi, &given, err) || !shell_frame(sh, &f, err))
        return false;
    /* Of a caller the instruction that it goes on with is marked. */
    l.pc = f.reg[FRAME_EIP];
    struct program *p = programs_at(source_programs(sh->debug), lo);
    if (!given && data_symbol(sh, lo, name, sizeof name))
        shell_print(sh, "Code of %s:\n", name);
    uint32_t at = lo, n = 0;
    for (unsigned i = 0; at < hi && at >= lo && i < CODE_MAX; i++, at += n)
        if (!(n = code_line(&l, p, at, lo)))
            return data_unreadable(err, at);
    return true;
}
