/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A person's line is read by readline; a script's, from a pipe, as it comes. Signal handlers and
 * readline's hooks carry no context, so this file alone keeps one: the shell that is talked to.
 */
#include "prompt.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef RINGSIDE_EDITLINE
#include <editline/readline.h>
#else
#include <readline/history.h>
#include <readline/readline.h>
#endif

#include "debugger/gdb/command.h"

#define HISTORY_LINES 2000
/* The two write it in different ways, and would lose each other's. */
#ifdef RINGSIDE_EDITLINE
#define HISTORY_NAME "history.libedit"
#else
#define HISTORY_NAME "history"
#endif

static struct {
    struct shell *shell;
    char *line; /* the last one read */
    volatile sig_atomic_t interrupted;
    char **found; /* completions */
    size_t founds;
} prompt;

/* ---- Ctrl-C ---- */

static void on_interrupt(int signal)
{
    (void)signal;
    prompt.interrupted = 1;
    if (prompt.shell)
        shell_interrupt(prompt.shell);
}

void prompt_watch(struct shell *sh)
{
    struct sigaction act = {.sa_handler = sh ? on_interrupt : SIG_DFL};

    prompt.shell = sh;
    sigaction(SIGINT, &act, NULL);
}

#ifndef RINGSIDE_EDITLINE
/* At the prompt Ctrl-C throws the line away, as in a shell; TERM and its like end the program. */
static int on_signal(void)
{
    int status;

    rl_done = prompt.shell && shell_wants_to_quit(prompt.shell, &status);
    rl_replace_line("", 0);
    rl_crlf();
    rl_on_new_line();
    rl_redisplay();
    return 0;
}
#endif

/* ---- gdb, beside the person ---- */

#ifndef RINGSIDE_EDITLINE
/* gdb drives from here until it goes; the line that was being typed is there again afterwards. */
static void let_gdb_drive(void)
{
    rl_clear_signals();
    rl_deprep_terminal();
    putchar('\n');
    gdb_shell_serve(prompt.shell);
    fflush(stdout);
    rl_prep_terminal(1);
    rl_set_signals();
    rl_on_new_line();
    rl_redisplay();
}

/* The next key; whoever connects meanwhile is served. */
static int get_key(FILE *in)
{
    int status;

    for (;;) {
        struct gdb_server *s = prompt.shell ? gdb_shell_server(prompt.shell) : NULL;
        struct pollfd on[2] = {{.fd = fileno(in), .events = POLLIN},
                               {.fd = s ? gdb_server_fd(s) : -1, .events = POLLIN}};
        if (!s || gdb_server_stub(s) || poll(on, 2, -1) < 0 || on[0].revents)
            return rl_getc(in);
        if (!on[1].revents)
            continue;
        let_gdb_drive();
        if (shell_wants_to_quit(prompt.shell, &status)) {
            rl_replace_line("", 0);
            return EOF;
        }
    }
}
#endif

/* ---- history ---- */

/* $RINGSIDE_HISTORY, or $XDG_STATE_HOME/ringside/history, by default ~/.local/state. */
static bool history_path(char path[PATH_MAX], bool make)
{
    const char *own = getenv("RINGSIDE_HISTORY"), *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char dir[PATH_MAX - 16];

    if (own)
        return own[0] && snprintf(path, PATH_MAX, "%s", own) < PATH_MAX;
    if (state && state[0])
        snprintf(dir, sizeof dir, "%s/ringside", state);
    else if (home && home[0])
        snprintf(dir, sizeof dir, "%s/.local/state/ringside", home);
    else
        return false;
    for (char *s = dir + 1; make && *s; s++) {
        if (*s != '/')
            continue;
        *s = '\0';
        mkdir(dir, 0700);
        *s = '/';
    }
    if (make)
        mkdir(dir, 0700);
    snprintf(path, PATH_MAX, "%s/" HISTORY_NAME, dir);
    return true;
}

static void load_history(void)
{
    char path[PATH_MAX];

    using_history();
    stifle_history(HISTORY_LINES);
    if (history_path(path, false))
        read_history(path);
}

static void save_history(void)
{
    char path[PATH_MAX];

    if (history_path(path, true))
        write_history(path);
}

/* ---- completion ---- */

static void take(void *ctx, const char *word)
{
    char **more = realloc(prompt.found, (prompt.founds + 1) * sizeof *more);

    (void)ctx;
    if (!more)
        return;
    prompt.found = more;
    more[prompt.founds] = strdup(word);
    prompt.founds += more[prompt.founds] != NULL;
}

static char *next_found(const char *text, int state)
{
    static size_t i;

    (void)text;
    if (!state)
        i = 0;
    return i < prompt.founds ? prompt.found[i++] : NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)start;
    prompt.founds = 0;
    rl_attempted_completion_over = 1;
    shell_complete(prompt.shell, rl_line_buffer, (size_t)end, take, NULL);
    char **matches = prompt.founds ? rl_completion_matches(text, next_found) : NULL;
    if (!matches) /* else they are readline's now */
        for (size_t i = 0; i < prompt.founds; i++)
            free(prompt.found[i]);
    free(prompt.found);
    prompt.found = NULL;
    return matches;
}

/* ---- lines ---- */

bool prompt_person(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static char *read_line(const char *text)
{
    size_t size = 0;

    fflush(stdout);
    free(prompt.line);
    prompt.line = NULL;
    if (prompt_person()) {
        do { /* libedit's comes back empty-handed from Ctrl-C, readline's goes on by itself */
            prompt.interrupted = 0;
            prompt.line = readline(text);
        } while (!prompt.line && prompt.interrupted);
        return prompt.line;
    }
    if (getline(&prompt.line, &size, stdin) < 0) {
        free(prompt.line);
        return prompt.line = NULL;
    }
    prompt.line[strcspn(prompt.line, "\n")] = '\0';
    return prompt.line;
}

const char *prompt_more(void *ctx, const char *text)
{
    (void)ctx;
    return read_line(text);
}

bool prompt_ask(void *ctx, const char *question)
{
    char text[200];

    (void)ctx;
    if (!prompt_person())
        return true;
    snprintf(text, sizeof text, "%s (y or n) ", question);
    for (;;) {
        const char *line = read_line(text);
        if (!line || line[0] == 'n' || line[0] == 'N')
            return false;
        if (line[0] == 'y' || line[0] == 'Y')
            return true;
    }
}

int prompt_run(struct shell *sh)
{
    int status = 0;
    bool person = prompt_person();
    char *line;

    prompt_watch(sh);
    if (person) {
        rl_readline_name = "ringside";
        rl_attempted_completion_function = complete;
        rl_completer_word_break_characters = " \t\n";
#ifndef RINGSIDE_EDITLINE
        rl_signal_event_hook = on_signal;
        rl_getc_function = get_key;
#endif
        load_history();
    }
    while (!shell_wants_to_quit(sh, &status) && (line = read_line(shell_prompt(sh)))) {
        if (person && *line)
            add_history(line);
        if (!person && !*line)
            continue; /* in a script an empty line is one */
        shell_run(sh, line);
    }
    /* Nobody types any more, but gdb may still come: once. */
    if (!person && !shell_wants_to_quit(sh, &status) && gdb_shell_server(sh))
        gdb_shell_serve(sh);
    if (person) {
        save_history();
        if (!shell_wants_to_quit(sh, &status))
            putchar('\n'); /* Ctrl-D */
    }
    prompt_watch(NULL);
    free(prompt.line);
    prompt.line = NULL;
    return status;
}
