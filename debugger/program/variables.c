/* SPDX-License-Identifier: GPL-2.0-only */
/* Which variables are in sight, and which one a name means: blocks from the inside out, then the
   file, then the rest of the program. */
#include "internal.h"

#include <string.h>

static struct variable make(struct program *p, uint32_t i, unsigned depth)
{
    const struct var *v = &p->var[i];

    return (struct variable){.name = v->name,
                             .kind = v->kind,
                             .type = type_of_die(p, debug_var_type(p, v->die)),
                             .depth = depth,
                             .line = v->line,
                             .handle = i,
                             .program = p};
}

#define SIGHT_MAX 64u

/* The scopes at pc from the innermost one out, within the chain's function `depth`. */
static unsigned scopes_in_sight(const struct program *p, uint32_t pc, unsigned *depth,
                                uint32_t out[SIGHT_MAX])
{
    uint32_t chain[PLACE_DEPTH], way[SIGHT_MAX];
    unsigned n = scope_chain(p, pc, chain), ways = 0;

    if (n == 0)
        return 0;
    if (*depth >= n)
        *depth = n - 1;
    uint32_t end = p->scope[chain[*depth]].end;
    way[ways++] = chain[*depth];
    for (uint32_t i = chain[*depth] + 1; i < end && ways < SIGHT_MAX;) {
        const struct scope *s = &p->scope[i];
        /* What was put inline is another function. */
        if (s->kind != SCOPE_BLOCK || !scope_has(p, s, pc)) {
            i = s->end;
            continue;
        }
        way[ways++] = i;
        end = s->end;
        i++;
    }
    for (unsigned i = 0; i < ways; i++)
        out[i] = way[ways - 1 - i];
    return ways;
}

unsigned frame_variables(const struct frame *f, unsigned depth, struct variable *out, unsigned max)
{
    struct program *p = f->program;
    uint32_t scope[SIGHT_MAX];
    unsigned n = 0, scopes = p ? scopes_in_sight(p, f->pc, &depth, scope) : 0;

    for (unsigned i = 0; i < scopes; i++) {
        const struct scope *s = &p->scope[scope[i]];
        for (uint32_t j = s->vars; j < s->vars + s->n_vars; j++, n++)
            if (n < max)
                out[n] = make(p, j, depth);
    }
    return n;
}

bool frame_variable(const struct frame *f, unsigned depth, const char *name, struct variable *out)
{
    struct program *p = f->program;
    uint32_t scope[SIGHT_MAX];
    unsigned scopes = p ? scopes_in_sight(p, f->pc, &depth, scope) : 0;

    for (unsigned i = 0; i < scopes; i++) {
        const struct scope *s = &p->scope[scope[i]];
        for (uint32_t j = s->vars; j < s->vars + s->n_vars; j++)
            if (!strcmp(p->var[j].name, name)) {
                *out = make(p, j, depth);
                return true;
            }
    }
    return false;
}

bool program_variable(struct program *p, const char *name, uint32_t pc, struct variable *out)
{
    uint32_t low = 0, high = p->globals, here = pc ? scope_at(p, pc) : NONE, best = NONE;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(p->var[p->global[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < p->globals && !strcmp(p->var[p->global[low]].name, name); low++) {
        const struct var *v = &p->var[p->global[low]];
        bool near = here != NONE && v->unit == p->scope[here].unit;
        if (best == NONE || (near && v->located) || (v->located && !p->var[best].located))
            best = p->global[low];
        if (near && v->located)
            break;
    }
    if (best == NONE)
        return false;
    *out = make(p, best, 0);
    return true;
}
