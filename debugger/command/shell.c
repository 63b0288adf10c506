/* SPDX-License-Identifier: GPL-2.0-only */
/* From a line to a call: abbreviations, repetition, help; and what commands print through. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "emu/suggest.h"
#include "internal.h"

#define SOURCE_DEPTH 16u

static const struct shell_command commands[] = {
#define COMMAND(name, alias, group, fn, flags, completer, usage, summary, help) \
    {name, alias, group, usage, summary, help, fn, flags, completer},
#include "commands.def"
#undef COMMAND
};
#define COMMANDS (sizeof commands / sizeof commands[0])

const struct shell_command *shell_commands(unsigned *n)
{
    *n = COMMANDS;
    return commands;
}

/* ---- output ---- */

static void put(struct shell *sh, const char *text, size_t n)
{
    if (sh->front.write && n)
        sh->front.write(sh->front.ctx, text, n);
}

void shell_print(struct shell *sh, const char *fmt, ...)
{
    char small[512], *text = small;
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n >= (int)sizeof small && (text = malloc((size_t)n + 1)))
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    if (n > 0 && text)
        put(sh, text, (size_t)n);
    if (text != small)
        free(text);
}

void shell_shade(struct shell *sh, enum shade s)
{
    static const char *const code[] = {
        [SHADE_PLAIN] = "\033[0m",   [SHADE_TITLE] = "\033[1m", [SHADE_NAME] = "\033[36m",
        [SHADE_NUMBER] = "\033[35m", [SHADE_NOTE] = "\033[2m",  [SHADE_WARN] = "\033[1;31m",
    };

    if (sh->front.color)
        put(sh, code[s], strlen(code[s]));
}

bool shell_json(struct shell *sh, const char **args)
{
    (void)sh;
    if (strncmp(*args, "--json", 6) || ((*args)[6] && !isspace((unsigned char)(*args)[6])))
        return false;
    for (*args += 6; isspace((unsigned char)**args);)
        ++*args;
    return true;
}

void shell_print_json(struct shell *sh, void *document)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_ENSURE_ASCII);

    json_decref(document);
    if (text)
        shell_print(sh, "%s\n", text);
    free(text);
}

static void complain(struct shell *sh, const char *text)
{
    if (sh->front.error)
        sh->front.error(sh->front.ctx, text);
    else
        shell_print(sh, "%s\n", text);
}

/* ---- words ---- */

static const char *skip_blanks(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

bool shell_word(const char **text, char *word, size_t size)
{
    const char *s = skip_blanks(*text);
    char quote = *s == '"' || *s == '\'' ? *s++ : '\0';
    size_t n = 0;

    if (!*s)
        return false;
    while (*s && (quote ? *s != quote : !isspace((unsigned char)*s))) {
        if (n + 1 < size)
            word[n++] = *s;
        s++;
    }
    word[n] = '\0';
    *text = skip_blanks(*s && quote ? s + 1 : s);
    return true;
}

/* Does the line begin with the first `words` words of a name, in full or cut short? How many letters
   that took, 0: no. `exact` is set when nothing was cut. */
static size_t fits(const char *line, const char *name, bool *exact)
{
    const char *l = line, *n = name;

    *exact = true;
    for (;;) {
        size_t letters = 0;
        while (*n && *n != ' ' && *l == *n)
            l++, n++, letters++;
        if (*l && !isspace((unsigned char)*l) && *l != '/')
            return 0; /* x/4x: the format needs no blank before it */
        if (!letters)
            return 0;
        if (*n && *n != ' ') {
            *exact = false;
            n += strcspn(n, " ");
        }
        if (!*n)
            return (size_t)(l - line);
        l = skip_blanks(l);
        n++;
    }
}

static const struct shell_command *row(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

/* Is it the first word of commands of two words ("info")? */
static bool begins_commands(const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i < COMMANDS; i++)
        if (!strncmp(commands[i].name, word, n) && commands[i].name[n] == ' ')
            return true;
    return false;
}

static unsigned words_of(const char *name)
{
    return 1 + (strchr(name, ' ') != NULL);
}

/* How well a row fits a line, 0: not at all. Two words that fit are better than one, a short form is
   better than a name, a name better than one that was cut short. */
static unsigned how_well(const struct shell_command *c, const char *line, size_t *length)
{
    bool exact;
    size_t n = c->alias[0] ? fits(line, c->alias, &exact) : 0;

    if (n && exact) {
        *length = n;
        return 4 * words_of(c->alias) + 3;
    }
    *length = fits(line, c->name, &exact);
    return *length ? 4 * words_of(c->name) + (exact ? 2 : 1) : 0;
}

/* The row that a line means. NULL: err says which it could be, or that there is none. */
static const struct shell_command *find(const char *line, const char **args, struct err *err)
{
    const struct shell_command *best = NULL;
    size_t best_length = 0, length;
    unsigned found = 0, most = 0;
    char could[256] = "";

    for (size_t i = 0; i < COMMANDS; i++) {
        const struct shell_command *c = &commands[i];
        unsigned well = how_well(c, line, &length);
        if (!well || well < most || (well == most && best->fn == c->fn))
            continue;
        if (well > most) {
            most = well;
            found = 0;
            could[0] = '\0';
        }
        found++;
        size_t used = strlen(could);
        snprintf(could + used, sizeof could - used, "%s%s", used ? ", " : "", c->name);
        best = c;
        best_length = length;
    }
    if (found == 1) {
        *args = skip_blanks(line + best_length);
        return best;
    }
    char word[64];
    const char *rest = line;
    shell_word(&rest, word, sizeof word);
    if (!*rest && (!strcmp(word, "info") || !strcmp(word, "i"))) { /* which ones are there? */
        *args = "info";
        return row("help");
    }
    if (found) {
        err_set(err, ERR_USAGE, "'%s' could be: %s", word, could);
        return NULL;
    }
    if (begins_commands(word) && *rest) { /* "info brake" is near to "info break" */
        size_t n = strlen(word);
        char second[64 - 1];
        shell_word(&rest, second, sizeof second);
        snprintf(word + n, sizeof word - n, " %s", second);
    }
    struct suggestion near = {.typed = word};
    suggest_offer(&near, "info");
    for (size_t i = 0; i < COMMANDS; i++)
        suggest_offer(&near, commands[i].name);
    if (near.best)
        err_set(err, ERR_USAGE, "there is no command '%s'; did you mean '%s'?", word, near.best);
    else
        err_set(err, ERR_USAGE, "there is no command '%s'; `help` lists them", word);
    return NULL;
}

static void remember(struct shell *sh, const struct shell_command *c, const char *line)
{
    free(sh->last);
    sh->last = c->flags & CMD_REPEAT ? strdup(line) : c->flags & CMD_AGAIN ? strdup(c->name) : NULL;
}

bool shell_run(struct shell *sh, const char *line)
{
    struct err err = {0};
    const char *args = "";
    char *own;

    line = skip_blanks(line);
    if (*line == '#')
        return true;
    if (!*line) {
        if (!sh->last)
            return true;
        line = sh->last;
    }
    if (!sh->depth && !sh->running_commands)
        sh->interrupted = 0;
    own = strdup(line); /* the command may replace sh->last, which line may be */
    if (!own)
        return false;
    for (size_t n = strlen(own); n && isspace((unsigned char)own[n - 1]);)
        own[--n] = '\0';
    const struct shell_command *c = find(own, &args, &err);
    bool ok = c != NULL;
    if (c) {
        remember(sh, c, own);
        ok = c->fn(sh, args, &err);
    }
    if (!ok && err.text[0])
        complain(sh, err.text);
    free(own);
    return ok;
}

bool shell_run_to(struct shell *sh, const char *line, const struct shell_front *front)
{
    struct shell_front own = sh->front;

    sh->front = *front;
    bool ok = shell_run(sh, line);
    sh->front = own;
    return ok;
}

const char *shell_more(struct shell *sh, const char *text)
{
    size_t size = 0;

    if (!sh->script)
        return sh->front.more ? sh->front.more(sh->front.ctx, text) : NULL;
    free(sh->more);
    sh->more = NULL;
    if (getline(&sh->more, &size, sh->script) < 0)
        return NULL;
    sh->script_line++;
    sh->more[strcspn(sh->more, "\n")] = '\0';
    return sh->more;
}

bool shell_source(struct shell *sh, const char *path)
{
    bool standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "r"), *around = sh->script;
    size_t around_line = sh->script_line;
    char *line = NULL, text[512];
    size_t size = 0;
    bool ok = true;

    if (!f || sh->depth == SOURCE_DEPTH) {
        snprintf(text, sizeof text, "%.400s: %s", path,
                 f ? "files that source each other too deeply" : "cannot be read");
        complain(sh, text);
        if (f && !standard)
            fclose(f);
        return false;
    }
    sh->depth++;
    sh->script = f; /* what asks for more lines reads them there, too */
    sh->script_line = 0;
    while (ok && !sh->quit && !sh->ended && !sh->interrupted && getline(&line, &size, f) >= 0) {
        size_t number = ++sh->script_line;
        line[strcspn(line, "\n")] = '\0';
        if (!*skip_blanks(line))
            continue; /* in a file an empty line is one */
        ok = shell_run(sh, line);
        if (!ok) {
            snprintf(text, sizeof text, "%.400s:%zu: stopped here", path, number);
            complain(sh, text);
        }
    }
    if (ok && ferror(f)) { /* a directory can be opened, too */
        snprintf(text, sizeof text, "%.400s: %s", path, strerror(errno));
        complain(sh, text);
        ok = false;
    }
    sh->depth--;
    sh->script = around;
    sh->script_line = around_line;
    free(line);
    if (!standard)
        fclose(f);
    return ok;
}

bool shell_wants_to_quit(const struct shell *sh, int *status)
{
    *status = sh->status;
    return sh->quit || sh->ended;
}

const char *shell_prompt(struct shell *sh)
{
    const struct halt *h = debug_halt(sh->debug);

    snprintf(sh->prompt, sizeof sh->prompt, "(ringside%s%s) ",
             debug_inside(sh->debug) ? " inside" : "",
             h->why != HALT_NONE && debug_in_past(sh->debug) ? " past" : "");
    return sh->prompt;
}

void shell_interrupt(struct shell *sh)
{
    sh->interrupted = 1;
    debug_interrupt(sh->debug);
}

void shell_end(struct shell *sh)
{
    sh->ended = 1;
    shell_interrupt(sh);
}

/* ---- what commands ask for ---- */

struct debug *shell_debug(struct shell *sh)
{
    return sh->debug;
}

struct machine *shell_machine(struct shell *sh)
{
    return debug_machine(sh->debug);
}

struct sources *shell_sources(struct shell *sh)
{
    return sh->sources;
}

void *shell_room(struct shell *sh, enum shell_room r, size_t size, void (*fini)(void *))
{
    if (!sh->room[r].data) {
        sh->room[r].data = calloc(1, size);
        sh->room[r].fini = fini;
    }
    return sh->room[r].data;
}

/* ---- frames and expressions ---- */

bool shell_select_frame(struct shell *sh, unsigned number, struct err *err)
{
    struct program_memory m = source_memory(sh->debug);
    struct programs l = source_programs(sh->debug);
    struct frame f = source_frame(sh->debug);

    for (unsigned i = 0; i < number; i++) {
        struct frame caller;
        if (frame_unwind(l, &m, &f, &caller, err) != FRAME_CALLER)
            return err_set(err, ERR_USAGE, "there is no frame %u: the outermost is %u", number, i);
        f = caller;
    }
    /* Its CFA is what locals are found by. */
    struct frame around;
    struct err ignored = {0};
    frame_unwind(l, &m, &f, &around, &ignored);
    sh->frame = f;
    sh->frame_number = number;
    sh->frame_known = true;
    expr_look_from(sh->expr, l, &sh->frame, DEPTH_INNERMOST);
    return true;
}

bool shell_frame(struct shell *sh, struct frame *out, struct err *err)
{
    if (!sh->frame_known && !shell_select_frame(sh, 0, err))
        return false;
    *out = sh->frame;
    return true;
}

unsigned shell_frame_number(struct shell *sh)
{
    return sh->frame_known ? sh->frame_number : 0;
}

void shell_moved(struct shell *sh)
{
    sh->frame_known = false;
}

struct expr_session *shell_expressions(struct shell *sh)
{
    struct err err = {0};
    struct frame f;

    shell_frame(sh, &f, &err);
    return sh->expr;
}

bool shell_number(struct shell *sh, const char *text, int64_t *out, struct err *err)
{
    struct expr_session *x = shell_expressions(sh);
    struct value v;

    return expr_eval(x, text, &v, err) && value_integer(x, &v, out, err);
}

bool shell_address(struct shell *sh, const char *text, uint32_t *out, struct err *err)
{
    struct expr_session *x = shell_expressions(sh);
    struct value v;

    return expr_eval(x, text, &v, err) && value_address(x, &v, out, err);
}

/* ---- from nothing to a shell ---- */

struct shell *shell_new(const struct shell_setup *s, struct err *err)
{
    struct shell *sh = calloc(1, sizeof *sh);

    if (sh) {
        struct expr_host host = {.memory = source_memory(s->debug),
                                 .get_register = registers_get,
                                 .set_register = registers_set,
                                 .ctx = sh};
        sh->debug = s->debug;
        sh->front = s->front;
        sh->setup = *s;
        sh->sources = sources_new();
        sh->expr = expr_session_new(&host);
    }
    if (sh && sh->sources && sh->expr)
        return sh;
    err_set(err, ERR_SYSTEM, "out of memory");
    shell_free(sh);
    return NULL;
}

void shell_free(struct shell *sh)
{
    if (!sh)
        return;
    for (unsigned i = 0; i < ROOMS; i++) {
        if (sh->room[i].data && sh->room[i].fini)
            sh->room[i].fini(sh->room[i].data);
        free(sh->room[i].data);
    }
    while (sh->display) {
        struct display *next = sh->display->next;
        free(sh->display->text);
        free(sh->display);
        sh->display = next;
    }
    expr_session_free(sh->expr);
    sources_free(sh->sources);
    free(sh->last);
    free(sh->more);
    free(sh);
}

/* ---- completion ---- */

const char *complete_word(const char *args)
{
    const char *word = args;

    for (const char *s = args; *s; s++)
        if (isspace((unsigned char)*s))
            word = s + 1;
    return word;
}

void complete_offer(const char *args, const char *name, void (*fn)(void *, const char *), void *ctx)
{
    const char *word = complete_word(args);

    if (!strncmp(word, name, strlen(word)))
        fn(ctx, name);
}

/* The word of a command's name that the line has come to, if it fits so far. */
static void offer_name(const char *line, const char *name, void (*fn)(void *, const char *),
                       void *ctx)
{
    const char *word = complete_word(line);
    size_t before = (size_t)(word - line);

    if (strncmp(line, name, strlen(line)))
        return;
    char next[64];
    snprintf(next, sizeof next, "%.*s", (int)strcspn(name + before, " "), name + before);
    fn(ctx, next);
}

void shell_complete(struct shell *sh, const char *line, size_t point,
                    void (*fn)(void *, const char *), void *ctx)
{
    char *text = strndup(line, point);
    struct err err = {0};
    const char *args;

    if (!text)
        return;
    const char *begin = skip_blanks(text);
    const struct shell_command *c = find(begin, &args, &err);
    bool named = c && (args > begin + strlen(begin) - 1
                           ? begin[0] && isspace((unsigned char)begin[strlen(begin) - 1])
                           : true);
    if (named && c->complete)
        c->complete(sh, args, fn, ctx);
    else
        for (size_t i = 0; i < COMMANDS; i++)
            offer_name(begin, commands[i].name, fn, ctx);
    free(text);
}
