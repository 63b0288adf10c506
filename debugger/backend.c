/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A backend's table is struct pv_backend of guest/pv/pv.h: four words of pv_info, then one word for
 * each row of the catalogue, in its order. (The groups follow each other in the struct as they do
 * in the catalogue, which a unit test proves on the real kernel.)
 */
#include "backend.h"

#include <stdio.h>
#include <string.h>

enum { INFO_WORDS = 4 };

unsigned backends_find(const struct kernel *k, struct backend out[BACKENDS_MAX])
{
    static const char tail[] = "_backend";
    unsigned n, found = 0;
    const struct kernel_symbol *s = kernel_symbols(k, &n);

    for (unsigned i = 0; i < n && found < BACKENDS_MAX; i++) {
        size_t length = strlen(s[i].name), name = length - (sizeof tail - 1);
        struct backend *b = &out[found];
        if (s[i].function || length <= sizeof tail - 1 || strcmp(s[i].name + name, tail) != 0 ||
            name >= sizeof b->name || s[i].size != (INFO_WORDS + hook_count) * 4)
            continue;
        memcpy(b->name, s[i].name, name);
        b->name[name] = '\0';
        b->table = &s[i];
        found++;
    }
    return found;
}

static void describe(const uint8_t *code, uint32_t n, uint32_t at, struct fill *out)
{
    size_t used = 0;

    for (uint32_t i = 0; i < n && used < sizeof out->insns;) {
        char one[48];
        uint32_t length = x86_format(code + i, n - i, at + i, true, one, sizeof one);
        if (!length)
            break;
        used += (size_t)snprintf(out->insns + used, sizeof out->insns - used, "%s%s",
                                 used ? "; " : "", one);
        i += length;
    }
}

/* The backend's own template for this hook, as its patch function would copy it. */
static bool template(const struct kernel *k, const struct backend *b, const struct hook_info *h,
                     struct fill *out)
{
    char name[96];

    snprintf(name, sizeof name, "%s_insn_%s", b->name, h->name);
    const struct kernel_symbol *s = kernel_find(k, name);
    const uint8_t *code = s ? kernel_bytes(k, s->addr, s->size) : NULL;
    if (!code || !s->size)
        return false;
    out->kind = FILL_INLINE;
    describe(code, s->size, s->addr, out);
    return true;
}

bool backend_fill(const struct kernel *k, const struct backend *b, unsigned hook, struct fill *out)
{
    const uint8_t *word =
        hook < hook_count ? kernel_bytes(k, b->table->addr + (INFO_WORDS + hook) * 4, 4) : NULL;
    uint32_t target;

    *out = (struct fill){0};
    if (!word)
        return false;
    memcpy(&target, word, sizeof target);
    const struct kernel_symbol *s = kernel_symbol_at(k, target);
    out->function = s && s->addr == target ? s->name : NULL;
    out->kind = FILL_CALL;
    if (out->function && !strcmp(out->function, "paravirt_nop"))
        out->kind = FILL_NOTHING;
    else if (out->function && !strcmp(out->function, "paravirt_ident_64"))
        out->kind = FILL_IDENTITY;
    else
        template(k, b, &hook_table[hook], out);
    return true;
}

const char *fill_kind_name(enum fill_kind kind)
{
    static const char *const name[] = {
        [FILL_INLINE] = "inline",
        [FILL_CALL] = "call",
        [FILL_NOTHING] = "nop",
        [FILL_IDENTITY] = "identity",
    };
    return name[kind];
}

void fill_format(const struct fill *f, enum hook_convention c, char *text, size_t size)
{
    switch (f->kind) {
    case FILL_INLINE:
        snprintf(text, size, "inlined: %s", f->insns);
        break;
    case FILL_CALL:
        snprintf(text, size, "%s %s", c == HOOK_JUMP ? "jump to" : "call",
                 f->function ? f->function : "a function without a name");
        break;
    case FILL_NOTHING:
        snprintf(text, size, "nothing (NOP)");
        break;
    case FILL_IDENTITY:
        snprintf(text, size, "identity (NOP)");
        break;
    }
}
