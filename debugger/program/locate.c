/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what a person types to addresses. A function is meant in all its copies, a line in every
 * function that has code for it, once each; of a line without code the next one that has is meant.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/suggest.h"

#define SPOTS_MAX 4096u

struct spots {
    struct spot *spot;
    uint32_t n;
};

static int by_address(const void *a, const void *b)
{
    const struct spot *x = a, *y = b;

    return (x->addr > y->addr) - (x->addr < y->addr);
}

static void add(struct program *p, struct spots *s, uint32_t addr)
{
    struct place at;

    for (uint32_t i = 0; i < s->n; i++)
        if (s->spot[i].addr == addr)
            return;
    struct spot *x = grow((void **)&s->spot, &s->n, sizeof *x, SPOTS_MAX);
    if (!x)
        return;
    x->addr = addr;
    if (!program_at(p, addr, &at))
        return;
    x->file = at.file;
    x->line = at.line;
    if (at.depth)
        x->function = at.function[at.depth - 1].name;
    x->inlined = at.depth > 1;
}

/* "sched.c" and "kernel/sched.c" are "guest/kernel/sched.c". */
bool file_matches(const char *file, const char *wanted)
{
    size_t n = strlen(file), w = strlen(wanted);

    return w && w <= n && !strcmp(file + n - w, wanted) &&
           (w == n || file[n - w - 1] == '/' || wanted[0] == '/');
}

static bool in_file(const struct program *p, uint32_t file, const char *wanted)
{
    return file < p->files &&
           (file_matches(p->file[file].name, wanted) || file_matches(p->file[file].full, wanted));
}

/* ---- functions ---- */

static void find_function(struct program *p, const char *file, const char *name, struct spots *out)
{
    for (uint32_t i = 0; i < p->scopes; i++) {
        const struct scope *s = &p->scope[i];
        if (!s->name || strcmp(s->name, name) || (file && !in_file(p, s->file, file)))
            continue;
        add(p, out, s->kind == SCOPE_FUNCTION ? program_prologue_end(p, s->entry) : s->entry);
    }
    if (file || out->n)
        return;
    unsigned n;
    const struct kernel_symbol *s = kernel_symbols(p->symbols, &n);
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(s[i].name, name) && s[i].function)
            add(p, out, program_prologue_end(p, s[i].addr));
    /* A label of assembler code, which has neither type nor size. */
    for (unsigned i = 0; i < n && !out->n; i++)
        if (!strcmp(s[i].name, name) && !s[i].size)
            add(p, out, s[i].addr);
}

static bool offer(void *ctx, const char *name)
{
    suggest_offer(ctx, name);
    return true;
}

static void no_such(struct program *p, unsigned kinds, const char *what, const char *name,
                    struct err *err)
{
    struct suggestion s = {.typed = name};

    program_complete(p, kinds, "", offer, &s);
    if (s.best)
        err_set(err, ERR_USAGE, "no %s '%s' in %s; did you mean '%s'?", what, name, program_name(p),
                s.best);
    else
        err_set(err, ERR_USAGE, "no %s '%s' in %s", what, name, program_name(p));
}

/* ---- lines ---- */

/* The line itself if it has code, else the first one after it that has; 0: none. */
static uint32_t nearest_line(const struct program *p, const char *file, uint32_t line)
{
    uint32_t best = 0;

    for (uint32_t i = 0; i < p->rows; i++) {
        const struct row *r = &p->row[i];
        if ((r->flags & (ROW_STMT | ROW_END)) == ROW_STMT && r->line >= line &&
            (!best || r->line < best) && in_file(p, r->file, file))
            best = r->line;
    }
    return best;
}

static uint32_t innermost(const struct program *p, uint32_t addr)
{
    uint32_t chain[PLACE_DEPTH];
    unsigned n = scope_chain(p, addr, chain);

    return n ? chain[n - 1] : NONE;
}

struct seen {
    uint32_t *scope;
    uint32_t n;
};

static void line_at_row(struct program *p, const struct row *r, struct seen *seen,
                        struct spots *out)
{
    uint32_t scope = innermost(p, r->addr);

    for (uint32_t j = 0; scope != NONE && j < seen->n; j++)
        if (seen->scope[j] == scope)
            return;
    uint32_t *x = grow((void **)&seen->scope, &seen->n, sizeof *x, SPOTS_MAX);
    if (x)
        *x = scope;
    bool entry =
        scope != NONE && p->scope[scope].kind == SCOPE_FUNCTION && p->scope[scope].entry == r->addr;
    add(p, out, entry ? program_prologue_end(p, r->addr) : r->addr);
}

/* The rows of a loop's head are many: its beginning comes first, the others are left out. A copy that
   the compiler put inline may have no recommended stop of its own; it is meant all the same. */
static void find_line(struct program *p, const char *file, uint32_t line, struct spots *out)
{
    struct seen seen = {0};
    uint32_t best = nearest_line(p, file, line);

    for (unsigned pass = 0; best && pass < 2; pass++)
        for (uint32_t i = 0; i < p->rows; i++) {
            const struct row *r = &p->row[i];
            uint32_t scope;
            if (r->flags & ROW_END || r->line != best || !in_file(p, r->file, file))
                continue;
            if (r->flags & ROW_STMT ||
                (pass && (scope = innermost(p, r->addr)) != NONE &&
                 p->scope[scope].kind == SCOPE_INLINED && p->scope[scope].entry == r->addr))
                line_at_row(p, r, &seen, out);
        }
    free(seen.scope);
}

static bool has_file(const struct program *p, const char *file)
{
    for (uint32_t i = 0; i < p->files; i++)
        if (in_file(p, i, file))
            return true;
    return false;
}

static bool number(const char *text, int base, uint32_t *value)
{
    char *end;
    unsigned long long v = strtoull(text, &end, base);

    if (text[0] < '0' || text[0] > '9' || *end || v > UINT32_MAX)
        return false;
    *value = (uint32_t)v;
    return true;
}

static void parse(struct program *p, const char *where, const char *default_file, struct spots *out,
                  struct err *err)
{
    const char *colon = strrchr(where, ':');
    char file[512];
    uint32_t value;

    if (where[0] == '*') {
        if (!number(where + 1, 0, &value))
            err_set(err, ERR_USAGE, "'%s': an address behind '*' is a number like 0xc0101234",
                    where);
        else if (!program_covers(p, value))
            err_set(err, ERR_USAGE, "0x%x is outside of %s", value, program_name(p));
        else
            add(p, out, value);
        return;
    }
    if (!colon && !number(where, 10, &value)) {
        find_function(p, NULL, where, out);
        if (!out->n)
            no_such(p, NAMES_FUNCTIONS, "function", where, err);
        return;
    }
    if (colon && (size_t)(colon - where) < sizeof file) {
        memcpy(file, where, (size_t)(colon - where));
        file[colon - where] = '\0';
    } else if (default_file && !colon) {
        snprintf(file, sizeof file, "%s", default_file);
    } else {
        err_set(err, ERR_USAGE, "'%s': of which file? Say FILE:%s", where, where);
        return;
    }
    if (!p->rows) {
        err_set(err, ERR_USAGE, "%s has no line information%s", program_name(p),
                debug_supported() ? " (compile with -g)"
                                  : ": this program was built without libdw");
        return;
    }
    if (!has_file(p, file)) {
        no_such(p, NAMES_FILES, "source file", file, err);
        return;
    }
    const char *rest = colon ? colon + 1 : where;
    if (number(rest, 10, &value)) {
        find_line(p, file, value, out);
        if (!out->n)
            err_set(err, ERR_USAGE, "no code at or after line %s of %s", rest, file);
        return;
    }
    find_function(p, file, rest, out);
    if (!out->n)
        err_set(err, ERR_USAGE, "no function '%s' in %s", rest, file);
}

unsigned program_locate(struct program *p, const char *where, const char *default_file,
                        struct spot *out, unsigned max, struct err *err)
{
    struct spots found = {0};

    while (*where == ' ')
        where++;
    if (!*where) {
        err_set(err, ERR_USAGE, "no place was named");
        return 0;
    }
    parse(p, where, default_file, &found, err);
    if (found.n)
        qsort(found.spot, found.n, sizeof *found.spot, by_address);
    for (uint32_t i = 0; i < found.n && i < max; i++)
        out[i] = found.spot[i];
    free(found.spot);
    return found.n;
}

/* ---- completion ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint32_t base_names(const struct program *p, unsigned kind, const char **to)
{
    uint32_t n = 0;
    unsigned symbols;
    const struct kernel_symbol *s = kernel_symbols(p->symbols, &symbols);

    if (kind == NAMES_FUNCTIONS)
        for (uint32_t i = 0; i < p->scopes; i++)
            if (p->scope[i].name)
                to[n++] = p->scope[i].name;
    if (kind == NAMES_FUNCTIONS || kind == NAMES_VARIABLES)
        for (unsigned i = 0; i < symbols; i++)
            if (s[i].function == (kind == NAMES_FUNCTIONS) && s[i].name[0] != '.')
                to[n++] = s[i].name;
    if (kind == NAMES_VARIABLES)
        for (uint32_t i = 0; i < p->globals; i++)
            to[n++] = p->var[p->global[i]].name;
    if (kind == NAMES_TYPES)
        for (uint32_t i = 0; i < p->type_names; i++)
            to[n++] = p->type_name[i].name;
    if (kind == NAMES_FILES)
        for (uint32_t i = 0; i < p->files; i++)
            to[n++] = p->file[i].name;
    return n;
}

static void make_names(struct program *p, unsigned bit)
{
    unsigned symbols;

    kernel_symbols(p->symbols, &symbols);
    size_t most = (size_t)p->scopes + symbols + p->globals + p->type_names + p->files + 1;
    const char **name = malloc(most * sizeof *name);
    p->has_names[bit] = true;
    if (!name)
        return;
    uint32_t n = base_names(p, 1u << bit, name), kept = 0;
    if (n)
        qsort(name, n, sizeof *name, by_name);
    for (uint32_t i = 0; i < n; i++)
        if (!kept || strcmp(name[kept - 1], name[i]))
            name[kept++] = name[i];
    p->names[bit] = name;
    p->n_names[bit] = kept;
}

void program_complete(struct program *p, unsigned kinds, const char *prefix,
                      bool (*each)(void *ctx, const char *name), void *ctx)
{
    uint32_t at[4] = {0};
    size_t n = strlen(prefix);

    for (unsigned b = 0; b < 4; b++) {
        if (!(kinds & 1u << b))
            continue;
        if (!p->has_names[b])
            make_names(p, b);
        while (at[b] < p->n_names[b] && strncmp(p->names[b][at[b]], prefix, n) < 0)
            at[b]++;
    }
    for (const char *last = NULL;;) {
        const char *next = NULL;
        unsigned from = 0;
        for (unsigned b = 0; b < 4; b++) {
            if (!(kinds & 1u << b) || at[b] >= p->n_names[b] ||
                strncmp(p->names[b][at[b]], prefix, n) != 0)
                continue;
            if (!next || strcmp(p->names[b][at[b]], next) < 0) {
                next = p->names[b][at[b]];
                from = b;
            }
        }
        if (!next)
            return;
        at[from]++;
        if (last && !strcmp(last, next))
            continue;
        last = next;
        if (!each(ctx, next))
            return;
    }
}
