/* SPDX-License-Identifier: GPL-2.0-only */
/* See session.h. What the user gave is resolved to bytes here, once: what runs, what is recorded and
   what is saved are the same bytes, whatever happens to the files meanwhile. */
#include "session.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
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
    static const char *const places[] = {"", "../" RINGSIDE_LIBDIR "/", "../share/ringside/"};
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

bool session_sources(char *path)
{
    struct err err = {0};

    return find_companion("ringside-src", path, &err) || find_companion("src", path, &err);
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

/* FILE or FILE,rw. */
static bool read_disk(struct session *s, unsigned i, const char *argument, struct err *err)
{
    size_t n = strlen(argument);
    bool writable = n > 3 && !strcmp(argument + n - 3, ",rw");
    char *path = strndup(argument, writable ? n - 3 : n);

    if (!path)
        return err_set(err, ERR_SYSTEM, "out of memory");
    bool ok = disk_file_read(path, writable, &s->disk[i], &s->disk_file[i], err);
    if (ok) {
        s->config.disk_bytes[i] = s->disk[i].size;
        const char *why = disks_refuse(s->config.disk_bytes);
        ok = !why || err_set(err, ERR_FILE, "%s: %s", path, why);
    }
    free(path);
    return ok || err_wrap(err, "disk");
}

/* A saved machine has a copy of the disk in it. Were there a file as well that the first run has
   written to, and the second does not, nobody could say which of them is the guest's disk. */
static bool check_disks(const struct session *s, const struct options *o, struct err *err)
{
    for (unsigned i = 0; o->save && i < DISKS_MAX; i++)
        if (s->disk_file[i])
            return err_set(err, ERR_USAGE,
                           "--save puts a copy of the disk into the saved machine, which goes on "
                           "with that and not with a file: --disk without ,rw");
    return true;
}

static bool read_disks(struct session *s, const struct options *o, struct err *err)
{
    if (o->disk.n > DISKS_MAX)
        return err_set(err, ERR_USAGE, "--disk: a machine has up to %u disks", DISKS_MAX);
    if (o->disk.n && !(s->model->devices & HV_DEV_DISK))
        return hv_refuse_disks(s->model, err);
    for (unsigned i = 0; i < o->disk.n; i++)
        if (!read_disk(s, i, o->disk.text[i], err))
            return false;
    s->recorded = o->record != NULL;
    return check_disks(s, o, err);
}

bool session_from_options(struct session *s, const struct options *o, struct err *err)
{
    *s = (struct session){0};
    return make_config(s, o, err) && find_model(s, err) &&
           costs_from_options(o, s->model, &s->config, err) && read_disks(s, o, err) &&
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
    for (unsigned i = 0; i < DISKS_MAX; i++) {
        s->disk[i] = r->disk[i];
        r->disk[i] = (struct image){0};
    }
    return find_model(s, err);
}

/* A machine that is loaded has its disks in its file, and has none to write to. */
static bool fill_disks(struct session *s, struct err *err)
{
    struct disks *disks = s->machine->domain->disks;

    for (unsigned i = 0; i < disks_count(disks); i++) {
        disk_fill(disks, i, &s->disk[i]);
        if (s->disk_file[i] && !disk_file_attach(s->disk_file[i], disks, i, err))
            return false;
        if (!s->recorded)
            image_free(&s->disk[i]);
    }
    return true;
}

bool session_sync_disks(struct session *s, struct err *err)
{
    bool ok = true;

    for (unsigned i = 0; i < DISKS_MAX; i++)
        if (s->disk_file[i] && !disk_file_sync(s->disk_file[i], ok ? err : NULL))
            ok = false;
    return ok;
}

bool session_start(struct session *s, const struct machine_host *host, struct err *err)
{
    struct machine_config cfg = {
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
    memcpy(cfg.disk_bytes, s->config.disk_bytes, sizeof cfg.disk_bytes);
    s->machine = machine_new(&cfg, host, err);
    if (!s->machine || (!s->saved && !fill_disks(s, err)) ||
        !hv_attach(s->machine, s->model, s->variant, s->saved ? NULL : &boot, err))
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
    for (unsigned i = 0; i < DISKS_MAX; i++) {
        image_free(&s->disk[i]);
        disk_file_close(s->disk_file[i]);
    }
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
                    const struct recording *by_hand, struct err *err)
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
    if (by_hand) {
        r.change = by_hand->change;
        r.changes = by_hand->changes;
    }
    memcpy(r.disk, s->disk, sizeof r.disk);
    /* record_write only reads the log; the field is not const because record_read() owns its own. */
    r.log = (struct input_entry *)input_log(in, &r.entries);
    return record_write(path, &r, err);
}
