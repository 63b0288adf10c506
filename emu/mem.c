/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames of the machine: see mem.h.
 *
 * Who has written a frame? Nobody tells us: the guest's stores are host instructions that the
 * engine generated, and ours are ordinary C. So we ask the host's MMU. A frame in which somebody
 * is interested is made read-only; the first store to it raises SIGSEGV, the handler notes the
 * frame, makes it writable and returns, and the store is done again as if nothing had happened.
 *
 *     WATCH_CODE   translated code lies here: a store queues the frame, and tells the CPU
 *     WATCH_CLEAN  not written since tracking began: a store puts it on the list of changes
 *
 * A frame is writable exactly when it has neither flag. One store pays once for both.
 */
#include "mem.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guard.h"

enum { WATCH_CODE = 1, WATCH_CLEAN = 2, CODE_WRITTEN = 4, CHANGED = 8 };

struct mem {
    struct guard guard; /* this RAM in the signal handler's list */
    uint8_t *base;
    uint64_t bytes, frames;
    uint8_t *flags;    /* one byte a frame */
    uint64_t *written; /* frames with CODE_WRITTEN, a stack */
    size_t written_count;
    uint64_t *changed; /* frames with CHANGED, in the order of their first store */
    size_t changed_count;
    bool changed_sorted, tracking;
    void (*on_code_write)(void *ctx);
    void *on_code_write_ctx;
};

static bool in_hole(uint64_t frame)
{
    return frame >= PC_HOLE_START / PAGE_SIZE && frame < PC_HOLE_END / PAGE_SIZE;
}

bool mem_is_ram(const struct mem *m, uint64_t frame)
{
    return frame < m->frames && !in_hole(frame);
}

/* What follows from a store to this frame; in the signal handler too, so flags and arrays only. */
static void note_write(struct mem *m, uint64_t frame)
{
    uint8_t *f = &m->flags[frame];
    if (*f & WATCH_CLEAN) {
        *f = (uint8_t)((*f & ~WATCH_CLEAN) | CHANGED);
        m->changed[m->changed_count++] = frame;
        m->changed_sorted = false;
    }
    if (*f & WATCH_CODE) {
        if (!(*f & CODE_WRITTEN))
            m->written[m->written_count++] = frame;
        *f = (uint8_t)((*f & ~WATCH_CODE) | CODE_WRITTEN);
        if (m->on_code_write)
            m->on_code_write(m->on_code_write_ctx);
    }
}

/* All of RAM at once: what lies below the PC's hole, and what lies above it. */
static bool protect(struct mem *m, int how)
{
    return !mprotect(m->base, PC_HOLE_START, how) &&
           !mprotect(m->base + PC_HOLE_END, m->bytes - PC_HOLE_END, how);
}

/* The host allows a process only so many separately protected ranges (vm.max_map_count). When they
   run out we give up precision, not correctness: every watched frame counts as written. */
static bool unprotect_all(struct mem *m)
{
    if (!protect(m, PROT_READ | PROT_WRITE))
        return false;
    for (uint64_t f = 0; f < m->frames; f++)
        if (m->flags[f] & (WATCH_CODE | WATCH_CLEAN))
            note_write(m, f);
    return true;
}

static bool on_store_fault(struct guard *g, uintptr_t address)
{
    struct mem *m = (struct mem *)g;
    if (address < g->data_start || address >= g->data_end)
        return false; /* the no man's land */
    uint64_t frame = (address - g->data_start) >> PAGE_SHIFT;
    if (!(m->flags[frame] & (WATCH_CODE | WATCH_CLEAN)))
        return false; /* the hole, which nobody watches; or it is writable, then the host errs */
    note_write(m, frame);
    if (!mprotect(m->base + (frame << PAGE_SHIFT), PAGE_SIZE, PROT_READ | PROT_WRITE))
        return true;
    return unprotect_all(m);
}

/*
 * RAM in the middle of a range that is otherwise out of bounds. Address space costs nothing, so that
 * range is as long as a 32-bit address reaches; where a limit on it is set (ulimit -v), it is short.
 * On a multiple of two megabytes the host may use its large pages.
 */
static bool reserve(struct mem *m)
{
    enum { BEFORE = 2 << 20, LARGE_PAGE = 2 << 20 };
    static const uint64_t behind[] = {4ull << 30, 1u << 20};

    for (unsigned i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        uint64_t all = BEFORE + LARGE_PAGE + m->bytes + behind[i];
        uint8_t *p = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            continue;
        uintptr_t base = ((uintptr_t)p + BEFORE + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1);
        m->guard = (struct guard){
            .start = (uintptr_t)p,
            .end = (uintptr_t)p + all,
            .data_start = base,
            .data_end = base + m->bytes,
            .name = "the machine's memory",
        };
        m->base = (uint8_t *)base;
        return protect(m, PROT_READ | PROT_WRITE);
    }
    return false;
}

struct mem *mem_new(uint64_t bytes, struct err *err)
{
    if (bytes < MEM_MIN_BYTES || bytes > MEM_MAX_BYTES || bytes % PAGE_SIZE) {
        err_set(err, ERR_USAGE, "%llu bytes of memory: give between %llu MiB and %llu MiB",
                (unsigned long long)bytes, MEM_MIN_BYTES >> 20, MEM_MAX_BYTES >> 20);
        return NULL;
    }
    struct mem *m = calloc(1, sizeof *m);
    if (!m)
        goto no_memory;
    m->bytes = bytes;
    m->frames = bytes >> PAGE_SHIFT;
    m->flags = calloc(m->frames, 1);
    m->written = malloc(m->frames * sizeof *m->written);
    m->changed = malloc(m->frames * sizeof *m->changed);
    if (!m->flags || !m->written || !m->changed || !reserve(m))
        goto no_memory;
    m->guard.fault = on_store_fault;
    if (!guard_add(&m->guard)) {
        err_set(err, ERR_SYSTEM, "too many machines in one process, or no handler for SIGSEGV: %s",
                strerror(errno));
        m->guard.fault = NULL;
        mem_free(m);
        return NULL;
    }
    return m;
no_memory:
    err_set(err, ERR_SYSTEM, "the host has no %llu MiB for the machine's memory",
            (unsigned long long)bytes >> 20);
    mem_free(m);
    return NULL;
}

void mem_free(struct mem *m)
{
    if (!m)
        return;
    if (m->guard.fault)
        guard_remove(&m->guard);
    if (m->base)
        munmap((void *)m->guard.start, m->guard.end - m->guard.start);
    free(m->flags);
    free(m->written);
    free(m->changed);
    free(m);
}

uint64_t mem_bytes(const struct mem *m)
{
    return m->bytes;
}

uint64_t mem_frames(const struct mem *m)
{
    return m->frames;
}

uint8_t *mem_base(struct mem *m)
{
    return m->base;
}

void *mem_span(struct mem *m, maddr_t a, size_t n)
{
    if (!n || a.v >= m->bytes || n > m->bytes - a.v)
        return NULL;
    if (a.v < PC_HOLE_END && a.v + n > PC_HOLE_START)
        return NULL;
    return m->base + a.v;
}

bool mem_read(struct mem *m, maddr_t a, void *to, size_t n)
{
    const void *p = mem_span(m, a, n);
    if (p)
        memcpy(to, p, n);
    return p || !n;
}

bool mem_write(struct mem *m, maddr_t a, const void *from, size_t n)
{
    void *p = mem_span(m, a, n);
    if (p)
        memcpy(p, from, n);
    return p || !n;
}

void mem_guard_code(struct mem *m, uint64_t frame)
{
    if (!mem_is_ram(m, frame))
        return;
    uint8_t *f = &m->flags[frame];
    if (*f & WATCH_CODE)
        return;
    bool was_writable = !(*f & WATCH_CLEAN);
    *f |= WATCH_CODE;
    if (was_writable && mprotect(m->base + (frame << PAGE_SHIFT), PAGE_SIZE, PROT_READ)) {
        /* Out of ranges: forget all watching once, which joins them, and try again. Every frame
           that was code is reported as written, this one included if it fails for good. */
        bool again = unprotect_all(m) && (*f |= WATCH_CODE) &&
                     !mprotect(m->base + (frame << PAGE_SHIFT), PAGE_SIZE, PROT_READ);
        assert(again && "the host refuses to protect a page");
    }
}

void mem_on_code_write(struct mem *m, void (*fn)(void *ctx), void *ctx)
{
    m->on_code_write = fn;
    m->on_code_write_ctx = ctx;
}

bool mem_take_code_write(struct mem *m, uint64_t *frame)
{
    if (!m->written_count)
        return false;
    *frame = m->written[--m->written_count];
    m->flags[*frame] &= (uint8_t)~CODE_WRITTEN;
    return true;
}

void mem_track_start(struct mem *m)
{
    m->tracking = true;
    m->changed_count = 0;
    m->changed_sorted = true;
    for (uint64_t f = 0; f < m->frames; f++)
        if (!in_hole(f))
            m->flags[f] = (uint8_t)((m->flags[f] & ~CHANGED) | WATCH_CLEAN);
    /* At once for all of RAM; it joins the ranges that single frames had torn apart. */
    bool done = protect(m, PROT_READ);
    assert(done && "the host refuses to protect the machine's memory");
    (void)done;
}

static int by_frame(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

size_t mem_changed(struct mem *m, const uint64_t **frames)
{
    if (!m->tracking) {
        m->changed_count = 0;
        for (uint64_t f = 0; f < m->frames; f++)
            if (!in_hole(f))
                m->changed[m->changed_count++] = f;
    } else if (!m->changed_sorted) {
        qsort(m->changed, m->changed_count, sizeof *m->changed, by_frame);
    }
    m->changed_sorted = true;
    *frames = m->changed;
    return m->changed_count;
}
