/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changing the world by hand. A change belongs to the future that it begins: it is kept with its
 * moment, and replaying that moment makes it again. What had been run beyond it is forgotten.
 */
#include <stdlib.h>
#include <string.h>

#include "hv-models/hv.h"
#include "internal.h"

bool debug_may_change(struct debug *d, struct err *err)
{
    if (d->fixed)
        return err_set(err, ERR_USAGE, "this is a replay: it cannot be changed, only looked at");
    if (d->suspended)
        return err_set(
            err, ERR_USAGE,
            "the machine is inside a crossing: finish it (`finish`), then change things");
    if (d->m->domain->end.kind)
        return err_set(err, ERR_USAGE, "the guest has ended: go back, then change things");
    return true;
}

static bool make(struct debug *d, struct change c, const void *bytes, size_t n, struct err *err)
{
    struct change *more = realloc(d->change, (d->changes + 1) * sizeof *more);

    if (more)
        d->change = more;
    c.bytes = more && n ? malloc(n) : NULL;
    if (!more || (n && !c.bytes))
        return err_set(err, ERR_SYSTEM, "out of memory");
    if (n)
        memcpy(c.bytes, bytes, n);
    timeline_cut(d);
    c.at = debug_now(d);
    d->change[d->changes++] = c;
    timeline_apply(d);
    /* Whoever comes back to this moment finds it done. */
    timeline_look(d, true);
    return true;
}

bool debug_write(struct debug *d, uint32_t gva, const void *bytes, uint32_t n, struct err *err)
{
    uint8_t there;

    if (!debug_may_change(d, err))
        return false;
    if (!n || n > 1u << 20)
        return err_set(err, ERR_USAGE, "%u bytes cannot be written at once", n);
    for (uint32_t at = gva;; at = (at | 4095) + 1) {
        if (!debug_peek(d, at, &there, 1))
            return err_set(err, ERR_USAGE, "cannot write memory at 0x%08x: it is not mapped", at);
        if (gva + n - 1 - at < 4096 - (at & 4095))
            break;
    }
    return make(d, (struct change){.kind = CHANGE_MEMORY, .where = gva, .n = n}, bytes, n, err);
}

bool debug_write_physical(struct debug *d, uint64_t maddr, const void *bytes, uint32_t n,
                          struct err *err)
{
    if (!debug_may_change(d, err))
        return false;
    if (!mem_span(d->m->domain->mem, MADDR(maddr), n))
        return err_set(err, ERR_USAGE, "0x%llx is not RAM of the machine",
                       (unsigned long long)maddr);
    return make(d, (struct change){.kind = CHANGE_PHYSICAL, .where = maddr, .n = n}, bytes, n, err);
}

bool debug_set_register(struct debug *d, unsigned reg, uint32_t value, struct err *err)
{
    if (reg >= DEBUG_REGS)
        return err_set(err, ERR_USAGE, "that register cannot be set");
    return debug_may_change(d, err) &&
           make(d, (struct change){.kind = CHANGE_REGISTER, .where = reg, .n = value}, NULL, 0,
                err);
}

bool debug_set_cost(struct debug *d, const char *name, uint32_t cycles, struct err *err)
{
    const struct hv_cost *c = hv_model(d->m->domain)->costs;

    while (c && c->name && strcmp(c->name, name))
        c++;
    if (!c || !c->name)
        return err_set(err, ERR_USAGE, "model %s has no cost named '%s' (`info model` lists them)",
                       hv_model(d->m->domain)->name, name);
    return debug_may_change(d, err) &&
           make(d, (struct change){.kind = CHANGE_COST, .n = cycles}, name, strlen(name) + 1, err);
}

/* CHANGE_* and RECORD_* are the same numbers. */
_Static_assert((int)CHANGE_MEMORY == RECORD_MEMORY && (int)CHANGE_PHYSICAL == RECORD_PHYSICAL &&
                   (int)CHANGE_REGISTER == RECORD_REGISTER && (int)CHANGE_COST == RECORD_COST,
               "a change on disk is a change here");

static uint32_t change_size(const struct change *c)
{
    if (c->kind == CHANGE_COST)
        return (uint32_t)strlen((const char *)c->bytes) + 1;
    return c->bytes ? c->n : 0;
}

bool debug_changes(struct debug *d, struct recording *r, struct err *err)
{
    r->change = calloc(d->changes + 1, sizeof *r->change);
    if (!r->change)
        return err_set(err, ERR_SYSTEM, "out of memory");
    for (size_t i = 0; i < d->changes; i++) {
        const struct change *c = &d->change[i];
        struct record_change *x = &r->change[r->changes];
        *x = (struct record_change){.cycle = c->at.cycle,
                                    .where = c->where,
                                    .kind = c->kind,
                                    .n = c->n,
                                    .size = change_size(c)};
        x->bytes = malloc(x->size + 1);
        if (!x->bytes)
            return err_set(err, ERR_SYSTEM, "out of memory");
        if (x->size)
            memcpy(x->bytes, c->bytes, x->size);
        r->changes++;
    }
    return true;
}

bool debug_set_changes(struct debug *d, const struct recording *r, struct err *err)
{
    d->change = calloc(r->changes + 1, sizeof *d->change);
    if (!d->change)
        return err_set(err, ERR_SYSTEM, "out of memory");
    for (size_t i = 0; i < r->changes; i++) {
        const struct record_change *x = &r->change[i];
        struct change *c = &d->change[i];
        *c = (struct change){.at = {x->cycle, 0, MOMENT_BOUNDARY},
                             .kind = x->kind,
                             .where = x->where,
                             .n = x->n,
                             .bytes = x->size ? malloc(x->size + 1) : NULL};
        d->changes++;
        if (x->size && !c->bytes)
            return err_set(err, ERR_SYSTEM, "out of memory");
        if (x->kind == RECORD_REGISTER && x->where >= DEBUG_REGS)
            return err_set(err, ERR_FILE, "the recording changes register %llu, which is none",
                           (unsigned long long)x->where);
        if (!x->size)
            continue;
        memcpy(c->bytes, x->bytes, x->size);
        c->bytes[x->size] = 0;
    }
    return true;
}

bool debug_type(struct debug *d, const uint8_t *bytes, uint32_t n, struct err *err)
{
    if (!debug_may_change(d, err))
        return false;
    timeline_cut(d);
    for (uint32_t i = 0; i < n; i++)
        if (!input_push(d->m->input, bytes[i]))
            return err_set(err, ERR_USAGE, "the console takes no more input now (%u of %u bytes)",
                           i, n);
    return true;
}

/* A crossing is what lies between two instructions and has events: the boundaries around the last
   event that a guest could see, or that the model narrated. Hooks and tasks are the guest's own
   affair, and a byte for the console comes by itself. */
static uint64_t kinds_of_crossings(void)
{
    uint64_t kinds = control_event_bit(EVENT_stage);

    for (unsigned k = 0; k < EVENT_KINDS; k++)
        if (event_info[k].class == EV_GUEST && k != EVENT_input)
            kinds |= control_event_bit(k);
    return kinds;
}

static bool any(void *ctx, const struct event *e)
{
    (void)ctx, (void)e;
    return true;
}

bool debug_last_crossing(struct debug *d, struct moment *from, struct moment *to)
{
    struct moment here = debug_now(d);
    bool was_past_muted = d->muted;
    struct halt was = d->halt;
    struct stop none = {.kind = STOP_EVENT}; /* the armed ones are not asked */

    d->pause = any;
    d->pause_ctx = NULL;
    d->pause_kinds = kinds_of_crossings();
    d->only = &none;
    bool found = d->suspended || debug_reverse_continue(d)->why == HALT_STEP;
    d->pause = NULL;
    d->pause_kinds = 0;
    d->only = NULL;
    if (found) {
        /* From here on to its end, and back to its beginning. */
        struct moment event = debug_now(d);
        d->looking = LOOK_AT_NOTHING;
        bool muted = d->muted;
        d->muted = true;
        d->m->stop = 1;
        control_resume(d, machine_now(d->m));
        d->m->stop = 0;
        d->muted = muted;
        *to = debug_now(d);
        found = timeline_go(d, event) && control_back_one(d);
        *from = debug_now(d);
    }
    timeline_go(d, here);
    d->muted = was_past_muted;
    d->halt = was;
    return found;
}
