/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source text. A file is looked for where it was compiled, and then in the user's directories: with
 * its whole name below each, then with fewer and fewer of its leading directories, so that
 * "guest/kernel/sched.c" is found from the tree's top, from guest/ and from guest/kernel/.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIRECTORIES_MAX 64u
#define FILES_MAX       4096u
#define SOURCE_MAX      (16u << 20)

struct text_file {
    char *name;
    char *text; /* its lines, each ended by a NUL; NULL: it cannot be read */
    char **line;
    uint32_t lines;
    bool told;
};

struct sources {
    char *directory[DIRECTORIES_MAX];
    unsigned directories;
    struct text_file *file;
    uint32_t files;
};

struct sources *sources_new(void)
{
    return calloc(1, sizeof(struct sources));
}

static void forget_files(struct sources *s)
{
    for (uint32_t i = 0; i < s->files; i++) {
        free(s->file[i].name);
        free(s->file[i].text);
        free(s->file[i].line);
    }
    free(s->file);
    s->file = NULL;
    s->files = 0;
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    forget_files(s);
    for (unsigned i = 0; i < s->directories; i++)
        free(s->directory[i]);
    free(s);
}

bool sources_add(struct sources *s, const char *dir, struct err *err)
{
    struct stat st;

    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: no such directory", dir);
    if (s->directories == DIRECTORIES_MAX)
        return err_set(err, ERR_USAGE, "%u source directories are enough", DIRECTORIES_MAX);
    char *copy = strdup(dir);
    if (!copy)
        return err_set(err, ERR_SYSTEM, "out of memory");
    s->directory[s->directories++] = copy;
    /* What was not found before may be there. Texts that were found stay where they are. */
    for (uint32_t i = 0; i < s->files; i++)
        if (!s->file[i].text && s->file[i].name)
            s->file[i].name[0] = '\0';
    return true;
}

static char *read_text(const char *path)
{
    struct stat st;
    FILE *f;
    char *text = NULL;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)SOURCE_MAX)
        return NULL;
    f = fopen(path, "rb");
    if (!f)
        return NULL;
    size_t size = (size_t)st.st_size;
    text = malloc(size + 2);
    if (text) {
        size_t n = fread(text, 1, size, f);
        for (size_t i = 0; i < n; i++)
            if (text[i] == '\0')
                text[i] = ' ';
        if (n && text[n - 1] != '\n')
            text[n++] = '\n';
        text[n] = '\0';
    }
    fclose(f);
    return text;
}

static char *read_below(const char *dir, const char *file)
{
    char path[4096];

    for (; file; file = strchr(file, '/')) {
        while (*file == '/')
            file++;
        if (*file && snprintf(path, sizeof path, "%s/%s", dir, file) < (int)sizeof path) {
            char *text = read_text(path);
            if (text)
                return text;
        }
    }
    return NULL;
}

static char *find_text(const struct sources *s, const struct program *p, const char *file)
{
    char *text = NULL;

    for (uint32_t i = 0; p && i < p->files && !text; i++)
        if (!strcmp(p->file[i].name, file) && p->file[i].full[0] == '/')
            text = read_text(p->file[i].full);
    if (!text && file[0] == '/')
        text = read_text(file);
    for (unsigned i = 0; i < s->directories && !text; i++)
        text = read_below(s->directory[i], file);
    return text;
}

static bool cut_lines(struct text_file *f)
{
    uint32_t n = 0;

    for (const char *c = f->text; *c; c++)
        n += *c == '\n';
    f->line = malloc((n ? n : 1) * sizeof *f->line);
    if (!f->line)
        return false;
    for (char *c = f->text; *c;) {
        char *end = strchr(c, '\n');
        f->line[f->lines++] = c;
        if (end > c && end[-1] == '\r')
            end[-1] = '\0';
        *end = '\0';
        c = end + 1;
    }
    return true;
}

static struct text_file *open_text(struct sources *s, struct program *p, const char *file)
{
    struct text_file *f = NULL;

    for (uint32_t i = 0; i < s->files; i++)
        if (!strcmp(s->file[i].name, file))
            return &s->file[i];
    f = grow((void **)&s->file, &s->files, sizeof *f, FILES_MAX);
    if (!f)
        return NULL;
    f->name = strdup(file);
    if (!f->name) {
        s->files--;
        return NULL;
    }
    f->text = find_text(s, p, file);
    if (f->text && !cut_lines(f)) {
        free(f->text);
        f->text = NULL;
    }
    return f;
}

const char *sources_line(struct sources *s, struct program *p, const char *file, unsigned line,
                         struct err *err)
{
    struct text_file *f = file ? open_text(s, p, file) : NULL;

    if (f && f->text && line && line <= f->lines)
        return f->line[line - 1];
    if (err)
        *err = (struct err){0};
    if (!f || f->told)
        return NULL;
    if (!f->text) {
        f->told = true;
        err_set(err, ERR_FILE,
                "the source %s cannot be found (the command 'directory DIR' says "
                "where else to look)",
                file);
    }
    return NULL;
}

unsigned sources_lines(struct sources *s, struct program *p, const char *file)
{
    struct text_file *f = file ? open_text(s, p, file) : NULL;

    return f && f->text ? f->lines : 0;
}
