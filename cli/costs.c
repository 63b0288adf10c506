/* SPDX-License-Identifier: GPL-2.0-only */
/* See costs.h. A configuration keeps them as text, "hcall=100,irq=0": a file needs no numbers of rows
   that the next version of a model may count differently. */
#include "costs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/suggest.h"

/* NAME=CYCLES, up to the end or a comma; n: its length. */
static bool parse(const char *text, size_t n, char *name, size_t size, uint32_t *cycles)
{
    size_t equals = strcspn(text, "=");
    char *end;

    if (!equals || equals >= n || equals >= size || !isdigit((unsigned char)text[equals + 1]))
        return false;
    memcpy(name, text, equals);
    name[equals] = '\0';
    errno = 0;
    unsigned long long value = strtoull(text + equals + 1, &end, 0);
    *cycles = (uint32_t)value;
    /* A cost is a word, and nobody needs more than a second for a crossing. */
    return end == text + n && !errno && value <= 1000000000;
}

static bool check(const struct hv_model *m, const char *text, struct err *err)
{
    char name[40];
    uint32_t cycles;
    struct suggestion near = {.typed = name};

    if (!parse(text, strlen(text), name, sizeof name, &cycles))
        return err_set(err, ERR_USAGE, "--cost: '%.60s' is not NAME=CYCLES, up to a billion", text);
    for (const struct hv_cost *c = m->costs; c && c->name; c++) {
        if (!strcmp(c->name, name))
            return true;
        suggest_offer(&near, c->name);
    }
    if (!m->costs || !m->costs->name)
        return err_set(err, ERR_USAGE, "--cost: model %s charges nothing", m->name);
    return err_set(err, ERR_USAGE, "--cost: model %s has no cost named '%s'%s%s%s", m->name, name,
                   near.best ? "; did you mean '" : "; see 'ringside models --costs'",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

bool costs_from_options(const struct options *o, const struct hv_model *m, struct run_config *c,
                        struct err *err)
{
    size_t used = 0;

    c->costs[0] = '\0';
    for (size_t i = 0; i < o->cost.n; i++) {
        if (!check(m, o->cost.text[i], err))
            return false;
        int n = snprintf(c->costs + used, sizeof c->costs - used, "%s%s", i ? "," : "",
                         o->cost.text[i]);
        used += (size_t)n;
        if (used >= sizeof c->costs)
            return err_set(err, ERR_USAGE, "--cost: more than %zu bytes of them",
                           sizeof c->costs - 1);
    }
    return true;
}

bool costs_apply(struct machine *m, const struct run_config *c, struct err *err)
{
    char name[40];
    uint32_t cycles;

    for (const char *p = c->costs; *p;) {
        size_t n = strcspn(p, ",");
        if (!parse(p, n, name, sizeof name, &cycles))
            return err_set(err, ERR_FILE, "the costs '%.60s' make no sense", c->costs);
        if (!hv_set_cost(m->domain, name, cycles, err)) {
            err->class = ERR_FILE; /* what a person gives is checked above: this came from a file */
            return false;
        }
        p += n + (p[n] == ',');
    }
    return true;
}
