/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ringside-pages: writes the man page and the bash completion, at build time, from the rows that the
 * parser uses, so that neither can forget an option.
 *
 *   ringside-pages man PROSE.in VERSION OUT     prose, with the line @COMMANDS@ replaced
 *   ringside-pages bash OUT
 *   ringside-pages hooks KERNEL OUT            docs/hooks.md, from the catalogue and the kernel
 *   ringside-pages commands OUT                docs/debugger-commands.md, from the debugger's tables
 */
#include <stdlib.h>
#include <string.h>

#include "commands_page.h"
#include "hooks_page.h"
#include "hv-models/hv.h"
#include "options.h"

/* ---- the man page ---- */

/* Text for troff: a backslash and a hyphen mean themselves, and a line cannot begin a request. */
static void put_roff(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            fputc(*text, to);
    }
}

static void man_option(FILE *to, const struct option_row *row)
{
    fputs(".TP\n.B ", to);
    if (row->letter)
        fprintf(to, "\\-%c\\fR, \\fB", row->letter);
    fputs("\\-\\-", to);
    put_roff(to, row->name);
    if (row->argument) {
        fputs("\\fR \\fI", to);
        put_roff(to, row->argument);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    put_roff(to, row->help);
    fputs(".\n", to);
}

static void man_commands(FILE *to)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *c = &command_table[i];
        fputs(".SS ringside ", to);
        put_roff(to, c->name);
        fprintf(to, " [\\fIOPTION\\fR]...%s", c->operands[0] ? " \\fI" : "");
        put_roff(to, c->operands);
        fputs("\\fR\n", to);
        put_roff(to, c->description);
        fputc('\n', to);
        for (size_t k = 0; k < option_rows; k++)
            if (option_belongs(&option_table[k], c))
                man_option(to, &option_table[k]);
    }
}

static bool write_man(const char *prose, const char *version, FILE *to)
{
    FILE *from = fopen(prose, "r");
    if (!from)
        return false;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, from) > 0) {
        char *at = strstr(line, "@VERSION@");
        if (strcmp(line, "@COMMANDS@\n") == 0)
            man_commands(to);
        else if (at)
            fprintf(to, "%.*s%s%s", (int)(at - line), line, version, at + strlen("@VERSION@"));
        else
            fputs(line, to);
    }
    free(line);
    fclose(from);
    return true;
}

/* ---- bash completion ---- */

static void bash_value_case(FILE *to, const struct option_row *row)
{
    switch (row->completion) {
    case COMPLETE_NOTHING:
        fprintf(to, "    --%s) return ;;\n", row->name);
        break;
    case COMPLETE_FILES:
        fprintf(
            to,
            "    --%s) COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames; return ;;\n",
            row->name);
        break;
    case COMPLETE_WORDS:
        fprintf(to, "    --%s) COMPREPLY=($(compgen -W '", row->name);
        for (const char *p = row->choices; *p; p++)
            fputc(*p == '|' ? ' ' : *p, to);
        fputs("' -- \"$cur\")); return ;;\n", to);
        break;
    case COMPLETE_MODELS:
        fprintf(to, "    --%s) COMPREPLY=($(compgen -W '", row->name);
        for (const struct hv_model *const *m = hv_models(); *m; m++)
            fprintf(to, "%s%s", m == hv_models() ? "" : " ", (*m)->name);
        fputs("' -- \"$cur\")); return ;;\n", to);
        break;
    }
}

static void write_bash(FILE *to)
{
    fputs("# bash completion for ringside; made from its tables of commands and options\n"
          "_ringside() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "%s ", command_table[i].name);
    fputs("--help --version' -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    case $prev in\n",
          to);
    for (size_t i = 0; i < option_rows; i++)
        if (option_table[i].argument)
            bash_value_case(to, &option_table[i]);
    fputs("    esac\n"
          "    case ${COMP_WORDS[1]},$cur in\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *c = &command_table[i];
        fprintf(to, "    %s,-*) COMPREPLY=($(compgen -W '", c->name);
        const char *space = "";
        for (size_t k = 0; k < option_rows; k++) {
            if (!option_belongs(&option_table[k], c))
                continue;
            fprintf(to, "%s--%s", space, option_table[k].name);
            space = " ";
        }
        fputs("' -- \"$cur\")) ;;\n", to);
    }
    fprintf(to, "    %s,*) COMPREPLY=($(compgen -W '", command_table[CMD_HELP].name);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "%s%s", i ? " " : "", command_table[i].name);
    fputs("' -- \"$cur\")) ;;\n"
          "    *) COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _ringside ringside\n",
          to);
}

/* ---- the page of hooks ---- */

static bool write_hooks(const char *path, FILE *to)
{
    struct err err = {0};
    struct image image = {0};
    struct kernel *k = image_read(&image, path, &err) ? kernel_open(&image, &err) : NULL;
    if (k)
        hooks_page(k, to);
    else
        fprintf(stderr, "ringside-pages: %s\n", err.text);
    bool ok = k != NULL;
    kernel_close(k);
    image_free(&image);
    return ok;
}

int main(int argc, char **argv)
{
    bool man = argc == 5 && strcmp(argv[1], "man") == 0;
    bool bash = argc == 3 && strcmp(argv[1], "bash") == 0;
    bool hooks = argc == 4 && strcmp(argv[1], "hooks") == 0;
    bool commands = argc == 3 && strcmp(argv[1], "commands") == 0;
    if (!man && !bash && !hooks && !commands) {
        fputs("usage: ringside-pages man PROSE.in VERSION OUT | bash OUT | hooks KERNEL OUT | "
              "commands OUT\n",
              stderr);
        return ERR_USAGE;
    }
    const char *out = argv[argc - 1];
    FILE *to = fopen(out, "w");
    bool ok = to != NULL;
    if (ok && man)
        ok = write_man(argv[2], argv[3], to);
    else if (ok && hooks)
        ok = write_hooks(argv[2], to);
    else if (ok && commands)
        commands_page(to);
    else if (ok)
        write_bash(to);
    if (to && fclose(to) == EOF)
        ok = false;
    if (!ok)
        perror("ringside-pages");
    return ok ? 0 : ERR_FILE;
}
