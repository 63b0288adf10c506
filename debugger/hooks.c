/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of abi/pv_hooks.def as a table of text. See guest/pv/pv_call.h for what the same rows
   become in the kernel. */
#include "hooks.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* clang-format off: laid out by hand, as in pv_call.h */
#define A0()  \
    0,        \
    {         \
        {     \
            0 \
        }     \
    }
#define A1(t1, n1)      \
    1,                  \
    {                   \
        {               \
#t1, #n1, 1 \
        }               \
    }
#define A2(t1, n1, t2, n2) \
    2,                     \
    {                      \
        {#t1, #n1, 1},     \
        {                  \
#t2, #n2, 1    \
        }                  \
    }
#define A3(t1, n1, t2, n2, t3, n3)    \
    3,                                \
    {                                 \
        {#t1, #n1, 1}, {#t2, #n2, 1}, \
        {                             \
#t3, #n3, 1               \
        }                             \
    }
#define A4(t1, n1, t2, n2, t3, n3, t4, n4)           \
    4,                                               \
    {                                                \
        {#t1, #n1, 1}, {#t2, #n2, 1}, {#t3, #n3, 1}, \
        {                                            \
#t4, #n4, 1                              \
        }                                            \
    }
#define A5(t1, n1, t2, n2, t3, n3, t4, n4, t5, n5)                  \
    5,                                                              \
    {                                                               \
        {#t1, #n1, 1}, {#t2, #n2, 1}, {#t3, #n3, 1}, {#t4, #n4, 1}, \
        {                                                           \
#t5, #n5, 1                                             \
        }                                                           \
    }
#define A1D(t1, n1)     \
    1,                  \
    {                   \
        {               \
#t1, #n1, 2 \
        }               \
    }
#define A2D(t1, n1, t2, n2) \
    2,                      \
    {                       \
        {#t1, #n1, 1},      \
        {                   \
#t2, #n2, 2     \
        }                   \
    }
#define A4D(t1, n1, t2, n2, t3, n3, t4, n4)          \
    4,                                               \
    {                                                \
        {#t1, #n1, 1}, {#t2, #n2, 1}, {#t3, #n3, 1}, \
        {                                            \
#t4, #n4, 2                              \
        }                                            \
    }
#define A3DD(t1, n1, t2, n2, t3, n3)  \
    3,                                \
    {                                 \
        {#t1, #n1, 1}, {#t2, #n2, 2}, \
        {                             \
#t3, #n3, 2               \
        }                             \
    }
/* clang-format on */

const struct hook_info hook_table[] = {
#define HOOK(group, name, ret, conv, args, meaning) \
    {#group, #name, #ret, HOOK_##conv, args, meaning},
#include "abi/pv_hooks.def"
#undef HOOK
};
const unsigned hook_count = sizeof hook_table / sizeof hook_table[0];

void hook_full_name(const struct hook_info *h, char *text, size_t size)
{
    snprintf(text, size, "pv_%s_ops.%s", h->group, h->name);
}

void hook_arguments(const struct hook_info *h, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");

    for (unsigned i = 0; i < h->args && used < size; i++) {
        const char *type = h->arg[i].type;
        bool pointer = type[strlen(type) - 1] == '*';
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", i ? ", " : "", type,
                                 pointer ? "" : " ", h->arg[i].name);
    }
    if (used < size)
        snprintf(text + used, size - used, "%s)", h->args ? "" : "void");
}

unsigned hook_words(const struct hook_info *h)
{
    unsigned words = 0;

    for (unsigned i = 0; i < h->args; i++)
        words += h->arg[i].words;
    return words;
}

const char *hook_convention_name(enum hook_convention c)
{
    static const char *const name[] = {
        [HOOK_REGPARM] = "called, EAX EDX ECX are spent",
        [HOOK_CALLEE_SAVE] = "called, only EAX EDX are spent",
        [HOOK_JUMP] = "jumped to, does not come back",
    };
    return name[c];
}

bool hook_matches(const struct hook_info *h, const char *pattern)
{
    char full[64];

    hook_full_name(h, full, sizeof full);
    if (!fnmatch(pattern, full, 0) || !fnmatch(pattern, h->name, 0))
        return true;
    snprintf(full, sizeof full, "%s.%s", h->group, h->name);
    return !fnmatch(pattern, full, 0);
}
