/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What gdb is told of the machine: its registers, as a target description in XML and as bytes, and its
 * memory. The order of the registers is that of the table in target.c, and nowhere else.
 */
#ifndef DEBUGGER_GDB_TARGET_H
#define DEBUGGER_GDB_TARGET_H

#include "debugger/control/debug.h"
#include "packet.h"

/* Both are static text or owned by the caller (free()); NULL: out of memory. */
char *gdb_target_xml(void);
char *gdb_memory_map_xml(struct debug *d);

/* How many registers there are. */
unsigned gdb_registers(void);
/* The size of one in bytes, 0: there is no such register. */
unsigned gdb_register_size(unsigned number);

/* The registers as they are now: to be taken once for a packet. */
struct gdb_registers {
    struct cpu_state state;
    bool inside; /* in the middle of a crossing: the x87 and SSE registers cannot be seen */
};
void gdb_registers_take(struct debug *d, struct gdb_registers *r);
/* Append one as hex digits in the guest's byte order. */
void gdb_register_put(struct gdb_text *t, const struct gdb_registers *r, unsigned number);
/* Set one from so many bytes. What gdb writes back unchanged is fine for all; really changed can be the
   general registers, EIP and EFLAGS. */
bool gdb_register_set(struct debug *d, unsigned number, const uint8_t *bytes, struct err *err);

#endif
