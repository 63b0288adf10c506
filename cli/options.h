/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands and options: what the user asked for. The rows are in commands.def and options.def; this
 * module turns them into a parser over getopt_long and into --help. pages.c makes the man page and
 * the shell completion of the same rows.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "emu/err.h"

enum command_id {
#define CMD(ID, ...) CMD_##ID,
#include "commands.def"
#undef CMD
    COMMANDS
};

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct text_list {
    const char **text;
    size_t n;
};

/* One field for each row of options.def. Texts point into argv. */
struct options {
    const char *hv, *execute, *kernel, *initrd, *append, *record, *save, *load, *replay, *gdb;
    const char *output, *from, *to;
    struct text_list add, disk, filter, cost, commands, rules;
    uint64_t mem_mib, seed, max_cycles;
    int64_t rtc;
    int color;  /* enum color_when */
    int format; /* enum trace_format of debugger/trace_output.h */
    bool pure, stats, costs, json, help, batch;
    uint64_t given; /* bit i: row i of options.def was there */

    const char **operand; /* what is not an option, after the command */
    size_t operands;
};

struct command {
    const char *name;
    int (*run)(const struct options *o); /* returns the program's exit status */
    const char *operands;
    size_t least, most;
    const char *summary, *description;
};
extern const struct command command_table[COMMANDS];

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_LIST,
    OPTION_NUMBER,
    OPTION_CYCLES,
    OPTION_DATE,
    OPTION_CHOICE
};
enum option_completion { COMPLETE_NOTHING, COMPLETE_FILES, COMPLETE_MODELS, COMPLETE_WORDS };

struct option_row {
    const char *name;
    char letter;
    enum option_kind kind;
    size_t field; /* offset in struct options */
    const char *argument;
    uint64_t least, most;
    const char *choices; /* words between '|' */
    enum option_completion completion;
    uint32_t commands; /* a bit for each command_id */
    const char *help;
};
extern const struct option_row option_table[];
extern const size_t option_rows;
bool option_belongs(const struct option_row *row, const struct command *c);

/* The command of that name, or NULL with err set and the nearest name suggested. */
const struct command *command_find(const char *name, struct err *err);

/*
 * Parse argv[1..] (argv[0] is the command's name) into o, which is filled with the defaults first.
 * false: wrong usage, err says which word is wrong. Free with options_free in both cases.
 */
bool options_parse(const struct command *c, int argc, char **argv, struct options *o,
                   struct err *err);
void options_free(struct options *o);
/* Was the option with this long name there? */
bool options_given(const struct options *o, const char *name);

/* --help of one command, and of the program. */
void command_help(const struct command *c, FILE *to);
void program_help(FILE *to);
/* Say what was wrong and where the help is; returns the exit status. command may be "". */
int usage_error(const struct err *err, const char *command);

/* The commands, one file each. */
#define CMD(ID, name, function, ...) int function(const struct options *o);
#include "commands.def"
#undef CMD

#endif
