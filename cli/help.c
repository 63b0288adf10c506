/* SPDX-License-Identifier: GPL-2.0-only */
/* --help of the program and of its commands, from the same rows as the parser. */
#include <string.h>

#include "options.h"

#define HELP_WIDTH 80

/* Words of text, wrapped; the cursor stands at `column`, further lines begin at `indent`. */
static void print_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (!first && column + 1 + n > HELP_WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', to);
            column++;
        }
        fwrite(text, 1, n, to);
        column += n;
        text += n;
        text += strspn(text, " ");
        first = false;
    }
    fputc('\n', to);
}

void command_help(const struct command *c, FILE *to)
{
    fprintf(to, "Usage: ringside %s [OPTION]...%s%s\n\n", c->name, c->operands[0] ? " " : "",
            c->operands);
    print_wrapped(to, c->description, 0, 0);
    fputs("\nOptions:\n", to);
    for (size_t i = 0; i < option_rows; i++) {
        const struct option_row *row = &option_table[i];
        if (!option_belongs(row, c))
            continue;
        char head[64], letter[5] = "    ";
        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        int n = snprintf(head, sizeof head, "  %s--%s%s%s", letter, row->name,
                         row->argument ? " " : "", row->argument ? row->argument : "");
        const size_t column = 28;
        fputs(head, to);
        if ((size_t)n + 2 > column) {
            fputc('\n', to);
            n = 0;
        }
        fprintf(to, "%*s", (int)(column - (size_t)n), "");
        print_wrapped(to, row->help, column, column);
    }
    if (c == &command_table[CMD_RUN])
        fputs("\nExit status: the guest's own when it powers off; 64 wrong usage; 65 a file that\n"
              "cannot be used; 70 the guest died (the reason is on standard error); 75 the cycles\n"
              "of --max-cycles were used up.\n",
              to);
}

void program_help(FILE *to)
{
    fputs(
        "Usage: ringside COMMAND [OPTION]...\n"
        "A paravirtualization laboratory: one kernel, many hypervisors, every crossing in sight.\n"
        "\nCommands:\n",
        to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", command_table[i].name, command_table[i].summary);
    fputs("\nringside COMMAND --help shows its options, ringside --version the versions of the\n"
          "program and its libraries.\n",
          to);
}

int cmd_help(const struct options *o)
{
    struct err err = {0};
    if (o->operands == 0) {
        program_help(stdout);
        return 0;
    }
    const struct command *c = command_find(o->operand[0], &err);
    if (!c)
        return usage_error(&err, "");
    command_help(c, stdout);
    return 0;
}
