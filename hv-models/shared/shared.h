/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hypervisors that take ring 0 away from the kernel have in common. Each of the five parts is
 * a mechanism without an opinion: when to use it, and what to tell the guest, is a model's business.
 *
 *   gmem     the guest's physical memory, some of which is not where the guest believes it is
 *   priv     which privileged instruction was it that has just faulted?
 *   reflect  an exception or interrupt becomes the first instruction of the guest's handler
 *   shadow   page tables that the hardware walks in place of the guest's
 *   vif      virtual interrupts: what waits, and when to look again
 *
 * All state is flat and lies in the model's state block.
 */
#ifndef HV_MODELS_SHARED_SHARED_H
#define HV_MODELS_SHARED_SHARED_H

#include "../hv.h"

/* ---- gmem ---- */

/*
 * Guest-physical page n is machine frame n, but for the PC's hole: a guest that has no PC believes
 * in memory there as anywhere else, so those pages are frames from elsewhere.
 */
struct gmem {
    uint32_t pages; /* guest-physical pages, from 0 */
    uint32_t hole;  /* the first of the frames that stand in for the hole */
};
#define GMEM_HOLE_PAGES ((PC_HOLE_END - PC_HOLE_START) / PAGE_SIZE)

/* The machine frame of a guest page; false when the guest has no such page. */
bool gmem_frame(const struct gmem *g, uint64_t page, uint32_t *frame);
/* Host's view of [at, at+n), which must not cross a page; NULL when outside. */
void *gmem_span(const struct gmem *g, struct mem *m, uint64_t at, uint32_t n);
/* Any range; false (and nothing written) when a byte of it is outside. */
bool gmem_read(const struct gmem *g, struct mem *m, uint64_t at, void *to, uint32_t n);
bool gmem_write(const struct gmem *g, struct mem *m, uint64_t at, const void *from, uint32_t n);

/* ---- priv ---- */

enum priv_kind { PRIV_OTHER, PRIV_IN, PRIV_OUT, PRIV_CLI, PRIV_STI, PRIV_HLT };
struct priv_insn {
    enum priv_kind kind;
    uint8_t len;
    uint8_t size;  /* of a port access: 1, 2, 4 */
    uint16_t port; /* and its port */
};
/* The instruction at EIP. PRIV_OTHER: none of those, or its bytes cannot be read. */
struct priv_insn priv_decode(struct domain *d);
/* The result of IN, in as much of EAX as it names. */
void priv_set_in(struct domain *d, const struct priv_insn *i, uint32_t value);
/* The instruction has been done for the guest. */
void priv_skip(struct domain *d, const struct priv_insn *i);

/* ---- reflect ---- */

struct reflect {
    struct x86_seg cs, ss; /* of the handler; ss is used when the stack changes */
    uint32_t eip, esp;
    bool switch_stack; /* what was interrupted ran further out */
    bool has_error;
    uint32_t error;
    uint32_t return_eip;
    uint32_t clear, set; /* in the pushed image of EFLAGS */
};
/*
 * Push the frame that the hardware would (SDM volume 3A, figure 6-4), through `write`, and go to
 * the handler in the ring of its code segment, with TF, NT, RF and VM clear. False: write refused,
 * and nothing has changed.
 */
typedef bool (*reflect_write)(struct domain *d, uint32_t va, const void *from, uint32_t n);
bool reflect(struct domain *d, const struct reflect *r, reflect_write write);

/* ---- shadow ---- */

/*
 * Shadow page tables. The guest writes its tables as it likes; the hardware never sees them.
 * It walks ours, which are made of frames that no guest page leads to. A page appears in ours when
 * it is first touched (shadow_fill), with the rights that the guest's tables give it then, and goes
 * when the guest says so (shadow_set_pte, shadow_drop_*): the same contract as a TLB's.
 *
 *   guest root ──►  root: 4 pointers ──► 4 directories ──► tables, made on demand, from the pool
 *
 * Ours are in the PAE format always. The guest's may be in either: then a table of its 1,024 short
 * entries has two of ours for its shadow.
 *
 * A few guest roots are remembered with their shadows, so that a switch back finds a warm one. The
 * last two megabytes of every shadow lead to one table that is the hypervisor's own.
 */
#define SHADOW_ROOTS     4
#define SHADOW_POOL_MAX  8192u
#define SHADOW_TOP_START 0xFFE00000u

enum shadow_format {
    SHADOW_PAE,       /* 4 pointers, 512 entries of 8 bytes, 512 entries of 8 bytes */
    SHADOW_TWO_LEVEL, /* 1,024 entries of 4 bytes, 1,024 entries of 4 bytes */
};

struct shadow {
    struct gmem guest;
    uint32_t format;            /* enum shadow_format: of the guest's own tables */
    uint32_t pool, pool_frames; /* frames for our tables */
    uint32_t pool_left, pool_hint;
    uint8_t pool_used[SHADOW_POOL_MAX];
    struct shadow_root {
        uint32_t guest; /* guest-physical, of the tables that this one stands for */
        uint32_t used;
        uint32_t frame, directory[4];
        uint32_t tables[4]; /* how many hang on each directory, the hypervisor's own not counted */
    } root[SHADOW_ROOTS];
    uint32_t current, next_victim;
    uint32_t top;    /* the hypervisor's table */
    uint32_t linear; /* no guest tables yet: virtual is physical */
    uint32_t stale;  /* something was taken away: the TLB must be flushed */
    uint32_t fills, recycled;
};

/* What is wrong with the guest's tables, for last words. */
struct shadow_bad {
    const char *what; /* static text */
    uint64_t entry;
};
enum shadow_result {
    SHADOW_FILLED,
    SHADOW_GUEST, /* the guest's own tables refuse this access */
    SHADOW_BAD,   /* no table of an honest guest has such an entry */
};

/* Needs at least SHADOW_POOL_MIN frames. */
#define SHADOW_POOL_MIN 64u
void shadow_init(struct shadow *s, struct mem *m, const struct gmem *guest, uint32_t pool,
                 uint32_t pool_frames);
/* A frame for the hypervisor itself, zeroed, and its page in the last two megabytes. */
uint32_t shadow_take_frame(struct shadow *s, struct mem *m);
void shadow_map_top(struct shadow *s, struct mem *m, uint32_t va, uint32_t frame, bool writable);
uint32_t shadow_cr3(const struct shadow *s);
/* Where the top-level table is that a guest's CR3 names: its other bits mean caching. */
uint32_t shadow_root_at(const struct shadow *s, uint32_t cr3);
/* Read the guest's tables in this format from now on. What was made of the other is forgotten. */
void shadow_set_format(struct shadow *s, struct mem *m, enum shadow_format format);

/* error: PF_W and PF_U, as the hardware reported them. Sets the guest's accessed and dirty bits. */
enum shadow_result shadow_fill(struct shadow *s, struct mem *m, uint32_t va, uint32_t error,
                               struct shadow_bad *bad);
/* Walk the guest's own tables: guest-physical address of va, false when not present or not sane.
   *entry is the last one read. */
bool shadow_guest_walk(const struct shadow *s, struct mem *m, uint32_t va, uint64_t *at,
                       uint64_t *entry);

/* The same walk, told level by level: levels, entry_at (machine addresses) and entry of *out, from the
   top to where it ends. Without tables of the guest's there are no levels. */
void shadow_guest_levels(const struct shadow *s, struct mem *m, uint32_t va, struct x86_walk *out);

/* Stand for these guest tables from now on. True: no shadow of them was warm. */
bool shadow_switch(struct shadow *s, struct mem *m, uint32_t guest, uint32_t kernel_from);
/* The guest has written this entry. At and above kernel_from all shadows hear of it. */
bool shadow_set_pte(struct shadow *s, struct mem *m, uint32_t guest, uint32_t va, uint64_t pte,
                    uint32_t kernel_from, struct shadow_bad *bad);
/* Forget what hangs on one top-level entry of these tables: a gigabyte, or in two levels 4 MiB. */
void shadow_drop_slot(struct shadow *s, struct mem *m, uint32_t guest, uint32_t index);
/* Forget everything of the current shadow below an address; or all of everything. */
void shadow_drop_below(struct shadow *s, struct mem *m, uint32_t kernel_from);
void shadow_drop_all(struct shadow *s, struct mem *m);

/* No shadow entry leads anywhere but to the guest's own frames, and the pool adds up. */
bool shadow_audit(const struct shadow *s, struct mem *m, struct err *err);

/* ---- vif ---- */

struct vif {
    uint32_t pending;  /* a bit a line */
    uint32_t deliver;  /* line + 1: to be delivered before the next instruction */
    uint64_t look_due; /* a cycle at which to look again */
};
void vif_init(struct vif *v);
void vif_raise(struct vif *v, unsigned line);
/* Lowest line of these, or -1. */
int vif_lowest(uint32_t lines);
/* Look again this many cycles from now, or earlier if that was asked for already. */
void vif_look_in(struct vif *v, struct domain *d, uint64_t cycles);

#endif
