/* SPDX-License-Identifier: GPL-2.0-only */
/* See commands_page.h. */
#include "commands_page.h"

#include <ctype.h>
#include <string.h>

#include "debugger/command/shell.h"

static void write_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void write_command(FILE *to, const struct shell_command *c)
{
    fprintf(to, "### %s\n\n", c->name);
    fprintf(to, "    %s%s%s\n\n", c->name, c->usage[0] ? " " : "", c->usage);
    fprintf(to, "%c", toupper((unsigned char)c->summary[0]));
    write_text(to, c->summary + 1);
    fputc('.', to);
    if (c->help[0]) {
        fputc(' ', to);
        write_text(to, c->help);
    }
    if (c->alias[0])
        fprintf(to, " Short: `%s`.", c->alias);
    fputs("\n\n", to);
}

void commands_page(FILE *to)
{
    unsigned n;
    const struct shell_command *c = shell_commands(&n);

    fputs("# The debugger's commands\n\n"
          "<!-- Written by ringside-pages from debugger/command/*.def: change those, then\n"
          "     run `cmake --build build/release --target commands-page`. -->\n\n"
          "A tour is in [debugger.md](debugger.md). A command may be cut short as long as only one "
          "is meant.\n\n",
          to);
    for (const struct shell_group *g = shell_groups(); g->name; g++) {
        fprintf(to, "## %c%s\n\n", toupper((unsigned char)g->title[0]), g->title + 1);
        for (unsigned i = 0; i < n; i++)
            if (!strcmp(c[i].group, g->name))
                write_command(to, &c[i]);
    }
}
