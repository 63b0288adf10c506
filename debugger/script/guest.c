/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Lua sees of the guest where it stands: reg.eax, mem.u32(address), sym("name"), eval("C
 * expression"), and the names that are looked up each time: cycle, pid, comm, ring, eip, hits. They
 * read; whoever wants to write says so by a command.
 */
#include <string.h>

#include "debugger/command/internal.h"
#include "emu/suggest.h"
#include "internal.h"

/* ---- reg ---- */

static int reg_index(lua_State *L)
{
    struct script *s = script_of(L);
    const char *name = luaL_checkstring(L, 2);
    uint64_t value;
    unsigned bits;

    if (!shell_register(s->sh, name, &value, &bits))
        return luaL_error(L, "there is no register '%s'", name);
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

static int reg_newindex(lua_State *L)
{
    return luaL_error(L, "registers are not written from here: command(\"set $%s = ...\") does it",
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "eax");
}

/* ---- mem ---- */

static uint32_t address(lua_State *L, int at)
{
    lua_Integer v = luaL_checkinteger(L, at);

    if (v < INT32_MIN || v > UINT32_MAX)
        luaL_argerror(L, at, "an address has 32 bits");
    return (uint32_t)v;
}

static int peek_number(lua_State *L, unsigned bytes)
{
    struct script *s = script_of(L);
    uint32_t at = address(L, 1);
    uint64_t value = 0;

    if (!debug_peek(s->d, at, &value, bytes)) {
        char text[64];
        snprintf(text, sizeof text, "mem.u%u: nothing is mapped at 0x%08x", bytes * 8, at);
        return luaL_error(L, "%s", text);
    }
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

static int lua_mem_u8(lua_State *L)
{
    return peek_number(L, 1);
}

static int lua_mem_u16(lua_State *L)
{
    return peek_number(L, 2);
}

static int lua_mem_u32(lua_State *L)
{
    return peek_number(L, 4);
}

static int lua_mem_u64(lua_State *L)
{
    return peek_number(L, 8);
}

/* mem.bytes(address, n) */
static int lua_mem_bytes(lua_State *L)
{
    struct script *s = script_of(L);
    uint32_t at = address(L, 1);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_Buffer b;

    luaL_argcheck(L, n >= 0 && n <= 1 << 20, 2, "0 to 1048576 bytes");
    char *to = luaL_buffinitsize(L, &b, (size_t)n);
    if (!debug_peek(s->d, at, to, (uint32_t)n))
        return luaL_error(L, "mem.bytes: not all of it is mapped");
    luaL_pushresultsize(&b, (size_t)n);
    return 1;
}

static void push_text(lua_State *L, struct script *s, uint32_t at, size_t max)
{
    char text[4096];
    size_t n = 0;

    if (max > sizeof text)
        max = sizeof text;
    while (n < max && debug_peek(s->d, at + (uint32_t)n, text + n, 1) && text[n])
        n++;
    lua_pushlstring(L, text, n);
}

/* mem.text(address [, most]): up to its zero */
static int lua_mem_text(lua_State *L)
{
    lua_Integer max = luaL_optinteger(L, 2, 4096);

    luaL_argcheck(L, max >= 0, 2, "not negative");
    push_text(L, script_of(L), address(L, 1), (size_t)max);
    return 1;
}

/* ---- names ---- */

static int sym(lua_State *L)
{
    struct script *s = script_of(L);
    const char *name = luaL_checkstring(L, 1);
    struct programs l = source_programs(s->d);
    struct suggestion near = {.typed = name};

    for (unsigned i = 0; i < l.n; i++) {
        const struct kernel *k = program_symbols(l.list[i]);
        const struct kernel_symbol *found = k ? kernel_find(k, name) : NULL;
        if (found) {
            lua_pushinteger(L, found->addr);
            return 1;
        }
    }
    for (unsigned i = 0; i < l.n; i++) {
        unsigned n = 0;
        const struct kernel *k = program_symbols(l.list[i]);
        const struct kernel_symbol *all = k ? kernel_symbols(k, &n) : NULL;
        for (unsigned j = 0; j < n; j++)
            suggest_offer(&near, all[j].name);
    }
    return luaL_error(L, "no program here has a symbol '%s'%s%s%s", name,
                      near.best ? "; did you mean '" : "", near.best ? near.best : "",
                      near.best ? "'?" : "");
}

static bool get_register(void *ctx, const char *name, uint64_t *value, unsigned *bits)
{
    struct script *s = ctx;

    return shell_register(s->sh, name, value, bits);
}

/* Another session than the prompt's: no memory and no register can be written through it. */
static struct expr_session *reading_session(struct script *s)
{
    struct expr_host host = {.memory = source_memory(s->d), .get_register = get_register, .ctx = s};

    host.memory.write = NULL;
    if (!s->expr)
        s->expr = expr_session_new(&host);
    return s->expr;
}

/* A number, if it is one; else the text that `print` would show. */
static int eval(lua_State *L)
{
    struct script *s = script_of(L);
    const char *expression = luaL_checkstring(L, 1);
    struct expr_session *x = reading_session(s);
    struct programs l = source_programs(s->d);
    struct program_memory m = source_memory(s->d);
    struct frame f = source_frame(s->d), caller;
    struct err err = {0}, none = {0};
    struct value v;
    char text[4096];
    int64_t number;

    if (!x)
        return luaL_error(L, "out of memory");
    frame_unwind(l, &m, &f, &caller, &none);
    expr_look_from(x, l, &f, DEPTH_INNERMOST);
    if (!expr_eval(x, expression, &v, &err))
        return luaL_error(L, "%s", err.text);
    if (v.type && type_kind(v.type) != TYPE_STRUCT && type_kind(v.type) != TYPE_UNION &&
        type_kind(v.type) != TYPE_ARRAY && value_integer(x, &v, &number, &none)) {
        lua_pushinteger(L, number);
        return 1;
    }
    value_text(x, &v, NULL, text, sizeof text);
    lua_pushstring(L, text);
    return 1;
}

/* ---- what changes ---- */

static bool push_task(lua_State *L, struct script *s, bool name)
{
    struct source_task task;

    if (!source_task(s->d, &task))
        lua_pushnil(L);
    else if (name)
        lua_pushstring(L, task.comm);
    else
        lua_pushinteger(L, task.pid);
    return true;
}

static bool push_pid(lua_State *L, struct script *s)
{
    return push_task(L, s, false);
}

static bool push_comm(lua_State *L, struct script *s)
{
    return push_task(L, s, true);
}

static bool push_cycle(lua_State *L, struct script *s)
{
    lua_pushinteger(L, (lua_Integer)cpu_now(debug_machine(s->d)->domain->cpu));
    return true;
}

static bool push_ring(lua_State *L, struct script *s)
{
    lua_pushinteger(L, cpu_cpl(debug_machine(s->d)->domain->cpu));
    return true;
}

static bool push_eip(lua_State *L, struct script *s)
{
    lua_pushinteger(L, cpu_eip(debug_machine(s->d)->domain->cpu));
    return true;
}

static bool push_hits(lua_State *L, struct script *s)
{
    if (!s->stop)
        return false;
    lua_pushinteger(L, (lua_Integer)s->stop->hits);
    return true;
}

static const struct {
    const char *name;
    bool (*push)(lua_State *L, struct script *s);
} changing[] = {
    {"cycle", push_cycle}, {"pid", push_pid}, {"comm", push_comm},
    {"ring", push_ring},   {"eip", push_eip}, {"hits", push_hits},
};

bool guest_push(lua_State *L, struct script *s, const char *name)
{
    for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++)
        if (!strcmp(name, changing[i].name))
            return changing[i].push(L, s);
    return false;
}

static int global_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING || !guest_push(L, script_of(L), lua_tostring(L, 2)))
        lua_pushnil(L);
    return 1;
}

void guest_open(lua_State *L, struct script *s)
{
    static const luaL_Reg memory[] = {{"u8", lua_mem_u8},       {"u16", lua_mem_u16},
                                      {"u32", lua_mem_u32},     {"u64", lua_mem_u64},
                                      {"bytes", lua_mem_bytes}, {"text", lua_mem_text}};

    lua_pushglobaltable(L);
    script_object(L, s, reg_index, reg_newindex, "registers");
    lua_setfield(L, -2, "reg");
    lua_newtable(L);
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        script_function(L, s, memory[i].name, memory[i].func);
    lua_setfield(L, -2, "mem");
    script_function(L, s, "sym", sym);
    script_function(L, s, "eval", eval);
    lua_newtable(L);
    script_function(L, s, "__index", global_index);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}
