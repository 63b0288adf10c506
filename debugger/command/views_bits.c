/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of registers by their names (Intel SDM volume 1, 3.4.3; volume 3A, 2.5). */
#include <string.h>

#include "views.h"

struct bit {
    unsigned at;
    const char *name;
};

static void names(uint32_t v, const struct bit *b, char *text, size_t size)
{
    size_t n = 0;

    text[0] = '\0';
    for (; b->name; b++)
        if (v & 1u << b->at && n < size)
            n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " " : "", b->name);
}

void view_eflags(uint32_t v, char *text, size_t size)
{
    static const struct bit bits[] = {
        {0, "CF"},  {2, "PF"},   {4, "AF"},   {6, "ZF"},  {7, "SF"},  {8, "TF"},
        {9, "IF"},  {10, "DF"},  {11, "OF"},  {14, "NT"}, {16, "RF"}, {17, "VM"},
        {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"}, {0, NULL},
    };

    names(v, bits, text, size);
    size_t n = strlen(text);
    if (v & FL_IOPL)
        snprintf(text + n, size - n, "%sIOPL=%u", n ? " " : "", v >> 12 & 3);
}

void view_cr0(uint32_t v, char *text, size_t size)
{
    static const struct bit bits[] = {
        {0, "PE"},  {1, "MP"},  {2, "EM"},  {3, "TS"},  {4, "ET"},  {5, "NE"},
        {16, "WP"}, {18, "AM"}, {29, "NW"}, {30, "CD"}, {31, "PG"}, {0, NULL},
    };

    names(v, bits, text, size);
}

void view_cr4(uint32_t v, char *text, size_t size)
{
    static const struct bit bits[] = {
        {0, "VME"}, {1, "PVI"}, {2, "TSD"}, {3, "DE"},     {4, "PSE"},         {5, "PAE"},
        {6, "MCE"}, {7, "PGE"}, {8, "PCE"}, {9, "OSFXSR"}, {10, "OSXMMEXCPT"}, {0, NULL},
    };

    names(v, bits, text, size);
}
