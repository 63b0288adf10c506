/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadow page tables: see shared.h for the picture. What must hold at all times is short: a shadow
 * entry that is present leads to a frame of the guest, with no right that the guest's own entry did
 * not grant when it was read. Dirty tracking is a part of it: a page that the guest's entry does not
 * call dirty is read-only here, so that the first store faults and we can set the bit.
 */
#include <string.h>

#include "shared.h"

enum { ENTRIES = 512, TOP_SLOT = 3, TOP_INDEX = ENTRIES - 1 };
enum { PTE_PWT = 8, PTE_PCD = 0x10 };
#define ADDRESS  0x000FFFFFFFFFF000ull
#define PTE_KEEP (PTE_P | PTE_W | PTE_U | PTE_PWT | PTE_PCD | PTE_A | PTE_D)
#define PMD_KEEP (PTE_P | PTE_W | PTE_U | PTE_PWT | PTE_PCD | PTE_A | PTE_D)

static uint64_t *table(struct mem *m, uint32_t frame)
{
    return mem_span(m, MADDR((uint64_t)frame << PAGE_SHIFT), PAGE_SIZE);
}

static uint64_t entry_of(uint32_t frame, uint32_t flags)
{
    return (uint64_t)frame << PAGE_SHIFT | flags;
}

static uint32_t frame_of(uint64_t entry)
{
    return (uint32_t)((entry & ADDRESS) >> PAGE_SHIFT);
}

static unsigned slot_of(uint32_t va)
{
    return va >> 30;
}

static unsigned pmd_index(uint32_t va)
{
    return va >> 21 & (ENTRIES - 1);
}

static unsigned pte_index(uint32_t va)
{
    return va >> 12 & (ENTRIES - 1);
}

/* ---- the pool ---- */

/* A zeroed frame; 0 when there is none left. */
static uint32_t pool_take(struct shadow *s, struct mem *m)
{
    for (uint32_t i = 0; s->pool_left && i < s->pool_frames; i++) {
        uint32_t at = (s->pool_hint + i) % s->pool_frames;
        if (s->pool_used[at])
            continue;
        s->pool_used[at] = 1;
        s->pool_left--;
        s->pool_hint = at + 1;
        memset(table(m, s->pool + at), 0, PAGE_SIZE);
        return s->pool + at;
    }
    return 0;
}

static void pool_give(struct shadow *s, uint32_t frame)
{
    s->pool_used[frame - s->pool] = 0;
    s->pool_left++;
}

uint32_t shadow_take_frame(struct shadow *s, struct mem *m)
{
    return pool_take(s, m);
}

void shadow_init(struct shadow *s, struct mem *m, const struct gmem *guest, uint32_t pool,
                 uint32_t pool_frames)
{
    memset(s, 0, sizeof *s);
    s->guest = *guest;
    s->pool = pool;
    s->pool_frames = s->pool_left = pool_frames < SHADOW_POOL_MAX ? pool_frames : SHADOW_POOL_MAX;
    s->top = pool_take(s, m);
    for (unsigned i = 0; i < SHADOW_ROOTS; i++) {
        struct shadow_root *r = &s->root[i];
        r->frame = pool_take(s, m);
        for (unsigned k = 0; k < 4; k++) {
            r->directory[k] = pool_take(s, m);
            table(m, r->frame)[k] = entry_of(r->directory[k], PTE_P);
        }
        table(m, r->directory[TOP_SLOT])[TOP_INDEX] = entry_of(s->top, PTE_P | PTE_W | PTE_A);
    }
}

void shadow_map_top(struct shadow *s, struct mem *m, uint32_t va, uint32_t frame, bool writable)
{
    table(m, s->top)[pte_index(va)] =
        entry_of(frame, PTE_P | PTE_A | (writable ? PTE_W | PTE_D : 0));
}

uint32_t shadow_cr3(const struct shadow *s)
{
    return s->root[s->current].frame << PAGE_SHIFT;
}

uint32_t shadow_root_at(const struct shadow *s, uint32_t cr3)
{
    return cr3 & ~(s->format == SHADOW_TWO_LEVEL ? PAGE_SIZE - 1u : 0x1Fu);
}

/* ---- taking away ---- */

/* Entries of ours, counted from 0 to 4 * ENTRIES over all directories: 2 MiB each. A kernel has this
   done thousands of times while it boots, so that empty directories are not looked at. */
static void drop_range(struct shadow *s, struct mem *m, struct shadow_root *r, unsigned from,
                       unsigned to)
{
    for (unsigned slot = from / ENTRIES; slot < 4 && slot * ENTRIES < to; slot++) {
        uint64_t *pmd = table(m, r->directory[slot]);
        unsigned first = from > slot * ENTRIES ? from - slot * ENTRIES : 0;
        unsigned end = to - slot * ENTRIES < ENTRIES ? to - slot * ENTRIES : ENTRIES;

        for (unsigned i = first; r->tables[slot] && i < end; i++) {
            if (!(pmd[i] & PTE_P) || (slot == TOP_SLOT && i == TOP_INDEX))
                continue;
            pool_give(s, frame_of(pmd[i]));
            pmd[i] = 0;
            r->tables[slot]--;
            s->stale = 1;
        }
    }
}

static unsigned entries_below(uint64_t va)
{
    return (unsigned)((va + (1u << 21) - 1) >> 21);
}

void shadow_drop_below(struct shadow *s, struct mem *m, uint32_t kernel_from)
{
    drop_range(s, m, &s->root[s->current], 0, entries_below(kernel_from));
}

void shadow_drop_all(struct shadow *s, struct mem *m)
{
    for (unsigned i = 0; i < SHADOW_ROOTS; i++)
        drop_range(s, m, &s->root[i], 0, 4 * ENTRIES);
}

static struct shadow_root *find(struct shadow *s, uint32_t guest)
{
    for (unsigned i = 0; i < SHADOW_ROOTS; i++)
        if (s->root[i].used && s->root[i].guest == guest)
            return &s->root[i];
    return NULL;
}

void shadow_drop_slot(struct shadow *s, struct mem *m, uint32_t guest, uint32_t index)
{
    /* How many of our directories' entries stand for one entry of the guest's root. */
    const unsigned each = s->format == SHADOW_TWO_LEVEL ? 2 : ENTRIES;
    struct shadow_root *r = find(s, guest);

    if (r && index < 4 * ENTRIES / each)
        drop_range(s, m, r, index * each, (index + 1) * each);
}

void shadow_set_format(struct shadow *s, struct mem *m, enum shadow_format format)
{
    if (s->format != format && !s->linear)
        shadow_drop_all(s, m);
    s->format = format;
}

bool shadow_switch(struct shadow *s, struct mem *m, uint32_t guest, uint32_t kernel_from)
{
    struct shadow_root *r = find(s, guest);

    if (s->linear) {
        s->linear = 0; /* what was made up is worth nothing now */
        shadow_drop_all(s, m);
        r = NULL;
    }
    if (r) {
        s->current = (uint32_t)(r - s->root);
        return false;
    }
    /* Take over another's. Its kernel half stays: all address spaces of a kernel share that. */
    s->current = s->next_victim;
    s->next_victim = (s->next_victim + 1) % SHADOW_ROOTS;
    r = &s->root[s->current];
    r->guest = guest;
    r->used = 1;
    drop_range(s, m, r, 0, entries_below(kernel_from));
    return true;
}

/* ---- reading the guest's tables ---- */

static bool bad(struct shadow_bad *b, const char *what, uint64_t entry)
{
    if (b)
        *b = (struct shadow_bad){what, entry};
    return false;
}

/* One entry of the guest's, in its own width; in memory they never cross a page. */
static uint64_t read_entry(const struct shadow *s, struct mem *m, uint64_t table_at, unsigned index)
{
    const unsigned width = s->format == SHADOW_TWO_LEVEL ? 4 : 8;
    const void *at = gmem_span(&s->guest, m, table_at + (uint64_t)index * width, width);
    uint64_t entry = 0;

    if (at)
        memcpy(&entry, at, width);
    return entry;
}

/* In PAE a top-level entry has no flags but P; directories have no large pages, in any format. */
static bool sane_pointer(const struct shadow *s, uint64_t e, struct shadow_bad *b)
{
    return (!(e & 0xFFE) && (e & ~0xFFFull) == (e & ADDRESS) &&
            (e & ADDRESS) >> PAGE_SHIFT < s->guest.pages) ||
           bad(b, "bad page directory entry", e);
}

static bool sane_pmd(const struct shadow *s, uint64_t e, struct shadow_bad *b)
{
    return (!(e & 0xFFF & ~(uint64_t)PMD_KEEP) && (e & ADDRESS) >> PAGE_SHIFT < s->guest.pages) ||
           bad(b,
               s->format == SHADOW_TWO_LEVEL ? "bad page directory entry"
                                             : "bad page middle directory entry",
               e);
}

static bool sane_pte(const struct shadow *s, uint64_t e, struct shadow_bad *b)
{
    return (!(e & PTE_PS) && (e & ADDRESS) >> PAGE_SHIFT < s->guest.pages) ||
           bad(b, "bad page table entry", e);
}

struct guest_walk {
    uint64_t pmd, pte; /* the last directory's entry, and the last of all */
    uint64_t table;    /* guest-physical, of the table that pte is in; */
    unsigned index;    /* and where in it */
    bool made_up;      /* there is no such entry in memory */
};

/* Down to the last level. SHADOW_GUEST: something above it is not present. */
static enum shadow_result walk(const struct shadow *s, struct mem *m, uint32_t va,
                               struct guest_walk *w, struct shadow_bad *b)
{
    const bool two_level = s->format == SHADOW_TWO_LEVEL;
    uint64_t directory = s->root[s->current].guest;

    *w = (struct guest_walk){0};
    if (s->linear) {
        w->pmd = PTE_P | PTE_W | PTE_U | PTE_A;
        w->pte = (va & ~0xFFFull) | PTE_P | PTE_W | PTE_A | PTE_D;
        w->made_up = true;
        return sane_pte(s, w->pte, b) ? SHADOW_FILLED : SHADOW_BAD;
    }
    if (directory >> PAGE_SHIFT >= s->guest.pages) {
        bad(b, "page tables outside of memory", directory);
        return SHADOW_BAD;
    }
    if (!two_level) {
        uint64_t pointer = read_entry(s, m, directory, slot_of(va));
        if (!(pointer & PTE_P))
            return SHADOW_GUEST;
        if (!sane_pointer(s, pointer, b))
            return SHADOW_BAD;
        directory = pointer & ADDRESS;
    }
    w->pmd = read_entry(s, m, directory, two_level ? va >> 22 : pmd_index(va));
    if (!(w->pmd & PTE_P))
        return SHADOW_GUEST;
    if (!sane_pmd(s, w->pmd, b))
        return SHADOW_BAD;
    w->table = w->pmd & ADDRESS;
    w->index = two_level ? va >> 12 & 1023 : pte_index(va);
    w->pte = read_entry(s, m, w->table, w->index);
    return SHADOW_FILLED;
}

/* The hardware would set the accessed and dirty bits in the guest's entry. */
static void write_used(const struct shadow *s, struct mem *m, const struct guest_walk *w,
                       uint64_t used)
{
    const unsigned width = s->format == SHADOW_TWO_LEVEL ? 4 : 8;

    if (used != w->pte && !w->made_up)
        gmem_write(&s->guest, m, w->table + (uint64_t)w->index * width, &used, width);
}

bool shadow_guest_walk(const struct shadow *s, struct mem *m, uint32_t va, uint64_t *at,
                       uint64_t *entry)
{
    struct guest_walk w;

    if (walk(s, m, va, &w, NULL) != SHADOW_FILLED || !(w.pte & PTE_P) || !sane_pte(s, w.pte, NULL))
        return false;
    *entry = w.pte;
    *at = (w.pte & ADDRESS) | (va & 0xFFF);
    return true;
}

void shadow_guest_levels(const struct shadow *s, struct mem *m, uint32_t va, struct x86_walk *out)
{
    const bool two_level = s->format == SHADOW_TWO_LEVEL;
    const unsigned levels = two_level ? 2 : 3, width = two_level ? 4 : 8;
    uint64_t table_at = s->root[s->current].guest;
    uint32_t frame;

    out->levels = 0;
    if (s->linear)
        return;
    for (unsigned level = 0; level < levels; level++) {
        unsigned index = two_level    ? va >> (level ? 12 : 22) & 1023
                         : level == 0 ? slot_of(va)
                         : level == 1 ? pmd_index(va)
                                      : pte_index(va);
        uint64_t at = table_at + (uint64_t)index * width;
        if (!gmem_frame(&s->guest, at >> PAGE_SHIFT, &frame))
            return;
        uint64_t entry = read_entry(s, m, table_at, index);
        out->entry_at[level] = MADDR((uint64_t)frame << PAGE_SHIFT | (at & (PAGE_SIZE - 1)));
        out->entry[level] = entry;
        out->levels = level + 1;
        if (!(entry & PTE_P))
            return;
        table_at = entry & ADDRESS;
    }
}

/* ---- filling ---- */

/* What the hardware shall see for an entry of the guest that is sane and present. */
static uint64_t shadow_of(const struct shadow *s, uint64_t pte)
{
    uint32_t frame = 0, flags = (uint32_t)pte & PTE_KEEP;

    gmem_frame(&s->guest, frame_of(pte), &frame);
    if (!(pte & PTE_D))
        flags &= ~(uint32_t)PTE_W;
    return entry_of(frame, flags | PTE_A);
}

enum shadow_result shadow_fill(struct shadow *s, struct mem *m, uint32_t va, uint32_t error,
                               struct shadow_bad *b)
{
    struct guest_walk w;
    enum shadow_result res = walk(s, m, va, &w, b);

    if (res != SHADOW_FILLED)
        return res;
    uint64_t rights = w.pmd & w.pte;
    if (!(w.pte & PTE_P) || ((error & PF_W) && !(rights & PTE_W)) ||
        ((error & PF_U) && !(rights & PTE_U)))
        return SHADOW_GUEST;
    if (!sane_pte(s, w.pte, b))
        return SHADOW_BAD;

    uint64_t used = w.pte | PTE_A | (error & PF_W ? PTE_D : 0);
    write_used(s, m, &w, used);

    struct shadow_root *r = &s->root[s->current];
    uint64_t *pmd = &table(m, r->directory[slot_of(va)])[pmd_index(va)];
    if (!(*pmd & PTE_P)) {
        uint32_t frame = pool_take(s, m);
        if (!frame) { /* as a full cache is: begin again */
            shadow_drop_all(s, m);
            s->recycled++;
            frame = pool_take(s, m);
        }
        r->tables[slot_of(va)]++;
        *pmd = entry_of(frame, 0);
    }
    *pmd = entry_of(frame_of(*pmd), ((uint32_t)w.pmd & PMD_KEEP) | PTE_A);
    uint64_t *pte = &table(m, frame_of(*pmd))[pte_index(va)], is = shadow_of(s, used);
    if (*pte & PTE_P && (*pte & ADDRESS) != (is & ADDRESS))
        s->stale = 1;
    *pte = is;
    s->fills++;
    return SHADOW_FILLED;
}

static void set_in_root(struct shadow *s, struct mem *m, struct shadow_root *r, uint32_t va,
                        uint64_t is)
{
    uint64_t pmd = table(m, r->directory[slot_of(va)])[pmd_index(va)];

    if (!(pmd & PTE_P) || va >= SHADOW_TOP_START)
        return; /* nothing there yet: a fault will read the guest's entry when it is needed */
    uint64_t *pte = &table(m, frame_of(pmd))[pte_index(va)];
    if (*pte & PTE_P)
        s->stale = 1;
    *pte = is;
}

bool shadow_set_pte(struct shadow *s, struct mem *m, uint32_t guest, uint32_t va, uint64_t pte,
                    uint32_t kernel_from, struct shadow_bad *b)
{
    uint64_t is = 0;

    if (s->format == SHADOW_TWO_LEVEL)
        pte = (uint32_t)pte;
    /* One that was used is likely to be used again; for the others a fault is soon enough. */
    if (pte & PTE_P && pte & (PTE_A | PTE_D)) {
        if (!sane_pte(s, pte, b))
            return false;
        is = shadow_of(s, pte);
    }
    for (unsigned i = 0; i < SHADOW_ROOTS; i++)
        if (s->root[i].used && (va >= kernel_from || s->root[i].guest == guest))
            set_in_root(s, m, &s->root[i], va, is);
    return true;
}

/* ---- auditing ---- */

static bool is_guests(const struct gmem *g, uint32_t frame)
{
    const uint32_t hole = PC_HOLE_START / PAGE_SIZE;

    if (frame >= g->hole && frame < g->hole + GMEM_HOLE_PAGES)
        return true;
    return frame < g->pages && !(frame >= hole && frame < hole + GMEM_HOLE_PAGES);
}

static bool audit_table(const struct shadow *s, struct mem *m, uint32_t frame, uint32_t va,
                        struct err *err)
{
    const uint64_t *t = table(m, frame);

    for (unsigned i = 0; i < ENTRIES; i++) {
        if (!(t[i] & PTE_P))
            continue;
        if (!is_guests(&s->guest, frame_of(t[i])))
            return err_set(err, ERR_ENGINE, "shadow of %08x leads to frame %x, not the guest's",
                           va + i * PAGE_SIZE, frame_of(t[i]));
        if (t[i] & PTE_W && !(t[i] & PTE_D))
            return err_set(err, ERR_ENGINE, "shadow of %08x is writable but not dirty",
                           va + i * PAGE_SIZE);
    }
    return true;
}

bool shadow_audit(const struct shadow *s, struct mem *m, struct err *err)
{
    uint32_t tables = 0, used = 0;

    for (unsigned k = 0; k < SHADOW_ROOTS; k++) {
        uint32_t hang[4] = {0};
        for (unsigned i = 0; i < 4 * ENTRIES; i++) {
            unsigned slot = i / ENTRIES, index = i % ENTRIES;
            uint64_t pmd = table(m, s->root[k].directory[slot])[index];
            bool top = slot == TOP_SLOT && index == TOP_INDEX;
            if (!(pmd & PTE_P) || top)
                continue;
            uint32_t frame = frame_of(pmd);
            if (frame < s->pool || frame - s->pool >= s->pool_frames ||
                !s->pool_used[frame - s->pool])
                return err_set(err, ERR_ENGINE, "shadow table of %08x is not from the pool",
                               i << 21);
            if (!audit_table(s, m, frame, i << 21, err))
                return false;
            tables++;
            hang[slot]++;
        }
        if (memcmp(hang, s->root[k].tables, sizeof hang))
            return err_set(err, ERR_ENGINE, "shadow %u has lost count of its tables", k);
    }
    for (uint32_t i = 0; i < s->pool_frames; i++)
        used += s->pool_used[i];
    if (used != s->pool_frames - s->pool_left || tables + 1 + SHADOW_ROOTS * 5 > used)
        return err_set(err, ERR_ENGINE, "the shadow pool: %u used, %u tables, %u left", used,
                       tables, s->pool_left);
    return true;
}
