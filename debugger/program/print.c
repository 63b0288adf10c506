/* SPDX-License-Identifier: GPL-2.0-only */
/* Values as gdb shows them, since that is what eyes are used to. */
#include "value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENTS  200u
#define REPEATS   10u /* so many equal ones in a row are shown as one */
#define DEPTH_MAX 20u

struct print {
    struct expr_session *s;
    struct text out;
    char letter;
    unsigned elements;
    bool pretty;
};

static void value(struct print *p, const struct value *v, unsigned depth);

/* ---- characters ---- */

static void escaped(struct print *p, uint8_t c, char quote)
{
    static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    const char *known = c ? strchr(values, c) : NULL;

    if (known)
        text_add(&p->out, "\\%c", names[known - values]);
    else if (c == 27)
        text_add(&p->out, "\\033");
    else if (c == (uint8_t)quote || c == '\\')
        text_add(&p->out, "\\%c", c);
    else if (c >= 32 && c < 127)
        text_add(&p->out, "%c", c);
    else
        text_add(&p->out, "\\%03o", c);
}

static void character(struct print *p, int64_t number)
{
    text_add(&p->out, "%lld '", (long long)number);
    escaped(p, (uint8_t)number, '\'');
    text_add(&p->out, "'");
}

/* "abc", 'x' <repeats 20 times>, "def"... ; more: something was left out behind it. */
static void string(struct print *p, const uint8_t *text, size_t n, bool more)
{
    bool open = false, first = true;
    size_t shown = 0;

    for (size_t i = 0; i < n && shown < p->elements;) {
        size_t run = 1;
        while (i + run < n && text[i + run] == text[i])
            run++;
        if (run > REPEATS) {
            text_add(&p->out, "%s%s'", open ? "\"" : "", first ? "" : ", ");
            escaped(p, text[i], '\'');
            text_add(&p->out, "' <repeats %zu times>", run);
            open = false;
            shown += REPEATS;
            i += run;
        } else {
            if (!open)
                text_add(&p->out, "%s\"", first ? "" : ", ");
            escaped(p, text[i], '"');
            open = true;
            shown++;
            i++;
        }
        first = false;
        more |= shown >= p->elements && i < n;
    }
    text_add(&p->out, "%s%s", open ? "\"" : first ? "\"\"" : "", more ? "..." : "");
}

static void string_at(struct print *p, uint32_t addr)
{
    uint8_t *text = malloc(p->elements + 1);
    struct value at = value_at(&c_type[C_CHAR], addr);
    struct err err = {0};
    uint32_t n = 0;

    for (; text && n < p->elements; n++, at.addr++)
        if (!value_bytes(p->s, &at, 0, text + n, 1, &err) || !text[n])
            break;
    if (!n && err.class)
        text_add(&p->out, "<error: %s>", err.text);
    else
        string(p, text, n, n == p->elements);
    free(text);
}

/* ---- numbers ---- */

static void binary_digits(struct print *p, uint64_t v, unsigned bits, bool all)
{
    bool started = all;

    for (unsigned i = bits; i-- > 0;) {
        started |= v >> i & 1 || i == 0;
        if (started)
            text_add(&p->out, "%u", (unsigned)(v >> i & 1));
    }
}

static void address(struct print *p, uint32_t addr, bool data_too)
{
    char symbol[160];

    text_add(&p->out, "0x%x", addr);
    if (symbol_text(p->s, addr, data_too, symbol, sizeof symbol))
        text_add(&p->out, " %s", symbol);
}

static void as_letter(struct print *p, const struct type *t, int64_t number, double real,
                      unsigned bits)
{
    uint64_t raw = bits >= 64 ? (uint64_t)number : (uint64_t)number & ((1ull << bits) - 1);
    uint8_t bytes[8];

    switch (p->letter) {
    case 'x':
        text_add(&p->out, "0x%llx", (unsigned long long)raw);
        break;
    case 'z':
        text_add(&p->out, "0x%0*llx", (int)(bits / 4), (unsigned long long)raw);
        break;
    case 'o':
        text_add(&p->out, raw ? "0%llo" : "%llo", (unsigned long long)raw);
        break;
    case 'u':
        text_add(&p->out, "%llu", (unsigned long long)raw);
        break;
    case 'd':
        text_add(&p->out, "%lld",
                 (long long)(bits < 64 && raw >> (bits - 1) ? (int64_t)(raw | ~0ull << bits)
                                                            : (int64_t)raw));
        break;
    case 't':
        binary_digits(p, raw, bits, false);
        break;
    case 'a':
        address(p, (uint32_t)raw, true);
        break;
    case 'c':
        character(p, type_kind(t) == TYPE_INT && !type_signed(t) ? (int64_t)(uint8_t)raw
                                                                 : (int64_t)(int8_t)raw);
        break;
    default: /* 'f' */
        for (unsigned i = 0; i < 8; i++)
            bytes[i] = (uint8_t)(raw >> 8 * i);
        if (type_kind(t) == TYPE_FLOAT)
            text_add(&p->out, "%.17g", real);
        else if (bits == 32)
            text_add(&p->out, "%.9g", float_value(&c_type[C_FLOAT], bytes));
        else if (bits == 64)
            text_add(&p->out, "%.17g", float_value(&c_type[C_DOUBLE], bytes));
        else
            text_add(&p->out, "%lld", (long long)number);
        break;
    }
}

/* An enum whose enumerators are bits is shown as the sum of them. */
static bool is_flags(const struct type *t)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < t->enumerators; i++) {
        uint64_t v = (uint64_t)t->enumerator[i].value;
        if (t->enumerator[i].value < 0 || v & all)
            return false;
        all |= v;
    }
    return t->enumerators > 0;
}

static void enumeration(struct print *p, const struct type *type, int64_t number)
{
    const struct type *t = type_strip(type);
    const char *name = type_enumerator(type, number);
    uint64_t rest = (uint64_t)number;
    bool any = false;

    if (name) {
        text_add(&p->out, "%s", name);
        return;
    }
    if (!is_flags(t) || number == 0) {
        text_add(&p->out, "%lld", (long long)number);
        return;
    }
    text_add(&p->out, "(");
    for (uint32_t i = 0; i < t->enumerators; i++) {
        uint64_t v = (uint64_t)t->enumerator[i].value;
        if (!v || (rest & v) != v)
            continue;
        text_add(&p->out, "%s%s", any ? " | " : "", t->enumerator[i].name);
        rest &= ~v;
        any = true;
    }
    if (rest)
        text_add(&p->out, "%sunknown: 0x%llx", any ? " | " : "", (unsigned long long)rest);
    text_add(&p->out, ")");
}

static bool is_text(const struct type *t)
{
    return t && type_kind(t) == TYPE_INT && type_char(t) && type_size(t) == 1;
}

static void pointer(struct print *p, const struct type *t, uint32_t addr, unsigned depth)
{
    const struct type *target = type_target(t);
    char text[200];

    if (is_text(target) && p->letter != 'a') {
        text_add(&p->out, "0x%x", addr);
        if (addr) {
            text_add(&p->out, " ");
            string_at(p, addr);
        }
        return;
    }
    if (depth == 0) {
        type_text(t, text, sizeof text);
        text_add(&p->out, "(%s) ", text);
    }
    address(p, addr, true);
}

static void scalar(struct print *p, const struct value *v, unsigned depth)
{
    enum type_kind kind = type_kind(v->type);
    struct err err = {0};
    int64_t number;
    double real;

    if (!value_number(p->s, v, &number, &real, &err)) {
        text_add(&p->out, "<error: %s>", err.text);
        return;
    }
    if (p->letter && p->letter != 's') {
        unsigned bits = v->bit_size ? v->bit_size : type_size(v->type) * 8;
        as_letter(p, v->type, number, real, kind == TYPE_FLOAT ? 64 : bits);
        return;
    }
    switch (kind) {
    case TYPE_BOOL:
        if (number == 0 || number == 1)
            text_add(&p->out, "%s", number ? "true" : "false");
        else
            text_add(&p->out, "%lld", (long long)number);
        break;
    case TYPE_FLOAT:
        text_add(&p->out, type_size(v->type) == 4 ? "%.9g" : "%.17g", real);
        break;
    case TYPE_ENUM:
        enumeration(p, v->type, number);
        break;
    case TYPE_POINTER:
        pointer(p, v->type, (uint32_t)number, depth);
        break;
    default:
        if (type_char(v->type) && type_size(v->type) == 1)
            character(p, number);
        else if (type_signed(v->type))
            text_add(&p->out, "%lld", (long long)number);
        else
            text_add(&p->out, "%llu", (unsigned long long)number);
        break;
    }
}

/* ---- aggregates ---- */

static void line(struct print *p, unsigned depth)
{
    text_add(&p->out, "\n%*s", (int)depth * 2, "");
}

static void structure(struct print *p, const struct value *v, unsigned depth)
{
    struct type_member m;
    unsigned shown = 0;

    if (type_members(v->type) == 0) {
        text_add(&p->out, type_strip(v->type)->incomplete ? "<incomplete type>" : "{}");
        return;
    }
    text_add(&p->out, "{");
    for (unsigned i = 0; !p->out.full && type_member(v->type, i, &m); i++) {
        struct value part;
        struct err err = {0};
        if (shown++)
            text_add(&p->out, p->pretty ? "," : ", ");
        if (p->pretty)
            line(p, depth + 1);
        if (m.name)
            text_add(&p->out, "%s = ", m.name);
        if (value_part(v, &m, &part, &err))
            value(p, &part, depth + 1);
        else
            text_add(&p->out, "<error: %s>", err.text);
    }
    if (p->pretty)
        line(p, depth);
    text_add(&p->out, "}");
}

static bool text_array(struct print *p, const struct value *v, uint32_t n)
{
    uint8_t *text = malloc(n);
    struct err err = {0};

    if (!text)
        return false;
    if (!value_bytes(p->s, v, 0, text, n, &err)) {
        text_add(&p->out, "<error: %s>", err.text);
    } else {
        /* The NUL that ends it goes without saying. */
        if (n && text[n - 1] == '\0')
            n--;
        string(p, text, n, false);
    }
    free(text);
    return true;
}

static bool same_element(struct print *p, const struct value *v, uint32_t size, uint32_t i,
                         uint32_t j)
{
    uint8_t a[256], b[256];

    return size <= sizeof a && value_bytes(p->s, v, i * size, a, size, NULL) &&
           value_bytes(p->s, v, j * size, b, size, NULL) && !memcmp(a, b, size);
}

static void array(struct print *p, const struct value *v, unsigned depth)
{
    const struct type *t = type_target(v->type);
    uint32_t n = type_elements(v->type), size = t ? type_size(t) : 0;

    if (is_text(t) && (!p->letter || p->letter == 's') && n && n <= 1u << 20 && text_array(p, v, n))
        return;
    text_add(&p->out, "{");
    uint32_t shown = 0;
    for (uint32_t i = 0; i < n && size && shown < p->elements && !p->out.full;) {
        struct type_member m = {.type = t, .offset = i * size};
        struct value part;
        struct err err = {0};
        uint32_t run = 1;
        while (i + run < n && run < 100000 && same_element(p, v, size, i, i + run))
            run++;
        text_add(&p->out, i ? ", " : "");
        if (!value_part(v, &m, &part, &err)) {
            text_add(&p->out, "<error: %s>", err.text);
            break;
        }
        if (run >= REPEATS) {
            value(p, &part, depth + 1);
            text_add(&p->out, " <repeats %u times>", run);
            shown += REPEATS;
            i += run;
        } else {
            value(p, &part, depth + 1);
            shown++;
            i++;
        }
        if (shown >= p->elements && i < n)
            text_add(&p->out, "...");
    }
    text_add(&p->out, "}");
}

static void value(struct print *p, const struct value *v, unsigned depth)
{
    char text[200];

    if (p->out.full)
        return;
    if (v->place == VALUE_LOST) {
        text_add(&p->out, "<optimized out>");
        return;
    }
    if (depth > DEPTH_MAX) {
        text_add(&p->out, "{...}");
        return;
    }
    switch (type_kind(v->type)) {
    case TYPE_VOID:
        text_add(&p->out, "void");
        break;
    case TYPE_UNKNOWN:
        type_text(v->type, text, sizeof text);
        text_add(&p->out, "%s", text);
        break;
    case TYPE_STRUCT:
    case TYPE_UNION:
        structure(p, v, depth);
        break;
    case TYPE_ARRAY:
        array(p, v, depth);
        break;
    case TYPE_FUNCTION:
        type_text(v->type, text, sizeof text);
        text_add(&p->out, "{%s} ", text);
        address(p, v->addr, true);
        break;
    default:
        scalar(p, v, depth);
        break;
    }
}

void value_text(struct expr_session *s, const struct value *v, const struct value_format *fmt,
                char *text, size_t size)
{
    struct print p = {.s = s,
                      .out = text_begin(text, size),
                      .letter = fmt ? fmt->letter : 0,
                      .elements = fmt && fmt->elements ? fmt->elements : ELEMENTS,
                      .pretty = fmt && fmt->pretty};

    value(&p, v, 0);
    text_end(&p.out);
}
