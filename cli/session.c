/* SPDX-License-Identifier: GPL-2.0-only */
#include "session.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A file that came with the program: beside it in a build tree, under lib/ when it is installed.
 * The program's own place decides, not a path from build time, so that a tree can be moved.
 */
static bool find_companion(const char *name, char *path, struct err *err)
{
    static const char *const places[] = {"", "../" RINGSIDE_LIBDIR "/"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return err_set(err, ERR_SYSTEM, "where is this program? /proc/self/exe: %s",
                       strerror(errno));
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (snprintf(path, PATH_MAX, "%s%s%s", self, places[i], name) >= PATH_MAX)
            continue;
        if (access(path, R_OK) == 0)
            return true;
    }
    return err_set(err, ERR_FILE, "%s is not beside the program: build it, or name another", name);
}

static bool read_kernel(struct session *s, const struct options *o, struct err *err)
{
    char path[PATH_MAX];
    if (!o->kernel && !find_companion("ringside-kernel", path, err))
        return false;
    return image_read(&s->boot.kernel, o->kernel ? o->kernel : path, err) ||
           err_wrap(err, "kernel");
}

/* What the initrd begins with: the user's archive or directory, or ours. */
static bool begin_initrd(struct initrd *rd, const struct options *o, struct err *err)
{
    char path[PATH_MAX];
    const char *from = o->initrd;
    struct stat st;
    if (!from) {
        if (!find_companion("initrd.cpio", path, err))
            return false;
        from = path;
    } else if (stat(from, &st) == 0 && S_ISDIR(st.st_mode)) {
        return initrd_add_tree(rd, from, err);
    }
    struct image archive = {0};
    bool ok = image_read(&archive, from, err) && initrd_append_image(rd, archive, err);
    image_free(&archive);
    return ok;
}

/* What is added later wins over a file of the same name before it. */
static bool make_initrd(struct session *s, const struct options *o, struct err *err)
{
    struct initrd *rd = initrd_new();
    if (!rd)
        return err_set(err, ERR_SYSTEM, "out of memory");
    bool ok = begin_initrd(rd, o, err);
    for (size_t i = 0; ok && i < o->add.n; i++)
        ok = initrd_add_argument(rd, o->add.text[i], err);
    if (ok && o->execute)
        ok = initrd_add_commands(rd, o->execute, err);
    ok = ok && initrd_finish(rd, &s->boot.initrd, err);
    initrd_free(rd);
    return ok || err_wrap(err, "initrd");
}

/* The seed goes to the guest as a word of its command line: whatever in it is random begins there.
   With -e the kernel keeps quiet, so that only what the commands print is printed. */
static bool make_cmdline(struct session *s, const struct options *o, struct err *err)
{
    const char *more = o->append ? o->append : "";
    if (asprintf(&s->cmdline, "seed=%llu%s%s%s", (unsigned long long)o->seed,
                 o->execute ? " quiet" : "", more[0] ? " " : "", more) < 0) {
        s->cmdline = NULL;
        return err_set(err, ERR_SYSTEM, "out of memory");
    }
    s->boot.cmdline = s->cmdline;
    return true;
}

bool session_prepare(struct session *s, const struct options *o, struct err *err)
{
    *s = (struct session){0};
    return hv_find(o->hv, &s->model, &s->variant, err) && read_kernel(s, o, err) &&
           make_initrd(s, o, err) && make_cmdline(s, o, err);
}

bool session_boot(struct session *s, const struct machine_config *cfg,
                  const struct machine_host *host, struct err *err)
{
    s->machine = machine_new(cfg, host, err);
    return s->machine && hv_attach(s->machine, s->model, s->variant, &s->boot, err);
}

void session_close(struct session *s)
{
    if (s->machine) {
        hv_detach(s->machine);
        machine_free(s->machine);
    }
    image_free(&s->boot.kernel);
    image_free(&s->boot.initrd);
    free(s->cmdline);
    *s = (struct session){0};
}

struct machine_config session_config(const struct options *o)
{
    return (struct machine_config){
        .mem_bytes = o->mem_mib << 20,
        .seed = o->seed,
        .rtc_epoch = o->rtc,
        .max_cycles = o->max_cycles,
        .pure = o->pure,
    };
}
