/* SPDX-License-Identifier: GPL-2.0-only */
/* Help, and what the front end does for itself. */
#include <ctype.h>
#include <string.h>

#include "emu/suggest.h"
#include "internal.h"

static const struct shell_group groups[] = {
    {"running", "running forward"},
    {"backward", "running backward"},
    {"stops", "stopping"},
    {"data", "looking at the guest"},
    {"views", "looking at both sides of the boundary"},
    {"time", "checkpoints, recordings, other futures"},
    {"trace", "tracing and statistics"},
    {"script", "Lua: conditions, scripts, rules"},
    {"gdb", "with gdb"},
    {"support", "the debugger itself"},
    {NULL, NULL},
};

const struct shell_group *shell_groups(void)
{
    return groups;
}

static void help_group(struct shell *sh, const char *name)
{
    unsigned n;
    const struct shell_command *c = shell_commands(&n);

    for (unsigned i = 0; i < n; i++)
        if (!strcmp(c[i].group, name))
            shell_print(sh, "  %-18s %-4s %s\n", c[i].name,
                        strchr(c[i].alias, ' ') ? "" : c[i].alias, c[i].summary);
}

static void help_all(struct shell *sh)
{
    for (size_t i = 0; groups[i].name; i++) {
        shell_shade(sh, SHADE_TITLE);
        shell_print(sh, "%s\n", groups[i].title);
        shell_shade(sh, SHADE_PLAIN);
        help_group(sh, groups[i].name);
    }
    shell_print(
        sh,
        "`help COMMAND` tells more. Commands may be cut short; an empty line repeats the last "
        "one.\n"
        "A first walk: break hook set_pte, continue, step, step, where, anatomy, reverse-step.\n");
}

static void help_command(struct shell *sh, const struct shell_command *c)
{
    shell_shade(sh, SHADE_TITLE);
    shell_print(sh, "%s %s\n", c->name, c->usage);
    shell_shade(sh, SHADE_PLAIN);
    shell_print(sh, "  %c%s.", toupper((unsigned char)c->summary[0]), c->summary + 1);
    if (c->alias[0])
        shell_print(sh, " Short: %s.", c->alias);
    shell_print(sh, "%s%s\n", c->help[0] ? "\n  " : "", c->help);
}

/* `info` and its like: the commands that begin with that word, a line each. */
static unsigned help_family(struct shell *sh, const char *word)
{
    unsigned n, told = 0;
    const struct shell_command *c = shell_commands(&n);
    size_t letters = strlen(word);

    for (unsigned i = 0; i < n; i++)
        if (!strncmp(word, c[i].name, letters) && c[i].name[letters] == ' ') {
            shell_print(sh, "  %-20s %-5s %s\n", c[i].name, c[i].alias, c[i].summary);
            told++;
        }
    return told;
}

bool do_help(struct shell *sh, const char *args, struct err *err)
{
    unsigned n;
    const struct shell_command *c = shell_commands(&n);
    struct suggestion near = {.typed = args};
    bool found = false;

    if (!*args) {
        help_all(sh);
        return true;
    }
    for (size_t i = 0; groups[i].name; i++)
        if (!strcmp(args, groups[i].name)) {
            help_group(sh, groups[i].name);
            found = true;
        }
    for (unsigned i = 0; i < n; i++) {
        suggest_offer(&near, c[i].name);
        if (!strcmp(args, c[i].name) || (c[i].alias[0] && !strcmp(args, c[i].alias))) {
            help_command(sh, &c[i]);
            found = true;
        }
    }
    if (help_family(sh, strcmp(args, "i") ? args : "info"))
        found = true;
    return found || err_set(err, ERR_USAGE, "there is no command or group '%s'%s%s%s", args,
                            near.best ? "; did you mean '" : "", near.best ? near.best : "",
                            near.best ? "'?" : "");
}

bool do_source(struct shell *sh, const char *args, struct err *err)
{
    if (!*args)
        return err_set(err, ERR_USAGE, "source which file?");
    size_t n = strlen(args);
    if (n > 4 && !strcmp(args + n - 4, ".lua"))
        return shell_lua_file(sh, args, err);
    return shell_source(sh, args);
}

bool do_echo(struct shell *sh, const char *args, struct err *err)
{
    static const char from[] = "nt\\e", to[] = "\n\t\\\033";

    (void)err;
    for (; *args; args++) {
        const char *known = *args == '\\' && args[1] ? strchr(from, args[1]) : NULL;
        if (known)
            args++;
        shell_print(sh, "%c", known ? to[known - from] : *args);
    }
    return true;
}

bool do_console(struct shell *sh, const char *args, struct err *err)
{
    (void)args;
    if (!sh->front.console)
        return err_set(err, ERR_USAGE, "there is no terminal to give to the guest");
    sh->front.console(sh->front.ctx);
    return true;
}
