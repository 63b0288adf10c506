/* SPDX-License-Identifier: GPL-2.0-only */
/* Expressions that are shown at each stop. (Showing one is data_display().) */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

bool do_display(struct shell *sh, const char *args, struct err *err)
{
    struct display **at = &sh->display;

    if (!*args) {
        for (struct display *d = sh->display; d; d = d->next) {
            shell_print(sh, "%u: ", d->number);
            data_display(sh, d->text);
        }
        return true;
    }
    const char *expr = args;
    struct data_format format = {0};
    struct value v;
    if (!data_format(&expr, &format, err) || !expr_eval(shell_expressions(sh), expr, &v, err))
        return false;
    struct display *d = calloc(1, sizeof *d);
    if (!d || !(d->text = strdup(args))) {
        free(d);
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    d->number = ++sh->displays;
    while (*at)
        at = &(*at)->next;
    *at = d;
    shell_print(sh, "%u: ", d->number);
    data_display(sh, d->text);
    return true;
}

bool do_info_display(struct shell *sh, const char *args, struct err *err)
{
    (void)err;
    if (shell_json(sh, &args)) {
        json_t *all = json_array();
        for (struct display *d = sh->display; d; d = d->next)
            json_array_append_new(
                all, json_pack("{s:i, s:s}", "number", (int)d->number, "expression", d->text));
        shell_print_json(sh, all);
        return true;
    }
    if (!sh->display)
        shell_print(sh, "Nothing is shown at each stop.\n");
    for (struct display *d = sh->display; d; d = d->next)
        shell_print(sh, "%u: %s\n", d->number, d->text);
    return true;
}

bool do_undisplay(struct shell *sh, const char *args, struct err *err)
{
    char word[32];
    bool all = !*args;

    while (all ? sh->display != NULL : shell_word(&args, word, sizeof word)) {
        unsigned n = all ? sh->display->number : (unsigned)strtoul(word, NULL, 10);
        struct display **at = &sh->display;
        while (*at && (*at)->number != n)
            at = &(*at)->next;
        if (!*at)
            return err_set(err, ERR_USAGE, "there is no display %s", word);
        struct display *gone = *at;
        *at = gone->next;
        free(gone->text);
        free(gone);
    }
    return true;
}
