/* SPDX-License-Identifier: GPL-2.0-only */
/* What programs tell in a build without libdw: what is in their symbol tables. */
#include "internal.h"

bool debug_supported(void)
{
    return false;
}

bool debug_read(struct program *p, struct err *err)
{
    (void)p;
    (void)err;
    return true;
}

void debug_close(struct debug *d)
{
    (void)d;
}

bool debug_type_head(struct program *p, uint64_t die, struct type *t)
{
    (void)p;
    (void)die;
    (void)t;
    return false;
}

void debug_type_body(struct program *p, struct type *t)
{
    (void)p;
    (void)t;
}

uint64_t debug_var_type(struct program *p, uint64_t die)
{
    (void)p;
    (void)die;
    return 0;
}

bool debug_locate(struct program *p, const struct frame *f, const struct program_memory *m,
                  const struct var *v, uint32_t size, struct place_at *out, struct err *err)
{
    (void)p;
    (void)f;
    (void)m;
    (void)size;
    (void)out;
    return err_set(err, ERR_USAGE,
                   "where '%s' is is not known: this program was built without libdw", v->name);
}

enum debug_rule debug_unwind(struct program *p, const struct program_memory *m, struct frame *f,
                             struct frame *out, struct err *err)
{
    (void)p;
    (void)m;
    (void)f;
    (void)out;
    (void)err;
    return RULE_NONE;
}

bool debug_rule_range(struct program *p, uint32_t addr, uint32_t *lo, uint32_t *hi)
{
    (void)p;
    (void)addr;
    (void)lo;
    (void)hi;
    return false;
}

bool debug_rule_signal(struct program *p, uint32_t addr)
{
    (void)p;
    (void)addr;
    return false;
}
