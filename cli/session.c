/* SPDX-License-Identifier: GPL-2.0-only */
/* See session.h. What the user gave is resolved to bytes here, once: what runs, what is recorded and
   what is saved are the same bytes, whatever happens to the files meanwhile. */
#include "session.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "costs.h"
#include "emu/digest.h"

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

bool session_kernel(struct image *kernel, const struct options *o, struct err *err)
{
    char path[PATH_MAX];
    if (!o->kernel && !find_companion("ringside-kernel", path, err))
        return false;
    return image_read(kernel, o->kernel ? o->kernel : path, err) || err_wrap(err, "kernel");
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
    bool ok = image_read(&archive, from, err) &&
              (o->kernel ? initrd_append_foreign : initrd_append_image)(rd, archive, err);
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
    ok = ok && initrd_finish(rd, &s->initrd, err);
    initrd_free(rd);
    return ok || err_wrap(err, "initrd");
}

/*
 * The seed goes to the guest as a word of its command line: whatever in it is random begins there.
 * With -e the kernel keeps quiet, so that only what the commands print is printed.
 */
static bool make_config(struct session *s, const struct options *o, struct err *err)
{
    struct run_config *c = &s->config;
    const char *more = o->append ? o->append : "";
    int n = snprintf(c->cmdline, sizeof c->cmdline, "seed=%llu%s%s%s", (unsigned long long)o->seed,
                     o->execute ? " quiet" : "", more[0] ? " " : "", more);
    if (n < 0 || (size_t)n >= sizeof c->cmdline)
        return err_set(err, ERR_USAGE, "--append: more than %zu bytes", sizeof c->cmdline - 1);
    if (strlen(o->hv) >= sizeof c->model)
        return err_set(err, ERR_USAGE, "--hv: '%.40s...' is not the name of a model", o->hv);
    strcpy(c->model, o->hv);
    c->mem_bytes = o->mem_mib << 20;
    c->seed = o->seed;
    c->max_cycles = o->max_cycles;
    c->rtc_epoch = o->rtc;
    c->pure = o->pure;
    c->batch = o->execute != NULL;
    return true;
}

static bool find_model(struct session *s, struct err *err)
{
    return hv_find(s->config.model, &s->model, &s->variant, err);
}

bool session_from_options(struct session *s, const struct options *o, struct err *err)
{
    *s = (struct session){0};
    return make_config(s, o, err) && find_model(s, err) &&
           costs_from_options(o, s->model, &s->config, err) &&
           session_kernel(&s->kernel, o, err) && make_initrd(s, o, err);
}

bool session_from_saved(struct session *s, const char *path, struct err *err)
{
    *s = (struct session){0};
    s->saved = savefile_open(path, &s->origin, err);
    if (!s->saved)
        return false;
    s->config = s->origin.config;
    s->config.max_cycles = 0; /* the limit was that run's, not this one's */
    return find_model(s, err) || err_wrap(err, "%s", path);
}

bool session_from_recording(struct session *s, struct recording *r, struct err *err)
{
    *s = (struct session){.config = r->config, .kernel = r->kernel, .initrd = r->initrd};
    r->kernel = r->initrd = (struct image){0};
    return find_model(s, err);
}

bool session_start(struct session *s, const struct machine_host *host, struct err *err)
{
    const struct machine_config cfg = {
        .mem_bytes = s->config.mem_bytes,
        .seed = s->config.seed,
        .rtc_epoch = s->config.rtc_epoch,
        .max_cycles = s->config.max_cycles,
        .pure = s->config.pure,
    };
    const struct boot_request boot = {
        .kernel = s->kernel,
        .initrd = s->initrd,
        .cmdline = s->config.cmdline,
    };
    s->machine = machine_new(&cfg, host, err);
    if (!s->machine || !hv_attach(s->machine, s->model, s->variant, s->saved ? NULL : &boot, err))
        return false;
    if (!costs_apply(s->machine, &s->config, err))
        return false;
    if (!s->saved)
        return true;
    struct machine_parts parts = machine_parts(s->machine);
    bool ok = savefile_load(s->saved, &parts, err);
    savefile_close(s->saved);
    s->saved = NULL;
    return ok;
}

void session_close(struct session *s)
{
    if (s->machine) {
        hv_detach(s->machine);
        machine_free(s->machine);
    }
    if (s->saved)
        savefile_close(s->saved);
    image_free(&s->kernel);
    image_free(&s->initrd);
    *s = (struct session){0};
}

bool session_save(struct session *s, const char *path, struct err *err)
{
    struct machine_parts parts = machine_parts(s->machine);
    struct save_info info = s->origin; /* saved again, a machine still comes from where it came */
    info.config = s->config;
    if (s->kernel.size) {
        info.kernel = digest_bytes(s->kernel.data, s->kernel.size);
        info.initrd = digest_bytes(s->initrd.data, s->initrd.size);
    }
    return savefile_write(path, &parts, &info, err);
}

bool session_record(struct session *s, const char *path, const struct run_result *result,
                    struct err *err)
{
    struct input *in = s->machine->input;
    if (input_log_is_cut(in))
        return err_set(err, ERR_FILE, "%s: the run had too much input to be recorded (%u bytes)",
                       path, INPUT_LOG_MAX);
    struct recording r = {
        .config = s->config,
        .kernel = s->kernel,
        .initrd = s->initrd,
        .result = *result,
    };
    /* record_write only reads the log; the field is not const because record_read() owns its own. */
    r.log = (struct input_entry *)input_log(in, &r.entries);
    return record_write(path, &r, err);
}
