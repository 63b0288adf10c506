/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The catalogue of hooks as data: abi/pv_hooks.def, the rows from which the kernel's tables and
 * call wrappers are made, read once more for people. A hook's number is its row, which is also the
 * "type" in the record of a patched site.
 */
#ifndef DEBUGGER_HOOKS_H
#define DEBUGGER_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hook_convention { HOOK_REGPARM, HOOK_CALLEE_SAVE, HOOK_JUMP };

#define HOOK_ARGS_MAX 5

struct hook_info {
    const char *group, *name; /* "mmu", "set_pte": pv_mmu_ops.set_pte */
    const char *result;       /* its C type */
    enum hook_convention convention;
    unsigned args;
    struct hook_arg {
        const char *type, *name;
        unsigned words; /* of 32 bits: 1 or 2 */
    } arg[HOOK_ARGS_MAX];
    const char *meaning;
};

extern const struct hook_info hook_table[];
extern const unsigned hook_count;

/* "pv_mmu_ops.set_pte" */
void hook_full_name(const struct hook_info *h, char *text, size_t size);
/* "(pte_t *ptep, pte_t pte)" */
void hook_arguments(const struct hook_info *h, char *text, size_t size);
/* How many 32-bit words its arguments take: the first three are in EAX, EDX, ECX, the rest on the
   stack. */
unsigned hook_words(const struct hook_info *h);
/* "registers EAX, EDX, ECX, then the stack", ... */
const char *hook_convention_name(enum hook_convention c);

/* Does a pattern name it: "pv_mmu_ops.set_pte", "mmu.set*", "set_pte", with the wildcards of a shell? */
bool hook_matches(const struct hook_info *h, const char *pattern);

#endif
