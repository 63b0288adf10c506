/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing an initrd: a cpio archive that grows entry by entry.
 *
 * The same things must give the same bytes on every machine, or two people could not compare
 * digests: so no time stamps, no owners, no inode numbers of the host, and directories are read in
 * the order of their names' bytes, whatever the host's file system or locale thinks.
 */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abi/ringside_ports.h"

#define TREE_DEPTH 128

struct initrd {
    uint8_t *data;
    size_t size, room;
    uint32_t ino;
    bool failed; /* out of memory, or too big: told at the next chance */
};

struct initrd *initrd_new(void)
{
    return calloc(1, sizeof(struct initrd));
}

void initrd_free(struct initrd *rd)
{
    if (!rd)
        return;
    free(rd->data);
    free(rd);
}

static void put(struct initrd *rd, const void *bytes, size_t n)
{
    if (rd->failed || n > IMAGE_MAX_BYTES - rd->size) {
        rd->failed = true;
        return;
    }
    if (rd->size + n > rd->room) {
        size_t room = (rd->size + n) * 2;
        uint8_t *more = realloc(rd->data, room);
        if (!more) {
            rd->failed = true;
            return;
        }
        rd->data = more;
        rd->room = room;
    }
    if (n)
        memcpy(rd->data + rd->size, bytes, n);
    rd->size += n;
}

static void pad4(struct initrd *rd)
{
    put(rd, "\0\0\0", -rd->size & 3);
}

static bool ok(const struct initrd *rd, struct err *err)
{
    return !rd->failed || err_set(err, ERR_SYSTEM, "no memory for the initrd (at most %llu MiB)",
                                  (unsigned long long)(IMAGE_MAX_BYTES >> 20));
}

struct node {
    uint32_t mode, major, minor;
};

static void put_entry(struct initrd *rd, const char *name, struct node node, const void *data,
                      size_t size)
{
    char header[111];
    bool dir = S_ISDIR(node.mode);

    snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             ++rd->ino, node.mode, 0, 0, dir ? 2 : 1, 0, (unsigned)size, 0, 0, node.major,
             node.minor, (unsigned)strlen(name) + 1, 0);
    put(rd, header, 110);
    put(rd, name, strlen(name) + 1);
    pad4(rd);
    put(rd, data, size);
    pad4(rd);
}

static void put_trailer(struct initrd *rd)
{
    put_entry(rd, "TRAILER!!!", (struct node){0}, NULL, 0);
}

static bool append(struct initrd *rd, struct image image, struct err *err)
{
    put(rd, image.data, image.size);
    pad4(rd);
    return ok(rd, err);
}

bool initrd_append_image(struct initrd *rd, struct image image, struct err *err)
{
    return cpio_check(image, err) && append(rd, image, err);
}

bool initrd_append_foreign(struct initrd *rd, struct image image, struct err *err)
{
    return cpio_check_plain_part(image, err) && append(rd, image, err);
}

/* Entries for a/, a/b/ of a/b/c. Where they exist already the guest's kernel keeps them. */
static void put_parents(struct initrd *rd, const char *path)
{
    char dir[PATH_MAX];

    for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
        snprintf(dir, sizeof dir, "%.*s", (int)(s - path), path);
        put_entry(rd, dir, (struct node){.mode = S_IFDIR | 0755}, NULL, 0);
    }
}

bool initrd_add_file(struct initrd *rd, const char *path, uint32_t mode, const void *data,
                     size_t size, struct err *err)
{
    path += strspn(path, "/");
    size_t n = strlen(path);
    if (!n || n >= PATH_MAX || path[n - 1] == '/')
        return err_set(err, ERR_USAGE, "\"%s\" does not name a file in the initrd", path);
    if (size > IMAGE_MAX_BYTES)
        return err_set(err, ERR_FILE, "%s: too big for an initrd", path);
    put_parents(rd, path);
    put_entry(rd, path, (struct node){.mode = S_IFREG | (mode & 07777)}, data, size);
    put_trailer(rd);
    return ok(rd, err);
}

bool initrd_add_commands(struct initrd *rd, const char *commands, struct err *err)
{
    return initrd_add_file(rd, RINGSIDE_CMD_FILE, 0644, commands, strlen(commands), err);
}

bool initrd_add_argument(struct initrd *rd, const char *argument, struct err *err)
{
    char file[PATH_MAX], path[PATH_MAX];
    const char *equals = strrchr(argument, '=');
    struct image img;

    /* A name with an equals sign in it, and nothing asked for: the file of that name. */
    if (equals && !access(argument, F_OK))
        equals = NULL;
    int n = equals ? (int)(equals - argument) : (int)strlen(argument);
    if (snprintf(file, sizeof file, "%.*s", n, argument) >= (int)sizeof file)
        return err_set(err, ERR_USAGE, "a file name of %d bytes is too long", n);
    const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    int used = equals ? snprintf(path, sizeof path, "%s", equals + 1)
                      : snprintf(path, sizeof path, "bin/%s", name);
    if (used >= (int)sizeof path)
        return err_set(err, ERR_USAGE, "a path of %d bytes is too long", used);
    if (!image_read(&img, file, err))
        return false;
    bool added = initrd_add_file(rd, path, 0755, img.data, img.size, err);
    image_free(&img);
    return added;
}

/* ---- a directory's tree ---- */

struct tree {
    struct initrd *rd;
    char path[PATH_MAX]; /* on the host */
    size_t root;         /* path + root is the name in the archive */
    unsigned depth;
    struct err *err;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool system_said(struct tree *t)
{
    return err_set(t->err, ERR_FILE, "%s: %s", t->path, strerror(errno));
}

static bool add_link(struct tree *t, const char *name, struct node node)
{
    char target[PATH_MAX];
    ssize_t n = readlink(t->path, target, sizeof target);

    if (n < 0)
        return system_said(t);
    put_entry(t->rd, name, node, target, (size_t)n);
    return true;
}

static bool add_regular(struct tree *t, const char *name, struct node node)
{
    struct image img;

    if (!image_read(&img, t->path, t->err))
        return false;
    put_entry(t->rd, name, node, img.data, img.size);
    image_free(&img);
    return ok(t->rd, t->err);
}

static bool add_children(struct tree *t);

static bool add_node(struct tree *t)
{
    const char *name = t->path + t->root;
    struct stat st;

    if (lstat(t->path, &st))
        return system_said(t);
    struct node node = {.mode = st.st_mode};
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return add_regular(t, name, node);
    case S_IFLNK:
        return add_link(t, name, node);
    case S_IFDIR:
        put_entry(t->rd, name, node, NULL, 0);
        return add_children(t);
    case S_IFCHR:
    case S_IFBLK:
        node.major = major(st.st_rdev);
        node.minor = minor(st.st_rdev);
        put_entry(t->rd, name, node, NULL, 0);
        return true;
    case S_IFIFO:
        put_entry(t->rd, name, node, NULL, 0);
        return true;
    default:
        return true; /* a socket is of no use without its listener */
    }
}

/* The names in t->path, without . and .., in the order of their bytes; freed by free_names. */
static bool read_names(struct tree *t, char ***names, size_t *count)
{
    DIR *d = opendir(t->path);
    size_t room = 0;
    struct dirent *e;

    *names = NULL;
    *count = 0;
    if (!d)
        return system_said(t);
    while ((e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (*count == room) {
            room = room ? room * 2 : 64;
            char **more = realloc(*names, room * sizeof **names);
            if (!more)
                break;
            *names = more;
        }
        if (!((*names)[*count] = strdup(e->d_name)))
            break;
        ++*count;
    }
    closedir(d);
    if (e)
        return err_set(t->err, ERR_SYSTEM, "no memory for the names in %s", t->path);
    if (*count)
        qsort(*names, *count, sizeof **names, by_bytes);
    return true;
}

static bool add_children(struct tree *t)
{
    size_t length = strlen(t->path), count;
    char **names;
    bool good = read_names(t, &names, &count);

    if (good && ++t->depth > TREE_DEPTH)
        good = err_set(t->err, ERR_FILE, "%s: more than %d directories deep", t->path, TREE_DEPTH);
    for (size_t i = 0; i < count && good; i++) {
        int n = snprintf(t->path + length, sizeof t->path - length, "/%s", names[i]);
        good = (size_t)n < sizeof t->path - length
                   ? add_node(t)
                   : err_set(t->err, ERR_FILE, "%s: a path that is too long", t->path);
        t->path[length] = 0;
    }
    t->depth--;
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return good;
}

bool initrd_add_tree(struct initrd *rd, const char *dir, struct err *err)
{
    struct tree t = {.rd = rd, .err = err};
    size_t n = strlen(dir);

    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (!n || n >= sizeof t.path)
        return err_set(err, ERR_USAGE, "\"%s\" does not name a directory", dir);
    memcpy(t.path, dir, n);
    t.root = n + 1; /* also for "/": its children become "//x" */
    bool good = add_children(&t);
    put_trailer(rd);
    return good && ok(rd, err);
}

bool initrd_finish(struct initrd *rd, struct image *out, struct err *err)
{
    char *name = ok(rd, err) ? strdup("initrd") : NULL;

    if (!name)
        return rd->failed ? false : err_set(err, ERR_SYSTEM, "no memory for the initrd");
    *out = (struct image){.data = rd->data, .size = rd->size, .name = name};
    *rd = (struct initrd){0};
    return true;
}
