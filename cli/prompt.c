/* SPDX-License-Identifier: GPL-2.0-only */
#include "prompt.h"

#ifdef RINGSIDE_EDITLINE
#include <editline/readline.h>
#else
#include <readline/history.h>
#include <readline/readline.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Signal handlers and readline's hooks carry no context: this is what they belong to. */
static struct shell *present;

static void on_interrupt(int signal)
{
    (void)signal;
    if (present)
        shell_interrupt(present);
}

static const char *read_more(void *ctx, const char *prompt)
{
    static char *line;

    (void)ctx;
    free(line);
    line = readline(isatty(STDIN_FILENO) ? prompt : "");
    return line;
}

void prompt_front(struct shell_front *f)
{
    f->more = read_more;
    f->color = isatty(STDOUT_FILENO);
}

static char **found;
static size_t founds;

static void take(void *ctx, const char *word)
{
    (void)ctx;
    char **more = realloc(found, (founds + 2) * sizeof *found);
    if (!more)
        return;
    found = more;
    found[founds++] = strdup(word);
    found[founds] = NULL;
}

static char *next_found(const char *text, int state)
{
    static size_t i;

    (void)text;
    if (!state)
        i = 0;
    return i < founds ? found[i++] : NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)start;
    founds = 0;
    rl_attempted_completion_over = 1;
    shell_complete(present, rl_line_buffer, (size_t)end, take, NULL);
    char **matches = founds ? rl_completion_matches(text, next_found) : NULL;
    free(found);
    found = NULL;
    return matches;
}

int prompt_run(struct shell *sh)
{
    struct sigaction act = {.sa_handler = on_interrupt}, old;
    int status = 0;
    char *line;
    bool person = isatty(STDIN_FILENO);

    present = sh;
    sigaction(SIGINT, &act, &old);
    rl_readline_name = "ringside";
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t\n";
    while (!shell_wants_to_quit(sh, &status)) {
        fflush(stdout);
        line = NULL;
        if (person) {
            line = readline(shell_prompt(sh));
        } else {
            size_t size = 0;
            if (getline(&line, &size, stdin) < 0) {
                free(line);
                line = NULL;
            } else
                line[strcspn(line, "\n")] = '\0';
        }
        if (!line)
            break;
        if (person && *line)
            add_history(line);
        shell_run(sh, line);
        free(line);
    }
    sigaction(SIGINT, &old, NULL);
    present = NULL;
    return status;
}
