/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands over stops: break, watch and what manages them. */
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "hv-models/hv.h"
#include "views.h"

/* ---- from words to a stop ---- */

/* "... if CONDITION": cuts the text there; the condition, or NULL. */
static const char *cut_condition(char *text)
{
    for (char *s = text; (s = strstr(s, "if")); s += 2) {
        bool word =
            (s == text || isspace((unsigned char)s[-1])) && (!s[2] || isspace((unsigned char)s[2]));
        if (!word)
            continue;
        char *end = s;
        while (end > text && isspace((unsigned char)end[-1]))
            end--;
        const char *condition = s + 2;
        while (isspace((unsigned char)*condition))
            condition++;
        *end = '\0';
        return condition;
    }
    return NULL;
}

/* Is the first word one of the kinds that are events? */
static bool event_kind(const char *args, enum stop_kind *kind, const char **rest)
{
    char word[32];
    const char *s = args;

    if (!shell_word(&s, word, sizeof word) || *args == '"')
        return false;
    for (unsigned k = STOP_HOOK; k <= STOP_EVENT; k++)
        if (!strcmp(word, stop_kind_name[k])) {
            *kind = k;
            *rest = s;
            return true;
        }
    return false;
}

static const char *current_file(struct shell *sh)
{
    struct err err = {0};
    struct frame f;
    static _Thread_local struct place place; /* its texts outlive it: they are the program's */

    if (!shell_frame(sh, &f, &err) || !f.program || !program_at(f.program, f.pc, &place) ||
        !place.depth)
        return NULL;
    return place.function[source_depth(&place)].file;
}

/* "map_page at guest/mm/fault.c:37": the function that was asked for, if there, else the one that a person
   sees there. */
static void describe(struct stop *s, struct program *p, const char *where, uint32_t addr)
{
    struct place place;

    snprintf(s->what, sizeof s->what, "*0x%08x", addr);
    if (!p || !program_at(p, addr, &place) || !place.depth)
        return;
    const struct place_function *f = &place.function[source_depth(&place)];
    for (unsigned i = 0; i < place.depth; i++)
        if (!strcmp(place.function[i].name, where))
            f = &place.function[i];
    if (f->file && f->line)
        snprintf(s->what, sizeof s->what, "%.60s at %.80s:%u", f->name, f->file, f->line);
}

static struct stop *at_place(struct shell *sh, const char *where, struct err *err)
{
    struct programs now = source_programs(sh->debug), known;
    struct program *p = NULL;
    struct spot spot[STOP_ADDRS_MAX];
    struct err first = {0}, other = {0};
    unsigned n = 0;
    char here[24];

    if (!*where) { /* as gdb: here */
        snprintf(here, sizeof here, "*0x%x", cpu_eip(shell_machine(sh)->domain->cpu));
        where = here;
    }
    if (*where == '*') {
        uint32_t at;
        if (!shell_address(sh, where + 1, &at, err))
            return NULL;
        snprintf(here, sizeof here, "*0x%x", at);
        where = here;
    }
    for (unsigned i = 0; i < now.n && !n; i++)
        n = program_locate(p = now.list[i], where, current_file(sh), spot, STOP_ADDRS_MAX,
                           i ? &other : &first);
    /* Then in programs that do not run now. */
    known = source_known(sh->debug);
    for (unsigned i = 0; i < known.n && !n && *where != '*'; i++)
        n = program_locate(p = known.list[i], where, NULL, spot, STOP_ADDRS_MAX, &other);
    if (!n && *where == '*') { /* an address needs no program around it */
        spot[0] = (struct spot){.addr = (uint32_t)strtoul(where + 1, NULL, 0)};
        n = 1;
    }
    for (unsigned i = 0; !n && i < hook_count; i++)
        if (!strcmp(hook_table[i].name, where)) {
            err_set(err, ERR_USAGE, "'%s' is a hook, no function: `break hook %s`", where, where);
            return NULL;
        }
    if (!n) {
        err_set(err, ERR_USAGE, "%s",
                first.text[0] ? first.text : "no program with symbols is known here");
        return NULL;
    }
    struct stop *s = debug_stop_new(sh->debug, STOP_CODE, "", err);
    if (!s)
        return NULL;
    s->addrs = n < STOP_ADDRS_MAX ? n : STOP_ADDRS_MAX;
    if (*where != '*' && source_process(sh->debug, p))
        snprintf(s->process, sizeof s->process, "%s", source_process(sh->debug, p));
    for (unsigned i = 0; i < s->addrs; i++)
        s->addr[i] = spot[i].addr;
    describe(s, p, where, spot[0].addr);
    return s;
}

struct stop *stops_parse(struct shell *sh, const char *args, bool places, struct err *err)
{
    char *text = strdup(args);
    const char *condition, *rest;
    enum stop_kind kind;
    struct stop *s;

    if (!text) {
        err_set(err, ERR_SYSTEM, "out of memory");
        return NULL;
    }
    condition = cut_condition(text);
    if (condition && !*condition) {
        err_set(err, ERR_USAGE, "if what?");
        s = NULL;
    } else if (event_kind(text, &kind, &rest)) {
        char name[160] = "";
        shell_word(&rest, name, sizeof name);
        if (*rest) {
            err_set(err, ERR_USAGE, "after '%s' comes `if CONDITION` or nothing, not '%s'", name,
                    rest);
            s = NULL;
        } else {
            s = debug_stop_new(sh->debug, kind, name, err);
        }
    } else if (places) {
        s = at_place(sh, text, err);
    } else {
        err_set(err, ERR_USAGE,
                "which kind? hook, hypercall, stage, exit, vector, irq, switch, syscall or event, "
                "then a name");
        s = NULL;
    }
    if (s && condition && !shell_condition(sh, s, condition, err)) {
        debug_stop_delete(sh->debug, s);
        s = NULL;
    }
    free(text);
    return s;
}

static bool arm(struct shell *sh, struct stop *s, struct err *err)
{
    if (!s)
        return false;
    if (!debug_stop_arm(sh->debug, s, err)) {
        debug_stop_delete(sh->debug, s);
        return false;
    }
    shell_print(sh, "Stop %u: %s", s->number, s->what);
    if (s->kind == STOP_CODE && s->addrs > 1)
        shell_print(sh, " (%u places)", s->addrs);
    else if (s->kind == STOP_CODE)
        shell_print(sh, " (0x%08x)", s->addr[0]);
    shell_print(sh, "%s%s\n", s->condition ? " if " : "", s->condition ? s->condition : "");
    return true;
}

bool do_break(struct shell *sh, const char *args, struct err *err)
{
    return arm(sh, stops_parse(sh, args, true, err), err);
}

bool do_tbreak(struct shell *sh, const char *args, struct err *err)
{
    struct stop *s = stops_parse(sh, args, true, err);

    if (s)
        s->temporary = true;
    return arm(sh, s, err);
}

/* ---- memory ---- */

/* The entry that maps an address, in the tables that the guest believes in: their last level. */
static bool entry_of(struct shell *sh, const char *expr, uint64_t *at, uint32_t *size,
                     struct err *err)
{
    struct domain *d = shell_machine(sh)->domain;
    struct x86_walk w;
    uint32_t gva;

    if (!shell_address(sh, expr, &gva, err))
        return false;
    view_guest_walk(d, gva, &w);
    if (!w.levels)
        return err_set(err, ERR_USAGE, "0x%08x: no page table leads there", gva);
    *at = w.entry_at[w.levels - 1].v;
    *size = view_entry_bytes(d);
    return true;
}

static bool watch(struct shell *sh, const char *args, unsigned watch_for, struct err *err)
{
    static const char *const name[] = {
        [WATCH_CHANGE] = "watch", [WATCH_READ] = "rwatch", [WATCH_READ | WATCH_WRITE] = "awatch"};
    char *text = strdup(args), word[80];
    const char *condition = text ? cut_condition(text) : NULL, *rest = text;
    struct stop *s = text ? debug_stop_new(sh->debug, STOP_WATCH, "", err) : NULL;
    bool ok = s != NULL;

    if (ok && !*text)
        ok = err_set(err, ERR_USAGE, "watch what?");
    if (ok && (!strncmp(rest, "phys ", 5) || !strncmp(rest, "pte ", 4))) {
        bool pte = rest[1] == 't';
        rest += pte ? 4 : 5;
        s->physical = true;
        s->size = 4;
        if (pte) {
            ok = entry_of(sh, rest, &s->at, &s->size, err);
        } else {
            int64_t at = 0, size = 4;
            ok = shell_word(&rest, word, sizeof word) && shell_number(sh, word, &at, err) &&
                 (!*rest || shell_number(sh, rest, &size, err));
            s->at = (uint64_t)at;
            s->size = (uint32_t)size;
        }
    } else if (ok) {
        struct expr_session *x = shell_expressions(sh);
        struct value v;
        ok = expr_eval(x, text, &v, err);
        if (ok && v.place != VALUE_MEMORY)
            ok = err_set(err, ERR_USAGE,
                         "'%s' is not in memory: watch *(int *)ADDRESS, or a variable", text);
        s->at = v.addr;
        s->size = ok ? type_size(v.type) : 0;
        /* Other processes have other memory at this address. */
        struct source_task task;
        if (ok && v.addr < USER_SPACE && source_task(sh->debug, &task))
            snprintf(s->process, sizeof s->process, "%s", task.comm);
    }
    if (ok && (s->size < 1 || s->size > 4096))
        ok = err_set(err, ERR_USAGE, "%u bytes cannot be watched: 1 to 4096 can", s->size);
    if (ok) {
        s->watch_for = watch_for;
        snprintf(s->what, sizeof s->what, "%s %.100s (%u bytes at %s0x%" PRIx64 ")",
                 name[watch_for], text, s->size, s->physical ? "physical " : "", s->at);
        ok = !condition || shell_condition(sh, s, condition, err);
    }
    if (ok)
        ok = arm(sh, s, err);
    else if (s)
        debug_stop_delete(sh->debug, s);
    free(text);
    return ok;
}

bool do_watch(struct shell *sh, const char *args, struct err *err)
{
    return watch(sh, args, WATCH_CHANGE, err);
}

bool do_rwatch(struct shell *sh, const char *args, struct err *err)
{
    return watch(sh, args, WATCH_READ, err);
}

bool do_awatch(struct shell *sh, const char *args, struct err *err)
{
    return watch(sh, args, WATCH_READ | WATCH_WRITE, err);
}

/* ---- lists of numbers ---- */

static bool each_number(struct shell *sh, const char *args,
                        void (*fn)(struct shell *, struct stop *), bool none_is_all,
                        struct err *err)
{
    char word[32];

    if (!*args) {
        if (!none_is_all)
            return err_set(err, ERR_USAGE, "which? `info break` lists them");
        for (struct stop *s = debug_stop_next(sh->debug, NULL), *next; s; s = next) {
            next = debug_stop_next(sh->debug, s);
            fn(sh, s);
        }
        return true;
    }
    while (shell_word(&args, word, sizeof word)) {
        char *end;
        unsigned long n = strtoul(word, &end, 10);
        struct stop *s = *end ? NULL : debug_stop_number(sh->debug, (unsigned)n);
        if (!s)
            return err_set(err, ERR_USAGE, "there is no stop %s", word);
        fn(sh, s);
    }
    return true;
}

static void delete_one(struct shell *sh, struct stop *s)
{
    debug_stop_delete(sh->debug, s);
}

static void disable_one(struct shell *sh, struct stop *s)
{
    debug_stop_enable(sh->debug, s, false);
}

static void enable_one(struct shell *sh, struct stop *s)
{
    debug_stop_enable(sh->debug, s, true);
}

bool do_delete(struct shell *sh, const char *args, struct err *err)
{
    bool all = !*args && debug_stop_next(sh->debug, NULL);

    if (all && sh->front.ask && !sh->front.ask(sh->front.ctx, "Delete all stops?"))
        return true;
    return each_number(sh, args, delete_one, true, err);
}

static bool shares_address(const struct stop *a, const struct stop *b)
{
    for (unsigned i = 0; i < a->addrs; i++)
        for (unsigned k = 0; k < b->addrs; k++)
            if (a->addr[i] == b->addr[k])
                return true;
    return false;
}

bool do_clear(struct shell *sh, const char *args, struct err *err)
{
    struct stop *at = at_place(sh, args, err);
    unsigned cleared = 0;

    if (!at)
        return false;
    for (struct stop *s = debug_stop_next(sh->debug, NULL), *next; s; s = next) {
        next = debug_stop_next(sh->debug, s);
        if (!shares_address(s, at))
            continue;
        shell_print(sh, "Deleted stop %u: %s\n", s->number, s->what);
        debug_stop_delete(sh->debug, s);
        cleared++;
    }
    if (!cleared)
        err_set(err, ERR_USAGE, "there is no stop at %s", at->what);
    debug_stop_delete(sh->debug, at);
    return cleared;
}

bool do_disable(struct shell *sh, const char *args, struct err *err)
{
    return each_number(sh, args, disable_one, true, err);
}

bool do_enable(struct shell *sh, const char *args, struct err *err)
{
    return each_number(sh, args, enable_one, true, err);
}

static struct stop *numbered(struct shell *sh, const char **args, struct err *err)
{
    char word[32];
    struct stop *s = NULL;

    if (!shell_word(args, word, sizeof word))
        err_set(err, ERR_USAGE, "which stop?");
    else if (!(s = debug_stop_number(sh->debug, (unsigned)strtoul(word, NULL, 10))))
        err_set(err, ERR_USAGE, "there is no stop %s", word);
    return s;
}

bool do_ignore(struct shell *sh, const char *args, struct err *err)
{
    struct stop *s = numbered(sh, &args, err);
    int64_t n;

    if (!s || !shell_number(sh, args, &n, err))
        return false;
    s->ignore = n > 0 ? (uint64_t)n : 0;
    shell_print(sh, "Stop %u will be passed %" PRIu64 " times.\n", s->number, s->ignore);
    return true;
}

bool do_condition(struct shell *sh, const char *args, struct err *err)
{
    struct stop *s = numbered(sh, &args, err);

    if (!s)
        return false;
    if (*args)
        return shell_condition(sh, s, args, err);
    if (s->test_free)
        s->test_free(s->test_ctx);
    free(s->condition);
    s->test = NULL;
    s->test_ctx = NULL;
    s->test_free = NULL;
    s->condition = NULL;
    shell_print(sh, "Stop %u is without condition now.\n", s->number);
    return true;
}

/* ---- commands of a stop ---- */

bool do_commands(struct shell *sh, const char *args, struct err *err)
{
    struct stop *s = NULL;
    const char *line;
    size_t used = 0;

    if (*args) {
        s = numbered(sh, &args, err);
    } else {
        for (struct stop *x = debug_stop_next(sh->debug, NULL); x;
             x = debug_stop_next(sh->debug, x))
            s = x;
        if (!s)
            return err_set(err, ERR_USAGE, "there is no stop yet");
    }
    if (!s)
        return false;
    free(s->commands);
    s->commands = NULL;
    unsigned number = s->number;
    while ((line = shell_more(sh, "> "))) {
        while (isspace((unsigned char)*line))
            line++;
        if (!strcmp(line, "end"))
            break;
        s = debug_stop_number(sh->debug, number);
        char *more = realloc(s->commands, used + strlen(line) + 2);
        if (!more)
            return err_set(err, ERR_SYSTEM, "out of memory");
        s->commands = more;
        used += (size_t)sprintf(s->commands + used, "%s\n", line);
    }
    return true;
}

/* One list. What comes behind a command that has run the guest is left out, as in gdb: it was meant for
   where the guest stood. */
static void run_list(struct shell *sh, char *all)
{
    char *save = NULL;
    unsigned stood = sh->stood;

    for (char *line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strcmp(line, "silent") && (!shell_run(sh, line) || sh->stood != stood))
            break;
}

void stops_run_commands(struct shell *sh, const struct stop *s)
{
    char *all = strdup(s->commands);

    if (sh->running_commands) {
        free(sh->next_commands);
        sh->next_commands = all;
        return;
    }
    sh->running_commands = true;
    while (all) {
        sh->next_commands = NULL;
        run_list(sh, all);
        free(all);
        all = sh->next_commands;
        if (sh->quit || sh->ended || sh->interrupted) {
            free(all);
            all = NULL;
        }
    }
    sh->next_commands = NULL;
    sh->running_commands = false;
}

/* ---- info break ---- */

static void tell_stop(struct shell *sh, const struct stop *s)
{
    shell_print(sh, "%-4u %-9s %-4s %-3s %6" PRIu64 "  %s%s%s%s%s\n", s->number,
                stop_kind_name[s->kind], s->temporary ? "del" : "keep", s->enabled ? "y" : "n",
                s->hits, s->what, s->process[0] ? ", in processes named " : "", s->process,
                s->condition ? " if " : "", s->condition ? s->condition : "");
    if (s->ignore)
        shell_print(sh, "                                will be passed %" PRIu64 " times\n",
                    s->ignore);
    char *all = s->commands ? strdup(s->commands) : NULL, *save = NULL;
    for (char *line = all ? strtok_r(all, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        shell_print(sh, "                                %s\n", line);
    free(all);
}

static json_t *stop_document(const struct stop *s)
{
    json_t *o =
        json_pack("{s:i, s:s, s:b, s:b, s:I, s:I, s:s}", "number", (int)s->number, "kind",
                  stop_kind_name[s->kind], "enabled", s->enabled, "temporary", s->temporary, "hits",
                  (json_int_t)s->hits, "ignore", (json_int_t)s->ignore, "what", s->what);
    json_t *at = json_array();

    for (unsigned i = 0; i < s->addrs; i++)
        json_array_append_new(at, json_integer(s->addr[i]));
    json_object_set_new(o, "addresses", at);
    if (s->process[0])
        json_object_set_new(o, "process", json_string(s->process));
    if (s->condition)
        json_object_set_new(o, "condition", json_string(s->condition));
    if (s->commands)
        json_object_set_new(o, "commands", json_string(s->commands));
    return o;
}

bool do_info_break(struct shell *sh, const char *args, struct err *err)
{
    struct stop *s = debug_stop_next(sh->debug, NULL);

    (void)err;
    if (shell_json(sh, &args)) {
        json_t *all = json_array();
        for (; s; s = debug_stop_next(sh->debug, s))
            json_array_append_new(all, stop_document(s));
        shell_print_json(sh, all);
        return true;
    }
    if (!s) {
        shell_print(sh, "There are no stops.\n");
        return true;
    }
    shell_print(sh, "No.  kind      disp en   hits  what\n");
    for (; s; s = debug_stop_next(sh->debug, s))
        tell_stop(sh, s);
    return true;
}
