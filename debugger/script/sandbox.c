/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walls of the sandbox. Three things end code that does not end by itself: a count of Lua's
 * instructions, an allocator that says no, and, for the few library functions whose work is done in C,
 * where no instruction is counted, a look at their arguments beforehand.
 *
 * Some of Lua runs where the count is switched off: finalizers, and handlers of errors. So there is
 * no __gc, and no xpcall.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define COUNT_EVERY 1000
/* Steps that a pattern may take in the worst case, and elements that a call may touch. */
#define PATTERN_STEPS 1e10
#define ELEMENTS_MAX  10000000

static void *allocate(void *ctx, void *old, size_t old_size, size_t size)
{
    struct script *s = ctx;
    size_t before = old ? old_size : 0; /* of a new one, old_size is its type */

    if (!size) {
        s->bytes -= before;
        free(old);
        return NULL;
    }
    if (s->limited && size > before && s->bytes + (size - before) > SCRIPT_BYTES)
        return NULL;
    void *new = realloc(old, size);
    if (new)
        s->bytes += size - before;
    return new;
}

static struct script *script_from_registry(lua_State *L)
{
    struct script *s;

    lua_getallocf(L, (void **)&s);
    return s;
}

static void count(lua_State *L, lua_Debug *at)
{
    struct script *s = script_from_registry(L);

    (void)at;
    s->left -= COUNT_EVERY;
    if (s->left > 0 && !s->over)
        return;
    /* From now on at each instruction: a pcall() in a loop could catch one such error, not all. */
    if (!s->over)
        lua_sethook(L, count, LUA_MASKCOUNT, 1);
    s->over = true;
    luaL_error(L, "this does not come to an end: stopped after very many instructions");
}

static void take_problem(struct script *s, int status)
{
    lua_State *L = s->L;

    if (status == LUA_ERRMEM)
        snprintf(s->problem, sizeof s->problem, "more memory than the %u MiB that Lua may have",
                 SCRIPT_BYTES >> 20);
    else if (lua_type(L, -1) == LUA_TSTRING)
        snprintf(s->problem, sizeof s->problem, "%s", lua_tostring(L, -1));
    else
        snprintf(s->problem, sizeof s->problem, "an error that is a %s", luaL_typename(L, -1));
    lua_pop(L, 1);
}

bool sandbox_call(struct script *s, int args, int results, int64_t instructions)
{
    lua_State *L = s->L;
    int64_t left = s->left;
    bool limited = s->limited, over = s->over;

    s->left = instructions;
    s->limited = true;
    s->over = false;
    int status = lua_pcall(L, args, results, 0);
    s->limited = false;
    if (status != LUA_OK) {
        take_problem(s, status);
        if (s->over)
            lua_sethook(L, count, LUA_MASKCOUNT, COUNT_EVERY);
        if (status == LUA_ERRMEM || s->over)
            lua_gc(L, LUA_GCCOLLECT);
    }
    s->left = left;
    s->limited = limited;
    s->over = over;
    return status == LUA_OK;
}

bool sandbox_do(struct script *s, lua_CFunction fn, void *arg)
{
    lua_pushcfunction(s->L, fn);
    lua_pushlightuserdata(s->L, arg);
    return sandbox_call(s, 1, 0, SCRIPT_INSTRUCTIONS);
}

bool sandbox_load(struct script *s, const char *text, size_t n, const char *name)
{
    bool limited = s->limited;

    s->limited = true;
    int status = luaL_loadbufferx(s->L, text, n, name, "t");
    s->limited = limited;
    if (status != LUA_OK)
        take_problem(s, status);
    return status == LUA_OK;
}

/* ---- library functions whose arguments are looked at; upvalue 2 is the original ---- */

static int pass_on(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/*
 * A pattern with q repetitions can try all ways to share a text of n letters among them: about n^q / q!
 */
static int careful_match(lua_State *L)
{
    size_t n, m, q = 0;
    double steps;

    luaL_checklstring(L, 1, &n);
    const char *p = luaL_checklstring(L, 2, &m);
    steps = (double)n;
    for (size_t i = 0; i < m; i++)
        if (p[i] == '%')
            i++;
        else if (strchr("*+-?", p[i]) && p[i])
            steps *= (double)(n + 1) / (double)++q;
    if (steps > PATTERN_STEPS)
        return luaL_error(L, "a pattern with %d repetitions could take for ever on %d letters",
                          (int)q, (int)n);
    return pass_on(L);
}

static int careful_rep(lua_State *L)
{
    size_t n, separator = 0;

    luaL_checklstring(L, 1, &n);
    if (!lua_isnoneornil(L, 3))
        luaL_checklstring(L, 3, &separator);
    if (luaL_checkinteger(L, 2) > ELEMENTS_MAX)
        return luaL_error(L, "a text repeated more than %d times", ELEMENTS_MAX);
    return pass_on(L);
}

/* Without a metatable a table is as long as it is. */
static int careful_table(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__len") != LUA_TNIL ||
        luaL_getmetafield(L, 1, "__index") != LUA_TNIL ||
        luaL_getmetafield(L, 1, "__newindex") != LUA_TNIL)
        return luaL_error(L, "not with a table that has a metatable");
    return pass_on(L);
}

static int careful_move(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);

    if (to >= from && (uint64_t)to - (uint64_t)from > ELEMENTS_MAX)
        return luaL_error(L, "more than %d elements", ELEMENTS_MAX);
    return pass_on(L);
}

static int careful_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "there is no __gc here");
        lua_pop(L, 1);
    }
    return pass_on(L);
}

/* Without the address, which would be another one in the next run. */
static int plain_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    int type = lua_type(L, 1);
    bool named = luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL;

    if (named || type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
        type == LUA_TSTRING)
        luaL_tolstring(L, 1, NULL);
    else
        lua_pushstring(L, lua_typename(L, type));
    return 1;
}

/* %p, and %s of what has no text, would tell an address. */
static int careful_format(lua_State *L)
{
    const char *f = luaL_checkstring(L, 1);

    while ((f = strchr(f, '%'))) {
        f += 1 + strspn(f + 1, "-+ #0123456789.");
        if (*f == 'p')
            return luaL_error(L, "string.format: there is no %%p here");
        f += *f != '\0';
    }
    for (int i = 2; i <= lua_gettop(L); i++) {
        int type = lua_type(L, i);
        if (type != LUA_TTABLE && type != LUA_TFUNCTION && type != LUA_TUSERDATA)
            continue;
        lua_pushcfunction(L, plain_tostring);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        lua_replace(L, i);
    }
    return pass_on(L);
}

static void put(struct script *s, const char *text)
{
    if (!s->depth)
        shell_print(s->sh, "%s", text);
    else if (s->front.write)
        s->front.write(s->front.ctx, text, strlen(text));
}

static int print(lua_State *L)
{
    struct script *s = script_of(L);
    int n = lua_gettop(L);

    for (int i = 1; i <= n; i++) {
        lua_pushcfunction(L, plain_tostring);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        if (i > 1)
            put(s, "\t");
        put(s, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    put(s, "\n");
    return 0;
}

static const struct {
    const char *library, *name;
    lua_CFunction fn; /* NULL: taken away */
} changes[] = {
    {"_G", "dofile", NULL},
    {"_G", "loadfile", NULL},
    {"_G", "load", NULL},
    {"_G", "require", NULL},
    {"_G", "collectgarbage", NULL},
    {"_G", "xpcall", NULL},
    {"_G", "warn", NULL},
    {"_G", "setmetatable", careful_setmetatable},
    {"_G", "tostring", plain_tostring},
    {"_G", "print", print},
    {"string", "dump", NULL},
    {"string", "format", careful_format},
    {"string", "rep", careful_rep},
    {"string", "find", careful_match},
    {"string", "match", careful_match},
    {"string", "gmatch", careful_match},
    {"string", "gsub", careful_match},
    {"table", "insert", careful_table},
    {"table", "remove", careful_table},
    {"table", "sort", careful_table},
    {"table", "concat", careful_table},
    {"table", "unpack", careful_table},
    {"table", "move", careful_move},
    {"math", "randomseed", NULL},
};

static void change(lua_State *L, struct script *s)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        lua_getglobal(L, changes[i].library);
        if (changes[i].fn) {
            lua_pushlightuserdata(L, s);
            lua_getfield(L, -2, changes[i].name);
            lua_pushcclosure(L, changes[i].fn, 2);
        } else {
            lua_pushnil(L);
        }
        lua_setfield(L, -2, changes[i].name);
        lua_pop(L, 1);
    }
}

/* prelude.lua, as bytes. */
static const unsigned char prelude[] = {
#include "prelude.inc"
};

static int fill(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    static const luaL_Reg library[] = {{"_G", luaopen_base},
                                       {"string", luaopen_string},
                                       {"table", luaopen_table},
                                       {"math", luaopen_math}};

    for (size_t i = 0; i < sizeof library / sizeof library[0]; i++) {
        luaL_requiref(L, library[i].name, library[i].func, 1);
        lua_pop(L, 1);
    }
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, 1); /* every session has the same numbers */
    lua_call(L, 1, 0);
    lua_pop(L, 1);
    change(L, s);
    guest_open(L, s);
    event_open(L, s);
    lua_newtable(L);
    handlers_open(L, s);
    powers_open(L, s);
    if (luaL_loadbufferx(L, (const char *)prelude, sizeof prelude, "=prelude", "t") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
    s->host = luaL_ref(L, LUA_REGISTRYINDEX);
    condition_open(L, s);
    return 0;
}

bool sandbox_open(struct script *s, struct err *err)
{
    s->L = lua_newstate(allocate, s);
    if (!s->L)
        return err_set(err, ERR_SYSTEM, "out of memory");
    lua_sethook(s->L, count, LUA_MASKCOUNT, COUNT_EVERY);
    return sandbox_do(s, fill, s) || err_set(err, ERR_SYSTEM, "Lua: %s", s->problem);
}

void script_object(lua_State *L, struct script *s, lua_CFunction index, lua_CFunction newindex,
                   const char *name)
{
    lua_newuserdatauv(L, 0, 0);
    lua_newtable(L);
    script_function(L, s, "__index", index);
    script_function(L, s, "__newindex", newindex);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
