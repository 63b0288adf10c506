/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that are about Lua; debugger/script does the work. */
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
