/* SPDX-License-Identifier: GPL-2.0-only */
/* x and xp: memory in every format, virtual and physical. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "data.h"

#define UNITS_MAX  65536u
#define STRING_MAX 200u

struct view {
    struct shell *sh;
    bool physical;
    uint64_t at;
};

static bool peek(const struct view *v, uint64_t at, void *to, uint32_t n)
{
    if (v->physical)
        return mem_read(shell_machine(v->sh)->domain->mem, MADDR(at), to, n);
    return debug_peek(v->sh->debug, (uint32_t)at, to, n);
}

static bool cannot(const struct view *v, uint64_t at, struct err *err)
{
    if (v->physical)
        return err_set(
            err, ERR_USAGE,
            "cannot read physical memory at 0x%08" PRIx64 ": it is no RAM of the machine", at);
    return data_unreadable(err, (uint32_t)at);
}

static void label(const struct view *v, uint64_t at)
{
    char text[120];

    shell_shade(v->sh, SHADE_NUMBER);
    shell_print(v->sh, "0x%08" PRIx64, at);
    shell_shade(v->sh, SHADE_PLAIN);
    if (!v->physical)
        shell_print(v->sh, "%s", data_label(v->sh, (uint32_t)at, text, sizeof text));
    shell_print(v->sh, ":");
}

static unsigned bytes_of(char size)
{
    return size == 'b' ? 1 : size == 'h' ? 2 : size == 'g' ? 8 : 4;
}

static int64_t sign_extend(uint64_t raw, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;

    return (int64_t)(raw << shift) >> shift;
}

static void binary(uint64_t raw, unsigned bytes, char *out)
{
    for (unsigned i = 8 * bytes; i-- > 0;)
        *out++ = raw >> i & 1 ? '1' : '0';
    *out = '\0';
}

static void print_unit(const struct view *v, uint64_t raw, char letter, unsigned bytes)
{
    struct shell *sh = v->sh;
    char text[120];

    switch (letter) {
    case 'd':
        shell_print(sh, "%" PRId64, sign_extend(raw, bytes));
        break;
    case 'u':
        shell_print(sh, "%" PRIu64, raw);
        break;
    case 'o':
        shell_print(sh, "0%" PRIo64, raw);
        break;
    case 't':
        binary(raw, bytes, text);
        shell_print(sh, "%s", text);
        break;
    case 'c': {
        int c = (int)(raw & 0xFF);
        if (isprint(c))
            shell_print(sh, "%d '%s%c'", (int)(int8_t)c, c == '\'' || c == '\\' ? "\\" : "", c);
        else
            shell_print(sh, "%d '\\%03o'", (int)(int8_t)c, c);
        break;
    }
    case 'a':
        shell_print(sh, "0x%08x%s", (unsigned)raw,
                    data_label(sh, (uint32_t)raw, text, sizeof text));
        break;
    case 'f': {
        uint32_t low = (uint32_t)raw;
        float f;
        double d;
        memcpy(&f, &low, 4);
        memcpy(&d, &raw, 8);
        shell_print(sh, "%.*g", bytes == 8 ? 17 : 9, bytes == 8 ? d : (double)f);
        break;
    }
    default:
        shell_print(sh, "0x%0*" PRIx64, (int)(2 * bytes), raw);
        break;
    }
}

static bool show_units(struct view *v, char letter, char size, unsigned count, struct err *err)
{
    unsigned bytes = letter == 'c' ? 1 : bytes_of(size), line = 16 / bytes;

    if (letter == 't')
        line = bytes <= 1 ? 8 : bytes <= 2 ? 4 : bytes <= 4 ? 2 : 1;
    if (letter == 'c')
        line = 8;
    if (letter == 'a')
        line = 1;
    for (unsigned i = 0; i < count; i++) {
        uint64_t raw = 0;
        if (!peek(v, v->at, &raw, bytes)) {
            shell_print(v->sh, "%s", i ? "\n" : "");
            return cannot(v, v->at, err);
        }
        if (i % line == 0) {
            shell_print(v->sh, "%s", i ? "\n" : "");
            label(v, v->at);
        }
        shell_print(v->sh, "\t");
        print_unit(v, raw, letter, bytes);
        v->at += bytes;
    }
    shell_print(v->sh, "\n");
    return true;
}

static bool show_string(struct view *v, struct err *err)
{
    unsigned char c;
    unsigned n = 0;

    if (!peek(v, v->at, &c, 1))
        return cannot(v, v->at, err);
    label(v, v->at);
    shell_print(v->sh, "\t\"");
    for (; n < STRING_MAX && peek(v, v->at, &c, 1) && c; n++, v->at++) {
        if (c == '"' || c == '\\')
            shell_print(v->sh, "\\%c", c);
        else if (c == '\n')
            shell_print(v->sh, "\\n");
        else if (isprint(c))
            shell_print(v->sh, "%c", c);
        else
            shell_print(v->sh, "\\%03o", c);
    }
    shell_print(v->sh, "\"%s\n", n == STRING_MAX ? "..." : "");
    v->at += n < STRING_MAX; /* behind its NUL */
    return true;
}

static bool show_instruction(struct view *v, struct err *err)
{
    char text[200], hook[80];
    uint32_t at = (uint32_t)v->at;
    unsigned n = data_instruction(v->sh, at, text, sizeof text);

    if (!n)
        return cannot(v, at, err);
    shell_print(v->sh, "%s ", at == cpu_regs(shell_machine(v->sh)->domain->cpu)->eip ? "=>" : "  ");
    label(v, at);
    shell_print(v->sh, "\t%s", text);
    if (data_site(v->sh, at, hook, sizeof hook))
        shell_print(v->sh, "\t; hook %s", hook);
    shell_print(v->sh, "\n");
    v->at += n;
    return true;
}

static bool examine(struct shell *sh, const char *args, bool physical, struct err *err)
{
    struct data_room *room = data_room(sh);
    struct data_format f = {.count = 1, .letter = 'x', .size = 'w'};

    if (!room)
        return err_set(err, ERR_SYSTEM, "out of memory");
    if (room->x.known) {
        f.letter = room->x.format;
        f.size = room->x.size;
    }
    char before = f.size;
    f.size = 0;
    if (!data_format(&args, &f, err))
        return false;
    if (!f.size)
        f.size = f.letter == 'a' ? 'w' : before;
    struct view v = {.sh = sh, .physical = physical};
    if (*args) {
        uint32_t low;
        int64_t wide;
        if (physical ? !shell_number(sh, args, &wide, err) : !shell_address(sh, args, &low, err))
            return false;
        v.at = physical ? (uint64_t)wide : low;
    } else {
        if (!room->x.known || room->x.physical != physical)
            return err_set(err, ERR_USAGE, "%s what? `%s/4xw ADDRESS`", physical ? "xp" : "x",
                           physical ? "xp" : "x");
        v.at = room->x.next;
        if (!f.counted)
            f.count = room->x.count;
    }
    if (f.count > UNITS_MAX)
        return err_set(err, ERR_USAGE, "that is more than %u of them", UNITS_MAX);
    if (physical && f.letter == 'i')
        return err_set(err, ERR_USAGE, "instructions are shown by virtual address: `x/i`");
    bool ok = true;
    if (f.letter == 's' || f.letter == 'i')
        for (unsigned i = 0; ok && i < f.count; i++)
            ok = f.letter == 's' ? show_string(&v, err) : show_instruction(&v, err);
    else
        ok = show_units(&v, f.letter == 'z' ? 'x' : f.letter, f.size, f.count, err);
    room->x.known = true;
    room->x.format = f.letter;
    room->x.size = f.size;
    room->x.count = f.count;
    room->x.next = v.at;
    room->x.physical = physical;
    return ok;
}

bool do_x(struct shell *sh, const char *args, struct err *err)
{
    return examine(sh, args, false, err);
}

bool do_xp(struct shell *sh, const char *args, struct err *err)
{
    return examine(sh, args, true, err);
}
