/* SPDX-License-Identifier: GPL-2.0-only */
/* The packets about registers and memory. What cannot be seen or changed here is answered with an error;
   gdb then tells the person which register, or which address. */
#include <string.h>

#include "internal.h"

#define OK(g) gdb_put(&(g)->reply, "OK")

/* ---- registers ---- */

void gdb_get_all(struct gdb_stub *g, const char *args)
{
    struct gdb_registers r;

    (void)args;
    gdb_registers_take(g->debug, &r);
    for (unsigned i = 0; i < gdb_registers(); i++)
        gdb_register_put(&g->reply, &r, i);
}

void gdb_get_one(struct gdb_stub *g, const char *args)
{
    struct gdb_registers r;
    uint64_t number;

    if (!gdb_number(&args, &number) || *args || number >= gdb_registers()) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    gdb_registers_take(g->debug, &r);
    gdb_register_put(&g->reply, &r, (unsigned)number);
}

/* One from its digits; 'x' where gdb does not know it either. */
static bool set(struct gdb_stub *g, unsigned number, const char *digits, struct err *err)
{
    uint8_t bytes[16];

    if (digits[0] == 'x')
        return true;
    if (!gdb_bytes(digits, bytes, gdb_register_size(number)))
        return err_set(err, ERR_USAGE, "a register without digits");
    return gdb_register_set(g->debug, number, bytes, err);
}

void gdb_set_all(struct gdb_stub *g, const char *args)
{
    struct err err = {0};
    size_t left = strlen(args);

    for (unsigned i = 0; i < gdb_registers(); i++) {
        size_t digits = 2 * gdb_register_size(i);
        if (left < digits || !set(g, i, args, &err)) {
            gdb_error(g, left < digits ? GDB_MALFORMED : GDB_CANNOT);
            return;
        }
        args += digits;
        left -= digits;
    }
    OK(g);
}

void gdb_set_one(struct gdb_stub *g, const char *args)
{
    struct err err = {0};
    uint64_t number;

    if (!gdb_number(&args, &number) || !gdb_skip(&args, "=") || number >= gdb_registers())
        gdb_error(g, GDB_MALFORMED);
    else if (set(g, (unsigned)number, args, &err))
        OK(g);
    else
        gdb_error(g, GDB_CANNOT);
}

/* ---- memory ---- */

bool gdb_range(const char **args, uint64_t *at, uint64_t *n)
{
    return gdb_number(args, at) && gdb_skip(args, ",") && gdb_number(args, n);
}

static bool peek(struct gdb_stub *g, uint64_t at, void *to, uint32_t n)
{
    if (g->physical)
        return mem_read(debug_machine(g->debug)->domain->mem, MADDR(at), to, n);
    return at + n <= 1ull << 32 && debug_peek(g->debug, (uint32_t)at, to, n);
}

/* What can be read of it, up to the first page that is not there. */
void gdb_get_memory(struct gdb_stub *g, const char *args)
{
    uint8_t bytes[4096];
    uint64_t at, n;

    if (!gdb_range(&args, &at, &n) || *args) {
        gdb_error(g, GDB_MALFORMED);
        return;
    }
    if (n > GDB_PACKET_MAX / 2)
        n = GDB_PACKET_MAX / 2;
    while (n) {
        uint32_t piece = 4096 - (uint32_t)(at & 4095);
        if (piece > n)
            piece = (uint32_t)n;
        if (!peek(g, at, bytes, piece))
            break;
        gdb_put_hex(&g->reply, bytes, piece);
        at += piece;
        n -= piece;
    }
    if (n && !g->reply.n)
        gdb_error(g, GDB_CANNOT);
}

static void put_memory(struct gdb_stub *g, uint64_t at, const void *bytes, uint64_t n)
{
    struct err err = {0};
    bool ok = !n || (g->physical ? debug_write_physical(g->debug, at, bytes, (uint32_t)n, &err)
                                 : at + n <= 1ull << 32 && debug_write(g->debug, (uint32_t)at,
                                                                       bytes, (uint32_t)n, &err));

    if (ok)
        OK(g);
    else
        gdb_error(g, GDB_CANNOT);
}

void gdb_set_memory(struct gdb_stub *g, const char *args)
{
    uint8_t bytes[GDB_PACKET_MAX / 2];
    uint64_t at, n;

    if (!gdb_range(&args, &at, &n) || !gdb_skip(&args, ":") || n > sizeof bytes ||
        !gdb_bytes(args, bytes, n) || args[2 * n])
        gdb_error(g, GDB_MALFORMED);
    else
        put_memory(g, at, bytes, n);
}

void gdb_set_memory_binary(struct gdb_stub *g, const char *args)
{
    const char *end = g->reader.text + g->reader.n;
    uint64_t at, n;

    if (!gdb_range(&args, &at, &n) || !gdb_skip(&args, ":") || n != (uint64_t)(end - args))
        gdb_error(g, GDB_MALFORMED);
    else
        put_memory(g, at, args, n);
}
