/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conditions of stops. A condition is compiled once, as the body of a function whose global names are
 * looked up in an environment of its own: there an unknown name is a mistake, not nil, since a stop
 * that never hits because of a slip of the pen is the worst of answers.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct condition {
    struct script *script; /* NULL: the shell is gone */
    struct stop *stop;
    int function; /* in the registry */
    bool told;    /* of an error at run time */
    struct condition *next;
};

static const char environment_key; /* its address is the key in the registry */

/* As for gdb, the number 0 is not true. */
static bool is_true(lua_State *L, int at)
{
    return lua_isinteger(L, at) ? lua_tointeger(L, at) != 0 : lua_toboolean(L, at);
}

/* The chunk's name and line are no help: a condition has one line. */
static const char *without_place(const char *problem)
{
    unsigned line;
    int used = 0;

    return sscanf(problem, "condition:%u: %n", &line, &used) == 1 && used ? problem + used
                                                                          : problem;
}

static bool test(void *ctx, struct debug *d, const struct stop *stop, const struct event *e)
{
    struct condition *c = ctx;
    struct script *s = c->script;

    (void)d;
    if (!s)
        return false;
    lua_State *L = s->L;
    const struct event *event = s->event;
    const struct stop *of = s->stop;
    s->event = e;
    s->stop = stop;
    s->inside++;
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
    bool ok = sandbox_call(s, 0, 1, CALL_INSTRUCTIONS);
    bool hit = ok ? is_true(L, -1) : true;
    if (ok)
        lua_pop(L, 1);
    s->inside--;
    s->event = event;
    s->stop = of;
    if (!ok && !c->told) {
        c->told = true;
        shell_print(s->sh, "Error in the condition of stop %u: %s\n", stop->number,
                    without_place(s->problem));
    }
    return hit;
}

static void forget(void *ctx)
{
    struct condition *c = ctx;
    struct script *s = c->script;

    if (s) {
        struct condition **at = &s->conditions;
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
        luaL_unref(s->L, LUA_REGISTRYINDEX, c->function);
    }
    free(c);
}

/* What people write who think in C. */
static const char *hint(const char *text)
{
    static const struct {
        const char *c, *hint;
    } slips[] = {
        {"!=", " (Lua's 'not equal' is ~=)"},
        {"&&", " (Lua writes: and)"},
        {"||", " (Lua writes: or)"},
        {"->", " (C expressions go into eval(\"...\"))"},
        {"$", " (registers are reg.eax and so on)"},
        {"!", " (Lua writes: not)"},
        {"=", " (equal is ==)"},
    };

    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++)
        if (strstr(text, slips[i].c))
            return slips[i].hint;
    return "";
}

/* Take the function on the stack into the registry, with its environment. */
static int keep_function(lua_State *L)
{
    int *reference = lua_touserdata(L, 2);

    lua_rawgetp(L, LUA_REGISTRYINDEX, &environment_key);
    lua_setupvalue(L, 1, 1);
    lua_pushvalue(L, 1);
    *reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static bool compile(struct script *s, const char *text, int *function, struct err *err)
{
    lua_State *L = s->L;
    size_t n = strlen(text);
    char *code = malloc(n + 16);

    if (!code)
        return err_set(err, ERR_SYSTEM, "out of memory");
    int length = snprintf(code, n + 16, "return (%s\n)", text);
    bool ok = sandbox_load(s, code, (size_t)length, "=condition");
    free(code);
    if (!ok)
        return err_set(err, ERR_USAGE, "condition: %s%s", without_place(s->problem), hint(text));
    lua_pushcfunction(L, keep_function);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, function);
    return sandbox_call(s, 2, 0, CALL_INSTRUCTIONS) ||
           err_set(err, ERR_USAGE, "condition: %s", s->problem);
}

bool script_condition(struct script *s, struct stop *stop, const char *text, struct err *err)
{
    int function;

    while (*text == ' ')
        text++;
    if (!*text)
        return err_set(err, ERR_USAGE, "if what? A condition is Lua: `if args.pte & 2 ~= 0`");
    if (!compile(s, text, &function, err))
        return false;
    struct condition *c = malloc(sizeof *c);
    char *own = strdup(text);
    if (!c || !own) {
        luaL_unref(s->L, LUA_REGISTRYINDEX, function);
        free(c);
        free(own);
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    if (stop->test_free)
        stop->test_free(stop->test_ctx);
    free(stop->condition);
    *c = (struct condition){s, stop, function, false, s->conditions};
    s->conditions = c;
    stop->condition = own;
    stop->test = test;
    stop->test_ctx = c;
    stop->test_free = forget;
    return true;
}

/* The environment: first what does not change, by its own keys; then everything else. */
static int environment_index(lua_State *L)
{
    struct script *s = script_of(L);

    lua_pushglobaltable(L);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) == LUA_TSTRING && guest_push(L, s, lua_tostring(L, 2)))
        return 1;
    return luaL_error(L, "what is '%s'? `help conditions` tells what a condition sees",
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "that");
}

void condition_open(lua_State *L, struct script *s)
{
    static const char *const fixed[] = {"args", "reg", "e", "mem", "sym", "eval", "math", "string"};

    lua_newtable(L);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        lua_getglobal(L, fixed[i]);
        lua_setfield(L, -2, fixed[i]);
    }
    lua_newtable(L);
    script_function(L, s, "__index", environment_index);
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &environment_key);
}

void condition_close(struct script *s)
{
    for (struct condition *c = s->conditions; c; c = c->next)
        c->script = NULL;
    s->conditions = NULL;
}
