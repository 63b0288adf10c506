/* SPDX-License-Identifier: GPL-2.0-only */
/* Values: print, output, printf, set, ptype, whatis, display. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define TEXT_BYTES (64u << 10)

struct data_room *data_room(struct shell *sh)
{
    return shell_room(sh, ROOM_DATA, sizeof(struct data_room), NULL);
}

void data_stopped(struct shell *sh)
{
    struct data_room *room = data_room(sh);
    struct moment now = debug_now(sh->debug);

    if (!room || (room->stops && !moment_compare(room->stop[room->stops - 1], now)))
        return;
    if (room->stops == STOPS_KEPT)
        memmove(room->stop, room->stop + 1, --room->stops * sizeof room->stop[0]);
    room->stop[room->stops++] = now;
}

bool data_unreadable(struct err *err, uint32_t addr)
{
    return err_set(err, ERR_USAGE, "cannot read memory at 0x%08x: it is not mapped", addr);
}

bool data_format(const char **args, struct data_format *f, struct err *err)
{
    const char *s = *args;
    unsigned long count = 0;

    if (*s != '/')
        return true;
    for (s++; isdigit((unsigned char)*s); s++) {
        count = 10 * count + (unsigned long)(*s - '0');
        f->counted = true;
        if (count > 100000)
            return err_set(err, ERR_USAGE, "that is more than 100000 of them");
    }
    if (f->counted)
        f->count = (unsigned)count;
    for (; *s && !isspace((unsigned char)*s); s++) {
        if (strchr("bhwg", *s))
            f->size = *s;
        else if (strchr("xduotcafszi", *s))
            f->letter = *s;
        else
            return err_set(err, ERR_USAGE,
                           "'%c' is no format: x d u o t c a f s z i, and sizes b h w g", *s);
    }
    while (isspace((unsigned char)*s))
        s++;
    *args = s;
    return true;
}

/* The value of an expression as text, NULL: err. With an empty expression the last of the history. */
static char *show(struct shell *sh, const char *args, bool remember, unsigned *number,
                  struct err *err)
{
    struct expr_session *x = shell_expressions(sh);
    struct data_format f = {.count = 1};
    struct value v;

    if (!data_format(&args, &f, err))
        return NULL;
    if (f.letter == 'i') {
        err_set(err, ERR_USAGE, "the format i is of x: `x/i ADDRESS`");
        return NULL;
    }
    if (f.counted || f.size) {
        err_set(err, ERR_USAGE, "counts and sizes are of x: `x/%u%cw ADDRESS`", f.count,
                f.letter ? f.letter : 'x');
        return NULL;
    }
    if (!expr_eval(x, *args ? args : "$", &v, err))
        return NULL;
    if (remember && type_kind(v.type) != TYPE_VOID && !(*number = expr_remember(x, &v, err)))
        return NULL;
    char *text = malloc(TEXT_BYTES);
    if (!text) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    struct value_format how = {.letter = f.letter};
    value_text(x, &v, &how, text, TEXT_BYTES);
    return text;
}

/* Setting something through an expression: say why it cannot be before it is tried, since what a
   callback says is one sentence for all reasons. */
static bool assigns(const char *s)
{
    for (char quote = 0; *s; s++) {
        if (quote) {
            if (*s == '\\' && s[1])
                s++;
            else if (*s == quote)
                quote = 0;
        } else if (*s == '"' || *s == '\'') {
            quote = *s;
        } else if ((*s == '+' || *s == '-') && s[1] == *s) {
            return true;
        } else if (*s == '=') {
            if (s[1] == '=')
                s++;
            else
                return true;
        } else if (strchr("<>!", *s) && s[1] == '=') {
            s++;
        } else if ((*s == '<' || *s == '>') && s[1] == *s) {
            s++;
        }
    }
    return false;
}

/* $name, which is no register: the shell's own, and always free to be set. */
static bool only_own_variable(struct shell *sh, const char *s)
{
    static const char *const registers[] = {"eax", "ecx", "edx",    "ebx", "esp", "ebp", "esi",
                                            "edi", "eip", "eflags", "pc",  "sp",  "fp"};
    size_t n;

    (void)sh;
    if (*s != '$')
        return false;
    n = 1 + strspn(s + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++)
        if (n - 1 == strlen(registers[i]) && !strncmp(s + 1, registers[i], n - 1))
            return false;
    return n > 1;
}

static bool may_assign(struct shell *sh, const char *expr, struct err *err)
{
    return !assigns(expr) || only_own_variable(sh, expr) || debug_may_change(sh->debug, err);
}

bool do_print(struct shell *sh, const char *args, struct err *err)
{
    unsigned number = 0;

    if (!may_assign(sh, args, err))
        return false;
    char *text = show(sh, args, true, &number, err);
    if (!text)
        return false;
    if (number)
        shell_print(sh, "$%u = ", number);
    shell_print(sh, "%s\n", text);
    free(text);
    return true;
}

bool do_output(struct shell *sh, const char *args, struct err *err)
{
    if (!*args)
        return err_set(err, ERR_USAGE, "output which expression?");
    if (!may_assign(sh, args, err))
        return false;
    char *text = show(sh, args, false, NULL, err);
    if (!text)
        return false;
    shell_print(sh, "%s", text);
    free(text);
    return true;
}

void data_display(struct shell *sh, const char *text)
{
    struct data_format f = {0};
    struct err err = {0};
    const char *expr = text;
    char line[320];

    if (data_format(&expr, &f, &err) &&
        (f.counted || f.size || f.letter == 'i' || f.letter == 's')) {
        shell_print(sh, "x%s\n", text);
        snprintf(line, sizeof line, "x%s", text);
        shell_run(sh, line);
        return;
    }
    char *value = show(sh, text, false, NULL, &err);
    shell_print(sh, "%s = %s\n", expr, value ? value : err.text);
    free(value);
}

bool do_set(struct shell *sh, const char *args, struct err *err)
{
    const char *expr = args;

    if (!strncmp(expr, "variable ", 9))
        expr += 9;
    else if (!strncmp(expr, "var ", 4))
        expr += 4;
    if (!*expr)
        return err_set(err, ERR_USAGE, "set what? `set var EXPR = VALUE`, `set $eax = 1`");
    if (!assigns(expr))
        return err_set(err, ERR_USAGE, "'%s' assigns nothing: `set var EXPR = VALUE`", expr);
    if (!may_assign(sh, expr, err))
        return false;
    struct value v;
    bool ok = expr_eval(shell_expressions(sh), expr, &v, err);
    /* What was unwound from the old registers and memory may be another stack now. */
    if (ok && !sh->frame_number)
        sh->frame_known = false;
    return ok;
}

bool do_whatis(struct shell *sh, const char *args, struct err *err)
{
    const struct type *t;
    char text[512];

    if (!*args)
        return err_set(err, ERR_USAGE, "whatis what?");
    if (!expr_type(shell_expressions(sh), args, &t, err))
        return false;
    type_text(t, text, sizeof text);
    shell_print(sh, "type = %s\n", text);
    return true;
}

bool do_ptype(struct shell *sh, const char *args, struct err *err)
{
    const struct type *t;
    char *text;

    if (!*args)
        return err_set(err, ERR_USAGE, "ptype of what?");
    if (!expr_type(shell_expressions(sh), args, &t, err))
        return false;
    text = malloc(TEXT_BYTES);
    if (!text)
        return err_set(err, ERR_SYSTEM, "out of memory");
    type_describe(t, text, TEXT_BYTES);
    shell_print(sh, "type = %s\n", text);
    free(text);
    return true;
}

/* ---- printf ---- */

/* The next argument: up to a comma that is in no parentheses and no text. */
static bool next_argument(const char **s, char *out, size_t size)
{
    unsigned depth = 0;
    char quote = 0;
    size_t n = 0;

    if (**s != ',')
        return false;
    for (++*s; **s; ++*s) {
        char c = **s;
        if (quote) {
            if (c == '\\' && (*s)[1]) {
                if (n + 1 < size)
                    out[n++] = c;
                c = *++*s;
            } else if (c == quote) {
                quote = 0;
            }
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (strchr("([{", c)) {
            depth++;
        } else if (strchr(")]}", c) && depth) {
            depth--;
        } else if (c == ',' && !depth) {
            break;
        }
        if (n + 1 < size)
            out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* A text of the guest's, or one that stands in the command. */
static bool text_of(struct shell *sh, const struct value *v, char *out, size_t size,
                    struct err *err)
{
    struct expr_session *x = sh->expr;
    uint32_t addr;
    size_t n = 0;

    if (v->place != VALUE_MEMORY && type_kind(v->type) == TYPE_ARRAY) {
        n = v->count < size - 1 ? v->count : size - 1;
        if (!value_bytes(x, v, 0, out, (uint32_t)n, err))
            return false;
        out[n] = '\0';
        return true;
    }
    if (!value_address(x, v, &addr, err))
        return false;
    for (; n + 1 < size; n++) {
        if (!debug_peek(sh->debug, addr + (uint32_t)n, out + n, 1))
            return data_unreadable(err, addr + (uint32_t)n);
        if (!out[n])
            return true;
    }
    out[n] = '\0';
    return true;
}

static char escape(const char **s)
{
    static const char from[] = "ntrabe0\\\"'", to[] = "\n\t\r\a\b\033\0\\\"'";
    const char *known = strchr(from, *++*s);

    return known && *known ? to[known - from] : **s;
}

/* One conversion, from its % on; *s is left behind it. */
static bool convert(struct shell *sh, const char **s, const char **rest, struct err *err)
{
    char spec[32] = "%", arg[512], text[4096];
    size_t n = 1;
    struct expr_session *x = shell_expressions(sh);
    struct value v;
    int64_t i;
    bool wide = false;

    for (++*s; **s && strchr("-+ #0123456789.", **s) && n < 20; ++*s)
        spec[n++] = **s;
    for (; **s == 'l' || **s == 'h' || **s == 'z'; ++*s)
        wide |= **s == 'l' && (*s)[1] == 'l';
    char letter = **s;
    if (!letter || !strchr("diuxXocspf%", letter))
        return err_set(err, ERR_USAGE, "%%%c is no conversion: %%d %%u %%x %%o %%c %%s %%p",
                       letter);
    ++*s;
    if (letter == '%') {
        shell_print(sh, "%%");
        return true;
    }
    if (strtoul(spec + 1 + strspn(spec + 1, "-+ #0"), NULL, 10) > 1000)
        return err_set(err, ERR_USAGE, "a field of more than 1000 letters");
    if (!next_argument(rest, arg, sizeof arg))
        return err_set(err, ERR_USAGE, "the format asks for more values than there are");
    if (!expr_eval(x, arg, &v, err))
        return false;
    if (letter == 's') {
        if (!text_of(sh, &v, text, sizeof text, err))
            return false;
        strcpy(spec + n, "s");
        shell_print(sh, spec, text); /* at most a width and a precision of ours */
        return true;
    }
    if (letter == 'f') {
        struct value_format how = {.letter = 0};
        value_text(x, &v, &how, text, sizeof text);
        shell_print(sh, "%s", text);
        return true;
    }
    if (!value_integer(x, &v, &i, err))
        return false;
    if (letter == 'c') {
        shell_print(sh, "%c", (int)i);
        return true;
    }
    if (letter == 'p') {
        shell_print(sh, "0x%08x", (unsigned)i);
        return true;
    }
    snprintf(spec + n, sizeof spec - n, "ll%c", letter);
    bool is_signed = letter == 'd' || letter == 'i';
    shell_print(sh, spec, wide ? i : is_signed ? (long long)(int32_t)i : (long long)(uint32_t)i);
    return true;
}

bool do_printf(struct shell *sh, const char *args, struct err *err)
{
    const char *s = args, *end;

    if (*s != '"')
        return err_set(err, ERR_USAGE, "printf \"FORMAT\", VALUES");
    for (end = ++s; *end && *end != '"'; end++)
        if (*end == '\\' && end[1])
            end++;
    if (!*end)
        return err_set(err, ERR_USAGE, "the format's end, a \", is missing");
    const char *rest = end + 1;
    while (isspace((unsigned char)*rest))
        rest++;
    while (s < end) {
        if (*s == '%') {
            if (!convert(sh, &s, &rest, err))
                return false;
        } else if (*s == '\\') {
            shell_print(sh, "%c", escape(&s));
            s++;
        } else {
            shell_print(sh, "%c", *s++);
        }
    }
    return !*rest || err_set(err, ERR_USAGE, "there are more values than the format asks for");
}
