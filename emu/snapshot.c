/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots share pages as processes do after fork(): by reference count, under a table of two
 * levels that is itself shared.
 *
 *     snapshot -> table of groups -> group: 512 pages -> page: 4096 bytes
 *
 * A new snapshot begins with the groups of its base, the snapshot that RAM equalled when change
 * tracking was last started. A group is copied when the first of its pages has changed, and then
 * only the changed pages are new. So a snapshot costs its changes and a few kilobytes, and a chain
 * of thousands of them is one RAM's worth of pages plus what was ever written.
 *
 * Restoring writes two kinds of frames: those that the guest has changed since the base, and those
 * in which base and target differ; the latter are found by comparing pointers.
 */
#include "snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define GROUP_PAGES 512u

struct page {
    uint32_t refs;
    uint8_t bytes[PAGE_SIZE];
};

struct group {
    uint32_t refs;
    struct page *page[GROUP_PAGES]; /* NULL: all zero */
};

/* What all snapshots of a machine hold together: pages that two of them share count once. It lives as
   long as any of them does. */
struct account {
    unsigned refs;
    size_t bytes;
};

/* The two kinds of frames, each with a tracking of its own; a machine without disks has the first. */
enum { RAM, DISKS, MEMS };

/* RAM, or the disks, as they were once. */
struct frames {
    struct account *account;
    size_t groups;
    struct group **group; /* NULL: 512 zero pages */
};

struct snapshots {
    struct machine_parts parts;
    struct frames base[MEMS]; /* what memory equals, but for mem_changed() */
    struct account *account;
};

struct snapshot {
    const struct snapshots *owner;
    struct account *account;
    struct frames frames[MEMS];
    uint64_t ram_frames;
    struct cpu_state cpu;
    size_t cost;
    size_t block_bytes;
    uint8_t bytes[]; /* the blocks one after the other, then the position of the events */
};

/* ---- counted pages ---- */

static void account_put(struct account *a, size_t bytes)
{
    a->bytes -= bytes;
    if (!--a->refs)
        free(a);
}

static void page_put(struct account *a, struct page *p)
{
    if (!p || --p->refs)
        return;
    a->bytes -= sizeof *p;
    free(p);
}

static void group_put(struct account *a, struct group *g)
{
    if (!g || --g->refs)
        return;
    for (unsigned i = 0; i < GROUP_PAGES; i++)
        page_put(a, g->page[i]);
    a->bytes -= sizeof *g;
    free(g);
}

static void frames_fini(struct frames *f)
{
    for (size_t i = 0; i < f->groups; i++)
        group_put(f->account, f->group[i]);
    if (f->group)
        f->account->bytes -= f->groups * sizeof(struct group *);
    free(f->group);
    *f = (struct frames){0};
}

static bool frames_copy(struct frames *to, const struct frames *from)
{
    to->group = malloc(from->groups * sizeof(struct group *));
    if (!to->group)
        return false;
    to->account = from->account;
    to->account->bytes += from->groups * sizeof(struct group *);
    to->groups = from->groups;
    for (size_t i = 0; i < from->groups; i++) {
        to->group[i] = from->group[i];
        if (to->group[i])
            to->group[i]->refs++;
    }
    return true;
}

static const struct page *frames_page(const struct frames *f, uint64_t frame)
{
    const struct group *g = f->group[frame / GROUP_PAGES];

    return g ? g->page[frame % GROUP_PAGES] : NULL;
}

/* Make a group f's own, so that its pages may be exchanged. */
static struct group *own_group(struct frames *f, size_t index, size_t *cost)
{
    struct group *g = f->group[index];

    if (g && g->refs == 1)
        return g;
    struct group *own = calloc(1, sizeof *own);
    if (!own)
        return NULL;
    own->refs = 1;
    for (unsigned i = 0; g && i < GROUP_PAGES; i++) {
        own->page[i] = g->page[i];
        if (own->page[i])
            own->page[i]->refs++;
    }
    group_put(f->account, g);
    f->group[index] = own;
    f->account->bytes += sizeof *own;
    *cost += sizeof *own;
    return own;
}

static bool same_page(const struct page *p, const uint8_t *bytes)
{
    return p ? !memcmp(p->bytes, bytes, PAGE_SIZE) : digest_page_is_zero(bytes);
}

/* Remember what a frame holds now. */
static bool frames_store(struct frames *f, uint64_t frame, const uint8_t *bytes, size_t *cost)
{
    if (same_page(frames_page(f, frame), bytes))
        return true; /* written, but with what was there */

    struct group *g = own_group(f, frame / GROUP_PAGES, cost);
    if (!g)
        return false;
    struct page *p = NULL;
    if (!digest_page_is_zero(bytes)) {
        p = malloc(sizeof *p);
        if (!p)
            return false;
        p->refs = 1;
        memcpy(p->bytes, bytes, PAGE_SIZE);
        *cost += sizeof *p;
        f->account->bytes += sizeof *p;
    }
    page_put(f->account, g->page[frame % GROUP_PAGES]);
    g->page[frame % GROUP_PAGES] = p;
    return true;
}

/* ---- a machine's snapshots ---- */

/* NULL: the machine has none of this kind. */
static struct mem *mem_of(const struct snapshots *s, unsigned kind)
{
    return kind == RAM ? s->parts.mem : s->parts.disks;
}

struct snapshots *snapshots_new(const struct machine_parts *p, struct err *err)
{
    struct snapshots *s = calloc(1, sizeof *s);

    if (!s || !(s->account = calloc(1, sizeof *s->account)))
        goto no_memory;
    s->account->refs = 1;
    s->parts = *p;
    for (unsigned k = 0; k < MEMS; k++) {
        struct mem *m = mem_of(s, k);
        if (!m)
            continue;
        s->base[k].groups = (mem_frames(m) + GROUP_PAGES - 1) / GROUP_PAGES;
        s->base[k].group = calloc(s->base[k].groups, sizeof(struct group *));
        s->base[k].account = s->account;
        if (!s->base[k].group) {
            s->base[k].groups = 0;
            goto no_memory;
        }
        s->account->bytes += s->base[k].groups * sizeof(struct group *);
    }
    return s;

no_memory:
    err_set(err, ERR_SYSTEM, "no memory for snapshots");
    snapshots_free(s);
    return NULL;
}

void snapshots_free(struct snapshots *s)
{
    if (!s)
        return;
    for (unsigned k = 0; k < MEMS; k++)
        frames_fini(&s->base[k]);
    if (s->account)
        account_put(s->account, 0);
    free(s);
}

static bool take_frames(struct snapshots *s, unsigned kind, struct snapshot *x)
{
    struct mem *m = mem_of(s, kind);
    struct frames *to = &x->frames[kind];
    const uint64_t *changed;

    if (!m)
        return true;
    size_t n = mem_changed(m, &changed);
    if (!frames_copy(to, &s->base[kind]))
        return false;
    x->cost += to->groups * sizeof(struct group *);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bytes = mem_span(m, MADDR(changed[i] << PAGE_SHIFT), PAGE_SIZE);
        assert(bytes && "changed frames are there");
        if (!frames_store(to, changed[i], bytes, &x->cost))
            return false;
    }
    return true;
}

static void take_blocks(const struct machine_parts *p, struct snapshot *x)
{
    uint8_t *to = x->bytes;

    for (unsigned i = 0; i < p->state->blocks; i++) {
        memcpy(to, p->state->block[i].data, p->state->block[i].size);
        to += p->state->block[i].size;
    }
    events_state_get(p->events, to);
}

struct snapshot *snapshot_take(struct snapshots *s, struct err *err)
{
    const struct machine_parts *p = &s->parts;
    size_t size = sizeof(struct snapshot) + p->state->bytes + events_state_size();
    struct snapshot *x = calloc(1, size);
    struct frames base[MEMS] = {0};
    bool ok = x != NULL;

    if (ok) {
        x->owner = s;
        x->account = s->account;
        x->account->refs++;
        x->account->bytes += size;
        x->cost = size;
        x->block_bytes = p->state->bytes;
        x->ram_frames = mem_frames(p->mem);
    }
    for (unsigned k = 0; ok && k < MEMS; k++)
        ok = take_frames(s, k, x) && (!mem_of(s, k) || frames_copy(&base[k], &x->frames[k]));
    if (!ok) {
        for (unsigned k = 0; k < MEMS; k++)
            frames_fini(&base[k]);
        snapshot_free(x);
        err_set(err, ERR_SYSTEM, "no memory for a snapshot");
        return NULL;
    }
    take_blocks(p, x);
    cpu_state_get(p->cpu, &x->cpu);
    for (unsigned k = 0; k < MEMS; k++) {
        if (!mem_of(s, k))
            continue;
        frames_fini(&s->base[k]);
        s->base[k] = base[k];
        mem_track_start(mem_of(s, k));
    }
    return x;
}

static void restore_frame(struct mem *m, uint64_t frame, const struct page *p)
{
    uint8_t *to = mem_span(m, MADDR(frame << PAGE_SHIFT), PAGE_SIZE);

    assert(to && "a snapshot's frames are there");
    if (same_page(p, to))
        return; /* a needless write would cost a fault, and the translations of code in it */
    if (p)
        memcpy(to, p->bytes, PAGE_SIZE);
    else
        memset(to, 0, PAGE_SIZE);
}

static void restore_frames(struct snapshots *s, unsigned kind, const struct snapshot *x)
{
    struct mem *m = mem_of(s, kind);
    const struct frames *to = &x->frames[kind], *base = &s->base[kind];
    const uint64_t *changed;
    size_t n = mem_changed(m, &changed);

    for (size_t i = 0; i < n; i++)
        restore_frame(m, changed[i], frames_page(to, changed[i]));
    for (size_t g = 0; g < to->groups; g++) {
        if (base->group[g] == to->group[g])
            continue;
        for (uint64_t f = g * GROUP_PAGES; f < (g + 1) * GROUP_PAGES; f++) {
            const struct page *p = frames_page(to, f);
            if (p != frames_page(base, f))
                restore_frame(m, f, p);
        }
    }
}

/* Become based on x: its groups in the base's own array, which has the right size already. */
static void rebase(struct frames *base, const struct frames *to)
{
    for (size_t i = 0; i < base->groups; i++) {
        if (to->group[i])
            to->group[i]->refs++;
        group_put(base->account, base->group[i]);
        base->group[i] = to->group[i];
    }
}

void snapshot_restore(struct snapshots *s, const struct snapshot *x)
{
    const struct machine_parts *p = &s->parts;
    const uint8_t *from = x->bytes;

    assert(x->owner == s && "a snapshot of another machine");
    assert(x->block_bytes == p->state->bytes && "blocks were registered after the snapshot");
    for (unsigned k = 0; k < MEMS; k++) {
        if (!mem_of(s, k))
            continue;
        restore_frames(s, k, x);
        rebase(&s->base[k], &x->frames[k]);
        mem_track_start(mem_of(s, k));
    }

    for (unsigned i = 0; i < p->state->blocks; i++) {
        memcpy(p->state->block[i].data, from, p->state->block[i].size);
        from += p->state->block[i].size;
    }
    events_state_set(p->events, from);
    cpu_state_set(p->cpu, &x->cpu);
}

void snapshot_free(struct snapshot *x)
{
    if (!x)
        return;
    for (unsigned k = 0; k < MEMS; k++)
        frames_fini(&x->frames[k]);
    account_put(x->account, sizeof *x + x->block_bytes + events_state_size());
    free(x);
}

uint64_t snapshot_cycle(const struct snapshot *x)
{
    return x->cpu.now;
}

/* ---- looking into one ---- */

static bool is_ram(const struct snapshot *x, maddr_t a, size_t n)
{
    uint64_t end = x->ram_frames << PAGE_SHIFT;

    return a.v < end && n <= end - a.v && (a.v >= PC_HOLE_END || a.v + n <= PC_HOLE_START);
}

bool snapshot_read(const struct snapshot *x, maddr_t a, void *to, size_t n)
{
    uint8_t *bytes = to;

    if (!n)
        return true;
    if (!is_ram(x, a, n))
        return false;
    while (n) {
        const struct page *p = frames_page(&x->frames[RAM], a.v >> PAGE_SHIFT);
        size_t at = a.v % PAGE_SIZE, part = PAGE_SIZE - at < n ? PAGE_SIZE - at : n;
        if (p)
            memcpy(bytes, p->bytes + at, part);
        else
            memset(bytes, 0, part);
        bytes += part;
        a.v += part;
        n -= part;
    }
    return true;
}

bool snapshot_page_differs(const struct snapshot *a, const struct snapshot *b, uint64_t frame)
{
    assert(a->owner == b->owner && "snapshots of two machines");
    if (frame >= a->ram_frames)
        return false;

    const struct page *p = frames_page(&a->frames[RAM], frame);
    const struct page *q = frames_page(&b->frames[RAM], frame);
    if (p == q)
        return false;
    if (p && q)
        return memcmp(p->bytes, q->bytes, PAGE_SIZE) != 0;
    return true; /* a page of zeros has no page */
}

size_t snapshot_bytes(const struct snapshot *x)
{
    return x->cost;
}

size_t snapshots_bytes(const struct snapshots *s)
{
    return s->account->bytes;
}
