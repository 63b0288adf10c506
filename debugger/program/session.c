/* SPDX-License-Identifier: GPL-2.0-only */
/* What lasts from one expression to the next: the history, $variables, and types that no file has. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_MAX   100000u
#define VARIABLES_MAX 10000u
#define COPY_MAX      (1u << 20)  /* of one value */
#define KEPT_MAX      (64u << 20) /* of all: then the oldest are forgotten */

struct expr_session *expr_session_new(const struct expr_host *host)
{
    struct expr_session *s = calloc(1, sizeof *s);

    if (!s || !(s->arena = arena_new())) {
        free(s);
        return NULL;
    }
    s->host = *host;
    s->depth = DEPTH_INNERMOST;
    return s;
}

void expr_session_free(struct expr_session *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_history; i++)
        free(s->history[i].copy);
    for (uint32_t i = 0; i < s->variables; i++) {
        free(s->variable[i].copy);
        free(s->variable[i].name);
    }
    free(s->history);
    free(s->variable);
    free(s->array);
    free(s->last);
    arena_free(s->arena);
    free(s);
}

void expr_look_from(struct expr_session *s, struct programs list, const struct frame *frame,
                    unsigned depth)
{
    s->programs = list;
    s->has_frame = frame != NULL;
    if (frame)
        s->frame = *frame;
    s->depth = depth;
}

/* ---- derived types ---- */

static struct type *derive(struct expr_session *s, enum type_kind kind, const struct type *target)
{
    struct type *t = arena_get(s->arena, sizeof *t);

    if (t)
        *t = (struct type){.kind = kind, .filled = true, .size = 4, .target = target};
    return t;
}

const struct type *pointer_to(struct expr_session *s, const struct type *t)
{
    struct type **slot;

    if (t >= c_type && t < c_type + C_TYPES)
        slot = &s->pointer[t - c_type];
    else
        slot = &((struct type *)t)->pointer; /* all but the constant ones are writable */
    if (*slot)
        return *slot;
    /* What a program's type remembers must live as long as the program. */
    struct type *made =
        t->program ? arena_get(t->program->arena, sizeof *made) : derive(s, TYPE_POINTER, t);
    if (!made)
        return &c_type[C_UNKNOWN];
    *made = (struct type){
        .kind = TYPE_POINTER, .filled = true, .size = 4, .target = t, .program = t->program};
    return *slot = made;
}

const struct type *array_of(struct expr_session *s, const struct type *t, uint32_t n)
{
    for (uint32_t i = 0; i < s->arrays; i++)
        if (s->array[i]->target == t && s->array[i]->elements == n)
            return s->array[i];
    struct type **slot = grow((void **)&s->array, &s->arrays, sizeof *slot, 65536);
    struct type *made = slot ? derive(s, TYPE_ARRAY, t) : NULL;
    if (!made) {
        s->arrays -= slot != NULL;
        return &c_type[C_UNKNOWN];
    }
    made->size = 0;
    made->elements = n;
    made->has_elements = true;
    return *slot = made;
}

const struct type *function_returning(struct expr_session *s, const struct type *t)
{
    struct type *made = derive(s, TYPE_FUNCTION, t);

    if (!made)
        return &c_type[C_UNKNOWN];
    made->size = 1;
    return made;
}

/* ---- values that are kept ---- */

static bool keep(struct expr_session *s, const struct value *v, struct kept *out, struct err *err)
{
    uint32_t size = type_size(v->type);

    *out = (struct kept){.value = *v};
    if (v->place == VALUE_LOST || type_kind(v->type) == TYPE_VOID ||
        type_kind(v->type) == TYPE_FUNCTION)
        return true;
    if (v->place != VALUE_MEMORY && !v->bytes) {
        out->value.place = v->place;
        return true;
    }
    if (v->bit_size)
        size = (v->bit_offset + v->bit_size + 7) / 8;
    if (size == 0 || size > COPY_MAX)
        return size == 0 || err_set(err, ERR_USAGE, "%u bytes are too many to keep", size);
    out->copy = malloc(size);
    if (!out->copy)
        return err_set(err, ERR_SYSTEM, "out of memory");
    if (!value_bytes(s, v, 0, out->copy, size, err)) {
        free(out->copy);
        out->copy = NULL;
        return false;
    }
    out->value.bytes = out->copy;
    out->value.count = size;
    return true;
}

unsigned expr_remember(struct expr_session *s, const struct value *v, struct err *err)
{
    struct kept k;

    if (!keep(s, v, &k, err))
        return 0;
    struct kept *slot = grow((void **)&s->history, &s->n_history, sizeof *slot, HISTORY_MAX);
    if (!slot) {
        free(k.copy);
        err_set(err, ERR_USAGE, "the history is full");
        return 0;
    }
    *slot = k;
    s->kept_bytes += k.copy ? k.value.count : 0;
    for (uint32_t i = 0; s->kept_bytes > KEPT_MAX && i + 1 < s->n_history; i++) {
        struct kept *old = &s->history[i];
        if (!old->copy)
            continue;
        s->kept_bytes -= old->value.count;
        free(old->copy);
        *old = (struct kept){.value = {.type = &c_type[C_VOID]}};
    }
    return s->n_history;
}

bool history_value(struct expr_session *s, const char *name, struct value *out)
{
    uint32_t n = s->n_history, back = 0, number = 0;
    bool from_end = name[1] == '\0' || name[1] == '$';
    const char *digits = name + (name[1] == '$' ? 2 : 1);

    for (const char *c = digits; *c; c++) {
        if (*c < '0' || *c > '9' || number > HISTORY_MAX)
            return false;
        number = number * 10 + (uint32_t)(*c - '0');
    }
    if (from_end) {
        back = name[1] == '\0' ? 0 : *digits ? number : 1;
        number = back < n ? n - back : 0;
    }
    *out = (struct value){.type = &c_type[C_VOID]};
    if (number && number <= n)
        *out = s->history[number - 1].value;
    return true;
}

struct kept *find_kept(struct expr_session *s, const char *name)
{
    for (uint32_t i = 0; i < s->variables; i++)
        if (!strcmp(s->variable[i].name, name))
            return &s->variable[i];
    return NULL;
}

bool set_kept(struct expr_session *s, const char *name, const struct value *v, struct err *err)
{
    struct kept *slot = find_kept(s, name), k;

    if (!keep(s, v, &k, err))
        return false;
    /* It is a value now, wherever it came from. */
    k.value.place = v->place == VALUE_LOST ? VALUE_LOST : VALUE_PLAIN;
    if (k.copy && k.value.count <= VALUE_BYTES) {
        memcpy(k.value.data, k.copy, k.value.count);
        free(k.copy);
        k.copy = NULL;
        k.value.bytes = NULL;
    }
    if (!slot) {
        slot = grow((void **)&s->variable, &s->variables, sizeof *slot, VARIABLES_MAX);
        if (slot && !(slot->name = strdup(name))) {
            s->variables--;
            slot = NULL;
        }
    }
    if (!slot) {
        free(k.copy);
        return err_set(err, ERR_USAGE, "there is no room for another $variable");
    }
    free(slot->copy);
    k.name = slot->name;
    *slot = k;
    return true;
}
