/* SPDX-License-Identifier: GPL-2.0-only */
/* A hypercall on the event stream: guest-visible when it is made; for whoever watches closely also
   its further arguments, which come first, and its end. */
#include <string.h>

#include "hv.h"

unsigned hv_argument_words(const char *type)
{
    return !strcmp(type, "pte") ? 2 : 1;
}

static uint32_t word(const uint32_t *a, unsigned words, unsigned i)
{
    return i < words ? a[i] : 0;
}

void hv_hypercall_begin(struct domain *d, uint32_t number, const uint32_t *a, unsigned words)
{
    if (words > 3 && events_wanted(d->machine->events, EV_DETAIL))
        domain_emit(d, EVENT_args, word(a, words, 3), word(a, words, 4), word(a, words, 5),
                    word(a, words, 6));
    domain_emit(d, EVENT_hypercall, number, word(a, words, 0), word(a, words, 1),
                word(a, words, 2));
}

void hv_hypercall_end(struct domain *d, uint32_t number, const uint32_t *result)
{
    if (events_wanted(d->machine->events, EV_DETAIL))
        domain_emit(d, EVENT_hypercall_end, number, result != NULL, result ? *result : 0, 0);
}
