/* SPDX-License-Identifier: GPL-2.0-only */
/* What the views of both sides of the boundary share: views_*.c. */
#ifndef DEBUGGER_COMMAND_VIEWS_H
#define DEBUGGER_COMMAND_VIEWS_H

#include "data.h"
#include "debugger/trace_view.h"
#include "emu/dev/pic.h"
#include "emu/snapshot.h"
#include "sheet.h"

/* ---- bits by their names: "PF ZF IF" ---- */
void view_eflags(uint32_t v, char *text, size_t size);
void view_cr0(uint32_t v, char *text, size_t size);
void view_cr4(uint32_t v, char *text, size_t size);

/* ---- page tables (views_paging.c) ---- */

/* As the guest believes, and as the hardware does; of each all levels, the rights, and where it leads. */
void view_guest_walk(struct domain *d, uint32_t va, struct x86_walk *out);
void view_real_walk(struct domain *d, uint32_t va, struct x86_walk *out);
/* Are these two different things under this model? */
bool view_two_tables(struct domain *d);
/* Bytes of an entry of the guest's tables: 4, 8; 0: it has none. */
unsigned view_entry_bytes(struct domain *d);

/* All tables that are in use now, and what is mapped, found by walking. */
struct view_map;
struct view_map *view_map_new(struct domain *d);
void view_map_free(struct view_map *m);
/* Is there an entry of a table at this machine address? Bytes of it (4, 8), else 0; *va is what it
   maps, *level counts from 1, the last one; *real: the hardware's, not the guest's own. */
unsigned view_map_entry(const struct view_map *m, uint64_t maddr, uint32_t *va, unsigned *level,
                        bool *real);
/* Where the guest sees a machine address; false: nowhere. */
bool view_map_virtual(const struct view_map *m, uint64_t maddr, uint32_t *va);

/* ---- the machine at a moment (views_capture.c) ---- */

#define VIEW_COSTS 32u

struct view_capture {
    struct moment at;
    struct x86_regs regs;
    uint64_t instructions;
    bool virtual_if, halted;
    struct pic_state pic;
    struct snapshot *photo; /* NULL: inside a crossing */
    uint8_t *model;         /* its state */
    uint64_t charged[VIEW_COSTS];
    struct view_map *map; /* if asked for */
    char task[40];
};
bool view_capture(struct shell *sh, struct view_capture *c, bool map, struct err *err);
void view_capture_free(struct view_capture *c);

/* What is different in b, as sheets: registers, interrupts, entries, memory, model. */
struct view_changes {
    struct sheet *registers, *state, *entries, *memory, *model;
    uint64_t words_left; /* that did not get a row */
};
void view_compare(struct shell *sh, const struct view_capture *a, const struct view_capture *b,
                  struct view_changes *out);
/* Show them all and free them; into a JSON document (a json_t) if it is not NULL. */
void view_changes_show(struct shell *sh, struct view_changes *v, void *document);

/* ---- the stack (views_where.c) ---- */

/* The hook through which the present code was called: the frames are walked outward to a call at a patch
   site. False: through none. */
struct view_hook {
    unsigned hook;
    uint32_t site;
    bool pending; /* it is about to be called */
};
bool view_hook(struct shell *sh, struct view_hook *out);

/* Events for people, in a sequence: place.c. NULL: out of memory. */
struct trace_view *place_view(struct shell *sh);
bool place_event(struct shell *sh, const struct event *e, struct trace_row *row);
/* "hypercall SET_PTE(root=0x1000, ...)" of a row. */
void view_row_text(const struct trace_row *row, char *text, size_t size);

#endif
