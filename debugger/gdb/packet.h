/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The envelope of gdb's remote serial protocol: `$text#sum`, acknowledged by `+` or `-`, and a bare
 * 0x03 for Ctrl-C. Pure functions over bounded buffers: bytes go in one by one, packets come out, and
 * nothing here knows what a packet says or where the bytes come from. Facts: the manual of gdb,
 * appendix E, "Overview" of the protocol.
 */
#ifndef DEBUGGER_GDB_PACKET_H
#define DEBUGGER_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest text of a packet, either way; gdb is told so (PacketSize). */
#define GDB_PACKET_MAX 16384u

/* ---- in ---- */

enum gdb_input {
    GDB_NOTHING,   /* in the middle of something, or between packets */
    GDB_PACKET,    /* text[0..n) is a packet; it stays until the next byte */
    GDB_ACK,       /* + */
    GDB_NAK,       /* -: say it again */
    GDB_INTERRUPT, /* Ctrl-C */
    GDB_DAMAGED,   /* a packet with a wrong sum */
    GDB_OVERSIZED, /* a packet that is longer than we said we take */
    GDB_STRAY,     /* the first of some bytes that belong to nothing */
};

struct gdb_reader {
    enum { READER_IDLE, READER_STRAY, READER_TEXT, READER_ESCAPE, READER_SUM1, READER_SUM2 } state;
    uint8_t sum;   /* of the text so far */
    uint8_t given; /* the first digit behind # */
    bool bad;      /* that was no digit */
    bool oversized;
    size_t n;
    char text[GDB_PACKET_MAX + 1]; /* escapes are undone; a NUL behind it */
};

/* Begin with {0}. */
enum gdb_input gdb_read_byte(struct gdb_reader *r, uint8_t byte);

/* ---- the words of a packet ---- */

/* The value of a hex digit, or -1. */
int gdb_digit(char c);
/* A hex number at *s of at most 16 digits, of which there must be one; *s moves behind it. */
bool gdb_number(const char **s, uint64_t *out);
/* n bytes from 2n digits; false: these are none, or too few. */
bool gdb_bytes(const char *s, uint8_t *to, size_t n);
/* *s begins with this word: moves behind it. */
bool gdb_skip(const char **s, const char *word);

/* ---- out ---- */

/* A text that is being written. What does not fit is left out, and `full` remembered. */
struct gdb_text {
    size_t n;
    bool full;
    char text[GDB_PACKET_MAX + 1];
};
void gdb_put(struct gdb_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gdb_put_hex(struct gdb_text *t, const void *bytes, size_t n);
/* Bytes as they are, those with a meaning escaped; how many of n fitted. */
size_t gdb_put_binary(struct gdb_text *t, const void *bytes, size_t n);

/* The largest frame around a text. */
#define GDB_FRAME_MAX (GDB_PACKET_MAX + 4)
/* `$text#sum` into to[GDB_FRAME_MAX], runs of one character shortened; the length. */
size_t gdb_frame(uint8_t *to, const char *text, size_t n);

#endif
