/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 128 bits that stand for the whole state of a machine: every state block with its name, the CPU's
 * architectural registers and cycle, every frame of RAM and of the disks. Two machines with the same digest are the
 * same machine, as far as their guests can ever find out. Not a defence against forgery: XXH3 is
 * fast, not cryptographic.
 */
#ifndef EMU_DIGEST_H
#define EMU_DIGEST_H

#include "parts.h"

/* Reads everything and changes nothing; a few milliseconds for 64 MiB. */
struct digest digest_state(const struct machine_parts *p);
/* Of any bytes: images, files. */
struct digest digest_bytes(const void *bytes, size_t n);

bool digest_equal(struct digest a, struct digest b);
/* 32 hexadecimal digits and a NUL; and back (false: not that). */
#define DIGEST_HEX 33
void digest_hex(struct digest d, char text[DIGEST_HEX]);
bool digest_parse(const char *text, struct digest *out);

/* The CPU's state with every byte that is no field's set to zero. */
void digest_canonical_cpu(const struct cpu_state *in, struct cpu_state *out);
/* Is a page all zero? Most are; skipping them is what makes digests and snapshots cheap. */
bool digest_page_is_zero(const void *page);

#endif
