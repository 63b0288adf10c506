/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ringside`: find the command, parse its options, run it. Exit statuses are those of sysexits.h
 * where it has a fitting one; a command's own are told in its help.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "say.h"
#include "version.h"

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc < 2) {
        program_help(stderr);
        return ERR_USAGE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        program_help(stdout);
        return 0;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        print_versions(stdout);
        return 0;
    }
    if (first[0] == '-') {
        err_set(&err, ERR_USAGE, "'%.60s' stands before the command; options follow it", first);
        return usage_error(&err, "");
    }
    const struct command *c = command_find(first, &err);
    if (!c)
        return usage_error(&err, "");

    struct options o;
    int status = 0;
    if (!options_parse(c, argc - 1, argv + 1, &o, &err))
        status = usage_error(&err, c->name);
    else if (o.help)
        command_help(c, stdout);
    else {
        say_color((enum color_when)o.color);
        status = c->run(&o);
    }
    options_free(&o);
    /* Output that never arrived (a full disk, a closed pipe) is a failure, not a success. */
    if (fflush(stdout) == EOF && status == 0) {
        say("cannot write standard output: %s", strerror(errno));
        status = ERR_SYSTEM;
    }
    return status;
}
