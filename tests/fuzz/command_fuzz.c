/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is typed at the debugger's prompt, and completed there: each line of an input is a command.
 * Promised: a command does something or says why not, and the shell is there for the next one.
 */
#include "fuzz.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "debugged.h"
#include "debugger/command/shell.h"

enum { LINES_MOST = 12, LINE_MOST = 600 };

static size_t written;

static void on_write(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    FUZZ_PROMISE(n == 0 || text);
    written += n;
}

static const char *no_more(void *ctx, const char *prompt)
{
    (void)ctx, (void)prompt;
    return NULL;
}

static void no_word(void *ctx, const char *word)
{
    (void)ctx;
    FUZZ_PROMISE(word);
}

/* Files of the host are no matter of this test, and `gdb` would wait for somebody. */
static bool is_about_us(const char *line)
{
    while (isspace((unsigned char)*line))
        line++;
    return !strchr(line, '/') && !strstr(line, "io.") && strncmp(line, "gd", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool quiet;
    struct debug *d = debugged();
    struct err err = {0};
    struct shell_setup setup = {.debug = d, .front = {.write = on_write, .more = no_more}};
    struct shell *sh = shell_new(&setup, &err);
    char line[LINE_MOST];

    if (!quiet && !freopen("/dev/null", "r", stdin))
        return 0;
    quiet = true;
    FUZZ_PROMISE(sh);
    for (unsigned i = 0; size && i < LINES_MOST; i++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size;
        snprintf(line, sizeof line, "%.*s", (int)(n < LINE_MOST ? n : LINE_MOST - 1),
                 (const char *)data);
        n += end != NULL;
        data += n;
        size -= n;
        if (!is_about_us(line))
            continue;
        shell_complete(sh, line, strlen(line), no_word, NULL);
        shell_run(sh, line);
        FUZZ_PROMISE(shell_prompt(sh)[0]);
    }
    written = 0;
    FUZZ_PROMISE(shell_run(sh, "help") && written > 1000);
    shell_free(sh);
    return 0;
}

static const char *const seeds[] = {
    "break *0x100020\ncontinue\ninfo break\nstepi 3\nreverse-stepi\nreverse-continue\ndelete",
    "watch *(int *)0x110008\ncontinue\ncontinue\nreverse-continue\nx 4x 0x110000\nprint $eax + 3 * "
    "(2 - 1)",
    "break exit cpuid\nc\nwhere\nfinish\ninfo registers\ninfo registers --json\ntbreak event "
    "io_out\nc",
    "goto 100\ncheckpoint a\nset $eax = 5\ngoto 200\nrestart a\ninfo checkpoints\ninfo futures",
    "print *(char *)0x100000@8\noutput 1 << 3\nprintf \"%d %s\\n\", 3, 0x100000\np/x $pc\np "
    "sizeof(int)",
    "help break\nhelp stops\necho a\\n\nignore 1 3\ncondition 1 eax == 3\ndisplay "
    "$eip\nstep\nundisplay",
    "lua print(1 + 1)\nlua while true do end\nlua return string.rep('x', 1e9)\nbreak irq if ring "
    "== 0",
    "disassemble 0x100000\nlist\nbacktrace\nframe 3\nup\ninfo line main\ninfo symbol 0x100000",
};

size_t fuzz_seed(unsigned i, uint8_t *to, size_t room)
{
    if (i >= sizeof seeds / sizeof seeds[0])
        return 0;
    size_t n = strlen(seeds[i]);
    FUZZ_PROMISE(n <= room);
    memcpy(to, seeds[i], n);
    return n;
}
