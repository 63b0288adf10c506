/* SPDX-License-Identifier: GPL-2.0-only */
/* What a script can do: run commands, and ask where the machine has stopped. */
#include <stdlib.h>
#include <string.h>

#include "debugger/command/internal.h"
#include "internal.h"

struct catch
{
    char *text;
    size_t n, room;
    char error[500];
    struct shell_front front;
};

#define OUTPUT_MAX (16u << 20)

static void take(void *ctx, const char *text, size_t n)
{
    struct catch *c = ctx;

    if (c->n + n + 1 > OUTPUT_MAX)
        return;
    if (c->n + n + 1 > c->room) {
        size_t room = 2 * (c->n + n + 1);
        char *more = realloc(c->text, room);
        if (!more)
            return;
        c->text = more;
        c->room = room;
    }
    memcpy(c->text + c->n, text, n);
    c->n += n;
}

static void take_error(void *ctx, const char *text)
{
    struct catch *c = ctx;

    snprintf(c->error, sizeof c->error, "%s", text);
}

/* command("line"): what it printed, as text; a command that fails is an error. */
static int command(lua_State *L)
{
    struct script *s = script_of(L);
    const char *line = luaL_checkstring(L, 1);
    struct catch c = {.front = {.write = take, .error = take_error}};

    if (s->inside)
        return luaL_error(L,
                          "the machine is running: a condition or handler looks, it does not act");
    if (s->depth == 8)
        return luaL_error(L, "commands that run Lua that runs commands, too deeply");
    c.front.ctx = &c;
    if (!s->depth)
        s->front = s->sh->front;
    s->depth++;
    bool limited = s->limited;
    bool ok = shell_run_to(s->sh, line, &c.front);
    s->depth--;
    s->limited = false; /* what was caught must get to Lua, or to free() */
    lua_pushlstring(L, ok || !c.error[0] ? (c.text ? c.text : "") : c.error,
                    ok || !c.error[0] ? c.n : strlen(c.error));
    s->limited = limited;
    free(c.text);
    return ok ? 1 : lua_error(L);
}

static const char *const why_name[] = {
    [HALT_NONE] = "none",   [HALT_STEP] = "step",
    [HALT_STOP] = "stop",   [HALT_INTERRUPTED] = "interrupted",
    [HALT_GOAL] = "goal",   [HALT_ENDED] = "ended",
    [HALT_LIMIT] = "limit", [HALT_BEGINNING] = "beginning",
    [HALT_ASKED] = "asked", [HALT_RECORDED] = "recorded",
};

/* stopped(): {why, stop, cycle, past, inside, event} */
static int stopped(lua_State *L)
{
    struct script *s = script_of(L);
    const struct halt *h = debug_halt(s->d);

    lua_newtable(L);
    lua_pushstring(L, why_name[h->why]);
    lua_setfield(L, -2, "why");
    lua_pushinteger(L, (lua_Integer)debug_now(s->d).cycle);
    lua_setfield(L, -2, "cycle");
    lua_pushboolean(L, debug_in_past(s->d));
    lua_setfield(L, -2, "past");
    lua_pushboolean(L, debug_inside(s->d));
    lua_setfield(L, -2, "inside");
    if (h->why == HALT_STOP && h->stop) {
        lua_pushinteger(L, h->stop);
        lua_setfield(L, -2, "stop");
    }
    if (h->has_event) {
        lua_pushstring(L, event_info[h->event.kind].name);
        lua_setfield(L, -2, "event");
    }
    return 1;
}

static int stops(lua_State *L)
{
    struct script *s = script_of(L);
    lua_Integer n = 0;

    lua_newtable(L);
    for (struct stop *x = debug_stop_next(s->d, NULL); x; x = debug_stop_next(s->d, x)) {
        lua_newtable(L);
        lua_pushinteger(L, x->number);
        lua_setfield(L, -2, "number");
        lua_pushstring(L, stop_kind_name[x->kind]);
        lua_setfield(L, -2, "kind");
        lua_pushstring(L, x->what);
        lua_setfield(L, -2, "what");
        lua_pushboolean(L, x->enabled);
        lua_setfield(L, -2, "enabled");
        lua_pushinteger(L, (lua_Integer)x->hits);
        lua_setfield(L, -2, "hits");
        lua_pushstring(L, x->condition);
        lua_setfield(L, -2, "condition");
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

void powers_open(lua_State *L, struct script *s)
{
    script_function(L, s, "command", command);
    script_function(L, s, "stopped", stopped);
    script_function(L, s, "stops", stops);
}
