/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trust boundary. A guest's address is a claim; here it is checked, and nowhere is it used
 * without having come through here. A wrong one costs the guest its life, and the caller nothing:
 * it gets zeros.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lguest.h"

void kill_guest(struct domain *d, const char *fmt, ...)
{
    char why[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    domain_kill(d, "%s", why); /* keeps the first reason of all */
}

bool lguest_read(struct domain *d, uint32_t at, void *to, uint32_t n)
{
    if (gmem_read(&lguest_of(d)->shadow.guest, d->mem, at, to, n))
        return true;
    memset(to, 0, n);
    kill_guest(d, "bad read address %#x, %u bytes", at, n);
    return false;
}

bool lguest_write(struct domain *d, uint32_t at, const void *from, uint32_t n)
{
    if (gmem_write(&lguest_of(d)->shadow.guest, d->mem, at, from, n))
        return true;
    kill_guest(d, "bad write address %#x, %u bytes", at, n);
    return false;
}

uint32_t lguest_read32(struct domain *d, uint32_t at)
{
    uint32_t v;
    lguest_read(d, at, &v, sizeof v);
    return v;
}

void lguest_write32(struct domain *d, uint32_t at, uint32_t v)
{
    lguest_write(d, at, &v, sizeof v);
}

uint32_t lguest_data_get(struct domain *d, uint32_t offset)
{
    uint32_t at = lguest_of(d)->data;
    return at ? lguest_read32(d, at + offset) : 0;
}

void lguest_data_put(struct domain *d, uint32_t offset, uint32_t v)
{
    uint32_t at = lguest_of(d)->data;
    if (at)
        lguest_write32(d, at + offset, v);
}

/* Through the guest's own tables: a stack that they do not map is a stack that does not exist. */
bool lguest_push(struct domain *d, uint32_t va, const void *from, uint32_t n)
{
    struct lguest *lg = lguest_of(d);
    const uint8_t *bytes = from;

    for (uint32_t i = 0; i < n; i += 4) { /* words; they need not be aligned */
        uint64_t at[4], entry;
        for (uint32_t k = 0; k < 4; k++)
            if (!shadow_guest_walk(&lg->shadow, d->mem, va + i + k, &at[k], &entry)) {
                kill_guest(d, "bad stack address %#x", va + i + k);
                return false;
            }
        for (uint32_t k = 0; k < 4; k++)
            if (!gmem_write(&lg->shadow.guest, d->mem, at[k], bytes + i + k, 1))
                return false;
    }
    return true;
}
