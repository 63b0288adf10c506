/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words for a person who has brought the wrong kernel. A guest and a host of lguest had to come from
 * one source tree, so neither of them ever said which; the interface changed with most releases, and
 * a guest that meets the wrong host dies of something that looks like anything. Here it is guessed
 * what it really is, from what only a guest of one age does.
 */
#include <string.h>

#include "lguest.h"

/*
 * struct lguest_data grew and shrank, but always ended with kernel_address and syscall_vec: an address
 * with 22 zero bits, and 80h behind it. Where that pair is, is what tells the releases apart.
 */
static const struct layout {
    uint32_t kernel_address; /* its offset */
    const char *releases, *run_as;
} layouts[] = {
    {LGUEST_DATA_kernel_address, "2.6.31 to 3.0", "lguest:2.6.31"},
    {LGUEST_DATA_3_2_kernel_address, "3.1 to 3.18", "lguest:3.2"},
    {1380, "4.1 to 4.13", NULL},
    {1128, "2.6.24 to 2.6.30", NULL},
};

static bool has_layout(struct domain *d, uint32_t data, const struct layout *l)
{
    uint32_t pair[2];

    return gmem_read(&lguest_of(d)->shadow.guest, d->mem, (uint64_t)data + l->kernel_address, pair,
                     sizeof pair) &&
           pair[0] && !(pair[0] & ((1u << 22) - 1)) && pair[1] == 0x80;
}

static const struct layout *find_layout(struct domain *d, uint32_t data)
{
    const uint32_t own = lguest_variant(d)->kernel_address;
    const struct layout *found = NULL;

    for (unsigned i = 0; data && i < sizeof layouts / sizeof layouts[0]; i++) {
        if (!has_layout(d, data, &layouts[i]))
            continue;
        if (layouts[i].kernel_address == own)
            return &layouts[i];
        if (!found)
            found = &layouts[i];
    }
    return found;
}

bool lguest_other_release(struct domain *d, const uint32_t *a)
{
    /* The address came in EBX; until 2.6.29 in EDX. */
    const struct layout *l = find_layout(d, a[1]);

    if (!l)
        l = find_layout(d, a[3]);
    if (!l || l->kernel_address == lguest_variant(d)->kernel_address)
        return false;
    if (l->run_as)
        kill_guest(d, "this kernel's lguest_data is that of Linux %s: run it with --hv %s",
                   l->releases, l->run_as);
    else
        kill_guest(d,
                   "this kernel's lguest_data is that of Linux %s, for which there is no variant",
                   l->releases);
    return true;
}

static bool is_vmcall(struct domain *d, uint32_t eip)
{
    uint8_t bytes[3];

    return cpu_fetch(d->cpu, GVA(eip), bytes, sizeof bytes) == sizeof bytes &&
           !memcmp(bytes, "\x0F\x01\xC1", sizeof bytes);
}

void lguest_unhandled_trap(struct domain *d, const struct cpu_exit *x, uint32_t error)
{
    unsigned vector = x->fault.vector;
    uint32_t what = vector == X86_PF ? x->fault.cr2 : error;

    if (lguest_of(d)->data)
        kill_guest(d, "unhandled trap %u at %#x (%#x)", vector, x->eip, what);
    else if (vector == X86_UD && is_vmcall(d, x->eip))
        kill_guest(d,
                   "vmcall at %#x: a kernel of Linux 2.6.30 to 3.0; run it with --hv lguest:2.6.31",
                   x->eip);
    else
        kill_guest(d,
                   "unhandled trap %u at %#x (%#x) before LGUEST_INIT: is this a kernel with "
                   "CONFIG_LGUEST_GUEST?",
                   vector, x->eip, what);
}
