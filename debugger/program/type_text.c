/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types as C writes them: from the inside out. A declarator begins as the name (or nothing) and
 * grows to the left by *, to the right by [n] and (arguments), until the type at the heart is
 * written before it.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#define DECLARATOR 256u
#define DEPTH_MAX  16u

static void declare(struct text *out, const struct type *t, const char *declarator, bool expand,
                    unsigned indent, unsigned depth);

static void pad(struct text *out, unsigned indent)
{
    text_add(out, "%*s", (int)indent, "");
}

static void member(struct text *out, const struct type_member *m, unsigned indent, unsigned depth)
{
    char name[DECLARATOR];

    if (m->bit_size)
        snprintf(name, sizeof name, "%s : %u", m->name ? m->name : "", m->bit_size);
    else
        snprintf(name, sizeof name, "%s", m->name ? m->name : "");
    pad(out, indent);
    /* Nameless structs inside are part of this one: show what is in them. */
    const struct type *t = m->type;
    while (type_kind(t) == TYPE_ARRAY && type_target(t))
        t = type_target(t);
    bool nameless = !t->wrap && !t->name && t->kind >= TYPE_ENUM && t->kind != TYPE_POINTER &&
                    t->kind != TYPE_FUNCTION;
    declare(out, m->type, name, nameless && depth < DEPTH_MAX, indent, depth + 1);
    text_add(out, ";\n");
}

static void body(struct text *out, const struct type *t, unsigned indent, unsigned depth)
{
    struct type_member m;

    if (t->incomplete) {
        text_add(out, " {\n");
        pad(out, indent + 4);
        text_add(out, "<incomplete type>\n");
    } else {
        text_add(out, " {\n");
        for (unsigned i = 0; !out->full && type_member(t, i, &m); i++)
            member(out, &m, indent + 4, depth);
    }
    pad(out, indent);
    text_add(out, "}");
}

static void enum_body(struct text *out, const struct type *t)
{
    int64_t next = 0;

    text_add(out, " {");
    for (uint32_t i = 0; i < t->enumerators && !out->full; i++) {
        text_add(out, "%s%s", i ? ", " : "", t->enumerator[i].name);
        if (t->enumerator[i].value != next)
            text_add(out, " = %lld", (long long)t->enumerator[i].value);
        next = (int64_t)((uint64_t)t->enumerator[i].value + 1);
    }
    text_add(out, "}");
}

static void heart(struct text *out, const struct type *t, bool expand, unsigned indent,
                  unsigned depth)
{
    const char *word = t->kind == TYPE_STRUCT  ? "struct"
                       : t->kind == TYPE_UNION ? "union"
                       : t->kind == TYPE_ENUM  ? "enum"
                                               : NULL;

    if (!word || t->wrap) {
        text_add(out, "%s", t->name ? t->name : "<unnamed>");
        return;
    }
    text_add(out, "%s", word);
    if (t->name)
        text_add(out, " %s", t->name);
    if (!expand) {
        if (!t->name)
            text_add(out, " {...}");
        return;
    }
    const struct type *full = type_strip(t);
    type_size(full); /* what is in it is read now */
    if (t->kind == TYPE_ENUM)
        enum_body(out, full);
    else
        body(out, full, indent, depth);
}

static void parameters(struct text *out, const struct type *t, unsigned depth)
{
    struct type_member m;

    text_add(out, "(");
    for (unsigned i = 0; !out->full && type_member(t, i, &m); i++) {
        text_add(out, "%s", i ? ", " : "");
        declare(out, m.type, "", false, 0, depth + 1);
    }
    if (t->variadic)
        text_add(out, "%s...", t->members ? ", " : "");
    else if (!t->members && t->prototyped)
        text_add(out, "void");
    text_add(out, ")");
}

static const struct type *qualifiers(const struct type *t, bool *is_const, bool *is_volatile)
{
    for (unsigned i = 0; i < DEPTH_MAX; i++) {
        *is_const |= t->wrap == WRAP_CONST;
        *is_volatile |= t->wrap == WRAP_VOLATILE;
        if (!t->wrap || (t->wrap == WRAP_TYPEDEF && t->name))
            break;
        type_kind(t); /* its target is read now */
        if (!t->target)
            return &c_type[C_UNKNOWN];
        t = t->target;
    }
    return t;
}

/* const and volatile before a type that is a name, behind a *. */
static void declare(struct text *out, const struct type *t, const char *declarator, bool expand,
                    unsigned indent, unsigned depth)
{
    char grown[DECLARATOR];
    bool is_const = false, is_volatile = false;

    if (depth > DEPTH_MAX) {
        text_add(out, "...");
        return;
    }
    t = qualifiers(t, &is_const, &is_volatile);
    if (!t->wrap && (t->kind == TYPE_POINTER || t->kind == TYPE_ARRAY || t->kind == TYPE_FUNCTION))
        type_size(t);
    if (!t->wrap && t->kind == TYPE_POINTER) {
        const struct type *target = type_target(t);
        bool inside = target && !target->wrap &&
                      (target->kind == TYPE_ARRAY || target->kind == TYPE_FUNCTION);
        const char *mark = is_const && is_volatile ? " const volatile"
                           : is_const              ? " const"
                           : is_volatile           ? " volatile"
                                                   : "";
        bool space = *mark && *declarator && declarator[0] != ')';
        snprintf(grown, sizeof grown, inside ? "(*%s%s%s)" : "*%s%s%s", mark, space ? " " : "",
                 declarator);
        declare(out, target ? target : &c_type[C_VOID], grown, expand, indent, depth + 1);
        return;
    }
    if (!t->wrap && t->kind == TYPE_ARRAY) {
        if (t->has_elements)
            snprintf(grown, sizeof grown, "%s[%u]", declarator, t->elements);
        else
            snprintf(grown, sizeof grown, "%s[]", declarator);
        declare(out, t->target ? t->target : &c_type[C_UNKNOWN], grown, expand, indent, depth + 1);
        return;
    }
    if (!t->wrap && t->kind == TYPE_FUNCTION && t != &c_type[C_CODE]) {
        char text[DECLARATOR * 2];
        struct text inner = text_begin(text, sizeof text);
        text_add(&inner, "%s", declarator);
        parameters(&inner, t, depth);
        text_end(&inner);
        if (!declarator[0]) { /* "int (void)" */
            declare(out, t->target ? t->target : &c_type[C_INT], "", false, 0, depth + 1);
            text_add(out, " %s", text);
            return;
        }
        declare(out, t->target ? t->target : &c_type[C_INT], text, expand, indent, depth + 1);
        return;
    }
    text_add(out, "%s%s", is_const ? "const " : "", is_volatile ? "volatile " : "");
    heart(out, t, expand, indent, depth);
    if (declarator[0])
        text_add(out, " %s", declarator);
}

void type_declare(struct text *out, const struct type *t, const char *declarator, bool expand,
                  unsigned indent)
{
    declare(out, t, declarator, expand, indent, 0);
}

void type_text(const struct type *t, char *text, size_t size)
{
    struct text out = text_begin(text, size);

    declare(&out, t, "", false, 0, 0);
    text_end(&out);
}

void type_describe(const struct type *t, char *text, size_t size)
{
    struct text out = text_begin(text, size);

    /* One typedef is looked through, as ptype does; what it names is what was asked for. */
    for (unsigned i = 0; t->wrap == WRAP_TYPEDEF && i < DEPTH_MAX; i++) {
        type_kind(t);
        t = t->target ? t->target : &c_type[C_UNKNOWN];
    }
    declare(&out, t, "", true, 0, 0);
    text_end(&out);
}
