/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine to a file and back. Sections, in this order:
 *
 *     HEAD  configuration and what a person may want to know, as JSON
 *     BLKS  number of blocks, then each: length of its name, size, name, bytes
 *     CPU   size, then the CPU's architectural state
 *     EVNT  size, then the position of the event stream
 *     INPT  the input log
 *     FRAM  every frame that is not zero: number, bytes; ascending
 *     DISK  the same of the disks' frames, where there are disks
 *
 * Numbers are the host's, which the container makes sure is little-endian where the writer was.
 */
#include "savefile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "container.h"
#include "digest.h"
#include "fields.h"
#include "input_section.h"

#define NAME_MOST 64u

static const struct container_format format = {
    .magic = "RINGSIDE MACHINE",
    .version = 1,
    .what = "a saved machine",
};

void savefile_libraries(char *text, size_t size)
{
    unsigned x = XXH_versionNumber();

    snprintf(text, size, "Unicorn %s, Zydis %s, zstd %s, xxhash %u.%u.%u, jansson %s",
             cpu_engine_version(), x86_decoder_version(), ZSTD_versionString(), x / 10000,
             x / 100 % 100, x % 100, jansson_version_str());
}

/* ---- writing ---- */

static void write_head(struct container_out *c, const struct machine_parts *p,
                       const struct save_info *info)
{
    json_t *o = json_object();
    char libraries[sizeof info->libraries];

    savefile_libraries(libraries, sizeof libraries);
    field_put_config(o, &info->config);
    field_put_digest(o, "kernel", info->kernel);
    field_put_digest(o, "initrd", info->initrd);
    field_put_number(o, "cycle", cpu_now(p->cpu));
    field_put_digest(o, "state_digest", digest_state(p));
    field_put_text(o, "libraries", libraries);
    fields_write(c, "HEAD", o);
}

static void write_blocks(struct container_out *c, const struct state *s)
{
    uint32_t count = s->blocks;

    container_section(c, "BLKS");
    container_put(c, &count, sizeof count);
    for (unsigned i = 0; i < s->blocks; i++) {
        const struct state_block *b = &s->block[i];
        uint32_t length = (uint32_t)strlen(b->name);
        uint64_t size = b->size;
        container_put(c, &length, sizeof length);
        container_put(c, &size, sizeof size);
        container_put(c, b->name, length);
        container_put(c, b->data, b->size);
    }
}

static void write_sized(struct container_out *c, const char *section, const void *bytes, size_t n)
{
    uint64_t size = n;

    container_section(c, section);
    container_put(c, &size, sizeof size);
    container_put(c, bytes, n);
}

static void write_frames(struct container_out *c, const char *section, struct mem *m)
{
    container_section(c, section);
    for (uint64_t f = 0; f < mem_frames(m); f++) {
        const void *page = mem_span(m, MADDR(f << PAGE_SHIFT), PAGE_SIZE);
        if (!page || digest_page_is_zero(page))
            continue;
        container_put(c, &f, sizeof f);
        container_put(c, page, PAGE_SIZE);
    }
}

bool savefile_write(const char *path, const struct machine_parts *p, const struct save_info *info,
                    struct err *err)
{
    struct container_out *c = container_create(path, &format, err);
    struct cpu_state raw, cpu;
    void *events = malloc(events_state_size());

    if (!c || !events) {
        if (c)
            err_set(err, ERR_SYSTEM, "no memory to write %s", path);
        container_abandon(c);
        free(events);
        return false;
    }
    memset(&raw, 0, sizeof raw);
    cpu_state_get(p->cpu, &raw);
    digest_canonical_cpu(&raw, &cpu);
    events_state_get(p->events, events);

    write_head(c, p, info);
    write_blocks(c, p->state);
    write_sized(c, "CPU ", &cpu, sizeof cpu);
    write_sized(c, "EVNT", events, events_state_size());
    input_section_write(c, p->input);
    write_frames(c, "FRAM", p->mem);
    if (p->disks)
        write_frames(c, "DISK", p->disks);
    free(events);
    return container_commit(c, err);
}

/* ---- reading ---- */

struct savefile {
    struct container_in *c;
    struct save_info info;
};

static bool read_head(struct container_in *c, struct save_info *info, struct err *err)
{
    json_t *o = fields_read(c, "HEAD", err);
    bool ok = o && field_config(c, o, &info->config, err) &&
              field_digest(c, o, "kernel", &info->kernel, err) &&
              field_digest(c, o, "initrd", &info->initrd, err) &&
              field_number(c, o, "cycle", &info->cycle, err) &&
              field_digest(c, o, "state_digest", &info->state, err) &&
              field_text(c, o, "libraries", info->libraries, sizeof info->libraries, err);

    json_decref(o);
    return ok;
}

static struct savefile *begin(struct container_in *c, struct save_info *info, struct err *err)
{
    struct savefile *s = c ? calloc(1, sizeof *s) : NULL;

    if (!s) {
        if (c)
            err_set(err, ERR_SYSTEM, "no memory to read a saved machine");
        container_close(c);
        return NULL;
    }
    s->c = c;
    if (!read_head(c, &s->info, err)) {
        savefile_close(s);
        return NULL;
    }
    *info = s->info;
    return s;
}

struct savefile *savefile_open(const char *path, struct save_info *info, struct err *err)
{
    return begin(container_open(path, &format, err), info, err);
}

static bool read_block(struct container_in *c, const struct state_block *b, struct err *err)
{
    uint32_t length;
    uint64_t size;
    char name[NAME_MOST + 1] = "";

    if (!container_get(c, &length, sizeof length, err) ||
        !container_get(c, &size, sizeof size, err))
        return false;
    if (!length || length > NAME_MOST)
        return container_bad(c, err, "a state block with a name of %u bytes", length);
    if (!container_get(c, name, length, err))
        return false;
    if (strlen(name) != length || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != length)
        return container_bad(c, err, "a state block with an impossible name");
    if (strcmp(name, b->name))
        return container_bad(c, err,
                             "state block \"%s\" where this program has \"%s\": saved by "
                             "another version of it",
                             name, b->name);
    if (size != b->size)
        return container_bad(c, err,
                             "state block \"%s\" has %llu bytes, in this program %zu: saved "
                             "by another version of it",
                             name, (unsigned long long)size, b->size);
    return container_get(c, b->data, b->size, err);
}

static bool read_blocks(struct container_in *c, struct state *s, struct err *err)
{
    uint32_t count;

    if (!container_enter(c, "BLKS", err) || !container_get(c, &count, sizeof count, err))
        return false;
    if (count != s->blocks)
        return container_bad(c, err,
                             "%u state blocks, in this program %u: saved by another version "
                             "of it",
                             count, s->blocks);
    for (unsigned i = 0; i < s->blocks; i++) {
        if (!read_block(c, &s->block[i], err))
            return false;
    }
    return true;
}

static bool read_sized(struct container_in *c, const char *section, void *to, size_t n,
                       struct err *err)
{
    uint64_t size;

    if (!container_enter(c, section, err) || !container_get(c, &size, sizeof size, err))
        return false;
    if (size != n)
        return container_bad(c, err,
                             "section \"%s\" has %llu bytes, in this program %zu: saved by "
                             "another version of it",
                             section, (unsigned long long)size, n);
    return container_get(c, to, n, err);
}

static bool read_events(struct container_in *c, struct events *e, struct err *err)
{
    void *at = malloc(events_state_size());

    if (!at)
        return err_set(err, ERR_SYSTEM, "no memory to read a saved machine");
    bool ok = read_sized(c, "EVNT", at, events_state_size(), err);
    if (ok)
        events_state_set(e, at);
    free(at);
    return ok;
}

static bool read_frames(struct container_in *c, const char *section, struct mem *m, struct err *err)
{
    uint64_t next = 0, frame;
    uint8_t page[PAGE_SIZE];

    if (!container_enter(c, section, err))
        return false;
    while (!container_section_is_over(c)) {
        if (!container_get(c, &frame, sizeof frame, err) ||
            !container_get(c, page, sizeof page, err))
            return false;
        if (frame < next || !mem_is_ram(m, frame))
            return container_bad(c, err, "frame 0x%llx %s", (unsigned long long)frame,
                                 frame < next ? "is out of order" : "is not there");
        mem_write(m, MADDR(frame << PAGE_SHIFT), page, sizeof page);
        next = frame + 1;
    }
    return true;
}

static bool check_cpu(struct container_in *c, const struct cpu_state *s, struct err *err)
{
    if (s->regs.cpl > 3 || s->regs.shadow > 1 || s->halted > 1)
        return container_bad(c, err, "no CPU can be in this state (CPL %u)", s->regs.cpl);
    return true;
}

bool savefile_load(struct savefile *s, const struct machine_parts *p, struct err *err)
{
    struct container_in *c = s->c;
    struct cpu_state cpu;

    if (mem_bytes(p->mem) != s->info.config.mem_bytes)
        return err_set(err, ERR_USAGE, "the saved machine has %llu MiB of memory, this one %llu",
                       (unsigned long long)s->info.config.mem_bytes >> 20,
                       (unsigned long long)mem_bytes(p->mem) >> 20);
    if (!read_blocks(c, p->state, err) || !read_sized(c, "CPU ", &cpu, sizeof cpu, err) ||
        !check_cpu(c, &cpu, err) || !read_events(c, p->events, err) ||
        !input_section_read(c, p->input, err) || !read_frames(c, "FRAM", p->mem, err) ||
        (p->disks && !read_frames(c, "DISK", p->disks, err)))
        return false;
    cpu_state_set(p->cpu, &cpu);
    return digest_equal(digest_state(p), s->info.state) ||
           container_bad(c, err,
                         "the loaded machine is not the one that was saved: its digest "
                         "differs");
}

void savefile_close(struct savefile *s)
{
    if (!s)
        return;
    container_close(s->c);
    free(s);
}
