/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that are about Lua; debugger/script does the work. */
#include <jansson.h>
#include <string.h>

#include "debugger/script/script.h"
#include "internal.h"

struct room {
    struct script *script;
};

static void leave_room(void *data)
{
    struct room *r = data;

    script_free(r->script);
}

/* Lua costs a moment and a megabyte: it is there when somebody asks for it. */
static struct script *script(struct shell *sh, struct err *err)
{
    struct room *r = shell_room(sh, ROOM_SCRIPT, sizeof *r, leave_room);

    if (!r) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    if (!r->script)
        r->script = script_new(sh, err);
    return r->script;
}

bool shell_condition(struct shell *sh, struct stop *stop, const char *text, struct err *err)
{
    struct script *s = script(sh, err);

    return s && script_condition(s, stop, text, err);
}

bool shell_lua_file(struct shell *sh, const char *path, struct err *err)
{
    struct script *s = script(sh, err);

    return s && script_file(s, path, err);
}

bool do_lua(struct shell *sh, const char *args, struct err *err)
{
    struct script *s = script(sh, err);

    if (!*args)
        return err_set(err, ERR_USAGE,
                       "lua what? `lua reg.eax` shows a value, `lua x = 3` runs code");
    return s && script_run(s, args, err);
}

/* ---- rules ---- */

bool do_rule(struct shell *sh, const char *args, struct err *err)
{
    struct script *s = script(sh, err);
    const char *const *names;

    if (!s)
        return false;
    if (!*args)
        return do_info_rules(sh, args, err);
    if (!strcmp(args, "off")) {
        script_forget_rules(s);
        shell_print(sh, "There are no rules and no handlers any more.\n");
        return true;
    }
    unsigned before = script_rules(s, &names);
    if (!script_file(s, args, err))
        return false;
    unsigned now = script_rules(s, &names);
    shell_print(sh, "%s: %u rule%s\n", args, now - before, now - before == 1 ? "" : "s");
    return true;
}

bool do_info_rules(struct shell *sh, const char *args, struct err *err)
{
    struct script *s = script(sh, err);
    const char *const *names;

    if (!s)
        return false;
    unsigned n = script_rules(s, &names);
    if (shell_json(sh, &args)) {
        json_t *all = json_array();
        for (unsigned i = 0; i < n; i++)
            json_array_append_new(all, json_string(names[i]));
        shell_print_json(sh, all);
        return true;
    }
    for (unsigned i = 0; i < n; i++)
        shell_print(sh, "%s\n", names[i]);
    if (!n)
        shell_print(sh, "There are no rules: `rule FILE.lua` reads some.\n");
    return true;
}

bool shell_tell_rules(struct shell *sh, bool ended)
{
    const struct room *r = shell_room(sh, ROOM_SCRIPT, sizeof *r, leave_room);
    bool is_error;

    if (!r || !r->script)
        return false;
    if (ended)
        script_ended(r->script);
    const char *text = script_broken(r->script, &is_error);
    if (!text)
        return false;
    shell_shade(sh, SHADE_WARN);
    shell_print(sh, "%.*s", (int)strcspn(text, "\n"), text);
    shell_shade(sh, SHADE_PLAIN);
    shell_print(sh, "%s", text + strcspn(text, "\n"));
    script_mended(r->script);
    return true;
}
