/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Z0 and Z1 are code, Z2, Z3 and Z4 memory that is written, read, or either. gdb inserts all of its
 * breakpoints before it lets the guest run and takes them away at each stop.
 */
#include "internal.h"

static unsigned find(const struct gdb_stub *g, unsigned type, uint32_t at, uint32_t size)
{
    unsigned i = 0;

    while (i < g->stops &&
           (g->stop[i].type != type || g->stop[i].at != at || g->stop[i].size != size))
        i++;
    return i;
}

static struct stop *make(struct gdb_stub *g, unsigned type, uint32_t at, uint32_t size,
                         struct err *err)
{
    /* A write of the value that was there is no news to gdb either. */
    static const unsigned watch_for[] = {0, 0, WATCH_CHANGE, WATCH_READ, WATCH_READ | WATCH_WRITE};
    struct stop *s = debug_stop_new(g->debug, type < 2 ? STOP_CODE : STOP_WATCH, "", err);

    if (!s)
        return NULL;
    s->internal = true;
    if (type < 2) {
        s->addrs = 1;
        s->addr[0] = at;
    } else {
        s->at = at;
        s->size = size;
        s->watch_for = watch_for[type];
    }
    return s;
}

/* All that watch memory, the user's too: the CPU has so many ranges. */
static unsigned watches(const struct gdb_stub *g)
{
    unsigned n = 0;

    for (unsigned i = 0; i < g->stops; i++)
        n += g->stop[i].type >= 2;
    for (struct stop *s = debug_stop_next(g->debug, NULL); s; s = debug_stop_next(g->debug, s))
        n += s->kind == STOP_WATCH;
    return n;
}

bool gdb_stop_insert(struct gdb_stub *g, unsigned type, uint32_t at, uint32_t size, struct err *err)
{
    if (find(g, type, at, size) < g->stops)
        return true;
    if (g->stops == GDB_STOPS_MAX)
        return err_set(err, ERR_USAGE, "more than %u breakpoints", GDB_STOPS_MAX);
    if (type >= 2 && (!size || size > 4096 || at + (size - 1) < at))
        return err_set(err, ERR_USAGE, "a watchpoint is for 1 to 4096 bytes, not for %u", size);
    if (type >= 2 && watches(g) == CPU_WATCH_RANGES)
        return err_set(err, ERR_USAGE, "no more than %u watchpoints", CPU_WATCH_RANGES);
    struct stop *s = make(g, type, at, size, err);
    if (!s)
        return false;
    if (!debug_stop_arm(g->debug, s, err)) {
        debug_stop_delete(g->debug, s);
        return false;
    }
    g->stop[g->stops++] = (struct gdb_stop){at, size, (uint8_t)type, s->number};
    return true;
}

static void drop(struct gdb_stub *g, unsigned i)
{
    struct stop *s = debug_stop_number(g->debug, g->stop[i].number);

    if (s)
        debug_stop_delete(g->debug, s);
    g->stop[i] = g->stop[--g->stops];
}

void gdb_stop_remove(struct gdb_stub *g, unsigned type, uint32_t at, uint32_t size)
{
    unsigned i = find(g, type, at, size);

    if (i < g->stops)
        drop(g, i);
}

void gdb_stops_free(struct gdb_stub *g)
{
    while (g->stops)
        drop(g, g->stops - 1);
}

const struct gdb_stop *gdb_stop_of(const struct gdb_stub *g, unsigned number)
{
    for (unsigned i = 0; i < g->stops; i++)
        if (g->stop[i].number == number)
            return &g->stop[i];
    return NULL;
}

bool gdb_watches(const struct gdb_stub *g)
{
    for (unsigned i = 0; i < g->stops; i++)
        if (g->stop[i].type >= 2)
            return true;
    return false;
}
