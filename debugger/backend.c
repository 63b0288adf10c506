/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A backend's table is struct pv_backend of guest/pv/pv.h: four words of pv_info, then one word for
 * each row of the catalogue, in its order. (The groups follow each other in the struct as they do
 * in the catalogue, which a unit test proves on the real kernel.)
 */
#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv-models/hv.h"
#include "sites.h"

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

/* An operand like [0xC013BB40] by its symbol: the address is another one in the next build. */
static void name_address(const struct kernel *k, const char *insn, char *text, size_t size)
{
    const char *hex = strstr(insn, "[0x");
    char *end = NULL;
    unsigned long addr = hex ? strtoul(hex + 1, &end, 16) : 0;
    const struct kernel_symbol *s = hex && *end == ']' ? kernel_symbol_at(k, (uint32_t)addr) : NULL;

    if (!s)
        snprintf(text, size, "%s", insn);
    else if (addr == s->addr)
        snprintf(text, size, "%.*s[%s%s", (int)(hex - insn), insn, s->name, end);
    else
        snprintf(text, size, "%.*s[%s+%lu%s", (int)(hex - insn), insn, s->name, addr - s->addr,
                 end);
}

static void describe(const struct kernel *k, const uint8_t *code, uint32_t n, uint32_t at,
                     struct fill *out)
{
    size_t used = 0;

    for (uint32_t i = 0; i < n && used < sizeof out->insns;) {
        char one[48], named[80];
        uint32_t length = x86_format(code + i, n - i, at + i, true, one, sizeof one);
        if (!length)
            break;
        name_address(k, one, named, sizeof named);
        used += (size_t)snprintf(out->insns + used, sizeof out->insns - used, "%s%s",
                                 used ? "; " : "", named);
        i += length;
    }
}

/* The most bytes that a site of this hook has, or of all hooks if nobody calls it. */
static uint32_t room_at_sites(const struct kernel *k, unsigned hook)
{
    uint32_t own = 0, all = 0;
    struct sites sites;
    struct err err;

    if (!sites_read(k, &sites, &err))
        return 0;
    for (unsigned i = 0; i < sites.n; i++) {
        const struct site *s = &sites.site[i];
        all = s->length > all ? s->length : all;
        if (s->hook == hook && s->length > own)
            own = s->length;
    }
    sites_free(&sites);
    return own ? own : all;
}

/* The backend's own template for this hook, as its patch function would copy it: where it fits. */
static bool template(const struct kernel *k, const struct backend *b, unsigned hook,
                     struct fill *out)
{
    char name[96];

    snprintf(name, sizeof name, "%s_insn_%s", b->name, hook_table[hook].name);
    const struct kernel_symbol *s = kernel_find(k, name);
    const uint8_t *code = s ? kernel_bytes(k, s->addr, s->size) : NULL;
    if (!code || !s->size || s->size > room_at_sites(k, hook))
        return false;
    out->kind = FILL_INLINE;
    describe(k, code, s->size, s->addr, out);
    return true;
}

/* ---- notes ---- */

static const uint8_t *note(const struct kernel *k, const char *function, const char *what,
                           uint32_t *size)
{
    char name[96];

    snprintf(name, sizeof name, "%s.%s", function, what);
    const struct kernel_symbol *s = kernel_find(k, name);
    *size = s ? s->size : 0;
    return s && s->size ? kernel_bytes(k, s->addr, s->size) : NULL;
}

/* Backends and models that belong together have one name. */
static const char *call_name(const struct backend *b, uint32_t number)
{
    for (const struct hv_model *const *m = hv_models(); *m; m++) {
        if (strcmp((*m)->name, b->name) != 0)
            continue;
        for (const struct hv_hypercall *c = (*m)->hypercalls; c && c->name; c++)
            if (c->number == number)
                return c->name;
    }
    return NULL;
}

static void read_notes(const struct kernel *k, const struct backend *b, struct fill *out)
{
    uint32_t size;
    const uint8_t *bytes = note(k, out->function, "shared", &size);

    if (bytes)
        snprintf(out->shared, sizeof out->shared, "%.*s", (int)size, (const char *)bytes);
    bytes = note(k, out->function, "hypercall", &size);
    for (; bytes && size >= 4 && out->calls < FILL_CALLS_MAX; bytes += 4, size -= 4) {
        memcpy(&out->call[out->calls].number, bytes, 4);
        out->call[out->calls].name = call_name(b, out->call[out->calls].number);
        out->calls++;
    }
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
        template(k, b, hook, out);
    if (out->function)
        read_notes(k, b, out);
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

static size_t format_how(const struct fill *f, enum hook_convention c, char *text, size_t size)
{
    switch (f->kind) {
    case FILL_INLINE:
        return (size_t)snprintf(text, size, "inlined: %s", f->insns);
    case FILL_CALL:
        return (size_t)snprintf(text, size, "%s %s", c == HOOK_JUMP ? "jump to" : "call",
                                f->function ? f->function : "a function without a name");
    case FILL_NOTHING:
        return (size_t)snprintf(text, size, "nothing (NOP)");
    case FILL_IDENTITY:
        return (size_t)snprintf(text, size, "identity (NOP)");
    }
    __builtin_unreachable();
}

void fill_format(const struct fill *f, enum hook_convention c, char *text, size_t size)
{
    size_t used = format_how(f, c, text, size);

    if (f->shared[0] && used < size)
        used += (size_t)snprintf(text + used, size - used, ": %s in shared memory", f->shared);
    for (unsigned i = 0; i < f->calls && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s hypercall %u (%s)",
                                 i || f->shared[0] ? "," : ":", f->call[i].number,
                                 f->call[i].name ? f->call[i].name : "no such call");
}
