/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of linear memory: cut at page boundaries, each piece walked, then copied. All pieces are
 * walked before the first byte moves, so that a fault leaves nothing half done.
 */
#include <string.h>

#include "x86.h"

static uint32_t piece_length(uint32_t at, uint32_t left)
{
    uint32_t room = PAGE_SIZE - (at & (PAGE_SIZE - 1));

    return left < room ? left : room;
}

/* Can all of [a, a+n) be accessed so? Sets accessed and dirty bits where asked to. */
static bool check(const struct x86_regs *r, struct mem *m, uint32_t at, uint32_t n,
                  enum x86_access how, bool user, bool set_ad, uint32_t *cr2, uint32_t *error)
{
    struct x86_walk w;

    for (uint32_t len; n; at += len, n -= len) {
        len = piece_length(at, n);
        if (!x86_walk(r, m, GVA(at), how, user, set_ad, &w)) {
            *cr2 = at;
            *error = w.error;
            return false;
        }
    }
    return true;
}

static void read_piece(struct mem *m, maddr_t from, uint8_t *to, uint32_t n)
{
    if (!mem_read(m, from, to, n))
        memset(to, 0xFF, n); /* pieces never cross the end of RAM: all or nothing */
}

static bool read_range(const struct x86_regs *r, struct mem *m, uint32_t at, uint8_t *to,
                       uint32_t n, bool user, bool set_ad, uint32_t *cr2, uint32_t *error)
{
    struct x86_walk w;

    if (piece_length(at, n) < n && !check(r, m, at, n, X86_READ, user, set_ad, cr2, error))
        return false;
    for (uint32_t len; n; at += len, to += len, n -= len) {
        len = piece_length(at, n);
        if (!x86_walk(r, m, GVA(at), X86_READ, user, set_ad, &w)) {
            *cr2 = at;
            *error = w.error;
            return false;
        }
        read_piece(m, w.addr, to, len);
    }
    return true;
}

bool x86_read(const struct x86_regs *r, struct mem *m, gva_t a, void *to, uint32_t n, bool user,
              uint32_t *cr2, uint32_t *error)
{
    return read_range(r, m, a.v, to, n, user, true, cr2, error);
}

bool x86_peek(const struct x86_regs *r, struct mem *m, gva_t a, void *to, uint32_t n)
{
    uint32_t cr2, error;

    return read_range(r, m, a.v, to, n, false, false, &cr2, &error);
}

bool x86_write(const struct x86_regs *r, struct mem *m, gva_t a, const void *from, uint32_t n,
               bool user, uint32_t *cr2, uint32_t *error)
{
    struct x86_walk w;
    const uint8_t *bytes = from;
    uint32_t at = a.v;

    /* A range within one page needs no rehearsal. In a longer one, rehearse without setting dirty
       bits: a page that was not written must not look so. */
    if (piece_length(at, n) < n && !check(r, m, at, n, X86_WRITE, user, false, cr2, error))
        return false;
    for (uint32_t len; n; at += len, bytes += len, n -= len) {
        len = piece_length(at, n);
        /* This fails after a good rehearsal only where the range holds the very page tables that
           map it, and then real stores would have stopped here too. */
        if (!x86_walk(r, m, GVA(at), X86_WRITE, user, true, &w)) {
            *cr2 = at;
            *error = w.error;
            return false;
        }
        mem_write(m, w.addr, bytes, len); /* outside RAM it goes nowhere */
    }
    return true;
}
