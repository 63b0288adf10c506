/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings in files. Sections, in this order:
 *
 *     HEAD  configuration and result, as JSON
 *     KERN  the kernel's image, as it was loaded
 *     INRD  the initrd, with everything that was added to it
 *     DSK0  what was on the first disk before the run, and so on; of disks that there were
 *     INPT  the input log
 *     CHNG  what was changed by hand; when anything was
 */
#include "record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "digest.h"
#include "fields.h"
#include "input_section.h"

static const struct container_format format = {
    .magic = "RINGSIDE RECORD\n",
    .version = 1,
    .what = "a recording",
};

static const char *const disk_section[DISKS_MAX] = {"DSK0", "DSK1", "DSK2", "DSK3"};

static void write_head(struct container_out *c, const struct recording *r)
{
    json_t *o = json_object(), *result = json_object();

    field_put_config(o, &r->config);
    field_put_number(result, "cycles", r->result.cycles);
    field_put_number(result, "instructions", r->result.instructions);
    field_put_number(result, "events", r->result.events);
    field_put_digest(result, "state_digest", r->result.state_digest);
    field_put_digest(result, "event_digest", r->result.event_digest);
    field_put_number(result, "status", r->result.status);
    field_put_text(result, "end", r->result.end);
    field_put_text(result, "reason", r->result.reason);
    json_object_set_new(o, "result", result);
    if (r->changes)
        field_put_number(o, "changes", r->changes);
    fields_write(c, "HEAD", o);
}

static void write_changes(struct container_out *c, const struct recording *r)
{
    container_section(c, "CHNG");
    for (size_t i = 0; i < r->changes; i++) {
        const struct record_change *x = &r->change[i];
        const uint64_t head[] = {x->cycle, x->where, (uint64_t)x->kind << 32 | x->n, x->size};
        container_put(c, head, sizeof head);
        container_put(c, x->bytes, x->size);
    }
}

bool record_write(const char *path, const struct recording *r, struct err *err)
{
    struct container_out *c = container_create(path, &format, err);

    if (!c)
        return false;
    write_head(c, r);
    container_section(c, "KERN");
    container_put(c, r->kernel.data, r->kernel.size);
    container_section(c, "INRD");
    container_put(c, r->initrd.data, r->initrd.size);
    for (unsigned i = 0; i < DISKS_MAX && r->config.disk_bytes[i]; i++) {
        container_section(c, disk_section[i]);
        container_put(c, r->disk[i].data, r->disk[i].size);
    }
    container_section(c, "INPT");
    input_entries_write(c, r->log, r->entries);
    if (r->changes)
        write_changes(c, r);
    return container_commit(c, err);
}

static bool read_result(struct container_in *c, const json_t *o, struct run_result *r,
                        struct err *err)
{
    return field_number(c, o, "cycles", &r->cycles, err) &&
           field_number(c, o, "instructions", &r->instructions, err) &&
           field_number(c, o, "events", &r->events, err) &&
           field_digest(c, o, "state_digest", &r->state_digest, err) &&
           field_digest(c, o, "event_digest", &r->event_digest, err) &&
           field_number(c, o, "status", &r->status, err) &&
           field_text(c, o, "end", r->end, sizeof r->end, err) &&
           field_text(c, o, "reason", r->reason, sizeof r->reason, err);
}

static bool read_head(struct container_in *c, struct recording *r, struct err *err)
{
    json_t *o = fields_read(c, "HEAD", err);
    bool ok = o && field_config(c, o, &r->config, err) &&
              read_result(c, json_object_get(o, "result"), &r->result, err);
    uint64_t changes = 0;

    if (ok && json_object_get(o, "changes"))
        ok = field_number(c, o, "changes", &changes, err) &&
             (changes <= RECORD_CHANGES_MAX || container_bad(c, err, "too many changes"));
    r->changes = ok ? (size_t)changes : 0;
    json_decref(o);
    return ok;
}

/* An image cannot be bigger than the RAM it was loaded into was allowed to be. */
static bool read_image(struct container_in *c, const char *section, const char *name,
                       struct image *img, struct err *err)
{
    struct err why = {.class = ERR_NONE};
    uint8_t *data = NULL;
    size_t n = 0, room = 0, got;

    if (!container_enter(c, section, err))
        return false;
    do {
        if (n == room) {
            /* One byte more than there may be, to see that there are not more. */
            size_t most = IMAGE_MAX_BYTES + 1, last = room;
            room = !room ? 1u << 20 : room < most / 2 ? room * 2 : most;
            uint8_t *more = room > last ? realloc(data, room) : NULL;
            if (!more) {
                free(data);
                return container_bad(c, err, "no memory for a %s of more than %zu MiB", name,
                                     n >> 20);
            }
            data = more;
        }
        got = container_get_some(c, data + n, room - n, &why);
        n += got;
    } while (got);
    img->data = data;
    img->size = n;
    if (why.class != ERR_NONE) {
        if (err)
            *err = why;
        return false;
    }
    img->name = strdup(name);
    return img->name || err_set(err, ERR_SYSTEM, "no memory for the name of the %s", name);
}

static bool read_disks(struct container_in *c, struct recording *r, struct err *err)
{
    for (unsigned i = 0; i < DISKS_MAX && r->config.disk_bytes[i]; i++) {
        if (!read_image(c, disk_section[i], "recorded disk", &r->disk[i], err))
            return false;
        if (r->disk[i].size != r->config.disk_bytes[i])
            return container_bad(c, err, "a disk of %zu bytes that should have %llu",
                                 r->disk[i].size, (unsigned long long)r->config.disk_bytes[i]);
    }
    return true;
}

/* How many there are has been checked; every number in one is a claim. */
static bool read_change(struct container_in *c, struct record_change *x, struct err *err)
{
    uint64_t head[4];

    if (!container_get(c, head, sizeof head, err))
        return false;
    *x = (struct record_change){.cycle = head[0],
                                .where = head[1],
                                .kind = (uint32_t)(head[2] >> 32),
                                .n = (uint32_t)head[2]};
    bool memory = x->kind == RECORD_MEMORY || x->kind == RECORD_PHYSICAL;
    if (x->kind >= RECORD_CHANGE_KINDS || head[3] > RECORD_CHANGE_BYTES_MAX ||
        (memory && (head[3] != x->n || !x->n)) || (x->kind == RECORD_COST && !head[3]) ||
        (x->kind == RECORD_REGISTER && head[3]))
        return container_bad(c, err, "a change that makes no sense");
    x->size = (uint32_t)head[3];
    x->bytes = malloc(x->size + 1);
    if (!x->bytes)
        return err_set(err, ERR_SYSTEM, "out of memory");
    x->bytes[x->size] = 0;
    return !x->size || container_get(c, x->bytes, x->size, err);
}

static bool read_changes(struct container_in *c, struct recording *r, struct err *err)
{
    uint64_t last = 0;

    if (!r->changes)
        return true;
    r->change = calloc(r->changes, sizeof *r->change);
    if (!r->change)
        return err_set(err, ERR_SYSTEM, "out of memory");
    if (!container_enter(c, "CHNG", err))
        return false;
    for (size_t i = 0; i < r->changes; last = r->change[i++].cycle)
        if (!read_change(c, &r->change[i], err))
            return false;
        else if (r->change[i].cycle < last)
            return container_bad(c, err, "changes that go back in time");
    return true;
}

static bool read_all(struct container_in *c, struct recording *r, struct err *err)
{
    return read_head(c, r, err) && read_image(c, "KERN", "recorded kernel", &r->kernel, err) &&
           read_image(c, "INRD", "recorded initrd", &r->initrd, err) && read_disks(c, r, err) &&
           container_enter(c, "INPT", err) && input_entries_read(c, &r->log, &r->entries, err) &&
           read_changes(c, r, err);
}

bool record_read(const char *path, struct recording *r, struct err *err)
{
    struct container_in *c = container_open(path, &format, err);

    memset(r, 0, sizeof *r);
    bool ok = c && read_all(c, r, err);
    container_close(c);
    if (!ok)
        record_free(r);
    return ok;
}

void record_free(struct recording *r)
{
    image_free(&r->kernel);
    image_free(&r->initrd);
    for (unsigned i = 0; i < DISKS_MAX; i++)
        image_free(&r->disk[i]);
    free(r->log);
    for (size_t i = 0; r->change && i < r->changes; i++)
        free(r->change[i].bytes);
    free(r->change);
    memset(r, 0, sizeof *r);
}

/* ---- comparing ---- */

struct differences {
    char *text;
    size_t size, used;
    unsigned n;
};

static void __attribute__((format(printf, 2, 3)))
differ(struct differences *d, const char *fmt, ...)
{
    va_list ap;

    d->n++;
    if (d->used >= d->size)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(d->text + d->used, d->size - d->used, fmt, ap);
    va_end(ap);
    d->used += n > 0 ? (size_t)n : 0;
}

static void compare_number(struct differences *d, const char *name, uint64_t a, uint64_t b)
{
    if (a != b)
        differ(d, "%s: recorded %" PRIu64 ", replayed %" PRIu64 "\n", name, a, b);
}

static void compare_digest(struct differences *d, const char *name, struct digest a,
                           struct digest b)
{
    char x[DIGEST_HEX], y[DIGEST_HEX];

    if (digest_equal(a, b))
        return;
    digest_hex(a, x);
    digest_hex(b, y);
    differ(d, "%s: recorded %s, replayed %s\n", name, x, y);
}

static void compare_text(struct differences *d, const char *name, const char *a, const char *b)
{
    if (strcmp(a, b))
        differ(d, "%s: recorded \"%s\", replayed \"%s\"\n", name, a, b);
}

unsigned record_compare(const struct run_result *a, const struct run_result *b, char *text,
                        size_t size)
{
    struct differences d = {.text = text, .size = size};

    if (size)
        text[0] = 0;
    compare_text(&d, "end", a->end, b->end);
    compare_text(&d, "reason", a->reason, b->reason);
    compare_number(&d, "status", a->status, b->status);
    compare_number(&d, "cycles", a->cycles, b->cycles);
    compare_number(&d, "instructions", a->instructions, b->instructions);
    compare_number(&d, "events", a->events, b->events);
    compare_digest(&d, "event digest", a->event_digest, b->event_digest);
    compare_digest(&d, "state digest", a->state_digest, b->state_digest);
    return d.n;
}
