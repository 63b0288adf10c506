/* SPDX-License-Identifier: GPL-2.0-only */
/* See complete.h. */
#include "complete.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct offer {
    const char *args;
    void (*fn)(void *, const char *);
    void *ctx;
};

static void offer(void *ctx, const char *name)
{
    const struct offer *o = ctx;

    complete_offer(o->args, name, o->fn, o->ctx);
}

/* hook:set_pte is offered behind "hook:". */
struct prefixed {
    const char *begun, *prefix;
    void (*fn)(void *, const char *);
    void *ctx;
};

static void offer_prefixed(void *ctx, const char *name)
{
    const struct prefixed *p = ctx;
    char whole[120];

    if (strncmp(name, p->begun, strlen(p->begun)))
        return;
    snprintf(whole, sizeof whole, "%s%s", p->prefix, name);
    p->fn(p->ctx, whole);
}

static bool offer_symbol(void *ctx, const char *name)
{
    offer(ctx, name);
    return true;
}

COMPLETER(nothing)
{
    (void)sh, (void)args, (void)fn, (void)ctx;
}

COMPLETER(commands)
{
    unsigned n;
    const struct shell_command *c = shell_commands(&n);

    (void)sh;
    for (unsigned i = 0; i < n; i++)
        complete_offer(args, c[i].name, fn, ctx);
}

COMPLETER(files)
{
    const char *word = complete_word(args), *slash = strrchr(word, '/');
    char dir[512], name[800];
    struct dirent *e;

    (void)sh;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - word + 1) : 0, word);
    DIR *d = opendir(dir[0] ? dir : ".");
    while (d && (e = readdir(d))) {
        snprintf(name, sizeof name, "%s%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            complete_offer(args, name, fn, ctx);
    }
    if (d)
        closedir(d);
}

static void words(const char *args, const char *const *word, void (*fn)(void *, const char *),
                  void *ctx)
{
    for (; *word; word++)
        complete_offer(args, *word, fn, ctx);
}

COMPLETER(grains)
{
    static const char *const grains[] = {"hook", "hypercall", "exit", "instruction", "line", NULL};

    (void)sh;
    words(args, grains, fn, ctx);
}

static void symbols(struct shell *sh, const char *args, unsigned kinds,
                    void (*fn)(void *, const char *), void *ctx)
{
    struct programs l = source_programs(shell_debug(sh));
    struct offer o = {args, fn, ctx};

    for (unsigned i = 0; i < l.n; i++)
        program_complete(l.list[i], kinds, complete_word(args), offer_symbol, &o);
}

COMPLETER(places)
{
    symbols(sh, args, NAMES_FUNCTIONS | NAMES_FILES, fn, ctx);
}

COMPLETER(expression)
{
    static const char *const registers[] = {
        "$eax", "$ebx", "$ecx", "$edx", "$esi", "$edi", "$ebp", "$esp", "$eip", "$eflags", "$cs",
        "$ds",  "$es",  "$fs",  "$gs",  "$ss",  "$cr0", "$cr2", "$cr3", "$cr4", "$cycle",  NULL};

    if (*complete_word(args) == '$')
        words(args, registers, fn, ctx);
    else
        symbols(sh, args, NAMES_FUNCTIONS | NAMES_VARIABLES, fn, ctx);
}

COMPLETER(filters)
{
    static const char *const categories[] = {"hook",    "hypercall", "exit", "irq",
                                             "syscall", "stage",     "task", NULL};
    static const struct {
        const char *prefix;
        enum stop_kind kind;
    } named[] = {{"hook:", STOP_HOOK},
                 {"hypercall:", STOP_HYPERCALL},
                 {"exit:", STOP_EXIT},
                 {"syscall:", STOP_SYSCALL}};
    const char *word = complete_word(args);

    words(args, categories, fn, ctx);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        size_t n = strlen(named[i].prefix);
        struct prefixed p = {word + n, named[i].prefix, fn, ctx};
        if (!strncmp(word, named[i].prefix, n))
            debug_stop_names(shell_debug(sh), named[i].kind, offer_prefixed, &p);
    }
}

COMPLETER(formats)
{
    static const char *const formats[] = {"text", "json", "csv", NULL};

    (void)sh;
    words(args, formats, fn, ctx);
}

COMPLETER(reverse)
{
    struct offer o = {args, fn, ctx};
    size_t first = strcspn(args, " ");

    for (unsigned k = STOP_HOOK; k <= STOP_EVENT; k++) {
        if (!args[first])
            complete_offer(args, stop_kind_name[k], fn, ctx);
        else if (!strncmp(args, stop_kind_name[k], first) && !stop_kind_name[k][first])
            debug_stop_names(shell_debug(sh), k, offer, &o);
    }
}

COMPLETER(break)
{
    complete_reverse(sh, args, fn, ctx);
    if (!strchr(args, ' '))
        complete_places(sh, args, fn, ctx);
}

COMPLETER(stops)
{
    struct debug *d = shell_debug(sh);

    for (struct stop *s = debug_stop_next(d, NULL); s; s = debug_stop_next(d, s)) {
        char number[16];
        snprintf(number, sizeof number, "%u", s->number);
        complete_offer(args, number, fn, ctx);
    }
}

COMPLETER(registers)
{
    static const char *const names[] = {"eax", "ecx",    "edx", "ebx", "esp",  "ebp",  "esi", "edi",
                                        "eip", "eflags", "cs",  "ss",  "ds",   "es",   "fs",  "gs",
                                        "cr0", "cr2",    "cr3", "cr4", "gdtr", "idtr", "tr",  NULL};

    (void)sh;
    words(args, names, fn, ctx);
}

COMPLETER(hooks)
{
    struct offer o = {args, fn, ctx};

    debug_stop_names(shell_debug(sh), STOP_HOOK, offer, &o);
}
