/* SPDX-License-Identifier: GPL-2.0-only */
#include "syscalls.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *arguments;
} calls[] = {
#define SYSCALL_ARGS(name, arguments) {#name, arguments},
#include "syscalls.def"
#undef SYSCALL_ARGS
};

const char *syscall_arguments(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (!strcmp(calls[i].name, name))
            return calls[i].arguments;
    return NULL;
}

unsigned syscall_words(const char *name, uint8_t *texts)
{
    const char *p = syscall_arguments(name);
    unsigned words = 0;

    *texts = 0;
    if (!p)
        return 6;
    while ((p = strchr(p, ':'))) {
        if (!strncmp(p, ":1:str", 6))
            *texts |= (uint8_t)(1u << words);
        words += p[1] == '2' ? 2 : 1;
        p += strcspn(p, " ");
    }
    return words;
}
