/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that are about Lua; debugger/script does the work. */
#include <inttypes.h>
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
    if (!script_rules_file(s, args, err))
        return false;
    unsigned now = script_rules(s, &names);
    shell_print(sh, "%s: %u rule%s\n", args, now - before, now - before == 1 ? "" : "s");
    uint64_t at = script_broken_at(s);
    if (shell_tell_rules(sh, false))
        shell_print(sh, "This has happened already: `goto %" PRIu64 "` leads there.\n", at);
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

/* ---- help that is no command's ---- */

bool do_help_conditions(struct shell *sh, const char *args, struct err *err)
{
    (void)args, (void)err;
    shell_print(
        sh,
        "A condition is an expression of Lua: break hook set_pte if args.pte & 2 ~= 0 and pid > 1\n"
        "  args.NAME      an argument of the hook, hypercall or system call, by its name in the "
        "catalogue;\n"
        "                 of another event: its words (args.vector, args.port)\n"
        "  e.NAME         the event: kind, name, cycle, eip, ring, its words, result\n"
        "  reg.NAME       eax ... edi, eip, eflags, cs ... ss, cr0, cr2, cr3, cr4\n"
        "  mem.u8(ADDRESS), u16, u32, u64, text(ADDRESS), bytes(ADDRESS, N)\n"
        "  sym(\"NAME\")    the address of a symbol\n"
        "  eval(\"C\")      an expression of C: eval(\"current->pid\")\n"
        "  pid comm ring eip cycle hits\n"
        "Not equal is ~=, and words are `and`, `or`, `not`. The number 0 is not true, as in C. All "
        "numbers "
        "are\nunsigned but those that the catalogue calls int. An error stops the guest there, and "
        "is told "
        "once.\n");
    return true;
}

bool do_help_rules(struct shell *sh, const char *args, struct err *err)
{
    (void)args, (void)err;
    shell_print(sh, "A file of rules is Lua. rule(\"what must be so\", { ... }) with one of\n"
                    "  never = P, where = fn                   no such event\n"
                    "  after = P, expect = P [, before = P] [, within = CYCLES] [, unless = P]\n"
                    "         [, where = fn] [, key = fn]      each must be followed by one\n"
                    "  on = P, needs = P [, since = P]         each must be preceded by one\n"
                    "  at = P, always = fn                     fn(e) is true there\n"
                    "  opens = P, closes = P [, key = fn]      they come in turn\n"
                    "P names events, or is a list of such texts: \"hook:set_pte\" "
                    "\"hook_end:set_pte\" \"hypercall:*\"\n"
                    "\"exit:fault\" \"vector:14\" \"irq\" \"syscall:fork\" \"stage:validate\" "
                    "\"switch\" \"event:io_out\". A "
                    "function gets\nthe event e, as in conditions. on(P, fn) hears events, "
                    "fail(\"text\", keep(e)) says that "
                    "something is broken.\n");
    return true;
}
