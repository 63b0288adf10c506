/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * args.NAME and e.NAME: an event, decoded when somebody asks and no further. A callback's `args` and `e`
 * are always the same two objects, which mean the event of the moment; so a condition that is false a
 * million times makes no garbage.
 */
#include <string.h>

#include "hv-models/hv.h"
#include "internal.h"

/* ---- arguments ---- */

static int unknown_argument(lua_State *L, const struct callee *c, const char *name)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (unsigned i = 0; i < c->arguments; i++) {
        luaL_addstring(&b, i ? ", " : "");
        luaL_addstring(&b, c->argument[i].name);
    }
    luaL_pushresult(&b);
    return luaL_error(L, "%s has no argument '%s'%s%s", c->name, name,
                      c->arguments ? ": it has " : ", nor any", lua_tostring(L, -1));
}

static void push_guest_text(lua_State *L, struct script *s, uint32_t at)
{
    char text[256];
    size_t n = 0;

    while (n < sizeof text && debug_peek(s->d, at + (uint32_t)n, text + n, 1) && text[n])
        n++;
    if (n || debug_peek(s->d, at, text, 1))
        lua_pushlstring(L, text, n);
    else
        lua_pushinteger(L, at);
}

/* Words of an event's own: "vector error cr2". */
static bool push_field(lua_State *L, const struct event *e, const char *name)
{
    const char *list = event_info[e->kind].fields;
    size_t length = strlen(name);

    for (unsigned i = 0; i < 4 && *list; i++) {
        size_t n = strcspn(list, " ");
        if (n == length && !memcmp(list, name, n)) {
            lua_pushinteger(L, e->a[i]);
            return true;
        }
        list += n;
        list += *list == ' ';
    }
    return false;
}

/* `live`: the machine is there still, so that texts can be read. */
static void push_value(lua_State *L, struct script *s, const struct argument *a,
                       const uint32_t *word, bool live)
{
    if (a->words == 2)
        lua_pushinteger(L, (lua_Integer)(word[a->word] | (uint64_t)word[a->word + 1] << 32));
    else if (a->text && live)
        push_guest_text(L, s, word[a->word]);
    else if (a->negative)
        lua_pushinteger(L, (int32_t)word[a->word]);
    else
        lua_pushinteger(L, word[a->word]);
}

int event_arguments(lua_State *L, struct script *s, const struct seen *kept)
{
    const struct callee *c = decode_callee(s, &kept->e);

    lua_newtable(L);
    for (unsigned i = 0; c && i < c->arguments; i++) {
        push_value(L, s, &c->argument[i], kept->word, false);
        lua_setfield(L, -2, c->argument[i].name);
    }
    return 1;
}

static int push_argument(lua_State *L, struct script *s, const struct event *e, const char *name)
{
    const struct callee *c = decode_callee(s, e);
    uint32_t word[WORDS_MAX];

    if (!c) {
        if (e && push_field(L, e, name))
            return 1;
        return luaL_error(
            L, e ? "this %s has no argument '%s'" : "%s calls nothing that has arguments: no '%s'",
            e ? event_info[e->kind].name : "this place", name);
    }
    for (unsigned i = 0; i < c->arguments; i++) {
        const struct argument *a = &c->argument[i];
        if (strcmp(a->name, name))
            continue;
        if (e && (e->kind == EVENT_hook_end || e->kind == EVENT_hypercall_end))
            return luaL_error(L, "the end of a call has no arguments any more, only e.result");
        decode_words(s, e, c, word);
        push_value(L, s, a, word, true);
        return 1;
    }
    return unknown_argument(L, c, name);
}

/* A callback's event; at the prompt the one at which the machine has stopped. */
static const struct event *present(struct script *s)
{
    const struct halt *h = debug_halt(s->d);

    if (s->event || s->inside)
        return s->event;
    return h->has_event && !moment_compare(h->at, debug_now(s->d)) ? &h->event : NULL;
}

static int args_index(lua_State *L)
{
    struct script *s = script_of(L);

    return push_argument(L, s, present(s), luaL_checkstring(L, 2));
}

static int read_only(lua_State *L)
{
    return luaL_error(L, "what has happened can not be changed");
}

/* ---- events ---- */

static void push_name(lua_State *L, struct script *s, const struct event *e)
{
    const struct callee *c = decode_callee(s, e);
    const struct hv_stage_site *stage = e->kind == EVENT_stage ? hv_stage_site(e->a[0]) : NULL;

    lua_pushstring(L, c ? c->name : stage ? stage->text : event_info[e->kind].name);
}

static void push_result(lua_State *L, struct script *s, const struct event *e)
{
    if (e->kind == EVENT_hook_end) {
        unsigned hook = debug_event_hook(s->d, e);
        const char *type = hook < hook_count ? hook_table[hook].result : "void";
        bool wide = !strcmp(type, "uint64_t") || !strcmp(type, "pte_t") || !strcmp(type, "pmd_t") ||
                    !strcmp(type, "pgd_t");
        if (!strcmp(type, "void"))
            lua_pushnil(L);
        else
            lua_pushinteger(L, (lua_Integer)(e->a[1] | (wide ? (uint64_t)e->a[2] << 32 : 0)));
    } else if (e->kind == EVENT_hypercall_end && e->a[1]) {
        lua_pushinteger(L, e->a[2]);
    } else {
        lua_pushnil(L);
    }
}

static void push_comm_of_task(lua_State *L, const struct event *e)
{
    char comm[13] = "";

    memcpy(comm, &e->a[1], 12);
    lua_pushstring(L, comm);
}

bool event_field(lua_State *L, struct script *s, const struct event *e, const char *name)
{
    if (!strcmp(name, "kind"))
        lua_pushstring(L, event_info[e->kind].name);
    else if (!strcmp(name, "name"))
        push_name(L, s, e);
    else if (!strcmp(name, "cycle"))
        lua_pushinteger(L, (lua_Integer)e->cycle);
    else if (!strcmp(name, "eip"))
        lua_pushinteger(L, e->eip);
    else if (!strcmp(name, "ring"))
        lua_pushinteger(L, e->cpl);
    else if (!strcmp(name, "result"))
        push_result(L, s, e);
    else if (!strcmp(name, "comm") && e->kind == EVENT_task)
        push_comm_of_task(L, e);
    else
        return push_field(L, e, name);
    return true;
}

static int current_index(lua_State *L)
{
    struct script *s = script_of(L);
    const char *name = luaL_checkstring(L, 2);
    const struct event *e = present(s);

    if (!e)
        return luaL_error(L, "there is no event here, so no e.%s", name);
    if (!strcmp(name, "args")) {
        lua_getglobal(L, "args");
        return 1;
    }
    if (event_field(L, s, e, name))
        return 1;
    return luaL_error(L, "a %s event has no '%s'", event_info[e->kind].name, name);
}

void event_open(lua_State *L, struct script *s)
{
    lua_pushglobaltable(L);
    script_object(L, s, args_index, read_only, "arguments");
    lua_setfield(L, -2, "args");
    script_object(L, s, current_index, read_only, "event");
    lua_setfield(L, -2, "e");
    lua_pop(L, 1);
}
