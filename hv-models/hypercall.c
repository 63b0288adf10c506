/* SPDX-License-Identifier: GPL-2.0-only */
/* A hypercall on the event stream: guest-visible when it is made; for whoever watches closely also
   its further arguments, which come first, and its end. */
#include <string.h>

#include "hv.h"

unsigned hv_argument_words(const char *type)
{
    return !strcmp(type, "pte") ? 2 : 1;
}

void hv_hypercall_begin(struct domain *d, uint32_t number, const uint32_t *a, unsigned words)
{
    uint32_t all[7] = {0};

    memcpy(all, a, (words < 7 ? words : 7) * sizeof *a);
    if (words > 3 && events_wanted(d->machine->events, EV_DETAIL))
        domain_emit(d, EVENT_args, all[3], all[4], all[5], all[6]);
    domain_emit(d, EVENT_hypercall, number, all[0], all[1], all[2]);
}

void hv_hypercall_end(struct domain *d, uint32_t number, const uint32_t *result)
{
    if (events_wanted(d->machine->events, EV_DETAIL))
        domain_emit(d, EVENT_hypercall_end, number, result != NULL, result ? *result : 0, 0);
}
