/* SPDX-License-Identifier: GPL-2.0-only */
/* See packet.h. The other side may be anything that can open a socket: every byte is a surprise. */
#include "packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INTERRUPT 0x03
#define ESCAPE    '}'
#define ESCAPED   0x20 /* is flipped in the character that follows ESCAPE */

/* ---- in ---- */

static void begin(struct gdb_reader *r)
{
    r->state = READER_TEXT;
    r->sum = 0;
    r->bad = false;
    r->oversized = false;
    r->n = 0;
}

static void keep(struct gdb_reader *r, uint8_t byte)
{
    if (r->n < GDB_PACKET_MAX)
        r->text[r->n++] = (char)byte;
    else
        r->oversized = true;
}

static enum gdb_input between(struct gdb_reader *r, uint8_t byte)
{
    bool first = r->state == READER_IDLE;

    r->state = READER_IDLE;
    switch (byte) {
    case '$':
        begin(r);
        return GDB_NOTHING;
    case '+':
        return GDB_ACK;
    case '-':
        return GDB_NAK;
    case INTERRUPT:
        return GDB_INTERRUPT;
    default:
        r->state = READER_STRAY;
        return first ? GDB_STRAY : GDB_NOTHING;
    }
}

static enum gdb_input end(struct gdb_reader *r, uint8_t byte)
{
    int high = gdb_digit((char)r->given), low = gdb_digit((char)byte);

    r->state = READER_IDLE;
    r->text[r->n] = '\0';
    if (r->oversized)
        return GDB_OVERSIZED;
    if (high < 0 || low < 0 || high * 16 + low != r->sum)
        return GDB_DAMAGED;
    return GDB_PACKET;
}

enum gdb_input gdb_read_byte(struct gdb_reader *r, uint8_t byte)
{
    switch (r->state) {
    case READER_IDLE:
    case READER_STRAY:
        return between(r, byte);
    case READER_TEXT:
    case READER_ESCAPE:
        if (byte == '#') {
            r->state = READER_SUM1;
            return GDB_NOTHING;
        }
        if (byte == '$') { /* the end of the one before was lost: here begins another */
            begin(r);
            return GDB_NOTHING;
        }
        r->sum += byte;
        if (r->state == READER_ESCAPE) {
            r->state = READER_TEXT;
            keep(r, byte ^ ESCAPED);
        } else if (byte == ESCAPE) {
            r->state = READER_ESCAPE;
        } else {
            keep(r, byte);
        }
        return GDB_NOTHING;
    case READER_SUM1:
        r->given = byte;
        r->state = READER_SUM2;
        return GDB_NOTHING;
    case READER_SUM2:
        return end(r, byte);
    }
    __builtin_unreachable();
}

/* ---- the words of a packet ---- */

int gdb_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool gdb_number(const char **s, uint64_t *out)
{
    const char *p = *s;
    uint64_t v = 0;
    int digit;

    while ((digit = gdb_digit(*p)) >= 0) {
        if (v >> 60)
            return false;
        v = v << 4 | (uint64_t)digit;
        p++;
    }
    if (p == *s)
        return false;
    *s = p;
    *out = v;
    return true;
}

bool gdb_bytes(const char *s, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = gdb_digit(s[2 * i]);
        int low = high < 0 ? -1 : gdb_digit(s[2 * i + 1]); /* not behind the NUL */
        if (low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool gdb_skip(const char **s, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*s, word, n))
        return false;
    *s += n;
    return true;
}

/* ---- out ---- */

void gdb_put(struct gdb_text *t, const char *fmt, ...)
{
    size_t room = sizeof t->text - t->n;
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(t->text + t->n, room, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < room)
        t->n += (size_t)n;
    else
        t->full = true;
    t->text[t->n] = '\0';
}

void gdb_put_hex(struct gdb_text *t, const void *bytes, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *b = bytes;

    if (n > (GDB_PACKET_MAX - t->n) / 2) {
        t->full = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        t->text[t->n++] = digit[b[i] >> 4];
        t->text[t->n++] = digit[b[i] & 15];
    }
    t->text[t->n] = '\0';
}

size_t gdb_put_binary(struct gdb_text *t, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    size_t i;

    for (i = 0; i < n; i++) {
        bool escape = b[i] == '#' || b[i] == '$' || b[i] == ESCAPE || b[i] == '*';
        if (t->n + 1 + escape > GDB_PACKET_MAX)
            break;
        if (escape)
            t->text[t->n++] = ESCAPE;
        t->text[t->n++] = (char)(escape ? b[i] ^ ESCAPED : b[i]);
    }
    t->text[t->n] = '\0';
    return i;
}

/*
 * `0* ` means 0 and three more of it: the character behind the star is 29 plus the number of further
 * ones. It must be printable, and none that means something by itself.
 */
static size_t repeats(const char *text, size_t n)
{
    size_t more = 0;

    while (more + 1 < n && more < 126 - 29 && text[more + 1] == text[0])
        more++;
    while (more >= 3 && strchr("#$+-", (int)more + 29))
        more--;
    return more >= 3 ? more : 0;
}

size_t gdb_frame(uint8_t *to, const char *text, size_t n)
{
    uint8_t *p = to, sum = 0;

    *p++ = '$';
    for (size_t i = 0; i < n; i++) {
        *p++ = (uint8_t)text[i];
        size_t more = repeats(text + i, n - i);
        if (!more)
            continue;
        *p++ = '*';
        *p++ = (uint8_t)(more + 29);
        i += more;
    }
    for (const uint8_t *q = to + 1; q < p; q++)
        sum += *q;
    *p++ = '#';
    *p++ = (uint8_t) "0123456789abcdef"[sum >> 4];
    *p++ = (uint8_t) "0123456789abcdef"[sum & 15];
    return (size_t)(p - to);
}
