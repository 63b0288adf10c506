/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for things that live and die together: taken in large pieces, given back all at once. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 65536u

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(16) uint8_t data[];
};

struct arena {
    struct chunk *first;
};

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

static void drop(struct chunk *c)
{
    while (c) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    drop(a->first);
    free(a);
}

void arena_clear(struct arena *a)
{
    struct chunk *keep = a->first;

    if (!keep)
        return;
    drop(keep->next);
    keep->next = NULL;
    keep->used = 0;
}

void *arena_get(struct arena *a, size_t n)
{
    struct chunk *c = a->first;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + 15) & ~(size_t)15;
    if (!c || n > c->size - c->used) {
        size_t size = n > CHUNK ? n : CHUNK;
        c = malloc(sizeof *c + size);
        if (!c)
            return NULL;
        *c = (struct chunk){.next = a->first, .size = size};
        a->first = c;
    }
    void *at = c->data + c->used;
    c->used += n;
    return memset(at, 0, n);
}

char *arena_text(struct arena *a, const char *text, size_t n)
{
    char *copy = arena_get(a, n + 1);

    if (copy)
        memcpy(copy, text, n);
    return copy;
}

void *grow(void **array, uint32_t *n, size_t element, uint32_t max)
{
    if (*n >= max)
        return NULL;
    /* The room is the next power of two, so that it need not be remembered. */
    if (*n == 0 || (*n >= 16 && (*n & (*n - 1)) == 0)) {
        void *more = realloc(*array, (*n ? (size_t)*n * 2 : 16) * element);
        if (!more)
            return NULL;
        *array = more;
    }
    return memset((uint8_t *)*array + (size_t)(*n)++ * element, 0, element);
}
