/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace_args.h"

#include <stdio.h>
#include <string.h>

/* Intel SDM volume 3, table 4-11. */
static const struct {
    unsigned bit;
    const char *name;
} flags[] = {
    {0, "P"}, {1, "RW"}, {2, "US"}, {3, "PWT"}, {4, "PCD"},
    {5, "A"}, {6, "D"},  {7, "PS"}, {8, "G"},   {63, "NX"},
};

void format_pte(uint64_t pte, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, pte ? "%#llx" : "0", (unsigned long long)pte);

    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && used < size; i++)
        if (pte >> flags[i].bit & 1)
            used += (size_t)snprintf(text + used, size - used, " %s", flags[i].name);
}

static size_t format_text(const char *from, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, " \"");

    for (; *from && used + 1 < size; from++)
        text[used++] = *from < ' ' || *from > '~' ? '.' : *from;
    if (used < size)
        used += (size_t)snprintf(text + used, size - used, "\"");
    return used;
}

static bool is(const char *kind, size_t n, const char *what)
{
    return n == strlen(what) && !memcmp(kind, what, n);
}

static size_t format_value(const char *kind, size_t n, uint64_t value, char *text, size_t size)
{
    unsigned long long v = value;

    if (is(kind, n, "pte")) {
        format_pte(value, text, size);
        return strlen(text);
    }
    if (is(kind, n, "int"))
        return (size_t)snprintf(text, size, "%d", (int)value);
    if (is(kind, n, "u32"))
        return (size_t)snprintf(text, size, "%llu", v);
    if (is(kind, n, "oct"))
        return (size_t)snprintf(text, size, "%#llo", v);
    return (size_t)snprintf(text, size, v < 10 ? "%llu" : "%#llx", v);
}

void format_arguments(const char *list, const struct argument_words *a, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");
    unsigned at = 0;

    for (const char *p = list; *p && used < size;) {
        size_t name = strcspn(p, ": "), length = strcspn(p, " ");
        const char *kind = name + 2 < length && p[name + 2] == ':' ? p + name + 3 : p + length;
        bool wide = p[name] == ':' && p[name + 1] == '2';
        uint64_t value = 0;
        for (unsigned i = 0; i < (wide ? 2u : 1u) && at < ARGUMENT_WORDS; i++, at++)
            value |= (uint64_t)a->word[at] << 32 * i;
        used += (size_t)snprintf(text + used, size - used, "%s%.*s=", p == list ? "" : ", ",
                                 (int)name, p);
        if (used < size)
            used +=
                format_value(kind, (size_t)(p + length - kind), value, text + used, size - used);
        if (used < size && at && at <= 6 && a->text[at - 1][0])
            used += format_text(a->text[at - 1], text + used, size - used);
        p += length;
        p += *p == ' ';
    }
    if (used < size)
        snprintf(text + used, size - used, ")");
}
