/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's stack: backtrace, frame, up, down, info frame, info locals, info args. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "sheet.h"

#define BACKTRACE_MAX 1000u
#define VARIABLES_MAX 128u
#define VALUE_TEXT    2000u

static void arguments(struct shell *sh, const struct frame *f)
{
    struct variable var[VARIABLES_MAX];
    unsigned n = frame_variables(f, 0, var, VARIABLES_MAX), shown = 0;
    char text[200];

    if (n > VARIABLES_MAX)
        n = VARIABLES_MAX;
    expr_look_from(sh->expr, source_programs(sh->debug), f, 0);
    shell_print(sh, " (");
    for (unsigned i = 0; i < n; i++) {
        struct value v;
        struct err err = {0};
        struct value_format how = {.elements = 8};
        if (var[i].kind != VARIABLE_ARGUMENT)
            continue;
        enum type_kind kind = type_kind(var[i].type);
        if (kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_ARRAY)
            snprintf(text, sizeof text, "...");
        else if (value_of_variable(sh->expr, f, &var[i], &v, &err))
            value_text(sh->expr, &v, &how, text, sizeof text);
        else
            snprintf(text, sizeof text, "?");
        /* Of a pointer the type goes without saying here. */
        const char *value = text;
        if (*value == '(' && strchr(value, ')'))
            value = strchr(value, ')') + 1 + (strchr(value, ')')[1] == ' ');
        shell_print(sh, "%s%s=%s", shown++ ? ", " : "", var[i].name, value);
    }
    shell_print(sh, ")");
    /* Names go on being looked up from the selected frame. */
    if (sh->frame_known)
        expr_look_from(sh->expr, source_programs(sh->debug), &sh->frame, DEPTH_INNERMOST);
}

void data_frame_line(struct shell *sh, const struct frame *f)
{
    struct place place = {0};
    bool known = f->program && program_at(f->program, f->pc, &place) && place.depth;

    shell_print(sh, "#%-3u ", f->number);
    shell_shade(sh, SHADE_NUMBER);
    shell_print(sh, "0x%08x", f->reg[FRAME_EIP]);
    shell_shade(sh, SHADE_PLAIN);
    if (!known) {
        shell_print(sh, " in %s\n",
                    f->program ? program_name(f->program) : "code of no known program");
        return;
    }
    shell_print(sh, " in ");
    shell_shade(sh, SHADE_NAME);
    shell_print(sh, "%s", place.function[0].name);
    shell_shade(sh, SHADE_PLAIN);
    arguments(sh, f);
    if (place.function[0].file && place.function[0].line)
        shell_print(sh, " at %s:%u", place.function[0].file, place.function[0].line);
    for (unsigned i = 1; i < place.depth; i++)
        shell_print(sh, "%s%s", i == 1 ? " [inlined: " : ", ", place.function[i].name);
    shell_print(sh, "%s%s%s\n", place.depth > 1 ? "]" : "",
                f->interrupted && f->number ? " <interrupted here>" : "",
                f->guessed ? " (guessed)" : "");
}

void data_frame_tell(struct shell *sh, const struct frame *f)
{
    struct place place;

    data_frame_line(sh, f);
    if (!f->program || !program_at(f->program, f->pc, &place) || !place.depth ||
        !place.function[0].file || !place.function[0].line)
        return;
    const char *text =
        data_source_line(sh, f->program, place.function[0].file, place.function[0].line);
    if (text)
        shell_print(sh, "%-7u %s\n", place.function[0].line, text);
}

bool do_backtrace(struct shell *sh, const char *args, struct err *err)
{
    struct program_memory m = source_memory(sh->debug);
    struct programs l = source_programs(sh->debug);
    struct frame f = source_frame(sh->debug), caller;
    bool json = shell_json(sh, &args);
    int64_t most = BACKTRACE_MAX;
    json_t *list = NULL;
    struct err why = {0};

    if (*args && (!shell_number(sh, args, &most, err) || most < 1))
        return err->text[0] ? false : err_set(err, ERR_USAGE, "a count of frames is at least 1");
    if (json)
        list = json_array();
    for (int64_t i = 0;; i++, f = caller) {
        enum frame_next next = frame_unwind(l, &m, &f, &caller, &why);
        if (i == most) {
            if (!json)
                shell_print(sh, "(there are more frames: `backtrace N`)\n");
            break;
        }
        if (json) {
            struct place p = {0};
            bool known = f.program && program_at(f.program, f.pc, &p) && p.depth;
            json_array_append_new(
                list, json_pack("{s:i, s:I, s:s?, s:s?, s:i, s:s?, s:b, s:b}", "number",
                                (int)f.number, "eip", (json_int_t)f.reg[FRAME_EIP], "function",
                                known ? p.function[0].name : NULL, "file",
                                known ? p.function[0].file : NULL, "line",
                                known ? (int)p.function[0].line : 0, "program",
                                f.program ? program_name(f.program) : NULL, "interrupted",
                                f.interrupted && f.number, "guessed", f.guessed));
        } else {
            data_frame_line(sh, &f);
        }
        if (next == FRAME_END)
            break;
        if (next == FRAME_LOST) {
            if (!json)
                shell_print(sh, "(the stack ends here: %s)\n", why.text);
            break;
        }
    }
    if (json)
        shell_print_json(sh, json_pack("{s:o}", "frames", list));
    return true;
}

static bool select_frame(struct shell *sh, int64_t number, struct err *err)
{
    struct frame f;

    if (number < 0)
        return err_set(err, ERR_USAGE, "frames are numbered from 0, the innermost");
    if (number > (int64_t)FRAME_MAX)
        number = FRAME_MAX;
    if (!shell_select_frame(sh, (unsigned)number, err) || !shell_frame(sh, &f, err))
        return false;
    sh->list_next = 0;
    data_frame_tell(sh, &f);
    return true;
}

bool do_frame(struct shell *sh, const char *args, struct err *err)
{
    int64_t n = shell_frame_number(sh);

    if (*args && !shell_number(sh, args, &n, err))
        return false;
    return select_frame(sh, n, err);
}

static bool move(struct shell *sh, const char *args, int sign, struct err *err)
{
    int64_t n = 1, now = shell_frame_number(sh);

    if (*args && !shell_number(sh, args, &n, err))
        return false;
    if (sign * n < 0 && now == 0)
        return err_set(err, ERR_USAGE, "this is the innermost frame: there is none below it");
    int64_t to = now + sign * n;
    return select_frame(sh, to < 0 ? 0 : to, err);
}

bool do_up(struct shell *sh, const char *args, struct err *err)
{
    return move(sh, args, 1, err);
}

bool do_down(struct shell *sh, const char *args, struct err *err)
{
    return move(sh, args, -1, err);
}

static const char *const register_name[FRAME_REGISTERS] = {"eax", "ecx", "edx", "ebx", "esp",
                                                           "ebp", "esi", "edi", "eip", "eflags"};

bool do_info_frame(struct shell *sh, const char *args, struct err *err)
{
    struct program_memory m = source_memory(sh->debug);
    struct frame f, caller;
    struct err why = {0};
    struct place place = {0};
    char name[120];
    bool json;

    if (!info_plain(sh, args, &json, err) || !shell_frame(sh, &f, err))
        return false;
    enum frame_next next = frame_unwind(source_programs(sh->debug), &m, &f, &caller, &why);
    bool known = f.program && program_at(f.program, f.pc, &place) && place.depth;
    if (json) {
        json_t *saved = json_object();
        for (unsigned i = 0; i < FRAME_REGISTERS; i++)
            if (f.saved[i])
                json_object_set_new(saved, register_name[i], json_integer(f.saved[i]));
        shell_print_json(
            sh, json_pack("{s:i, s:I, s:I, s:s?, s:s?, s:i, s:o, s:o}", "number", (int)f.number,
                          "cfa", (json_int_t)f.cfa, "eip", (json_int_t)f.reg[FRAME_EIP], "function",
                          known ? place.function[0].name : NULL, "file",
                          known ? place.function[0].file : NULL, "line",
                          known ? (int)place.function[0].line : 0, "caller_eip",
                          next == FRAME_CALLER ? json_integer(caller.reg[FRAME_EIP]) : json_null(),
                          "saved", saved));
        return true;
    }
    shell_print(sh, "Frame %u, its stack begins at 0x%08x:\n", f.number, f.cfa);
    shell_print(sh, "  eip 0x%08x%s", f.reg[FRAME_EIP],
                data_label(sh, f.reg[FRAME_EIP], name, sizeof name));
    if (known && place.function[0].file && place.function[0].line)
        shell_print(sh, " (%s:%u)", place.function[0].file, place.function[0].line);
    shell_print(sh, "%s\n", f.guessed ? ", guessed from the chain of EBP" : "");
    if (next == FRAME_CALLER)
        shell_print(sh, "  %s by 0x%08x%s\n",
                    caller.interrupted ? "interrupts what is run" : "called", caller.reg[FRAME_EIP],
                    data_label(sh, caller.reg[FRAME_EIP], name, sizeof name));
    else
        shell_print(sh, next == FRAME_END ? "  outermost\n" : "  its caller is not known: %s\n",
                    why.text);
    for (unsigned i = 0, shown = 0; i < FRAME_REGISTERS; i++)
        if (f.saved[i])
            shell_print(sh, "%s%s at 0x%08x",
                        shown++ ? ", " : "  the caller's registers: ", register_name[i],
                        f.saved[i]);
    shell_print(sh, "\n");
    return true;
}

/* Arguments or locals of the selected frame. */
static bool variables(struct shell *sh, const char *args, bool arguments_only, struct err *err)
{
    struct variable var[VARIABLES_MAX];
    struct frame f;
    struct place place = {0};
    bool json;

    if (!info_plain(sh, args, &json, err) || !shell_frame(sh, &f, err))
        return false;
    if (!f.program || !program_at(f.program, f.pc, &place) || !place.depth)
        return err_set(err, ERR_USAGE, "no function is known at 0x%08x", f.pc);
    char *text = malloc(VALUE_TEXT);
    json_t *all = json_object();
    unsigned shown = 0;
    for (unsigned depth = arguments_only ? 1 : place.depth; text && depth-- > 0;) {
        unsigned n = frame_variables(&f, depth, var, VARIABLES_MAX);
        if (depth && n && !json)
            shell_print(sh, "(%s, inlined:)\n", place.function[depth].name);
        for (unsigned i = 0; i < n && i < VARIABLES_MAX; i++) {
            struct value v;
            struct err why = {0};
            struct value_format how = {.elements = 0};
            if ((var[i].kind == VARIABLE_ARGUMENT) != arguments_only && !depth)
                continue;
            if (value_of_variable(sh->expr, &f, &var[i], &v, &why))
                value_text(sh->expr, &v, &how, text, VALUE_TEXT);
            else
                snprintf(text, VALUE_TEXT, "<%s>", why.text);
            if (json)
                json_object_set_new(all, var[i].name, json_string(text));
            else
                shell_print(sh, "%s = %s\n", var[i].name, text);
            shown++;
        }
    }
    free(text);
    if (json)
        shell_print_json(sh, json_pack("{s:O}", arguments_only ? "args" : "locals", all));
    else if (!shown)
        shell_print(sh, arguments_only ? "%s has no arguments.\n" : "%s has no locals here.\n",
                    place.function[0].name);
    json_decref(all);
    return true;
}

bool do_info_locals(struct shell *sh, const char *args, struct err *err)
{
    return variables(sh, args, false, err);
}

bool do_info_args(struct shell *sh, const char *args, struct err *err)
{
    return variables(sh, args, true, err);
}
