/* SPDX-License-Identifier: GPL-2.0-only */
/* From nothing to a sandbox, and code run in it. */
#include <stdlib.h>
#include <string.h>

#include "debugger/trace_view.h"
#include "internal.h"

struct script *script_new(struct shell *sh, struct err *err)
{
    struct script *s = calloc(1, sizeof *s);

    if (!s) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    s->sh = sh;
    s->d = shell_debug(sh);
    if (decode_open(s, err) && sandbox_open(s, err))
        return s;
    script_free(s);
    return NULL;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    condition_close(s);
    handlers_forget(s);
    while (s->rules)
        free(s->rule[--s->rules]);
    free(s->rule);
    trace_view_free(s->view);
    if (s->L)
        lua_close(s->L);
    if (s->expr)
        expr_session_free(s->expr);
    decode_close(s);
    free(s);
}

/* Show what the code returned, as an interactive Lua does. */
static int show(lua_State *L)
{
    if (!lua_gettop(L))
        return 0;
    lua_getglobal(L, "print");
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

static bool call_and_show(struct script *s, struct err *err)
{
    lua_State *L = s->L;
    int base = lua_gettop(L) - 1;

    if (!sandbox_call(s, 0, LUA_MULTRET, SCRIPT_INSTRUCTIONS))
        return err_set(err, ERR_USAGE, "%s", s->problem);
    int results = lua_gettop(L) - base;
    if (!results)
        return true;
    if (!lua_checkstack(L, 1)) {
        lua_settop(L, base);
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    lua_pushcfunction(L, show);
    lua_insert(L, base + 1);
    return sandbox_call(s, results, 0, SCRIPT_INSTRUCTIONS) ||
           err_set(err, ERR_USAGE, "%s", s->problem);
}

bool script_run(struct script *s, const char *code, struct err *err)
{
    size_t n = strlen(code);
    char *value = malloc(n + 8);

    if (!value)
        return err_set(err, ERR_SYSTEM, "out of memory");
    /* As a value first: `lua reg.eax` shows it. */
    int length = snprintf(value, n + 8, "return %s", code);
    bool ok = sandbox_load(s, value, (size_t)length, "=lua") || sandbox_load(s, code, n, "=lua");
    free(value);
    return ok ? call_and_show(s, err) : err_set(err, ERR_USAGE, "%s", s->problem);
}

#define FILE_MAX (4u << 20)

bool script_file(struct script *s, const char *path, struct err *err)
{
    FILE *f = fopen(path, "r");
    char *text = malloc(FILE_MAX), name[300];

    if (!f || !text) {
        free(text);
        if (f)
            fclose(f);
        return err_set(err, f ? ERR_SYSTEM : ERR_FILE, "%s: %s", path,
                       f ? "out of memory" : "cannot be read");
    }
    size_t n = fread(text, 1, FILE_MAX, f);
    bool whole = n < FILE_MAX && !ferror(f), ok;
    fclose(f);
    snprintf(name, sizeof name, "@%.290s", path);
    if (!whole)
        ok = err_set(err, ERR_FILE, "%s: cannot be read, or longer than 4 MiB", path);
    else if (!sandbox_load(s, text, n, name))
        ok = err_set(err, ERR_FILE, "%s", s->problem);
    else
        ok = call_and_show(s, err);
    free(text);
    return ok;
}

/* ---- rules ---- */

bool script_call(struct script *s, const char *name)
{
    lua_State *L = s->L;

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->host);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    return sandbox_call(s, 0, 0, SCRIPT_INSTRUCTIONS);
}

bool script_rules_file(struct script *s, const char *path, struct err *err)
{
    const struct handler *last = handlers_last(s);

    return script_file(s, path, err) && handlers_hear_past(s, last, err);
}

uint64_t script_broken_at(const struct script *s)
{
    return s->broken_at;
}

const char *script_broken(const struct script *s, bool *is_error)
{
    *is_error = s->is_error;
    return s->broken[0] ? s->broken : NULL;
}

void script_mended(struct script *s)
{
    s->broken[0] = '\0';
    s->is_error = false;
}

void script_ended(struct script *s)
{
    if (!script_call(s, "ended")) {
        snprintf(s->broken, sizeof s->broken, "Error at the end of the rules: %s\n", s->problem);
        s->is_error = true;
    }
}

unsigned script_rules(const struct script *s, const char *const **names)
{
    *names = (const char *const *)s->rule;
    return s->rules;
}

void script_forget_rules(struct script *s)
{
    handlers_forget(s);
    script_call(s, "forget");
    while (s->rules)
        free(s->rule[--s->rules]);
    script_mended(s);
}
