/* SPDX-License-Identifier: GPL-2.0-only */
/* Circular doubly linked lists; the head is an element like any other. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Insert n before head: at the list's tail. */
static inline void list_add_tail(struct list *head, struct list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

/* Insert n after head: at the list's front. */
static inline void list_add(struct list *head, struct list *n)
{
    list_add_tail(head->next, n);
}

/* Unlink n and leave it a list of its own, so that unlinking twice is harmless. */
static inline void list_del(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_for_each(pos, head, member)                                                           \
    for (pos = list_first(head, __typeof__(*pos), member); &pos->member != (head);                 \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_safe(pos, tmp, head, member)                                                 \
    for (pos = list_first(head, __typeof__(*pos), member),                                         \
        tmp = list_entry(pos->member.next, __typeof__(*pos), member);                              \
         &pos->member != (head);                                                                   \
         pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif
