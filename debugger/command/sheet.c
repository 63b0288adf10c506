/* SPDX-License-Identifier: GPL-2.0-only */
/* See sheet.h. */
#include "sheet.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 12u

struct sheet {
    char *column[COLUMNS_MAX];
    unsigned columns, at;
    size_t width[COLUMNS_MAX];
    bool right[COLUMNS_MAX]; /* all its cells are numbers */
    json_t *rows;            /* an array of objects */
    char **cell;             /* what a person sees; rows * columns */
    size_t cells, room;
    bool lost; /* no memory for all of it */
};

struct sheet *sheet_new(const char *columns)
{
    struct sheet *t = calloc(1, sizeof *t);

    if (!t || !(t->rows = json_array())) {
        free(t);
        return NULL;
    }
    while (*columns && t->columns < COLUMNS_MAX) {
        size_t n = strcspn(columns, " ");
        t->right[t->columns] = true;
        t->width[t->columns] = n;
        t->column[t->columns++] = strndup(columns, n);
        columns += n;
        columns += *columns == ' ';
    }
    return t;
}

void sheet_drop(struct sheet *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < t->columns; i++)
        free(t->column[i]);
    for (size_t i = 0; i < t->cells; i++)
        free(t->cell[i]);
    free(t->cell);
    json_decref(t->rows);
    free(t);
}

/* Letters, not bytes: text may be UTF-8. */
static size_t letters(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

static void put(struct sheet *t, json_t *value, const char *text, bool number)
{
    if (t->at == 0)
        json_array_append_new(t->rows, json_object());
    if (t->cells == t->room) {
        size_t room = t->room ? 2 * t->room : 256;
        char **more = realloc(t->cell, room * sizeof *more);
        if (!more) {
            t->lost = true;
            json_decref(value);
            return;
        }
        t->cell = more;
        t->room = room;
    }
    char *copy = strdup(text);
    if (!copy) {
        t->lost = true;
        json_decref(value);
        return;
    }
    t->cell[t->cells++] = copy;
    if (letters(text) > t->width[t->at])
        t->width[t->at] = letters(text);
    if (!number && text[0])
        t->right[t->at] = false;
    json_object_set_new(json_array_get(t->rows, json_array_size(t->rows) - 1), t->column[t->at],
                        value ? value : json_null());
    t->at = (t->at + 1) % t->columns;
}

void sheet_text(struct sheet *t, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (!t)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    /* A guest's bytes need not be UTF-8; JSON has to be. */
    json_t *value = json_string(text);
    for (char *s = text; !value && *s; s++)
        if (*s & 0x80)
            *s = '?';
    put(t, value ? value : json_string(text), text, false);
}

void sheet_number(struct sheet *t, uint64_t n, const char *fmt)
{
    char text[64];

    if (!t)
        return;
    snprintf(text, sizeof text, fmt, (unsigned long long)n);
    put(t, n > INT64_MAX ? json_string(text) : json_integer((json_int_t)n), text, true);
}

void sheet_address(struct sheet *t, uint32_t addr)
{
    sheet_number(t, addr, "0x%08llx");
}

void sheet_bool(struct sheet *t, bool value)
{
    if (t)
        put(t, json_boolean(value), value ? "yes" : "no", false);
}

void sheet_none(struct sheet *t)
{
    if (t)
        put(t, NULL, "", false);
}

unsigned sheet_rows(const struct sheet *t)
{
    return t ? (unsigned)(t->cells / t->columns) : 0;
}

static void pad(struct shell *sh, size_t n)
{
    shell_print(sh, "%*s", (int)n, "");
}

static void print_row(struct shell *sh, const struct sheet *t, char *const *cell, bool heading)
{
    unsigned last = t->columns;

    while (last > 1 && !heading && !cell[last - 1][0])
        last--;
    for (unsigned i = 0; i < last; i++) {
        const char *text = cell[i];
        size_t free_room = t->width[i] - letters(text);
        if (t->right[i])
            pad(sh, free_room);
        for (const char *s = text; heading && *s; s++)
            shell_print(sh, "%c", *s == '_' ? ' ' : *s);
        if (!heading)
            shell_print(sh, "%s", text);
        if (i + 1 < last)
            pad(sh, 2 + (t->right[i] ? 0 : free_room));
    }
    shell_print(sh, "\n");
}

void *sheet_take(struct sheet *t)
{
    json_t *rows = t ? json_incref(t->rows) : json_array();

    sheet_drop(t);
    return rows;
}

bool sheet_print(struct shell *sh, struct sheet *t, bool json, const char *what, const char *empty)
{
    if (!t)
        return false;
    if (json) {
        shell_print_json(sh, json_pack("{s:O}", what, t->rows));
    } else if (!t->cells) {
        shell_print(sh, "%s\n", empty);
    } else {
        shell_shade(sh, SHADE_TITLE);
        print_row(sh, t, t->column, true);
        shell_shade(sh, SHADE_PLAIN);
        for (size_t i = 0; i + t->columns <= t->cells; i += t->columns)
            print_row(sh, t, &t->cell[i], false);
        if (t->lost)
            shell_print(sh, "(there is more: out of memory)\n");
    }
    sheet_drop(t);
    return true;
}

bool info_plain(struct shell *sh, const char *args, bool *json, struct err *err)
{
    *json = shell_json(sh, &args);
    return !*args || err_set(err, ERR_USAGE, "'%s': nothing but --json is expected here", args);
}
