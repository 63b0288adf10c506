/* SPDX-License-Identifier: GPL-2.0-only */
/* The radix tree that holds a file's pages; page_tree.h says what it promises. */
#include "page_tree.h"

#define BITS     6
#define BRANCHES (1u << BITS)

struct node {
    void *slot[BRANCHES];
};

/* Which branch leads to index at a node that covers 64^height pages. */
static unsigned branch(uint32_t index, unsigned height)
{
    return (index >> (BITS * (height - 1))) & (BRANCHES - 1);
}

static bool covers(unsigned height, uint32_t index)
{
    return BITS * height >= 32 || index >> (BITS * height) == 0;
}

struct page *page_tree_find(const struct page_tree *t, uint32_t index)
{
    void *at = t->root;

    if (!covers(t->height, index))
        return NULL;
    for (unsigned h = t->height; h && at; h--)
        at = ((struct node *)at)->slot[branch(index, h)];
    return at;
}

/* Neighbours mostly hang on one node: go down once for each node, not for each page. */
void page_tree_find_many(const struct page_tree *t, uint32_t first, unsigned n, struct page **out)
{
    while (n) {
        unsigned at = first & (BRANCHES - 1), here = MIN(n, BRANCHES - at);
        const void *leaf = t->root;

        if (!covers(t->height, first))
            leaf = NULL;
        for (unsigned h = t->height; h > 1 && leaf; h--)
            leaf = ((const struct node *)leaf)->slot[branch(first, h)];
        for (unsigned i = 0; i < here; i++) {
            if (t->height == 0)
                out[i] = first + i == 0 ? t->root : NULL;
            else
                out[i] = leaf ? ((const struct node *)leaf)->slot[at + i] : NULL;
        }
        first += here;
        out += here;
        n -= here;
    }
}

int page_tree_insert(struct page_tree *t, uint32_t index, struct page *page)
{
    while (!covers(t->height, index)) {
        if (t->root) {
            struct node *top = kzalloc(sizeof *top);
            if (!top)
                return -ENOMEM;
            top->slot[0] = t->root;
            t->root = top;
        }
        t->height++;
    }
    void **at = &t->root;
    for (unsigned h = t->height; h; h--) {
        if (!*at) {
            *at = kzalloc(sizeof(struct node));
            if (!*at)
                return -ENOMEM;
        }
        at = &((struct node *)*at)->slot[branch(index, h)];
    }
    if (*at)
        return -EEXIST;
    *at = page;
    return 0;
}

/* Cut below one slot; first is relative to its subtree. Recursion goes as deep as the tree is tall,
   six levels at most. */
static void cut(void **slot, unsigned height, uint32_t first,
                void (*drop)(void *ctx, struct page *p), void *ctx)
{
    if (!*slot)
        return;
    if (height == 0) {
        drop(ctx, *slot);
        *slot = NULL;
        return;
    }
    struct node *n = *slot;
    unsigned from = branch(first, height);
    uint32_t within = first & ((1u << (BITS * (height - 1))) - 1);
    bool empty = true;
    for (unsigned i = from; i < BRANCHES; i++)
        cut(&n->slot[i], height - 1, i == from ? within : 0, drop, ctx);
    for (unsigned i = 0; i < BRANCHES && empty; i++)
        empty = !n->slot[i];
    if (empty) {
        kfree(n);
        *slot = NULL;
    }
}

void page_tree_cut(struct page_tree *t, uint32_t first, void (*drop)(void *ctx, struct page *p),
                   void *ctx)
{
    if (!covers(t->height, first))
        return;
    cut(&t->root, t->height, first, drop, ctx);
    if (!t->root)
        t->height = 0;
}
