/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of addresses, found through the id of the CPU's mark; each has a list of clients. Clients
 * that leave while their address is being told are only struck out, and swept up afterwards.
 */
#include "marks.h"

#include <stdlib.h>

struct client {
    mark_fn fn; /* NULL: struck out */
    void *ctx;
    uint32_t tag;
};

struct place {
    uint32_t at;
    bool used;
    unsigned clients, room;
    struct client *client;
};

struct marks {
    struct machine *m;
    struct place *place; /* a place's index is in the id of its mark */
    unsigned places, room, used;
    unsigned telling; /* how deep */
    bool swept_late;  /* somebody left meanwhile */
    mark_last_fn last;
    void *last_ctx;
};

static void let_go(struct marks *k, struct place *p)
{
    cpu_mark_clear(k->m->domain->cpu, GVA(p->at));
    free(p->client);
    *p = (struct place){0};
    k->used--;
}

static void sweep(struct marks *k, struct place *p)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->clients; i++)
        if (p->client[i].fn)
            p->client[n++] = p->client[i];
    p->clients = n;
    if (!n)
        let_go(k, p);
}

/* Nobody is there any more. */
static void end_if_unused(struct marks *k)
{
    if (k->last || k->used || k->telling)
        return;
    k->m->watcher = (struct machine_watcher){0};
    free(k->place);
    free(k);
}

static bool tell(void *ctx, struct domain *d, const struct cpu_exit *x)
{
    struct marks *k = ctx;
    unsigned index = x->mark.id & ~MARK_OF_WATCHER;
    bool stop = false;

    if (index >= k->places || !k->place[index].used)
        return false;
    k->telling++;
    /* The table may move while a client adds marks: nothing of it is kept over a call. */
    unsigned n = k->place[index].clients;
    for (unsigned i = 0; i < n; i++) {
        struct client c = k->place[index].client[i];
        if (c.fn)
            stop |= c.fn(c.ctx, d, k->place[index].at, c.tag);
    }
    if (k->last)
        stop = k->last(k->last_ctx, d, stop);
    if (--k->telling == 0 && k->swept_late) {
        k->swept_late = false;
        for (unsigned i = 0; i < k->places; i++)
            if (k->place[i].used)
                sweep(k, &k->place[i]);
        end_if_unused(k);
    }
    return stop;
}

struct marks *marks_of(struct machine *m)
{
    if (m->watcher.mark == tell)
        return m->watcher.ctx;
    struct marks *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->m = m;
    m->watcher = (struct machine_watcher){.mark = tell, .ctx = k};
    return k;
}

bool marks_telling(const struct marks *k)
{
    return k->telling;
}

void marks_last(struct marks *k, mark_last_fn fn, void *ctx)
{
    k->last = fn;
    k->last_ctx = ctx;
    end_if_unused(k);
}

/* The place of an address, or a free one, or NULL. */
static struct place *find(struct marks *k, uint32_t at, bool make)
{
    struct place *vacant = NULL;

    for (unsigned i = 0; i < k->places; i++) {
        if (k->place[i].used && k->place[i].at == at)
            return &k->place[i];
        if (!k->place[i].used && !vacant)
            vacant = &k->place[i];
    }
    if (!make)
        return NULL;
    if (!vacant && k->places == k->room) {
        unsigned room = k->room ? 2 * k->room : 64;
        struct place *more = realloc(k->place, room * sizeof *more);
        if (!more)
            return NULL;
        k->place = more;
        k->room = room;
    }
    if (!vacant)
        vacant = &k->place[k->places++];
    *vacant = (struct place){.at = at};
    if (!cpu_mark_set(k->m->domain->cpu, GVA(at), MARK_OF_WATCHER | (uint32_t)(vacant - k->place)))
        return NULL;
    vacant->used = true;
    k->used++;
    return vacant;
}

bool marks_add(struct marks *k, uint32_t at, mark_fn fn, void *ctx, uint32_t tag)
{
    struct place *p = find(k, at, true);

    if (!p)
        return false;
    if (p->clients == p->room) {
        unsigned room = p->room ? 2 * p->room : 2;
        struct client *more = realloc(p->client, room * sizeof *more);
        if (!more) {
            if (!p->clients)
                let_go(k, p);
            return false;
        }
        p->client = more;
        p->room = room;
    }
    p->client[p->clients++] = (struct client){fn, ctx, tag};
    return true;
}

void marks_remove(struct machine *m, uint32_t at, mark_fn fn, void *ctx, uint32_t tag)
{
    struct marks *k = m->watcher.mark == tell ? m->watcher.ctx : NULL;
    struct place *p = k ? find(k, at, false) : NULL;

    for (unsigned i = 0; p && i < p->clients; i++) {
        struct client *c = &p->client[i];
        if (c->fn != fn || c->ctx != ctx || c->tag != tag)
            continue;
        c->fn = NULL;
        if (k->telling)
            k->swept_late = true;
        else {
            sweep(k, p);
            end_if_unused(k);
        }
        return;
    }
}
