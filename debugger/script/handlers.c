/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions of Lua's over the event stream: on() of scripts and rules. What a pattern chooses is what a
 * stop of that kind and name would stop at; so the filter of each handler is such a stop, never armed.
 * A handler looks at the machine in the middle of its run, and may ask it to stop.
 */
#include <stdlib.h>
#include <string.h>

#include "debugger/trace_view.h"
#include "internal.h"

struct handler {
    struct stop *filter;
    int function; /* in the registry */
    struct handler *next;
};

/* ---- calling them ---- */

static void complain(struct script *s, const struct handler *h)
{
    if (s->broken[0])
        return;
    snprintf(s->broken, sizeof s->broken, "Error in the handler of %s: %s\n", h->filter->what,
             s->problem);
    s->is_error = true;
}

/* The handlers from this one on. True: one of them asks for a stop. */
static bool tell(struct script *s, const struct handler *h, const struct event *e)
{
    const struct event *outer = s->event;
    bool stop = false;

    s->event = e;
    s->inside++;
    for (; h; h = h->next) {
        if (!debug_stop_matches(s->d, h->filter, e))
            continue;
        lua_rawgeti(s->L, LUA_REGISTRYINDEX, h->function);
        lua_rawgeti(s->L, LUA_REGISTRYINDEX, s->current);
        if (!sandbox_call(s, 1, 1, CALL_INSTRUCTIONS)) {
            complain(s, h);
            stop = true;
            continue;
        }
        stop |= lua_toboolean(s->L, -1);
        lua_pop(s->L, 1);
    }
    s->inside--;
    s->event = outer;
    return stop || s->broken[0];
}

static bool see(void *ctx, const struct event *e)
{
    struct script *s = ctx;

    return tell(s, s->handlers, e);
}

/* What was heard beyond now has not happened. */
static void cut(void *ctx)
{
    script_call(ctx, "cut");
}

static void listen(struct script *s, struct err *err)
{
    struct debug_listener *l = &s->listener;

    if (s->listening)
        debug_listener_remove(s->d, l);
    struct moment told = l->told;
    uint32_t there = l->told_there;
    *l = (struct debug_listener){.see = see, .cut = cut, .ctx = s};
    for (const struct handler *h = s->handlers; h; h = h->next) {
        l->kinds |= h->filter->kinds;
        for (unsigned i = 0; i < STOP_SET_BITS / 64; i++)
            if (h->filter->kind == STOP_HOOK || h->filter->kind == STOP_EVENT)
                l->hooks[i] |= h->filter->any ? UINT64_MAX : h->filter->set[i];
    }
    s->listening = s->handlers && debug_listener_add(s->d, l, err);
    if (told.cycle) {
        l->told = told;
        l->told_there = there;
    }
}

/* ---- what has happened already ---- */

static void see_past(void *ctx, const struct event *e)
{
    struct script *s = ctx;

    if (!s->broken[0])
        tell(s, s->newest, e);
}

const struct handler *handlers_last(const struct script *s)
{
    const struct handler *h = s->handlers;

    while (h && h->next)
        h = h->next;
    return h;
}

bool handlers_hear_past(struct script *s, const struct handler *last, struct err *err)
{
    struct moment beginning = {0, 0, MOMENT_BOUNDARY}, now = debug_now(s->d);

    s->newest = last ? last->next : s->handlers;
    if (!s->newest || !now.cycle)
        return true;
    bool ok = debug_replay(s->d, beginning, now, debug_kernel(s->d) != NULL, see_past, s, err);
    s->listener.told = now;
    s->listener.told_there = UINT32_MAX;
    return ok;
}

/* ---- patterns ---- */

static bool parse(struct script *s, const char *pattern, struct stop **out, struct err *err)
{
    char category[24];
    const char *colon = strchr(pattern, ':');
    const char *name = colon && strcmp(colon, ":*") ? colon + 1 : "";
    uint64_t instead = 0;
    enum stop_kind kind = STOP_KINDS;

    snprintf(category, sizeof category, "%.*s", (int)strcspn(pattern, ":"), pattern);
    if (!strcmp(category, "hook_end") || !strcmp(category, "hypercall_end")) {
        instead = 1ull << (category[1] == 'o' ? EVENT_hook_end : EVENT_hypercall_end);
        kind = category[1] == 'o' ? STOP_HOOK : STOP_HYPERCALL;
    }
    if (!strcmp(category, "task"))
        kind = STOP_SWITCH;
    for (unsigned k = STOP_HOOK; k <= STOP_EVENT; k++)
        if (!strcmp(category, stop_kind_name[k]))
            kind = k;
    if (!strcmp(pattern, "*") || !strcmp(category, "event"))
        kind = STOP_EVENT;
    if (kind == STOP_KINDS && !colon) { /* an event by its own name: "fault", "io_out" */
        kind = STOP_EVENT;
        name = category;
    }
    if (kind == STOP_KINDS)
        return err_set(err, ERR_USAGE,
                       "'%s': the kinds are hook, hook_end, hypercall, hypercall_end, stage, exit, "
                       "vector, irq, switch, syscall, event",
                       pattern);
    /* A rule for several models names calls that this one need not have. */
    if (kind == STOP_HYPERCALL && !s->hypercalls) {
        *out = NULL;
        return true;
    }
    *out = debug_stop_new(s->d, kind, name, err);
    if (*out && instead)
        (*out)->kinds = instead;
    return *out;
}

static int on(lua_State *L)
{
    struct script *s = script_of(L);
    const char *pattern = luaL_checkstring(L, 1);
    struct stop *filter = NULL;
    struct err err = {0};

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (s->inside)
        return luaL_error(L, "on: not while the machine runs");
    if (!parse(s, pattern, &filter, &err))
        return luaL_error(L, "%s", err.text);
    if (!filter)
        return 0;
    lua_settop(L, 2);
    int function = luaL_ref(L, LUA_REGISTRYINDEX);
    struct handler *h = malloc(sizeof *h), **end = &s->handlers;
    if (!h) {
        debug_stop_delete(s->d, filter);
        return luaL_error(L, "out of memory");
    }
    *h = (struct handler){filter, function, NULL};
    while (*end)
        end = &(*end)->next;
    *end = h;
    listen(s, &err);
    if (!s->listening)
        return luaL_error(L, "%s", err.text);
    return 0;
}

void handlers_forget(struct script *s)
{
    if (s->listening)
        debug_listener_remove(s->d, &s->listener);
    s->listening = false;
    s->listener = (struct debug_listener){0};
    while (s->handlers) {
        struct handler *next = s->handlers->next;
        if (s->L)
            luaL_unref(s->L, LUA_REGISTRYINDEX, s->handlers->function);
        debug_stop_delete(s->d, s->handlers->filter);
        free(s->handlers);
        s->handlers = next;
    }
}

/* ---- kept events ---- */

#define SEEN "kept event"

static int keep(lua_State *L)
{
    struct script *s = script_of(L);
    struct source_task task;

    if (luaL_testudata(L, 1, SEEN))
        return 1;
    if (!s->event)
        return luaL_error(L, "keep: there is no event here");
    struct seen *k = lua_newuserdatauv(L, sizeof *k, 0);
    *k = (struct seen){.e = *s->event};
    const struct callee *c = decode_callee(s, s->event);
    if (c)
        decode_words(s, s->event, c, k->word);
    k->has_words = true;
    if (k->e.kind == EVENT_task) {
        k->has_task = true;
        k->pid = k->e.a[0];
        memcpy(k->comm, &k->e.a[1], 12);
    } else if (source_task(s->d, &task)) {
        k->has_task = true;
        k->pid = task.pid;
        memcpy(k->comm, task.comm, sizeof k->comm);
    }
    luaL_setmetatable(L, SEEN);
    return 1;
}

static int seen_index(lua_State *L)
{
    struct script *s = script_of(L);
    const struct seen *k = luaL_checkudata(L, 1, SEEN);
    const char *name = luaL_checkstring(L, 2);

    if (!strcmp(name, "args"))
        return event_arguments(L, s, k);
    if (!strcmp(name, "pid") && k->has_task)
        lua_pushinteger(L, k->pid);
    else if (!strcmp(name, "comm") && k->has_task)
        lua_pushstring(L, k->comm);
    else if (!event_field(L, s, &k->e, name))
        return luaL_error(L, "a %s event has no '%s'", event_info[k->e.kind].name, name);
    return 1;
}

/* Feed the view what comes before the event in the stream: the arguments that it has no room for. */
static void feed_words(struct trace_view *v, const struct seen *k)
{
    struct trace_row none;
    struct event more = k->e;

    if (k->e.kind == EVENT_hook) {
        more.kind = EVENT_hook_stack;
        memcpy(&more.a[1], &k->word[3], 2 * sizeof more.a[0]);
        trace_view_event(v, &more, &none);
    } else if (k->e.kind == EVENT_hypercall || k->e.kind == EVENT_softint) {
        unsigned first = k->e.kind == EVENT_hypercall ? 3 : 0;
        more.kind = EVENT_args;
        for (unsigned i = first; i < 6; i += 4) {
            for (unsigned j = 0; j < 4; j++)
                more.a[j] = i + j < WORDS_MAX ? k->word[i + j] : 0;
            trace_view_event(v, &more, &none);
        }
    }
}

static struct trace_view *view_of(struct script *s)
{
    const struct kernel *k = debug_kernel(s->d);
    struct sites sites = {0};
    struct err err = {0};

    if (s->view || !(s->view = trace_view_new()))
        return s->view;
    if (k)
        sites_read(k, &sites, &err); /* a kernel of somebody else's has none: no matter */
    trace_names(debug_machine(s->d), k, &sites, trace_view_put, s->view);
    sites_free(&sites);
    return s->view;
}

static void seen_text(struct script *s, const struct seen *k, char *text, size_t size)
{
    struct trace_view *v = view_of(s);
    struct trace_row row;
    char task[40] = "";

    if (k->has_task)
        snprintf(task, sizeof task, "%s:%u", k->comm, k->pid);
    if (v) {
        trace_view_forget(v);
        feed_words(v, k);
    }
    if (!v || !trace_view_event(v, &k->e, &row)) {
        event_format(&k->e, text, size);
        return;
    }
    if (row.alias[0] && !strcmp(row.name, "int")) { /* "0x80 fork()" */
        const char *call = strchr(row.detail, ' ');
        snprintf(text, size, "%12llu  %-16s syscall %s  %s", (unsigned long long)k->e.cycle, task,
                 call ? call + 1 : row.detail, row.function);
        return;
    }
    snprintf(text, size, "%12llu  %-16s %s %s%s%s%s%s  %s", (unsigned long long)k->e.cycle, task,
             row.category, row.alias[0] ? row.alias : row.name, row.detail[0] == '(' ? "" : " ",
             row.detail, row.result[0] ? " = " : "", row.result, row.at[0] ? row.at : row.function);
}

static int seen_tostring(lua_State *L)
{
    char text[900];

    seen_text(script_of(L), luaL_checkudata(L, 1, SEEN), text, sizeof text);
    lua_pushstring(L, text);
    return 1;
}

/* ---- a broken rule ---- */

/* fail(text, event...) */
static int fail(lua_State *L)
{
    struct script *s = script_of(L);
    const char *what = luaL_checkstring(L, 1);

    if (s->broken[0])
        return 0; /* the first is what counts: others may follow from it */
    size_t used = (size_t)snprintf(s->broken, sizeof s->broken, "Rule broken: %.200s\n", what);
    for (int i = 2; i <= lua_gettop(L) && used < sizeof s->broken; i++) {
        const struct seen *k = luaL_testudata(L, i, SEEN);
        char text[900];
        if (!k)
            continue;
        seen_text(s, k, text, sizeof text);
        used += (size_t)snprintf(s->broken + used, sizeof s->broken - used, "%s\n", text);
    }
    s->broken_at = s->event ? s->event->cycle : debug_now(s->d).cycle;
    return 0;
}

static int named(lua_State *L)
{
    struct script *s = script_of(L);
    const char *name = luaL_checkstring(L, 1);
    char **more = realloc(s->rule, (s->rules + 1) * sizeof *more);

    if (more)
        s->rule = more;
    if (!more || !(s->rule[s->rules] = strdup(name)))
        return luaL_error(L, "out of memory");
    s->rules++;
    return 0;
}

void handlers_open(lua_State *L, struct script *s)
{
    luaL_newmetatable(L, SEEN);
    script_function(L, s, "__index", seen_index);
    script_function(L, s, "__tostring", seen_tostring);
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_getglobal(L, "e");
    s->current = luaL_ref(L, LUA_REGISTRYINDEX);
    /* Into the table on top of the stack. */
    script_function(L, s, "on", on);
    script_function(L, s, "keep", keep);
    script_function(L, s, "fail", fail);
    script_function(L, s, "named", named);
}
