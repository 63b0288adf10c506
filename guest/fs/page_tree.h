/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a file by their index: a radix tree with 64 branches a node, no taller than the
 * file needs. A file of one page has no node at all; one of 16 MiB has two levels.
 */
#ifndef FS_PAGE_TREE_H
#define FS_PAGE_TREE_H

#include "../mm/mm.h"

struct page_tree {
    void *root;      /* a page when height is 0, otherwise a node */
    unsigned height; /* covers 64^height pages */
};

struct page *page_tree_find(const struct page_tree *t, uint32_t index); /* borrowed, or NULL */
/* The same for n indices from first on. */
void page_tree_find_many(const struct page_tree *t, uint32_t first, unsigned n, struct page **out);
/* Put page at index; its reference moves in. 0, -EEXIST, -ENOMEM (then it stays the caller's). */
int page_tree_insert(struct page_tree *t, uint32_t index, struct page *page);
/* Drop every page from index first on, through drop(); nodes that become empty are freed. */
void page_tree_cut(struct page_tree *t, uint32_t first, void (*drop)(void *ctx, struct page *p),
                   void *ctx);

#endif
