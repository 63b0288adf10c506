/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests on the bench (hostile.h) have in common: how it shall end. */
#ifndef TESTS_UNIT_HV_MODELS_HOSTILE_UNIT_H
#define TESTS_UNIT_HV_MODELS_HOSTILE_UNIT_H

#include "unit.h"

#include "abi/lguest.h"
#include "hostile.h"

#define HOSTILE_LIMIT 20000000

static const char *const lguests[] = {"lguest:2.6.31", "lguest:3.2"};
#define LGUESTS      (sizeof lguests / sizeof lguests[0])
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void run_it(struct hostile *h, const char *what)
{
    if (!hostile_load(h, HOSTILE_LIMIT) || !hostile_run(h))
        fail_msg("%s, %s: %s", h->spec, what, h->broken);
    assert_true(h->audits > 0);
}

/* It must die, and its last words must name what it did. Frees h. */
static inline void dies(struct hostile *h, const char *why)
{
    run_it(h, why);
    const struct end *end = &h->m->domain->end;
    if (end->kind != END_DIED || !strstr(end->reason, why))
        fail_msg("%s: end %u, \"%s\"; should have died of \"%s\"", h->spec, end->kind, end->reason,
                 why);
    hostile_free(h);
}

/* It must reach its power-off. Does not free h. */
static inline void lives(struct hostile *h, const char *what)
{
    run_it(h, what);
    const struct end *end = &h->m->domain->end;
    if (end->kind != END_POWEROFF)
        fail_msg("%s, %s: end %u, \"%s\"; should have lived", h->spec, what, end->kind,
                 end->reason);
}

/* The offence is the last thing that it does; without one it turns itself off. Frees h. */
static inline void ends(struct hostile *h, const char *what, const char *why)
{
    if (why) {
        dies(h, why);
    } else {
        h_power_off(h);
        lives(h, what);
        hostile_free(h);
    }
}

#endif
